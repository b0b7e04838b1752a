"""The settings of workspaces, remembered for a moment: every figure begins with them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from trenza.domain.metering.cycle import Cycle
from trenza.services.dependencies import Clock
from trenza.storage.bulk import ask
from trenza.storage.engine import Database
from trenza.storage.ledger import CYCLES, cycles_in_order
from trenza.storage.workspace import ASKED_SETTINGS, WorkspaceSettings, workspace_of

REMEMBERED_FOR = timedelta(seconds=2)
REMEMBERED_MAX = 4096


class SettingsMemory:
    """Settings as they were at most 2 seconds ago. What is written is decided by fresh ones."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[str, tuple[WorkspaceSettings, Sequence[Cycle], datetime]] = {}

    async def settings_of(self, workspace_id: str) -> WorkspaceSettings:
        """The settings of a workspace; raises NotFound."""
        settings, _ = await self.settings_and_cycles_of(workspace_id)
        return settings

    async def settings_and_cycles_of(
        self, workspace_id: str
    ) -> tuple[WorkspaceSettings, Sequence[Cycle]]:
        """The settings of a workspace and the cycles kept for it; raises NotFound."""
        now = self._clock.now()
        known = self._known.get(workspace_id)
        if known is not None and known[2] <= now < known[2] + REMEMBERED_FOR:
            return known[:2]
        async with self._database.read() as connection:
            rows, cycles = await ask(
                connection, ASKED_SETTINGS.of(workspace_id), CYCLES.of(workspace_id)
            )
        found = workspace_of(rows), cycles_in_order(cycles)
        self._known.pop(workspace_id, None)
        if len(self._known) >= REMEMBERED_MAX:
            del self._known[next(iter(self._known))]
        self._known[workspace_id] = (*found, now)
        return found
