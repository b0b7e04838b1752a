"""Contacts from files and into files: each row an upsert, each problem told with its line.

The whole file is read once before anything is written: a file that cannot be read changes
nothing. A cell that is of no use stays empty and is told; a row that is of no use is left out and
told; all others are kept. The same file again changes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO

from trenza.channels.contact_file import FileFormat, Record, column_of, read_records
from trenza.domain.access import Verb, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.custom_field import Value
from trenza.domain.errors import DomainError, InvalidInput
from trenza.services.activity import note_of
from trenza.services.contact import (
    CONTACTS_MAX,
    UpsertContact,
    Upserted,
    check_contact,
    upsert_contacts,
)
from trenza.services.contact_columns import (
    ASSIGNED,
    CUSTOM,
    FIXED,
    IDENTITY_COLUMNS,
    Columns,
    find_columns,
)
from trenza.services.contact_fields import UNSET
from trenza.services.dependencies import Dependencies
from trenza.storage.bulk import write_all
from trenza.storage.contact import find_roots
from trenza.storage.engine import AsyncConnection


@dataclass(frozen=True)
class ContactFile:
    """A file of contacts: `open` opens it anew, for each time that it is read."""

    open: Callable[[], BinaryIO]
    format: FileFormat
    encoding: str = "utf-8"
    skip_unknown: bool = False
    """Whether columns that nobody knows are passed over instead of refused."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with a row, or with one cell of it: then the rest of the row is kept."""

    line: int
    column: str | None
    message: str


@dataclass
class Imported:
    """How many rows a file has, and what became of them."""

    rows: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    cells_left_empty: int = 0


@dataclass
class _Row:
    """A row on its way: what is asked for, and what was wrong with its cells."""

    line: int
    request: UpsertContact | None = None
    problems: list[Problem] = field(default_factory=list)

    def tell(self, column: str | None, message: str) -> None:
        """Notes a problem of a cell, or of the whole row."""
        self.problems.append(Problem(self.line, column, message))


Report = Callable[[Problem], None]
Tell = Callable[[int, int], None]


async def import_contacts(
    dependencies: Dependencies, viewer: Viewer, file: ContactFile, report: Report, tell: Tell
) -> Imported:
    """Writes every row of a file as `upsert_contacts` does, and reports each problem.

    `tell` hears how many rows are done, of how many. Raises InvalidInput, before anything is
    written, where the file cannot be read or names a column that nobody knows.
    """
    viewer.require(Verb.UPSERT_CONTACT)
    columns = await find_columns(dependencies, viewer)
    done = Imported(rows=check_file(file, columns))
    now = dependencies.clock.now()
    read = 0
    with file.open() as opened:
        records = read_records(opened, file.format, file.encoding)
        rows = (_row_of(record, columns, now) for record in records)
        while batch := list(islice(rows, CONTACTS_MAX)):
            await _write(dependencies, viewer, batch, done)
            for row in batch:
                for problem in row.problems:
                    report(problem)
            read += len(batch)
            tell(read, done.rows)
    if done.created or done.changed:
        await _note(dependencies, viewer, done)
    return done


def check_file(file: ContactFile, columns: Columns) -> int:
    """How many rows a file has; raises InvalidInput where it cannot be imported."""
    rows, known = 0, set(columns.names)
    listed = ", ".join(columns.names)
    with file.open() as opened:
        for record in read_records(opened, file.format, file.encoding):
            rows += 1
            unknown = [name for name in record.cells if name not in known]
            if unknown and not file.skip_unknown:
                raise InvalidInput(
                    f"line {record.line} has the unknown column {unknown[0]!r}; known are "
                    f"{listed}. Rename it, or pass it over with --skip-unknown"
                )
            if rows == 1 and record.problem is None and not known.intersection(record.cells):
                raise InvalidInput(f"no column is known; known are {listed}")
    return rows


async def _note(dependencies: Dependencies, viewer: Viewer, done: Imported) -> None:
    """Notes in the activity log how many rows were imported, and what became of them."""
    now, workspace_id = dependencies.clock.now(), viewer.workspace_id
    after = {"imported": asdict(done)}
    note = note_of(dependencies, viewer, now, Verb.UPSERT_CONTACT, workspace_id, None, after)

    async def work(connection: AsyncConnection) -> None:
        await write_all(connection, workspace_id, [note])

    await dependencies.database.write(work, workspace_id)


async def _write(
    dependencies: Dependencies, viewer: Viewer, batch: Sequence[_Row], done: Imported
) -> None:
    await _leave_strange_ids(dependencies, viewer, batch)
    wanted = [row for row in batch if row.request is not None]
    requests = [row.request for row in wanted if row.request is not None]
    answers = await upsert_contacts(dependencies, viewer, requests) if requests else []
    done.refused += len(batch) - len(wanted)
    for row, request, answer in zip(wanted, requests, answers, strict=True):
        if isinstance(answer, DomainError):
            row.tell(_column_at(request, answer.path), answer.message)
            done.refused += 1
            continue
        _count(answer, done)
        done.cells_left_empty += len(row.problems)


async def _leave_strange_ids(
    dependencies: Dependencies, viewer: Viewer, batch: Sequence[_Row]
) -> None:
    """Takes ids that the workspace does not have as empty where identities name the person."""
    named = {row.request.id for row in batch if row.request and row.request.id}
    if not named:
        return
    async with dependencies.database.read(viewer.workspace_id) as connection:
        known = await find_roots(connection, viewer.workspace_id, named)
    for row in batch:
        request = row.request
        if request and request.id and request.identities and request.id not in known:
            row.tell("id", "names nothing in this workspace")
            row.request = replace(request, id=None)


def _count(answer: Upserted, done: Imported) -> None:
    done.created += answer.created
    done.changed += answer.changed and not answer.created
    done.unchanged += not answer.changed


def _row_of(record: Record, columns: Columns, now: datetime) -> _Row:
    row = _Row(record.line)
    if record.problem is not None:
        row.tell(None, record.problem)
        return row
    values: dict[str, Any] = {}
    identities: list[tuple[ChannelKind, str]] = []
    custom: list[tuple[str, Value]] = []
    for column, cell in record.cells.items():
        read = columns.readers.get(column)
        if read is None or cell is None or (isinstance(cell, str) and not cell.strip()):
            continue
        try:
            value = read(cell)
        except ValueError as error:
            row.tell(column, str(error))
            continue
        if column in IDENTITY_COLUMNS:
            identities += [(IDENTITY_COLUMNS[column], address) for address in value]
        elif column.startswith(CUSTOM):
            custom.append((column.removeprefix(CUSTOM), value))
        else:
            values["assigned_user_id" if column == ASSIGNED else column] = value
    request = UpsertContact(identities=identities, custom_fields=custom, **values)
    row.request = _without_bad_cells(row, request, now)
    return row


def _without_bad_cells(row: _Row, request: UpsertContact, now: datetime) -> UpsertContact | None:
    """The request without the cells that are refused; nothing where it then names nobody."""
    while True:
        try:
            check_contact(request, now)
        except InvalidInput as refusal:
            smaller = _without(request, refusal.path)
            if smaller is None or smaller == request:
                row.tell(None, refusal.message)
                return None
            row.tell(_column_at(request, refusal.path), refusal.message)
            request = smaller
        except DomainError as refusal:
            row.tell(".".join(refusal.path) or None, refusal.message)
            return None
        else:
            return request


def _without(request: UpsertContact, path: tuple[str, ...]) -> UpsertContact | None:
    """The request without the cell at a path; nothing where the row is of no use without it."""
    name = column_of(path[0]) if path else ""
    if name == "identities":
        if len(path) < 2:
            return None
        index = int(path[1])
        kept = [each for n, each in enumerate(request.identities) if n != index]
        return replace(request, identities=kept)
    emptied: dict[str, Any] = {name: UNSET}
    return replace(request, **emptied) if name in FIXED and name != "id" else None


def _column_at(request: UpsertContact, path: tuple[str, ...]) -> str | None:
    """The column that a path of the request comes from; none for that of the whole row."""
    match path:
        case ("identities", index, *_):
            return request.identities[int(index)][0].lower()
        case ("customFields", index, *_):
            return f"{CUSTOM}{request.custom_fields[int(index)][0]}"
        case ("assignedUserId", *_):
            return ASSIGNED
        case (name, *_) if column_of(name) in FIXED:
            return column_of(name)
    return None
