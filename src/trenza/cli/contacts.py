"""`trenza contacts`: contacts from files and into files."""

import csv
import os
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trenza.cli import options
from trenza.cli.failures import Failure

if TYPE_CHECKING:
    from trenza.channels.contact_file import FileFormat
    from trenza.services.contact_file import Imported, Problem
    from trenza.services.dependencies import Dependencies

SHOWN = 10
"""How many problems are told without a file of them."""

format_ = click.option(
    "--format",
    "file_format",
    type=click.Choice(["csv", "jsonl"]),
    help="By the file's ending otherwise.",
)


@click.group()
def contacts() -> None:
    """Contacts in files."""


@contacts.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@format_
@click.option("--encoding", default="utf-8", show_default=True, help="Of the file's text.")
@click.option("--skip-unknown", is_flag=True, help="Pass over columns that nobody knows.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write every problem, as CSV with its line and column.",
)
@options.workspace
@options.database
def import_(
    file: Path,
    file_format: str | None,
    encoding: str,
    skip_unknown: bool,
    report: Path | None,
    workspace: str | None,
    database: str | None,
) -> None:
    """Write every row as a contact; a file that cannot be read changes nothing."""
    from trenza.channels.contact_file import FileFormat
    from trenza.cli.opened import choose_workspace, on_database
    from trenza.cli.progress import shown_progress
    from trenza.services.contact_file import ContactFile, import_contacts
    from trenza.settings import load_settings

    given = ContactFile(
        lambda: file.open("rb"), FileFormat(_format_of(file, file_format)), encoding, skip_unknown
    )
    problems = Problems(report)

    async def work(dependencies: "Dependencies") -> "Imported":
        viewer = await choose_workspace(dependencies, workspace)
        with shown_progress(f"importing {file.name}") as tell:
            return await import_contacts(dependencies, viewer, given, problems.add, tell)

    try:
        done = on_database(load_settings(database=database), work)
    finally:
        problems.close()
    problems.tell()
    click.echo(
        f"{done.rows} rows: {done.created} created, {done.changed} changed, "
        f"{done.unchanged} unchanged, {done.refused} refused; "
        f"{done.cells_left_empty} cells left empty",
        err=True,
    )


class Problems:
    """What was wrong with rows: written into a file, or else the first of them kept to be told.

    The file is made with the first problem, so that a refused import leaves it as it was.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file = None if path is None else click.open_file(str(path), "w", "utf-8", lazy=True)
        self._first: list[Problem] = []
        self._count = 0

    def add(self, problem: "Problem") -> None:
        """Takes one more."""
        self._count += 1
        if self._file is None:
            self._first += [problem] * (self._count <= SHOWN)
            return
        rows = csv.writer(self._file, lineterminator="\n")
        if self._count == 1:
            rows.writerow(("line", "column", "message"))
        rows.writerow((problem.line, problem.column, problem.message))

    def close(self) -> None:
        """Writes out what was added."""
        if self._file is not None and self._count:
            self._file.close()

    def tell(self) -> None:
        """Says on standard error what there is, or where it is."""
        for each in self._first:
            column = "" if each.column is None else f", {each.column}"
            click.echo(f"line {each.line}{column}: {each.message}", err=True)
        if self._path is not None and self._count:
            click.echo(f"{self._count} problems in {self._path}", err=True)
        elif self._count > SHOWN:
            left = self._count - SHOWN
            click.echo(f"and {left} more: write them into a file with --report", err=True)


@contacts.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@format_
@click.option("--list", "list_id", metavar="ID", help="Only whoever is in this list.")
@click.option("--segment", "segment_id", metavar="ID", help="Only whoever is in this segment.")
@click.option("--force", is_flag=True, help="Overwrite the file.")
@options.workspace
@options.database
def export(
    file: Path,
    file_format: str | None,
    list_id: str | None,
    segment_id: str | None,
    force: bool,
    workspace: str | None,
    database: str | None,
) -> None:
    """Write contacts into a file that `import` reads; it is there once it is whole."""
    from trenza.channels.contact_file import FileFormat
    from trenza.cli.opened import on_database
    from trenza.settings import load_settings

    if list_id is not None and segment_id is not None:
        raise click.UsageError("give --list or --segment, not both")
    if file.exists() and not force:
        raise Failure(f"{file} is there already: overwrite it with --force")
    chosen = FileFormat(_format_of(file, file_format))
    partial = file.with_name(f".{file.name}.{os.getpid()}.part")

    async def work(dependencies: "Dependencies") -> int:
        return await _export(dependencies, workspace, partial, chosen, list_id, segment_id)

    try:
        count = on_database(load_settings(database=database), work)
        partial.replace(file)
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
    click.echo(f"{count} contacts in {file}", err=True)


async def _export(
    dependencies: "Dependencies",
    workspace: str | None,
    path: Path,
    file_format: "FileFormat",
    list_id: str | None,
    segment_id: str | None,
) -> int:
    """Writes contacts into a new file and returns how many there are."""
    from trenza.channels.contact_file import writer_of
    from trenza.cli.opened import choose_workspace
    from trenza.services.contact_columns import find_columns
    from trenza.services.contact_export import export_contacts

    viewer = await choose_workspace(dependencies, workspace)
    columns = await find_columns(dependencies, viewer)
    count = 0
    with path.open("x", encoding="utf-8", newline="") as opened:
        write = writer_of(opened, file_format, columns.names)
        rows = export_contacts(dependencies, viewer, columns, list_id, segment_id)
        async with aclosing(rows):
            async for row in rows:
                write(row)
                count += 1
    return count


@contacts.command("export-person")
@click.argument("contact_id", metavar="ID")
@click.option(
    "--to",
    "file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The JSON file to write.",
)
@click.option("--force", is_flag=True, help="Overwrite the file.")
@options.workspace
@options.database
def export_person(
    contact_id: str, file: Path, force: bool, workspace: str | None, database: str | None
) -> None:
    """Write everything that is held about one person into a file that only you may read."""
    from trenza.cli.opened import choose_workspace, on_database
    from trenza.settings import load_settings

    if file.exists() and not force:
        raise Failure(f"{file} is there already: overwrite it with --force")
    partial = file.with_name(f".{file.name}.{os.getpid()}.part")

    async def work(dependencies: "Dependencies") -> int:
        from trenza.services.person_export import export_person, written

        viewer = await choose_workspace(dependencies, workspace)
        done = await export_person(dependencies, viewer, contact_id)
        partial.touch(mode=0o600, exist_ok=False)
        partial.write_bytes(written(done.document))
        return sum(len(rows) for rows in done.document.values() if isinstance(rows, list))

    try:
        count = on_database(load_settings(database=database), work)
        partial.replace(file)
    except OSError as error:
        raise Failure(f"{file} cannot be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
    click.echo(f"{count} rows in {file}", err=True)


@contacts.command()
@click.argument("contact_id", metavar="ID")
@click.option("--reason", required=True, help="Why; it stays, so it names nobody.")
@click.option("--dry-run", is_flag=True, help="Only say what is held about the person.")
@options.workspace
@options.database
def erase(
    contact_id: str, reason: str, dry_run: bool, workspace: str | None, database: str | None
) -> None:
    """Erase a person for good, then scrub the files of the database."""
    from trenza.cli.erasure import scrub_and_tell
    from trenza.cli.opened import choose_workspace, on_database
    from trenza.settings import load_settings

    async def work(dependencies: "Dependencies") -> None:
        from trenza.services.erasure import EraseContact, erase_contact, preview_erasure

        viewer = await choose_workspace(dependencies, workspace)
        request = EraseContact(contact_id, reason)
        shown = await preview_erasure(dependencies, viewer, request)
        for name, count in shown.counts.items():
            click.echo(f"{name}: {count}")
        if dry_run:
            return
        done = await erase_contact(dependencies, viewer, request)
        again = ", which it was already" if done.replayed else ""
        click.echo(f"{done.contact_id} is erased{again}: {done.certificate_id}", err=True)
        await scrub_and_tell(dependencies)

    on_database(load_settings(database=database), work)


def _format_of(file: Path, given: str | None) -> str:
    """The format that is named, or that of the file's ending."""
    found = given or {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}.get(file.suffix.lower())
    if found is None:
        raise Failure(f"what {file.name} holds cannot be told: name it with --format csv or jsonl")
    return found
