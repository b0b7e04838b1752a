"""Conditions and orders on the custom fields and the tags of contacts.

The values of a contact are one JSON object. What looks into it is written once for each database
and means the same: a value is compared with one of its kind, a text byte by byte.
"""

# The texts of statements are put together of what SQLAlchemy has compiled: no value is in them.
# ruff: noqa: S608

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Float,
    Integer,
    Text,
    case,
    cast,
    func,
    literal_column,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from trenza.domain.custom_field import Value
from trenza.storage.contact import CONTACT


class text_in(FunctionElement[str]):  # noqa: N801 - named as SQL names functions
    """The text under a key of a JSON object; nothing for what is none."""

    type = Text()
    inherit_cache = True
    name = "text_in"


class boolean_in(FunctionElement[str]):  # noqa: N801 - named as SQL names functions
    """`true` or `false` under a key of a JSON object; nothing for what is neither."""

    type = Text()
    inherit_cache = True
    name = "boolean_in"


class number_in(FunctionElement[float]):  # noqa: N801 - named as SQL names functions
    """The number under a key of a JSON object; nothing for what is none."""

    type = Float()
    inherit_cache = True
    name = "number_in"


class exists_in(FunctionElement[bool]):  # noqa: N801 - named as SQL names functions
    """Whether a JSON object has a value under a key; null is none."""

    type = Boolean()
    inherit_cache = True
    name = "exists_in"


def _sides(element: Any, compiler: Any, options: Mapping[str, Any]) -> tuple[str, str]:
    document, key = element.clauses
    return compiler.process(document, **options), compiler.process(key, **options)


def _text_of_kind(kind: str, element: Any, compiler: Any, options: Mapping[str, Any]) -> str:
    """PostgreSQL's text of a value of one kind; nothing for any other."""
    document, key = _sides(element, compiler, options)
    return (
        f"(CASE jsonb_typeof({document} -> {key}) WHEN '{kind}' THEN {document} ->> {key} END "
        'COLLATE "C")'
    )


@compiles(text_in)
def _text_in_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return _text_of_kind("string", element, compiler, options)


@compiles(text_in, "sqlite")
def _text_in_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    document, key = _sides(element, compiler, options)
    return (
        f"(CASE json_type({document}, '$.' || {key}) WHEN 'text' "
        f"THEN json_extract({document}, '$.' || {key}) END)"
    )


@compiles(boolean_in)
def _boolean_in_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    return _text_of_kind("boolean", element, compiler, options)


@compiles(boolean_in, "sqlite")
def _boolean_in_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    document, key = _sides(element, compiler, options)
    return (
        f"(CASE WHEN json_type({document}, '$.' || {key}) IN ('true', 'false') "
        f"THEN json_type({document}, '$.' || {key}) END)"
    )


# What is no number is never cast: rows of other workspaces may be looked at first.
@compiles(number_in)
def _number_in_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    document, key = _sides(element, compiler, options)
    return (
        f"(CASE jsonb_typeof({document} -> {key}) WHEN 'number' "
        f"THEN CAST({document} ->> {key} AS DOUBLE PRECISION) END)"
    )


@compiles(number_in, "sqlite")
def _number_in_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    document, key = _sides(element, compiler, options)
    return (
        f"(CASE WHEN json_type({document}, '$.' || {key}) IN ('integer', 'real') "
        f"THEN json_extract({document}, '$.' || {key}) END)"
    )


@compiles(exists_in)
def _exists_in_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    document, key = _sides(element, compiler, options)
    return f"COALESCE(jsonb_typeof({document} -> {key}) <> 'null', false)"


@compiles(exists_in, "sqlite")
def _exists_in_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    document, key = _sides(element, compiler, options)
    return f"COALESCE(json_type({document}, '$.' || {key}) <> 'null', false)"


class elements_of(FunctionElement[Any]):  # noqa: N801 - named as SQL names functions
    """The texts, or the numbers, of a JSON array that is given as text: a subquery."""

    inherit_cache = True
    name = "elements_of"


@compiles(elements_of)
def _elements_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    [given] = element.clauses
    array = f"CAST({compiler.process(given, **options)} AS JSONB)"
    found = "CAST(e AS DOUBLE PRECISION)" if isinstance(element.type, Float) else "e"
    return f"(SELECT {found} FROM jsonb_array_elements_text({array}) AS e)"


@compiles(elements_of, "sqlite")
def _elements_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    [given] = element.clauses
    return f"(SELECT value FROM json_each({compiler.process(given, **options)}))"


class texts_of(elements_of):  # noqa: N801 - named as SQL names functions
    """The texts of a JSON array."""

    type = Text()
    inherit_cache = True


class numbers_of(elements_of):  # noqa: N801 - named as SQL names functions
    """The numbers of a JSON array."""

    type = Float()
    inherit_cache = True


_COMPARED: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "eq": lambda one, other: one == other,
    "neq": lambda one, other: one != other,
    "lt": lambda one, other: one < other,
    "lte": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "gte": lambda one, other: one >= other,
}
"""The comparisons of a value with another; a contact without a value never has one that holds."""


_READING: Mapping[type, Callable[[Any, Any], ColumnElement[Any]]] = {
    bool: boolean_in,
    float: number_in,
    str: text_in,
}
KINDS = tuple(_READING)
"""What values are compared as."""


def kind_of(value: object) -> type:
    """What a value is compared as: a boolean, a number or a text; other kinds never compare.

    >>> kind_of(True), kind_of(7), kind_of("VIP")
    (<class 'bool'>, <class 'float'>, <class 'str'>)
    """
    return float if type(value) is int else type(value)


def compares(name: str, key: Any, operand: Any, *, kind: type) -> ColumnElement[bool]:
    """The condition of a contact whose value under a key compares so with an operand of a kind."""
    other = cast(operand, Float() if kind is float else Text())
    return _COMPARED[name](own_value(cast(key, Text()), kind), other)


def is_among(key: Any, operand: Any, *, kind: type) -> ColumnElement[bool]:
    """The condition of a contact whose value is an element of a JSON array given as text."""
    given = cast(operand, Text())
    elements = numbers_of(given) if kind is float else texts_of(given)
    return own_value(cast(key, Text()), kind).bool_op("IN")(elements)


def own_value(key: ColumnElement[str], kind: type) -> ColumnElement[Any]:
    """The value of a contact under a key; nothing where it is of another kind."""
    return _READING[kind](CONTACT.c.custom, key)


def has_value(key: Any, operand: Any) -> ColumnElement[bool]:
    """The condition of a contact that has a value under a key, or has none, as the operand says."""
    return exists_in(CONTACT.c.custom, cast(key, Text())) == cast(operand, Boolean())


def as_operand(value: Value) -> Value:
    """A value as the operand that it is compared by.

    >>> as_operand(True), as_operand(7), as_operand("VIP")
    ('true', 7.0, 'VIP')
    """
    if isinstance(value, bool):
        return json.dumps(value)
    return value if isinstance(value, str) else float(value)


@lru_cache(maxsize=1000)
def order_by_value(key: str) -> tuple[ColumnElement[Any], ...]:
    """The columns that order contacts by their values under a key, whatever its type is.

    Contacts without a value come after all others. None of the columns is ever null, so that a
    cursor tells a place among those too.
    """
    named = fixed_key(key)
    document = CONTACT.c.custom
    return (
        case((exists_in(document, named), 0), else_=1).cast(Integer()).label(f"{key}__absent"),
        func.coalesce(number_in(document, named), 0.0, type_=Float()).label(f"{key}__number"),
        func.coalesce(
            text_in(document, named), boolean_in(document, named), "", type_=Text()
        ).label(f"{key}__text"),
        CONTACT.c.id,
    )


def fixed_key(key: str) -> ColumnElement[str]:
    """A key, which needs no escaping, as it stands in a statement."""
    return literal_column(f"'{key}'", Text())


class holds_all(FunctionElement[bool]):  # noqa: N801 - named as SQL names functions
    """Whether a JSON array has every text of another, which is given as text."""

    type = Boolean()
    inherit_cache = True
    name = "holds_all"


@compiles(holds_all)
def _holds_all_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    document, given = _sides(element, compiler, options)
    return f"({document} @> CAST({given} AS JSONB))"


@compiles(holds_all, "sqlite")
def _holds_all_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    document, given = _sides(element, compiler, options)
    return (
        f"(NOT EXISTS (SELECT 1 FROM json_each({given}) AS wanted WHERE wanted.value NOT IN "
        f"(SELECT value FROM json_each({document}))))"
    )


class holds_any(FunctionElement[bool]):  # noqa: N801 - named as SQL names functions
    """Whether a JSON array has one of the texts of another, which is given as text."""

    type = Boolean()
    inherit_cache = True
    name = "holds_any"


@compiles(holds_any)
def _holds_any_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    document, given = _sides(element, compiler, options)
    array = f"jsonb_array_elements_text(CAST({given} AS JSONB))"
    return f"({document} ?| ARRAY(SELECT wanted FROM {array} AS wanted))"


@compiles(holds_any, "sqlite")
def _holds_any_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    document, given = _sides(element, compiler, options)
    return (
        f"(EXISTS (SELECT 1 FROM json_each({document}) AS own WHERE own.value IN "
        f"(SELECT value FROM json_each({given}))))"
    )


def has_all_tags(operand: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition of a contact with every tag of a JSON array given as text."""
    return holds_all(CONTACT.c.tags, cast(operand, Text()))


def has_any_tag(operand: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition of a contact with a tag of a JSON array given as text."""
    return holds_any(CONTACT.c.tags, cast(operand, Text()))
