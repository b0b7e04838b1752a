"""What SQLite and PostgreSQL say differently, said once."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import (
    CTE,
    JSON,
    ColumnElement,
    Date,
    Dialect,
    Integer,
    String,
    Table,
    Text,
    bindparam,
    func,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy import column as sql_column
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import TypeEngine
from sqlmodel.sql.sqltypes import UTCDateTime

from trenza.domain.instant import INSTANT_LENGTH

IS_DISTRIBUTED = "is_distributed"
"""Under which name a connection's `info` says whether Citus distributes the tables."""


def upsert(connection: AsyncConnection, table: Table) -> Any:
    """An INSERT that takes `on_conflict_do_nothing` and `on_conflict_do_update`."""
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    return dialect.insert(table)


@dataclass(frozen=True)
class RowsParameter:
    """Rows that a statement gets as a parameter, one JSON text, and reads as a table.

    The text of the statement stays the same for any number of rows, so that it is compiled once,
    and no limit of parameters is met. An array for each column would cost PostgreSQL's driver six
    times the processor time that the JSON takes, and the server a fifth less.
    """

    name: str
    columns: Mapping[str, TypeEngine[Any]]

    def table(self, dialect_name: str) -> CTE:
        """The rows as a table of a statement for a dialect."""
        given = bindparam(self.name, type_=Text())
        cells: Iterable[ColumnElement[Any]]
        if dialect_name == "sqlite":
            rows = func.json_each(given).table_valued("value")
            cells = (
                type_coerce(
                    func.json_extract(rows.c.value, literal_column(f"'$[{index}]'")), type_
                ).label(column)
                for index, (column, type_) in enumerate(self.columns.items())
            )
        else:
            # Where a column is JSON its cells come as the text of it.
            read = {
                column: Text() if isinstance(type_, JSON) else type_
                for column, type_ in self.columns.items()
            }
            records = (
                func.json_to_recordset(sql_cast(given, JSON()))
                .table_valued(*(sql_column(*each) for each in read.items()))
                .render_derived(with_types=True)
            )
            cells = (
                (
                    sql_cast(records.c[column], type_)
                    if isinstance(type_, JSON)
                    else type_coerce(records.c[column], type_)
                ).label(column)
                for column, type_ in self.columns.items()
            )
        return select(*cells).cte(self.name).prefix_with("MATERIALIZED")

    def values(self, dialect: Dialect, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """The rows, each in the order of the columns, as arguments of the execution."""
        if dialect.name != "sqlite":
            return self.records([dict(zip(self.columns, row, strict=True)) for row in rows])
        columns = [
            stored_cells(type_, [row[index] for row in rows])
            for index, type_ in enumerate(self.columns.values())
        ]
        return {self.name: json.dumps(list(zip(*columns, strict=True)))}

    def records(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The rows, each with its cells by column and maybe others, as PostgreSQL takes them."""
        return {self.name: orjson.dumps(rows, default=dict).decode()}


def stored_cells(type_: TypeEngine[Any], cells: list[Any]) -> list[Any]:
    """The cells of a column as SQLite stores them and compares them."""
    if isinstance(type_, UTCDateTime):
        return [None if cell is None else _instant_cell(cell) for cell in cells]
    if isinstance(type_, Date):
        return [None if cell is None else cell.isoformat() for cell in cells]
    if isinstance(type_, String):
        # The driver takes a member of an enumeration only after a long search for an adapter.
        return [cell if cell is None or type(cell) is str else str(cell) for cell in cells]
    return cells


def _instant_cell(at: datetime) -> str:
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return at.replace(tzinfo=None).isoformat(" ", "microseconds")


class minute_text(GenericFunction[str]):  # noqa: N801 - named as SQL names functions
    """The UTC minute of an instant: `2026-11-22 21:05`."""

    type = Text()
    inherit_cache = True


@compiles(minute_text)
def _minute_text_of_postgresql(element: minute_text, compiler: Any, **options: Any) -> str:
    instant = compiler.process(element.clauses, **options)
    return f"to_char({instant} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')"


@compiles(minute_text, "sqlite")
def _minute_text_of_sqlite(element: minute_text, compiler: Any, **options: Any) -> str:
    return f"substr({compiler.process(element.clauses, **options)}, 1, 16)"


class minute_start(GenericFunction[Any]):  # noqa: N801 - named as SQL names functions
    """The instant at which the minute of an instant begins."""

    inherit_cache = True


@compiles(minute_start)
def _minute_start_of_postgresql(element: minute_start, compiler: Any, **options: Any) -> str:
    return f"date_trunc('minute', {compiler.process(element.clauses, **options)}, 'UTC')"


@compiles(minute_start, "sqlite")
def _minute_start_of_sqlite(element: minute_start, compiler: Any, **options: Any) -> str:
    return f"substr({compiler.process(element.clauses, **options)}, 1, 17) || '00.000000'"


class month_day(GenericFunction[str]):  # noqa: N801 - named as SQL names functions
    """The month and day of a date: `11-22`."""

    type = Text()
    inherit_cache = True


@compiles(month_day)
def _month_day_of_postgresql(element: month_day, compiler: Any, **options: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **options)}, 'MM-DD')"


@compiles(month_day, "sqlite")
def _month_day_of_sqlite(element: month_day, compiler: Any, **options: Any) -> str:
    return f"substr({compiler.process(element.clauses, **options)}, 6)"


class place_in_text(GenericFunction[int]):  # noqa: N801 - named as SQL names functions
    """Where a text holds a part, from 1; 0 where it does not."""

    type = Integer()
    inherit_cache = True


@compiles(place_in_text)
def _place_in_text_of_postgresql(element: place_in_text, compiler: Any, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


@compiles(place_in_text, "sqlite")
def _place_in_text_of_sqlite(element: place_in_text, compiler: Any, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


class days_before(GenericFunction[str]):  # noqa: N801 - named as SQL names functions
    """The text of an instant so many times 24 hours before that of another, in one form."""

    type = Text()
    inherit_cache = True


@compiles(days_before)
def _days_before_of_postgresql(element: days_before, compiler: Any, **options: Any) -> str:
    text, days = (compiler.process(each, **options) for each in element.clauses)
    day = f"CAST(substr({text}, 1, 10) AS DATE) - ({days})"
    return f"(to_char({day}, 'YYYY-MM-DD') || substr({text}, 11, {INSTANT_LENGTH - 10}))"


@compiles(days_before, "sqlite")
def _days_before_of_sqlite(element: days_before, compiler: Any, **options: Any) -> str:
    text, days = (compiler.process(each, **options) for each in element.clauses)
    day = f"date(substr({text}, 1, 10), -({days}) || ' days')"
    return f"({day} || substr({text}, 11, {INSTANT_LENGTH - 10}))"
