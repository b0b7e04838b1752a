"""Groups of agents and who is in them: tables and queries."""

from collections.abc import Collection, Mapping
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
    insert,
    select,
    update,
)
from sqlalchemy import Table as SQLTable
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.storage.bulk import Writing, bulk_insert
from trenza.storage.columns import Table, belongs_to_workspace, key, references
from trenza.storage.contact import CONTACT
from trenza.storage.seat import USER


class AgentGroup(Table, table=True):
    """People who attend together; a contact can be assigned to them."""

    __table_args__ = (
        belongs_to_workspace(),
        UniqueConstraint("workspace_id", "name"),
        Index(None, "workspace_id", "created_at", "id"),
    )

    workspace_id: str = key()
    id: str = key()
    name: str
    created_at: datetime


class GroupMember(Table, table=True):
    """A user in a group."""

    __table_args__ = (
        belongs_to_workspace(),
        references("group_id", "agent_group"),
        references("user_id", "workspace_user"),
        Index(None, "workspace_id", "user_id", "group_id"),
    )

    workspace_id: str = key()
    group_id: str = key()
    user_id: str = key()
    added_at: datetime


GROUP: SQLTable = AgentGroup.__table__
MEMBER: SQLTable = GroupMember.__table__

MEMBER_IS_USER = and_(MEMBER.c.workspace_id == USER.c.workspace_id, MEMBER.c.user_id == USER.c.id)
MEMBER_OF_GROUP = and_(
    MEMBER.c.workspace_id == GROUP.c.workspace_id, MEMBER.c.group_id == GROUP.c.id
)

_JOINING = bulk_insert(MEMBER, on_conflict=lambda insert: insert.on_conflict_do_nothing())


def is_in_group(group_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition of a user who is in a group."""
    return (
        select(MEMBER.c.user_id)
        .where(
            MEMBER.c.workspace_id == USER.c.workspace_id,
            MEMBER.c.user_id == USER.c.id,
            MEMBER.c.group_id == group_id,
        )
        .exists()
    )


async def lock_group(
    connection: AsyncConnection, workspace_id: str, group_id: str
) -> RowMapping | None:
    """One group by id, locked: whoever changes a group or its members holds this lock."""
    statement = (
        select(GROUP)
        .where(GROUP.c.workspace_id == workspace_id, GROUP.c.id == group_id)
        .with_for_update()
    )
    return (await connection.execute(statement)).mappings().one_or_none()


async def has_group_named(connection: AsyncConnection, workspace_id: str, name: str) -> bool:
    """Whether a group of the workspace has a name."""
    statement = select(GROUP.c.id).where(GROUP.c.workspace_id == workspace_id, GROUP.c.name == name)
    return (await connection.execute(statement)).first() is not None


async def insert_group(connection: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Adds one group; its name is unique within the workspace."""
    await connection.execute(insert(GROUP), dict(row))


async def rename(connection: AsyncConnection, workspace_id: str, group_id: str, name: str) -> None:
    """Gives a group another name."""
    await connection.execute(
        update(GROUP)
        .where(GROUP.c.workspace_id == workspace_id, GROUP.c.id == group_id)
        .values(name=name)
    )


async def find_members(connection: AsyncConnection, workspace_id: str, group_id: str) -> set[str]:
    """The ids of the users in a group."""
    rows = await connection.execute(
        select(MEMBER.c.user_id).where(
            MEMBER.c.workspace_id == workspace_id, MEMBER.c.group_id == group_id
        )
    )
    return set(rows.scalars())


def joining(at: datetime, group_id: str, user_ids: Collection[str]) -> Writing:
    """Puts users into a group."""
    rows = [{"group_id": group_id, "user_id": id, "added_at": at} for id in sorted(user_ids)]
    return _JOINING, rows


async def remove_members(
    connection: AsyncConnection, workspace_id: str, group_id: str, user_ids: Collection[str]
) -> None:
    """Takes users out of a group."""
    await connection.execute(
        delete(MEMBER).where(
            MEMBER.c.workspace_id == workspace_id,
            MEMBER.c.group_id == group_id,
            MEMBER.c.user_id.in_(sorted(user_ids)),
        )
    )


async def count_assigned(connection: AsyncConnection, workspace_id: str, group_id: str) -> int:
    """How many contacts are assigned to a group."""
    counted = select(func.count()).where(
        CONTACT.c.workspace_id == workspace_id, CONTACT.c.assigned_group_id == group_id
    )
    found: int = (await connection.execute(counted)).scalar_one()
    return found


async def find_assigned(
    connection: AsyncConnection, workspace_id: str, group_id: str, limit: int
) -> list[str]:
    """The ids of some of the contacts that are assigned to a group."""
    statement = (
        select(CONTACT.c.id)
        .where(CONTACT.c.workspace_id == workspace_id, CONTACT.c.assigned_group_id == group_id)
        .limit(limit)
    )
    return list((await connection.execute(statement)).scalars())


async def share_groups(
    connection: AsyncConnection, workspace_id: str, ids: Collection[str]
) -> set[str]:
    """Those of the ids that a group has, which stays until the transaction ends."""
    if not ids:
        return set()
    statement = select(GROUP.c.id).where(
        GROUP.c.workspace_id == workspace_id, GROUP.c.id.in_(sorted(ids))
    )
    rows = await connection.execute(statement.with_for_update(read=True, key_share=True))
    return set(rows.scalars())


async def delete_group(connection: AsyncConnection, workspace_id: str, group_id: str) -> None:
    """Removes a group and who is in it."""
    await connection.execute(
        delete(MEMBER).where(MEMBER.c.workspace_id == workspace_id, MEMBER.c.group_id == group_id)
    )
    await connection.execute(
        delete(GROUP).where(GROUP.c.workspace_id == workspace_id, GROUP.c.id == group_id)
    )
