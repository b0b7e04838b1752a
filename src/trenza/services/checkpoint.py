"""Checkpoints of the ledger, kept as it grows: they change what a balance costs, never what it is.

Dropped ones are made again by those who append, some at a time, or all at once by
`rebuild_checkpoints`.
"""

from trenza.services.dependencies import Dependencies
from trenza.storage.checkpoint import delete_checkpoints, find_checkpoint, insert_checkpoint
from trenza.storage.engine import AsyncConnection
from trenza.storage.ledger import lock_head

ROWS = 512
"""Rows from one checkpoint to the next: what a reader counts by itself, at most."""
CAUGHT_UP_AT_MOST = 4
"""Checkpoints that one append makes beyond those of its own rows, where earlier ones lack."""


async def extend_checkpoints(
    connection: AsyncConnection, workspace_id: str, before: int, after: int
) -> None:
    """Adds the checkpoints that are due when the ledger grows from one sequence to another.

    The caller holds the lock of the ledger's head. Most appends reach no checkpoint and cost no
    statement.
    """
    due = after // ROWS - before // ROWS
    if due:
        await _extend(connection, workspace_id, after, due + CAUGHT_UP_AT_MOST)


async def rebuild_checkpoints(dependencies: Dependencies, workspace_id: str) -> int:
    """Drops a workspace's checkpoints and makes them again; returns how many rows they cover.

    Answers stay the same meanwhile, and others go on writing.
    """

    async def drop(connection: AsyncConnection) -> int:
        head = await lock_head(connection, workspace_id)
        await delete_checkpoints(connection, workspace_id)
        return head.sequence

    async def extend(connection: AsyncConnection) -> int:
        head = await lock_head(connection, workspace_id)
        return await _extend(connection, workspace_id, head.sequence, CAUGHT_UP_AT_MOST)

    last = await dependencies.database.write(drop)
    covered = 0
    while covered + ROWS <= last:
        covered = await dependencies.database.write(extend)
    return covered


async def _extend(connection: AsyncConnection, workspace_id: str, last: int, at_most: int) -> int:
    """Adds up to so many checkpoints to the last row; returns the sequence that is covered."""
    covered = await find_checkpoint(connection, workspace_id)
    for _ in range(at_most):
        if covered + ROWS > last:
            break
        await insert_checkpoint(connection, workspace_id, covered, covered + ROWS)
        covered += ROWS
    return covered
