"""Checkpoints of the ledger, kept as it grows: they change what a balance costs, never what it is.

Dropped ones are made again by those who append, some at a time, or all at once by
`rebuild_checkpoints`.
"""

from collections.abc import AsyncGenerator

from trenza.services.dependencies import Dependencies
from trenza.services.difference import Difference
from trenza.storage.checkpoint import (
    count_totals,
    delete_checkpoints,
    find_checkpoint,
    insert_checkpoint,
    list_checkpoints,
    list_totals,
)
from trenza.storage.engine import AsyncConnection
from trenza.storage.ledger import lock_head

ROWS = 512
"""Rows from one checkpoint to the next, unless more were appended at once."""
CAUGHT_UP_AT_MOST = 4 * ROWS
"""Earlier rows that an append covers beside its own, where checkpoints were dropped."""


async def extend_checkpoints(
    connection: AsyncConnection, workspace_id: str, before: int, after: int
) -> None:
    """Adds the checkpoint that is due when the ledger grows from one sequence to another.

    The caller holds the lock of the ledger's head. Most appends reach no checkpoint and cost no
    statement; one that does costs two, however many rows it has.
    """
    due = after - after % ROWS
    if due <= before:
        return
    covered = await find_checkpoint(connection, workspace_id)
    until = min(due, covered + after - before + CAUGHT_UP_AT_MOST)
    if until > covered:
        await insert_checkpoint(connection, workspace_id, covered, until)


async def rebuild_checkpoints(dependencies: Dependencies, workspace_id: str) -> int:
    """Drops a workspace's checkpoints and makes them again; returns how many rows they cover.

    Answers stay the same meanwhile, and others go on writing.
    """

    async def drop(connection: AsyncConnection) -> int:
        head = await lock_head(connection, workspace_id)
        await delete_checkpoints(connection, workspace_id)
        return head.sequence

    async def extend(connection: AsyncConnection) -> int:
        await lock_head(connection, workspace_id)
        covered = await find_checkpoint(connection, workspace_id)
        if covered + ROWS <= last:
            await insert_checkpoint(connection, workspace_id, covered, covered + ROWS)
        return covered + ROWS

    last = await dependencies.database.write(drop, workspace_id)
    covered = 0
    while covered + ROWS <= last:
        covered = await dependencies.database.write(extend, workspace_id)
    return covered


async def verify_checkpoints(
    connection: AsyncConnection, workspace_id: str
) -> AsyncGenerator[Difference, None]:
    """The totals that are not what the rows of the ledger give."""
    after = rows = 0
    for sequence in await list_checkpoints(connection, workspace_id):
        for total in await list_totals(connection, workspace_id, after, sequence):
            rows += 1
            if total.found != total.expected:
                subject = f"the checkpoint at ledger row {sequence}"
                what = f"net of {total.period or 'all of time'}"
                yield Difference(subject, what, total.expected, total.found)
        after = sequence
    found = await count_totals(connection, workspace_id)
    if found != rows:
        yield Difference("the checkpoints", "rows", rows, found)
