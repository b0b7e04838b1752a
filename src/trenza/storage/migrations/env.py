"""Runs the migrations over the application's own drivers, each run in one transaction."""

import asyncio
from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

import trenza.storage  # noqa: F401 - registers every table
from trenza.storage.columns import DOCUMENT, ID
from trenza.storage.sight import SEES_ALL


def _render(kind: str, value: object, generated: AutogenContext) -> str | Literal[False]:
    if kind != "type":
        return False
    if value is ID:
        generated.imports.add("from trenza.storage.columns import DOCUMENT, ID")
        return "ID"
    if value is DOCUMENT:
        generated.imports.add("from trenza.storage.columns import DOCUMENT")
        return "DOCUMENT"
    if isinstance(value, UTCDateTime):
        generated.imports.add("from sqlmodel.sql.sqltypes import UTCDateTime")
        return "UTCDateTime()"
    return "sa.String()" if isinstance(value, AutoString) else False


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=True,
        render_item=_render,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _run(url: str) -> None:
    engine = create_async_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        _let_sqlite_migrate_in_one_transaction(engine.sync_engine)
    async with engine.begin() as connection:
        if engine.dialect.name != "sqlite":
            # A migration may change rows, which the policies would hide from the owner too.
            await connection.exec_driver_sql(f"SET LOCAL {SEES_ALL} = 'on'")
        await connection.run_sync(_migrate)
    await engine.dispose()


def _let_sqlite_migrate_in_one_transaction(engine: object) -> None:
    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


asyncio.run(_run(context.config.attributes["url"]))
