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
from queue import SimpleQueue
from typing import Any, NamedTuple, Protocol

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


class _Asked(NamedTuple):
    """A statement with its values, and where its rows are waited for."""

    text: str
    parameters: Sequence[Any]
    answer: asyncio.Future[Sequence[Sequence[Any]]]


class SqliteStatements:
    """Threads that each have a connection which can only read, fed by one queue.

    To wake the loop costs as much as a statement: what ends until it wakes is answered together.
    """

    def __init__(self, database: Database, pool_size: int) -> None:
        self.executed = 0
        self._file = make_url(database.url).database or ""
        # More threads than processors only wait for each other: twice the time for each request.
        self._size = min(pool_size, os.cpu_count() or 1)
        self._threads: list[threading.Thread] = []
        self._asked: SimpleQueue[_Asked | None] = SimpleQueue()
        self._done: deque[tuple[_Asked, Any, Exception | None]] = deque()
        self._is_loop_told = False

    async def fetch(self, text: str, parameters: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """The rows of a statement."""
        self.executed += 1
        loop = asyncio.get_running_loop()
        if not self._threads:
            self._start(loop)
        answer: asyncio.Future[Sequence[Sequence[Any]]] = loop.create_future()
        self._asked.put(_Asked(text, parameters, answer))
        try:
            return await answer
        except sqlite3.Error as error:
            raise StatementError from error

    async def close(self) -> None:
        """Closes every connection, when what was asked has been run."""
        threads, self._threads = self._threads, []
        for _ in threads:
            self._asked.put(None)
        for thread in threads:
            thread.join()

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._threads = [
            threading.Thread(
                target=self._serve, args=(loop,), name=f"trenza-read-{number}", daemon=True
            )
            for number in range(self._size)
        ]
        for thread in self._threads:
            thread.start()

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Runs what is asked until it is told to stop, on a connection of this thread."""
        connection: sqlite3.Connection | None = None
        while (asked := self._asked.get()) is not None:
            try:
                connection = connection or self._connect()
                self._done.append((asked, _run(connection, asked), None))
            except Exception as error:  # noqa: BLE001 - it is raised where the rows are waited for
                self._done.append((asked, None, error))
            if not self._is_loop_told:
                self._is_loop_told = True
                loop.call_soon_threadsafe(self._answer)
        if connection is not None:
            connection.close()

    def _answer(self) -> None:
        """Answers everything that has ended."""
        # First, so that what ends from now on tells the loop again.
        self._is_loop_told = False
        while self._done:
            asked, rows, error = self._done.popleft()
            if asked.answer.done():
                continue
            if error is None:
                asked.answer.set_result(rows)
            else:
                asked.answer.set_exception(error)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._file, isolation_level=None, cached_statements=KEPT_STATEMENTS
        )
        connection.execute("PRAGMA query_only=ON")
        connection.execute("PRAGMA busy_timeout=15000")
        return connection


def _run(connection: sqlite3.Connection, asked: _Asked) -> Sequence[Sequence[Any]]:
    try:
        return connection.execute(asked.text, asked.parameters).fetchall()
    except sqlite3.OperationalError as error:
        # Limits of the parser have no code of their own.
        if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
            raise TooComplexError(str(error)) from error
        raise
