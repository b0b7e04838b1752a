"""Statements of the write path: written once, sent by the driver itself, many rows at a time.

A transaction that records a batch sends the same few statements again and again, and what
SQLAlchemy does around each of them costs more than the database. So each is compiled once for a
database and then given to the driver as text. On SQLite, where a hop to the connection's thread
costs more than a statement, all that are asked or written together share one hop.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import repeat
from operator import itemgetter
from typing import Any, cast

import asyncpg
from sqlalchemy import (
    JSON,
    ColumnElement,
    Dialect,
    Executable,
    Integer,
    Select,
    Subquery,
    Table,
    Text,
    bindparam,
    literal_column,
    null,
    select,
    union_all,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import NullType, TypeEngine
from sqlmodel.sql.sqltypes import UTCDateTime

from trenza.storage.columns import ID
from trenza.storage.dialect import IS_DISTRIBUTED, RowsParameter, stored_cells

Row = tuple[Any, ...]
Cells = Mapping[str, Any]
"""The cells of a row as expressions, by column."""

ROWS_NAME = "written"
"""What a statement calls the rows that it writes."""

DRIVER_ERRORS = (sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError)
_ERRORS_BY_CLASS = {"22": DataError, "23": IntegrityError, "42": ProgrammingError}


def as_database_error(error: Exception, text: str | None = None) -> DBAPIError:
    """A driver's error as SQLAlchemy would raise it."""
    kind = _ERRORS_BY_CLASS.get((getattr(error, "sqlstate", None) or "")[:2], OperationalError)
    if isinstance(error, sqlite3.IntegrityError):
        kind = IntegrityError
    return kind(text, None, error, hide_parameters=True)


def driver_of(connection: AsyncConnection) -> Any:
    """The driver's own connection: asyncpg's or aiosqlite's."""
    # `get_raw_connection` says the same by way of a greenlet, which costs as much as a statement.
    connected: Any = connection.sync_connection
    return connected.connection.driver_connection


@dataclass(frozen=True, slots=True)
class _Text:
    """A statement as a driver takes it: its text, the names of its parameters in order."""

    text: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]
    readers: tuple[tuple[int, Callable[[Any], Any]], ...] = ()

    def arguments(self, values: Mapping[str, Any]) -> Row:
        """The values in the order of the text."""
        known = {**self.constants, **values}
        return tuple([known[name] for name in self.names])

    def knowing(self, values: Mapping[str, Any]) -> "_Text":
        """The text with more arguments that are always the same."""
        return replace(self, constants={**self.constants, **values})

    def read(self, rows: Iterable[Sequence[Any]]) -> list[Row]:
        """Rows of the driver, with its cells as the columns mean them."""
        if not self.readers:
            return cast(list[Row], list(rows))
        found = []
        for row in rows:
            cells = list(row)
            for index, reader in self.readers:
                if cells[index] is not None:
                    cells[index] = reader(cells[index])
            found.append(tuple(cells))
        return found


def _text_of(statement: Any, dialect: Dialect, types: Sequence[TypeEngine[Any]] = ()) -> _Text:
    compiled: Any = statement.compile(dialect=dialect)
    readers = tuple(
        (index, reader)
        for index, type_ in enumerate(types)
        if (reader := _reader(type_, dialect)) is not None
    )
    names = tuple(compiled.positiontup or ())
    constants = {name: value for name, value in compiled.params.items() if value is not None}
    return _Text(str(compiled), names, constants, readers)


def _reader(type_: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    if dialect.name != "sqlite":
        return None
    if isinstance(type_, JSON):
        return json.loads
    return _instant if isinstance(type_, UTCDateTime) else None


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class Query:
    """A SELECT of one workspace: parameters `workspace_id` and any number of tables of rows.

    `build` makes it from a dialect's name. What it answers are plain tuples. `constants` are
    tables whose rows are always the same.
    """

    build: Callable[[str], Select[Any]]
    parameters: tuple[RowsParameter, ...] = ()
    constants: tuple[tuple[RowsParameter, Sequence[Row]], ...] = ()
    _texts: dict[str, _Text] = field(default_factory=dict, init=False)

    def text(self, dialect: Dialect) -> _Text:
        """The statement in a dialect."""
        found = self._texts.get(dialect.name)
        if found is None:
            built = self.build(dialect.name)
            types = [column.type for column in built.selected_columns]
            text = _text_of(built, dialect, types)
            found = self._texts[dialect.name] = text.knowing(self.constant_values(dialect))
        return found

    def constant_values(self, dialect: Dialect) -> dict[str, Any]:
        """The arguments by name that are the same every time."""
        values: dict[str, Any] = {}
        for parameter, rows in self.constants:
            values |= parameter.values(dialect, rows)
        return values

    def of(self, workspace_id: str, *tables: Sequence[Sequence[Any]]) -> "Question":
        """The query with its arguments: rows for each of its parameters."""
        return Question(self, workspace_id, tables)


@dataclass(frozen=True, slots=True)
class Question:
    """A query with its arguments; one with parameters that are all empty is not worth asking."""

    query: Query
    workspace_id: str
    tables: tuple[Sequence[Sequence[Any]], ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to ask for."""
        return bool(self.tables) and not any(self.tables)

    def arguments(self, dialect: Dialect) -> tuple[_Text, Row]:
        """The statement with its arguments in order."""
        text = self.query.text(dialect)
        return text, text.arguments(self.values(dialect))

    def values(self, dialect: Dialect) -> dict[str, Any]:
        """The arguments by name."""
        values: dict[str, Any] = {"workspace_id": self.workspace_id}
        for parameter, rows in zip(self.query.parameters, self.tables, strict=True):
            values |= parameter.values(dialect, rows)
        return values


async def ask(connection: AsyncConnection, *questions: Question) -> list[list[Row]]:
    """The rows that answer each question, asked in one round trip.

    PostgreSQL answers them from one state of the database, in one statement that gives the rows
    of each question in any order; on SQLite they share a hop.
    """
    found: list[list[Row]] = [[] for _ in questions]
    asked = [(index, each) for index, each in enumerate(questions) if not each.is_empty]
    if not asked:
        return found
    driver, dialect = driver_of(connection), connection.dialect
    if dialect.name == "sqlite":
        texts = [(index, *question.arguments(dialect)) for index, question in asked]

        def run(database: sqlite3.Connection) -> None:
            for index, text, arguments in texts:
                found[index] = text.read(database.execute(text.text, arguments))

        await _hop(driver, run)
        return found
    if len(asked) == 1:
        [(index, question)] = asked
        text, arguments = question.arguments(dialect)
        found[index] = await _fetch(driver, text.text, arguments)
        return found
    fused = fused_queries(dialect, tuple([question.query for _, question in asked]))
    values: dict[str, Any] = {}
    for _, question in asked:
        values |= question.values(dialect)
    for row in await _fetch(driver, fused.text.text, fused.text.arguments(values)):
        part = row[0]
        found[asked[part][0]].append(fused.cells[part](row))
    return found


async def _fetch(driver: Any, text: str, arguments: Row) -> list[Row]:
    try:
        return cast(list[Row], await driver.fetch(text, *arguments))
    except DRIVER_ERRORS as error:
        raise as_database_error(error, text) from error


@dataclass(frozen=True, slots=True)
class Fused:
    """Several queries as one statement, and how the cells of each are picked from its rows."""

    text: _Text
    cells: tuple[Callable[[Row], Row], ...]


_FUSED: dict[tuple[str, tuple[Query, ...]], Fused] = {}


def fused_queries(dialect: Dialect, queries: tuple[Query, ...]) -> Fused:
    """One UNION ALL of queries; its first column says which query a row is of.

    Columns of one type share their places; a query leaves the places empty that it does not need.
    """
    found = _FUSED.get((dialect.name, queries))
    if found is not None:
        return found
    parts = [query.build(dialect.name).subquery() for query in queries]
    names = [_places(part, dialect) for part in parts]
    places = {place: type_ for each in names for place, (_, type_) in each.items()}
    order = {place: index for index, place in enumerate(places, start=1)}
    selects = []
    for number, (part, own) in enumerate(zip(parts, names, strict=True)):
        cells = [
            own[place][0] if place in own else sql_cast(null(), type_)
            for place, type_ in places.items()
        ]
        selects.append(select(literal_column(str(number), Integer()), *cells).select_from(part))
    text = _text_of(union_all(*selects), dialect, [Integer(), *places.values()])
    for query in queries:
        text = text.knowing(query.constant_values(dialect))
    picked = tuple(_picking([order[place] for place in own]) for own in names)
    fused = _FUSED[dialect.name, queries] = Fused(text, picked)
    return fused


def _places(
    part: Subquery, dialect: Dialect
) -> dict[tuple[str, int], tuple[ColumnElement[Any], TypeEngine[Any]]]:
    """The columns of a query, each by its type and its number among those of the type."""
    counts: Counter[str] = Counter()
    found: dict[tuple[str, int], tuple[ColumnElement[Any], TypeEngine[Any]]] = {}
    for column in part.c:
        type_ = Text() if isinstance(column.type, NullType) else column.type
        name = type_.compile(dialect)
        found[name, counts[name]] = (column, type_)
        counts[name] += 1
    return found


def _picking(indexes: Sequence[int]) -> Callable[[Row], Row]:
    if len(indexes) == 1:
        [only] = indexes
        return lambda row: (row[only],)
    return itemgetter(*indexes)


@dataclass(frozen=True, eq=False)
class BulkWrite:
    """An INSERT or UPDATE of any number of rows of one workspace.

    `build` makes the statement from a dialect's name, the cells of a row as expressions, and the
    rows: a table of a statement that writes them all, nothing in one that is executed for each.
    """

    columns: Mapping[str, TypeEngine[Any]]
    build: Callable[[str, Cells, Any], Executable]
    _texts: dict[str, _Text] = field(default_factory=dict, init=False)

    def text(self, dialect: Dialect) -> _Text:
        """The statement in a dialect."""
        found = self._texts.get(dialect.name)
        if found is None:
            found = self._texts[dialect.name] = _text_of(self.statement(dialect.name), dialect)
        return found

    def statement(self, dialect_name: str, rows_name: str = ROWS_NAME) -> Any:
        """The statement; on PostgreSQL its rows are a table of that name."""
        cells: dict[str, Any] = {"workspace_id": bindparam("workspace_id", type_=ID)}
        if dialect_name == "sqlite":
            cells |= {name: bindparam(name, type_=type_) for name, type_ in self.columns.items()}
            return self.build(dialect_name, cells, None)
        rows = RowsParameter(rows_name, self.columns).table(dialect_name)
        cells |= {name: rows.c[name] for name in self.columns}
        return self.build(dialect_name, cells, rows)


def bulk_insert(
    table: Table,
    columns: Iterable[str] | None = None,
    on_conflict: Callable[[Any], Any] | None = None,
) -> BulkWrite:
    """An INSERT into a table, of all columns by default; `on_conflict` says what to do on one."""
    wanted = [column.name for column in table.columns] if columns is None else columns
    types = {name: table.c[name].type for name in wanted if name != "workspace_id"}

    def build(dialect_name: str, cells: Cells, rows: Any) -> Executable:
        statement: Any = (sqlite if dialect_name == "sqlite" else postgresql).insert(table)
        if rows is None:
            statement = statement.values(cells)
        else:
            source = select(*cells.values()).select_from(rows)
            statement = statement.from_select(list(cells), source)
        return cast(Executable, on_conflict(statement) if on_conflict else statement)

    return BulkWrite(types, build)


def keeping_earliest(
    table: Table, at: str, key: Sequence[str], told: Sequence[str] = ()
) -> BulkWrite:
    """An INSERT that keeps, for each key, the row that is earliest by the column `at`.

    Where an earlier one comes, `at` and the columns `told` of the row change to what it says.
    """

    def on_conflict(statement: Any) -> Any:
        new = statement.excluded
        return statement.on_conflict_do_update(
            index_elements=["workspace_id", *key],
            set_={name: new[name] for name in (at, *told)},
            where=new[at] < table.c[at],
        )

    return bulk_insert(table, on_conflict=on_conflict)


def earliest(
    rows: Iterable[Mapping[str, Any]], at: str, key: Sequence[str]
) -> list[Mapping[str, Any]]:
    """The first of the earliest rows of each key: what `keeping_earliest` takes at once."""
    found: dict[Row, Mapping[str, Any]] = {}
    for row in rows:
        named = tuple([row[name] for name in key])
        if named not in found or row[at] < found[named][at]:
            found[named] = row
    return list(found.values())


Writing = tuple[BulkWrite, Sequence[Mapping[str, Any]]]
"""A write with its rows, each with a cell for every column."""


async def write_all(
    connection: AsyncConnection, workspace_id: str, writings: Iterable[Writing]
) -> None:
    """Writes rows, in the order of the writes; one without rows is not sent.

    On SQLite they share a hop, on PostgreSQL a statement, which unlike COPY takes row-level
    security. Where Citus distributes the tables each is a statement of its own: it takes no other.
    There the writes of one call see nothing of each other and must concern different rows; what
    refers to a row finds it, since references are looked up when the statement ends.
    """
    wanted = [(write, rows) for write, rows in writings if rows]
    if not wanted:
        return
    driver, dialect = driver_of(connection), connection.dialect
    if dialect.name == "sqlite":
        texts = [write.text(dialect) for write, _ in wanted]
        given = [
            (text.text, _each(text, workspace_id, write, rows))
            for text, (write, rows) in zip(texts, wanted, strict=True)
        ]

        def run(database: sqlite3.Connection) -> None:
            for text, tuples in given:
                database.executemany(text, tuples)

        await _hop(driver, run)
        return
    is_distributed = connection.sync_connection.info[IS_DISTRIBUTED]  # type: ignore[union-attr]
    if not is_distributed:
        await _send(driver, dialect, workspace_id, wanted)
        return
    for writing in wanted:
        await _send(driver, dialect, workspace_id, [writing])


async def _send(
    driver: Any, dialect: Dialect, workspace_id: str, writings: Sequence[Writing]
) -> None:
    if len(writings) == 1:
        [(only, _)] = writings
        text, names = only.text(dialect), [ROWS_NAME]
    else:
        text = _fused_writes(dialect, tuple([write for write, _ in writings]))
        names = [_rows_name(number) for number in range(len(writings))]
    values: dict[str, Any] = {"workspace_id": workspace_id}
    for rows_name, (write, rows) in zip(names, writings, strict=True):
        values |= RowsParameter(rows_name, write.columns).records(rows)
    try:
        await driver.execute(text.text, *text.arguments(values))
    except DRIVER_ERRORS as error:
        raise as_database_error(error, text.text) from error


_FUSED_WRITES: dict[tuple[BulkWrite, ...], _Text] = {}


def _fused_writes(dialect: Dialect, writes: tuple[BulkWrite, ...]) -> _Text:
    """Writes as the parts of one statement, which PostgreSQL executes in a fixed order."""
    found = _FUSED_WRITES.get(writes)
    if found is None:
        parts = [
            write.statement(dialect.name, _rows_name(number)).cte(f"write_{number}")
            for number, write in enumerate(writes)
        ]
        statement: Select[Any] = select(literal_column("1")).add_cte(*parts)
        found = _FUSED_WRITES[writes] = _text_of(statement, dialect)
    return found


def _rows_name(number: int) -> str:
    return f"{ROWS_NAME}_{number}"


def _each(
    text: _Text, workspace_id: str, write: BulkWrite, rows: Sequence[Mapping[str, Any]]
) -> Iterable[Row]:
    """The rows in the order of a text, with cells as SQLite stores them."""
    columns: list[Iterable[Any]] = [
        repeat(workspace_id, len(rows))
        if name == "workspace_id"
        else stored_cells(write.columns[name], [row[name] for row in rows])
        for name in text.names
    ]
    return zip(*columns, strict=True)


async def _hop(driver: Any, run: Callable[[sqlite3.Connection], Any]) -> Any:
    """Runs a function on the thread of SQLite's connection."""
    try:
        # aiosqlite offers no name for it; what it offers hops once for each statement and cursor.
        return await driver._execute(run, driver._conn)  # noqa: SLF001
    except DRIVER_ERRORS as error:
        raise as_database_error(error) from error
