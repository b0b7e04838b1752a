"""Figures worked out on demand, once for each operation however often they are asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

from strawberry.dataloader import DataLoader

from trenza.domain.merge import IdentityPolicy
from trenza.domain.metering.balance import Balance
from trenza.domain.metering.seat import SeatEvent, SeatStatus, SeatUse, status_of
from trenza.services.balance import answer_balances
from trenza.services.identity_policy import find_identity_policy
from trenza.services.seat import find_peak_signed_in, find_seat_use
from trenza.services.statement import Statement, find_statement
from trenza.services.usage import Usage, find_usage
from trenza.services.workspace import SettingsMemory
from trenza.storage.engine import AsyncConnection, Database
from trenza.storage.ledger import Head, find_head
from trenza.storage.seat import find_seat_events
from trenza.storage.workspace import WorkspaceSettings

T = TypeVar("T")
Asked = tuple[datetime | None, datetime | None]


class Figures:
    """The figures of one workspace within one operation."""

    def __init__(
        self, database: Database, memory: SettingsMemory, workspace_id: str, now: datetime
    ) -> None:
        self._database = database
        self._memory = memory
        self._workspace_id = workspace_id
        self._now = now
        self._balances: DataLoader[Asked, tuple[Balance, datetime]] = DataLoader(self._find)
        self._found: dict[Hashable, asyncio.Task[Any]] = {}

    async def settings(self) -> WorkspaceSettings:
        """The workspace's settings."""
        return await self._memory.settings_of(self._workspace_id)

    async def identity_policy(self) -> IdentityPolicy:
        """The workspace's rules for shared identities."""

        async def find(connection: AsyncConnection) -> IdentityPolicy:
            return await find_identity_policy(connection, self._workspace_id)

        return await self._once("identity_policy", find)

    async def head(self) -> Head:
        """The head of the workspace's ledger."""

        async def find(connection: AsyncConnection) -> Head:
            return await find_head(connection, self._workspace_id)

        return await self._once("head", find)

    async def balance(
        self, at: datetime | None, known_at: datetime | None
    ) -> tuple[Balance, datetime]:
        """The balance at an instant as known at another, and that other; now where omitted.

        Now is never before the last row of the ledger, whose instants run ahead of the clock by
        microseconds when many rows are written at once.
        """
        return await asyncio.shield(self._balances.load((at, known_at)))

    async def usage(self, cycle_of: date | None, known_at: datetime | None) -> Usage:
        """The credits of a cycle by channel, lane and day."""
        workspace, head = await self.settings(), await self.head()

        async def find(connection: AsyncConnection) -> Usage:
            return await find_usage(connection, workspace, self._moment(head), cycle_of, known_at)

        return await self._once(("usage", cycle_of, known_at), find)

    async def statement(self, cycle_of: date | None) -> Statement | None:
        """The statement of a closed cycle."""
        workspace = await self.settings()

        async def find(connection: AsyncConnection) -> Statement | None:
            return await find_statement(connection, workspace, cycle_of)

        return await self._once(("statement", cycle_of), find)

    async def seat_use(self, at: datetime) -> SeatUse:
        """The use of seats at an instant."""
        workspace = await self.settings()

        async def find(connection: AsyncConnection) -> SeatUse:
            return await find_seat_use(connection, workspace, at)

        return await self._once(("seat_use", at), find)

    async def peak_signed_in(self, from_: datetime, to: datetime) -> int:
        """The most users signed in at one instant of a period."""
        workspace = await self.settings()

        async def find(connection: AsyncConnection) -> int:
            return await find_peak_signed_in(connection, workspace, from_, to)

        return await self._once(("peak_signed_in", from_, to), find)

    async def status(self, user_id: str, at: datetime) -> SeatStatus | None:
        """How a user stands at an instant."""

        async def find(connection: AsyncConnection) -> dict[str, list[SeatEvent]]:
            by_user: dict[str, list[SeatEvent]] = {}
            for event in await find_seat_events(connection, self._workspace_id, until=at):
                by_user.setdefault(event.user_id, []).append(event)
            return by_user

        return status_of((await self._once(("seat_events", at), find)).get(user_id, []), at)

    async def _once(self, name: Hashable, find: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """What `find` answers; asked again in the same operation, the same answer."""

        async def run() -> T:
            async with self._database.read() as connection:
                return await find(connection)

        if name not in self._found:
            self._found[name] = asyncio.ensure_future(run())
        # One place that is given up does not take it from the others.
        found: T = await asyncio.shield(self._found[name])
        return found

    async def _find(self, asked: Sequence[Asked]) -> list[tuple[Balance, datetime]]:
        workspace = await self.settings()
        async with self._database.read() as connection:
            return await answer_balances(connection, workspace, self._now, asked)

    def _moment(self, head: Head) -> datetime:
        return max(self._now, head.recorded_at)
