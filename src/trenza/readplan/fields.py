"""How a field of the graph is declared: what it reads, never how.

A GraphQL type is an ordinary class whose annotations are its GraphQL types and whose values are
these declarations. `schema.record` turns it into a strawberry type; the loaders answer from it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement

from trenza.domain.access import Scope


@dataclass(frozen=True)
class Argument:
    """A GraphQL argument of a declared field.

    `where` turns its value into a condition on the rows of a relation. `default` gives the value
    of an omitted argument of a computed field, from the operation that asks.
    """

    annotation: str
    description: str
    where: Callable[[Any], ColumnElement[bool]] | None = None
    default: Callable[[Any], object] | None = None


@dataclass(frozen=True)
class Order:
    """The columns that order a relation; the last one is unique among the rows of a parent."""

    columns: tuple[ColumnElement[Any], ...]
    descending: bool = False


@dataclass(frozen=True)
class Declaration:
    """What every declared field has: a description, and the scope that its reader needs, if any.

    A relation needs the scope `read`, unless it says otherwise: a key that may only record sees
    the columns of what it wrote and nothing beyond.
    """

    description: str
    scope: Scope | None = field(default=None, kw_only=True)
    arguments: Mapping[str, Argument] = field(default_factory=dict, kw_only=True)


@dataclass(frozen=True)
class Column(Declaration):
    """A value of the row, under the name of its column."""

    name: str | None = None


@dataclass(frozen=True)
class Computed(Declaration):
    """A pure function of columns of the row, `needs`, and of the field's arguments."""

    function: Callable[..., object] = field(kw_only=True)
    needs: tuple[str, ...] = field(kw_only=True)


@dataclass(frozen=True)
class Part(Declaration):
    """Another GraphQL type over the same row."""


@dataclass(frozen=True)
class One(Declaration):
    """The row of another table whose column `to` equals this row's column `key`."""

    key: str = field(kw_only=True)
    to: str = field(default="id", kw_only=True)
    scope: Scope | None = field(default=Scope.READ, kw_only=True)


@dataclass(frozen=True)
class Many(Declaration):
    """Every row of another table whose column `by` equals this row's id: a short list.

    `by` may be a column of a further table, to which `via` joins. Without `by` the rows are
    those of the workspace.
    """

    order: Order = field(kw_only=True)
    by: ColumnElement[Any] | None = field(default=None, kw_only=True)
    via: ColumnElement[bool] | None = field(default=None, kw_only=True)
    where: ColumnElement[bool] | None = field(default=None, kw_only=True)
    key: str = field(default="id", kw_only=True)
    scope: Scope | None = field(default=Scope.READ, kw_only=True)


@dataclass(frozen=True)
class Connected(Many):
    """Like `Many`, answered as a Relay connection with keyset cursors.

    `orders` are the orders that a client may choose from by `orderBy`, by enum value.
    """

    filter: Callable[[Any], Sequence[ColumnElement[bool]]] | None = field(
        default=None, kw_only=True
    )
    orders: Mapping[str, tuple[ColumnElement[Any], ...]] = field(default_factory=dict, kw_only=True)


def column(description: str, name: str | None = None) -> Any:
    """Declares a stored value; `name` where the column is not called like the field."""
    return Column(description, name)


def computed(
    function: Callable[..., object],
    *needs: str,
    description: str | None = None,
    arguments: Mapping[str, Argument] | None = None,
) -> Any:
    """Declares a pure function of the columns in `needs`; its docstring is the description."""
    said = description or (function.__doc__ or "").strip().split("\n\n")[0]
    return Computed(said, function=function, needs=needs, arguments=arguments or {})


def part(description: str) -> Any:
    """Declares another view of the same row."""
    return Part(description)


def one(description: str, key: str, to: str = "id", *, scope: Scope | None = Scope.READ) -> Any:
    """Declares the row that the column `key` points to."""
    return One(description, key=key, to=to, scope=scope)


def many(description: str, **options: Any) -> Any:
    """Declares a short list of rows; the options are those of `Many`."""
    return Many(description, **options)


def connection(description: str, **options: Any) -> Any:
    """Declares a Relay connection; the options are those of `Connected`."""
    return Connected(description, **options)
