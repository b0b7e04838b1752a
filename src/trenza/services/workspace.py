"""What workspaces have set, remembered for a moment: every figure begins with it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from trenza.domain.custom_field import CustomField
from trenza.domain.metering.cycle import Cycle
from trenza.services.dependencies import Clock
from trenza.storage.bulk import ask
from trenza.storage.custom_field import find_custom_fields
from trenza.storage.engine import AsyncConnection, Database
from trenza.storage.ledger import CYCLES, cycles_in_order
from trenza.storage.workspace import ASKED_SETTINGS, WorkspaceSettings, workspace_of

REMEMBERED_FOR = timedelta(seconds=2)
REMEMBERED_MAX = 4096

T = TypeVar("T")
Settings = tuple[WorkspaceSettings, Sequence[Cycle]]
Find = Callable[[AsyncConnection, str], Awaitable[T]]


class Memory(Generic[T]):
    """What was found of each workspace at most 2 seconds ago."""

    def __init__(self, database: Database, clock: Clock, find: Find[T]) -> None:
        self._database = database
        self._clock = clock
        self._find = find
        self._known: dict[str, tuple[T, datetime]] = {}
        self._forgotten = 0

    async def of(self, workspace_id: str) -> T:
        """What there is of a workspace; raises what finding it raises."""
        now = self._clock.now()
        known = self._known.get(workspace_id)
        if known is not None and known[1] <= now < known[1] + REMEMBERED_FOR:
            return known[0]
        forgotten = self._forgotten
        async with self._database.read(workspace_id) as connection:
            found = await self._find(connection, workspace_id)
        if self._forgotten != forgotten:
            # What was found may be what was changed meanwhile: good for this answer alone.
            return found
        self._known.pop(workspace_id, None)
        if len(self._known) >= REMEMBERED_MAX:
            del self._known[next(iter(self._known))]
        self._known[workspace_id] = (found, now)
        return found

    def forget(self, workspace_id: str) -> None:
        """Lets the next one to ask find it anew: it was changed."""
        self._forgotten += 1
        self._known.pop(workspace_id, None)


class SettingsMemory:
    """Settings as they were at most 2 seconds ago. What is written is decided by fresh ones."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._settings: Memory[Settings] = Memory(database, clock, _find_settings)
        self._fields: Memory[Mapping[str, CustomField]] = Memory(
            database, clock, find_custom_fields
        )

    async def settings_of(self, workspace_id: str) -> WorkspaceSettings:
        """The settings of a workspace; raises NotFound."""
        settings, _ = await self.settings_and_cycles_of(workspace_id)
        return settings

    async def settings_and_cycles_of(self, workspace_id: str) -> Settings:
        """The settings of a workspace and the cycles kept for it; raises NotFound."""
        return await self._settings.of(workspace_id)

    async def custom_fields_of(self, workspace_id: str) -> Mapping[str, CustomField]:
        """The custom fields of a workspace by key, in the order of the keys."""
        return await self._fields.of(workspace_id)

    def forget_custom_fields(self, workspace_id: str) -> None:
        """Forgets the custom fields of a workspace, one of which was changed here."""
        self._fields.forget(workspace_id)


async def _find_settings(connection: AsyncConnection, workspace_id: str) -> Settings:
    rows, cycles = await ask(connection, ASKED_SETTINGS.of(workspace_id), CYCLES.of(workspace_id))
    return workspace_of(rows), cycles_in_order(cycles)
