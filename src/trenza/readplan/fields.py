"""How a field of the graph is declared: what it reads, never how.

A GraphQL type is an ordinary class whose annotations are its GraphQL types and whose values are
these declarations. `schema.record` turns it into a strawberry type; the loaders answer from it.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy import ColumnElement, Select, SelectBase

from trenza.domain.access import Privacy, Scope
from trenza.domain.errors import InvalidInput
from trenza.domain.ids import Prefix, prefix_of


@dataclass(frozen=True)
class Condition:
    """A condition on rows that is made of a value which a client gives.

    `where` writes it with an operand in the value's place, the same for every value, so that one
    statement serves them all. `prepare` makes the operand's value of what was given; it raises
    InvalidInput where that is of no use. A condition of several operands prepares as many values;
    `of_now` makes the value of one more, of the instant of the operation, where it matters.
    """

    where: Callable[..., ColumnElement[bool]]
    prepare: Callable[[Any], Any] | None = None
    count: int = 1
    of_now: Callable[[datetime], Any] | None = None

    def operands(self, given: Any, now: datetime) -> tuple[Any, ...]:
        """The values of the operands."""
        prepared = given if self.prepare is None else self.prepare(given)
        values = (prepared,) if self.count == 1 else tuple(prepared)
        return values if self.of_now is None else (*values, self.of_now(now))


@dataclass(frozen=True)
class Conditions:
    """Conditions that are made of parts of a value, each with what it was made of.

    Which they are depends on the shape of the value alone: on what is there of it, how long its
    lists of objects are, and whether a part is a number, a text or a truth value.
    """

    of: Callable[[Any], Iterable[tuple[Condition, Any]]]


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


Ordering = tuple[ColumnElement[Any], ...]


@dataclass(frozen=True)
class Order:
    """The columns that order a relation; the last one is unique among the rows of a parent.

    A cursor holds what orders its row. Where that may change, or should not be told, it is one
    column, and the cursor names the row by `named_by` instead, which is unique in the workspace.
    """

    columns: Ordering
    descending: bool = False
    named_by: ColumnElement[Any] | None = None

    @property
    def told(self) -> Ordering:
        """The columns of which a cursor is made."""
        return self.columns if self.named_by is None else (self.named_by,)


AS_OF = "as_of"
"""The column that holds the instant of a row which is shown as it was."""

IsWanted = Callable[[ColumnElement[Any]], ColumnElement[bool]]
"""Makes a condition on the column of the ids of which rows are wanted."""

RowsOf = Callable[[ColumnElement[Any], IsWanted], SelectBase]
"""Writes the rows of a workspace that are those of some ids."""

RowsAt = Callable[[ColumnElement[Any], IsWanted, ColumnElement[Any]], Select[Any]]
"""Writes the same as they were at an instant, which they hold as `as_of`."""

Check = Callable[[Any, Mapping[str, Any]], Awaitable[None] | None]
"""Raises DomainError for arguments that are refused to the operation that gives them."""


@dataclass(frozen=True)
class Declaration:
    """What every declared field has: a description, and the scope that its reader needs, if any.

    A relation needs the scope `read`, unless it says otherwise: a key that may only record sees
    the columns of what it wrote and nothing beyond. A field that tells more of a person than its
    reader may see is null, with an error; `check` refuses arguments that would ask for such.
    """

    description: str
    scope: Scope | None = field(default=None, kw_only=True)
    privacy: Privacy = field(default=Privacy.NORMAL, kw_only=True)
    arguments: Mapping[str, Argument] = field(default_factory=dict, kw_only=True)
    check: Check | None = field(default=None, kw_only=True)


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
class OfAnyType(Declaration):
    """Rows of the types that the prefixes of global ids stand for."""

    types: Mapping[Prefix, str] = field(kw_only=True)
    scope: Scope | None = field(default=Scope.READ, kw_only=True)

    def type_of(self, id: str) -> str | None:
        """The type that an id is of; nothing for one that is malformed or of no such type."""
        try:
            return self.types.get(prefix_of(id))
        except ValueError:
            return None


@dataclass(frozen=True)
class Pointed(OfAnyType):
    """The row of the global id that the column `key` holds; null where there is none."""

    key: str = field(kw_only=True)


@dataclass(frozen=True)
class Global(OfAnyType):
    """The row of a global id that is given, or the rows of several.

    Where the argument `at` is given the row is shown as it was, by the type's view in `seen_as`.
    """

    most: int = field(default=1, kw_only=True)
    seen_as: Mapping[str, str] = field(default_factory=dict, kw_only=True)

    def view_of(self, typename: str, given: Mapping[str, Any]) -> str:
        """The view by which a row of a type is shown, for these arguments."""
        return typename if given.get("at") is None else self.seen_as[typename]

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
class Past(Declaration):
    """Rows as they were at the instant of the row that they hang from, by the view `seen_as`.

    They are those that `rows` writes whose column `by` equals the other row's column `key`: a
    short list in an `order` of columns, or without one a row at most.
    """

    rows: RowsAt = field(kw_only=True)
    seen_as: str = field(kw_only=True)
    by: str = field(kw_only=True)
    key: str = field(default="id", kw_only=True)
    order: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True)
class Many(Declaration):
    """Every row of another table whose column `by` equals this row's id: a short list.

    `by` may be a column of a further table, to which `via` joins. Without `by` the rows are
    those of the workspace. `rows` writes those of some ids, of a table that is put together of
    others: the database may not see by itself that it needs no more of them.
    """

    order: Order = field(kw_only=True)
    by: ColumnElement[Any] | None = field(default=None, kw_only=True)
    via: ColumnElement[bool] | None = field(default=None, kw_only=True)
    where: ColumnElement[bool] | None = field(default=None, kw_only=True)
    rows: RowsOf | None = field(default=None, kw_only=True)
    key: str = field(default="id", kw_only=True)
    scope: Scope | None = field(default=Scope.READ, kw_only=True)


@dataclass(frozen=True)
class Connected(Many):
    """Like `Many`, answered as a Relay connection with keyset cursors.

    `filters` are the conditions of the `filter` argument, by the names of its fields. `orders` are
    the orders that a client may choose from by `orderBy`, by enum value; one that depends on more
    of it is a function of it, and an expression among its columns has a label of its own.
    """

    filters: Mapping[str, Condition | Conditions] = field(default_factory=dict, kw_only=True)
    orders: Mapping[str, Ordering | Callable[[Any], Ordering]] = field(
        default_factory=dict, kw_only=True
    )


@dataclass(frozen=True)
class Found(Declaration):
    """A Relay connection of stored rows that a function finds, where how is itself data.

    `function` gets the operation, the window that is asked for, the columns of the row in `needs`
    and the field's arguments; it answers `connection.FoundKeys`. `count` gets the same without a
    window and answers how many rows there are in all. The rows are then read by their ids, which
    are the last column of `order`.
    """

    function: Callable[..., Any] = field(kw_only=True)
    count: Callable[..., Any] = field(kw_only=True)
    order: Order = field(kw_only=True)
    needs: tuple[str, ...] = field(default=(), kw_only=True)
    scope: Scope | None = field(default=Scope.READ, kw_only=True)


def column(description: str, name: str | None = None, *, privacy: Privacy = Privacy.NORMAL) -> Any:
    """Declares a stored value; `name` where the column is not called like the field."""
    return Column(description, name, privacy=privacy)


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
    scope: Scope | None = None,
    check: Check | None = None,
) -> Any:
    """Declares what a function works out on demand; its docstring is the description."""
    said = description or (function.__doc__ or "").strip().split("\n\n")[0]
    return Figure(
        said,
        function=function,
        needs=needs,
        arguments=arguments or {},
        scope=scope,
        check=check,
    )


def write(function: Callable[..., Any], description: str, arguments: Mapping[str, Argument]) -> Any:
    """Declares a mutation."""
    return Write(description, function=function, arguments=arguments)


def part(description: str, name: str | None = None) -> Any:
    """Declares another view of the same row, or of the rows that it holds under a name."""
    return Part(description, name)


def by_id(
    description: str,
    types: Mapping[Prefix, str],
    *,
    at: Argument | None = None,
    seen_as: Mapping[str, str] | None = None,
    check: Check | None = None,
) -> Any:
    """Declares the row of the global id that the argument `id` gives; as it was, with `at`."""
    arguments = {"id": Argument("ID", "Its id.")}
    if at is not None:
        arguments["at"] = at
    return Global(description, types=types, seen_as=seen_as or {}, arguments=arguments, check=check)


def by_ids(description: str, types: Mapping[Prefix, str], most: int) -> Any:
    """Declares the rows of the global ids of the argument `ids`, in their order."""
    ids = Argument("list[ID]", f"At most {most} ids.")
    return Global(description, types=types, most=most, arguments={"ids": ids})


def pointed(description: str, key: str, types: Mapping[Prefix, str]) -> Any:
    """Declares the row of the global id in the column `key`, whatever its type."""
    return Pointed(description, key=key, types=types)


def lookup(description: str, **options: Any) -> Any:
    """Declares the row that the field's arguments lead to; the options are those of `Lookup`."""
    return Lookup(description, **options)


def one(description: str, key: str, to: str = "id", *, scope: Scope | None = Scope.READ) -> Any:
    """Declares the row that the column `key` points to."""
    return One(description, key=key, to=to, scope=scope)


def past(rows: RowsAt, seen_as: str, **options: Any) -> Any:
    """Declares rows as they were, in the place of a relation; the options are those of `Past`."""
    return Past("", rows=rows, seen_as=seen_as, **options)


def many(description: str, **options: Any) -> Any:
    """Declares a short list of rows; the options are those of `Many`."""
    return Many(description, **options)


def connection(description: str, **options: Any) -> Any:
    """Declares a Relay connection; the options are those of `Connected`."""
    return Connected(description, **options)


def found(description: str, **options: Any) -> Any:
    """Declares a Relay connection that a function finds; the options are those of `Found`."""
    return Found(description, **options)
