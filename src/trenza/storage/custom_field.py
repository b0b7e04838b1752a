"""The custom fields that workspaces have defined: table and queries."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    UniqueConstraint,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy import Table as SQLTable
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import Field

from trenza.domain.access import Privacy
from trenza.domain.custom_field import CustomField as Definition
from trenza.domain.custom_field import FieldType
from trenza.storage.columns import DOCUMENT, Table, belongs_to_workspace, symbol
from trenza.storage.columns import key as primary
from trenza.storage.contact import CONTACT
from trenza.storage.custom_value import exists_in, fixed_key, text_in
from trenza.storage.workspace import WORKSPACE


class CustomField(Table, table=True):
    """A field that a workspace has defined; `contact.custom` holds its values by its key."""

    __table_args__ = (belongs_to_workspace(), UniqueConstraint("workspace_id", "key"))

    workspace_id: str = primary()
    id: str = primary()
    key: str = symbol()
    name: str
    type: str = symbol()
    privacy: str = symbol()
    options: list[str] = Field(sa_type=DOCUMENT)
    created_at: datetime
    archived_at: datetime | None = None


CUSTOM_FIELD: SQLTable = CustomField.__table__


async def lock_custom_fields(
    connection: AsyncConnection, workspace_id: str
) -> dict[str, Definition]:
    """Every definition of a workspace by its key, for whoever changes one of them.

    The workspace's row is the lock; what holds values against a definition waits for it too.
    """
    await connection.execute(
        select(WORKSPACE.c.workspace_id)
        .where(WORKSPACE.c.workspace_id == workspace_id)
        .with_for_update(key_share=True)
    )
    statement = _definitions(workspace_id).with_for_update(of=CUSTOM_FIELD)
    return _read(await connection.execute(statement))


async def share_custom_fields(
    connection: AsyncConnection, workspace_id: str, keys: Collection[str]
) -> dict[str, Definition]:
    """The definitions under keys, which stay as they are until the transaction ends."""
    if not keys:
        return {}
    statement = _definitions(workspace_id).where(CUSTOM_FIELD.c.key.in_(sorted(keys)))
    return _read(await connection.execute(statement.with_for_update(read=True, of=CUSTOM_FIELD)))


async def find_custom_fields(
    connection: AsyncConnection, workspace_id: str
) -> dict[str, Definition]:
    """Every definition of a workspace by its key, in the order of the keys."""
    return _read(await connection.execute(_definitions(workspace_id)))


def _definitions(workspace_id: str) -> Any:
    return (
        select(CUSTOM_FIELD)
        .where(CUSTOM_FIELD.c.workspace_id == workspace_id)
        .order_by(CUSTOM_FIELD.c.key)
    )


def _read(rows: Any) -> dict[str, Definition]:
    return {
        row.key: Definition(
            id=row.id,
            key=row.key,
            name=row.name,
            type=FieldType(row.type),
            privacy=Privacy(row.privacy),
            options=tuple(row.options),
            created_at=row.created_at,
            archived_at=row.archived_at,
        )
        for row in rows
    }


async def insert_custom_field(
    connection: AsyncConnection, workspace_id: str, field: Definition
) -> None:
    """Adds a definition; its key is unique within the workspace."""
    await connection.execute(insert(CUSTOM_FIELD), {"workspace_id": workspace_id, **_row(field)})


async def update_custom_field(
    connection: AsyncConnection, workspace_id: str, field: Definition
) -> None:
    """Writes a definition as it is now."""
    await connection.execute(
        update(CUSTOM_FIELD)
        .where(CUSTOM_FIELD.c.workspace_id == workspace_id, CUSTOM_FIELD.c.id == field.id)
        .values(**_row(field))
    )


def _row(field: Definition) -> dict[str, Any]:
    return {
        "id": field.id,
        "key": field.key,
        "name": field.name,
        "type": field.type,
        "privacy": field.privacy,
        "options": list(field.options),
        "created_at": field.created_at,
        "archived_at": field.archived_at,
    }


async def is_used(
    connection: AsyncConnection, workspace_id: str, key: str, options: Collection[str] = ()
) -> bool:
    """Whether a contact has a value under a key; with options, whether it is one of them."""
    named = fixed_key(key)
    used: ColumnElement[bool] = exists_in(CONTACT.c.custom, named)
    if options:
        used = text_in(CONTACT.c.custom, named).in_(sorted(options))
    found: Select[Any] = select(literal_column("1")).limit(1)
    found = found.where(CONTACT.c.workspace_id == workspace_id, used)
    return (await connection.execute(found)).first() is not None
