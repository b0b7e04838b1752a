"""Finished statements that only read, run as they are, past SQLAlchemy.

PostgreSQL: connections of the driver, each with its own prepared statements. SQLite: one hop to a
thread with a connection of its own, whatever the statement brings. A statement alone sees one
state of the database, so that none needs a transaction.
"""

import asyncio
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import asyncpg
from sqlalchemy import make_url

from trenza.storage.engine import SERVER_SETTINGS, Database, driver_arguments

KEPT_STATEMENTS = 512
"""How many statements a connection keeps prepared."""

READ_SETTINGS = {
    **SERVER_SETTINGS,
    "application_name": "trenza-read",
    "default_transaction_read_only": "on",
}


LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""What tells that a connection is of no use any more; the last words of a server among them."""


class StatementError(Exception):
    """The database did not run a statement; the cause says why."""


class TooComplexError(StatementError):
    """The database does not take a statement: it is nested too deeply, or answers too much."""


class Statements(Protocol):
    """Runs statements; `executed` counts them."""

    executed: int

    async def fetch(self, text: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """The rows of a statement; raises StatementError."""
        ...

    async def close(self) -> None:
        """Closes every connection."""
        ...


def open_statements(database: Database, *, pool_size: int) -> Statements:
    """Statements on a database of either kind; connections are made when they are needed."""
    if database.is_sqlite:
        return SqliteStatements(database, pool_size)
    return PostgresStatements(database, pool_size)


class PostgresStatements:
    """A stack of connections: the one used last is the next one to be used."""

    def __init__(self, database: Database, pool_size: int) -> None:
        self.executed = 0
        self._arguments = driver_arguments(database.url)
        self._free = asyncio.Semaphore(pool_size)
        self._idle: list[asyncpg.Connection] = []

    async def fetch(self, text: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """The rows of a statement; a connection that was lost is replaced once."""
        self.executed += 1
        try:
            async with self._free:
                return await self._fetch(text, parameters)
        except (asyncpg.PostgresError, *LOST) as error:
            raise StatementError from error

    async def close(self) -> None:
        """Closes every connection that is not in use."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(connection.close() for connection in idle))

    async def _fetch(self, text: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        connection = self._take() or await self._connect()
        try:
            return await self._run(connection, text, parameters)
        except LOST:
            connection = await self._connect()
            return await self._run(connection, text, parameters)

    async def _run(
        self, connection: asyncpg.Connection, text: str, parameters: Sequence[Any]
    ) -> Sequence[Sequence[Any]]:
        try:
            rows: Sequence[Sequence[Any]] = await connection.fetch(text, *parameters)
        except asyncpg.ProgramLimitExceededError as error:
            self._idle.append(connection)
            raise TooComplexError(str(error)) from error
        except BaseException:
            # Who knows what is still on its way to it.
            connection.terminate()
            raise
        self._idle.append(connection)
        return rows

    def _take(self) -> asyncpg.Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    async def _connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(
            **self._arguments,
            server_settings=READ_SETTINGS,
            statement_cache_size=KEPT_STATEMENTS,
        )


class SqliteStatements:
    """Threads that each have a connection which can only read."""

    def __init__(self, database: Database, pool_size: int) -> None:
        self.executed = 0
        self._file = make_url(database.url).database or ""
        # More threads than processors only wait for each other: twice the time for each request.
        threads = min(pool_size, os.cpu_count() or 1)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="trenza-read")
        self._own = threading.local()
        self._connections: deque[sqlite3.Connection] = deque()

    async def fetch(self, text: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """The rows of a statement."""
        self.executed += 1
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._run, text, parameters)
        except sqlite3.Error as error:
            raise StatementError from error

    async def close(self) -> None:
        """Closes every connection, when what runs on it has ended."""
        self._threads.shutdown()
        while self._connections:
            self._connections.pop().close()

    def _run(self, text: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        connection: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = self._connect()
        try:
            return connection.execute(text, parameters).fetchall()
        except sqlite3.OperationalError as error:
            # Limits of the parser have no code of their own.
            if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
                raise TooComplexError(str(error)) from error
            raise

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._file,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=KEPT_STATEMENTS,
        )
        connection.execute("PRAGMA query_only=ON")
        connection.execute("PRAGMA busy_timeout=15000")
        self._connections.append(connection)
        return connection
