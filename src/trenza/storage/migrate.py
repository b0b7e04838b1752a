"""Brings a database to the newest schema with alembic, and drafts what leads to the next."""

import asyncio
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.storage.engine import driver_arguments
from trenza.storage.isolation import enforce_isolation

FOLDER = Path(__file__).parent / "migrations"


def config_of(url: str, folder: Path = FOLDER) -> Config:
    """What alembic needs to know to migrate the database at a URL."""
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Migrates the database at `url` (the application's asynchronous URL) to the newest schema.

    A file database is made when it is missing. On PostgreSQL the tables' rights and policies are
    made to follow.
    """
    command.upgrade(config_of(url), "head")
    if make_url(url).get_backend_name() != "sqlite":
        asyncio.run(_isolate(url))


async def _isolate(url: str) -> None:
    connection = await asyncpg.connect(**driver_arguments(url))
    try:
        await enforce_isolation(connection)
    finally:
        await connection.close()


def draft(message: str, folder: Path = FOLDER) -> None:
    """Writes the migration from the newest one to the tables as they are declared now.

    It is numbered after the newest. What it cannot know, such as what old rows hold in a new
    column, is for its reader to add.
    """
    with TemporaryDirectory() as place:
        config = config_of(f"sqlite+aiosqlite:///{place}/before.db", folder)
        command.upgrade(config, "head")
        newest = ScriptDirectory.from_config(config).get_current_head() or "0"
        command.revision(config, message, autogenerate=True, rev_id=f"{int(newest) + 1:04}")


@cache
def newest_revision() -> str | None:
    """The revision that this version of the code works with."""
    return ScriptDirectory.from_config(config_of("")).get_current_head()


async def current_revision(connection: AsyncConnection) -> str | None:
    """The revision that the database has, or nothing where it was never migrated."""
    return await connection.run_sync(
        lambda sync: MigrationContext.configure(sync).get_current_revision()
    )
