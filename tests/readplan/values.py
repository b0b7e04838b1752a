"""Values for the arguments of random documents: right ones, and now and then one that is not."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    Undefined,
    get_named_type,
    get_nullable_type,
)

from trenza.domain.ids import Prefix

PAGING = ("first", "after", "last", "before")
BAD_CURSORS = ("", "x", "bm9uZQ", "W10", "WyJ4Iiwx", "ñ", "WyJhYWFhYWEiLDFd", "....")
BAD_INSTANTS = ("2026-13-01T00:00:00Z", "2026-11-01T00:00:00", "1969-01-01T00:00:00Z", "now")
BAD_ADDRESSES = (("EMAIL", "nobody"), ("SMS", "12"), ("WHATSAPP", ""), ("PUSH", " "))
STRANGE_TEXTS = ("", "%", "_", "\\", "'", '"', "a", "Á", "ñ", "😀", "%_/", "zz", "O'", "é" * 3)
IDS_MAX = 100
TAGS = ("vip", "VIP", "ñ's \"", "%_/")
COMPARISONS = ("eq", "neq", "lt", "lte", "gt", "gte")
FEW = 8
"""Inputs of more fields have fewer of them at once: so many conditions let nothing through."""


class Symbol(str):
    """The name of an enum's value: quoted in JSON, bare in a document."""

    __slots__ = ()


ONE_OF = "SegmentConditionInput"
"""An input of which exactly one field is given."""
EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "SegmentFieldConditionInput": [
        {"field": Symbol("COUNTRY"), "operator": Symbol("EQ"), "values": ["CO"]},
        {"field": Symbol("STAGE"), "operator": Symbol("IN"), "values": ["SALE", "SERVICE"]},
        {"field": Symbol("COMPANY"), "operator": Symbol("CONTAINS"), "values": ["a"]},
        {"field": Symbol("NAME"), "operator": Symbol("CONTAINS"), "values": ["Á"]},
        {"field": Symbol("CITY"), "operator": Symbol("ABSENT")},
        {"field": Symbol("CREATED_AT"), "operator": Symbol("BEFORE_DAYS"), "days": 20},
        {"field": Symbol("BIRTHDAY"), "operator": Symbol("WITHIN_DAYS"), "days": 60},
    ],
    "SegmentCustomFieldConditionInput": [
        {"key": "size", "operator": Symbol("GTE"), "number": 2.5},
        {"key": "size", "operator": Symbol("NEQ"), "texts": ["x"]},
        {"key": "since", "operator": Symbol("LT"), "day": "2026-11-01"},
        {"key": "member", "operator": Symbol("EQ"), "boolean": True},
        {"key": "member", "operator": Symbol("ABSENT")},
    ],
    "SegmentPeriodInput": [{"lastDays": days} for days in (1, 7, 30)]
    + [{"since": "2026-10-15T00:00:00Z"}, {"until": "2026-11-15T00:00:00-05:00"}, {}],
}
"""What belongs together in an input."""


@dataclass
class Known:
    """What a client of a workspace has seen there, and can therefore ask for."""

    ids: list[str]
    strange_ids: list[str]
    """Foreign, absent and malformed ones."""
    cursors: dict[str, list[str]]
    """By the list that they belong to: `Contact.tickets`, and the order where one may choose."""
    addresses: list[tuple[str, str]]
    instants: list[str]
    dates: list[str]
    custom: dict[str, list[Any]] = dataclasses.field(default_factory=dict)
    """Values that contacts have in each custom field that some of them have one in."""


def literal(value: Any, *, ascii_only: bool = False) -> str:
    """A value as it stands in a document."""
    if isinstance(value, Symbol):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(literal(each, ascii_only=ascii_only) for each in value)}]"
    if isinstance(value, dict):
        pairs = (f"{name}: {literal(each, ascii_only=ascii_only)}" for name, each in value.items())
        return f"{{{', '.join(pairs)}}}"
    return json.dumps(value, ensure_ascii=ascii_only)


class Values:
    """Picks the arguments of fields; a careless one makes mistakes."""

    def __init__(self, random: Random, known: Known, *, careless: bool) -> None:
        self._random = random
        self._known = known
        self._careless = careless

    def of(self, owner: str, name: str, field: GraphQLField) -> dict[str, Any]:
        """The arguments that a field is given, by name; those left out are absent."""
        given: dict[str, Any] = {}
        if "address" in field.args:
            given["channel"], given["address"] = self._address()
        if name == "contact" and "id" in field.args and self._is(0.8):
            people = [id for id in self._known.ids if id.startswith(f"{Prefix.CONTACT}_")]
            given["id"] = self._random.choice(people or self._known.ids)
        if "from" in field.args and ("cycleOf" not in field.args or self._is(0.4)):
            given["from"], given["to"] = self._period()
        for argument, definition in field.args.items():
            if argument in given or argument in PAGING:
                continue
            # A cycle or a period: neither both nor half of one.
            shut = {"cycleOf"} if "from" in given else {"from", "to"}
            if "cycleOf" in field.args and argument in shut and not self._slips():
                continue
            is_required = isinstance(definition.type, GraphQLNonNull)
            if (is_required and not has_default(definition)) or self._is(0.4):
                given[argument] = self._value(argument, definition.type)
            elif not is_required and self._is(0.1):
                given[argument] = None
        if "first" in field.args:
            given |= self._page(f"{owner}.{name}", given.get("orderBy"))
        return given

    def _is(self, share: float) -> bool:
        return self._random.random() < share

    def _slips(self) -> bool:
        return self._careless and self._is(0.25)

    def _value(self, name: str, type_: Any) -> Any:
        named = get_named_type(type_)
        bare = get_nullable_type(type_)
        if isinstance(bare, GraphQLList) and name != "ids":
            count = self._random.choice([0, 1, 1, 2, 3])
            return [self._value(name, bare.of_type) for _ in range(count)]
        if isinstance(named, GraphQLEnumType):
            return Symbol(self._random.choice(list(named.values)))
        if isinstance(named, GraphQLInputObjectType):
            return self._input(named)
        return getattr(self, f"_{named.name.lower()}")(name)

    def _input(self, type_: GraphQLInputObjectType) -> dict[str, Any]:
        if type_.name == "CustomFieldFilter":
            return self._custom_condition()
        if type_.name == "ContactOrder":
            return self._contact_order(type_)
        found: dict[str, Any] = {}
        share = 0.3 if len(type_.fields) < FEW else 0.15
        if type_.name == ONE_OF and not self._slips():
            name, field = self._random.choice(list(type_.fields.items()))
            return {name: self._value(name, field.type)}
        if type_.name in EXAMPLES and not self._slips():
            return dict(self._random.choice(EXAMPLES[type_.name]))
        for name, field in type_.fields.items():
            is_nullable = get_nullable_type(field.type) is field.type
            if not (is_nullable or has_default(field)) or self._is(share):
                found[name] = self._value(name, field.type)
            elif is_nullable and self._is(0.1):
                found[name] = None
        return found

    def _custom_condition(self) -> dict[str, Any]:
        """A condition on a custom field, which fits its type."""
        key = self._custom_key()
        found: dict[str, Any] = {"key": key}
        if self._is(0.3):
            found["exists"] = self._is(0.5)
        for name in self._random.sample(COMPARISONS, self._random.randint(1, 2)):
            found[name] = self._custom_value(key)
        if self._is(0.2):
            found["in"] = [self._custom_value(key) for _ in range(self._random.randint(1, 3))]
        return found

    def _contact_order(self, type_: GraphQLInputObjectType) -> dict[str, Any]:
        field = self._value("field", type_.fields["field"].type)
        found: dict[str, Any] = {"field": field}
        if self._is(0.5):
            found["direction"] = Symbol(self._random.choice(["ASC", "DESC"]))
        if (field == "CUSTOM_FIELD") is not self._slips():
            found["key"] = self._custom_key()
        return found

    def _custom_key(self) -> str:
        if self._slips() or not self._known.custom:
            return self._random.choice(["none", "", "Ñ", "a'"])
        return self._random.choice(list(self._known.custom))

    def _custom_value(self, key: str) -> Any:
        """Some value of the field; a careless one is of another field."""
        fields = self._known.custom
        if self._slips() or key not in fields:
            return self._random.choice([1, "x", True, *chain.from_iterable(fields.values())])
        return self._random.choice(fields[key])

    def _customvalue(self, _: str) -> Any:
        return self._custom_value(self._custom_key())

    def _boolean(self, _: str) -> bool:
        return self._is(0.5)

    def _string(self, name: str) -> str:
        if name == "country":
            return "COL" if self._slips() else self._random.choice(["CO", "BR", "MX", "ñ"])
        if name == "verb" and not self._slips():
            return self._random.choice(["upsertContact", "inviteUser", "openTicket", "read"])
        if name == "key":
            return self._custom_key()
        if name in ("hasAllTags", "hasAnyTag") and self._is(0.8):
            return self._random.choice(TAGS)
        if self._slips():
            return self._random.choice(["x" * 201, "\x00", "a\x07b"])
        return self._random.choice(STRANGE_TEXTS[1:])

    def _int(self, name: str) -> int:
        if name == "top" and not self._slips():
            return self._random.choice([1, 2, 3, 9, 100])
        return self._random.choice([-1, 2**31 - 1] if self._slips() else [0, 1, 2, 3, 9])

    def _float(self, _: str) -> float:
        return self._random.choice([0.0, 2.5, -1e9])

    def _datetime(self, _: str) -> str:
        return self._random.choice(BAD_INSTANTS if self._slips() else self._known.instants)

    def _date(self, _: str) -> str:
        bad = ("2026-02-30", "hoy", "1980-01-01")
        return self._random.choice(bad if self._slips() else self._known.dates)

    def _id(self, name: str) -> Any:
        if name != "ids":
            return self._some_id()
        if self._slips():
            return [self._some_id() for _ in range(IDS_MAX + 1)]
        ids = [self._some_id() for _ in range(self._random.randrange(6))]
        return ids + self._random.choices(ids, k=1) if ids and self._is(0.2) else ids

    def _some_id(self) -> str:
        strange = self._is(0.15)
        return self._random.choice(self._known.strange_ids if strange else self._known.ids)

    def _address(self) -> tuple[Symbol, str]:
        choices = BAD_ADDRESSES if self._slips() else self._known.addresses
        channel, address = self._random.choice(choices)
        return Symbol(channel), address

    def _period(self) -> tuple[str, str]:
        pick: Callable[[], str] = lambda: self._datetime("at")  # noqa: E731 - twice the same
        one, other = sorted((pick(), pick()))
        if one == other and not self._careless:
            return "2026-10-01T00:00:00Z", "2026-11-20T00:00:00.5+02:00"
        return (other, one) if self._slips() else (one, other)

    def _page(self, field: str, order: Any) -> dict[str, Any]:
        page: dict[str, Any] = {}
        if self._is(0.8):
            page[self._random.choice(["first", "first", "last"])] = self._size()
        if self._slips():
            page |= {"first": 2, "last": 2}
        elif page and self._is(0.1):
            page.setdefault("first", None)
            page.setdefault("last", None)
        if isinstance(order, dict):
            field = f"{field} {order['field']} {order.get('direction', 'ASC')}"
            field += f" {order['key']}" if order.get("key") else ""
        for side in ("after", "before"):
            if self._is(0.15):
                page[side] = self._cursor(field)
        return page

    def _size(self) -> int:
        if self._slips():
            return self._random.choice([0, -1, 101])
        return self._random.choice([1, 1, 2, 2, 3, 4, 5, 20, 100])

    def _cursor(self, field: str) -> str | None:
        if self._slips():
            other = self._random.choice(list(self._known.cursors))
            return self._random.choice([*BAD_CURSORS, *self._known.cursors[other]])
        cursors = self._known.cursors.get(field)
        return self._random.choice(cursors) if cursors else None


def has_default(definition: Any) -> bool:
    """Whether an argument, or a field of an input, has a value where none is given."""
    return definition.default is not None or definition.default_value is not Undefined
