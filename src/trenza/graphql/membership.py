"""Who belongs to segments and lists: what one operation asks in one turn shares a statement."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from strawberry.dataloader import DataLoader

from trenza.domain.access import Viewer
from trenza.domain.custom_field import CustomField
from trenza.domain.errors import Forbidden
from trenza.domain.segment import CustomFieldCondition, Definition, definition_of
from trenza.readplan.connection import FoundKeys, Window, beyond
from trenza.readplan.fields import Order
from trenza.readplan.reader import Row
from trenza.services.segment import moment_of, require_usable, require_visible
from trenza.services.workspace import SettingsMemory
from trenza.storage.contact import CONTACT
from trenza.storage.contact_list import count_members
from trenza.storage.engine import Database
from trenza.storage.segment import (
    Asked,
    AskedPage,
    Explained,
    count_segments,
    explain_segments,
    find_pages,
    judge_segments,
    list_segments,
)
from trenza.storage.workspace import WorkspaceSettings

T = TypeVar("T")

CONDITIONS_MAX = 400
"""So many conditions of several definitions are asked in one statement."""
MEMBERS = Order((CONTACT.c.created_at, CONTACT.c.id), descending=True)
"""The order of a segment's members: newest first, as that of all contacts."""


@dataclass(frozen=True)
class _Page:
    asked: Asked
    window: Window


class Membership:
    """The members of one workspace's segments and lists, within one operation."""

    def __init__(
        self, database: Database, memory: SettingsMemory, viewer: Viewer, now: datetime
    ) -> None:
        self._database = database
        self._memory = memory
        self._viewer = viewer
        self._now = now
        self._settings: asyncio.Task[WorkspaceSettings] | None = None
        self._counts: DataLoader[Asked, int] = DataLoader(self._count)
        self._pages: DataLoader[_Page, FoundKeys] = DataLoader(self._find)
        self._explained: DataLoader[tuple[Asked, str], Explained | None]
        self._explained = DataLoader(self._explain)
        self._segments: DataLoader[str, list[Row]] = DataLoader(self._judge)
        self._sizes: DataLoader[str, int] = DataLoader(self._size)

    async def count(self, definition: Definition, at: datetime | None) -> int:
        """How many members a definition has."""
        return await self._shielded(self._counts, await self._asked(definition, at))

    async def page(self, definition: Definition, at: datetime | None, window: Window) -> FoundKeys:
        """A page of the members of a definition, in the order `MEMBERS`."""
        page = _Page(await self._asked(definition, at), window)
        return await self._shielded(self._pages, page)

    async def explain(
        self, definition: Definition, at: datetime | None, contact_id: str
    ) -> Explained | None:
        """Which conditions hold for a contact; nothing where the workspace has no such one."""
        asked = await self._asked(definition, at)
        return await self._shielded(self._explained, (asked, contact_id))

    async def segments_of(self, contact_id: str) -> list[Row]:
        """The rows of the segments that hold for a contact now, by name.

        One that asks about a field that the viewer may not see is left out.
        """
        return await self._shielded(self._segments, contact_id)

    async def size_of(self, list_id: str) -> int:
        """How many contacts are in a list."""
        return await self._shielded(self._sizes, list_id)

    async def _shielded(self, loader: DataLoader[Any, T], key: Any) -> T:
        """What a loader finds; one place that is given up does not take it from the others."""
        return await asyncio.shield(loader.load(key))

    async def require_visible(self, definition: Definition, path: tuple[str, ...] = ()) -> None:
        """Raises Forbidden for a condition about a field that the viewer may not see."""
        require_visible(self._viewer, definition, await self._fields_of([definition]), path)

    async def require_usable(self, definition: Definition, path: tuple[str, ...]) -> None:
        """Raises the same, and InvalidInput for a custom field that is not in use."""
        require_usable(self._viewer, definition, await self._fields_of([definition]), path)

    async def _asked(self, definition: Definition, at: datetime | None) -> Asked:
        await self.require_visible(definition)
        workspace = await self._workspace()
        return Asked(definition, moment_of(workspace, self._now if at is None else at))

    async def _workspace(self) -> WorkspaceSettings:
        if self._settings is None:
            remembered = self._memory.settings_of(self._viewer.workspace_id)
            self._settings = asyncio.ensure_future(remembered)
        return await asyncio.shield(self._settings)

    async def _count(self, asked: list[Asked]) -> list[int]:
        async with self._database.read(self._viewer.workspace_id) as connection:
            shares = [await count_segments(connection, share) for share in _shares(asked)]
        return [count for share in shares for count in share]

    async def _find(self, pages: list[_Page]) -> list[FoundKeys]:
        wanted = [
            AskedPage(
                page.asked,
                beyond(MEMBERS, page.window, self._viewer.workspace_id),
                MEMBERS.columns,
                MEMBERS.descending is not page.window.backward,
                page.window.size + 1,
            )
            for page in pages
        ]
        found: list[list[tuple[Any, ...]]] = []
        async with self._database.read(self._viewer.workspace_id) as connection:
            for share in _shares([page.asked for page in pages]):
                begins = len(found)
                found += await find_pages(connection, wanted[begins : begins + len(share)])
        return [_cut(keys, page.window) for keys, page in zip(found, pages, strict=True)]

    async def _explain(self, given: list[tuple[Asked, str]]) -> list[Explained | None]:
        asked = list(dict.fromkeys(each for each, _ in given))
        contact_ids = {contact_id for _, contact_id in given}
        found: dict[tuple[Asked, str], Explained] = {}
        async with self._database.read(self._viewer.workspace_id) as connection:
            for share in _shares(asked):
                rows = await explain_segments(connection, share, contact_ids)
                for contact_id, explained in rows.items():
                    for each, one in zip(share, explained, strict=True):
                        found[each, contact_id] = one
        return [found.get(each) for each in given]

    async def _judge(self, contact_ids: list[str]) -> list[list[Row]]:
        workspace = await self._workspace()
        moment = moment_of(workspace, self._now)
        found: Mapping[str, list[Row]] = {contact_id: [] for contact_id in contact_ids}
        async with self._database.read(self._viewer.workspace_id) as connection:
            rows: list[Row] = [dict(row) for row in await list_segments(connection, workspace.id)]
        known = [(row, definition_of(row["definition"])) for row in rows]
        fields = await self._fields_of([said for _, said in known])
        seen = [(row, said) for row, said in known if self._sees(said, fields)]
        begins = 0
        async with self._database.read(self._viewer.workspace_id) as connection:
            for share in _shares([Asked(said, moment) for _, said in seen]):
                held = await judge_segments(connection, share, contact_ids)
                for contact_id, holds in held.items():
                    found[contact_id].extend(
                        seen[begins + n][0] for n, each in enumerate(holds) if each
                    )
                begins += len(share)
        return [found[contact_id] for contact_id in contact_ids]

    async def _fields_of(self, definitions: Iterable[Definition]) -> Mapping[str, CustomField]:
        """The workspace's custom fields, where a definition asks about any."""
        conditions = (each for said in definitions for _, each in said.conditions())
        if not any(isinstance(each, CustomFieldCondition) for each in conditions):
            return {}
        return await self._memory.custom_fields_of(self._viewer.workspace_id)

    def _sees(self, definition: Definition, fields: Mapping[str, CustomField]) -> bool:
        try:
            require_visible(self._viewer, definition, fields)
        except Forbidden:
            return False
        return True

    async def _size(self, list_ids: list[str]) -> list[int]:
        async with self._database.read(self._viewer.workspace_id) as connection:
            found = await count_members(connection, self._viewer.workspace_id, list_ids)
        return [found.get(list_id, 0) for list_id in list_ids]


def _shares(asked: Sequence[Asked]) -> Iterator[list[Asked]]:
    """What is asked, in shares of which each is asked in one statement."""
    share: list[Asked] = []
    size = 0
    for each in asked:
        own = sum(len(group.conditions) for group in each.definition.groups)
        if share and size + own > CONDITIONS_MAX:
            yield share
            share, size = [], 0
        share.append(each)
        size += own
    if share:
        yield share


def _cut(keys: Sequence[tuple[Any, ...]], window: Window) -> FoundKeys:
    page = keys[: window.size]
    return FoundKeys(page[::-1] if window.backward else page, len(keys) > window.size)
