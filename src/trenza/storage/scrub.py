"""Scrubbing: what was deleted leaves the files of the database too, not only its rows.

SQLite overwrites what is deleted, but keeps older copies of rows that had been moved between pages,
and its log holds pages as they were. PostgreSQL keeps dead rows until a VACUUM, their bytes beyond
it, and what it has sampled of columns in its statistics. So tables are written anew, and old files
given back to the file system. What is outside of the database's own files this cannot reach: logs
that are archived, copies and backups, and blocks that the file system has not used again.
"""

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import make_url
from sqlmodel import SQLModel

from trenza.storage.engine import Database, driver_arguments
from trenza.storage.person import PERSONAL

COPIED_IN_MEMORY_MAX = 512 << 20
LOCK_WAIT_SECONDS = 15
TRUNCATED_WITHIN_SECONDS = 30
ATTEMPTS = 8
STATISTICS = "pg_statistic"


class NotScrubbedError(Exception):
    """Why something of what was deleted may still be in the files; scrubbing again is safe."""


async def scrub(database: Database) -> None:
    """Writes what holds personal data anew, so that nothing of what was deleted is left.

    Each table is locked while it is written. Raises NotScrubbedError.
    """
    if database.is_sqlite:
        file = make_url(database.url).database
        if file:
            await asyncio.to_thread(_scrub_file, file)
    else:
        await _scrub_server(database.url)


def _scrub_file(file: str) -> None:
    try:
        with closing(sqlite3.connect(file, LOCK_WAIT_SECONDS, isolation_level=None)) as connection:
            connection.execute("PRAGMA secure_delete=ON")
            # The copy that is made meanwhile would be a file that is only removed afterwards.
            if Path(file).stat().st_size <= COPIED_IN_MEMORY_MAX:
                connection.execute("PRAGMA temp_store=MEMORY")
            connection.execute("VACUUM")
            # Readers keep the log from being emptied: this waits for them.
            connection.execute(f"PRAGMA busy_timeout={TRUNCATED_WITHIN_SECONDS * 1000}")
            [(busy, *_)] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.OperationalError as error:
        raise NotScrubbedError(f"the file cannot be written anew: {error}") from error
    if busy:
        raise NotScrubbedError(
            f"something read the database for {TRUNCATED_WITHIN_SECONDS} seconds on end: its log"
            " is not empty yet"
        )


async def _scrub_server(url: str) -> None:
    """Writes tables and the statistics anew; needs the owner of the tables and the database."""
    names = [table.name for table in SQLModel.metadata.sorted_tables if table.name in PERSONAL]
    connection = await asyncpg.connect(**driver_arguments(url))
    try:
        for name in names:
            # ANALYZE: samples of what is gone are taken again of what is there.
            await _rewrite(connection, name, "FULL, ANALYZE, VERBOSE")
        await _rewrite(connection, STATISTICS, "FULL, VERBOSE")
        # Files that were replaced are given back at a checkpoint.
        if await connection.fetchval(_MAY_CHECKPOINT):
            await connection.execute("CHECKPOINT")
    except (asyncpg.PostgresError, OSError) as error:
        raise NotScrubbedError(f"the tables cannot be written anew: {error}") from error
    finally:
        await connection.close()


async def _rewrite(connection: asyncpg.Connection, table: str, how: str) -> None:
    """Writes a table anew, again where a transaction still saw rows that are dead."""
    said: list[Any] = []

    def listen(_: object, message: Any) -> None:
        said.append(message)

    connection.add_log_listener(listen)
    try:
        for attempt in range(ATTEMPTS):
            said.clear()
            await connection.execute(f"VACUUM ({how}) {table}")
            for warning in (each.message for each in said if each.severity_en == "WARNING"):
                raise NotScrubbedError(f"PostgreSQL leaves {table} as it is: {warning}")
            if not any(_DEAD.match(each.detail or "") for each in said):
                return
            await asyncio.sleep(0.1 * 2**attempt)
    finally:
        connection.remove_log_listener(listen)
    raise NotScrubbedError(f"a transaction that began before still sees dead rows of {table}")


_DEAD = re.compile("[1-9][0-9]* ")
"""How VERBOSE begins to tell, in any language, that some dead rows were kept."""
_MAY_CHECKPOINT = """
SELECT rolsuper OR EXISTS (
  SELECT 1 FROM pg_roles AS may
  WHERE may.rolname = 'pg_checkpoint' AND pg_has_role(may.oid, 'USAGE')
) FROM pg_roles WHERE rolname = current_user
"""
