"""The timeline: the rows of many tables in one order, read as one table that nobody writes."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    cast,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from trenza.domain.timeline import TimelineKind
from trenza.storage.campaign import TOUCH
from trenza.storage.columns import ID
from trenza.storage.consent import CONSENT
from trenza.storage.contact import CONTACT
from trenza.storage.contact_history import STAGE
from trenza.storage.interaction import INTERACTION
from trenza.storage.journey import ENROLLMENT
from trenza.storage.ledger import LEDGER
from trenza.storage.merge import MERGE, PARTY, PARTY_OF_MERGE
from trenza.storage.session import SESSION, SESSION_OF_ENTRY
from trenza.storage.ticket import TICKET


class Source(NamedTuple):
    """Rows of one kind: where they are, whose they are, and the instant at which each happened.

    `joined` is where the rows stand beside those that say whose they are, and `where` which count.
    """

    rows: FromClause
    owner_id: ColumnElement[str]
    at: ColumnElement[Any]
    joined: FromClause | None = None
    where: ColumnElement[bool] | None = None


_OF_STAGE = and_(PARTY.c.workspace_id == STAGE.c.workspace_id, PARTY.c.id == STAGE.c.contact_id)
_STAYED = CONTACT.alias("stayed")
_PARTIES = MERGE.join(PARTY, PARTY_OF_MERGE).join(
    _STAYED,
    and_(_STAYED.c.workspace_id == MERGE.c.workspace_id, _STAYED.c.id == MERGE.c.target_id),
)
_ONCE_FOR_EACH_ROOT = or_(PARTY.c.id == MERGE.c.target_id, PARTY.c.root_id != _STAYED.c.root_id)
"""A merge that stands has one root for both of its parties, and is told there once."""
_HAS_STOOD = or_(MERGE.c.unmerged_at.is_(None), MERGE.c.unmerged_at != MERGE.c.merged_at)
"""What was undone at the instant at which it was done is left out: both would have one place."""

SOURCES: Mapping[TimelineKind, Source] = {
    TimelineKind.INTERACTION: Source(
        INTERACTION, INTERACTION.c.owner_id, INTERACTION.c.occurred_at
    ),
    TimelineKind.SESSION: Source(
        SESSION, SESSION.c.owner_id, SESSION.c.opened_at, where=SESSION.c.superseded_at.is_(None)
    ),
    TimelineKind.DEBIT: Source(
        LEDGER, SESSION.c.owner_id, LEDGER.c.recorded_at, LEDGER.join(SESSION, SESSION_OF_ENTRY)
    ),
    TimelineKind.TICKET: Source(TICKET, TICKET.c.owner_id, TICKET.c.opened_at),
    TimelineKind.CAMPAIGN_TOUCH: Source(TOUCH, TOUCH.c.owner_id, TOUCH.c.touched_at),
    TimelineKind.JOURNEY_ENROLLMENT: Source(
        ENROLLMENT, ENROLLMENT.c.owner_id, ENROLLMENT.c.enrolled_at
    ),
    TimelineKind.CONSENT_EVENT: Source(CONSENT, CONSENT.c.owner_id, CONSENT.c.occurred_at),
    TimelineKind.STAGE: Source(
        STAGE, PARTY.c.root_id, STAGE.c.from_at, STAGE.join(PARTY, _OF_STAGE)
    ),
    TimelineKind.MERGE: Source(
        MERGE,
        PARTY.c.root_id,
        MERGE.c.merged_at,
        _PARTIES,
        and_(_HAS_STOOD, _ONCE_FOR_EACH_ROOT),
    ),
    TimelineKind.UNMERGE: Source(
        MERGE,
        PARTY.c.root_id,
        MERGE.c.unmerged_at,
        _PARTIES,
        and_(MERGE.c.unmerged_at.is_not(None), _HAS_STOOD, _ONCE_FOR_EACH_ROOT),
    ),
}


def reference_to(kind: TimelineKind) -> str:
    """The column that holds the id of what an entry of a kind tells of; empty in all others."""
    told = TimelineKind.MERGE if kind is TimelineKind.UNMERGE else kind
    return f"{told.lower()}_id"


def _entries(kind: TimelineKind) -> Select[Any]:
    source = SOURCES[kind]
    rows, nothing = source.rows, cast(null(), ID)
    columns: list[Any] = [
        rows.c.workspace_id,
        rows.c.id,
        source.owner_id.label("owner_id"),
        literal_column(f"'{kind}'", ID).label("kind"),
        source.at.label("at"),
    ]
    for name in dict.fromkeys(map(reference_to, SOURCES)):
        reference = rows.c.id if name == reference_to(kind) else nothing
        columns.append(reference.label(name))
    found = select(*columns).select_from(rows if source.joined is None else source.joined)
    return found if source.where is None else found.where(source.where)


class TimelineEntry:
    """One thing that happened to a contact, under the id of the row that tells it."""

    __table__ = union_all(*map(_entries, SOURCES)).subquery("timeline")


TIMELINE = TimelineEntry.__table__


def is_of(kinds: ColumnElement[str]) -> ColumnElement[bool]:
    """The condition of an entry of one of the kinds that `listed` gives."""
    return kinds.contains(literal_column("','") + TIMELINE.c.kind + literal_column("','"))


def listed(kinds: Collection[TimelineKind]) -> str:
    """Kinds as one operand."""
    return f",{','.join(kinds)},"
