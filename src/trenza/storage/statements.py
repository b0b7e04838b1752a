"""Finished statements that only read, run as they are, past SQLAlchemy.

PostgreSQL: connections of the driver, each with its own prepared statements. SQLite: one hop to a
thread with a connection of its own, whatever the statement brings. A statement alone sees one
state of the database, so that none needs a transaction. A connection is set to the workspace of
what it runs; the one that is set to it already is preferred.
"""

import asyncio
import os
import re
import sqlite3
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, NamedTuple, Protocol

import asyncpg
from sqlalchemy import make_url

from trenza.storage.engine import SERVER_SETTINGS, Database, driver_arguments
from trenza.storage.guards import Guard, guard_reads
from trenza.storage.isolation import ACT_AS_ROLE
from trenza.storage.sight import SEEN_WORKSPACE, Sight

KEPT_STATEMENTS = 512
"""How many statements a connection keeps prepared."""

_LIMIT = re.compile("stack overflow|too large|too many|at most")
"""How SQLite says that a statement is beyond its parser, for which it has no code."""

_WRONG = re.compile("no such|ambiguous|syntax error")
"""How SQLite says that a statement is none, for which it has no code either."""

MAPPED_BYTES_MAX = 1 << 30
"""How much of a file its readers see as memory: a page that is read costs no call then.

Their own memory of pages is small, and forgotten whenever another connection has written.
"""

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


class UnfitStatementError(StatementError):
    """The database does not take a statement, whatever its values: it never will."""


class TooComplexError(UnfitStatementError):
    """A statement is nested too deeply, or answers too much."""


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
        except asyncpg.ProgramLimitExceededError as error:
            raise TooComplexError(str(error)) from error
        except asyncpg.SyntaxOrAccessError as error:
            raise UnfitStatementError(str(error)) from error
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
        except BaseException as error:
            if isinstance(error, asyncpg.PostgresError) and not isinstance(error, LOST):
                # It is refused as a whole: outside of a transaction nothing of it is left.
                self._idle.append(taken)
            else:
                # Who knows what is still on its way to it.
                taken.connection.terminate()
            raise
        self._idle.append(taken)
        return rows

    def _take(self, workspace_id: str) -> _Set | None:
        """An idle connection of the workspace, or else the one that nobody used for longest."""
        while self._idle:
            places = reversed(range(len(self._idle)))
            own = (n for n in places if self._idle[n].workspace_id == workspace_id)
            taken = self._idle.pop(next(own, 0))
            if not taken.connection.is_closed():
                return taken
        return None

    async def _connect(self) -> _Set:
        connection = await asyncpg.connect(
            **self._arguments,
            server_settings=READ_SETTINGS,
            statement_cache_size=KEPT_STATEMENTS,
        )
        await connection.execute(ACT_AS_ROLE)
        return _Set(connection)


class _Asked(NamedTuple):
    """A statement with its values, and where its rows are waited for."""

    text: str
    parameters: Sequence[Any]
    workspace_id: str
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

    async def fetch(
        self, text: str, parameters: Sequence[Any], workspace_id: str
    ) -> Sequence[Sequence[Any]]:
        """The rows of a statement."""
        self.executed += 1
        loop = asyncio.get_running_loop()
        if not self._threads:
            self._start(loop)
        answer: asyncio.Future[Sequence[Sequence[Any]]] = loop.create_future()
        self._asked.put(_Asked(text, parameters, workspace_id, answer))
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
        opened: tuple[sqlite3.Connection, Guard] | None = None
        while (asked := self._asked.get()) is not None:
            try:
                opened = opened or self._connect()
                self._done.append((asked, _run(*opened, asked), None))
            except Exception as error:  # noqa: BLE001 - it is raised where the rows are waited for
                self._done.append((asked, None, error))
            if not self._is_loop_told:
                self._is_loop_told = True
                loop.call_soon_threadsafe(self._answer)
        if opened is not None:
            opened[0].close()

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

    def _connect(self) -> tuple[sqlite3.Connection, Guard]:
        connection = sqlite3.connect(
            self._file, isolation_level=None, cached_statements=KEPT_STATEMENTS
        )
        connection.execute("PRAGMA busy_timeout=15000")
        connection.execute(f"PRAGMA mmap_size={MAPPED_BYTES_MAX}")
        return connection, guard_reads(connection)


def _run(connection: sqlite3.Connection, guard: Guard, asked: _Asked) -> Sequence[Sequence[Any]]:
    try:
        guard.show(Sight(asked.workspace_id))
        return connection.execute(asked.text, asked.parameters).fetchall()
    except sqlite3.OperationalError as error:
        if _LIMIT.search(str(error)):
            raise TooComplexError(str(error)) from error
        if _WRONG.search(str(error)):
            raise UnfitStatementError(str(error)) from error
        raise
