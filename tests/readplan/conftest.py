"""Two companies on each database, made once; apps that answer with plans and without."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete
from sqlmodel import SQLModel

from tests.postgresql import PostgresqlServer
from tests.readplan.lives import Life, keys_of, known_to, live
from tests.readplan.values import Known
from tests.world import Client, World, a_world


@dataclass
class Company:
    """One of the two companies, as its clients know it."""

    workspace_id: str
    keys: dict[str, str]
    known: Known

    def client(self, world: World, name: str = "admin") -> Client:
        """A client of it in a world that holds its rows."""
        return Client(world.http, self.keys[name])


@dataclass
class Story:
    """A database that holds both companies, and how to copy it."""

    url: str
    copy: Callable[[], str]
    a: Company
    b: Company
    ended: Any


async def _company(life: Life, other: Life) -> Company:
    foreign = await known_to(other.tenant.admin, [])
    known = await known_to(life.tenant.admin, foreign.ids[::4])
    return Company(life.tenant.id, keys_of(life), known)


@pytest.fixture(scope="package", params=["sqlite", "postgresql"])
def empty_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Callable[[], str]]]:
    """The URL of an empty database, and what copies it when nobody is connected to it."""
    folder = tmp_path_factory.mktemp("story")
    if request.param == "sqlite":
        migrated: Path = request.getfixturevalue("migrated_sqlite")
        file = shutil.copy(migrated, folder / "story.sqlite3")

        def copied_file() -> str:
            return f"sqlite+aiosqlite:///{shutil.copy(file, folder / 'copy.sqlite3')}"

        yield f"sqlite+aiosqlite:///{file}", copied_file
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    name = f"trenza_story_{os.getpid()}"

    def copied() -> str:
        return server.create(f"{name}_copy", template=name)

    yield server.create(name, template=request.getfixturevalue("migrated_postgresql")), copied
    server.drop(f"{name}_copy")
    server.drop(name)


@pytest.fixture(scope="package")
async def story(empty_database: tuple[str, Callable[[], str]]) -> Story:
    """Both companies have lived; nobody is connected."""
    url, copy = empty_database
    async with a_world(url) as world:
        a, b = await live(world)
        companies = await _company(a, b), await _company(b, a)
        return Story(url, copy, *companies, world.clock.at)


@dataclass
class Apps:
    """The same rows behind two apps, and behind a third that holds the rows of A alone."""

    planned: World
    reference: World
    alone: World


@pytest.fixture(scope="package")
async def apps(story: Story) -> AsyncIterator[Apps]:
    """The apps run on one database, and on a copy of it."""
    # The copying has an event loop of its own.
    copy = await asyncio.to_thread(story.copy)
    async with AsyncExitStack() as stack:
        planned = await stack.enter_async_context(a_world(story.url, story.ended))
        reference = await stack.enter_async_context(
            a_world(story.url, story.ended, read_plan=False)
        )
        alone = await stack.enter_async_context(a_world(copy, story.ended))
        await forget(alone, story.b.workspace_id)
        for world, companies in (
            (planned, (story.a, story.b)),
            (reference, (story.a, story.b)),
            (alone, (story.a,)),
        ):
            for company in companies:
                # Remembered from here on: which of two errors comes first does not hang on it.
                await company.client(world).run("{ workspace { customFields { key } } }")
        yield Apps(planned, reference, alone)


async def forget(world: World, workspace_id: str) -> None:
    """Deletes every row of a workspace."""

    async def work(connection: Any) -> None:
        for table in reversed(SQLModel.metadata.sorted_tables):
            await connection.execute(delete(table).where(table.c.workspace_id == workspace_id))

    await world.parts.dependencies.database.across_workspaces().write(work)
