"""Batched loads for one operation: each relation costs one statement however many rows ask.

This is the reference path, right for every query. A reader belongs to one operation and one
workspace; the workspace is a condition of every statement it makes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Label, Select, Table, bindparam, func, literal, select
from sqlmodel.sql.sqltypes import UTCDateTime
from strawberry.dataloader import DataLoader

from trenza.domain.errors import BrokenInvariant
from trenza.readplan.connection import Window, beyond, sorting
from trenza.readplan.fields import Many, Order, Past
from trenza.storage.engine import Database

PARENT = "parent_key"
RANK = "row_rank"

Key = Any
Row = Mapping[str, Any]
Load = Callable[[Sequence[Key]], Awaitable[list[Any]]]


@dataclass(frozen=True)
class Relation:
    """A declared relation with what the client asked of it: the rows of `table` in order."""

    declaration: Many
    table: Table
    order: Order
    conditions: tuple[ColumnElement[bool], ...]
    fingerprint: Hashable


@dataclass(frozen=True)
class Rows:
    """The rows of a page and whether more lie beyond it, in the direction of reading."""

    rows: list[Row]
    more: bool


class Reader:
    """Loads rows of one workspace, batching what is asked in the same turn of the loop."""

    def __init__(self, database: Database, workspace_id: str) -> None:
        self.database = database
        self.workspace_id = workspace_id
        self.statements = 0
        self._running = 0
        self._together = asyncio.Event()
        self._loaders: dict[Hashable, DataLoader[Key, Any]] = {}

    async def one(self, table: Table, to: str, key: Key) -> Row | None:
        """The row whose column `to` is `key`."""

        async def load(keys: Sequence[Key]) -> list[Row | None]:
            column = table.c[to]
            rows = await self.rows(self.within(table).where(column.in_(set(keys))))
            found = {row[to]: row for row in rows}
            return [found.get(key) for key in keys]

        loaded: Row | None = await self._loaded(("one", table.name, to), load, key)
        return loaded

    async def known(self, table: Table, to: str, key: Key) -> Row:
        """The row whose column `to` is `key`, which is known to be there."""
        row = await self.one(table, to, key)
        if row is None:
            raise BrokenInvariant(f"{table.name} has no row for {key}")
        return row

    async def many(self, relation: Relation, key: Key) -> list[Row]:
        """Every row of the relation for one parent, in its order."""

        async def load(keys: Sequence[Key]) -> list[list[Row]]:
            columns = [column.asc() for column in relation.order.columns]
            if relation.order.descending:
                columns = [column.desc() for column in relation.order.columns]
            statement = self._related(relation, keys).order_by(*columns)
            return _grouped(await self.rows(statement), keys)

        rows: list[Row] = await self._loaded(("many", relation.fingerprint), load, key)
        return rows

    async def past(self, past: Past, at: datetime, key: Key) -> list[Row]:
        """The rows for one parent as they were at an instant, in their order."""

        async def load(keys: Sequence[Key]) -> list[list[Row]]:
            found = past.rows(
                literal(self.workspace_id),
                lambda column: column.in_(set(keys)),
                bindparam(None, at, type_=UTCDateTime()),
            ).subquery()
            statement = select(*found.c, found.c[past.by].label(PARENT))
            rows = await self.rows(statement.order_by(*(found.c[name] for name in past.order)))
            return _grouped(rows, keys)

        rows: list[Row] = await self._loaded(("past", past.rows, past.by, at), load, key)
        return rows

    async def page(self, relation: Relation, asked: Window, key: Key) -> Rows:
        """One page of the relation for one parent, in its order."""

        async def load(keys: Sequence[Key]) -> list[Rows]:
            conditions = beyond(relation.order, asked, self.workspace_id)
            statement = self._related(relation, keys).where(*conditions)
            ordering = sorting(relation.order, asked)
            if len(keys) == 1:
                statement = statement.order_by(*ordering).limit(asked.size + 1)
            else:
                statement = _first_of_each(statement, ordering, asked.size + 1)
            groups = _grouped(await self.rows(statement), keys)
            return [_cut(group, asked) for group in groups]

        fingerprint = ("page", relation.fingerprint, asked)
        rows: Rows = await self._loaded(fingerprint, load, key)
        return rows

    async def count(self, relation: Relation, key: Key) -> int:
        """How many rows the relation has for one parent."""

        async def load(keys: Sequence[Key]) -> list[int]:
            counted = self._related(relation, keys).subquery()
            parent = counted.c[PARENT]
            rows = await self.rows(select(parent, func.count().label("rows")).group_by(parent))
            found = {row[PARENT]: row["rows"] for row in rows}
            return [found.get(key, 0) for key in keys]

        counted: int = await self._loaded(("count", relation.fingerprint), load, key)
        return counted

    async def rows(self, statement: Select[Any]) -> list[Row]:
        """Runs one statement on a connection of its own.

        Statements that run at the same time answer together: what their rows lead to is then asked
        in one turn, and so loaded together, whichever of them was faster.
        """
        self.statements += 1
        together = self._together
        self._running += 1
        try:
            async with self.database.read(self.workspace_id) as connection:
                found = [row._asdict() for row in await connection.execute(statement)]
        finally:
            self._running -= 1
            if self._running == 0:
                together.set()
                self._together = asyncio.Event()
        await together.wait()
        return found

    def within(self, table: Table) -> Select[Any]:
        """The rows of a table that belong to this reader's workspace."""
        return select(*table.c).where(table.c.workspace_id == self.workspace_id)

    def _related(self, relation: Relation, keys: Sequence[Key]) -> Select[Any]:
        declaration = relation.declaration
        by = declaration.by if declaration.by is not None else relation.table.c.workspace_id
        worked_out = (each for each in relation.order.columns if isinstance(each, Label))
        statement = self.within(relation.table).add_columns(by.label(PARENT), *worked_out)
        if declaration.via is not None:
            statement = statement.join_from(relation.table, by.table, declaration.via)
        statement = statement.where(by.in_(set(keys)), *relation.conditions)
        return statement if declaration.where is None else statement.where(declaration.where)

    async def _loaded(self, name: Hashable, load: Load, key: Key) -> Any:
        if name not in self._loaders:
            self._loaders[name] = DataLoader(load_fn=load)
        # Where a neighbour is refused, whoever waits is cancelled, but not what others wait for.
        return await asyncio.shield(self._loaders[name].load(key))


def _first_of_each(
    statement: Select[Any],
    ordering: Sequence[ColumnElement[Any]],
    size: int,
) -> Select[Any]:
    parent = next(column for column in statement.selected_columns if column.key == PARENT)
    rank = func.row_number().over(partition_by=parent, order_by=ordering).label(RANK)
    ranked = statement.add_columns(rank).subquery()
    return select(ranked).where(ranked.c[RANK] <= size).order_by(ranked.c[PARENT], ranked.c[RANK])


def _grouped(rows: Sequence[Row], keys: Sequence[Key]) -> list[list[Row]]:
    groups: dict[Key, list[Row]] = {key: [] for key in keys}
    for row in rows:
        groups[row[PARENT]].append(row)
    return [groups[key] for key in keys]


def _cut(rows: list[Row], asked: Window) -> Rows:
    page = rows[: asked.size]
    return Rows(page[::-1] if asked.backward else page, len(rows) > asked.size)
