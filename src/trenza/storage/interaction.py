"""Tables of the interactions, and of those that arrived too late to be taken by themselves."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Index,
    Integer,
    RowMapping,
    Select,
    UniqueConstraint,
    Update,
    and_,
    bindparam,
    insert,
    literal_column,
    select,
    true,
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
from trenza.storage.bulk import BulkWrite, Cells, Query, Question, Row, ask, bulk_insert
from trenza.storage.columns import (
    ID,
    Table,
    belongs_to_workspace,
    index_of_set,
    key,
    references,
    symbol,
)
from trenza.storage.dialect import RowsParameter


class Interaction(Table, table=True):
    """One recorded touch, immutable but for its verdict, which a re-cut may change.

    `position` is the fold order of metering as text. `session_opened_at` never goes stale: a
    session is identified by the interaction that opened it. Once `erased_at` is set, only the
    skeleton is left: ids and the address are keyed hashes.
    """

    __table_args__ = (
        belongs_to_workspace(),
        references("contact_id", "contact"),
        references("owner_id", "contact"),
        references("campaign_id", "campaign"),
        references("journey_id", "journey"),
        references("ticket_id", "ticket"),
        references("agent_id", "workspace_user"),
        UniqueConstraint("workspace_id", "source", "external_id"),
        Index(None, "workspace_id", "owner_id", "position"),
        Index(None, "workspace_id", "contact_id"),
        index_of_set("session_id", "position"),
        index_of_set("ticket_id", "position"),
        index_of_set("campaign_id", "position"),
        index_of_set("journey_id", "position"),
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
    agent_id: str | None = symbol(default=None)
    outcome: str = symbol()
    rule_code: str = symbol()
    session_id: str | None = symbol(default=None)
    session_opened_at: datetime | None = None
    retracted_at: datetime | None = None
    retraction_reason: str | None = None
    erased_at: datetime | None = None


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
    erased_at: datetime | None = None


INTERACTION: SQLTable = Interaction.__table__
QUARANTINE: SQLTable = QuarantinedInteraction.__table__
VERDICT_COLUMNS = ("outcome", "rule_code", "session_id", "session_opened_at")
KEYS = RowsParameter("named", {"source": ID, "external_id": ID})
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
    *VERDICT_COLUMNS,
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


def _known(dialect_name: str) -> Select[Any]:
    """Reports by (source, external id): taken, or kept in quarantine and not admitted yet."""
    named = KEYS.table(dialect_name)

    def known_of(table: SQLTable, admitted: ColumnElement[bool], quarantined: int) -> Select[Any]:
        columns = (table.c.source, table.c.external_id, table.c.id, table.c.content_hash)
        matches = and_(
            table.c.workspace_id == bindparam("workspace_id"),
            table.c.source == named.c.source,
            table.c.external_id == named.c.external_id,
        )
        flag: ColumnElement[int] = literal_column(str(quarantined), Integer()).label("quarantined")
        return select(*columns, flag).select_from(named).join(table, matches).where(admitted)

    both = union_all(
        known_of(INTERACTION, true(), 0),
        known_of(QUARANTINE, QUARANTINE.c.admitted_at.is_(None), 1),
    ).subquery()
    return select(both)


KNOWN = Query(_known, (KEYS,))


async def find_known(
    connection: AsyncConnection, workspace_id: str, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Known]:
    """What was recorded or is kept in quarantine under each (source, external id)."""
    return known_of((await ask(connection, KNOWN.of(workspace_id, sorted(keys))))[0])


def known_of(rows: Iterable[Row]) -> dict[tuple[str, str], Known]:
    """What `KNOWN` found, by (source, external id)."""
    return {
        (source, external_id): Known(id, content_hash, bool(quarantined))
        for source, external_id, id, content_hash, quarantined in rows
    }


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of a contact's interactions from one position up to, not including, another."""

    owner_id: str
    begins: str
    ends: str


def _events_within(dialect_name: str) -> Select[Any]:
    stretch = STRETCHES.table(dialect_name)
    within = and_(
        INTERACTION.c.workspace_id == bindparam("workspace_id"),
        INTERACTION.c.owner_id == stretch.c.owner_id,
        INTERACTION.c.position >= stretch.c.begins,
        INTERACTION.c.position < stretch.c.ends,
    )
    return (
        select(*(INTERACTION.c[name] for name in EVENT_COLUMNS))
        .select_from(stretch)
        .join(INTERACTION, within)
    )


_EVENTS = Query(_events_within, (STRETCHES,))


def events_within(workspace_id: str, stretches: Iterable[Stretch]) -> Question:
    """Asks for the interactions of several contacts within their stretches, in any order."""
    return _EVENTS.of(workspace_id, [(each.owner_id, each.begins, each.ends) for each in stretches])


def judged_by_owner(rows: Iterable[Row]) -> Iterator[tuple[str, Judged]]:
    """What `events_within` found, judged, each with its owner, in fold order."""
    for row in sorted(rows, key=itemgetter(EVENT_COLUMNS.index("position"))):
        yield row[1], judged_of(dict(zip(EVENT_COLUMNS, row, strict=True)))


def judged_of(row: Mapping[str, Any] | RowMapping) -> Judged:
    """An interaction's row as metering sees it. Sessions go by the opening interaction's id."""
    session_id = row["session_id"]
    return Judged(
        Event(
            id=row["id"],
            occurred_at=row["occurred_at"],
            kind=InteractionKind[row["kind"]],
            lane=Lane[row["actor"]] if row["actor"] else None,
            channel=ChannelKind[row["channel"]],
            position=row["position"],
            retracted=row["retracted_at"] is not None,
        ),
        Verdict(
            Outcome[row["outcome"]],
            RuleCode[row["rule_code"]],
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


_NEVER_AT_FIRST = frozenset({"retracted_at", "retraction_reason", "erased_at"})
NEW_INTERACTIONS = bulk_insert(
    INTERACTION,
    [c.name for c in INTERACTION.c if c.name not in _NEVER_AT_FIRST],
)
"""Adds interactions, each row complete with its verdict."""


def _update_verdicts(_: str, cells: Cells, __: Any) -> Update:
    return (
        update(INTERACTION)
        .where(INTERACTION.c.workspace_id == cells["workspace_id"], INTERACTION.c.id == cells["id"])
        .values({name: cells[name] for name in VERDICT_COLUMNS})
    )


CHANGED_VERDICTS = BulkWrite(
    {name: INTERACTION.c[name].type for name in ("id", *VERDICT_COLUMNS)}, _update_verdicts
)
"""Writes the verdicts that a re-cut changed: rows of `verdict_columns` with the ids."""


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
    connection: AsyncConnection,
    workspace_id: str,
    interaction_id: str,
    at: datetime,
    reason: str | None,
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


IDS = RowsParameter("wanted", {"id": ID})


@cache
def existing_in(table: SQLTable) -> Query:
    """A query of those of the ids that a table has."""
    ids = RowsParameter(f"wanted_{table.name}", {"id": ID})

    def build(dialect_name: str) -> Select[Any]:
        wanted = ids.table(dialect_name)
        matches = and_(table.c.workspace_id == bindparam("workspace_id"), table.c.id == wanted.c.id)
        return select(table.c.id).select_from(wanted).join(table, matches)

    return Query(build, (ids,))
