"""Connections: short reads, and writes that are one transaction each, on both databases.

SQLite has one writer: within the process writers take turns, between processes
`BEGIN IMMEDIATE` does. The default `BEGIN` would lose updates or answer busy. PostgreSQL writers
lock the rows they decide on; a transaction that meets a deadlock or loses a race for a unique key
is decided again from the start, and then sees the winner's rows.

Whoever takes a connection says of which workspace, and the database itself keeps to that: see
`isolation` for PostgreSQL, `guards` for SQLite.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar, cast

from sqlalchemy import Dialect, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    DisconnectionError,
    IntegrityError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from trenza.storage.bulk import DRIVER_ERRORS, as_database_error, driver_of
from trenza.storage.claim import ClaimLock, NotAloneError
from trenza.storage.dialect import IS_DISTRIBUTED
from trenza.storage.guards import guard_reads, guard_writes
from trenza.storage.isolation import ACT_AS_ROLE
from trenza.storage.sight import Sight

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]
"""What is done in one transaction."""

__all__ = [
    "AcrossWorkspaces",
    "AsyncConnection",
    "Database",
    "Work",
    "driver_arguments",
    "may_stand",
]

RETRIES_MAX = 8
SERVER_SETTINGS = {
    # Statements take milliseconds at most: compiling them to machine code would take longer.
    "jit": "off",
    # And they are known: planning one anew costs more than the best plan for its values saves.
    "plan_cache_mode": "force_generic_plan",
}
BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
"""The statements of one read see one state of the database."""
GUARD = "guard"
"""Under which name a connection's `info` has the guard of SQLite."""
ACROSS_POOL_SIZE = 2
OPTIONS_OF_THE_POOL = frozenset({"prepared_statement_cache_size", "prepared_statement_name_func"})
"""Options of a URL that SQLAlchemy takes for itself."""
RETRIED_SQLSTATES = frozenset({"40001", "40P01", "23505"})
"""Serialization failure, deadlock, unique key lost to a concurrent writer."""


class Database:
    """One database by its URL: `sqlite+aiosqlite:///file` or `postgresql+asyncpg://…`."""

    def __init__(self, url: str, *, pool_size: int = 10, isolated: bool = True) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._readers = _sqlite_engine(
                url, pool_size=pool_size, query_only=True, isolated=isolated
            )
            self._writers = _sqlite_engine(url, pool_size=1, isolated=isolated)
        else:
            self._readers = self._writers = _postgresql_engine(url, pool_size, isolated=isolated)
        self._turns = asyncio.Semaphore(1 if self.is_sqlite else pool_size)
        self._writing: set[asyncio.Task[Any]] = set()
        self._unisolated: Database | None = None

    @property
    def dialect(self) -> Dialect:
        """How statements are written for this database."""
        return self._readers.dialect

    def read(self, workspace_id: str | None) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection for one batch of reads; never held while waiting for a client.

        It sees the rows of one workspace; without any it sees no row at all.
        """
        return self._read(Sight(workspace_id))

    def read_key(self, key_id: str) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection that sees the row of one API key: whoever shows it says not whose it is."""
        return self._read(Sight(key_id=key_id))

    async def write(self, work: Work[T], workspace_id: str, claims: ClaimLock | None = None) -> T:
        """Runs `work` in one transaction and returns its result after the commit.

        It sees and writes rows of one workspace. `work` may run more than once and so must not
        touch anything but its connection. Whoever gives up before it has begun takes it back; what
        has begun comes to its end. Who claims something gives a lock for it.
        """
        return await self._write(work, Sight(workspace_id), claims)

    def across_workspaces(self) -> "AcrossWorkspaces":
        """Access to all workspaces as the owner of the tables: for operators, not for clients."""
        if self._unisolated is None:
            self._unisolated = Database(self.url, pool_size=ACROSS_POOL_SIZE, isolated=False)
            self._unisolated._turns = self._turns  # noqa: SLF001 - of its own class
        return AcrossWorkspaces(self._unisolated)

    @asynccontextmanager
    async def _read(self, sight: Sight) -> AsyncGenerator[AsyncConnection, None]:
        if not self.is_sqlite:
            begin = BEGIN_READING + sight.local_settings()
            async with self._transaction(begin, sight) as connection:
                yield connection
            return
        async with self._readers.connect() as connection:
            await _show(connection, sight)
            yield connection

    async def _write(self, work: Work[T], sight: Sight, claims: ClaimLock | None = None) -> T:
        if claims is not None:
            claims.alone = self.is_sqlite
        attempt = 1
        while True:
            await self._turns.acquire()
            # A connection that is given up in the middle lives on until a cursor of it is
            # collected: on SQLite the file is locked as long.
            writing = asyncio.create_task(self._attempt(work, sight, claims))
            self._writing.add(writing)
            writing.add_done_callback(self._end)
            try:
                return await asyncio.shield(writing)
            except NotAloneError:
                if claims is None or claims.alone:
                    raise
            except DBAPIError as error:
                if attempt == RETRIES_MAX or not _is_worth_retrying(error):
                    raise
            if claims is not None:
                claims.alone = True
            await asyncio.sleep(0.002 * attempt**2)
            attempt += 1

    async def _attempt(self, work: Work[T], sight: Sight, claims: ClaimLock | None) -> T:
        begin = "BEGIN IMMEDIATE" if self.is_sqlite else f"BEGIN{sight.local_settings()}"
        if claims is not None and sight.workspace_id is not None and not self.is_sqlite:
            begin += claims.sql(sight.workspace_id)
        async with self._transaction(begin, sight) as connection:
            return await work(connection)

    def _end(self, writing: asyncio.Task[Any]) -> None:
        self._writing.discard(writing)
        self._turns.release()

    @asynccontextmanager
    async def _transaction(self, begin: str, sight: Sight) -> AsyncGenerator[AsyncConnection, None]:
        """What is seen is said with the BEGIN, and ends with the transaction."""
        async with self._writers.connect() as connection:
            await _show(connection, sight)
            driver = driver_of(connection)
            try:
                await driver.execute(begin)
                yield connection
                await driver.execute("COMMIT")
            except DRIVER_ERRORS as error:
                await self._roll_back(driver)
                raise as_database_error(error) from error
            except BaseException:
                # Whoever waits may be given up while it begins: then it has begun all the same.
                await self._roll_back(driver)
                raise

    async def _roll_back(self, driver: Any) -> None:
        """Ends a transaction, if there is one; a connection that is lost took it along."""
        try:
            await driver.execute("ROLLBACK")
        except (*DRIVER_ERRORS, ValueError):  # the latter is what aiosqlite says of a closed one
            return
        except BaseException:
            # Nobody may go on in it: what it sees and may do is that of another.
            if not self.is_sqlite:
                driver.terminate()
            raise

    async def close(self) -> None:
        """Closes every connection, when what is being written has ended."""
        await asyncio.gather(*self._writing, return_exceptions=True)
        for engine in (self._readers, self._writers):
            await engine.dispose()
        if self._unisolated is not None:
            await self._unisolated.close()


class AcrossWorkspaces:
    """Reads and writes that see every workspace: which there are, and what an audit asks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A connection for one batch of reads."""
        return self._database._read(Sight(across=True))  # noqa: SLF001 - the other half of it

    async def write(self, work: Work[T]) -> T:
        """Runs `work` in one transaction, as `Database.write` does."""
        return await self._database._write(work, Sight(across=True))  # noqa: SLF001 - as above


async def _show(connection: AsyncConnection, sight: Sight) -> None:
    """Has a connection to SQLite that is guarded see this from now on."""
    guard = connection.sync_connection.info.get(GUARD)  # type: ignore[union-attr]
    if guard is not None and guard.sight != sight:
        # Whoever waits may be given up, and the connection would see it all the same, later.
        guard.sight = None
        await _on_thread(driver_of(connection), guard.show, sight)


async def _on_thread(driver: Any, work: Callable[..., T], *arguments: Any) -> T:
    """Runs something on the thread of aiosqlite's connection, which offers no name for it."""
    return cast(T, await driver._execute(work, *arguments))  # noqa: SLF001


def _postgresql_engine(url: str, pool_size: int, *, isolated: bool) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        # `_transaction` begins and ends what is done.
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args={"server_settings": SERVER_SETTINGS},
    )
    event.listen(engine.sync_engine, "connect", _note_distribution)
    if isolated:
        event.listen(engine.sync_engine, "connect", _act_as_role)
    event.listen(engine.sync_engine, "checkout", _refuse_lost_connection)
    return engine


def _sqlite_engine(
    url: str, *, pool_size: int, isolated: bool, query_only: bool = False
) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=pool_size, max_overflow=0, hide_parameters=True)

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        # The driver must not begin transactions by itself: `begin` below does.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "busy_timeout=15000",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            # However SQLite was built, what is deleted or replaced is overwritten with zeros. Where
            # rows had been moved to other pages, older copies of them stay until a VACUUM.
            "secure_delete=ON",
            f"query_only={'ON' if query_only and not isolated else 'OFF'}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        if isolated:
            guard = guard_reads if query_only else guard_writes
            record.info[GUARD] = connection.run_async(
                lambda driver: _on_thread(driver, guard, driver._conn)  # noqa: SLF001
            )

    if query_only:

        @event.listens_for(engine.sync_engine, "begin")
        def start(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN")

    return engine


def _note_distribution(connection: Any, record: ConnectionPoolEntry) -> None:
    """Notes whether Citus distributes the tables of this database."""
    cursor = connection.cursor()
    cursor.execute("SELECT count(*) FROM pg_extension WHERE extname = 'citus'")
    [[extensions]] = cursor.fetchall()
    cursor.close()
    connection.rollback()
    record.info[IS_DISTRIBUTED] = extensions > 0


def _act_as_role(connection: Any, _record: ConnectionPoolEntry) -> None:
    """Has a new connection act as the role that serves."""
    cursor = connection.cursor()
    cursor.execute(ACT_AS_ROLE)
    cursor.close()
    connection.commit()


def _refuse_lost_connection(connection: Any, _record: Any, _proxy: Any) -> None:
    """Has the pool open another connection where the server has closed this one."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _is_worth_retrying(error: DBAPIError) -> bool:
    sqlstate = getattr(error.orig, "sqlstate", None)
    return sqlstate in RETRIED_SQLSTATES or "database is locked" in str(error.orig)


def driver_arguments(url: str) -> dict[str, Any]:
    """What PostgreSQL's driver is given to connect to the database of a URL."""
    parsed = make_url(url)
    arguments = parsed.get_dialect()().create_connect_args(parsed)[1]
    return {name: arguments[name] for name in arguments if name not in OPTIONS_OF_THE_POOL}


def may_stand(error: Exception) -> bool:
    """Whether a transaction that failed so may be committed all the same: its answer was lost."""
    if isinstance(error, DBAPIError):
        refused = isinstance(error, IntegrityError | DataError | ProgrammingError)
        return not refused and not _is_worth_retrying(error)
    return isinstance(error, OSError | PoolTimeout)
