"""Coerces the variables of a known document, by functions that are built once for its types.

What is plain and right is coerced here; whatever is not goes to graphql-core, which coerces it or
says what is wrong with it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLType,
    OperationDefinitionNode,
    Undefined,
    type_from_ast,
)
from graphql.execution.values import VariableValues, get_variable_values
from graphql.utilities.coerce_input_value import coerce_default_value

INT_MAX = 2**31 - 1

Coerce = Callable[[Any], Any]


class NotPlainError(Exception):
    """A value has to be looked at more closely."""


class Variables:
    """The variables that an operation declares."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._nodes = operation.variable_definitions or ()
        self._plain = [
            (node.variable.name.value, _coercer_of(type_from_ast(schema, node.type)))
            for node in self._nodes
        ]
        self._required = {
            node.variable.name.value
            for node, (_, coerce) in zip(self._nodes, self._plain, strict=True)
            if node.default_value is not None or coerce is None or _is_required(schema, node)
        }

    def coerced(self, given: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        """The values as the operation sees them, or the first thing that is wrong with them."""
        try:
            return VariableValues({}, dict(self._read(given)))
        except (NotPlainError, GraphQLError):
            # That something is wrong is all that is asked here: each mistake takes long to tell.
            return get_variable_values(self._schema, self._nodes, dict(given), max_errors=1)

    def _read(self, given: Mapping[str, Any]) -> Any:
        for name, coerce in self._plain:
            if name in given and coerce is not None:
                yield name, coerce(given[name])
            elif name in self._required:
                raise NotPlainError


def _is_required(schema: GraphQLSchema, node: Any) -> bool:
    return isinstance(type_from_ast(schema, node.type), GraphQLNonNull)


def _coercer_of(type_: GraphQLType | None) -> Coerce | None:
    """What coerces plain values of a type; nothing for a type that graphql-core has to coerce."""
    if isinstance(type_, GraphQLNonNull):
        return _plain_coercer_of(type_.of_type)
    coerce = _plain_coercer_of(type_)
    return None if coerce is None else _nullable(coerce)


def _plain_coercer_of(type_: GraphQLType | None) -> Coerce | None:
    """What coerces plain values of a type that are there: null is none of them."""
    if isinstance(type_, GraphQLList):
        return _list_of(_coercer_of(type_.of_type))
    if isinstance(type_, GraphQLInputObjectType):
        return _object_of(type_)
    if isinstance(type_, GraphQLEnumType):
        return _enum_of(type_)
    if not isinstance(type_, GraphQLScalarType):
        return None
    return _SCALARS.get(type_.name) or _not_null(type_.coerce_input_value)


def _nullable(coerce: Coerce) -> Coerce:
    return lambda value: None if value is None else coerce(value)


def _not_null(coerce: Coerce) -> Coerce:
    def not_null(value: Any) -> Any:
        if value is None:
            raise NotPlainError
        return coerce(value)

    return not_null


def _list_of(coerce: Coerce | None) -> Coerce | None:
    if coerce is None:
        return None

    def values(value: Any) -> Any:
        if type(value) is not list:
            raise NotPlainError
        return [coerce(each) for each in value]

    return values


def _enum_of(type_: GraphQLEnumType) -> Coerce:
    members = {name: type_.coerce_input_value(name) for name in type_.values}

    def member(value: Any) -> Any:
        if type(value) is not str or value not in members:
            raise NotPlainError
        return members[value]

    return member


def _object_of(type_: GraphQLInputObjectType) -> Coerce | None:
    if type_.is_one_of:
        return None
    # Looked up when they are first needed: an input type may hold itself.
    known: dict[str, tuple[Coerce | None, Any, bool]] = {}

    def members() -> dict[str, tuple[Coerce | None, Any, bool]]:
        if not known:
            for name, field in type_.fields.items():
                default = coerce_default_value(field)
                required = default is Undefined and isinstance(field.type, GraphQLNonNull)
                known[name] = (_coercer_of(field.type), default, required)
        return known

    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise NotPlainError
        found: dict[str, Any] = {}
        taken = 0
        for name, (coerce, default, required) in (known or members()).items():
            if name in value:
                taken += 1
                if coerce is None:
                    raise NotPlainError
                found[name] = coerce(value[name])
            elif required:
                raise NotPlainError
            elif default is not Undefined:
                found[name] = default
        if taken != len(value):
            raise NotPlainError
        return found

    return read


def _exactly(kind: type) -> Coerce:
    def exact(value: Any) -> Any:
        if type(value) is not kind:
            raise NotPlainError
        return value

    return exact


def _int(value: Any) -> int:
    if type(value) is not int or not -INT_MAX - 1 <= value <= INT_MAX:
        raise NotPlainError
    return value


_SCALARS: Mapping[str, Coerce] = {
    "String": _exactly(str),
    "Boolean": _exactly(bool),
    "Int": _int,
}
