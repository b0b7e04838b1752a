"""Consent, blocks and frequency caps: tables and queries."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Index,
    RowMapping,
    UniqueConstraint,
    and_,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy import Table as SQLTable
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.storage.bulk import Writing, bulk_insert
from trenza.storage.columns import Table, belongs_to_workspace, key, references, symbol


class ConsentEvent(Table, table=True):
    """What was said about consent by an identity for a purpose. Rows are only ever added.

    `contact_id` is the contact that holds the identity: a merge hands the row over to another
    owner and changes nothing of what it says.
    """

    __table_args__ = (
        belongs_to_workspace(),
        references("contact_id", "contact"),
        references("owner_id", "contact"),
        UniqueConstraint("workspace_id", "source", "external_id"),
        Index(None, "workspace_id", "owner_id", "occurred_at", "id"),
        Index(None, "workspace_id", "contact_id"),
    )

    workspace_id: str = key()
    id: str = key()
    contact_id: str = symbol()
    owner_id: str = symbol()
    channel: str = symbol()
    address: str = symbol()
    purpose: str = symbol()
    status: str = symbol()
    source: str = symbol()
    external_id: str = symbol()
    content_hash: str = symbol()
    evidence: str | None = None
    occurred_at: datetime
    recorded_at: datetime
    expires_at: datetime | None = None


class DoNotContact(Table, table=True):
    """A block of a contact, on one channel or all, at one address or all; it may be lifted."""

    __table_args__ = (
        belongs_to_workspace(),
        references("contact_id", "contact"),
        references("owner_id", "contact"),
        Index(None, "workspace_id", "owner_id", "starts_at", "id"),
        Index(None, "workspace_id", "contact_id"),
    )

    workspace_id: str = key()
    id: str = key()
    contact_id: str = symbol()
    owner_id: str = symbol()
    channel: str | None = symbol(default=None)
    address: str | None = symbol(default=None)
    reason: str
    starts_at: datetime
    ends_at: datetime | None = None
    recorded_at: datetime
    lifted_at: datetime | None = None


class FrequencyCap(Table, table=True):
    """How many mass sends a contact may get in a period; one for each scope, purpose and period.

    `scope` is the channel, or `ALL`: a unique key does not tell empty channels apart.
    """

    __table_args__ = (
        belongs_to_workspace(),
        UniqueConstraint("workspace_id", "scope", "purpose", "period_hours"),
    )

    workspace_id: str = key()
    id: str = key()
    scope: str = symbol()
    channel: str | None = symbol(default=None)
    purpose: str = symbol()
    touches_max: int
    period_hours: int
    created_at: datetime


CONSENT: SQLTable = ConsentEvent.__table__
BLOCK: SQLTable = DoNotContact.__table__
CAP: SQLTable = FrequencyCap.__table__
EVENT_COLUMNS = (
    "id",
    "channel",
    "address",
    "purpose",
    "status",
    "occurred_at",
    "expires_at",
    "source",
    "external_id",
    "evidence",
)
"""What rules need of an event."""

_NEW_EVENTS = bulk_insert(CONSENT)
_PUT_EVENTS = bulk_insert(CONSENT, on_conflict=lambda insert: insert.on_conflict_do_nothing())
_NEW_BLOCKS = bulk_insert(BLOCK)
_NEW_CAPS = bulk_insert(CAP)


def consenting(rows: Sequence[Mapping[str, Any]]) -> Writing:
    """Adds events; one whose (source, external id) was taken meanwhile is a violation."""
    return _NEW_EVENTS, rows


def opting_out(rows: Sequence[Mapping[str, Any]]) -> Writing:
    """Adds events that follow from what was recorded; those that are there stay as they are."""
    return _PUT_EVENTS, rows


def blocking(rows: Sequence[Mapping[str, Any]]) -> Writing:
    """Adds blocks."""
    return _NEW_BLOCKS, rows


def capping(rows: Sequence[Mapping[str, Any]]) -> Writing:
    """Adds caps; a second one of the same scope, purpose and period is a violation."""
    return _NEW_CAPS, rows


def in_force(at: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition of a block that holds at an instant."""
    return and_(
        BLOCK.c.starts_at <= at,
        or_(BLOCK.c.ends_at.is_(None), BLOCK.c.ends_at > at),
        or_(BLOCK.c.lifted_at.is_(None), BLOCK.c.lifted_at > at),
    )


async def find_event(
    connection: AsyncConnection, workspace_id: str, source: str, external_id: str
) -> RowMapping | None:
    """The event that a source reported under an id."""
    table = CONSENT
    statement = select(table).where(
        table.c.workspace_id == workspace_id,
        table.c.source == source,
        table.c.external_id == external_id,
    )
    return (await connection.execute(statement)).mappings().one_or_none()


async def find_block(
    connection: AsyncConnection, workspace_id: str, block_id: str
) -> RowMapping | None:
    """One block by id, locked against a second lifting."""
    table = BLOCK
    statement = (
        select(table)
        .where(table.c.workspace_id == workspace_id, table.c.id == block_id)
        .with_for_update(key_share=True)
    )
    return (await connection.execute(statement)).mappings().one_or_none()


async def list_unlifted(
    connection: AsyncConnection, workspace_id: str, owner_id: str
) -> Sequence[RowMapping]:
    """The blocks of a root that were not lifted, those that are over among them."""
    table = BLOCK
    statement = select(table).where(
        table.c.workspace_id == workspace_id,
        table.c.owner_id == owner_id,
        table.c.lifted_at.is_(None),
    )
    return (await connection.execute(statement)).mappings().all()


async def mark_lifted(
    connection: AsyncConnection, workspace_id: str, block_id: str, at: datetime
) -> None:
    """Notes when a block was lifted."""
    await connection.execute(
        update(BLOCK)
        .where(BLOCK.c.workspace_id == workspace_id, BLOCK.c.id == block_id)
        .values(lifted_at=at)
    )


async def list_caps(connection: AsyncConnection, workspace_id: str) -> Sequence[RowMapping]:
    """The caps of a workspace."""
    statement = select(CAP).where(CAP.c.workspace_id == workspace_id)
    return (await connection.execute(statement)).mappings().all()


async def change_cap(
    connection: AsyncConnection, workspace_id: str, cap_id: str, touches_max: int
) -> None:
    """Sets how many sends a cap allows."""
    await connection.execute(
        update(CAP)
        .where(CAP.c.workspace_id == workspace_id, CAP.c.id == cap_id)
        .values(touches_max=touches_max)
    )


async def delete_cap(connection: AsyncConnection, workspace_id: str, cap_id: str) -> None:
    """Removes a cap; the activity log keeps what it was."""
    await connection.execute(
        delete(CAP).where(CAP.c.workspace_id == workspace_id, CAP.c.id == cap_id)
    )
