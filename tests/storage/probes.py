"""Two workspaces with a row in every table, and what one can reach of the other's."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
from sqlalchemy import JSON, Boolean, Date, Integer, Table, delete, insert, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

from trenza.storage.engine import AsyncConnection, Database
from trenza.storage.sight import APPEND_ONLY

OWN, OTHER = "ws_own", "ws_other"
TABLES = SQLModel.metadata.sorted_tables


class _UndoneError(Exception):
    """Ends a transaction that must leave nothing."""


def row_of(table: Table, workspace_id: str, mark: str = "a") -> dict[str, Any]:
    """A row with a value of its type in every column."""
    return {
        column.name: workspace_id if column.name == "workspace_id" else _value(column, mark)
        for column in table.columns
        if column.computed is None
    }


def _value(column: Any, mark: str) -> Any:
    match column.type:
        case Boolean():
            return False
        case Integer():
            return ord(mark)
        case UTCDateTime():
            return datetime(2026, 11, 20, tzinfo=UTC)
        case Date():
            return date(2026, 11, 20)
        case JSON():
            return []
    return f"{column.name} {mark}"


async def fill(url: str) -> None:
    """Adds a row of each workspace to every table, past every guard, policy and reference."""
    rows = [(table, row_of(table, each)) for table in TABLES for each in (OWN, OTHER)]
    if url.startswith("sqlite"):
        texts = [str(insert(t).values(row).compile(dialect=sqlite.dialect())) for t, row in rows]
        with closing(sqlite3.connect(url.partition(":///")[2], isolation_level=None)) as connection:
            for text, (table, row) in zip(texts, rows, strict=True):
                stored = [_bound(table, name, row[name], sqlite.dialect()) for name in row]
                connection.execute(text, stored)
        return
    connection = await asyncpg.connect(url.replace("+asyncpg", "", 1))
    try:
        await connection.execute("SET session_replication_role = replica")
        for table, row in rows:
            names, marks = ", ".join(row), ", ".join(f"${n}" for n in range(1, len(row) + 1))
            values = [
                "[]" if isinstance(table.c[name].type, JSON) else value
                for name, value in row.items()
            ]
            await connection.execute(
                f"INSERT INTO {table.name} ({names}) VALUES ({marks})", *values
            )
    finally:
        await connection.close()


def _bound(table: Table, name: str, value: Any, dialect: Any) -> Any:
    process = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
    return process(value) if process else value


async def leaks(database: Database, tables: Sequence[Table] = TABLES) -> list[str]:
    """What the first workspace, or a connection that is not set, reaches and must not."""
    found: list[str] = []
    for table in tables:
        found += [f"{table.name}: {leak}" for leak in await _leaks_of(database, table)]
    return found


async def _leaks_of(database: Database, table: Table) -> list[str]:
    found = []
    if await _seen(database, table, OWN) != [OWN]:
        found.append("does not see its own row alone")
    if await _seen(database, table, None):
        found.append("is seen by a connection that is not set")
    theirs = table.c.workspace_id == OTHER
    rewritten = {table.c.workspace_id: OTHER}
    attempts: dict[str, Any] = {
        "changes a row of another": update(table).where(theirs).values(rewritten),
        "deletes a row of another": delete(table).where(theirs),
    }
    if not database.is_sqlite:
        attempts["adds a row of another"] = insert(table).values(row_of(table, OTHER, "b"))
    if table.name in APPEND_ONLY:
        same = {table.c.workspace_id: table.c.workspace_id}
        attempts["changes what is only added to"] = update(table).values(same)
        attempts["deletes what is only added to"] = delete(table)
    for what, statement in attempts.items():
        if await _succeeds(database, statement):
            found.append(what)
    return found


async def _seen(database: Database, table: Table, workspace_id: str | None) -> list[str]:
    """Whose rows a SELECT without any condition brings."""
    async with database.read(workspace_id) as connection:
        try:
            return list((await connection.execute(select(table.c.workspace_id))).scalars())
        except DBAPIError as error:
            return [str(error.orig)]


async def _succeeds(database: Database, statement: Any) -> bool:
    """Whether a statement of the first workspace does anything; it is undone in any case."""
    touched = 0

    async def work(connection: AsyncConnection) -> None:
        nonlocal touched
        touched = (await connection.execute(statement)).rowcount
        raise _UndoneError

    try:
        await database.write(work, OWN)
    except _UndoneError:
        return touched > 0
    except DBAPIError as error:
        return not _is_refusal(str(error.orig))
    return True


def _is_refusal(text: str) -> bool:
    """Whether the isolation refused, rather than a key or a reference."""
    words = ("row-level security", "permission denied", "another workspace", "only ever added")
    return any(each in text for each in words)


async def execute(url: str, *statements: str) -> None:
    """Runs statements on PostgreSQL as the owner of the server."""
    connection = await asyncpg.connect(url.replace("+asyncpg", "", 1))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def opened(url: str, work: Callable[[Database], Awaitable[Any]]) -> Any:
    """What `work` makes of a database, which is closed in the end."""
    database = Database(url, pool_size=2)
    try:
        return await work(database)
    finally:
        await database.close()


def in_a_thread(function: Callable[..., Any], *arguments: Any) -> Awaitable[Any]:
    """Runs what has an event loop of its own."""
    return asyncio.to_thread(function, *arguments)
