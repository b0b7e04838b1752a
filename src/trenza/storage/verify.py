"""Queries that read the whole of a workspace's books, a part at a time, to recompute them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, not_, or_, select
from sqlalchemy import Table as SQLTable
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.domain.interaction import SessionLane
from trenza.domain.metering.cycle import Cycle
from trenza.domain.metering.ledger import EntryKind
from trenza.storage.contact import ADDRESS, CONTACT, IDENTITY
from trenza.storage.interaction import INTERACTION, QUARANTINE
from trenza.storage.ledger import ALERT, CLOSING, CYCLE, GRANT, HEAD, LEDGER
from trenza.storage.merge import MERGE, OWNED, PARTY, PARTY_OF_MERGE
from trenza.storage.session import SESSION, SESSION_OF_ENTRY

Row = Mapping[str, Any]

DEBIT = LEDGER.alias("debit")
HANDED_OVER = tuple(table for table in OWNED if table not in (INTERACTION, SESSION))
"""What a merge hands over, beside interactions and sessions, which are looked at one by one."""


async def list_merges(connection: AsyncConnection, workspace_id: str) -> list[Row]:
    """The contacts that are no roots of their own, or not by every sign."""
    return await _rows(
        connection,
        select(CONTACT.c.id, CONTACT.c.root_id, CONTACT.c.merged_into_id).where(
            CONTACT.c.workspace_id == workspace_id,
            or_(CONTACT.c.root_id != CONTACT.c.id, CONTACT.c.merged_into_id.is_not(None)),
        ),
    )


async def list_untrue_links(connection: AsyncConnection, workspace_id: str) -> list[Row]:
    """The contacts whose merge, as it is kept, is not the one that the contact tells of.

    With `target_id`, that of the merge that stands, and `merged_into_id`, either empty.
    """
    stands = and_(
        MERGE.c.workspace_id == CONTACT.c.workspace_id,
        MERGE.c.source_id == CONTACT.c.id,
        MERGE.c.unmerged_at.is_(None),
    )
    alike = and_(
        MERGE.c.target_id == CONTACT.c.merged_into_id, MERGE.c.merged_at == CONTACT.c.merged_at
    )
    return await _rows(
        connection,
        select(CONTACT.c.id, CONTACT.c.merged_into_id, MERGE.c.target_id)
        .outerjoin(MERGE, stands)
        .where(
            CONTACT.c.workspace_id == workspace_id,
            or_(CONTACT.c.merged_into_id.is_not(None), MERGE.c.id.is_not(None)),
            not_(func.coalesce(alike, false())),
        ),
    )


async def list_unmerged(
    connection: AsyncConnection, workspace_id: str, after: str, at_most: int
) -> list[str]:
    """The ids of contacts that were never merged into others, in order, after an id."""
    statement = (
        select(CONTACT.c.id)
        .where(
            CONTACT.c.workspace_id == workspace_id,
            CONTACT.c.merged_into_id.is_(None),
            CONTACT.c.id > after,
        )
        .order_by(CONTACT.c.id)
        .limit(at_most)
    )
    return list((await connection.execute(statement)).scalars())


async def list_interactions_of(
    connection: AsyncConnection, workspace_id: str, contact_ids: Collection[str]
) -> list[Row]:
    """The interactions that were recorded for contacts, whoever owns them now."""
    return await _rows(
        connection,
        select(INTERACTION).where(
            INTERACTION.c.workspace_id == workspace_id,
            INTERACTION.c.contact_id.in_(sorted(contact_ids)),
        ),
    )


async def list_reported_twice(connection: AsyncConnection, workspace_id: str) -> list[str]:
    """The interactions whose report waits in quarantine as well: two effects of one id."""
    waits = and_(
        QUARANTINE.c.workspace_id == INTERACTION.c.workspace_id,
        QUARANTINE.c.source == INTERACTION.c.source,
        QUARANTINE.c.external_id == INTERACTION.c.external_id,
        QUARANTINE.c.admitted_at.is_(None),
    )
    statement = select(INTERACTION.c.id).join(QUARANTINE, waits)
    found = await connection.execute(statement.where(INTERACTION.c.workspace_id == workspace_id))
    return list(found.scalars())


async def list_sessions_of(
    connection: AsyncConnection, workspace_id: str, owner_ids: Collection[str]
) -> list[Row]:
    """The sessions of owners, superseded ones too, each with the sum of its `credits`."""
    amounts = (
        select(func.coalesce(func.sum(LEDGER.c.amount), 0))
        .where(SESSION_OF_ENTRY)
        .scalar_subquery()
    )
    return await _rows(
        connection,
        select(SESSION, amounts.label("credits")).where(
            SESSION.c.workspace_id == workspace_id, SESSION.c.owner_id.in_(sorted(owner_ids))
        ),
    )


async def list_identities_of(
    connection: AsyncConnection, workspace_id: str, owner_ids: Collection[str]
) -> list[Row]:
    """The identities of owners, each with the `holder_id` of its address."""
    held = and_(
        ADDRESS.c.workspace_id == IDENTITY.c.workspace_id,
        ADDRESS.c.space == IDENTITY.c.space,
        ADDRESS.c.address == IDENTITY.c.address,
    )
    return await _rows(
        connection,
        select(IDENTITY, ADDRESS.c.contact_id.label("holder_id"))
        .outerjoin(ADDRESS, held)
        .where(IDENTITY.c.workspace_id == workspace_id, IDENTITY.c.owner_id.in_(sorted(owner_ids))),
    )


async def list_lost_addresses(connection: AsyncConnection, workspace_id: str) -> list[Row]:
    """The addresses that are held and were met on no channel."""
    met = and_(
        IDENTITY.c.workspace_id == ADDRESS.c.workspace_id,
        IDENTITY.c.space == ADDRESS.c.space,
        IDENTITY.c.address == ADDRESS.c.address,
    )
    return await _rows(
        connection,
        select(ADDRESS.c.space, ADDRESS.c.address, ADDRESS.c.contact_id)
        .outerjoin(IDENTITY, met)
        .where(ADDRESS.c.workspace_id == workspace_id, IDENTITY.c.address.is_(None)),
    )


async def list_misplaced(connection: AsyncConnection, workspace_id: str) -> dict[str, list[Row]]:
    """By table, the rows whose owner is not the root of the contact they were made for."""
    misplaced: dict[str, list[Row]] = {}
    for table in HANDED_OVER:
        keys = ("address",) if table is IDENTITY else ("id", "contact_id")
        name = next(table.c[key] for key in keys if key in table.c)
        made_for = and_(
            CONTACT.c.workspace_id == table.c.workspace_id, CONTACT.c.id == table.c.contact_id
        )
        misplaced[table.name] = await _rows(
            connection,
            select(name.label("name"), table.c.owner_id, CONTACT.c.root_id)
            .outerjoin(CONTACT, made_for)
            .where(
                table.c.workspace_id == workspace_id,
                or_(CONTACT.c.root_id.is_(None), CONTACT.c.root_id != table.c.owner_id),
            ),
        )
    return misplaced


async def list_entries(
    connection: AsyncConnection, workspace_id: str, after: int, at_most: int
) -> list[Row]:
    """Rows of the ledger after a sequence, in order.

    Each has the opening of its session, and what a reversal takes back, as `debit_...`.
    """
    taken_back = and_(
        DEBIT.c.workspace_id == LEDGER.c.workspace_id, DEBIT.c.sequence == LEDGER.c.supersedes
    )
    superseded = ("kind", "session_id", "effective_at", "counts_at")
    return await _rows(
        connection,
        select(
            LEDGER,
            SESSION.c.opened_at.label("session_opened_at"),
            *(DEBIT.c[name].label(f"superseded_{name}") for name in superseded),
        )
        .outerjoin(SESSION, SESSION_OF_ENTRY)
        .outerjoin(DEBIT, taken_back)
        .where(LEDGER.c.workspace_id == workspace_id, LEDGER.c.sequence > after)
        .order_by(LEDGER.c.sequence)
        .limit(at_most),
    )


async def list_taken_back_twice(connection: AsyncConnection, workspace_id: str) -> list[Row]:
    """The sequences of debits with more than one reversal, and how many they have."""
    return await _rows(
        connection,
        select(LEDGER.c.supersedes, func.count().label("reversals"))
        .where(LEDGER.c.workspace_id == workspace_id, LEDGER.c.supersedes.is_not(None))
        .group_by(LEDGER.c.supersedes)
        .having(func.count() > 1),
    )


@dataclass(frozen=True, slots=True)
class Beside:
    """The few rows that stand beside a ledger; cycles and closings in the order of time."""

    head: Row | None
    cycles: Sequence[Row]
    grants: Sequence[Row]
    closings: Sequence[Row]
    alerts: Sequence[Row]


async def find_beside(connection: AsyncConnection, workspace_id: str) -> Beside:
    """What stands beside a workspace's ledger."""

    async def rows(table: SQLTable, *order: ColumnElement[Any]) -> list[Row]:
        statement = select(table).where(table.c.workspace_id == workspace_id).order_by(*order)
        return await _rows(connection, statement)

    return Beside(
        head=next(iter(await rows(HEAD)), None),
        cycles=await rows(CYCLE, CYCLE.c.starts_at),
        grants=await rows(GRANT, GRANT.c.sequence),
        closings=await rows(CLOSING, CLOSING.c.starts_at),
        alerts=await rows(ALERT, ALERT.c.sequence, ALERT.c.threshold_percent),
    )


async def count_changeable_lanes(
    connection: AsyncConnection, workspace_id: str, cycle: Cycle, since: datetime
) -> dict[SessionLane, int]:
    """By their lane of now, the sessions of a cycle that something since an instant may have bound.

    A re-cut changes what follows: a later arrival, a retraction, a merge or its undoing can have
    given a lane to a session that ends after it.
    """
    touched = (
        select(INTERACTION.c.id)
        .where(
            INTERACTION.c.workspace_id == SESSION.c.workspace_id,
            INTERACTION.c.owner_id == SESSION.c.owner_id,
            INTERACTION.c.occurred_at < SESSION.c.expires_at,
            or_(INTERACTION.c.recorded_at > since, INTERACTION.c.retracted_at > since),
        )
        .exists()
    )
    merged = (
        select(MERGE.c.id)
        .join(PARTY, PARTY_OF_MERGE)
        .where(
            MERGE.c.workspace_id == SESSION.c.workspace_id,
            PARTY.c.root_id == SESSION.c.owner_id,
            or_(MERGE.c.merged_at > since, MERGE.c.unmerged_at > since),
        )
        .exists()
    )
    rows = await connection.execute(
        select(SESSION.c.lane, func.count(SESSION.c.id.distinct()))
        .select_from(LEDGER)
        .join(SESSION, SESSION_OF_ENTRY)
        .where(
            LEDGER.c.workspace_id == workspace_id,
            LEDGER.c.kind == EntryKind.DEBIT,
            LEDGER.c.counts_at >= cycle.starts_at,
            LEDGER.c.counts_at < cycle.ends_at,
            or_(touched, merged),
        )
        .group_by(SESSION.c.lane)
    )
    return {SessionLane(lane): count for lane, count in rows}


async def count_books(connection: AsyncConnection, workspace_id: str) -> dict[str, int]:
    """How much a verification looks at: rows by what they are called."""
    counted: Mapping[str, SQLTable] = {
        "contacts": CONTACT,
        "interactions": INTERACTION,
        "sessions": SESSION,
        "ledger rows": LEDGER,
        "closed cycles": CLOSING,
    }
    return {
        name: (
            await connection.execute(
                select(func.count()).where(table.c.workspace_id == workspace_id)
            )
        ).scalar_one()
        for name, table in counted.items()
    }


async def _rows(connection: AsyncConnection, statement: Select[Any]) -> list[Row]:
    return [row._asdict() for row in await connection.execute(statement)]
