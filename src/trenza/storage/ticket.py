"""Tickets: the table and its queries."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Index,
    UniqueConstraint,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy import Table as SQLTable
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.domain.ticket import OPEN_STATUSES
from trenza.storage.columns import Table, belongs_to_workspace, key, references, symbol
from trenza.storage.workspace import WORKSPACE


class Ticket(Table, table=True):
    """A request that people attend, numbered within its workspace."""

    __table_args__ = (
        belongs_to_workspace(),
        references("contact_id", "contact"),
        references("owner_id", "contact"),
        UniqueConstraint("workspace_id", "number"),
        Index(None, "workspace_id", "owner_id", "number"),
    )

    workspace_id: str = key()
    id: str = key()
    number: int
    contact_id: str = symbol()
    owner_id: str = symbol()
    subject: str
    visibility: str = symbol()
    status: str = symbol()
    channel: str | None = symbol(default=None)
    opened_at: datetime


TICKET: SQLTable = Ticket.__table__


def is_open(wanted: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition of a ticket that is open, or, if `wanted` is false, of one that is over."""
    statuses: list[ColumnElement[str]] = [literal_column(f"'{status}'") for status in OPEN_STATUSES]
    return TICKET.c.status.in_(statuses) == wanted


async def insert_ticket(connection: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Adds a ticket under the next number of its workspace.

    The workspace's row is locked so that writers of numbers queue, instead of losing the number
    to each other and deciding again and again.
    """
    workspace_id = row["workspace_id"]
    await connection.execute(
        select(WORKSPACE.c.workspace_id)
        .where(WORKSPACE.c.workspace_id == workspace_id)
        .with_for_update(key_share=True)
    )
    last = select(func.coalesce(func.max(TICKET.c.number), 0)).where(
        TICKET.c.workspace_id == workspace_id
    )
    await connection.execute(insert(TICKET).values(**row, number=last.scalar_subquery() + 1))
