"""`trenza contacts erase`, `export-person`, `trenza retention`, `trenza erasure scrub`."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.cli.commands import failure, success
from trenza.storage import scrub
from trenza.storage.contact import CONTACT
from trenza.storage.engine import Database
from trenza.storage.erasure import CERTIFICATE

PEOPLE = "first_name,email\nAnacanary,ana@example.com\nEva,eva@example.com\n"


@pytest.fixture
def filled_url(database_url: str, tmp_path: Path) -> str:
    """A database with one workspace and two people."""
    success("seed", "--database", database_url)
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE, encoding="utf-8")
    success("contacts", "import", str(file), "--database", database_url)
    return database_url


def found(url: str, statement: Any) -> list[Any]:
    """What an operator finds in a database."""

    async def look() -> list[Any]:
        database = Database(url)
        async with database.across_workspaces().read() as connection:
            rows = (await connection.execute(statement)).all()
        await database.close()
        return list(rows)

    return asyncio.run(look())


def ana_of(url: str) -> str:
    """The id of one of the two."""
    [[contact_id]] = found(url, select(CONTACT.c.id).where(CONTACT.c.first_name == "Anacanary"))
    return str(contact_id)


def test_a_person_is_exported_into_a_file_of_ones_own(filled_url: str, tmp_path: Path) -> None:
    ana, file = ana_of(filled_url), tmp_path / "ana.json"
    words = ("contacts", "export-person", ana, "--to", str(file), "--database", filled_url)

    told = success(*words)

    document = json.loads(file.read_text(encoding="utf-8"))
    assert document["contactId"] == ana
    assert [row["firstName"] for row in document["contacts"]] == ["Anacanary"]
    assert file.stat().st_mode & 0o077 == 0
    rows = sum(len(each) for each in document.values() if isinstance(each, list))
    assert told.stderr == f"{rows} rows in {file}\n"
    assert failure(*words) == f"{file} is there already: overwrite it with --force"
    success(*words, "--force")
    unknown = ("contacts", "export-person", "x", "--to", str(tmp_path / "x.json"))
    assert "names nothing" in failure(*unknown, "--database", filled_url)
    assert not [path for path in tmp_path.iterdir() if ".part" in path.name]


def test_a_person_is_erased_and_the_files_are_scrubbed(filled_url: str) -> None:
    ana = ana_of(filled_url)
    words = ("contacts", "erase", ana, "--reason", "by mail", "--database", filled_url)

    shown = success(*words, "--dry-run")
    assert "identities: 1\n" in shown.stdout
    assert found(filled_url, select(CERTIFICATE)) == []
    told = success(*words)

    [certificate] = found(filled_url, select(CERTIFICATE))
    assert told.stderr.splitlines() == [
        f"{ana} is erased: {certificate.id}",
        "the files are scrubbed; 1 certificate says so now",
    ]
    assert certificate.scrubbed_at >= certificate.erased_at
    assert "which it was already" in success(*words).stderr
    assert "names nothing" in failure(*(w if w != ana else "x" for w in words))
    again = success("erasure", "scrub", "--database", filled_url)
    assert again.stderr == "the files are scrubbed; 0 certificates say so now\n"


def test_retention_says_what_it_did(filled_url: str) -> None:
    told = success("retention", "--database", filled_url)

    [line] = told.stdout.splitlines()
    assert line.endswith(": nothing to clear")
    assert "scrubbed" not in told.stderr
    unknown = ("retention", "--workspace", "ws_none", "--database", filled_url)
    assert failure(*unknown) == "there is no workspace ws_none"


def test_a_reader_that_never_ends_is_told(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrub, "TRUNCATED_WITHIN_SECONDS", 0)
    success("seed", "--database", sqlite_url)
    with closing(sqlite3.connect(sqlite_url.partition(":///")[2])) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM workspace").fetchone()

        said = failure("erasure", "scrub", "--database", sqlite_url)

        assert "something read the database" in said
        assert said.endswith("then run: trenza erasure scrub")
    success("erasure", "scrub", "--database", sqlite_url)


def test_a_transaction_that_still_sees_the_dead_is_told(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncpg

    monkeypatch.setattr(scrub, "ATTEMPTS", 1)
    success("seed", "--database", postgresql_url)

    async def scrubbed_beside() -> str:
        url = postgresql_url.replace("+asyncpg", "", 1)
        old, other = await asyncpg.connect(url), await asyncpg.connect(url)
        try:
            await old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            await old.fetchval("SELECT 1")
            await other.execute("UPDATE workspace SET name = name || '!'")
            await other.execute("UPDATE contact SET city = 'x'")
            await other.execute("UPDATE activity SET before = '{}'")
            with pytest.raises(scrub.NotScrubbedError) as raised:
                await scrub.scrub(Database(postgresql_url))
            return str(raised.value)
        finally:
            await old.close()
            await other.close()

    assert "still sees dead rows of" in asyncio.run(scrubbed_beside())
