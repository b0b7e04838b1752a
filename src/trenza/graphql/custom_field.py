"""Custom fields: their definitions, the values of a contact, and what may be asked by them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import strawberry

from trenza.domain.access import Privacy
from trenza.domain.custom_field import CustomField as Definition
from trenza.domain.custom_field import FieldType, read_key
from trenza.domain.errors import InvalidInput
from trenza.domain.text import clean
from trenza.graphql.context import Context
from trenza.graphql.scalars import CustomValue
from trenza.readplan.fields import Argument, Condition, column, figure
from trenza.readplan.reader import Row
from trenza.readplan.schema import Record, named, record
from trenza.storage.custom_value import (
    KINDS,
    as_operand,
    compares,
    has_value,
    is_among,
    kind_of,
    order_by_value,
)

if TYPE_CHECKING:
    from strawberry import ID

CONDITIONS_MAX = 20
AMONG_MAX = 100
COMPARISONS = ("eq", "neq", "lt", "lte", "gt", "gte")
LONGEST = 1000


@record()
class CustomField(Record):
    """A field that the workspace keeps of its contacts beside the built-in ones."""

    id: ID = column("Its id, opaque and stable.")
    key: str = column("What values are given and asked by.")
    name: str = column("Its name, for people.")
    type: FieldType = column("What its values are.")
    privacy: Privacy = column("How much it tells of a person: who does not see it.")
    options: list[str] = column("What an ENUM can be; empty for the other types.")
    created_at: datetime = column("When it was first defined.")
    archived_at: datetime | None = column("When it was taken out of use; its values are hidden.")


@record()
class CustomFieldValue(Record):
    """The value that a contact has in a custom field."""

    key: str = column("The key of the field.")
    name: str = column("The name of the field.")
    type: FieldType = column("What its values are.")
    value: CustomValue = column("The value.")
    privacy: Privacy = column("How much the field tells of a person.")


def definition_row(field: Definition) -> Row:
    """A definition as the row of its object."""
    return {
        "id": field.id,
        "key": field.key,
        "name": field.name,
        "type": field.type,
        "privacy": field.privacy,
        "options": list(field.options),
        "created_at": field.created_at,
        "archived_at": field.archived_at,
    }


async def list_custom_fields(operation: Context) -> list[Row]:
    """The custom fields that the key sees, by their keys; archived ones among them."""
    found = await operation.figures.custom_fields()
    sees = operation.viewer.sees
    return [definition_row(each) for each in found.values() if each.privacy in sees]


def _load(operation: Context, _: Mapping[str, Any]) -> Awaitable[None] | None:
    """Finds the definitions, once for all contacts of an answer."""
    figures = operation.figures
    return None if figures.known_custom_fields is not None else _loaded(operation)


async def _loaded(operation: Context) -> None:
    await operation.figures.custom_fields()


async def _permit_key(operation: Context, given: Mapping[str, Any]) -> None:
    """Refuses a field that the key does not see, whether or not a contact has a value in it."""
    field = (await operation.figures.custom_fields()).get(given["key"])
    if field is not None:
        operation.viewer.require_sight(field.privacy, field.key, path=("key",))


def values_of(operation: Context, custom: Mapping[str, Any]) -> Any:
    """What the contact has in the custom fields that the key sees, by their keys."""
    known = operation.figures.known_custom_fields
    return _when_known(operation, custom) if known is None else _values(operation, known, custom)


async def _when_known(operation: Context, custom: Mapping[str, Any]) -> list[Row]:
    return _values(operation, await operation.figures.custom_fields(), custom)


def _values(
    operation: Context, known: Mapping[str, Definition], custom: Mapping[str, Any]
) -> list[Row]:
    sees = operation.viewer.sees
    return [
        {**definition_row(field), "value": custom[key]}
        for key, field in known.items()
        if key in custom and field.archived_at is None and field.privacy in sees
    ]


async def value_of(operation: Context, custom: Mapping[str, Any], key: str) -> Row | None:
    """What the contact has in one custom field; null without a value, or without such a field."""
    known = await operation.figures.custom_fields()
    one = {name: value for name, value in custom.items() if name == key}
    found = _values(operation, known, one)
    return found[0] if found else None


CUSTOM_FIELDS = partial(figure, values_of, "custom", check=_load)
CUSTOM_FIELD = partial(
    figure,
    value_of,
    "custom",
    arguments={"key": Argument("str", "The key of the field.")},
    check=_permit_key,
)


def _value(description: str) -> Any:
    return strawberry.field(default=None, description=description)


@named
@strawberry.input(description="A condition on the value of a custom field; all given must hold.")
class CustomFieldFilter:
    """A condition on the value of a custom field; all given must hold.

    A contact without a value meets none of them but `exists: false`.
    """

    key: str = strawberry.field(description="The key of the field.")
    eq: CustomValue | None = _value("The value is this one.")
    neq: CustomValue | None = _value("There is a value, and it is another one.")
    lt: CustomValue | None = _value("The value is less; texts are compared letter by letter.")
    lte: CustomValue | None = _value("The value is less, or this one.")
    gt: CustomValue | None = _value("The value is greater.")
    gte: CustomValue | None = _value("The value is greater, or this one.")
    in_: list[CustomValue] | None = strawberry.field(
        default=None, name="in", description="The value is one of these, at most 100."
    )
    exists: bool | None = _value("True: there is a value; false: there is none.")


def custom_conditions(given: Sequence[CustomFieldFilter]) -> Iterator[tuple[Condition, Any]]:
    """The conditions of a filter on custom fields; raises InvalidInput for one of no use."""
    if len(given) > CONDITIONS_MAX:
        whole = ("filter", "customFields")
        raise InvalidInput(f"at most {CONDITIONS_MAX} custom fields", path=whole)
    for index, each in enumerate(given):
        path = ("filter", "customFields", str(index))
        key = read_key(each.key, (*path, "key"))
        found = list(_conditions(key, each, path))
        if not found:
            raise InvalidInput("say what the value has to be", path=path)
        yield from found


def _conditions(
    key: str, each: CustomFieldFilter, path: tuple[str, ...]
) -> Iterator[tuple[Condition, Any]]:
    for name in COMPARISONS:
        value = getattr(each, name)
        if value is not None:
            yield _COMPARING[name, kind_of(value)], (key, _operand(value, (*path, name)))
    if each.in_ is not None:
        if len(each.in_) > AMONG_MAX:
            raise InvalidInput(f"at most {AMONG_MAX} values", path=(*path, "in"))
        kinds = set(map(kind_of, each.in_)) or {str}
        if len(kinds) > 1:
            raise InvalidInput("values of one type", path=(*path, "in"))
        operands = [_operand(value, (*path, "in")) for value in each.in_]
        yield _AMONG[kinds.pop()], (key, json.dumps(operands))
    if each.exists is not None:
        yield _EXISTING, (key, each.exists)


def _operand(value: Any, path: tuple[str, ...]) -> Any:
    return as_operand(clean(value, path, LONGEST) if isinstance(value, str) else value)


_COMPARING = {
    (name, kind): Condition(partial(compares, name, kind=kind), count=2)
    for name in COMPARISONS
    for kind in KINDS
}
_AMONG = {kind: Condition(partial(is_among, kind=kind), count=2) for kind in KINDS}
_EXISTING = Condition(has_value, count=2)


def custom_order(chosen: Any) -> tuple[Any, ...]:
    """The columns of an order by a custom field; raises InvalidInput without a key."""
    if chosen.key is None:
        raise InvalidInput("CUSTOM_FIELD needs the key of the field", path=("orderBy", "key"))
    return order_by_value(read_key(chosen.key, ("orderBy", "key")))


async def permit_custom_fields(
    operation: Context, filters: Sequence[CustomFieldFilter], order_key: str | None
) -> None:
    """Refuses a filter or an order by a custom field, before anything depends on its values.

    Raises Forbidden for a field that the key does not see; InvalidInput for one that is not there
    or was archived, and for a value that the field cannot have.
    """
    list(custom_conditions(filters))
    known = await operation.figures.custom_fields()
    for index, each in enumerate(filters):
        path = ("filter", "customFields", str(index))
        field = _usable(operation, known, each.key, (*path, "key"))
        for name in COMPARISONS:
            if (value := getattr(each, name)) is not None:
                field.read(value, (*path, name))
        values: Sequence[Any] = each.in_ or ()
        for value in values:
            field.read(value, (*path, "in"))
    if order_key is not None:
        _usable(operation, known, order_key, ("orderBy", "key"))


def _usable(
    operation: Context, known: Mapping[str, Definition], key: str, path: tuple[str, ...]
) -> Definition:
    field = known.get(key)
    if field is not None:
        operation.viewer.require_sight(field.privacy, key, path=path)
    if field is None or field.archived_at is not None:
        raise InvalidInput("the workspace has no custom field of this key", path=path)
    return field
