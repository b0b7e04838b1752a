"""Contacts as they were at an instant: what is kept of them, as it was known then.

Nothing is stored for it. The state is the version that held then, or the row itself since it is
described so; the tree of merges is what stood then; and a row that hangs from a contact was its
root's of then. A column of which no history is kept is shown as it is now. Each function writes the
rows of a workspace, narrowed to those that are wanted as early as can be: by the ids for which
`is_wanted` is true. The rows hold the instant as `as_of`.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    null,
    or_,
    select,
    tuple_,
)
from sqlmodel.sql.sqltypes import UTCDateTime

from trenza.storage.bulk import Query
from trenza.storage.columns import DOCUMENT, ID
from trenza.storage.consent import CONSENT, EVENT_COLUMNS
from trenza.storage.contact import CONTACT, DOCUMENTS, IDENTITY, STATE
from trenza.storage.contact_history import VERSION
from trenza.storage.dialect import RowsParameter
from trenza.storage.merge import MERGE

IsWanted = Callable[[ColumnElement[Any]], ColumnElement[bool]]
"""Makes a condition on the column of the ids by which rows are wanted."""

ASKED = RowsParameter("asked_of", {"number": Integer(), "id": ID, "as_of": UTCDateTime()})
_EMPTY = {"tags": "'[]'", "custom": "'{}'"}


def contacts_at(
    workspace_id: ColumnElement[Any], is_wanted: IsWanted, at: ColumnElement[Any]
) -> Select[Any]:
    """The contacts of these ids that were there."""
    contact, merge = CONTACT.alias(), MERGE.alias()
    led_on = and_(
        merge.c.workspace_id == contact.c.workspace_id,
        merge.c.source_id == contact.c.id,
        _stood(merge, at),
        _is_first(merge, at),
    )
    return _described(contact, contact.outerjoin(merge, led_on), merge, at).where(
        contact.c.workspace_id == workspace_id, is_wanted(contact.c.id)
    )


def merged_at(
    workspace_id: ColumnElement[Any], is_wanted: IsWanted, at: ColumnElement[Any]
) -> Select[Any]:
    """The contacts that had been merged into these ids, which they hold as `merged_into_id`."""
    contact, merge = CONTACT.alias(), MERGE.alias()
    is_source = and_(
        contact.c.workspace_id == merge.c.workspace_id, contact.c.id == merge.c.source_id
    )
    return _described(contact, merge.join(contact, is_source), merge, at).where(
        merge.c.workspace_id == workspace_id,
        is_wanted(merge.c.target_id),
        _stood(merge, at),
        _is_first(merge, at),
    )


def identities_at(
    workspace_id: ColumnElement[Any], is_wanted: IsWanted, at: ColumnElement[Any]
) -> Select[Any]:
    """The identities that the contacts of these ids had, which they hold as `owner_id`."""
    contact = CONTACT.alias()
    asked = contact.c.id.label("asked")
    roots = select(asked, *_member(contact), _typed(at, contact)).where(
        contact.c.workspace_id == workspace_id, is_wanted(contact.c.id), _was_root(contact, at)
    )
    members = _members(roots)
    return _of_members(
        members,
        IDENTITY,
        IDENTITY.c.created_at,
        members.c.asked.label("owner_id"),
        *(column for column in IDENTITY.c if column is not IDENTITY.c.owner_id),
        members.c.as_of,
    )


def _said(dialect_name: str) -> Select[Any]:
    asked = ASKED.table(dialect_name)
    contact = CONTACT.alias()
    workspace_id: ColumnElement[Any] = bindparam("workspace_id")
    roots = (
        select(asked.c.number.label("asked"), *_member(contact), asked.c.as_of)
        .join(contact, and_(contact.c.workspace_id == workspace_id, contact.c.id == asked.c.id))
        .where(_was_root(contact, asked.c.as_of))
    )
    members = _members(roots)
    said = (CONSENT.c[name] for name in EVENT_COLUMNS)
    number = members.c.asked.label("number")
    return _of_members(members, CONSENT, CONSENT.c.recorded_at, number, *said)


SAID = Query(_said, (ASKED,))
"""What had been said about the consent of contacts, each asked for with an instant of its own."""


def _described(
    contact: FromClause, joined: FromClause, merge: FromClause, at: ColumnElement[Any]
) -> Select[Any]:
    """What described contacts, those that were there; what was erased since is empty."""
    version = VERSION.alias()
    held_then = and_(
        version.c.workspace_id == contact.c.workspace_id,
        version.c.contact_id == contact.c.id,
        version.c.from_at <= at,
        version.c.until_at > at,
    )
    was_other = version.c.until_at.is_not(None)
    described_at = func.coalesce(contact.c.described_at, contact.c.created_at, type_=UTCDateTime())
    is_so = described_at <= at

    def state(name: str) -> ColumnElement[Any]:
        empty = literal_column(_EMPTY[name], DOCUMENT) if name in DOCUMENTS else null()
        return case((was_other, version.c[name]), (is_so, contact.c[name]), else_=empty)

    since = case((was_other, version.c.from_at), (is_so, described_at), else_=contact.c.created_at)
    then = {
        **{name: state(name) for name in STATE},
        "updated_at": since,
        "merged_into_id": _if_any(merge.c.target_id),
        "merged_at": _if_any(merge.c.merged_at),
    }
    shown = (then.get(column.name, column).label(column.name) for column in contact.c)
    return (
        select(*shown, _typed(at, contact))
        .select_from(joined.outerjoin(version, held_then))
        .where(contact.c.created_at <= at)
    )


def _if_any(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column of a row that may not be there: what is never null in its table may be so here."""
    return case((column.is_not(None), column))


def _typed(at: ColumnElement[Any], contact: FromClause) -> ColumnElement[Any]:
    """The instant as a column, which has its type by another: SQLite has none to cast it to."""
    return func.coalesce(at, contact.c.created_at, type_=UTCDateTime()).label("as_of")


def _stood(merge: FromClause, at: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(
        merge.c.merged_at <= at, or_(merge.c.unmerged_at.is_(None), merge.c.unmerged_at > at)
    )


def _is_first(merge: FromClause, at: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether of the merges of a contact that stood none was made before.

    The clocks of two processes may differ, so that for a moment two seem to have stood.
    """
    other = MERGE.alias()
    when, before = (tuple_(each.c.merged_at, each.c.id) for each in (merge, other))
    return (
        ~_merges_of(merge.c.workspace_id, merge.c.source_id, other, at)
        .where(before < when)
        .exists()
    )


def _was_root(contact: FromClause, at: ColumnElement[Any]) -> ColumnElement[bool]:
    return ~_merges_of(contact.c.workspace_id, contact.c.id, MERGE.alias(), at).exists()


def _merges_of(
    workspace_id: ColumnElement[Any],
    source_id: ColumnElement[Any],
    merge: FromClause,
    at: ColumnElement[Any],
) -> Select[Any]:
    return select(merge.c.id).where(
        merge.c.workspace_id == workspace_id, merge.c.source_id == source_id, _stood(merge, at)
    )


def _member(contact: FromClause) -> tuple[ColumnElement[Any], ...]:
    return contact.c.workspace_id, contact.c.id, contact.c.root_id


def _members(roots: Select[Any]) -> CTE:
    """Roots, each with who asked for it and when, and all that had been merged into them."""
    members = roots.cte(recursive=True, nesting=True)
    merge, contact = MERGE.alias(), CONTACT.alias()
    into = and_(
        merge.c.workspace_id == members.c.workspace_id,
        merge.c.target_id == members.c.id,
        _stood(merge, members.c.as_of),
    )
    # By its id: a join might read all contacts where the database does not know how many there are.
    root_id = (
        select(contact.c.root_id)
        .where(contact.c.workspace_id == merge.c.workspace_id, contact.c.id == merge.c.source_id)
        .scalar_subquery()
    )
    source = (merge.c.workspace_id, merge.c.source_id, root_id)
    return members.union(
        select(members.c.asked, *source, members.c.as_of).select_from(members.join(merge, into))
    )


def _of_members(
    members: CTE, table: FromClause, known_at: ColumnElement[Any], *columns: ColumnElement[Any]
) -> Select[Any]:
    """The rows of a table that were recorded for members, and known, by their root of now.

    An outer join without its empty rows: SQLite would else begin with every row of the table.
    """
    owned = and_(
        table.c.workspace_id == members.c.workspace_id,
        table.c.owner_id == members.c.root_id,
        table.c.contact_id == members.c.id,
        known_at <= members.c.as_of,
    )
    empty: ColumnElement[str] = literal_column("''")
    is_there = func.coalesce(table.c.channel, empty) != empty
    return select(*columns).select_from(members.outerjoin(table, owned)).where(is_there)
