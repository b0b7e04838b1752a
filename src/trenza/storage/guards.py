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

NOTHING = Sight()
KEYS = "api_key"
_DESCRIBING = frozenset({"table_info", "table_xinfo"})


class Guard:
    """What one connection sees, by the functions that its views and triggers call."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.sight = NOTHING
        # Constant within a statement, which is what SQLite asks of it: it is called once for each.
        for name, function in (
            ("trenza_workspace", lambda: self.sight.workspace_id),
            ("trenza_key", lambda: self.sight.key_id),
        ):
            connection.create_function(name, 0, function, deterministic=True)


def guard_reads(connection: sqlite3.Connection) -> Guard:
    """Has a connection write nothing, and see nothing but what its guard is set to."""
    guard = Guard(connection)
    tables = frozenset(SQLModel.metadata.tables)
    for name in tables:
        condition = "workspace_id = trenza_workspace()"
        if name == KEYS:
            condition += " OR id = trenza_key()"
        shown = f"SELECT * FROM main.{name} WHERE {condition}"  # noqa: S608 - names of our own
        connection.execute(f"CREATE TEMP VIEW {name} AS {shown}")
    connection.execute("PRAGMA query_only=ON")

    def authorize(
        action: int, first: str | None, _: str | None, schema: str | None, view: str | None
    ) -> int:
        is_refused = action == sqlite3.SQLITE_ATTACH
        if action == sqlite3.SQLITE_READ:
            is_refused = first in tables and schema == "main" and view != first
        elif action == sqlite3.SQLITE_PRAGMA:
            is_refused = first not in _DESCRIBING
        return sqlite3.SQLITE_DENY if is_refused else sqlite3.SQLITE_OK

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
            f"{row}.workspace_id IS NOT trenza_workspace()" for row in rows.split()
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
