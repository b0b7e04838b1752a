"""The scalars of the API: instants and dates are read strictly and always written the same way."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

import strawberry
from graphql import (
    BooleanValueNode,
    FloatValueNode,
    GraphQLError,
    GraphQLID,
    GraphQLNamedType,
    GraphQLScalarType,
    IntValueNode,
    StringValueNode,
    ValueNode,
)
from graphql.type.scalars import coerce_id, parse_id_literal
from strawberry.types.scalar import ScalarDefinition

from trenza.domain.instant import instant_text
from trenza.readplan.schema import named

RFC_3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6}0*)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
FULL_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
NUMBER_LIMIT = 10**15
INT_TEXT_LONGEST = 20
FIRST_YEAR = 1900
"""The oldest dates are days of birth."""


def parse_instant(value: Any) -> datetime:
    """Reads an RFC 3339 instant with its offset; finer than a microsecond is refused, not cut.

    >>> parse_instant("2026-11-22T10:00:00.5-03:00").isoformat()
    '2026-11-22T13:00:00.500000+00:00'
    """
    if not isinstance(value, str) or not RFC_3339.fullmatch(value):
        raise GraphQLError(
            "DateTime is RFC 3339 with an offset and at most microseconds, "
            "like 2026-11-22T10:00:00.000000Z."
        )
    try:
        instant = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise GraphQLError(f"There is no instant {value}.") from None
    if not EARLIEST <= instant < LATEST:
        raise GraphQLError("DateTime goes from the year 1970 to the year 2199.")
    return instant


def parse_date(value: Any) -> date:
    """Reads a calendar date.

    >>> parse_date("2026-11-22")
    datetime.date(2026, 11, 22)
    """
    if not isinstance(value, str) or not FULL_DATE.fullmatch(value):
        raise GraphQLError("Date is year, month and day, like 2026-11-22.")
    try:
        found = date.fromisoformat(value)
    except ValueError:
        raise GraphQLError(f"There is no date {value}.") from None
    if not FIRST_YEAR <= found.year < LATEST.year:
        raise GraphQLError(f"Date goes from the year {FIRST_YEAR} to the year 2199.")
    return found


def parse_custom_value(value: Any) -> Any:
    """Takes a text, a finite number or a truth value.

    >>> parse_custom_value(2.5), parse_custom_value("a"), parse_custom_value(True)
    (2.5, 'a', True)
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and not (abs(value) < NUMBER_LIMIT):
        raise GraphQLError("CustomValue holds numbers of at most 15 digits.")
    if not isinstance(value, str | int | float):
        raise GraphQLError("CustomValue is a text, a number, or true or false.")
    return value


def _custom_literal(node: ValueNode, *_: Any) -> Any:
    try:
        return parse_custom_value(_plain_value(node))
    except GraphQLError as error:
        raise GraphQLError(error.message, node) from None


def _plain_value(node: ValueNode) -> Any:
    match node:
        case StringValueNode() | BooleanValueNode():
            return node.value
        case IntValueNode() if len(node.value) < INT_TEXT_LONGEST:
            return int(node.value)
        case IntValueNode() | FloatValueNode():
            return float(node.value)
    return None


def parse_id(value: Any) -> str:
    """Reads an id, with U+FFFD in the place of what no id can hold and PostgreSQL cannot be asked.

    So it names nothing, wherever it is given: as any other id that is malformed.

    >>> parse_id("list_\\x00"), parse_id(7)
    ('list_\ufffd', '7')
    """
    return _without_nul(coerce_id(value))


def _id_literal(node: ValueNode) -> str:
    return _without_nul(parse_id_literal(node))


def _without_nul(id: str) -> str:
    return id.replace("\x00", "\ufffd")


class _IdType(GraphQLScalarType):
    """The type of ids, in the place of graphql-core's, which keeps the name to itself otherwise."""

    reserved_types: Mapping[str, GraphQLNamedType] = MappingProxyType({})


@named
class CustomValue:
    """The scalar of values of custom fields; values are plain: `str`, `int`, `float` or `bool`."""


def _literal(parse: Callable[[Any], Any]) -> Callable[..., Any]:
    """Reads a value that stands in the document, and so is refused with its position."""

    def parse_literal(node: ValueNode, *_: Any) -> Any:
        try:
            return parse(node.value if isinstance(node, StringValueNode) else None)
        except GraphQLError as error:
            raise GraphQLError(error.message, node) from None

    return parse_literal


ID_TYPE = _IdType(
    name=GraphQLID.name,
    description=GraphQLID.description,
    coerce_output_value=GraphQLID.coerce_output_value,
    coerce_input_value=parse_id,
    coerce_input_literal=_id_literal,
    value_to_literal=GraphQLID.value_to_literal,
)
SCALARS: dict[object, ScalarDefinition] = {
    strawberry.ID: ScalarDefinition(
        name=ID_TYPE.name,
        description=ID_TYPE.description,
        specified_by_url=None,
        serialize=ID_TYPE.serialize,
        parse_value=ID_TYPE.parse_value,
        parse_literal=ID_TYPE.parse_literal,
        implementation=ID_TYPE,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description=(
            "An instant, RFC 3339: with any offset in, in UTC with `Z` and microseconds out. "
            "From 1970 to 2199."
        ),
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=instant_text,
        parse_value=parse_instant,
        parse_literal=_literal(parse_instant),
    ),
    date: strawberry.scalar(
        name="Date",
        description="A calendar date, `YYYY-MM-DD`, from 1900 to 2199.",
        serialize=date.isoformat,
        parse_value=parse_date,
        parse_literal=_literal(parse_date),
    ),
    CustomValue: strawberry.scalar(
        name="CustomValue",
        description=(
            "A value of a custom field: a text for STRING, DATE (`YYYY-MM-DD`) and ENUM, a number "
            "of at most 15 digits for NUMBER, true or false for BOOLEAN."
        ),
        serialize=lambda value: value,
        parse_value=parse_custom_value,
        parse_literal=_custom_literal,
    ),
}
