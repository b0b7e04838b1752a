"""Files of contacts, CSV or JSON Lines, read record by record and written row by row.

A record is told apart from the file: what is wrong with one record is that record's problem, what
is wrong with the file (its encoding, its quotes, its header) makes all of it useless.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from enum import StrEnum
from io import TextIOWrapper
from typing import Any, BinaryIO, TextIO

from trenza.domain.errors import InvalidInput

LINE_LONGEST = 1_048_576
"""Bytes of a line; a longer one is no line of a table."""

DELIMITERS = ",;\t|"
SEPARATOR = ";"
"""Between the values of one cell; after a backslash it is part of one, and so is a backslash."""

BEGINNINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"PK\x03\x04": None, b"\x1f\x8b": None}
"""How files begin that are no plain text in UTF-8, and the encoding where it is one."""

_ADVICE = "save the file as UTF-8, or name its encoding with --encoding, such as cp1252"
_SPECIAL = re.compile(r"[\\;]")
_ESCAPED = re.compile(r"\\([\\;])")
_PART = re.compile(r"(?:\\[\\;]|[^;])+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class FileFormat(StrEnum):
    """How a file of contacts is written."""

    CSV = "csv"
    JSON_LINES = "jsonl"


@dataclass(frozen=True)
class Record:
    """One row of a file: the line on which it begins, and its cells by column.

    `problem` says why a row is of no use as a whole; it has no cells then.
    """

    line: int
    cells: Mapping[str, Any]
    problem: str | None = None


def column_of(name: str) -> str:
    """The name of a column, however it is spelled.

    >>> [column_of(each) for each in ("First name", "firstName", " FIRST_NAME ")]
    ['first_name', 'first_name', 'first_name']
    """
    stripped = name.strip()
    if stripped.isupper():
        stripped = stripped.lower()
    return re.sub(r"[\s-]+", "_", _HUMP.sub("_", stripped)).lower()


def read_records(file: BinaryIO, file_format: FileFormat, encoding: str) -> Iterator[Record]:
    """The records of a file, one after another; raises InvalidInput where it is not such a file."""
    lines = _lines(file, encoding)
    yield from _csv(lines) if file_format is FileFormat.CSV else _json_lines(lines)


def _lines(file: BinaryIO, encoding: str) -> Iterator[str]:
    for number, text in enumerate(_decoded(file, encoding), start=1):
        if "\0" in text:
            raise InvalidInput(f"line {number} holds a zero byte: this is no text file")
        yield text


def _decoded(file: BinaryIO, encoding: str) -> Iterator[str]:
    try:
        ends_in_a_byte = "\n".encode(encoding) == b"\n"
    except (LookupError, UnicodeError):
        raise InvalidInput(f"there is no encoding {encoding!r}: try utf-8 or cp1252") from None
    return _narrow(file, encoding) if ends_in_a_byte else _wide(file, encoding)


def _narrow(file: BinaryIO, encoding: str) -> Iterator[str]:
    """The lines of an encoding in which a line ends in one byte."""
    number = 0
    while line := file.readline(LINE_LONGEST + 1):
        number += 1
        if number == 1:
            line = _without_mark(line)
        _require_short(line, number)
        try:
            yield line.decode(encoding)
        except UnicodeError as error:
            at = f" at its byte {error.start + 1}" if isinstance(error, UnicodeDecodeError) else ""
            raise InvalidInput(f"line {number} is not {encoding}{at}: {_ADVICE}") from None


def _wide(file: BinaryIO, encoding: str) -> Iterator[str]:
    """The lines of an encoding such as UTF-16, in which a byte is no character."""
    reader = TextIOWrapper(file, encoding, newline="")
    number = 0
    try:
        while line := reader.readline(LINE_LONGEST + 1):
            number += 1
            _require_short(line, number)
            yield line
    except UnicodeError:
        raise InvalidInput(f"what follows line {number} is not {encoding}: {_ADVICE}") from None
    finally:
        reader.detach()


def _require_short(line: Sized, number: int) -> None:
    if len(line) > LINE_LONGEST:
        raise InvalidInput(
            f"line {number} is longer than {LINE_LONGEST} bytes: this is no table of contacts"
        )


def _without_mark(line: bytes) -> bytes:
    """The first line without a byte order mark; refuses what is plainly something else."""
    for beginning, actual in BEGINNINGS.items():
        if line.startswith(beginning):
            hint = f"it is {actual}: name that with --encoding" if actual else "unpack it first"
            raise InvalidInput(f"this is no plain text; {hint}, or save it as CSV in UTF-8")
    return line.removeprefix(b"\xef\xbb\xbf")


def _csv(lines: Iterator[str]) -> Iterator[Record]:
    first = next(lines, "")
    if not first.strip():
        raise InvalidInput("the file has no header: its first line names the columns")
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(_chained(first, lines), delimiter=delimiter, strict=True)
    rows = _rows(reader)
    _, header = next(rows)
    columns = [column_of(name) for name in header]
    twice = {name for name in columns if columns.count(name) > 1}
    if twice:
        raise InvalidInput(f"the header names a column twice: {', '.join(sorted(twice))}")
    for line, row in rows:
        if len(row) != len(columns):
            problem = f"has {len(row)} cells, the header names {len(columns)} columns"
            yield Record(line, {}, problem)
        else:
            yield Record(line, dict(zip(columns, row, strict=True)))


def _chained(first: str, others: Iterable[str]) -> Iterator[str]:
    yield first
    yield from others


def _rows(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, each with the number of its first line."""
    while True:
        begins = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise InvalidInput(
                f"this is no CSV: the row that begins on line {begins} cannot be read ({error}); "
                "is a quotation mark missing?"
            ) from None
        if row is None:
            return
        if any(cell.strip() for cell in row):
            yield begins, row


def _json_lines(lines: Iterator[str]) -> Iterator[Record]:
    is_first = True
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        record = _object(number, line)
        if is_first and record.problem is not None:
            raise InvalidInput(f"this is no JSON Lines: line {number} {record.problem}")
        is_first = False
        yield record
    if is_first:
        raise InvalidInput("the file is empty: a line of it is a JSON object")


def _object(number: int, line: str) -> Record:
    try:
        found = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return Record(number, {}, "is no JSON")
    if not isinstance(found, dict):
        return Record(number, {}, "is no JSON object")
    cells = {column_of(name): value for name, value in found.items()}
    if len(cells) < len(found):
        return Record(number, {}, "names a column twice")
    return Record(number, cells)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def split_cell(text: str) -> list[str]:
    r"""The values of a cell that may hold several.

    >>> split_cell("vip; from \\; fair;")
    ['vip', 'from ; fair']
    """
    if "\\" not in text:
        parts = text.split(SEPARATOR)
    else:
        parts = [_ESCAPED.sub(r"\1", part) for part in _PART.findall(text)]
    return [value for part in parts if (value := part.strip())]


def joined_cell(values: Iterable[str]) -> str:
    r"""Several values as one cell: `split_cell` the other way round.

    >>> joined_cell(["vip", "from ; fair"])
    'vip;from \\; fair'
    """
    return SEPARATOR.join(_SPECIAL.sub(r"\\\g<0>", value) for value in values)


def writer_of(
    file: TextIO, file_format: FileFormat, columns: Sequence[str]
) -> Callable[[Mapping[str, Any]], None]:
    """What writes rows into a file, after the header where there is one; empty cells are left out.

    A cell of several values is a list.
    """
    if file_format is FileFormat.JSON_LINES:
        return lambda row: _write_object(file, row)
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(columns)
    return lambda row: rows.writerow([_cell(row.get(name)) for name in columns])


def _write_object(file: TextIO, row: Mapping[str, Any]) -> None:
    told = {name: value for name, value in row.items() if value not in (None, [])}
    file.write(json.dumps(told, ensure_ascii=False) + "\n")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return joined_cell(value) if isinstance(value, list) else str(value)
