"""JSON text made by the database: what SQLite and PostgreSQL say differently, said once.

Text is put together by concatenation: on both databases that costs half of what their functions
for JSON objects cost, and nested JSON is never read again. What goes in is therefore JSON already:
every method here answers JSON text of a column, never null for a column that is not null.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import orjson
from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Text,
    TypeDecorator,
    case,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

Piece = str | ColumnElement[Any]
"""Text of a statement: fixed, or an expression."""


class Concatenation(FunctionElement[str]):
    """Pieces of text, one after another; SQLAlchemy's own operator would nest them deeply."""

    type = Text()
    inherit_cache = True
    name = "concatenation"

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces
        super().__init__(*(fixed(each) if isinstance(each, str) else each for each in pieces))


@compiles(Concatenation)
def _as_sql(element: Concatenation, compiler: Any, **options: Any) -> str:
    # Without parentheses, which SQLite's parser would pile up: nothing else binds as tightly.
    return " || ".join(compiler.process(each, **options) for each in element.clauses)


def text_of(*pieces: Piece) -> ColumnElement[str]:
    """Fixed text and expressions, in one piece of text.

    Neighbouring fixed texts become one: each piece costs a copy of all that is before it.
    """
    merged: list[Piece] = []
    for piece in _flat(pieces):
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    if len(merged) > 1:
        return Concatenation(merged)
    [only] = merged
    return fixed(only) if isinstance(only, str) else only


def _flat(pieces: Iterable[Piece]) -> Iterable[Piece]:
    """The pieces, those of concatenations among them one by one."""
    for piece in pieces:
        if isinstance(piece, Concatenation):
            yield from piece.pieces
        else:
            yield piece


def as_object(members: Iterable[tuple[str, Piece]]) -> ColumnElement[str]:
    """A JSON object of keys, which need no escaping, and their JSON."""
    pieces: list[Piece] = []
    for key, value in members:
        pieces += ["," if pieces else "{", f'"{key}":', value]
    return text_of(*pieces, "}") if pieces else fixed("{}")


def as_array(values: Iterable[Piece]) -> ColumnElement[str]:
    """A JSON array of JSON."""
    pieces: list[Piece] = []
    for value in values:
        pieces += ["," if pieces else "[", value]
    return text_of(*pieces, "]") if pieces else fixed("[]")


def fixed(text: str) -> ColumnElement[str]:
    """Text that stands in the statement itself."""
    quoted = text.replace("'", "''")
    return literal_column(f"'{quoted}'", Text())


def stored_type(column: ColumnElement[Any]) -> TypeEngine[Any]:
    """The type of a column without what decorates it, as that of instants."""
    found = column.type
    return found.impl_instance if isinstance(found, TypeDecorator) else found


class JsonDialect(Protocol):
    """How one database writes JSON text."""

    def string(self, column: ColumnElement[Any]) -> ColumnElement[str]:
        """Any text, quoted and escaped."""
        ...

    def instant(self, column: ColumnElement[Any]) -> ColumnElement[str]:
        """An instant as `instant_text` writes it, without quotes."""
        ...

    def boolean(self, column: ColumnElement[Any]) -> ColumnElement[str]:
        """`true` or `false`."""
        ...

    def joined(self, column: ColumnElement[Any]) -> ColumnElement[str]:
        """The texts of all rows with commas between them; null without a row."""
        ...

    def encoded(self, column: ColumnElement[Any]) -> ColumnElement[bytes]:
        """Text as bytes of UTF-8: the answer's own, so that Python need not read it."""
        ...

    def is_any(self, column: ColumnElement[Any], ids: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether a column is one of the ids of a parameter, which `ids` is."""
        ...

    def ids(self, values: list[str]) -> Any:
        """Ids as the value of one parameter."""
        ...

    @property
    def type_of_ids(self) -> TypeEngine[Any]:
        """The type of such a parameter."""
        ...


class PostgresJson:
    """PostgreSQL."""

    def string(self, column: ColumnElement[Any]) -> ColumnElement[str]:
        """Any text, quoted and escaped."""
        return cast(func.to_json(column), Text)

    def instant(self, column: ColumnElement[Any]) -> ColumnElement[str]:
        """An instant as `instant_text` writes it, without quotes."""
        in_utc = func.timezone(literal_column("'UTC'"), column)
        return func.to_char(in_utc, literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"""))

    def boolean(self, column: ColumnElement[Any]) -> ColumnElement[str]:
        """`true` or `false`."""
        return cast(column, Text)

    def joined(self, column: ColumnElement[Any]) -> ColumnElement[str]:
        """The texts of all rows with commas between them; null without a row."""
        return func.string_agg(column, literal_column("','"))

    def encoded(self, column: ColumnElement[Any]) -> ColumnElement[bytes]:
        """Text as bytes of UTF-8."""
        return func.convert_to(column, literal_column("'UTF8'"))

    def is_any(self, column: ColumnElement[Any], ids: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether a column is one of the ids of a parameter, which `ids` is."""
        return column == func.any(ids)

    def ids(self, values: list[str]) -> Any:
        """Ids as the value of one parameter: an array."""
        return values

    @property
    def type_of_ids(self) -> TypeEngine[Any]:
        """The type of such a parameter."""
        return ARRAY(Text())


class SqliteJson:
    """SQLite."""

    def string(self, column: ColumnElement[Any]) -> ColumnElement[str]:
        """Any text, quoted and escaped."""
        return func.json_quote(column)

    def instant(self, column: ColumnElement[Any]) -> ColumnElement[str]:
        """An instant as `instant_text` writes it, without quotes: it is stored nearly so."""
        return text_of(func.replace(column, literal_column("' '"), literal_column("'T'")), "Z")

    def boolean(self, column: ColumnElement[Any]) -> ColumnElement[str]:
        """`true` or `false`."""
        return case((column, literal_column("'true'")), else_=literal_column("'false'"))

    def joined(self, column: ColumnElement[Any]) -> ColumnElement[str]:
        """The texts of all rows with commas between them; null without a row."""
        return func.group_concat(column, literal_column("','"))

    def encoded(self, column: ColumnElement[Any]) -> ColumnElement[bytes]:
        """Text as bytes of UTF-8."""
        return cast(column, LargeBinary)

    def is_any(self, column: ColumnElement[Any], ids: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether a column is one of the ids of a parameter, which `ids` is."""
        return column.in_(select(func.json_each(ids).table_valued("value").c.value))

    def ids(self, values: list[str]) -> Any:
        """Ids as the value of one parameter: a JSON array."""
        return orjson.dumps(values).decode()

    @property
    def type_of_ids(self) -> TypeEngine[Any]:
        """The type of such a parameter."""
        return Text()
