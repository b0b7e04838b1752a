"""Rows of a workspace from before a migration, and what they are after it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from trenza.storage.migrate import upgrade

Rows = Sequence[tuple[Any, Mapping[str, Any]]]
"""Rows, each with the class of its table; they are written with the columns that they name."""


async def migrated(url: str, rows: Rows) -> dict[str, list[dict[str, Any]]]:
    """Writes rows, migrates, and answers what the tables that they are of hold, by name.

    Fails where a row refers to nothing.
    """
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.begin() as connection:
        for cls, row in rows:
            values = {"workspace_id": "ws_1", **row}
            columns = (sa.column(name, cls.__table__.c[name].type) for name in values)
            before = sa.table(cls.__table__.name, *columns)
            await connection.execute(sa.insert(before).values(**values))
    await engine.dispose()

    # It has an event loop of its own.
    await asyncio.to_thread(upgrade, url)

    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            assert not list(await connection.execute(sa.text("PRAGMA foreign_key_check")))
        else:
            # The owner of the tables is held to the policies too.
            await connection.execute(sa.text("SET trenza.across_workspaces = 'on'"))
        found = {}
        for table in dict.fromkeys(cls.__table__ for cls, _ in rows):
            ordered = sa.select(table).order_by(*table.primary_key.columns)
            read = (await connection.execute(ordered)).mappings()
            found[table.name] = [dict(row) for row in read]
    await engine.dispose()
    return found
