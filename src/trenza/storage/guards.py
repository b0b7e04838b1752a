"""Isolation by SQLite itself: what a connection can name and write is guarded.

A connection that reads finds a view under the name of each table, which shows the rows of the
workspace that the connection is set to; the tables behind them are refused to whatever else would
read them. A connection that writes has triggers of its own, which refuse to change or delete a row
of another workspace, and to change what is only ever added to. What it adds and what it reads is
held to its workspace by its statements alone: a trigger for each row that is added would cost a
batch a fifth of its time.
"""

import sqlite3
from collections.abc import Iterator

from sqlmodel import SQLModel

from trenza.storage.sight import APPEND_ONLY, EMPTIED, Sight

KEYS = "api_key"
SIGHT = "trenza_sight"
"""The table of a connection's own that says what it sees."""
_SEEN_WORKSPACE, _SEEN_KEY = (
    f"(SELECT {column} FROM temp.{SIGHT} WHERE rowid = 1)"  # noqa: S608 - names of our own
    for column in ("workspace_id", "key_id")
)
_SHOW = f"UPDATE temp.{SIGHT} SET workspace_id = ?, key_id = ? WHERE rowid = 1"  # noqa: S608
_DESCRIBING = frozenset({"table_info", "table_xinfo"})
_READING = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
        sqlite3.SQLITE_TRANSACTION,
    }
)


class Guard:
    """What one connection sees, which its views and triggers read from a row of its own.

    A function of Python could tell it too, and every statement would wait for the interpreter,
    which other threads have meanwhile: with 16 at once that cost more than the statements.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.sight: Sight | None = Sight()
        """What was shown last; nothing while that is not sure."""
        self.is_turning = False
        self._connection = connection
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute(f"CREATE TEMP TABLE {SIGHT} (workspace_id TEXT, key_id TEXT)")
        connection.execute(f"INSERT INTO {SIGHT} (rowid) VALUES (1)")  # noqa: S608

    def show(self, sight: Sight) -> None:
        """Has the connection see this from now on; runs where its statements run."""
        if self.sight == sight:
            return
        self.sight, self.is_turning = None, True
        try:
            self._connection.execute(_SHOW, (sight.workspace_id, sight.key_id))
        finally:
            self.is_turning = False
        self.sight = sight


def guard_reads(connection: sqlite3.Connection) -> Guard:
    """Has a connection write nothing, and see nothing but what its guard is set to."""
    guard = Guard(connection)
    tables = frozenset(SQLModel.metadata.tables)
    for name in tables:
        condition = f"workspace_id = {_SEEN_WORKSPACE}"
        if name == KEYS:
            condition += f" OR id = {_SEEN_KEY}"
        shown = f"SELECT * FROM main.{name} WHERE {condition}"  # noqa: S608 - names of our own
        connection.execute(f"CREATE TEMP VIEW {name} AS {shown}")

    def authorize(
        action: int, first: str | None, _: str | None, schema: str | None, view: str | None
    ) -> int:
        match action:
            case sqlite3.SQLITE_READ:
                is_allowed = first not in tables or schema != "main" or view == first
            case sqlite3.SQLITE_PRAGMA:
                is_allowed = first in _DESCRIBING
            case sqlite3.SQLITE_UPDATE if first == "sqlite_master":
                # Asked where a function that gives a table is used first; SQLite writes nothing.
                is_allowed = True
            case sqlite3.SQLITE_UPDATE:
                is_allowed = guard.is_turning and (first, schema) == (SIGHT, "temp")
            case _:
                is_allowed = action in _READING
        return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY

    connection.set_authorizer(authorize)
    return guard


def guard_writes(connection: sqlite3.Connection) -> Guard:
    """Has a connection change no row but those of the workspace that its guard is set to."""
    guard = Guard(connection)
    there = {
        name
        for (name,) in connection.execute("SELECT name FROM main.sqlite_master WHERE type='table'")
    }
    for table in sorted(there & SQLModel.metadata.tables.keys()):
        for statement in _triggers(table):
            connection.execute(statement)
    return guard


def _triggers(table: str) -> Iterator[str]:
    for verb, rows in (("UPDATE", "NEW OLD"), ("DELETE", "OLD")):
        name = f"guard_{verb.lower()}_{table}"
        refused = " OR ".join(
            f"{row}.workspace_id IS NOT {_SEEN_WORKSPACE}" for row in rows.split()
        )
        reason = f"the row of {table} is of another workspace"
        if table in APPEND_ONLY:
            reason = f"rows of {table} are only ever added"
            refused += f" OR {_is_changed(table)}" if verb == "UPDATE" else " OR 1"
        yield (
            f"CREATE TEMP TRIGGER {name} BEFORE {verb} ON main.{table} WHEN {refused}"
            f" BEGIN SELECT RAISE(ABORT, '{reason}'); END"
        )


def _is_changed(table: str) -> str:
    """The condition of an update of what is only added, but for columns that may be emptied."""
    emptied = EMPTIED.get(table, ())
    kept = [c.name for c in SQLModel.metadata.tables[table].c if c.name not in emptied]
    return " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in kept) if emptied else "1"
