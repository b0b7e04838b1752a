"""Brings a database to the newest schema with alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import AsyncConnection

FOLDER = Path(__file__).parent / "migrations"


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["url"] = url
    return config


def upgrade(url: str) -> None:
    """Migrates the database at `url` (the application's asynchronous URL) to the newest schema.

    A file database is made when it is missing.
    """
    command.upgrade(_config(url), "head")


def newest_revision() -> str | None:
    """The revision that this version of the code works with."""
    return ScriptDirectory.from_config(_config("")).get_current_head()


async def current_revision(connection: AsyncConnection) -> str | None:
    """The revision that the database has, or nothing where it was never migrated."""
    return await connection.run_sync(
        lambda sync: MigrationContext.configure(sync).get_current_revision()
    )
