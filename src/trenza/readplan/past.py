"""Views of declared types over rows as they were at an instant."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import bindparam, true
from sqlalchemy.types import NullType

from trenza.readplan import fields
from trenza.readplan.schema import named

C = TypeVar("C", bound=type)


def seen_at(rows: fields.RowsAt) -> Callable[[C], C]:
    """Declares a view of a type, its base, over rows as they were at an instant.

    What it declares anew stands in the place of the type's own, and reads other rows or columns;
    everything else is the type's.
    """

    def declare(cls: C) -> C:
        own = {name: each for name, each in vars(cls).items() if _is_declaration(each)}
        declared = dict(cls.declared)  # type: ignore[attr-defined]
        for name, declaration in own.items():
            shown = declared[name]
            declared[name] = replace(
                declaration,
                description=shown.description,
                scope=shown.scope,
                privacy=shown.privacy,
                arguments=shown.arguments,
            )
            delattr(cls, name)
        cls.declared = declared  # type: ignore[attr-defined]
        any_value = bindparam("any", type_=NullType())
        shape = rows(any_value, lambda _: true(), any_value).subquery()
        cls.table = shape  # type: ignore[attr-defined]
        cls.rows_at = staticmethod(rows)  # type: ignore[attr-defined]
        return named(cls)

    return declare


def _is_declaration(value: object) -> bool:
    return isinstance(value, fields.Declaration)
