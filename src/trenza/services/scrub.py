"""Scrubbing after erasures and retention, and saying so on the certificates."""

from collections.abc import Sequence

from trenza.services.dependencies import Dependencies
from trenza.storage.engine import AsyncConnection
from trenza.storage.erasure import mark_scrubbed
from trenza.storage.scrub import scrub


async def scrub_database(dependencies: Dependencies, workspace_ids: Sequence[str]) -> int:
    """Takes what was deleted out of the database's files; how many certificates say so now.

    It is done for the whole database; `workspace_ids` are all of it. For the operator of the
    database, who needs no key. Raises NotScrubbedError, and then no certificate says anything.
    """
    begun_at = dependencies.clock.now()
    await scrub(dependencies.database)
    marked = 0
    for workspace_id in workspace_ids:

        async def work(connection: AsyncConnection, workspace_id: str = workspace_id) -> int:
            at = dependencies.clock.now()
            return await mark_scrubbed(connection, workspace_id, begun_at, at)

        marked += await dependencies.database.write(work, workspace_id)
    return marked
