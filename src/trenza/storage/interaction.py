"""Tables of the interactions, and of those that arrived too late to be taken by themselves."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Index,
    RowMapping,
    Select,
    UniqueConstraint,
    and_,
    bindparam,
    insert,
    literal,
    select,
    true,
    tuple_,
    union_all,
    update,
)
from sqlalchemy import Table as SQLTable
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import JSON, Field

from trenza.domain.channel import ChannelKind
from trenza.domain.ids import opening_interaction_id_of, session_id_of
from trenza.domain.interaction import InteractionKind, Lane
from trenza.domain.metering.fold import Event, Outcome, RuleCode, Verdict
from trenza.domain.metering.recut import Judged
from trenza.storage.columns import ID, Table, belongs_to_workspace, key, references, symbol
from trenza.storage.dialect import RowsParameter


class Interaction(Table, table=True):
    """One recorded touch, immutable but for its verdict, which a re-cut may change.

    `position` is the fold order of metering as text. `session_opened_at` never goes stale: a
    session is identified by the interaction that opened it.
    """

    __table_args__ = (
        belongs_to_workspace(),
        references("contact_id", "contact"),
        references("owner_id", "contact"),
        references("campaign_id", "campaign"),
        references("journey_id", "journey"),
        references("ticket_id", "ticket"),
        UniqueConstraint("workspace_id", "source", "external_id"),
        Index(None, "workspace_id", "owner_id", "position"),
        Index(None, "workspace_id", "contact_id"),
        Index(None, "workspace_id", "session_id", "position"),
        Index(None, "workspace_id", "ticket_id", "position"),
        Index(None, "workspace_id", "campaign_id", "position"),
        Index(None, "workspace_id", "journey_id", "position"),
        Index(None, "workspace_id", "position"),
    )

    workspace_id: str = key()
    id: str = key()
    contact_id: str = symbol()
    owner_id: str = symbol()
    identity_channel: str | None = symbol(default=None)
    identity_address: str | None = symbol(default=None)
    kind: str = symbol()
    channel: str = symbol()
    actor: str | None = symbol(default=None)
    occurred_at: datetime
    recorded_at: datetime
    position: str = symbol()
    source: str = symbol()
    external_id: str | None = symbol(default=None)
    content_hash: str = symbol()
    text: str | None = None
    campaign_id: str | None = symbol(default=None)
    journey_id: str | None = symbol(default=None)
    ticket_id: str | None = symbol(default=None)
    outcome: str = symbol()
    rule_code: str = symbol()
    session_id: str | None = symbol(default=None)
    session_opened_at: datetime | None = None
    retracted_at: datetime | None = None
    retraction_reason: str | None = None


class QuarantinedInteraction(Table, table=True):
    """An interaction older than the acceptance horizon, kept until an admin admits it."""

    __table_args__ = (
        belongs_to_workspace(),
        references("interaction_id", "interaction"),
        UniqueConstraint("workspace_id", "source", "external_id"),
        Index(None, "workspace_id", "arrived_at", "id"),
    )

    workspace_id: str = key()
    id: str = key()
    source: str = symbol()
    external_id: str | None = symbol(default=None)
    content_hash: str = symbol()
    occurred_at: datetime
    arrived_at: datetime
    request: dict[str, str | None] = Field(sa_type=JSON)
    admitted_at: datetime | None = None
    interaction_id: str | None = symbol(default=None)


INTERACTION: SQLTable = Interaction.__table__
QUARANTINE: SQLTable = QuarantinedInteraction.__table__
STRETCHES = RowsParameter("stretch", {"owner_id": ID, "begins": ID, "ends": ID})
EVENT_COLUMNS = (
    "id",
    "owner_id",
    "occurred_at",
    "kind",
    "actor",
    "channel",
    "position",
    "retracted_at",
    "outcome",
    "rule_code",
    "session_id",
    "session_opened_at",
)


def is_waiting(wanted: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition of what still waits in quarantine, or, if that is false, was admitted."""
    waits: ColumnElement[bool] = QUARANTINE.c.admitted_at.is_(None)
    return waits == wanted


@dataclass(frozen=True)
class Known:
    """What stands under a (source, external id): an interaction, or one in quarantine."""

    id: str
    content_hash: str
    quarantined: bool


def _known_of(table: SQLTable, admitted: ColumnElement[bool], quarantined: bool) -> Select[Any]:
    named = tuple_(table.c.source, table.c.external_id)
    columns = (table.c.source, table.c.external_id, table.c.id, table.c.content_hash)
    return select(*columns, literal(quarantined).label("quarantined")).where(
        table.c.workspace_id == bindparam("workspace_id"),
        named.in_(bindparam("keys", expanding=True)),
        admitted,
    )


KNOWN = union_all(
    _known_of(INTERACTION, true(), False),
    _known_of(QUARANTINE, QUARANTINE.c.admitted_at.is_(None), True),
)


async def find_known(
    connection: AsyncConnection, workspace_id: str, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Known]:
    """What was recorded or is kept in quarantine under each (source, external id)."""
    if not keys:
        return {}

    rows = await connection.execute(KNOWN, {"workspace_id": workspace_id, "keys": sorted(keys)})
    return {
        (row.source, row.external_id): Known(row.id, row.content_hash, row.quarantined)
        for row in rows
    }


@dataclass(frozen=True)
class Stretch:
    """The part of a contact's interactions from one position up to, not including, another."""

    owner_id: str
    begins: str
    ends: str


async def find_events(
    connection: AsyncConnection, workspace_id: str, stretches: Sequence[Stretch]
) -> dict[str, list[Judged]]:
    """The interactions of several contacts within their stretches, judged, in fold order."""
    found: dict[str, list[Judged]] = {stretch.owner_id: [] for stretch in stretches}
    if not stretches:
        return found
    parts = [(stretch.owner_id, stretch.begins, stretch.ends) for stretch in stretches]
    rows = await connection.execute(
        _events_within(connection.dialect.name),
        {"workspace_id": workspace_id, **STRETCHES.values(connection.dialect, parts)},
    )
    for row in rows.mappings():
        found[row["owner_id"]].append(judged_of(row))
    return found


@cache
def _events_within(dialect_name: str) -> Select[Any]:
    stretch = STRETCHES.table(dialect_name)
    within = and_(
        INTERACTION.c.owner_id == stretch.c.owner_id,
        INTERACTION.c.position >= stretch.c.begins,
        INTERACTION.c.position < stretch.c.ends,
    )
    return (
        select(*(INTERACTION.c[name] for name in EVENT_COLUMNS))
        .select_from(stretch)
        .join(INTERACTION, within)
        .where(INTERACTION.c.workspace_id == bindparam("workspace_id"))
        .order_by(INTERACTION.c.owner_id, INTERACTION.c.position)
    )


def judged_of(row: Mapping[str, Any] | RowMapping) -> Judged:
    """An interaction's row as metering sees it. Sessions go by the opening interaction's id."""
    session_id = row["session_id"]
    return Judged(
        Event(
            id=row["id"],
            occurred_at=row["occurred_at"],
            kind=InteractionKind(row["kind"]),
            lane=Lane(row["actor"]) if row["actor"] else None,
            channel=ChannelKind(row["channel"]),
            position=row["position"],
            retracted=row["retracted_at"] is not None,
        ),
        Verdict(
            Outcome(row["outcome"]),
            RuleCode(row["rule_code"]),
            opening_interaction_id_of(session_id) if session_id else None,
            row["session_opened_at"],
        ),
    )


def verdict_columns(verdict: Verdict) -> dict[str, Any]:
    """A verdict as the columns of its interaction."""
    return {
        "outcome": verdict.outcome,
        "rule_code": verdict.rule,
        "session_id": session_id_of(verdict.session_id) if verdict.session_id else None,
        "session_opened_at": verdict.session_opened_at,
    }


async def insert_interactions(
    connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Adds interactions, each row complete with its verdict."""
    if rows:
        await connection.execute(insert(INTERACTION), list(rows))


async def update_verdicts(
    connection: AsyncConnection, workspace_id: str, verdicts: Mapping[str, Verdict]
) -> None:
    """Writes the verdicts that a re-cut changed, by interaction id."""
    if not verdicts:
        return
    table = INTERACTION
    changing = ("outcome", "rule_code", "session_id", "session_opened_at")
    statement = (
        update(table)
        .where(table.c.workspace_id == workspace_id, table.c.id == bindparam("of_id"))
        .values({name: bindparam(f"to_{name}", type_=table.c[name].type) for name in changing})
    )
    await connection.execute(
        statement,
        [
            {"of_id": id, **{f"to_{k}": v for k, v in verdict_columns(verdict).items()}}
            for id, verdict in verdicts.items()
        ],
    )


async def find_interaction(
    connection: AsyncConnection, workspace_id: str, interaction_id: str
) -> RowMapping | None:
    """One interaction by id."""
    table = INTERACTION
    statement = select(table).where(
        table.c.workspace_id == workspace_id, table.c.id == interaction_id
    )
    return (await connection.execute(statement)).mappings().one_or_none()


async def mark_retracted(
    connection: AsyncConnection, workspace_id: str, interaction_id: str, at: datetime, reason: str
) -> None:
    """Notes when and why an interaction was retracted; what it said stays."""
    table = INTERACTION
    await connection.execute(
        update(table)
        .where(table.c.workspace_id == workspace_id, table.c.id == interaction_id)
        .values(retracted_at=at, retraction_reason=reason)
    )


async def quarantine(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keeps interactions that arrived too late."""
    if rows:
        await connection.execute(insert(QUARANTINE), list(rows))


async def find_quarantined(
    connection: AsyncConnection, workspace_id: str, quarantine_id: str
) -> RowMapping | None:
    """One kept interaction by its quarantine id, locked against a second admission."""
    table = QUARANTINE
    statement = (
        select(table)
        .where(table.c.workspace_id == workspace_id, table.c.id == quarantine_id)
        .with_for_update(key_share=True)
    )
    return (await connection.execute(statement)).mappings().one_or_none()


async def mark_admitted(
    connection: AsyncConnection,
    workspace_id: str,
    quarantine_id: str,
    at: datetime,
    interaction_id: str,
) -> None:
    """Notes that a kept interaction was admitted, and as what."""
    table = QUARANTINE
    await connection.execute(
        update(table)
        .where(table.c.workspace_id == workspace_id, table.c.id == quarantine_id)
        .values(admitted_at=at, interaction_id=interaction_id)
    )


async def find_existing(
    connection: AsyncConnection, table: SQLTable, workspace_id: str, ids: Collection[str]
) -> set[str]:
    """Which of the ids the workspace has in a table."""
    if not ids:
        return set()
    statement = select(table.c.id).where(
        table.c.workspace_id == workspace_id, table.c.id.in_(sorted(ids))
    )
    return set((await connection.execute(statement)).scalars())
