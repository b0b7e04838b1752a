"""`verify_ledger`: sound books have no difference, and every kind of damage is found."""

import asyncio
import re
import shutil
import sqlite3
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.postgresql import PostgresqlServer
from tests.services.books import CountingBell, SetClock
from tests.services.damages import DAMAGES, Damage
from tests.services.story import DAY, TENTH, live
from trenza.domain.errors import NotFound
from trenza.domain.ids import session_id_of
from trenza.services import verify_contacts, verify_entries
from trenza.services.dependencies import Dependencies
from trenza.services.statement import find_statement
from trenza.services.usage import find_usage
from trenza.services.verify import Difference, count_verified, verify_ledger
from trenza.storage.engine import Database
from trenza.storage.founding import list_workspaces
from trenza.storage.interaction import INTERACTION
from trenza.storage.workspace import find_workspace

PEOPLE = {"Ana": "a1", "Luis": "b1", "Luisa": "b2", "Pia": "c1"}
"""Of each person an interaction that was recorded for them."""


@pytest.fixture(scope="module")
def lived_sqlite(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the story, to be copied."""
    file = shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("lived") / "lived.sqlite3")
    asyncio.run(live(f"sqlite+aiosqlite:///{file}"))
    return Path(file)


@pytest.fixture(scope="module")
def lived_postgresql(
    postgresql_server: PostgresqlServer, migrated_postgresql: str
) -> Iterator[str]:
    """The name of a database with the story, to be copied."""
    name = f"{migrated_postgresql}_lived"
    asyncio.run(live(postgresql_server.create(name, template=migrated_postgresql)))
    yield name
    postgresql_server.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def lived_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database of the test's own with the story."""
    if request.param == "sqlite":
        file = shutil.copy(request.getfixturevalue("lived_sqlite"), tmp_path / "own.sqlite3")
        yield f"sqlite+aiosqlite:///{file}"
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    template: str = request.getfixturevalue("lived_postgresql")
    name = f"{template}_own"
    yield server.create(name, template=template)
    server.drop(name)


async def inflict(url: str, script: str) -> None:
    """Executes SQL as somebody would who goes round every check that can be gone round."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///"))) as connection:
            connection.executescript(script)
    else:
        around = f"SET session_replication_role = replica; {script}"
        await asyncio.to_thread(PostgresqlServer(url).execute, around)


@asynccontextmanager
async def database_at(url: str) -> AsyncGenerator[Database, None]:
    """A database, closed in the end."""
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()


async def _system_of(database: Database) -> tuple[Dependencies, str]:
    """What verifying takes: it makes no ids and rings for nobody."""
    async with database.across_workspaces().read() as connection:
        [workspace] = await list_workspaces(connection)
    return Dependencies(database, SetClock(TENTH), str, CountingBell(), str), workspace.id


async def verified(url: str) -> list[Difference]:
    """The differences of the one workspace."""
    async with database_at(url) as database:
        return await verify_ledger(*await _system_of(database))


class Names:
    """The ids of the story and the names that the damages give them."""

    def __init__(self, interactions: Mapping[str, str], contacts: Mapping[str, str]) -> None:
        sessions = {f"session_{name}": session_id_of(id) for name, id in interactions.items()}
        people = {person: contacts[name] for person, name in PEOPLE.items()}
        self.ids = {**interactions, **sessions, **people}

    def in_place_of_ids(self, text: str) -> str:
        """A text with the names where it has the ids."""
        for name, id in self.ids.items():
            text = text.replace(id, name.replace("_", " "))
        text = re.sub(r"(grant|statement|touch|enrollment|ticket)_\w{26}", r"\1", text)
        text = re.sub(r"the alert of (\d+) % in the cycle from \S+Z", r"alert \1", text)
        return re.sub(r"(the cycle) from \S+Z", r"\1", text)


async def names_of(url: str) -> Names:
    """The names of what is in a database with the story."""
    async with database_at(url) as database, database.across_workspaces().read() as connection:
        rows = (await connection.execute(select(INTERACTION))).mappings().all()
    by_name = {row["external_id"]: row for row in rows}
    return Names(
        {name: row["id"] for name, row in by_name.items()},
        {name: row["contact_id"] for name, row in by_name.items()},
    )


async def test_sound_books_have_no_difference(lived_url: str) -> None:
    assert await verified(lived_url) == []


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_damage_is_found_and_nothing_else(lived_url: str, damage: Damage) -> None:
    names = await names_of(lived_url)

    await inflict(lived_url, damage.sql.format(**names.ids))
    found = await verified(lived_url)

    told = (f"{difference.subject}: {difference.what}" for difference in found)
    assert sorted(map(names.in_place_of_ids, told)) == sorted(damage.finds)


async def test_a_debit_that_is_taken_back_twice_is_found(
    lived_sqlite: Path, tmp_path: Path
) -> None:
    """Which the unique key keeps out; here the table has lost its keys."""
    url = f"sqlite+aiosqlite:///{shutil.copy(lived_sqlite, tmp_path / 'own.sqlite3')}"

    await inflict(
        url,
        "ALTER TABLE ledger_entry RENAME TO kept;"
        "CREATE TABLE ledger_entry AS SELECT * FROM kept;"
        "UPDATE ledger_entry SET supersedes = 1 WHERE sequence = 7",
    )
    found = await verified(url)

    told = [f"{difference.subject}: {difference.what}" for difference in found]
    assert told == [
        "ledger row 7: session_id",
        "ledger row 7: effective_at",
        "ledger row 7: debit_counts_at",
        "ledger row 1: reversals",
    ]


async def test_a_line_says_what_should_be_and_what_is(lived_url: str) -> None:
    names = await names_of(lived_url)

    await inflict(lived_url, "UPDATE ledger_head SET closed_until = NULL, sequence = 99")
    await inflict(lived_url, "UPDATE interaction SET outcome = 'FREE' WHERE external_id = 'a0'")
    lines = list(map(str, await verified(lived_url)))

    assert lines == [
        f"{names.ids['a0']}: outcome should be CHARGED, is FREE",
        "the ledger's head: sequence should be 15, is 99",
        "the ledger's head: closed_until should be 2026-10-01T00:00:00.000000Z, is empty",
    ]


async def test_a_statement_keeps_the_lanes_that_it_told(lived_url: str) -> None:
    """A session was bound after its cycle was closed: the statement stays, and stays right."""
    async with (
        database_at(lived_url) as database,
        database.across_workspaces().read() as connection,
    ):
        workspace = await find_workspace(connection, (await list_workspaces(connection))[0].id)
        statement = await find_statement(connection, workspace)
        now = await find_usage(connection, workspace, TENTH + 60 * DAY, TENTH.date())

    assert statement is not None
    assert statement.figures["byLane"] == {"UNBOUND": 3, "BOT": 1, "HUMAN": 1}
    assert now.by_lane == {"UNBOUND": 2, "BOT": 1, "HUMAN": 2}
    assert await verified(lived_url) == []


async def test_contacts_and_rows_are_read_some_at_a_time(
    lived_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_contacts, "ROOTS_AT_ONCE", 1)
    monkeypatch.setattr(verify_entries, "ROWS_AT_ONCE", 2)
    await inflict(lived_url, "UPDATE ledger_entry SET amount = 2 WHERE sequence = 15")

    found = await verified(lived_url)

    assert [difference.what for difference in found] == ["credits", "amount"]


async def test_what_was_verified_is_counted(lived_url: str) -> None:
    async with database_at(lived_url) as database:
        counts = await count_verified(*await _system_of(database))

    assert counts == {
        "contacts": 5,
        "interactions": 14,
        "sessions": 10,
        "ledger rows": 15,
        "closed cycles": 1,
    }


async def test_an_unknown_workspace_is_not_found(lived_url: str) -> None:
    async with database_at(lived_url) as database:
        dependencies, _ = await _system_of(database)
        with pytest.raises(NotFound, match="no such workspace"):
            await verify_ledger(dependencies, "ws_00000000000000000000000000")
