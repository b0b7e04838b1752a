"""The settings of workspaces, remembered for a moment: every figure begins with them."""

from datetime import datetime, timedelta

from trenza.services.dependencies import Clock
from trenza.storage.engine import Database
from trenza.storage.workspace import WorkspaceSettings, find_workspace

REMEMBERED_FOR = timedelta(seconds=2)
REMEMBERED_MAX = 4096


class SettingsMemory:
    """Settings as they were at most 2 seconds ago. What is written is decided by fresh ones."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[str, tuple[WorkspaceSettings, datetime]] = {}

    async def settings_of(self, workspace_id: str) -> WorkspaceSettings:
        """The settings of a workspace; raises NotFound."""
        now = self._clock.now()
        known = self._known.get(workspace_id)
        if known is not None and known[1] <= now < known[1] + REMEMBERED_FOR:
            return known[0]
        async with self._database.read(workspace_id) as connection:
            found = await find_workspace(connection, workspace_id)
        self._known.pop(workspace_id, None)
        if len(self._known) >= REMEMBERED_MAX:
            del self._known[next(iter(self._known))]
        self._known[workspace_id] = (found, now)
        return found
