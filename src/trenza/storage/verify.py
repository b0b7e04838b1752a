"""Queries that read a workspace's whole books, piece by piece, to check them."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, Table, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.storage.campaign import TOUCH
from trenza.storage.contact import CONTACT, IDENTITY
from trenza.storage.interaction import INTERACTION
from trenza.storage.interactionz import (
    CycleClosing,
    InteractionzGrant,
    InteractionzSession,
    LedgerEntry,
    UsageAlert,
)
from trenza.storage.journey import ENROLLMENT
from trenza.storage.ticket import TICKET

Row = Mapping[str, Any]

SESSION = InteractionzSession.__table__
LEDGER = LedgerEntry.__table__
COUNTED: Mapping[str, Table] = {
    "contacts": CONTACT,
    "interactions": INTERACTION,
    "sessions": SESSION,
    "ledger rows": LEDGER,
}
OWNED = (IDENTITY, INTERACTION, TOUCH, ENROLLMENT, TICKET)
ROOTS_AT_ONCE = 200
ROWS_AT_ONCE = 2_000
SHOWN_MAX = 100


async def _rows(connection: AsyncConnection, statement: Select[Any]) -> list[Row]:
    return [row._asdict() for row in await connection.execute(statement)]


async def count_books(connection: AsyncConnection, workspace_id: str) -> dict[str, int]:
    """How much there is of what is checked, by noun."""
    return {
        noun: (
            await connection.execute(
                select(func.count()).where(table.c.workspace_id == workspace_id)
            )
        ).scalar_one()
        for noun, table in COUNTED.items()
    }


async def page_roots(
    connection: AsyncConnection, workspace_id: str
) -> AsyncGenerator[list[str], None]:
    """The ids of the live contacts, some hundreds at once."""
    last = ""
    while True:
        statement = (
            select(CONTACT.c.id)
            .where(
                CONTACT.c.workspace_id == workspace_id,
                CONTACT.c.root_id == CONTACT.c.id,
                CONTACT.c.id > last,
            )
            .order_by(CONTACT.c.id)
            .limit(ROOTS_AT_ONCE)
        )
        ids = list((await connection.execute(statement)).scalars())
        if not ids:
            return
        yield ids
        last = ids[-1]


async def list_interactions_of(
    connection: AsyncConnection, workspace_id: str, owner_ids: Collection[str]
) -> list[Row]:
    """Every interaction of contacts, in the order of its owner and its position."""
    return await _rows(
        connection,
        select(INTERACTION)
        .where(INTERACTION.c.workspace_id == workspace_id, INTERACTION.c.owner_id.in_(owner_ids))
        .order_by(INTERACTION.c.owner_id, INTERACTION.c.position),
    )


async def list_sessions_of(
    connection: AsyncConnection, workspace_id: str, owner_ids: Collection[str]
) -> list[Row]:
    """Every session of contacts, superseded ones too, with its net debits, `net`."""
    net = func.coalesce(func.sum(LEDGER.c.amount), 0).label("net")
    entries = and_(
        LEDGER.c.workspace_id == SESSION.c.workspace_id, LEDGER.c.session_id == SESSION.c.id
    )
    return await _rows(
        connection,
        select(SESSION, net)
        .outerjoin(LEDGER, entries)
        .where(SESSION.c.workspace_id == workspace_id, SESSION.c.owner_id.in_(owner_ids))
        .group_by(*SESSION.c),
    )


async def page_ledger(
    connection: AsyncConnection, workspace_id: str
) -> AsyncGenerator[list[Row], None]:
    """The rows of the ledger in sequence, some thousands at once."""
    last = 0
    while True:
        statement = (
            select(LEDGER, SESSION.c.opened_at.label("session_opened_at"))
            .outerjoin(
                SESSION,
                and_(
                    SESSION.c.workspace_id == LEDGER.c.workspace_id,
                    SESSION.c.id == LEDGER.c.session_id,
                ),
            )
            .where(LEDGER.c.workspace_id == workspace_id, LEDGER.c.sequence > last)
            .order_by(LEDGER.c.sequence)
            .limit(ROWS_AT_ONCE)
        )
        rows = await _rows(connection, statement)
        if not rows:
            return
        yield rows
        last = rows[-1]["sequence"]


async def find_entries(
    connection: AsyncConnection, workspace_id: str, sequences: Collection[int]
) -> dict[int, Row]:
    """Rows of the ledger by their sequence."""
    if not sequences:
        return {}
    statement = select(LEDGER).where(
        LEDGER.c.workspace_id == workspace_id, LEDGER.c.sequence.in_(sorted(sequences))
    )
    return {row["sequence"]: row for row in await _rows(connection, statement)}


async def list_of_workspace(
    connection: AsyncConnection, workspace_id: str, noun: str
) -> Sequence[Row]:
    """The grants, closings or alerts of a workspace, in sequence."""
    table = {
        "grants": InteractionzGrant.__table__,
        "closings": CycleClosing.__table__,
        "alerts": UsageAlert.__table__,
    }[noun]
    statement = select(table).where(table.c.workspace_id == workspace_id).order_by(table.c.sequence)
    return await _rows(connection, statement)


async def list_misplaced(
    connection: AsyncConnection, workspace_id: str
) -> list[tuple[str, str, str, str]]:
    """Rows whose owner is not the root of their contact: table, contact, root, owner found."""
    found: list[tuple[str, str, str, str]] = []
    for table in OWNED:
        statement = (
            select(table.c.contact_id, CONTACT.c.root_id, table.c.owner_id)
            .join(
                CONTACT,
                and_(
                    CONTACT.c.workspace_id == table.c.workspace_id,
                    CONTACT.c.id == table.c.contact_id,
                ),
            )
            .where(table.c.workspace_id == workspace_id, table.c.owner_id != CONTACT.c.root_id)
            .limit(SHOWN_MAX)
        )
        rows = await connection.execute(statement)
        found += [(table.name, row.contact_id, row.root_id, row.owner_id) for row in rows]
    return found


async def list_broken_roots(
    connection: AsyncConnection, workspace_id: str
) -> list[tuple[str, str, str]]:
    """Contacts whose root is not one, or not the one of what they were merged into."""
    root, into = CONTACT.alias("root"), CONTACT.alias("into")
    found: list[tuple[str, str, str]] = []
    for other, of_contact in ((root, CONTACT.c.root_id), (into, CONTACT.c.merged_into_id)):
        statement = (
            select(CONTACT.c.id, CONTACT.c.root_id, other.c.root_id.label("expected"))
            .join(
                other,
                and_(other.c.workspace_id == CONTACT.c.workspace_id, other.c.id == of_contact),
            )
            .where(CONTACT.c.workspace_id == workspace_id, CONTACT.c.root_id != other.c.root_id)
            .limit(SHOWN_MAX)
        )
        rows = await connection.execute(statement)
        found += [(row.id, row.root_id, row.expected) for row in rows]
    return found


async def list_stranded_sessions(
    connection: AsyncConnection, workspace_id: str
) -> list[tuple[str, str]]:
    """Current sessions of contacts that are no roots: they would be cut by nobody."""
    statement = (
        select(SESSION.c.id, SESSION.c.owner_id)
        .join(
            CONTACT,
            and_(
                CONTACT.c.workspace_id == SESSION.c.workspace_id,
                CONTACT.c.id == SESSION.c.owner_id,
            ),
        )
        .where(
            SESSION.c.workspace_id == workspace_id,
            SESSION.c.superseded_at.is_(None),
            CONTACT.c.root_id != CONTACT.c.id,
        )
        .limit(SHOWN_MAX)
    )
    return [(row.id, row.owner_id) for row in await connection.execute(statement)]
