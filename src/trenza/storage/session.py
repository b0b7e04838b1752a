"""Queries of the sessions: the current cut of contacts, and writing what a re-cut changed."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    Table,
    and_,
    bindparam,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.domain.channel import ChannelKind
from trenza.domain.ids import opening_interaction_id_of, session_id_of
from trenza.domain.interaction import SessionLane
from trenza.domain.metering.fold import Session
from trenza.storage.columns import ID
from trenza.storage.dialect import RowsParameter, upsert
from trenza.storage.interactionz import InteractionzSession, LedgerEntry

SESSION: Table = InteractionzSession.__table__
LEDGER: Table = LedgerEntry.__table__

OWNERS = RowsParameter("owner", {"owner_id": ID, "after": SESSION.c.expires_at.type})

SESSION_OF_ENTRY = and_(
    SESSION.c.workspace_id == LEDGER.c.workspace_id, SESSION.c.id == LEDGER.c.session_id
)
"""How a row of the ledger finds its session."""


def open_at(at: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition of a session whose window covers an instant."""
    return and_(SESSION.c.opened_at <= at, SESSION.c.expires_at > at)


async def find_sessions(
    connection: AsyncConnection, workspace_id: str, owners: Mapping[str, datetime]
) -> dict[str, list[Session]]:
    """The current sessions of contacts that end after each contact's instant, in order."""
    found: dict[str, list[Session]] = {owner_id: [] for owner_id in owners}
    if not owners:
        return found
    rows = await connection.execute(
        _current_after(connection.dialect.name),
        {
            "workspace_id": workspace_id,
            **OWNERS.values(connection.dialect, list(owners.items())),
        },
    )
    for row in rows.mappings():
        found[row["owner_id"]].append(session_of(row))
    return found


@cache
def _current_after(dialect_name: str) -> Select[Any]:
    owner = OWNERS.table(dialect_name)
    belongs = and_(SESSION.c.owner_id == owner.c.owner_id, SESSION.c.expires_at > owner.c.after)
    return (
        select(SESSION)
        .select_from(owner)
        .join(SESSION, belongs)
        .where(
            SESSION.c.workspace_id == bindparam("workspace_id"), SESSION.c.superseded_at.is_(None)
        )
        .order_by(SESSION.c.opened_position)
    )


def session_of(row: RowMapping) -> Session:
    """A session's row as metering sees it: under the id of the interaction that opened it."""
    return Session(
        id=opening_interaction_id_of(row["id"]),
        opened_position=row["opened_position"],
        opened_at=row["opened_at"],
        lane=SessionLane(row["lane"]),
        bound_position=row["bound_position"],
        channel=ChannelKind(row["channel"]),
        window=row["expires_at"] - row["opened_at"],
    )


async def put_sessions(
    connection: AsyncConnection, workspace_id: str, sessions: Sequence[tuple[str, Session]]
) -> None:
    """Writes sessions, each with its owner, as current: new ones, and known ones as they are."""
    if not sessions:
        return
    statement = upsert(connection, SESSION)
    statement = statement.on_conflict_do_update(
        index_elements=["workspace_id", "id"],
        set_={
            "owner_id": statement.excluded.owner_id,
            "lane": statement.excluded.lane,
            "bound_position": statement.excluded.bound_position,
            "superseded_at": None,
        },
    )
    await connection.execute(
        statement,
        [
            {
                "workspace_id": workspace_id,
                "id": session_id_of(session.id),
                "owner_id": owner_id,
                "channel": session.channel,
                "lane": session.lane,
                "opened_at": session.opened_at,
                "expires_at": session.expires_at,
                "opened_position": session.opened_position,
                "bound_position": session.bound_position,
                "superseded_at": None,
            }
            for owner_id, session in sessions
        ],
    )


async def supersede_sessions(
    connection: AsyncConnection, workspace_id: str, ids: Collection[str], at: datetime
) -> None:
    """Marks sessions that no longer stand; they are kept for the debits that they explain."""
    if not ids:
        return
    await connection.execute(
        update(SESSION)
        .where(SESSION.c.workspace_id == workspace_id, SESSION.c.id.in_(sorted(ids)))
        .values(superseded_at=at)
    )


async def find_standing_debits(
    connection: AsyncConnection, workspace_id: str, session_ids: Collection[str]
) -> dict[str, int]:
    """The sequence of the debit that stands for each session: the one without a reversal."""
    if not session_ids:
        return {}
    reversal = LEDGER.alias("reversal")
    rows = await connection.execute(
        select(LEDGER.c.session_id, LEDGER.c.sequence)
        .outerjoin(
            reversal,
            and_(
                reversal.c.workspace_id == LEDGER.c.workspace_id,
                reversal.c.supersedes == LEDGER.c.sequence,
            ),
        )
        .where(
            LEDGER.c.workspace_id == workspace_id,
            LEDGER.c.session_id.in_(sorted(session_ids)),
            LEDGER.c.amount > 0,
            reversal.c.sequence.is_(None),
        )
    )
    return {row.session_id: row.sequence for row in rows}
