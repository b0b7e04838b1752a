"""Makes Python values of coerced GraphQL arguments, by readers that are built once for each type.

Strawberry looks every type up again for every value; for a batch of 500 reports that costs more
than writing them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING
from functools import cache
from itertools import islice
from typing import Any

from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import (
    StrawberryList,
    StrawberryObjectDefinition,
    StrawberryOptional,
    get_object_definition,
)
from strawberry.utils.str_converters import to_camel_case

Read = Callable[[Any], Any]
Members = Sequence[tuple[str, str, Read | None]]
"""The members of an object: its GraphQL name, its name in Python, what reads it."""

MOST = "most"


def at_most(number: int) -> Mapping[str, int]:
    """Metadata of a list of objects of which whoever takes it refuses more than so many.

    One more than that is read, to be refused by; those after it would be read in vain.
    """
    return {MOST: number}


def read_by(definition: StrawberryObjectDefinition) -> None:
    """Makes strawberry take the values of an input type from its reader here."""
    read = _object_reader(definition)
    definition.from_input = lambda _, given, __: read(given)


def members_of(arguments: Sequence[StrawberryArgument]) -> Members:
    """How the arguments of a field are read."""
    return [
        (_name_of(argument), argument.python_name, _reader_of(argument.type))
        for argument in arguments
    ]


def read_members(members: Members, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values that were given, by their names in Python; those left out are absent."""
    return {
        python_name: given[name] if read is None else read(given[name])
        for name, python_name, read in members
        if name in given
    }


def _reader_of(type_: Any, most: int | None = None) -> Read | None:
    """What makes a Python value of a coerced one; nothing where it is one already."""
    if isinstance(type_, StrawberryOptional):
        return _reader_of(type_.of_type, most)
    if isinstance(type_, StrawberryList):
        read = _reader_of(type_.of_type)
        if read is None:
            return _copied
        end = None if most is None else most + 1
        return lambda values: None if values is None else [*map(read, islice(values, end))]
    definition = get_object_definition(type_)
    return None if definition is None else _object_reader(definition)


def _copied(values: list[Any] | None) -> list[Any] | None:
    return None if values is None else list(values)


@cache
def _object_reader(definition: StrawberryObjectDefinition) -> Read:
    members = [
        (_name_of(field), field.python_name, _reader_of(field.type, field.metadata.get(MOST)))
        for field in definition.fields
    ]
    make = definition.origin
    absent = {
        field.python_name: None
        for field in definition.fields
        if field.default_value is MISSING and field.default_factory is MISSING
    }

    def read(given: Mapping[str, Any] | None) -> Any:
        return None if given is None else make(**{**absent, **read_members(members, given)})

    return read


def _name_of(declared: Any) -> str:
    name: str = declared.graphql_name or to_camel_case(declared.python_name)
    return name
