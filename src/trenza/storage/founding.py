"""Queries that found a workspace, and those that find out which there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.storage.interactionz import LedgerHead
from trenza.storage.workspace import CONTRACT, PLAN, WORKSPACE

HEAD = LedgerHead.__table__


@dataclass(frozen=True, slots=True)
class WorkspaceName:
    """A workspace as the command line shows it."""

    id: str
    name: str


async def list_workspaces(connection: AsyncConnection) -> list[WorkspaceName]:
    """Every workspace of the database, the oldest first: for its operator, not for clients."""
    rows = await connection.execute(
        select(WORKSPACE.c.workspace_id, WORKSPACE.c.name).order_by(
            WORKSPACE.c.created_at, WORKSPACE.c.workspace_id
        )
    )
    return [WorkspaceName(*row) for row in rows]


async def insert_workspace(
    connection: AsyncConnection,
    workspace: Mapping[str, Any],
    plans: Sequence[Mapping[str, Any]],
    contract: Mapping[str, Any],
) -> None:
    """Adds a workspace with its catalogue of plans, its contract and an empty ledger."""
    await connection.execute(insert(WORKSPACE), dict(workspace))
    await connection.execute(insert(PLAN), [dict(plan) for plan in plans])
    await connection.execute(insert(CONTRACT), dict(contract))
    await connection.execute(
        insert(HEAD),
        {
            "workspace_id": workspace["workspace_id"],
            "sequence": 0,
            "recorded_at": workspace["created_at"],
        },
    )
