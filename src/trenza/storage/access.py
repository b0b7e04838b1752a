"""API keys: the table and its queries. Of each secret only its hash is stored."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Index, RowMapping, insert, select, update
from sqlalchemy import Table as SQLTable
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import JSON, Field

from trenza.storage.columns import Table, belongs_to_workspace, key, symbol
from trenza.storage.workspace import WORKSPACE


class ApiKey(Table, table=True):
    """A key of one workspace with its scopes."""

    __table_args__ = (belongs_to_workspace(), Index(None, "id"))

    workspace_id: str = key()
    id: str = key()
    name: str
    secret_hash: str = symbol()
    scopes: list[str] = Field(sa_type=JSON)
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


API_KEY: SQLTable = ApiKey.__table__


async def find_workspace_of_key(connection: AsyncConnection, key_id: str) -> str | None:
    """Whose key it is.

    The one query without a workspace: whoever shows a key does not say whose it is. The connection
    sees that key alone.
    """
    statement = select(API_KEY.c.workspace_id).where(API_KEY.c.id == key_id)
    return (await connection.execute(statement)).scalar_one_or_none()


async def find_key(
    connection: AsyncConnection, workspace_id: str, key_id: str
) -> RowMapping | None:
    """A key by its id with the `language` of its workspace."""
    statement = (
        select(API_KEY, WORKSPACE.c.language)
        .join(WORKSPACE, WORKSPACE.c.workspace_id == API_KEY.c.workspace_id)
        .where(API_KEY.c.workspace_id == workspace_id, API_KEY.c.id == key_id)
    )
    return (await connection.execute(statement)).mappings().one_or_none()


async def list_workspace_keys(connection: AsyncConnection, workspace_id: str) -> list[RowMapping]:
    """Every key of a workspace, the oldest first, without what is stored of its secret."""
    shown = [column for column in API_KEY.c if column.name != "secret_hash"]
    statement = (
        select(*shown)
        .where(API_KEY.c.workspace_id == workspace_id)
        .order_by(API_KEY.c.created_at, API_KEY.c.id)
    )
    return list((await connection.execute(statement)).mappings())


async def insert_key(connection: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Adds one key."""
    await connection.execute(insert(API_KEY), dict(row))


async def mark_revoked(
    connection: AsyncConnection, workspace_id: str, key_id: str, at: datetime
) -> bool:
    """Revokes a key, unless it is revoked already; whether the workspace has it."""
    known = API_KEY.c.workspace_id == workspace_id, API_KEY.c.id == key_id
    statement = update(API_KEY).where(*known, API_KEY.c.revoked_at.is_(None))
    await connection.execute(statement.values(revoked_at=at))
    return (await connection.execute(select(API_KEY.c.id).where(*known))).first() is not None
