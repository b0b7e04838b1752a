"""The timeline: the rows of many tables in one order, read as one table that nobody writes."""

from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    and_,
    case,
    cast,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
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
from trenza.storage.merge import MERGE, PARTY
from trenza.storage.session import SESSION, SESSION_OF_ENTRY
from trenza.storage.ticket import TICKET


class Source(NamedTuple):
    """Rows of one kind: where they are, whose they are, and the instant at which each happened.

    `joined` is where the rows stand beside those that say whose they are, and `where` which count.
    """

    kind: TimelineKind
    rows: FromClause
    owner_id: ColumnElement[str]
    at: ColumnElement[Any]
    joined: FromClause | None = None
    where: ColumnElement[bool] | None = None


def _of_members(rows: FromClause, member_id: ColumnElement[Any]) -> FromClause:
    """The contacts under a root, each with its rows or without one."""
    is_theirs = and_(rows.c.workspace_id == PARTY.c.workspace_id, member_id == PARTY.c.id)
    return PARTY.outerjoin(rows, is_theirs)


def _is_there(rows: FromClause) -> ColumnElement[bool]:
    """The rest of an outer join without its empty rows: SQLite begins with what is left of it.

    In an inner one, or where it sees that empty rows are left out, it would begin with all rows.
    """
    empty: ColumnElement[str] = literal_column("''")
    return func.coalesce(rows.c.id, empty) != empty


def _of_merges() -> Iterator[Source]:
    """Merges and their undoing, told at the contact that stayed, and at the other if it is apart.

    What was undone at the instant at which it was done is left out: both would have one place.
    """
    stayed = CONTACT.alias("stayed")
    root_of_stayed = (
        select(stayed.c.root_id)
        .where(stayed.c.workspace_id == MERGE.c.workspace_id, stayed.c.id == MERGE.c.target_id)
        .scalar_subquery()
    )
    is_apart = root_of_stayed != PARTY.c.root_id
    done, undone = MERGE.c.merged_at, MERGE.c.unmerged_at
    for member_id, told in ((MERGE.c.target_id, true()), (MERGE.c.source_id, is_apart)):
        joined = _of_members(MERGE, member_id)
        for kind, at, happened in (
            (TimelineKind.MERGE, done, or_(undone.is_(None), undone != done)),
            (TimelineKind.UNMERGE, undone, case((undone != done, true()), else_=false())),
        ):
            where = and_(_is_there(MERGE), happened, told)
            yield Source(kind, MERGE, PARTY.c.root_id, at, joined, where)


SOURCES = (
    Source(
        TimelineKind.INTERACTION, INTERACTION, INTERACTION.c.owner_id, INTERACTION.c.occurred_at
    ),
    Source(
        TimelineKind.SESSION,
        SESSION,
        SESSION.c.owner_id,
        SESSION.c.opened_at,
        where=SESSION.c.superseded_at.is_(None),
    ),
    Source(
        TimelineKind.DEBIT,
        LEDGER,
        SESSION.c.owner_id,
        LEDGER.c.recorded_at,
        SESSION.outerjoin(LEDGER, SESSION_OF_ENTRY),
        _is_there(LEDGER),
    ),
    Source(TimelineKind.TICKET, TICKET, TICKET.c.owner_id, TICKET.c.opened_at),
    Source(TimelineKind.CAMPAIGN_TOUCH, TOUCH, TOUCH.c.owner_id, TOUCH.c.touched_at),
    Source(
        TimelineKind.JOURNEY_ENROLLMENT,
        ENROLLMENT,
        ENROLLMENT.c.owner_id,
        ENROLLMENT.c.enrolled_at,
    ),
    Source(TimelineKind.CONSENT_EVENT, CONSENT, CONSENT.c.owner_id, CONSENT.c.occurred_at),
    Source(
        TimelineKind.STAGE,
        STAGE,
        PARTY.c.root_id,
        STAGE.c.from_at,
        _of_members(STAGE, STAGE.c.contact_id),
        _is_there(STAGE),
    ),
    *_of_merges(),
)


def reference_to(kind: TimelineKind) -> str:
    """The column that holds the id of what an entry of a kind tells of; empty in all others."""
    told = TimelineKind.MERGE if kind is TimelineKind.UNMERGE else kind
    return f"{told.lower()}_id"


_REFERENCES = tuple(dict.fromkeys(map(reference_to, TimelineKind)))
IsWanted = Callable[[ColumnElement[Any]], ColumnElement[bool]]


def _entries(source: Source) -> Select[Any]:
    rows, nothing = source.rows, cast(null(), ID)
    owner: Any = source.owner_id
    columns: list[Any] = [
        owner.table.c.workspace_id,
        rows.c.id,
        source.owner_id.label("owner_id"),
        literal_column(f"'{source.kind}'", ID).label("kind"),
        source.at.label("at"),
    ]
    for name in _REFERENCES:
        reference = rows.c.id if name == reference_to(source.kind) else nothing
        columns.append(reference.label(name))
    found = select(*columns).select_from(rows if source.joined is None else source.joined)
    return found if source.where is None else found.where(source.where)


def entries_of(workspace_id: ColumnElement[Any], is_wanted: IsWanted) -> CompoundSelect[Any]:
    """The entries of some roots of a workspace, each kind narrowed by itself.

    SQLite would else put together the entries of all, and look for the wanted ones then.
    """
    narrowed = []
    for source in SOURCES:
        found = _entries(source)
        within = found.selected_columns.workspace_id == workspace_id
        narrowed.append(found.where(within, is_wanted(source.owner_id)))
    return union_all(*narrowed)


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
