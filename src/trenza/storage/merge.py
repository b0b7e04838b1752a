"""Merges: the links between contacts, what each has filled, and writing and undoing them.

A merge links and never moves: rows keep the `contact_id` that they were recorded for, and only
`owner_id`, the root, changes. `OWNED` is the one list of the tables that are handed over; a table
joins it with the two columns, or, like the sessions, with a way to tell whose its rows are.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Date,
    Index,
    Update,
    and_,
    case,
    func,
    literal_column,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy import Table as SQLTable
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import Field
from sqlmodel.sql.sqltypes import UTCDateTime

from trenza.domain.ids import Prefix
from trenza.domain.merge import Fields, Link
from trenza.storage.bulk import BulkWrite, Cells, Writing, bulk_insert
from trenza.storage.campaign import CampaignTouch
from trenza.storage.columns import (
    DOCUMENT,
    ID,
    Table,
    belongs_to_workspace,
    key,
    references,
    symbol,
)
from trenza.storage.consent import BLOCK, CONSENT
from trenza.storage.contact import ASSIGNED, CONTACT, DESCRIPTION, IDENTITY, STATE
from trenza.storage.contact_list import LIST_MEMBER
from trenza.storage.interaction import INTERACTION
from trenza.storage.journey import JourneyEnrollment
from trenza.storage.session import SESSION
from trenza.storage.ticket import Ticket

_STANDS = text("unmerged_at IS NULL")


class ContactMerge(Table, table=True):
    """One merge: `source_id` went into `target_id`, each the root of its tree at the time.

    `filled` are the fields that the target gained by it. The key keeps two merges of one source
    from standing at once.
    """

    __table_args__ = (
        belongs_to_workspace(),
        references("source_id", "contact"),
        references("target_id", "contact"),
        Index(
            None,
            "workspace_id",
            "source_id",
            unique=True,
            sqlite_where=_STANDS,
            postgresql_where=_STANDS,
        ),
        Index(None, "workspace_id", "source_id", "merged_at", "id"),
        Index(None, "workspace_id", "target_id", "merged_at", "id"),
    )

    workspace_id: str = key()
    id: str = key()
    source_id: str = symbol()
    target_id: str = symbol()
    reason: str = symbol()
    filled: dict[str, Any] = Field(sa_type=DOCUMENT)
    merged_at: datetime
    merged_by_key_id: str | None = symbol(default=None)
    merged_by_user_id: str | None = symbol(default=None)
    unmerged_at: datetime | None = None
    unmerged_by_key_id: str | None = symbol(default=None)
    unmerged_by_user_id: str | None = symbol(default=None)


MERGE: SQLTable = ContactMerge.__table__
PARTY = CONTACT.alias("party")
PARTY_OF_MERGE = and_(
    PARTY.c.workspace_id == MERGE.c.workspace_id,
    or_(PARTY.c.id == MERGE.c.source_id, PARTY.c.id == MERGE.c.target_id),
)
"""How a merge finds the two contacts that it is about."""

OWNED: tuple[SQLTable, ...] = (
    IDENTITY,
    INTERACTION,
    SESSION,
    CampaignTouch.__table__,
    JourneyEnrollment.__table__,
    Ticket.__table__,
    CONSENT,
    BLOCK,
    LIST_MEMBER,
)
"""Everything that a merge hands over to another root, beside the contacts themselves."""

_ABOUT = ("id", "created_at", "erased_at", *STATE)
_ABOUT_COLUMNS = (
    *(CONTACT.c[name] for name in _ABOUT),
    func.coalesce(CONTACT.c.described_at, CONTACT.c.created_at, type_=UTCDateTime()).label(
        "from_at"
    ),
)
_READ: Mapping[Any, Callable[[str], date]] = {
    Date: date.fromisoformat,
    UTCDateTime: datetime.fromisoformat,
}
_DATES = {
    name: _READ[kind] for name in DESCRIPTION if (kind := type(CONTACT.c[name].type)) in _READ
}
"""The columns whose values are no JSON, and what reads each from its ISO text."""


def fields_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A contact's row as the fields that merging compares: only what is not empty, as JSON."""
    fields = {name: row[name] for name in DESCRIPTION if row[name] is not None}
    fields |= {name: fields[name].isoformat() for name in _DATES & fields.keys()}
    assigned = {name: row[name] for name in ASSIGNED}
    if any(assigned.values()):
        fields["assigned"] = assigned
    fields |= {f"custom.{name}": v for name, v in row["custom"].items() if v is not None}
    fields |= {f"tags.{tag}": True for tag in row["tags"]}
    return fields


def columns_of(fields: Fields) -> dict[str, Any]:
    """The columns of a contact with these fields: `fields_of` the other way round."""
    columns: dict[str, Any] = {name: fields.get(name) for name in DESCRIPTION}
    columns |= {name: _DATES[name](fields[name]) for name in _DATES & fields.keys()}
    assigned = fields.get("assigned", {})
    columns |= {name: assigned.get(name) for name in ASSIGNED}
    parts = [(*name.partition("."), value) for name, value in fields.items()]
    columns["custom"] = {rest: value for kind, _, rest, value in parts if kind == "custom"}
    columns["tags"] = [rest for kind, _, rest, _ in parts if kind == "tags"]
    return columns


def unknown_person(contact_id: str, created_at: datetime) -> dict[str, Any]:
    """The row of a contact of which nothing is known, as `find_people` would find it."""
    at = {"id": contact_id, "created_at": created_at}
    return {**dict.fromkeys(_ABOUT), **columns_of({}), **at}


async def find_people(
    connection: AsyncConnection, workspace_id: str, ids: Collection[str]
) -> dict[str, dict[str, Any]]:
    """What describes contacts, since when as `from_at`, and all that merging looks at, by id."""
    if not ids:
        return {}
    statement = select(*_ABOUT_COLUMNS).where(
        CONTACT.c.workspace_id == workspace_id, CONTACT.c.id.in_(sorted(ids))
    )
    return {row.id: row._asdict() for row in await connection.execute(statement)}


async def count_interactions(
    connection: AsyncConnection, workspace_id: str, root_ids: Collection[str]
) -> dict[str, int]:
    """How many interactions each root has; those without one are left out."""
    statement = (
        select(INTERACTION.c.owner_id, func.count().label("found"))
        .where(
            INTERACTION.c.workspace_id == workspace_id,
            INTERACTION.c.owner_id.in_(sorted(root_ids)),
        )
        .group_by(INTERACTION.c.owner_id)
    )
    return {row.owner_id: row.found for row in await connection.execute(statement)}


@dataclass(frozen=True)
class NewMerge:
    """A merge to write. `root_id` is where the target itself stands when all are written."""

    id: str
    source_id: str
    target_id: str
    root_id: str
    reason: str
    filled: Fields


def linking(
    at: datetime, merges: Sequence[NewMerge], key_id: str | None, user_id: str | None
) -> list[Writing]:
    """Puts each source, its members and all they own under the target's root.

    All the roots are locked by the caller. Nothing moves: each row keeps its `contact_id`.
    """
    links = [
        {
            "source_id": each.source_id,
            "target_id": each.target_id,
            "root_id": each.root_id,
            "merged_at": at,
        }
        for each in merges
    ]
    rows = [
        {
            "id": each.id,
            "source_id": each.source_id,
            "target_id": each.target_id,
            "reason": each.reason,
            "filled": json.dumps(each.filled),
            "merged_at": at,
            "merged_by_key_id": key_id,
            "merged_by_user_id": user_id,
        }
        for each in merges
    ]
    return [(_LINKED, links), (_NEW_MERGES, rows), *((write, links) for write in _HANDED_OVER)]


def _link(_: str, cells: Cells, __: Any) -> Update:
    is_source = CONTACT.c.id == cells["source_id"]
    return (
        update(CONTACT)
        .where(
            CONTACT.c.workspace_id == cells["workspace_id"],
            CONTACT.c.root_id == cells["source_id"],
        )
        .values(
            root_id=cells["root_id"],
            merged_into_id=case((is_source, cells["target_id"]), else_=CONTACT.c.merged_into_id),
            merged_at=case((is_source, cells["merged_at"]), else_=CONTACT.c.merged_at),
        )
    )


def _handing_over(table: SQLTable) -> BulkWrite:
    def build(_: str, cells: Cells, __: Any) -> Update:
        owned = table.c.workspace_id == cells["workspace_id"]
        return (
            update(table)
            .where(owned, table.c.owner_id == cells["source_id"])
            .values(owner_id=cells["root_id"])
        )

    return BulkWrite({"source_id": ID, "root_id": ID}, build)


_LINKED = BulkWrite(
    {"source_id": ID, "target_id": ID, "root_id": ID, "merged_at": CONTACT.c.merged_at.type},
    _link,
)
_HANDED_OVER = tuple(_handing_over(table) for table in OWNED)
_NEW_MERGES = bulk_insert(MERGE, [c.name for c in MERGE.c if not c.name.startswith("unmerged_")])


@dataclass(frozen=True)
class Tree:
    """The contacts under one root with their fields, and the links that stand, as they came."""

    people: Mapping[str, Mapping[str, Any]]
    links: Sequence[Link]


async def find_tree(connection: AsyncConnection, workspace_id: str, root_id: str) -> Tree:
    """The tree of merges under a root."""
    members = select(*_ABOUT_COLUMNS).where(
        CONTACT.c.workspace_id == workspace_id, CONTACT.c.root_id == root_id
    )
    people = [row._asdict() for row in await connection.execute(members)]
    links = (
        select(MERGE.c.id, MERGE.c.source_id, MERGE.c.target_id, MERGE.c.filled)
        .join(PARTY, and_(PARTY.c.workspace_id == workspace_id, PARTY.c.id == MERGE.c.source_id))
        .where(
            MERGE.c.workspace_id == workspace_id,
            MERGE.c.unmerged_at.is_(None),
            PARTY.c.root_id == root_id,
        )
        .order_by(MERGE.c.merged_at, MERGE.c.id)
    )
    found = [Link(*row) for row in await connection.execute(links)]
    return Tree({row["id"]: row for row in people}, found)


def releasing(
    at: datetime,
    link: Link,
    members: Collection[str],
    root_id: str,
    key_id: str | None,
    user_id: str | None,
) -> list[Writing]:
    """Takes the source of a link, its members and all they own from under a root.

    The root is locked by the caller. What was recorded for a member goes with it; what was
    recorded for others stays.
    """
    rows = [
        {"member_id": member, "source_id": link.source_id, "root_id": root_id}
        for member in sorted(members)
    ]
    undone = {
        "id": link.id,
        "unmerged_at": at,
        "unmerged_by_key_id": key_id,
        "unmerged_by_user_id": user_id,
    }
    return [(_RELEASED, rows), (_UNDONE, [undone]), *((write, rows) for write in _GIVEN_BACK)]


def _release(_: str, cells: Cells, __: Any) -> Update:
    is_source = CONTACT.c.id == cells["source_id"]
    return (
        update(CONTACT)
        .where(CONTACT.c.workspace_id == cells["workspace_id"], CONTACT.c.id == cells["member_id"])
        .values(
            root_id=cells["source_id"],
            merged_into_id=case((is_source, null()), else_=CONTACT.c.merged_into_id),
            merged_at=case((is_source, null()), else_=CONTACT.c.merged_at),
        )
    )


_OF_INTERACTION = f"{Prefix.INTERACTION}_"


def _giving_back(table: SQLTable) -> BulkWrite:
    def build(_: str, cells: Cells, rows: Any) -> Update:
        if "contact_id" in table.c:
            is_theirs = table.c.contact_id == cells["member_id"]
        else:
            # A session is whose interaction opened it: the two have the same bits in their ids.
            digits = func.substr(INTERACTION.c.id, literal_column(str(len(_OF_INTERACTION) + 1)))
            opened = select(literal_column(f"'{Prefix.SESSION}_'").concat(digits)).where(
                INTERACTION.c.workspace_id == cells["workspace_id"],
                INTERACTION.c.contact_id == cells["member_id"],
            )
            is_theirs = table.c.id.in_(opened if rows is None else opened.correlate(rows))
        return (
            update(table)
            .where(
                table.c.workspace_id == cells["workspace_id"],
                table.c.owner_id == cells["root_id"],
                is_theirs,
            )
            .values(owner_id=cells["source_id"])
        )

    return BulkWrite({"member_id": ID, "source_id": ID, "root_id": ID}, build)


def _undo(_: str, cells: Cells, __: Any) -> Update:
    return (
        update(MERGE)
        .where(MERGE.c.workspace_id == cells["workspace_id"], MERGE.c.id == cells["id"])
        .values({name: cells[name] for name in _UNDOING})
    )


_UNDOING = ("unmerged_at", "unmerged_by_key_id", "unmerged_by_user_id")
_RELEASED = BulkWrite({"member_id": ID, "source_id": ID}, _release)
_GIVEN_BACK = tuple(_giving_back(table) for table in OWNED)
_UNDONE = BulkWrite({name: MERGE.c[name].type for name in ("id", *_UNDOING)}, _undo)


def refilling(filled: Mapping[str, Fields]) -> Writing:
    """Writes what merges have filled since others were undone, by the id of the merge."""
    return _REFILLED, [{"id": id, "filled": json.dumps(each)} for id, each in filled.items()]


def _refill(_: str, cells: Cells, __: Any) -> Update:
    return (
        update(MERGE)
        .where(MERGE.c.workspace_id == cells["workspace_id"], MERGE.c.id == cells["id"])
        .values(filled=cells["filled"])
    )


_REFILLED = BulkWrite({"id": ID, "filled": MERGE.c.filled.type}, _refill)
