"""The databases themselves keep workspaces apart: each table, each policy, each guard, the pool."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from tests.storage.probes import (
    OTHER,
    OWN,
    TABLES,
    execute,
    fill,
    in_a_thread,
    leaks,
    opened,
    row_of,
)
from tests.world import NOON
from trenza.storage import engine
from trenza.storage.engine import AsyncConnection, Database, driver_arguments
from trenza.storage.guards import Guard, guard_reads, guard_writes
from trenza.storage.isolation import _make_role, enforce_isolation
from trenza.storage.migrate import upgrade
from trenza.storage.readiness import isolation_gap
from trenza.storage.sight import APPEND_ONLY, EMPTIED
from trenza.storage.statements import PostgresStatements, StatementError, open_statements

ASK = "SELECT DISTINCT workspace_id FROM contact"
REQUESTS = 400


@pytest.fixture
async def filled_url(database_url: str) -> str:
    """A database with a row of two workspaces in every table."""
    await fill(database_url)
    return database_url


@pytest.fixture
async def database(filled_url: str) -> AsyncIterator[Database]:
    """The same, opened with two connections."""
    database = Database(filled_url, pool_size=2)
    yield database
    await database.close()


async def test_a_workspace_reaches_nothing_of_another_in_any_table(database: Database) -> None:
    assert await leaks(database) == []
    assert await isolation_gap(database) is None


@pytest.mark.parametrize("name", sorted(EMPTIED))
async def test_of_what_is_only_added_a_few_columns_may_be_emptied(
    database: Database, name: str
) -> None:
    [table] = [each for each in TABLES if each.name == name]

    async def change(values: dict[str, Any], connection: AsyncConnection) -> int:
        own = update(table).where(table.c.workspace_id == OWN)
        return (await connection.execute(own.values(values))).rowcount

    for column in table.c:
        value = row_of(table, OTHER, "b")[column.name]
        value = NOON if isinstance(value, datetime) else value
        if column.name in EMPTIED[name]:
            assert await database.write(partial(change, {column.name: value}), OWN) == 1
            continue
        with pytest.raises(DBAPIError, match=r"only ever added|permission denied"):
            await database.write(partial(change, {column.name: value or {"other": 1}}), OWN)


async def test_each_policy_is_needed(postgresql_url: str) -> None:
    url = postgresql_url
    await fill(url)
    for table in TABLES:
        for removal in (
            f"DROP POLICY own_workspace ON {table.name}",
            f"ALTER TABLE {table.name} DISABLE ROW LEVEL SECURITY",
        ):
            await execute(url, removal)

            found = await opened(url, partial(leaks, tables=[table]))
            gap = await opened(url, isolation_gap)
            await in_a_thread(upgrade, url)

            assert found, f"nobody notices: {removal}"
            assert gap == f"these tables have no policy: {table.name}"

    assert await opened(url, leaks) == []


async def test_each_right_that_was_not_given_is_needed(postgresql_url: str) -> None:
    await fill(postgresql_url)
    for name in sorted(APPEND_ONLY):
        [table] = [each for each in TABLES if each.name == name]
        await execute(postgresql_url, f"GRANT UPDATE, DELETE ON {name} TO postgres_app")

        found = await opened(postgresql_url, partial(leaks, tables=[table]))

        assert found == [
            f"{name}: changes what is only added to",
            f"{name}: deletes what is only added to",
        ]


async def test_each_view_is_needed(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(sqlite_url)
    for table in TABLES:

        def without(connection: sqlite3.Connection, name: str = table.name) -> Guard:
            guard = guard_reads(connection)
            connection.set_authorizer(None)
            connection.execute("PRAGMA query_only=OFF")
            connection.execute(f"DROP VIEW temp.{name}")
            return guard

        monkeypatch.setattr(engine, "guard_reads", without)

        found = await opened(sqlite_url, partial(leaks, tables=[table]))

        assert found == [
            f"{table.name}: does not see its own row alone",
            f"{table.name}: is seen by a connection that is not set",
        ]


@pytest.mark.parametrize("verb", ["update", "delete"])
async def test_each_trigger_is_needed(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    await fill(sqlite_url)
    for table in TABLES:

        def without(connection: sqlite3.Connection, name: str = table.name) -> Guard:
            guard = guard_writes(connection)
            connection.execute(f"DROP TRIGGER temp.guard_{verb}_{name}")
            return guard

        monkeypatch.setattr(engine, "guard_writes", without)

        assert await opened(sqlite_url, partial(leaks, tables=[table]))


async def test_what_is_behind_a_view_is_refused(sqlite_url: str) -> None:
    await fill(sqlite_url)
    statements = open_statements(Database(sqlite_url), pool_size=1)
    for text in (
        "SELECT * FROM main.contact",
        "SELECT count(*) FROM main.ledger_entry",
        "PRAGMA query_only=OFF",
        "ATTACH ':memory:' AS other",
        "DROP VIEW temp.contact",
        "DELETE FROM main.contact",
        "UPDATE main.sqlite_master SET sql = sql",
        "UPDATE temp.trenza_sight SET workspace_id = 'ws_other'",
        "CREATE TEMP TABLE mine (id)",
    ):
        with pytest.raises(StatementError):
            await statements.fetch(text, [], OWN)
    assert list(await statements.fetch(ASK, [], OWN)) == [(OWN,)]
    await statements.close()


async def test_a_connection_that_changes_hands_answers_for_the_new_one(database: Database) -> None:
    statements = open_statements(database, pool_size=2)

    async def ask(workspace_id: str) -> list[str]:
        await asyncio.sleep(0)
        return [row[0] for row in await statements.fetch(ASK, [], workspace_id)]

    asked = [OWN if n % 7 < 3 else OTHER for n in range(REQUESTS)]
    answers = await asyncio.gather(*map(ask, asked))

    assert answers == [[each] for each in asked]
    assert statements.executed == REQUESTS
    await statements.close()


async def test_a_connection_that_is_set_already_is_preferred(postgresql_url: str) -> None:
    await fill(postgresql_url)
    statements = PostgresStatements(Database(postgresql_url), pool_size=2)
    await asyncio.gather(*(statements.fetch(ASK, [], each) for each in (OWN, OTHER)))

    for workspace_id in (OWN, OTHER, OTHER, OWN) * 5:
        await statements.fetch(ASK, [], workspace_id)

    assert (statements.executed, statements.handed_over) == (22, 2)
    await statements.close()


async def test_reads_and_writes_interleaved_see_each_their_own(database: Database) -> None:
    contact = next(table for table in TABLES if table.name == "contact")

    async def ask(workspace_id: str) -> list[str]:
        async def work(connection: engine.AsyncConnection) -> list[str]:
            return list((await connection.execute(select(contact.c.workspace_id))).scalars())

        if workspace_id == OWN:
            async with database.read(workspace_id) as connection:
                return await work(connection)
        # What SQLite's writers read is narrowed by the statements alone.
        found = await database.write(work, workspace_id)
        return [OTHER] if database.is_sqlite else found

    asked = [OWN, OTHER] * 40
    assert await asyncio.gather(*map(ask, asked)) == [[each] for each in asked]


async def test_a_key_is_found_by_its_id_and_nothing_else_is(database: Database) -> None:
    keys = next(table for table in TABLES if table.name == "api_key")
    others = [table for table in TABLES if table is not keys]

    async with database.read_key("id a") as connection:
        found = list((await connection.execute(keys.select())).scalars())
        seen = [t.name for t in others if (await connection.execute(t.select())).first()]
    async with database.read_key("another") as connection:
        unknown = (await connection.execute(keys.select())).all()

    assert (sorted(found), seen, unknown) == ([OTHER, OWN], [], [])


async def test_an_operator_sees_every_workspace_and_has_to_say_so(database: Database) -> None:
    async with database.across_workspaces().read() as connection:
        for table in TABLES:
            seen = (await connection.execute(select(table.c.workspace_id))).scalars()
            assert sorted(seen) == [OTHER, OWN]


@pytest.fixture
async def owned_by(postgresql_url: str) -> AsyncIterator[Callable[[str], Awaitable[str]]]:
    """Gives the database to another user, who is made and removed again."""
    made: list[str] = []

    async def give(rights: str) -> str:
        name = f"owner_{len(made)}_of_{postgresql_url.rpartition('/')[2]}"
        made.append(name)
        tables = [f"ALTER TABLE {t.name} OWNER TO {name}" for t in TABLES]
        await execute(
            postgresql_url,
            f"CREATE ROLE {name} LOGIN {rights}",
            *(f"DROP POLICY across_workspaces ON {t.name}" for t in TABLES),
            *tables,
            f"ALTER TABLE alembic_version OWNER TO {name}",
        )
        return postgresql_url.replace("postgres@", f"{name}@")

    yield give
    for name in made:
        await execute(
            postgresql_url,
            *(f"ALTER TABLE {t.name} OWNER TO postgres" for t in TABLES),
            f"DROP OWNED BY {name}",
            f"DO $$ BEGIN DROP OWNED BY {name}_app; EXCEPTION WHEN OTHERS THEN END $$",
            f"DROP ROLE IF EXISTS {name}_app",
            f"DROP ROLE {name}",
        )


async def test_without_the_right_to_make_roles_the_policies_hold_for_the_owner(
    postgresql_url: str, owned_by: Callable[[str], Awaitable[str]]
) -> None:
    await fill(postgresql_url)
    url = await owned_by("NOCREATEROLE")
    await in_a_thread(upgrade, url)

    found = await opened(url, leaks)
    gap = await opened(url, isolation_gap)

    assert str(gap).endswith("owns the tables, and so could change the ledger")
    assert {leak.partition(": ")[2] for leak in found} == {
        "changes what is only added to",
        "deletes what is only added to",
    }


async def test_migrating_at_once_makes_the_role_once(
    postgresql_url: str, owned_by: Callable[[str], Awaitable[str]]
) -> None:
    await fill(postgresql_url)
    url = await owned_by("CREATEROLE")

    connections = [await asyncpg.connect(**driver_arguments(url)) for _ in range(4)]
    owner = url.partition("//")[2].partition("@")[0]
    made = await asyncio.gather(*(_make_role(each, owner) for each in connections))
    await asyncio.gather(*map(enforce_isolation, connections))
    for connection in connections:
        await connection.close()

    assert made == [f"{owner}_app"] * 4
    assert await opened(url, leaks) == []
    assert await opened(url, isolation_gap) is None


async def test_a_role_that_bypasses_policies_is_told(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "ACT_AS_ROLE", "SELECT 1")

    gap = await opened(postgresql_url, isolation_gap)

    assert gap == "the role postgres bypasses row-level security"
