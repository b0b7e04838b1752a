"""Queries of the balance feed: the ledger by sequence, and when time alone changes a balance."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.domain.metering.ledger import EntryKind
from trenza.storage.interactionz import InteractionzGrant, LedgerEntry, LedgerHead

LEDGER = LedgerEntry.__table__
HEAD = LedgerHead.__table__
GRANT = InteractionzGrant.__table__
COUNTING = (EntryKind.DEBIT, EntryKind.REVERSAL)


async def find_sequence(connection: AsyncConnection, workspace_id: str) -> int:
    """The sequence of the last row of a workspace's ledger; 0 where there is none."""
    statement = select(HEAD.c.sequence).where(HEAD.c.workspace_id == workspace_id)
    return (await connection.execute(statement)).scalar_one_or_none() or 0


async def list_entries_after(
    connection: AsyncConnection, workspace_id: str, sequence: int, size: int
) -> list[Mapping[str, Any]]:
    """The next rows of a workspace's ledger, in sequence."""
    statement = (
        select(LEDGER)
        .where(LEDGER.c.workspace_id == workspace_id, LEDGER.c.sequence > sequence)
        .order_by(LEDGER.c.sequence)
        .limit(size)
    )
    return [row._asdict() for row in await connection.execute(statement)]


async def list_newest_entry(
    connection: AsyncConnection, workspace_id: str, sequence: int
) -> list[Mapping[str, Any]]:
    """The last row of a workspace's ledger, where it comes after a sequence."""
    statement = (
        select(LEDGER)
        .where(LEDGER.c.workspace_id == workspace_id, LEDGER.c.sequence > sequence)
        .order_by(LEDGER.c.sequence.desc())
        .limit(1)
    )
    return [row._asdict() for row in await connection.execute(statement)]


@dataclass(frozen=True)
class RowInstants:
    """When a row was recorded, and until when the rows up to it count: a moment ahead, at most."""

    recorded_at: datetime
    counts_until: datetime


async def find_row_instants(
    connection: AsyncConnection, workspace_id: str, sequence: int
) -> RowInstants | None:
    """The instants of a row of the ledger; nothing where there is no such row."""
    of_row = LEDGER.alias("of_row")
    statement = (
        select(of_row.c.recorded_at, func.max(LEDGER.c.counts_at).label("ahead"))
        .outerjoin(
            LEDGER,
            and_(
                LEDGER.c.workspace_id == of_row.c.workspace_id,
                LEDGER.c.sequence <= of_row.c.sequence,
                LEDGER.c.kind.in_(COUNTING),
                LEDGER.c.counts_at > of_row.c.recorded_at,
            ),
        )
        .where(of_row.c.workspace_id == workspace_id, of_row.c.sequence == sequence)
        .group_by(of_row.c.recorded_at)
    )
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else RowInstants(row.recorded_at, row.ahead or row.recorded_at)


async def find_next_grant_edge(
    connection: AsyncConnection, workspace_id: str, after: datetime
) -> datetime | None:
    """The next instant at which a grant begins or lapses."""
    of_workspace = GRANT.c.workspace_id == workspace_id
    instants = union_all(
        *(
            select(column.label("at")).where(of_workspace, column > after)
            for column in (GRANT.c.effective_at, GRANT.c.expires_at)
        )
    ).subquery()
    statement = select(func.min(instants.c.at, type_=GRANT.c.effective_at.type))
    found: datetime | None = (await connection.execute(statement)).scalar_one_or_none()
    return found
