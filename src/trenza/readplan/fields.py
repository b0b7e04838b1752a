"""How a field of the graph is declared: what it reads, never how.

A GraphQL type is an ordinary class whose annotations are its GraphQL types and whose values are
these declarations. `schema.record` turns it into a strawberry type; the loaders answer from it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import strawberry
from sqlalchemy import ColumnElement

from trenza.domain.access import Scope
from trenza.domain.errors import InvalidInput
from trenza.domain.ids import Prefix, prefix_of


@dataclass(frozen=True)
class Condition:
    """A condition on rows that is made of a value which a client gives.

    `where` writes it with an operand in the value's place, the same for every value, so that one
    statement serves them all. `prepare` makes the operand's value of what was given; it raises
    InvalidInput where that is of no use.
    """

    where: Callable[[ColumnElement[Any]], ColumnElement[bool]]
    prepare: Callable[[Any], Any] | None = None

    def operand(self, given: Any) -> Any:
        """The operand's value."""
        return given if self.prepare is None else self.prepare(given)


@dataclass(frozen=True)
class Argument:
    """A GraphQL argument of a declared field.

    `condition` narrows the rows of a relation by it. `default` gives the value of an omitted
    argument of a computed field, from the operation that asks; `value` is a default that the
    schema shows.
    """

    annotation: str
    description: str
    condition: Condition | None = None
    default: Callable[[Any], object] | None = None
    value: object = strawberry.UNSET


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
class Beside(Declaration):
    """A value that is not stored with the row but known beside it, as the answer to a mutation."""


@dataclass(frozen=True)
class Computed(Declaration):
    """A pure function of columns of the row, `needs`, and of the field's arguments."""

    function: Callable[..., object] = field(kw_only=True)
    needs: tuple[str, ...] = field(kw_only=True)


@dataclass(frozen=True)
class Figure(Declaration):
    """What is worked out on demand: a value, or rows that are made for the occasion.

    `function` gets the operation, the columns of the row in `needs` and the field's arguments; it
    may be a coroutine function.
    """

    function: Callable[..., Any] = field(kw_only=True)
    needs: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class Write(Declaration):
    """A mutation: `function` gets the operation and the arguments, and answers after the commit.

    It answers objects of the field's types: `Stored` ones are read back, others stand for
    themselves. Where it raises a DomainError nothing was written.
    """

    function: Callable[..., Any] = field(kw_only=True)


@dataclass(frozen=True)
class Part(Declaration):
    """Another GraphQL type over the same row, or over the rows that the row holds as `name`."""

    name: str | None = None


@dataclass(frozen=True)
class Global(Declaration):
    """The row of a global id, or the rows of several, of the types that its prefix stands for."""

    types: Mapping[Prefix, str] = field(kw_only=True)
    most: int = field(default=1, kw_only=True)
    scope: Scope | None = field(default=Scope.READ, kw_only=True)

    def type_of(self, id: str) -> str | None:
        """The type that an id is of; nothing for one that is malformed or of no such type."""
        try:
            return self.types.get(prefix_of(id))
        except ValueError:
            return None

    def require_few(self, ids: Sequence[str]) -> None:
        """Raises InvalidInput for more ids than are answered at once."""
        if len(ids) > self.most:
            raise InvalidInput(f"Ask for at most {self.most} nodes at once.", path=("ids",))


@dataclass(frozen=True)
class Lookup(Declaration):
    """The row that the arguments of the field lead to, in ways of its own; null without one.

    `prepare` makes operands' values, by name, of the arguments; `where` the condition of those
    operands. The condition is true for one row at most.
    """

    prepare: Callable[..., Mapping[str, Any]] = field(kw_only=True)
    where: Callable[..., ColumnElement[bool]] = field(kw_only=True)
    scope: Scope | None = field(default=Scope.READ, kw_only=True)


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

    `filters` are the conditions of the `filter` argument, by the names of its fields. `orders` are
    the orders that a client may choose from by `orderBy`, by enum value.
    """

    filters: Mapping[str, Condition] = field(default_factory=dict, kw_only=True)
    orders: Mapping[str, tuple[ColumnElement[Any], ...]] = field(default_factory=dict, kw_only=True)


def column(description: str, name: str | None = None) -> Any:
    """Declares a stored value; `name` where the column is not called like the field."""
    return Column(description, name)


def beside(description: str) -> Any:
    """Declares what is known beside a stored row."""
    return Beside(description)


def computed(
    function: Callable[..., object],
    *needs: str,
    description: str | None = None,
    arguments: Mapping[str, Argument] | None = None,
) -> Any:
    """Declares a pure function of the columns in `needs`; its docstring is the description."""
    said = description or (function.__doc__ or "").strip().split("\n\n")[0]
    return Computed(said, function=function, needs=needs, arguments=arguments or {})


def figure(
    function: Callable[..., Any],
    *needs: str,
    description: str | None = None,
    arguments: Mapping[str, Argument] | None = None,
) -> Any:
    """Declares what a function works out on demand; its docstring is the description."""
    said = description or (function.__doc__ or "").strip().split("\n\n")[0]
    return Figure(said, function=function, needs=needs, arguments=arguments or {})


def write(function: Callable[..., Any], description: str, arguments: Mapping[str, Argument]) -> Any:
    """Declares a mutation."""
    return Write(description, function=function, arguments=arguments)


def part(description: str, name: str | None = None) -> Any:
    """Declares another view of the same row, or of the rows that it holds under a name."""
    return Part(description, name)


def by_id(description: str, types: Mapping[Prefix, str]) -> Any:
    """Declares the row of the global id that the argument `id` gives."""
    return Global(description, types=types, arguments={"id": Argument("ID", "Its id.")})


def by_ids(description: str, types: Mapping[Prefix, str], most: int) -> Any:
    """Declares the rows of the global ids of the argument `ids`, in their order."""
    ids = Argument("list[ID]", f"At most {most} ids.")
    return Global(description, types=types, most=most, arguments={"ids": ids})


def lookup(description: str, **options: Any) -> Any:
    """Declares the row that the field's arguments lead to; the options are those of `Lookup`."""
    return Lookup(description, **options)


def one(description: str, key: str, to: str = "id", *, scope: Scope | None = Scope.READ) -> Any:
    """Declares the row that the column `key` points to."""
    return One(description, key=key, to=to, scope=scope)


def many(description: str, **options: Any) -> Any:
    """Declares a short list of rows; the options are those of `Many`."""
    return Many(description, **options)


def connection(description: str, **options: Any) -> Any:
    """Declares a Relay connection; the options are those of `Connected`."""
    return Connected(description, **options)
