"""What is older than a workspace keeps it: queries, and what clears some of it at a time."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Text, and_, delete, func, not_, or_, select, true, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.domain.erasure import ERASED
from trenza.domain.instant import instant_text
from trenza.storage.activity import ACTIVITY
from trenza.storage.contact_history import VERSION
from trenza.storage.erasure import clear_activity
from trenza.storage.interaction import INTERACTION, QUARANTINE
from trenza.storage.merge import MERGE
from trenza.storage.ticket import TICKET, is_open
from trenza.storage.workspace import WORKSPACE


class Old(NamedTuple):
    """An interaction that is to become a skeleton."""

    contact_id: str
    position: str


async def find_retention(connection: AsyncConnection, workspace_id: str) -> int | None:
    """For how many months a workspace keeps what happened; None is for ever."""
    found = await connection.execute(
        select(WORKSPACE.c.retention_months).where(WORKSPACE.c.workspace_id == workspace_id)
    )
    months: int | None = found.scalar_one()
    return months


def _is_old(workspace_id: str, before: datetime) -> ColumnElement[bool]:
    # A position begins with the instant, and is in an index.
    return and_(
        INTERACTION.c.workspace_id == workspace_id,
        INTERACTION.c.position < instant_text(before),
        INTERACTION.c.erased_at.is_(None),
    )


async def count_old(connection: AsyncConnection, workspace_id: str, before: datetime) -> int:
    """How many interactions of before an instant are no skeletons yet."""
    counted = select(func.count()).select_from(INTERACTION).where(_is_old(workspace_id, before))
    return (await connection.execute(counted)).scalar_one()


async def list_old(
    connection: AsyncConnection, workspace_id: str, before: datetime, after: str, at_most: int
) -> list[Old]:
    """Interactions of before an instant that are no skeletons yet, in order, after a position."""
    rows = await connection.execute(
        select(INTERACTION.c.contact_id, INTERACTION.c.position)
        .where(_is_old(workspace_id, before), INTERACTION.c.position > after)
        .order_by(INTERACTION.c.position)
        .limit(at_most)
    )
    return [Old(*row) for row in rows]


async def list_old_quarantined(
    connection: AsyncConnection, workspace_id: str, before: datetime, at_most: int
) -> Sequence[Mapping[str, Any]]:
    """Reports that came into quarantine before an instant and still say what was reported."""
    rows = await connection.execute(
        select(QUARANTINE)
        .where(
            QUARANTINE.c.workspace_id == workspace_id,
            QUARANTINE.c.arrived_at < before,
            QUARANTINE.c.erased_at.is_(None),
        )
        .order_by(QUARANTINE.c.id)
        .limit(at_most)
        .with_for_update(key_share=True)
    )
    return [row._asdict() for row in rows]


@dataclass(frozen=True)
class Clearing:
    """A kind of rows that is cleared: by which key it is walked, which are old, what is done."""

    key: ColumnElement[str]
    old: Callable[[str, datetime], ColumnElement[bool]]
    clear: Callable[[AsyncConnection, str, datetime, Sequence[str]], Awaitable[object]]


async def clear_some(
    connection: AsyncConnection,
    clearing: Clearing,
    workspace_id: str,
    before: datetime,
    after: str,
    at_most: int,
) -> list[str]:
    """Clears rows of a kind that were over before an instant; their keys, in order, after one."""
    key, old = clearing.key, clearing.old(workspace_id, before)
    keys = select(key).where(old, key > after).distinct().order_by(key).limit(at_most)
    found = list((await connection.execute(keys)).scalars())
    if found:
        await clearing.clear(connection, workspace_id, before, found)
    return found


def _old_subjects(workspace_id: str, before: datetime) -> ColumnElement[bool]:
    """Tickets that are over and of which nothing was heard since."""
    heard = select(INTERACTION.c.id).where(
        INTERACTION.c.workspace_id == TICKET.c.workspace_id,
        INTERACTION.c.ticket_id == TICKET.c.id,
        INTERACTION.c.position >= instant_text(before),
    )
    return and_(
        TICKET.c.workspace_id == workspace_id,
        TICKET.c.opened_at < before,
        TICKET.c.subject != "",
        not_(is_open(true())),
        ~heard.exists(),
    )


async def _clear_subjects(
    connection: AsyncConnection, workspace_id: str, _: datetime, ids: Sequence[str]
) -> None:
    cleared = update(TICKET).where(TICKET.c.workspace_id == workspace_id, TICKET.c.id.in_(ids))
    await connection.execute(cleared.values(subject=""))


def _old_versions(workspace_id: str, before: datetime) -> ColumnElement[bool]:
    return and_(VERSION.c.workspace_id == workspace_id, VERSION.c.until_at < before)


async def _delete_versions(
    connection: AsyncConnection, workspace_id: str, before: datetime, contact_ids: Sequence[str]
) -> None:
    old = (_old_versions(workspace_id, before), VERSION.c.contact_id.in_(contact_ids))
    await connection.execute(delete(VERSION).where(*old))


def _old_merges(workspace_id: str, before: datetime) -> ColumnElement[bool]:
    """Merges that were undone, with what they had filled."""
    return and_(
        MERGE.c.workspace_id == workspace_id,
        MERGE.c.unmerged_at < before,
        sql_cast(MERGE.c.filled, Text) != "{}",
    )


async def _clear_filled(
    connection: AsyncConnection, workspace_id: str, _: datetime, ids: Sequence[str]
) -> None:
    empty: dict[str, Any] = {}
    cleared = update(MERGE).where(MERGE.c.workspace_id == workspace_id, MERGE.c.id.in_(ids))
    await connection.execute(cleared.values(filled=empty))


def _old_log(workspace_id: str, before: datetime) -> ColumnElement[bool]:
    tells = (
        and_(column.is_not(None), sql_cast(column, Text) != _NOTHING_TOLD)
        for column in (ACTIVITY.c.before, ACTIVITY.c.after)
    )
    return and_(ACTIVITY.c.workspace_id == workspace_id, ACTIVITY.c.at < before, or_(*tells))


async def _clear_log(
    connection: AsyncConnection, workspace_id: str, _: datetime, ids: Sequence[str]
) -> None:
    await clear_activity(connection, workspace_id, ACTIVITY.c.id.in_(ids))


_NOTHING_TOLD = json.dumps(ERASED)
"""As both databases write it as text."""
CLEARED: Mapping[str, Clearing] = {
    "tickets": Clearing(TICKET.c.id, _old_subjects, _clear_subjects),
    "contactsWithVersions": Clearing(VERSION.c.contact_id, _old_versions, _delete_versions),
    "merges": Clearing(MERGE.c.id, _old_merges, _clear_filled),
    "activity": Clearing(ACTIVITY.c.id, _old_log, _clear_log),
}
"""What is cleared beside interactions, by what it is called."""
