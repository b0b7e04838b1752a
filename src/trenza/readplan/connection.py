"""Relay connections with keyset cursors, stable while rows are inserted."""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, cast

import orjson
import strawberry
from sqlalchemy import ColumnElement, TypeDecorator, select, tuple_
from sqlalchemy.sql.util import ClauseAdapter

from trenza.domain.errors import InvalidInput
from trenza.readplan.fields import Order

PAGE_DEFAULT = 20
PAGE_MAX = 100

T = TypeVar("T")


@dataclass(frozen=True)
class Window:
    """The part of an ordered list that a client asks for; `size` rows after or before a key."""

    size: int
    backward: bool
    after: tuple[Any, ...] | None
    before: tuple[Any, ...] | None


@dataclass(frozen=True)
class FoundKeys:
    """The rows of a page by the values that order them, in the list's order, the id last."""

    keys: Sequence[tuple[Any, ...]]
    more: bool
    """Whether more lie beyond the page, in the direction of reading."""


def window(
    order: Order, first: int | None, after: str | None, last: int | None, before: str | None
) -> Window:
    """Reads the paging arguments; refuses a size outside 1–100, both ends, a foreign cursor."""
    if first is not None and last is not None:
        raise InvalidInput("Give either `first` or `last`, not both.", path=("last",))
    name, size = ("last", last) if last is not None else ("first", first)
    size = PAGE_DEFAULT if size is None else size
    if not 1 <= size <= PAGE_MAX:
        raise InvalidInput(f"`{name}` goes from 1 to {PAGE_MAX}.", path=(name,))
    return Window(
        size,
        last is not None,
        read_cursor(order, after, "after"),
        read_cursor(order, before, "before"),
    )


def write_cursor(order: Order, row: Mapping[str, Any]) -> str:
    """The opaque cursor of a row: a mark of the order, and the values that order the row."""
    return cursor_of(mark_of(order), [row[str(column.key)] for column in order.told])


def cursor_of(mark: str, keys: Sequence[Any]) -> str:
    """The cursor of the row with these values, by the mark of their order."""
    # A database may write a whole number either way.
    whole = (int(key) if isinstance(key, float) and key.is_integer() else key for key in keys)
    values = [mark, *whole]
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def read_cursor(order: Order, cursor: str | None, name: str) -> tuple[Any, ...] | None:
    """The values of a cursor, or nothing where there is none."""
    if cursor is None:
        return None
    wrong = InvalidInput(f"`{name}` is no cursor of this list.", path=(name,))
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        values = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        raise wrong from None
    if not isinstance(values, list) or len(values) != len(order.told) + 1:
        raise wrong
    mark, *given = values
    if mark != mark_of(order):
        raise wrong
    return tuple(
        _value_of(column, value, wrong) for column, value in zip(order.told, given, strict=True)
    )


def mark_of(order: Order) -> str:
    """What tells the cursors of one list from those of others that are ordered differently."""
    each = dict.fromkeys((*order.columns, *order.told))
    columns = ",".join(f"{getattr(column, 'table', '')}.{column.key}" for column in each)
    return hashlib.blake2b(f"{columns} {order.descending}".encode(), digest_size=3).hexdigest()


def _value_of(column: ColumnElement[Any], value: object, wrong: InvalidInput) -> object:
    expected = python_type(column)
    if expected is datetime and isinstance(value, str):
        try:
            instant = datetime.fromisoformat(value)
            return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError):
            raise wrong from None
    if expected is float and type(value) in (int, float):
        return float(cast(float, value))
    storable = expected is not str or (isinstance(value, str) and "\x00" not in value)
    in_range = not isinstance(value, int) or abs(value) < 2**31
    if type(value) is not expected or not storable or not in_range:
        raise wrong
    return value


def python_type(column: ColumnElement[Any]) -> type:
    """The type of a column's values in Python."""
    # A decorated type, as that of instants, says nothing of its own.
    stored = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    return stored.python_type


def beyond(order: Order, asked: Window, workspace_id: str) -> list[ColumnElement[bool]]:
    """The keyset conditions of a window."""
    after, before = (
        None if told is None else place_of(order, told, workspace_id)
        for told in (asked.after, asked.before)
    )
    return beyond_keys(order, after, before)


def place_of(order: Order, told: Sequence[Any], workspace_id: Any) -> Sequence[Any]:
    """What orders the row of a cursor, as it is now; nothing lies beyond a row that is not there.

    `told` is what the cursor holds, as values or parameters.
    """
    if order.named_by is None:
        return told
    named = order.named_by.table.alias()
    own = ClauseAdapter(named)
    [column], [name] = order.columns, told
    found = select(own.traverse(column)).where(
        named.c.workspace_id == workspace_id, own.traverse(order.named_by) == name
    )
    return [found.scalar_subquery()]


def beyond_keys(
    order: Order, after: Sequence[Any] | None, before: Sequence[Any] | None
) -> list[ColumnElement[bool]]:
    """The keyset conditions of keys, which may be parameters."""
    conditions: list[ColumnElement[bool]] = []
    own = tuple_(*order.columns)
    for keys, is_upward in ((after, not order.descending), (before, order.descending)):
        if keys is not None:
            row = _row(order, keys)
            conditions.append(own > row if is_upward else own < row)
    return conditions


def _row(order: Order, keys: Sequence[Any]) -> ColumnElement[Any]:
    return tuple_(*keys, types=[column.type for column in order.columns])


def sorting(order: Order, asked: Window) -> list[ColumnElement[Any]]:
    """The ORDER BY of a window; a backward one reads its list from the end."""
    downward = order.descending is not asked.backward
    return [column.desc() if downward else column.asc() for column in order.columns]


@strawberry.type(description="Where a page of a list lies.")
class PageInfo:
    """Where a page of a list lies."""

    has_next_page: bool = strawberry.field(description="Whether there are more after this page.")
    has_previous_page: bool = strawberry.field(
        description="Whether there are more before this page; known where it was asked backward."
    )
    start_cursor: str | None = strawberry.field(description="The first cursor; null when empty.")
    end_cursor: str | None = strawberry.field(description="The last cursor; null when empty.")


@strawberry.type(description="An element of a list with its cursor.")
class Edge(Generic[T]):
    """An element of a list with its cursor."""

    cursor: str = strawberry.field(description="Opaque; give it as `after` or `before`.")
    node: T = strawberry.field(description="The element.")


@strawberry.type(description="A page of a list that can grow.")
class Connection(Generic[T]):
    """A page of a list that can grow."""

    edges: list[Edge[T]] = strawberry.field(description="The elements with their cursors.")
    nodes: list[T] = strawberry.field(description="The elements alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies.")
    total: strawberry.Private[Any]

    @strawberry.field(description="How many there are in all; counted only where it is asked.")  # type: ignore[untyped-decorator]
    async def total_count(self) -> int:
        """How many rows there are in all, whatever the page."""
        counted: int = await self.total()
        return counted
