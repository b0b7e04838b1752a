"""Lists of contacts and who is in them: tables and queries."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Index,
    RowMapping,
    UniqueConstraint,
    and_,
    delete,
    func,
    select,
    update,
)
from sqlalchemy import Table as SQLTable
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.storage.bulk import Writing, bulk_insert
from trenza.storage.columns import Table, belongs_to_workspace, key, references, symbol


class ContactList(Table, table=True):
    """A static list, under a name that no other list of the workspace has."""

    __table_args__ = (
        belongs_to_workspace(),
        UniqueConstraint("workspace_id", "name"),
        Index(None, "workspace_id", "created_at", "id"),
    )

    workspace_id: str = key()
    id: str = key()
    name: str
    created_at: datetime
    updated_at: datetime


class ContactListMember(Table, table=True):
    """A contact that was put into a list, by a key and, where it is a person's, by whom.

    After a merge several rows of a list may have the same owner, who is in it once.
    """

    __table_args__ = (
        belongs_to_workspace(),
        references("list_id", "contact_list"),
        references("contact_id", "contact"),
        references("owner_id", "contact"),
        Index(None, "workspace_id", "owner_id", "list_id"),
    )

    workspace_id: str = key()
    list_id: str = key()
    contact_id: str = key()
    owner_id: str = symbol()
    added_at: datetime
    key_id: str | None = symbol(default=None)
    user_id: str | None = symbol(default=None)


LIST: SQLTable = ContactList.__table__
LIST_MEMBER: SQLTable = ContactListMember.__table__
_FIRST = LIST_MEMBER.alias("first_of_owner")


def is_first_of_owner() -> ColumnElement[bool]:
    """The condition of a member's row that stands for its owner, of several that say the same."""
    earlier = select(_FIRST.c.contact_id).where(
        _FIRST.c.workspace_id == LIST_MEMBER.c.workspace_id,
        _FIRST.c.owner_id == LIST_MEMBER.c.owner_id,
        _FIRST.c.list_id == LIST_MEMBER.c.list_id,
        _FIRST.c.contact_id < LIST_MEMBER.c.contact_id,
    )
    return ~earlier.correlate(LIST_MEMBER).exists()


LIST_OF_MEMBER = and_(
    LIST_MEMBER.c.workspace_id == LIST.c.workspace_id,
    LIST_MEMBER.c.list_id == LIST.c.id,
    is_first_of_owner(),
)
"""How a list finds its members' rows, one for each owner."""


def in_list(contact: SQLTable) -> Any:
    """What makes of the operand of a list's id the condition of a contact that is in it."""

    def condition(list_id: ColumnElement[Any]) -> ColumnElement[bool]:
        member = select(LIST_MEMBER.c.owner_id).where(
            LIST_MEMBER.c.workspace_id == contact.c.workspace_id,
            LIST_MEMBER.c.owner_id == contact.c.id,
            LIST_MEMBER.c.list_id == list_id,
        )
        return member.exists()

    return condition


_NEW_LISTS = bulk_insert(LIST)
_NEW_MEMBERS = bulk_insert(LIST_MEMBER, on_conflict=lambda insert: insert.on_conflict_do_nothing())


def listing(row: Mapping[str, Any]) -> Writing:
    """Adds a list."""
    return _NEW_LISTS, [row]


def adding(rows: Sequence[Mapping[str, Any]]) -> Writing:
    """Puts contacts into lists; those that are there stay as they are."""
    return _NEW_MEMBERS, rows


async def find_list(
    connection: AsyncConnection, workspace_id: str, list_id: str
) -> RowMapping | None:
    """A list by id, locked: its name and members are changed by one writer at a time."""
    rows = await connection.execute(
        select(LIST)
        .where(LIST.c.workspace_id == workspace_id, LIST.c.id == list_id)
        .with_for_update(key_share=True)
    )
    return rows.mappings().one_or_none()


async def find_list_named(connection: AsyncConnection, workspace_id: str, name: str) -> str | None:
    """The id of the list that has a name."""
    rows = await connection.execute(
        select(LIST.c.id).where(LIST.c.workspace_id == workspace_id, LIST.c.name == name)
    )
    return rows.scalar_one_or_none()


async def count_lists(connection: AsyncConnection, workspace_id: str) -> int:
    """How many lists there are."""
    rows = await connection.execute(
        select(func.count()).select_from(LIST).where(LIST.c.workspace_id == workspace_id)
    )
    return rows.scalar_one()


async def rename_list(
    connection: AsyncConnection, workspace_id: str, list_id: str, name: str, at: datetime
) -> None:
    """Gives a list another name."""
    await connection.execute(
        update(LIST)
        .where(LIST.c.workspace_id == workspace_id, LIST.c.id == list_id)
        .values(name=name, updated_at=at)
    )


async def delete_list(connection: AsyncConnection, workspace_id: str, list_id: str) -> int:
    """Removes a list and answers how many rows of members went with it; contacts stay."""
    gone = await connection.execute(
        delete(LIST_MEMBER).where(
            LIST_MEMBER.c.workspace_id == workspace_id, LIST_MEMBER.c.list_id == list_id
        )
    )
    await connection.execute(
        delete(LIST).where(LIST.c.workspace_id == workspace_id, LIST.c.id == list_id)
    )
    return gone.rowcount


async def find_members(
    connection: AsyncConnection, workspace_id: str, list_id: str, owner_ids: Collection[str]
) -> set[str]:
    """Those of the contacts that are in a list."""
    if not owner_ids:
        return set()
    rows = await connection.execute(
        select(LIST_MEMBER.c.owner_id).where(
            LIST_MEMBER.c.workspace_id == workspace_id,
            LIST_MEMBER.c.list_id == list_id,
            LIST_MEMBER.c.owner_id.in_(sorted(owner_ids)),
        )
    )
    return set(rows.scalars())


async def remove_members(
    connection: AsyncConnection, workspace_id: str, list_id: str, owner_ids: Collection[str]
) -> None:
    """Takes contacts out of a list."""
    if owner_ids:
        await connection.execute(
            delete(LIST_MEMBER).where(
                LIST_MEMBER.c.workspace_id == workspace_id,
                LIST_MEMBER.c.list_id == list_id,
                LIST_MEMBER.c.owner_id.in_(sorted(owner_ids)),
            )
        )


async def count_members(
    connection: AsyncConnection, workspace_id: str, list_ids: Iterable[str]
) -> dict[str, int]:
    """How many contacts are in each list; a list without one is left out."""
    rows = await connection.execute(
        select(LIST_MEMBER.c.list_id, func.count(LIST_MEMBER.c.owner_id.distinct()))
        .where(
            LIST_MEMBER.c.workspace_id == workspace_id,
            LIST_MEMBER.c.list_id.in_(sorted(set(list_ids))),
        )
        .group_by(LIST_MEMBER.c.list_id)
    )
    return {row[0]: row[1] for row in rows}
