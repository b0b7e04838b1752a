"""A workspace's rules for shared identities, and the addresses that identify nobody."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, delete, select
from sqlalchemy import Table as SQLTable
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import Field

from trenza.domain.channel import AddressSpace
from trenza.domain.merge import DEFAULT_POLICY, IdentityPolicy, MergeDirection
from trenza.storage.bulk import Query
from trenza.storage.columns import DOCUMENT, ID, Table, belongs_to_workspace, key, symbol
from trenza.storage.dialect import RowsParameter, upsert


class WorkspaceIdentityPolicy(Table, table=True):
    """The rules that a workspace has set; without a row it has the default ones."""

    __table_args__ = (belongs_to_workspace(),)

    workspace_id: str = key()
    merge_on_shared_identity: bool
    direction: str = symbol()
    priority: list[str] = Field(sa_type=DOCUMENT)
    identities_max: int
    space_limits: dict[str, int] = Field(sa_type=DOCUMENT)
    updated_at: datetime


class BlockedAddress(Table, table=True):
    """An address of many people, such as a switchboard: it tells of nobody who it is."""

    __table_args__ = (belongs_to_workspace(),)

    workspace_id: str = key()
    space: str = key()
    address: str = key()
    note: str | None = None
    blocked_at: datetime
    blocked_by_key_id: str | None = symbol(default=None)
    blocked_by_user_id: str | None = symbol(default=None)


POLICY: SQLTable = WorkspaceIdentityPolicy.__table__
BLOCKED: SQLTable = BlockedAddress.__table__
_RULES = [column.name for column in POLICY.c if column.name not in ("workspace_id", "updated_at")]
_MAYBE_BLOCKED = RowsParameter("maybe_blocked", {"space": ID, "address": ID})


def _rules(_: str) -> Select[Any]:
    rules = [POLICY.c[name] for name in _RULES]
    return select(*rules).where(POLICY.c.workspace_id == bindparam("workspace_id"))


def _blocked(dialect_name: str) -> Select[Any]:
    named = _MAYBE_BLOCKED.table(dialect_name)
    blocks = and_(
        BLOCKED.c.workspace_id == bindparam("workspace_id"),
        BLOCKED.c.space == named.c.space,
        BLOCKED.c.address == named.c.address,
    )
    columns = (BLOCKED.c.space, BLOCKED.c.address)
    return select(*columns).select_from(named).join(BLOCKED, blocks)


ASKED_POLICY = Query(_rules)
BLOCKED_AMONG = Query(_blocked, (_MAYBE_BLOCKED,))
"""Those of some (space, address) that are blocked."""


def policy_of(rows: Sequence[Sequence[Any]]) -> IdentityPolicy:
    """The rules from what `ASKED_POLICY` found."""
    if not rows:
        return DEFAULT_POLICY
    row = dict(zip(_RULES, rows[0], strict=True))
    return IdentityPolicy(
        merge_on_shared_identity=bool(row["merge_on_shared_identity"]),
        direction=MergeDirection(row["direction"]),
        priority=tuple(map(AddressSpace, _document(row["priority"]))),
        identities_max=row["identities_max"],
        space_limits={
            AddressSpace(space): most for space, most in _document(row["space_limits"]).items()
        },
    )


def _document(cell: Any) -> Any:
    """A JSON value; what is asked past SQLAlchemy comes as text on PostgreSQL."""
    return json.loads(cell) if isinstance(cell, str) else cell


def policy_columns(policy: IdentityPolicy) -> dict[str, Any]:
    """The rules as columns."""
    return {
        "merge_on_shared_identity": policy.merge_on_shared_identity,
        "direction": policy.direction.value,
        "priority": [space.value for space in policy.priority],
        "identities_max": policy.identities_max,
        "space_limits": {space.value: most for space, most in policy.space_limits.items()},
    }


async def put_policy(
    connection: AsyncConnection, workspace_id: str, policy: IdentityPolicy, at: datetime
) -> None:
    """Sets the rules of a workspace."""
    columns = {**policy_columns(policy), "updated_at": at}
    statement = upsert(connection, POLICY).values(workspace_id=workspace_id, **columns)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["workspace_id"], set_=columns)
    )


async def put_blocked(connection: AsyncConnection, row: Mapping[str, Any]) -> bool:
    """Blocks an address; false where it was blocked before, and that stays as it is."""
    statement = upsert(connection, BLOCKED).values(**row).on_conflict_do_nothing()
    return bool((await connection.execute(statement)).rowcount)


async def delete_blocked(
    connection: AsyncConnection, workspace_id: str, space: AddressSpace, address: str
) -> bool:
    """Takes the block from an address; whether there was one."""
    statement = delete(BLOCKED).where(
        BLOCKED.c.workspace_id == workspace_id,
        BLOCKED.c.space == space,
        BLOCKED.c.address == address,
    )
    return bool((await connection.execute(statement)).rowcount)
