"""API keys: the table and its queries. Of each secret only its hash is stored."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Index, RowMapping, and_, insert, select, update
from sqlalchemy import Table as SQLTable
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import JSON, Field

from trenza.storage.columns import Table, belongs_to_workspace, key, references, symbol
from trenza.storage.seat import USER
from trenza.storage.workspace import WORKSPACE


class ApiKey(Table, table=True):
    """A key of one workspace with its scopes: a service's, or that of the user it is bound to.

    A rotated key has a new secret; the former one is good until `former_until`.
    """

    __table_args__ = (
        belongs_to_workspace(),
        references("user_id", "workspace_user"),
        Index(None, "id"),
        Index(None, "workspace_id", "created_at", "id"),
    )

    workspace_id: str = key()
    id: str = key()
    name: str
    secret_hash: str = symbol()
    scopes: list[str] = Field(sa_type=JSON)
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    user_id: str | None = symbol(default=None)
    rotated_at: datetime | None = None
    former_secret_hash: str | None = symbol(default=None)
    former_until: datetime | None = None


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
    """A key by its id with the `language` of its workspace, and how its user stands, if any."""
    statement = (
        select(API_KEY, WORKSPACE.c.language, USER.c.role, USER.c.standing)
        .join(WORKSPACE, WORKSPACE.c.workspace_id == API_KEY.c.workspace_id)
        .join(
            USER,
            and_(USER.c.workspace_id == API_KEY.c.workspace_id, USER.c.id == API_KEY.c.user_id),
            isouter=True,
        )
        .where(API_KEY.c.workspace_id == workspace_id, API_KEY.c.id == key_id)
    )
    return (await connection.execute(statement)).mappings().one_or_none()


async def list_workspace_keys(connection: AsyncConnection, workspace_id: str) -> list[RowMapping]:
    """Every key of a workspace, the oldest first, with the `email` of its user.

    What is stored of its secrets is left out.
    """
    shown = [column for column in API_KEY.c if not column.name.endswith("secret_hash")]
    statement = (
        select(*shown, USER.c.email)
        .join(
            USER,
            and_(USER.c.workspace_id == API_KEY.c.workspace_id, USER.c.id == API_KEY.c.user_id),
            isouter=True,
        )
        .where(API_KEY.c.workspace_id == workspace_id)
        .order_by(API_KEY.c.created_at, API_KEY.c.id)
    )
    return list((await connection.execute(statement)).mappings())


async def lock_key(
    connection: AsyncConnection, workspace_id: str, key_id: str
) -> RowMapping | None:
    """One key by id, locked: whoever changes a key holds this lock."""
    statement = (
        select(API_KEY)
        .where(API_KEY.c.workspace_id == workspace_id, API_KEY.c.id == key_id)
        .with_for_update(key_share=True)
    )
    return (await connection.execute(statement)).mappings().one_or_none()


async def insert_key(connection: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Adds one key."""
    await connection.execute(insert(API_KEY), dict(row))


async def update_key(
    connection: AsyncConnection, workspace_id: str, key_id: str, fields: Mapping[str, Any]
) -> None:
    """Writes columns of one key."""
    await connection.execute(
        update(API_KEY)
        .where(API_KEY.c.workspace_id == workspace_id, API_KEY.c.id == key_id)
        .values(**fields)
    )
