"""Contacts and the addresses by which they are known: tables and queries.

A merge links and never moves: `contact.root_id` names the live contact that stands for the row
(itself when it was never merged). Rows that hang from a contact keep two columns:
`contact_id`, the contact they were recorded for, for ever; `owner_id`, the root it has now.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    ForeignKeyConstraint,
    Index,
    Select,
    UniqueConstraint,
    Update,
    and_,
    bindparam,
    literal_column,
    or_,
    select,
    union,
    union_all,
    update,
)
from sqlalchemy import Table as SQLTable
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import Field

from trenza.domain.channel import AddressSpace, ChannelKind
from trenza.domain.text import searchable
from trenza.storage.bulk import BulkWrite, Cells, Query, Row, Writing, bulk_insert
from trenza.storage.columns import (
    DOCUMENT,
    ID,
    Table,
    belongs_to_workspace,
    index_of_set,
    key,
    references,
    symbol,
)
from trenza.storage.contact_list import LIST_MEMBER, is_first_of_owner
from trenza.storage.dialect import RowsParameter
from trenza.storage.interaction import IDS


class ContactState(Table):
    """What is kept of a contact when it changes: columns of `contact` and of `contact_version`.

    All of it tells of the person. A merge fills what is empty, and an erasure empties it.
    """

    display_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    birth_on: date | None = None
    language: str | None = symbol(default=None)
    zone: str | None = symbol(default=None)
    company: str | None = None
    department: str | None = None
    city: str | None = None
    country: str | None = symbol(default=None)
    stage: str | None = symbol(default=None)
    origin: str | None = None
    tags: list[str] = Field(sa_type=DOCUMENT)
    custom: dict[str, Any] = Field(sa_type=DOCUMENT)
    assigned_user_id: str | None = symbol(default=None)
    assigned_group_id: str | None = symbol(default=None)


class Contact(ContactState, table=True):
    """One person. The row is also the lock under which the person's sessions are decided.

    `described_at` is when the state of the row began; it is empty while it is the first one.
    """

    __table_args__ = (
        belongs_to_workspace(),
        references("root_id", "contact"),
        references("merged_into_id", "contact"),
        Index(None, "workspace_id", "root_id"),
        index_of_set("merged_into_id", "merged_at"),
        index_of_set("company", "created_at", "id"),
        index_of_set("assigned_user_id", "created_at", "id"),
        Index(None, "workspace_id", "created_at", "id"),
    )

    workspace_id: str = key()
    id: str = key()
    root_id: str = symbol()
    merged_into_id: str | None = symbol(default=None)
    merged_at: datetime | None = None
    name_searchable: str = Field(default="", sa_column_kwargs={"default": ""})
    described_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    erased_at: datetime | None = None


class ContactAddress(Table, table=True):
    """An address and the one contact that holds it; the key keeps two from holding it.

    WhatsApp, SMS and RCS share the space PHONE: one number is one person on all three.
    """

    __table_args__ = (
        belongs_to_workspace(),
        references("contact_id", "contact"),
        UniqueConstraint("workspace_id", "space", "address", "contact_id"),
    )

    workspace_id: str = key()
    space: str = key()
    address: str = key()
    contact_id: str = symbol()


class ContactIdentity(Table, table=True):
    """An address on one channel, with the contact that brought it."""

    __table_args__ = (
        belongs_to_workspace(),
        ForeignKeyConstraint(
            ["workspace_id", "space", "address", "contact_id"],
            [
                "contact_address.workspace_id",
                "contact_address.space",
                "contact_address.address",
                "contact_address.contact_id",
            ],
        ),
        # In the order in which they are shown: SQLite would else read the whole primary key for it.
        Index(None, "workspace_id", "owner_id", "channel", "address"),
    )

    workspace_id: str = key()
    channel: str = key()
    address: str = key()
    space: str = symbol()
    contact_id: str = symbol()
    owner_id: str = symbol()
    created_at: datetime


CONTACT: SQLTable = Contact.__table__
MEMBER = CONTACT.alias("member")
ADDRESS: SQLTable = ContactAddress.__table__
IDENTITY: SQLTable = ContactIdentity.__table__
MET = RowsParameter("met", {"channel": ID, "space": ID, "address": ID})
ADDRESSES = RowsParameter("named", {"space": ID, "address": ID})
STATE = tuple(ContactState.model_fields)
"""The columns of `ContactState`."""
DOCUMENTS = ("tags", "custom")
ASSIGNED = ("assigned_user_id", "assigned_group_id")
DESCRIPTION = tuple(name for name in STATE if name not in (*DOCUMENTS, *ASSIGNED))
"""The columns that say who a contact is."""


MEMBERSHIP = and_(
    LIST_MEMBER.c.workspace_id == CONTACT.c.workspace_id,
    LIST_MEMBER.c.owner_id == CONTACT.c.id,
    is_first_of_owner(),
)
"""How a contact finds its rows in lists, one for each list."""


class Identity(NamedTuple):
    """An address, normalised, as it is known on one channel."""

    channel: ChannelKind
    space: AddressSpace
    address: str

    @property
    def space_and_address(self) -> tuple[str, str]:
        """Where the address is unique, and the address."""
        return self.space, self.address


@dataclass(frozen=True)
class NewContact:
    """A contact to create; `fields` are columns of its row, those left out are empty."""

    id: str
    identities: Sequence[Identity]
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SeenIdentity:
    """An identity that was met, with the contact that holds its address and that one's root."""

    identity: Identity
    contact_id: str
    owner_id: str


def is_on_channel(channel: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition of a contact that is known on a channel."""
    on_channel = select(IDENTITY.c.owner_id).where(
        IDENTITY.c.workspace_id == CONTACT.c.workspace_id,
        IDENTITY.c.owner_id == CONTACT.c.id,
        IDENTITY.c.channel == channel,
    )
    return on_channel.exists()


def has_name_like(pattern: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition of a contact with a name that matches a pattern of `containing`."""
    return CONTACT.c.name_searchable.like(pattern, escape="/")


def containing(part: str) -> str:
    """The pattern of the texts that contain a part, whatever its case and accents."""
    escaped = re.sub("([%_/])", r"/\1", searchable(part))
    return f"%{escaped}%"


def has_address(space: ColumnElement[Any], address: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition of the live contact that an address leads to."""
    holder = CONTACT.alias("holder")
    roots = (
        select(holder.c.root_id)
        .join(
            ADDRESS,
            and_(
                ADDRESS.c.workspace_id == holder.c.workspace_id,
                ADDRESS.c.contact_id == holder.c.id,
            ),
        )
        .where(
            ADDRESS.c.workspace_id == CONTACT.c.workspace_id,
            ADDRESS.c.space == space,
            ADDRESS.c.address == address,
        )
    )
    return CONTACT.c.id == roots.correlate(CONTACT).scalar_subquery()


def _holding(dialect_name: str) -> Select[Any]:
    named = ADDRESSES.table(dialect_name)
    holds = and_(
        ADDRESS.c.workspace_id == bindparam("workspace_id"),
        ADDRESS.c.space == named.c.space,
        ADDRESS.c.address == named.c.address,
    )
    columns = (ADDRESS.c.space, ADDRESS.c.address, ADDRESS.c.contact_id)
    return select(*columns).select_from(named).join(ADDRESS, holds)


HOLDERS = Query(_holding, (ADDRESSES,))


def holders_of(rows: Iterable[Row]) -> dict[tuple[str, str], str]:
    """The contact that holds each (space, address), where `HOLDERS` found one.

    It may have been merged since: `lock_roots` or `find_roots` lead to its root.
    """
    return {(space, address): contact_id for space, address, contact_id in rows}


def _locking(dialect_name: str) -> Select[Any]:
    """Who holds addresses; those contacts and others by id, with their roots; the roots, locked."""
    named = MET.table(dialect_name)
    in_workspace: BindParameter[str] = bindparam("workspace_id")
    holds = and_(
        ADDRESS.c.workspace_id == in_workspace,
        ADDRESS.c.space == named.c.space,
        ADDRESS.c.address == named.c.address,
    )
    met = and_(
        IDENTITY.c.workspace_id == in_workspace,
        IDENTITY.c.channel == named.c.channel,
        IDENTITY.c.address == named.c.address,
    )
    holder = (
        select(ADDRESS.c.contact_id, named, IDENTITY.c.channel.label("met_on"))
        .select_from(named)
        .join(ADDRESS, holds)
        .outerjoin(IDENTITY, met)
        .cte("holder")
    )
    wanted = union(select(IDS.table(dialect_name).c.id), select(holder.c.contact_id)).cte("known")
    belongs = and_(MEMBER.c.workspace_id == in_workspace, MEMBER.c.id == wanted.c.id)
    member = (
        select(MEMBER.c.id, MEMBER.c.root_id)
        .select_from(wanted)
        .join(MEMBER, belongs)
        .cte("member_of")
    )
    locked = (
        select(CONTACT.c.id, CONTACT.c.root_id, CONTACT.c.erased_at)
        .where(CONTACT.c.workspace_id == in_workspace, CONTACT.c.id.in_(select(member.c.root_id)))
        .order_by(CONTACT.c.id)
        .with_for_update(key_share=True)
        .cte("locked")
    )
    empty: ColumnElement[str | None] = literal_column("NULL")
    parts = (
        select(literal_column(f"'{_HOLDER}'").label("what"), *holder.c),
        select(literal_column(f"'{_MEMBER}'"), member.c.id, member.c.root_id, *[empty] * 3),
        # All are locked; told are those that are roots no more, and those that are erased.
        select(literal_column(f"'{_LOCKED}'"), locked.c.id, locked.c.root_id, *[empty] * 3).where(
            or_(locked.c.id != locked.c.root_id, locked.c.erased_at.is_not(None))
        ),
    )
    return select(union_all(*parts).subquery())


_HOLDER, _MEMBER, _LOCKED = "H", "M", "L"
LOCKED_CONTACTS = Query(_locking, (MET, IDS))
"""Finds contacts by identity and by id and locks their roots, in id order, in one statement."""


@dataclass(frozen=True)
class LockedContacts:
    """The holder of each (space, address) that is held, and the root of each known contact.

    `met` are the identities that are noted already. `settled` is false where a root was merged
    while it was waited for: `lock_roots` goes on. `erased` are roots that are erased.
    """

    holders: Mapping[tuple[str, str], str]
    met: Collection[Identity]
    roots: dict[str, str]
    settled: bool
    erased: Collection[str] = ()


def locked_contacts_of(rows: Iterable[Row]) -> LockedContacts:
    """What `LOCKED_CONTACTS` found."""
    holders: dict[tuple[str, str], str] = {}
    met: set[Identity] = set()
    roots: dict[str, str] = {}
    settled = True
    erased: set[str] = set()
    for what, contact_id, second, space, address, met_on in rows:
        if what == _HOLDER:
            holders[space, address] = contact_id
            if met_on is not None:
                met.add(Identity(met_on, space, address))
        elif what == _MEMBER:
            roots[contact_id] = second
        elif contact_id == second:
            erased.add(contact_id)
        else:
            settled = False
    return LockedContacts(holders, met, roots, settled, erased)


async def find_roots(
    connection: AsyncConnection, workspace_id: str, ids: Collection[str]
) -> dict[str, str]:
    """The root of each contact that the workspace has."""
    if not ids:
        return {}
    rows = await connection.execute(
        select(CONTACT.c.id, CONTACT.c.root_id).where(
            CONTACT.c.workspace_id == workspace_id, CONTACT.c.id.in_(sorted(set(ids)))
        )
    )
    return {row.id: row.root_id for row in rows}


async def lock_roots(
    connection: AsyncConnection, workspace_id: str, contact_ids: Collection[str]
) -> dict[str, str]:
    """Locks the roots of contacts, in id order, and returns the root of each known contact.

    Whoever decides on a contact's sessions, identities or merge holds this lock. Take it before
    anything is inserted and before the ledger's head. A root that was merged while we waited
    for it sends us on to its own root; usually one statement is enough.
    """
    wanted = set(contact_ids)
    locked: set[str] = set()
    while wanted:
        held = await _lock_present_roots(connection, workspace_id, wanted)
        if all(held.get(each) == each for each in wanted):
            return dict(zip(wanted, wanted, strict=True))
        locked |= held.keys()
        roots = await find_roots(connection, workspace_id, wanted)
        if locked.issuperset(roots.values()):
            return roots
    return {}


async def settled_roots(
    connection: AsyncConnection, workspace_id: str, locked: LockedContacts
) -> tuple[dict[str, str], Collection[str]]:
    """The root of each contact that `LOCKED_CONTACTS` found, locked, whatever came in between.

    With those of the roots that are erased. A root that was merged while it was waited for shows
    that it was. One that a merge was undone under does not: contacts that were members of another
    are looked at again.
    """
    members = {id: root for id, root in locked.roots.items() if id != root}
    if locked.settled and await find_roots(connection, workspace_id, members) == members:
        return locked.roots, locked.erased
    roots = await lock_roots(connection, workspace_id, locked.roots.keys())
    return roots, await find_erased(connection, workspace_id, roots.values())


async def find_erased(
    connection: AsyncConnection, workspace_id: str, ids: Collection[str]
) -> set[str]:
    """Those of some contacts that are erased."""
    statement = select(CONTACT.c.id).where(
        CONTACT.c.workspace_id == workspace_id,
        CONTACT.c.id.in_(sorted(set(ids))),
        CONTACT.c.erased_at.is_not(None),
    )
    return set((await connection.execute(statement)).scalars())


async def _lock_present_roots(
    connection: AsyncConnection, workspace_id: str, ids: Collection[str]
) -> dict[str, str]:
    """Locks what is the root of the contacts now; its own `root_id` is read under the lock."""
    roots = select(MEMBER.c.root_id).where(
        MEMBER.c.workspace_id == workspace_id, MEMBER.c.id.in_(sorted(ids))
    )
    rows = await connection.execute(
        select(CONTACT.c.id, CONTACT.c.root_id)
        .where(CONTACT.c.workspace_id == workspace_id, CONTACT.c.id.in_(roots))
        .order_by(CONTACT.c.id)
        .with_for_update(key_share=True)
    )
    return {row.id: row.root_id for row in rows}


def creating(at: datetime, contacts: Sequence[NewContact]) -> list[Writing]:
    """Adds contacts with their addresses and identities.

    Losing an address to a concurrent writer is a violation of its unique key, on which
    `Database.write` decides again from the start and then finds the winner: give it a `ClaimLock`.
    """
    empty = {**dict.fromkeys(CONTACT.c.keys()), "tags": "[]", "custom": "{}"}
    rows = [
        {
            **empty,
            **_as_cells(contact.fields),
            "id": contact.id,
            "root_id": contact.id,
            "name_searchable": _name_searchable(contact.fields),
            "created_at": at,
            "updated_at": at,
        }
        for contact in contacts
    ]
    seen = [
        SeenIdentity(identity, contact.id, contact.id)
        for contact in contacts
        for identity in contact.identities
    ]
    return [(_NEW_CONTACTS, rows), *claiming(at, seen)]


def claiming(at: datetime, seen: Sequence[SeenIdentity]) -> list[Writing]:
    """Gives addresses that nobody holds to contacts, with the identities they were met by.

    The addresses go in in sorted order, so that two writers cannot wait for each other.
    """
    holders = {each.identity.space_and_address: each.contact_id for each in seen}
    rows = [
        {"space": space, "address": address, "contact_id": contact_id}
        for (space, address), contact_id in sorted(holders.items())
    ]
    return [(_NEW_ADDRESSES, rows), meeting(at, seen)]


def meeting(at: datetime, seen: Sequence[SeenIdentity]) -> Writing:
    """Notes the channels on which held addresses were met; those noted before stay as they are."""
    rows = [
        {
            "channel": each.identity.channel,
            "address": each.identity.address,
            "space": each.identity.space,
            "contact_id": each.contact_id,
            "owner_id": each.owner_id,
            "created_at": at,
        }
        for each in sorted(seen, key=lambda each: each.identity)
    ]
    return _MET_IDENTITIES, rows


_NEW_CONTACTS = bulk_insert(CONTACT)
_NEW_ADDRESSES = bulk_insert(ADDRESS)
_MET_IDENTITIES = bulk_insert(IDENTITY, on_conflict=lambda insert: insert.on_conflict_do_nothing())


def describing(at: datetime, rows: Iterable[Mapping[str, Any]]) -> Writing:
    """Writes the state of contacts: rows of `STATE` with `id`, since when it is so as `from_at`."""
    return _DESCRIBED, [
        {
            **_as_cells({name: row[name] for name in STATE}),
            "id": row["id"],
            "name_searchable": _name_searchable(row),
            "described_at": row["from_at"],
            "updated_at": at,
        }
        for row in rows
    ]


def _describe(_: str, cells: Cells, __: Any) -> Update:
    return (
        update(CONTACT)
        .where(CONTACT.c.workspace_id == cells["workspace_id"], CONTACT.c.id == cells["id"])
        .values({name: cells[name] for name in _DESCRIBED_COLUMNS})
    )


_DESCRIBED_COLUMNS = (*STATE, "name_searchable", "described_at", "updated_at")
_DESCRIBED = BulkWrite(
    {name: CONTACT.c[name].type for name in ("id", *_DESCRIBED_COLUMNS)}, _describe
)


def _as_cells(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of a contact as they are written in bulk: JSON as its text."""
    texts = {name: json.dumps(fields[name]) for name in DOCUMENTS if name in fields}
    return {**fields, **texts}


def _name_searchable(row: Mapping[str, Any]) -> str:
    """Every name of a contact as a search sees it."""
    names = (row.get(name) for name in ("display_name", "first_name", "last_name"))
    return searchable("\n".join(name for name in names if name))


async def find_identities(
    connection: AsyncConnection, workspace_id: str, root_ids: Collection[str]
) -> dict[str, set[Identity]]:
    """Every identity that belongs to each of the roots."""
    found: dict[str, set[Identity]] = {root_id: set() for root_id in root_ids}
    if not found:
        return found
    columns = (IDENTITY.c.owner_id, IDENTITY.c.channel, IDENTITY.c.space, IDENTITY.c.address)
    rows = await connection.execute(
        select(*columns).where(
            IDENTITY.c.workspace_id == workspace_id, IDENTITY.c.owner_id.in_(sorted(root_ids))
        )
    )
    for owner_id, channel, space, address in rows:
        found[owner_id].add(Identity(ChannelKind(channel), AddressSpace(space), address))
    return found
