"""The bell of the feeds: rung after a commit, heard by whoever follows the workspace.

A ring carries nothing and may be lost. A follower therefore looks for itself, and every watched
ledger is looked at once in a while, once for all of its followers: rows that another process
wrote are found that way even where nothing carries rings between processes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

import structlog

LOG = structlog.get_logger("trenza.pubsub")


class Follower:
    """Somebody who waits for a workspace's ledger to grow."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wakes the follower; many rings while it is busy are one."""
        self._rung.set()

    async def wait(self, seconds_max: float) -> None:
        """Returns when the bell has rung since the last wait, or after a time."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), seconds_max)
        self._rung.clear()


class Bus:
    """The bells of all workspaces within this process."""

    def __init__(
        self, find_sequence: Callable[[str], Awaitable[int]], *, look_every_s: float = 1.0
    ) -> None:
        self._find_sequence = find_sequence
        self._look_every_s = look_every_s
        self._followers: dict[str, set[Follower]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def ring(self, workspace_id: str) -> None:
        """Wakes the followers of a workspace in this process."""
        self.ring_here(workspace_id)

    def ring_here(self, workspace_id: str) -> None:
        """Wakes the followers of a workspace in this process, at once."""
        for follower in self._followers.get(workspace_id, ()):
            follower.ring()

    @contextmanager
    def follow(self, workspace_id: str) -> Iterator[Follower]:
        """A follower of the workspace, as long as the context lasts."""
        follower = Follower()
        self._followers.setdefault(workspace_id, set()).add(follower)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        try:
            yield follower
        finally:
            self._followers[workspace_id].discard(follower)
            if not self._followers[workspace_id]:
                del self._followers[workspace_id]

    async def close(self) -> None:
        """Stops looking; followers wake by their own time limit."""
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking
            self._looking = None

    async def _look(self) -> None:
        seen: dict[str, int] = {}
        while True:
            await asyncio.sleep(self._look_every_s)
            try:
                for workspace_id in list(self._followers):
                    sequence = await self._find_sequence(workspace_id)
                    if seen.get(workspace_id) != sequence:
                        self.ring_here(workspace_id)
                    seen[workspace_id] = sequence
            except Exception:
                LOG.exception("looking_failed")
