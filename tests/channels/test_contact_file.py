"""Files of contacts: records by line, odd files refused in words, cells that come back."""

import io
import json
from random import Random
from typing import Any

import pytest

from tests.properties.seeds import check_seeds
from trenza.channels.contact_file import (
    LINE_LONGEST,
    FileFormat,
    Record,
    joined_cell,
    read_records,
    split_cell,
    writer_of,
)
from trenza.domain.errors import InvalidInput

CSV, JSON_LINES = FileFormat.CSV, FileFormat.JSON_LINES


def read(
    content: bytes | str, file_format: FileFormat = CSV, encoding: str = "utf-8"
) -> list[Record]:
    """Every record of a file."""
    written = content.encode() if isinstance(content, str) else content
    return list(read_records(io.BytesIO(written), file_format, encoding))


def cells(content: bytes | str, **options: Any) -> list[dict[str, Any]]:
    """The cells of every record."""
    return [dict(record.cells) for record in read(content, **options)]


ANA = [{"first_name": "Ana", "city": "Bogotá"}]


@pytest.mark.parametrize(
    "content",
    [
        "first_name,city\nAna,Bogotá\n",
        "First name;City\r\nAna;Bogotá",
        "FIRST_NAME\tcity\nAna\tBogotá\n\n",
        "firstName|city\nAna|Bogotá\n",
        "\ufefffirst_name,city\nAna,Bogotá\n",
        '"first_name","city"\n"Ana","Bogotá"\n',
    ],
)
def test_tables_are_read_however_they_were_saved(content: str) -> None:
    assert cells(content) == ANA


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-32"])
def test_other_encodings_are_read_where_they_are_named(encoding: str) -> None:
    assert cells("first_name,city\nAna,Bogotá\n".encode(encoding), encoding=encoding) == ANA


def test_a_header_alone_is_a_table_without_rows() -> None:
    assert read("first_name,city\n") == []


def test_a_row_may_take_several_lines_and_is_told_by_its_first() -> None:
    found = read('first_name,city\n"Ana\nMaría",Cali\nLuis\nEva,Cali,x\nPía,Cali\n')

    assert [(each.line, each.problem) for each in found] == [
        (2, None),
        (4, "has 1 cells, the header names 2 columns"),
        (5, "has 3 cells, the header names 2 columns"),
        (6, None),
    ]
    assert found[0].cells["first_name"] == "Ana\nMaría"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the file has no header"),
        (b"\n\n", "the file has no header"),
        (b"city,City\nA,B\n", "the header names a column twice: city"),
        ("city\nBogotá\n".encode("latin-1"), "line 2 is not utf-8 at its byte 6: save the file"),
        ("city\nCali\n".encode("utf-16"), "it is utf-16: name that with --encoding"),
        (b"PK\x03\x04\x14\x00", "this is no plain text; unpack it first"),
        (b"\x1f\x8b\x08", "this is no plain text; unpack it first"),
        (b"city\nCa\x00li\n", "line 2 holds a zero byte: this is no text file"),
        (b'city\n"Cali\nBuga\n', "the row that begins on line 2 cannot be read"),
        (b'city\n"Cali" x\n', "is a quotation mark missing?"),
        (b'city\n"' + b"Cali\n" * 30_000, "the row that begins on line 2 cannot be read"),
    ],
)
def test_a_file_that_is_no_table_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(content)

    assert told in refused.value.message


@pytest.mark.parametrize("encoding", ["klingon", "hex", ""])
def test_an_encoding_that_is_none_is_refused(encoding: str) -> None:
    with pytest.raises(InvalidInput, match="there is no encoding"):
        read("city\nCali\n", encoding=encoding)


class OneLine(io.RawIOBase):
    """A stream of one line of 200 MB, that counts how much of it was read."""

    def __init__(self) -> None:
        self.left = 200_000_000
        self.given = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills the buffer with one letter."""
        size = min(len(buffer), self.left)
        buffer[:size] = b"a" * size
        self.left -= size
        self.given += size
        return size


@pytest.mark.parametrize("file_format", list(FileFormat))
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_a_line_without_an_end_is_refused_after_its_first_mebibyte(
    file_format: FileFormat, encoding: str
) -> None:
    stream = OneLine()

    with pytest.raises(InvalidInput, match="line 1 is longer than 1048576"):
        list(read_records(io.BufferedReader(stream), file_format, encoding))

    assert stream.given < 3 * LINE_LONGEST


def test_objects_are_rows_and_others_are_told() -> None:
    lines = [
        '{"firstName": "Ana", "tags": ["a"], "custom.size": 4.5, "city": null}',
        "",
        "[1]",
        '{"city": NaN}',
        "{",
        "[" * 100_000,
        '{"city": "a", "City": "b"}',
        '{"city": "Cali"}',
    ]
    found = read("\n".join(lines), JSON_LINES)

    first = {"first_name": "Ana", "tags": ["a"], "custom.size": 4.5, "city": None}
    assert found[0] == Record(1, first)
    assert [(each.line, each.problem) for each in found[1:]] == [
        (3, "is no JSON object"),
        (4, "is no JSON"),
        (5, "is no JSON"),
        (6, "is no JSON"),
        (7, "names a column twice"),
        (8, None),
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [("", "the file is empty"), ("\n\n", "the file is empty"), ("city\nCali\n", "no JSON Lines")],
)
def test_a_file_without_an_object_is_no_json_lines(content: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        read(content, JSON_LINES)


def test_values_of_a_cell_come_back() -> None:
    def difference(seed: int) -> str | None:
        random = Random(seed)
        size = random.randrange(4)
        values = ["".join(random.choices("a;\\b é", k=4)).strip() for _ in range(size)]
        values = [value for value in values if value]
        found = split_cell(joined_cell(values))
        return None if found == values else f"{values} became {found}"

    check_seeds(500, difference)


@pytest.mark.parametrize("file_format", list(FileFormat))
def test_what_is_written_is_read(file_format: FileFormat) -> None:
    file = io.StringIO()
    write = writer_of(file, file_format, ["city", "tags", "custom.size"])
    write({"city": 'a "b", c', "tags": ["x", "y;z"], "custom.size": True})
    write({"city": None, "tags": [], "custom.size": 1.5})

    found = cells(file.getvalue(), file_format=file_format)

    if file_format is CSV:
        assert found == [
            {"city": 'a "b", c', "tags": "x;y\\;z", "custom.size": "true"},
            {"city": "", "tags": "", "custom.size": "1.5"},
        ]
    else:
        assert json.loads(file.getvalue().splitlines()[1]) == {"custom.size": 1.5}
        assert found[0] == {"city": 'a "b", c', "tags": ["x", "y;z"], "custom.size": True}
