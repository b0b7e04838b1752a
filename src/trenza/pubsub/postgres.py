"""Carries rings between processes by PostgreSQL's NOTIFY, outside of every transaction that writes.

A notification inside the writing transaction would serialise all commits. Sent afterwards, and one
at a time for each workspace, it costs the writers nothing; one that is lost is made good by the
bus, which looks for itself.
"""

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg
import structlog

from trenza.pubsub.bus import Bus

CHANNEL = "trenza_ledger"
RETRY_AFTER_S = 2.0

LOG = structlog.get_logger("trenza.pubsub")


class PostgresBell:
    """Rings here and in every other process on the same database."""

    def __init__(self, bus: Bus, arguments: dict[str, Any]) -> None:
        self._bus = bus
        self._arguments = arguments
        self._pending: set[str] = set()
        self._wanted = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def ring(self, workspace_id: str) -> None:
        """Wakes the followers in this process at once, those in others soon."""
        self._bus.ring_here(workspace_id)
        self._pending.add(workspace_id)
        self._wanted.set()

    def start(self) -> None:
        """Begins to listen and to notify."""
        self._running = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stops."""
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    async def _run(self) -> None:
        while True:
            try:
                await self._serve()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                LOG.warning("notifications_interrupted", error=repr(error))
            await asyncio.sleep(RETRY_AFTER_S)

    async def _serve(self) -> None:
        connection = await asyncpg.connect(**self._arguments)
        try:
            await connection.add_listener(CHANNEL, self._heard)
            while not connection.is_closed():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wanted.wait(), RETRY_AFTER_S)
                self._wanted.clear()
                pending, self._pending = self._pending, set()
                for workspace_id in pending:
                    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, workspace_id)
        finally:
            await connection.close(timeout=RETRY_AFTER_S)

    def _heard(self, connection: Any, pid: int, channel: str, workspace_id: str) -> None:
        self._bus.ring_here(workspace_id)
