"""Finished statements that only read, run as they are, past SQLAlchemy.

PostgreSQL: connections of the driver, each with its own prepared statements. SQLite: one hop to a
thread with a connection of its own, whatever the statement brings. A statement alone sees one
state of the database, so that none needs a transaction. A connection is set to the workspace of
what it runs; the one that is set to it already is preferred.
"""

import asyncio
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import asyncpg
from sqlalchemy import make_url

from trenza.storage.engine import SERVER_SETTINGS, Database, driver_arguments
from trenza.storage.guards import NOTHING, Guard, guard_reads
from trenza.storage.isolation import ACT_AS_ROLE
from trenza.storage.sight import SEEN_WORKSPACE, Sight

KEPT_STATEMENTS = 512
"""How many statements a connection keeps prepared."""

SET_WORKSPACE = "SELECT set_config($1, $2, false)"

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

    async def fetch(
        self, text: str, parameters: Sequence[Any], workspace_id: str
    ) -> Sequence[Sequence[Any]]:
        """The rows of a statement, which sees one workspace; raises StatementError."""
        ...

    async def close(self) -> None:
        """Closes every connection."""
        ...


def open_statements(database: Database, *, pool_size: int) -> Statements:
    """Statements on a database of either kind; connections are made when they are needed."""
    if database.is_sqlite:
        return SqliteStatements(database, pool_size)
    return PostgresStatements(database, pool_size)


@dataclass(slots=True)
class _Set:
    """A connection, and the workspace that it is set to."""

    connection: asyncpg.Connection
    workspace_id: str | None = None

    async def fetch(
        self, text: str, parameters: Sequence[Any], workspace_id: str
    ) -> Sequence[Sequence[Any]]:
        """The rows of a statement; changing hands is a statement before it."""
        if self.workspace_id != workspace_id:
            self.workspace_id = None
            await self.connection.fetchval(SET_WORKSPACE, SEEN_WORKSPACE, workspace_id)
            self.workspace_id = workspace_id
        rows: Sequence[Sequence[Any]] = await self.connection.fetch(text, *parameters)
        return rows


class PostgresStatements:
    """A stack of connections: one of the workspace is used next, else the one used longest ago.

    `handed_over` counts how often a connection was set to another workspace.
    """

    def __init__(self, database: Database, pool_size: int) -> None:
        self.executed = 0
        self.handed_over = 0
        self._arguments = driver_arguments(database.url)
        self._free = asyncio.Semaphore(pool_size)
        self._idle: list[_Set] = []

    async def fetch(
        self, text: str, parameters: Sequence[Any], workspace_id: str
    ) -> Sequence[Sequence[Any]]:
        """The rows of a statement; a connection that was lost is replaced once."""
        self.executed += 1
        try:
            async with self._free:
                return await self._fetch(text, parameters, workspace_id)
        except (asyncpg.PostgresError, *LOST) as error:
            raise StatementError from error

    async def close(self) -> None:
        """Closes every connection that is not in use."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(each.connection.close() for each in idle))

    async def _fetch(
        self, text: str, parameters: Sequence[Any], workspace_id: str
    ) -> Sequence[Sequence[Any]]:
        taken = self._take(workspace_id) or await self._connect()
        try:
            return await self._run(taken, text, parameters, workspace_id)
        except LOST:
            taken = await self._connect()
            return await self._run(taken, text, parameters, workspace_id)

    async def _run(
        self, taken: _Set, text: str, parameters: Sequence[Any], workspace_id: str
    ) -> Sequence[Sequence[Any]]:
        self.handed_over += taken.workspace_id != workspace_id
        try:
            rows = await taken.fetch(text, parameters, workspace_id)
        except asyncpg.ProgramLimitExceededError as error:
            self._idle.append(taken)
            raise TooComplexError(str(error)) from error
        except BaseException:
            # Who knows what is still on its way to it.
            taken.connection.terminate()
            raise
        self._idle.append(taken)
        return rows

    def _take(self, workspace_id: str) -> _Set | None:
        """An idle connection of the workspace, or else the one that nobody used for longest."""
        self._idle = [each for each in self._idle if not each.connection.is_closed()]
        for index in range(len(self._idle) - 1, -1, -1):
            if self._idle[index].workspace_id == workspace_id:
                return self._idle.pop(index)
        return self._idle.pop(0) if self._idle else None

    async def _connect(self) -> _Set:
        connection = await asyncpg.connect(
            **self._arguments,
            server_settings=READ_SETTINGS,
            statement_cache_size=KEPT_STATEMENTS,
        )
        await connection.execute(ACT_AS_ROLE)
        return _Set(connection)


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

    async def fetch(
        self, text: str, parameters: Sequence[Any], workspace_id: str
    ) -> Sequence[Sequence[Any]]:
        """The rows of a statement."""
        self.executed += 1
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(
                self._threads, self._run, text, parameters, workspace_id
            )
        except sqlite3.Error as error:
            raise StatementError from error

    async def close(self) -> None:
        """Closes every connection, when what runs on it has ended."""
        self._threads.shutdown()
        while self._connections:
            self._connections.pop().close()

    def _run(
        self, text: str, parameters: Sequence[Any], workspace_id: str
    ) -> Sequence[Sequence[Any]]:
        connection: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = self._connect()
        guard: Guard = self._own.guard
        guard.sight = Sight(workspace_id)
        try:
            return connection.execute(text, parameters).fetchall()
        except sqlite3.OperationalError as error:
            # Limits of the parser have no code of their own.
            if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
                raise TooComplexError(str(error)) from error
            raise
        finally:
            guard.sight = NOTHING

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._file,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=KEPT_STATEMENTS,
        )
        connection.execute("PRAGMA busy_timeout=15000")
        self._own.guard = guard_reads(connection)
        self._connections.append(connection)
        return connection
