"""Retention: what is older than a workspace keeps it becomes a skeleton, some at a time.

Each part is a transaction of its own and leaves things whole: whoever ends it in the middle loses
nothing, and the next one goes on. The ledger, the sessions, the statements and the log of consent
of those who are not erased stay.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from trenza.domain.access import Verb, Viewer
from trenza.domain.erasure import RETENTION_MONTHS_MAX, head_of, months_before
from trenza.domain.errors import InvalidInput
from trenza.services.activity import note_of
from trenza.services.dependencies import Dependencies
from trenza.services.skeleton import empty_quarantine, share_secret, strip_interactions
from trenza.storage.bulk import write_all
from trenza.storage.contact import lock_roots
from trenza.storage.engine import AsyncConnection
from trenza.storage.interaction import Stretch
from trenza.storage.retention import (
    CLEARED,
    Clearing,
    Old,
    clear_some,
    count_old,
    find_retention,
    list_old,
    list_old_quarantined,
)
from trenza.storage.workspace import change_retention

AT_ONCE = 500
Tell = Callable[[int, int], None]


async def set_retention(dependencies: Dependencies, viewer: Viewer, months: int | None) -> str:
    """Sets for how many months what happened is kept; None is for ever. Needs `admin`.

    What is a skeleton already stays one. Raises InvalidInput unless it is 1 to 1200.
    """
    viewer.require(Verb.SET_RETENTION)
    if months is not None and not 1 <= months <= RETENTION_MONTHS_MAX:
        wrong = f"retention is 1 to {RETENTION_MONTHS_MAX} months, or null for ever"
        raise InvalidInput(wrong, path=("months",))
    now = dependencies.clock.now()

    async def work(connection: AsyncConnection) -> str:
        before = await find_retention(connection, viewer.workspace_id)
        if before == months:
            return viewer.workspace_id
        await change_retention(connection, viewer.workspace_id, months)
        was, becomes = {"retentionMonths": before}, {"retentionMonths": months}
        verb, workspace_id = Verb.SET_RETENTION, viewer.workspace_id
        note = note_of(dependencies, viewer, now, verb, workspace_id, was, becomes)
        await write_all(connection, workspace_id, [note])
        return workspace_id

    return await dependencies.database.write(work, viewer.workspace_id)


@dataclass
class Retained:
    """What became of a workspace: until when it was cleared, and how many rows of what."""

    before: datetime | None
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was old enough."""
        return not any(self.counts.values())


async def apply_retention(
    dependencies: Dependencies, workspace_id: str, tell: Tell | None = None
) -> Retained:
    """Clears what is older than a workspace keeps it; again changes nothing.

    For the operator of the database, who needs no key. `tell` learns how many interactions are
    done, of how many.
    """
    now = dependencies.clock.now()
    async with dependencies.database.read(workspace_id) as connection:
        months = await find_retention(connection, workspace_id)
        if months is None:
            return Retained(None)
        before = months_before(now, months)
        total = await count_old(connection, workspace_id, before)
    job = _Job(dependencies, workspace_id, before, now)
    retained = Retained(before, {"interactions": 0, "quarantined": 0})
    after = ""
    while True:
        done, after = await job.strip(after)
        if not after:
            break
        retained.counts["interactions"] += done
        if tell is not None:
            tell(min(retained.counts["interactions"], total), max(total, 1))
    while done := await job.empty_quarantine():
        retained.counts["quarantined"] += done
    for name, clearing in CLEARED.items():
        retained.counts[name] = await job.clear(clearing)
    return retained


class _Job:
    """The parts of a retention, each in its own transaction."""

    def __init__(
        self, dependencies: Dependencies, workspace_id: str, before: datetime, now: datetime
    ) -> None:
        self._dependencies = dependencies
        self._workspace_id = workspace_id
        self._before = before
        self._now = now

    async def strip(self, after: str) -> tuple[int, str]:
        """Makes skeletons of some interactions after a position; how many, and up to where.

        Up to nowhere where there are none.
        """
        database, workspace_id = self._dependencies.database, self._workspace_id
        async with database.read(workspace_id) as connection:
            old = await list_old(connection, workspace_id, self._before, after, AT_ONCE)
        if not old:
            return 0, ""
        last = old[-1].position
        contact_ids = {each.contact_id for each in old}

        async def work(connection: AsyncConnection) -> int:
            roots = await lock_roots(connection, workspace_id, contact_ids)
            secret = await share_secret(connection, self._dependencies, workspace_id)
            stretches = _stretches(old, roots, last)
            return await strip_interactions(connection, workspace_id, secret, stretches, self._now)

        return await database.write(work, workspace_id), last

    async def empty_quarantine(self) -> int:
        """Takes what some old reports in quarantine said; how many."""
        database, workspace_id = self._dependencies.database, self._workspace_id

        async def work(connection: AsyncConnection) -> int:
            old = await list_old_quarantined(connection, workspace_id, self._before, AT_ONCE)
            if old:
                secret = await share_secret(connection, self._dependencies, workspace_id)
                await empty_quarantine(connection, workspace_id, secret, old, self._now)
            return len(old)

        return await database.write(work, workspace_id)

    async def clear(self, clearing: Clearing) -> int:
        """Clears all rows of a kind, some in each transaction; how many."""
        cleared, after = 0, ""

        async def work(connection: AsyncConnection) -> list[str]:
            return await clear_some(
                connection, clearing, self._workspace_id, self._before, after, AT_ONCE
            )

        while done := await self._dependencies.database.write(work, self._workspace_id):
            cleared += len(done)
            after = done[-1]
        return cleared


def _stretches(old: Sequence[Old], roots: Mapping[str, str], last: str) -> list[Stretch]:
    """Of each root, what is old from its first interaction on, up to the last of all."""
    begins: dict[str, str] = {}
    for each in old:
        begins.setdefault(roots[each.contact_id], head_of(each.position))
    # A position that is the last itself, and nothing that begins with it.
    return [Stretch(root_id, head, f"{last}\x01") for root_id, head in begins.items()]
