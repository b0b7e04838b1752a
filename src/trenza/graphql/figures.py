"""Figures worked out on demand, once for each operation however often they are asked.

All that are asked for at the same time are read by one statement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

from strawberry.dataloader import DataLoader

from trenza.domain.channel import ChannelKind
from trenza.domain.consent import ConsentEvent, ConsentPurpose, ContactVerdict, may_contact
from trenza.domain.custom_field import CustomField
from trenza.domain.merge import IdentityPolicy
from trenza.domain.metering.balance import Balance, Grant
from trenza.domain.metering.cycle import Cycle
from trenza.domain.metering.seat import SeatEvent, SeatStatus, SeatUse, status_of
from trenza.services.attribution import Cost, Grouping, Share, Wanted, find_cost, find_shares
from trenza.services.balance import answer_balances, find_payers
from trenza.services.identity_policy import find_identity_policy
from trenza.services.seat import find_peak_signed_in, find_seat_use
from trenza.services.statement import Statement, find_statement
from trenza.services.usage import Period, Usage, find_usage
from trenza.services.workspace import SettingsMemory
from trenza.storage.asking import Together
from trenza.storage.engine import Database
from trenza.storage.ledger import Head, find_head
from trenza.storage.reachable import find_events, find_events_as_of, find_facts
from trenza.storage.seat import list_seat_events
from trenza.storage.workspace import WorkspaceSettings

T = TypeVar("T")
Find = Callable[[WorkspaceSettings, Sequence[Cycle]], Awaitable[T]]
"""Works out a figure by the settings and the cycles kept, as they are remembered."""
Message = tuple[str, ChannelKind, ConsentPurpose, datetime]
"""A message that might go out: to which root, on which channel, for what, when."""


class Figures:
    """The figures of one workspace within one operation."""

    def __init__(
        self,
        database: Database,
        together: Together,
        memory: SettingsMemory,
        workspace_id: str,
        now: datetime,
    ) -> None:
        self._database = database
        self._together = together
        self._memory = memory
        self._workspace_id = workspace_id
        self._now = now
        self._said: DataLoader[str, list[ConsentEvent]] = DataLoader(self._find_said)
        self._said_then: DataLoader[tuple[str, datetime], list[ConsentEvent]] = DataLoader(
            self._find_said_then
        )
        self._paid: DataLoader[tuple[int, datetime], Grant | None] = DataLoader(self._find_payers)
        self._judged: DataLoader[Message, ContactVerdict] = DataLoader(self._judge)
        self._settings: asyncio.Task[tuple[WorkspaceSettings, Sequence[Cycle]]] | None = None
        self._found: dict[Hashable, asyncio.Task[Any]] = {}
        self.known_custom_fields: Mapping[str, CustomField] | None = None
        """The custom fields, once something in the operation has asked for them."""

    async def custom_fields(self) -> Mapping[str, CustomField]:
        """The workspace's custom fields by key, in the order of the keys."""
        if self.known_custom_fields is None:
            found = await self._memory.custom_fields_of(self._workspace_id)
            self.known_custom_fields = found
        return self.known_custom_fields

    async def identity_policy(self) -> IdentityPolicy:
        """The workspace's rules for shared identities."""

        async def find(*_: Any) -> IdentityPolicy:
            return await find_identity_policy(self._together, self._workspace_id)

        return await self._once("identity_policy", find)

    async def head(self) -> Head:
        """The head of the workspace's ledger."""

        async def find(*_: Any) -> Head:
            return await find_head(self._together, self._workspace_id)

        return await self._once("head", find)

    async def balance(
        self, at: datetime | None, known_at: datetime | None
    ) -> tuple[Balance, datetime]:
        """The balance at an instant as known at another, and that other; now where omitted.

        Now is never before the last row of the ledger, whose instants run ahead of the clock by
        microseconds when many rows are written at once.
        """

        async def find(workspace: WorkspaceSettings, _: Any) -> tuple[Balance, datetime]:
            asked = [(at, known_at)]
            [found] = await answer_balances(self._together, workspace, self._now, asked)
            return found

        return await self._once(("balance", at, known_at), find)

    async def payer(self, sequence: int, counts_at: datetime) -> Grant | None:
        """The grant that paid a debit; now is as for the balance."""
        return await asyncio.shield(self._paid.load((sequence, counts_at)))

    async def said_of_consent(
        self, owner_id: str, as_of: datetime | None = None
    ) -> list[ConsentEvent]:
        """What was said about the consent of a root; until an instant, of what was a root then."""
        if as_of is not None:
            return await asyncio.shield(self._said_then.load((owner_id, as_of)))
        return await asyncio.shield(self._said.load(owner_id))

    async def may_contact(
        self, owner_id: str, channel: ChannelKind, purpose: ConsentPurpose, at: datetime
    ) -> ContactVerdict:
        """Whether a message may go out to a root, and why."""
        return await asyncio.shield(self._judged.load((owner_id, channel, purpose, at)))

    async def usage(
        self, cycle_of: date | None, known_at: datetime | None, period: Period | None
    ) -> Usage:
        """The credits of a cycle or period by channel, lane and day; now is as for the balance."""

        async def find(workspace: WorkspaceSettings, kept: Sequence[Cycle]) -> Usage:
            asked = (workspace, self._now, cycle_of, known_at)
            return await find_usage(self._together, *asked, period=period, kept=kept, or_later=True)

        return await self._once(("usage", cycle_of, known_at, period), find)

    async def shares(self, wanted: Wanted, grouping: Grouping, top: int) -> list[Share]:
        """The credits of a cycle or period by what they are attributed to; now is as before."""

        async def find(workspace: WorkspaceSettings, kept: Sequence[Cycle]) -> list[Share]:
            asked = (workspace, self._now, wanted, grouping, top)
            return await find_shares(self._together, *asked, kept=kept, or_later=True)

        return await self._once(("shares", wanted, grouping, top), find)

    async def cost(self, owner_id: str, period: Period | None) -> Cost:
        """What a root cost to serve in a period, by default in the running cycle."""

        async def find(workspace: WorkspaceSettings, kept: Sequence[Cycle]) -> Cost:
            asked = (workspace, self._now, Wanted(period=period), owner_id)
            return await find_cost(self._together, *asked, kept=kept, or_later=True)

        return await self._once(("cost", owner_id, period), find)

    async def statement(self, cycle_of: date | None) -> Statement | None:
        """The statement of a closed cycle."""

        async def find(workspace: WorkspaceSettings, _: Any) -> Statement | None:
            return await find_statement(self._together, workspace, cycle_of)

        return await self._once(("statement", cycle_of), find)

    async def seat_use(self, at: datetime) -> SeatUse:
        """The use of seats at an instant."""

        async def find(workspace: WorkspaceSettings, _: Any) -> SeatUse:
            return await find_seat_use(self._together, workspace, at)

        return await self._once(("seat_use", at), find)

    async def peak_signed_in(self, from_: datetime, to: datetime) -> int:
        """The most users signed in at one instant of a period."""

        async def find(workspace: WorkspaceSettings, _: Any) -> int:
            return await find_peak_signed_in(self._together, workspace, from_, to)

        return await self._once(("peak_signed_in", from_, to), find)

    async def status(self, user_id: str, at: datetime) -> SeatStatus | None:
        """How a user stands at an instant."""

        async def find(*_: Any) -> dict[str, list[SeatEvent]]:
            by_user: dict[str, list[SeatEvent]] = {}
            for event in await list_seat_events(self._together, self._workspace_id, at):
                by_user.setdefault(event.user_id, []).append(event)
            return by_user

        return status_of((await self._once(("seat_events", at), find)).get(user_id, []), at)

    async def _once(self, name: Hashable, find: Find[T]) -> T:
        """What `find` answers; asked again in the same operation, the same answer."""

        async def run() -> T:
            # All wait for the same, whether they need it or not, and then ask at the same time.
            if self._settings is None:
                remembered = self._memory.settings_and_cycles_of(self._workspace_id)
                self._settings = asyncio.ensure_future(remembered)
            return await find(*await self._settings)

        if name not in self._found:
            self._found[name] = asyncio.ensure_future(run())
        # One place that is given up does not take it from the others.
        found: T = await asyncio.shield(self._found[name])
        return found

    async def _find_payers(self, debits: Sequence[tuple[int, datetime]]) -> list[Grant | None]:
        async def find(workspace: WorkspaceSettings, _: Any) -> dict[int, Grant | None]:
            async with self._database.read(self._workspace_id) as connection:
                return await find_payers(connection, workspace, self._now, dict(debits))

        found = await self._once(("payers", *debits), find)
        return [found.get(sequence) for sequence, _ in debits]

    async def _find_said(self, owner_ids: Sequence[str]) -> list[list[ConsentEvent]]:
        found = await find_events(self._together, self._workspace_id, owner_ids)
        return [found[owner_id] for owner_id in owner_ids]

    async def _find_said_then(
        self, asked: Sequence[tuple[str, datetime]]
    ) -> list[list[ConsentEvent]]:
        return await find_events_as_of(self._together, self._workspace_id, asked)

    async def _judge(self, messages: Sequence[Message]) -> list[ContactVerdict]:
        instants: dict[str, set[datetime]] = {}
        for owner_id, _, _, at in messages:
            instants.setdefault(owner_id, set()).add(at)
        facts = await find_facts(self._together, self._workspace_id, instants)
        return [may_contact(facts[m[0]], *m[1:]) for m in messages]
