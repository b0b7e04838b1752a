"""The two databases as bulk loads see them: without secondary indexes while they last."""

import sqlite3
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from operator import itemgetter
from typing import Any

import asyncpg
import orjson
from sqlalchemy.dialects import sqlite
from sqlmodel import SQLModel

from tests.benchmarks.fill import Sink
from tests.benchmarks.world import Row

SECONDARY = """
    SELECT indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""


class _Postgresql:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def put(self, table: str, rows: Sequence[Row]) -> None:
        records = [tuple(_as_text(value) for value in row.values()) for row in rows]
        columns = list(rows[0])
        await self._connection.copy_records_to_table(table, records=records, columns=columns)


def _as_text(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, list) else value


@asynccontextmanager
async def postgresql_sink(dsn: str) -> AsyncGenerator[Sink, None]:
    """Takes rows by COPY, then builds the indexes and gathers statistics.

    The rows are made to refer to each other rightly; the server does not look.
    """
    connection: Any = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("SET maintenance_work_mem = '512MB'")
        indexes = await connection.fetch(SECONDARY)
        for index in indexes:
            await connection.execute(f'DROP INDEX "{index["indexname"]}"')
        yield _Postgresql(connection)
        for index in indexes:
            await connection.execute(index["indexdef"])
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


class _Sqlite:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def put(self, table: str, rows: Sequence[Row]) -> None:
        names = list(rows[0])
        writers = [_writer_of(table, name) for name in names]
        values = itemgetter(*names)
        marks = ", ".join("?" * len(names))
        self._connection.executemany(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})",
            (
                [write(value) for write, value in zip(writers, values(row), strict=True)]
                for row in rows
            ),
        )


def _writer_of(table: str, column: str) -> Callable[[Any], Any]:
    dialect = sqlite.dialect()
    type_ = SQLModel.metadata.tables[table].c[column].type
    return type_.dialect_impl(dialect).bind_processor(dialect) or (lambda value: value)


@asynccontextmanager
async def sqlite_sink(file: str) -> AsyncGenerator[Sink, None]:
    """Takes rows in one transaction, then builds the indexes."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN IMMEDIATE")
        indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f'DROP INDEX "{name}"')
        yield _Sqlite(connection)
        for _, statement in indexes:
            connection.execute(statement)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
