"""Contacts as they were at an instant: what is kept of them, as it was known then.

Nothing is stored for it. The state is the version that held then, or the row itself since it is
described so; the tree of merges is what stood then; and a row that hangs from a contact was its
root's of then. Each function writes the rows of a workspace, narrowed to those that are wanted as
early as can be: by the ids for which `is_wanted` is true. The rows hold the instant as `as_of`.
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
_KEPT = ("workspace_id", "id", "root_id", "created_at", "erased_at")
"""The columns of a contact that are shown as they are."""
_EMPTY = {"tags": "'[]'", "custom": "'{}'"}


def contacts_at(
    workspace_id: ColumnElement[Any], is_wanted: IsWanted, at: ColumnElement[Any]
) -> Select[Any]:
    """The contacts of these ids that were there."""
    contact, merge = CONTACT.alias(), MERGE.alias()
    stood = and_(
        merge.c.workspace_id == contact.c.workspace_id,
        merge.c.id == _merge_of(contact.c.workspace_id, contact.c.id, at),
    )
    return _described(contact, contact.outerjoin(merge, stood), merge, at).where(
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
        merge.c.id == _merge_of(contact.c.workspace_id, contact.c.id, at),
    )


def identities_at(
    workspace_id: ColumnElement[Any], is_wanted: IsWanted, at: ColumnElement[Any]
) -> Select[Any]:
    """The identities that the contacts of these ids had, which they hold as `owner_id`."""
    contact = CONTACT.alias()
    roots = select(contact.c.id.label("asked"), contact.c.id, _typed(at, contact)).where(
        contact.c.workspace_id == workspace_id,
        is_wanted(contact.c.id),
        _merge_of(workspace_id, contact.c.id, at).is_(None),
    )
    members = _members(workspace_id, roots)
    return (
        select(
            IDENTITY.c.workspace_id,
            members.c.asked.label("owner_id"),
            IDENTITY.c.channel,
            IDENTITY.c.address,
            IDENTITY.c.created_at,
            members.c.as_of,
        )
        .select_from(_owned(workspace_id, members, IDENTITY))
        .where(IDENTITY.c.created_at <= members.c.as_of)
    )


def _said(dialect_name: str) -> Select[Any]:
    asked = ASKED.table(dialect_name)
    contact = CONTACT.alias()
    workspace_id: ColumnElement[Any] = bindparam("workspace_id")
    roots = (
        select(asked.c.number.label("asked"), contact.c.id, asked.c.as_of)
        .join(contact, and_(contact.c.workspace_id == workspace_id, contact.c.id == asked.c.id))
        .where(_merge_of(workspace_id, contact.c.id, asked.c.as_of).is_(None))
    )
    members = _members(workspace_id, roots)
    return (
        select(members.c.asked.label("number"), *(CONSENT.c[name] for name in EVENT_COLUMNS))
        .select_from(_owned(workspace_id, members, CONSENT))
        .where(CONSENT.c.recorded_at <= members.c.as_of)
    )


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
        return case((was_other, version.c[name]), (is_so, contact.c[name]), else_=empty).label(name)

    since = case((was_other, version.c.from_at), (is_so, described_at), else_=contact.c.created_at)
    return (
        select(
            *(contact.c[name] for name in _KEPT),
            *map(state, STATE),
            since.label("updated_at"),
            _if_any(merge.c.target_id).label("merged_into_id"),
            _if_any(merge.c.merged_at).label("merged_at"),
            _typed(at, contact),
        )
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


def _merge_of(
    workspace_id: ColumnElement[Any], source_id: ColumnElement[Any], at: ColumnElement[Any]
) -> ColumnElement[Any]:
    """The merge of a contact into another that stood; null where none did.

    The clocks of two processes may differ: where two seem to have stood, it is the first.
    """
    merge = MERGE.alias()
    return (
        select(merge.c.id)
        .where(
            merge.c.workspace_id == workspace_id,
            merge.c.source_id == source_id,
            _stood(merge, at),
        )
        .order_by(merge.c.merged_at, merge.c.id)
        .limit(literal_column("1"))
        .scalar_subquery()
    )


def _members(workspace_id: ColumnElement[Any], roots: Select[Any]) -> CTE:
    """Roots and all that had been merged into them: who asked, whose, and the instant."""
    members = roots.cte(recursive=True, nesting=True)
    merge = MERGE.alias()
    into = and_(merge.c.target_id == members.c.id, _stood(merge, members.c.as_of))
    return members.union(
        select(members.c.asked, merge.c.source_id, members.c.as_of)
        .select_from(members.join(merge, into))
        .where(merge.c.workspace_id == workspace_id)
    )


def _owned(workspace_id: ColumnElement[Any], members: FromClause, table: FromClause) -> FromClause:
    """Members with the rows of a table that were recorded for them, found by their root of now."""
    contact = CONTACT.alias()
    known = and_(contact.c.workspace_id == workspace_id, contact.c.id == members.c.id)
    owned = and_(
        table.c.workspace_id == workspace_id,
        table.c.owner_id == contact.c.root_id,
        table.c.contact_id == contact.c.id,
    )
    return members.join(contact, known).join(table, owned)
