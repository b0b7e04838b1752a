"""The timeline: the rows of many tables in one order, read as one table that nobody writes."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    cast,
    literal_column,
    null,
    select,
    union_all,
)

from trenza.domain.timeline import TimelineKind
from trenza.storage.campaign import TOUCH
from trenza.storage.columns import ID
from trenza.storage.interaction import INTERACTION
from trenza.storage.journey import ENROLLMENT
from trenza.storage.ledger import LEDGER
from trenza.storage.session import SESSION, SESSION_OF_ENTRY
from trenza.storage.ticket import TICKET

Source = tuple[FromClause, ColumnElement[str], ColumnElement[object]]
"""Rows of one kind: where they are, whose they are, and the instant at which each happened."""

SOURCES: Mapping[TimelineKind, Source] = {
    TimelineKind.INTERACTION: (INTERACTION, INTERACTION.c.owner_id, INTERACTION.c.occurred_at),
    TimelineKind.SESSION: (SESSION, SESSION.c.owner_id, SESSION.c.opened_at),
    TimelineKind.DEBIT: (LEDGER, SESSION.c.owner_id, LEDGER.c.recorded_at),
    TimelineKind.TICKET: (TICKET, TICKET.c.owner_id, TICKET.c.opened_at),
    TimelineKind.CAMPAIGN_TOUCH: (TOUCH, TOUCH.c.owner_id, TOUCH.c.touched_at),
    TimelineKind.JOURNEY_ENROLLMENT: (ENROLLMENT, ENROLLMENT.c.owner_id, ENROLLMENT.c.enrolled_at),
}


def reference_to(kind: TimelineKind) -> str:
    """The column that holds the id of what an entry of a kind tells of; empty in all others."""
    return f"{kind.lower()}_id"


def _entries(kind: TimelineKind) -> Select[Any]:
    rows, owner_id, at = SOURCES[kind]
    nothing = cast(null(), ID)
    columns: list[Any] = [
        rows.c.workspace_id,
        rows.c.id,
        owner_id.label("owner_id"),
        literal_column(f"'{kind}'", ID).label("kind"),
        at.label("at"),
    ]
    for each in SOURCES:
        reference = rows.c.id if each is kind else nothing
        columns.append(reference.label(reference_to(each)))
    found = select(*columns)
    if kind is TimelineKind.SESSION:
        return found.where(SESSION.c.superseded_at.is_(None))
    if kind is TimelineKind.DEBIT:
        return found.join_from(LEDGER, SESSION, SESSION_OF_ENTRY)
    return found


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
