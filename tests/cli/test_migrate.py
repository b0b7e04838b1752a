"""`trenza migrate`, and what every command says of a database that it cannot use."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.commands import failure, success
from tests.cli.rights import no_right_to_write
from tests.ports import free_port
from tests.postgresql import PostgresqlServer
from trenza.storage.migrate import newest_revision

NEEDS_A_DATABASE = (
    ("serve", "--port", "0"),
    ("seed",),
    ("seed", "--demo"),
    ("keys", "list"),
    ("ledger", "verify"),
)

each_command = pytest.mark.parametrize("words", NEEDS_A_DATABASE, ids=" ".join)


def sqlite_at(file: Path) -> str:
    """The URL of a file."""
    return f"sqlite+aiosqlite:///{file}"


def execute(file: Path, statement: str) -> None:
    """Changes an SQLite database behind Trenza's back."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(statement)
        connection.commit()


def test_a_missing_file_is_made_and_migrating_again_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "trenza.db"

    first = success("migrate", "--database", sqlite_at(file))
    made = file.read_bytes()
    second = success("migrate", "--database", sqlite_at(file))

    assert first.stdout == second.stdout == f"{file} has the newest schema\n"
    assert file.read_bytes() == made


def test_the_database_can_come_from_the_environment(tmp_path: Path) -> None:
    success("migrate", database=sqlite_at(tmp_path / "trenza.db"))

    assert (tmp_path / "trenza.db").exists()


def test_postgresql_is_migrated_and_shown_without_its_password(
    postgresql_server: PostgresqlServer,
) -> None:
    name = f"trenza_test_{os.getpid()}_migrate"
    url = postgresql_server.create(name).replace("postgres@", "postgres:secret@")
    try:
        first = success("migrate", "--database", url)
        second = success("migrate", "--database", url)
        listed = success("ledger", "verify", "--database", url)
    finally:
        postgresql_server.drop(name)

    assert first.stdout == second.stdout
    assert first.stdout.endswith(f"/{name} has the newest schema\n")
    assert "secret" not in first.output + listed.output


@each_command
def test_a_missing_file_is_not_made(words: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "trenza.db"

    line = failure(*words, "--database", sqlite_at(file))

    assert line == f"there is no database {file}: run: trenza migrate"
    assert not file.exists()


@each_command
def test_a_database_that_was_never_migrated_is_refused(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "trenza.db"
    execute(file, "CREATE TABLE something (else_ TEXT)")

    line = failure(*words, "--database", sqlite_at(file))

    assert line == f"the database {file} was never migrated: run: trenza migrate"


@each_command
def test_a_database_of_a_newer_trenza_is_refused(words: tuple[str, ...], sqlite_url: str) -> None:
    file = Path(sqlite_url.removeprefix("sqlite+aiosqlite:///"))
    execute(file, "UPDATE alembic_version SET version_num = '9999'")

    line = failure(*words, "--database", sqlite_url)

    assert line == f"the database {file} has revision 9999 of a newer Trenza: update Trenza"


def test_a_database_of_a_newer_trenza_is_not_migrated(sqlite_url: str) -> None:
    file = Path(sqlite_url.removeprefix("sqlite+aiosqlite:///"))
    execute(file, "UPDATE alembic_version SET version_num = '9999'")

    line = failure("migrate", "--database", sqlite_url)

    assert line.startswith(
        f"the database {file} belongs to another version of Trenza: update Trenza"
    )


def test_a_database_of_something_else_is_not_migrated(tmp_path: Path) -> None:
    file = tmp_path / "trenza.db"
    execute(file, "CREATE TABLE workspace (id TEXT)")

    line = failure("migrate", "--database", sqlite_at(file))

    assert line == f"the database {file} cannot be used: table workspace already exists"


@pytest.mark.parametrize("words", [("migrate",), *NEEDS_A_DATABASE], ids=" ".join)
def test_a_file_that_is_no_database_is_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, whatever its name is")

    line = failure(*words, "--database", sqlite_at(file))

    assert line == f"{file} is no SQLite database: name another file"
    assert file.read_text() == "not a database, whatever its name is"


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    line = failure("migrate", "--database", sqlite_at(tmp_path))

    assert line == f"the database {tmp_path} cannot be read: Is a directory"


def test_a_file_is_not_made_in_a_folder_that_is_missing(tmp_path: Path) -> None:
    line = failure("migrate", "--database", sqlite_at(tmp_path / "none" / "trenza.db"))

    assert line == f"there is no folder {tmp_path / 'none'}: make it, or name another"


def test_a_folder_that_cannot_be_written_is_refused(open_folder: Path) -> None:
    with no_right_to_write(open_folder):
        line = failure("migrate", "--database", sqlite_at(open_folder / "trenza.db"))

    assert line.startswith(f"the folder {open_folder} cannot be written: ")


@each_command
def test_a_file_that_cannot_be_written_is_refused(
    words: tuple[str, ...], open_folder: Path, migrated_sqlite: Path
) -> None:
    file = open_folder / "trenza.db"
    file.write_bytes(migrated_sqlite.read_bytes())

    with no_right_to_write(open_folder):
        line = failure(*words, "--database", sqlite_at(file))

    assert line.startswith(f"the database {file} cannot be written: ")


@pytest.mark.parametrize("words", [("migrate",), *NEEDS_A_DATABASE], ids=" ".join)
def test_a_postgresql_that_is_not_there_is_said_to_be_away(words: tuple[str, ...]) -> None:
    url = f"postgresql+asyncpg://ana:secret@127.0.0.1:{free_port()}/trenza"

    line = failure(*words, "--database", url)

    assert line.startswith(f"the database {url.replace('secret', '***')} cannot be reached: ")
    assert line.endswith("Is PostgreSQL running there, and is --database right?")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda url: f"{url}_none", "does not exist"),
        (lambda url: url.replace("postgres@", "nobody@"), 'role "nobody" does not exist'),
        (lambda url: f"{url}?option=1", "unexpected keyword argument 'option'"),
    ],
    ids=["database", "role", "option"],
)
def test_a_postgresql_that_lets_nobody_in_says_why(
    postgresql_server: PostgresqlServer, change: Callable[[str], str], reason: str
) -> None:
    line = failure("migrate", "--database", change(postgresql_server.admin_url))

    assert "cannot be used: " in line
    assert reason in line


def test_the_newest_revision_is_the_one_that_migrating_leads_to(tmp_path: Path) -> None:
    file = tmp_path / "trenza.db"
    success("migrate", "--database", sqlite_at(file))

    with closing(sqlite3.connect(file)) as connection:
        [row] = connection.execute("SELECT version_num FROM alembic_version")

    assert row == (newest_revision(),)
