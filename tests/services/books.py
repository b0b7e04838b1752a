"""A workspace with empty books, and the parents that rows of its ledger hang from."""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.round_trips import counted_round_trips
from trenza.domain.access import Scope, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.ids import Prefix, format_id, session_id_of
from trenza.domain.interaction import InteractionKind, SessionLane
from trenza.domain.metering.balance import Balance, Grant, GrantKind
from trenza.domain.metering.ledger import DebitReason, EntryKind
from trenza.services.balance import find_balance
from trenza.services.dependencies import Dependencies
from trenza.services.interactionz import GrantInteractionz, grant_interactionz
from trenza.services.ledger import AppendedEntry, LedgerDraft, append_entries
from trenza.storage import (
    Contact,
    Contract,
    Interaction,
    InteractionzSession,
    LedgerHead,
    Plan,
    Workspace,
)
from trenza.storage.columns import Table
from trenza.storage.engine import Database
from trenza.storage.workspace import WorkspaceSettings, find_workspace

MICROSECOND = timedelta(microseconds=1)


@dataclass
class Bought:
    """A grant, and when it was recorded."""

    grant: Grant
    recorded_at: datetime


@dataclass
class SetClock:
    """A clock that stands where the test put it."""

    at: datetime

    def now(self) -> datetime:
        """The instant that was set."""
        return self.at


@dataclass
class CountingBell:
    """A bell that remembers for whom it rang."""

    rung: list[str] = field(default_factory=list)

    async def ring(self, workspace_id: str) -> None:
        """Notes the workspace."""
        self.rung.append(workspace_id)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """An instant in UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


SEPTEMBER = utc(2026, 9, 1)


class Books:
    """One workspace on a real database, whose ledger a test writes row by row."""

    def __init__(self, database: Database, start: datetime, first_id: int) -> None:
        serial = count(first_id)
        self.database = database
        self.clock = SetClock(start)
        self.bell = CountingBell()
        self.dependencies = Dependencies(
            database, self.clock, lambda prefix: format_id(prefix, next(serial)), self.bell, str
        )
        self.workspace_id = self.dependencies.new_id(Prefix.WORKSPACE)
        self.contact_id = self.dependencies.new_id(Prefix.CONTACT)
        self.admin = Viewer(self.workspace_id, "key_1", "test", frozenset(Scope))

    async def found(self, options: Mapping[str, Any]) -> None:
        """Makes the workspace with its plan, contract, ledger and one contact."""
        plan_id = self.dependencies.new_id(Prefix.PLAN)
        start = self.clock.at
        rows: list[tuple[type[Table], dict[str, Any]]] = [
            (
                Workspace,
                {
                    "name": "Muebles del Sur",
                    "zone": options.get("zone", "UTC"),
                    "language": "ES",
                    "policy": "2026-11",
                    "acceptance_horizon_days": 35,
                    "closing_grace_hours": 72,
                    "alert_thresholds": options.get("alert_thresholds", [80, 100]),
                    "created_at": start,
                },
            ),
            (
                Plan,
                {
                    "id": plan_id,
                    "code": "expert",
                    "name": "Expert",
                    "seats": 10,
                    "interactionz": options.get("quota", 10),
                    "sample": False,
                },
            ),
            (
                Contract,
                {
                    "id": self.dependencies.new_id(Prefix.CONTRACT),
                    "plan_id": plan_id,
                    "status": "ACTIVE",
                    "anchor_day": options.get("anchor_day", 1),
                    "starts_at": options.get("starts_at", start),
                    "ends_at": options.get("ends_at"),
                },
            ),
            (LedgerHead, {"sequence": 0, "recorded_at": start}),
            (
                Contact,
                {
                    "id": self.contact_id,
                    "root_id": self.contact_id,
                    "created_at": start,
                    "updated_at": start,
                },
            ),
        ]

        async def work(connection: AsyncConnection) -> None:
            for table, values in rows:
                row = {"workspace_id": self.workspace_id, **values}
                await connection.execute(insert(table.__table__).values(row))

        await self.database.write(work, self.workspace_id)

    async def settings(self) -> WorkspaceSettings:
        """The workspace as the services read it."""
        async with self.database.read(self.workspace_id) as connection:
            return await find_workspace(connection, self.workspace_id)

    async def open_sessions(
        self,
        *opened_at: datetime,
        channel: ChannelKind = ChannelKind.WHATSAPP,
        lane: SessionLane = SessionLane.UNBOUND,
    ) -> list[str]:
        """Stores sessions with the interactions that opened them, without a ledger row."""
        interactions: list[dict[str, Any]] = []
        sessions: list[dict[str, Any]] = []
        for opened in opened_at:
            interaction_id = self.dependencies.new_id(Prefix.INTERACTION)
            session_id = session_id_of(interaction_id)
            window = {"session_id": session_id, "session_opened_at": opened}
            interactions.append(
                {
                    "workspace_id": self.workspace_id,
                    "id": interaction_id,
                    "contact_id": self.contact_id,
                    "owner_id": self.contact_id,
                    "kind": InteractionKind.CUSTOMER_MESSAGE,
                    "channel": channel,
                    "occurred_at": opened,
                    "recorded_at": opened,
                    "position": interaction_id,
                    "source": "test",
                    "content_hash": "",
                    "outcome": "CHARGED",
                    "rule_code": "OPENED_BY_CUSTOMER",
                    **window,
                }
            )
            sessions.append(
                {
                    "workspace_id": self.workspace_id,
                    "id": session_id,
                    "owner_id": self.contact_id,
                    "channel": channel,
                    "lane": lane,
                    "opened_at": opened,
                    "expires_at": opened + timedelta(hours=24),
                    "opened_position": interaction_id,
                }
            )

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(insert(Interaction.__table__), interactions)
            await connection.execute(insert(InteractionzSession.__table__), sessions)

        await self.database.write(work, self.workspace_id)
        return [str(session["id"]) for session in sessions]

    async def append(
        self, *drafts: LedgerDraft, now: datetime | None = None
    ) -> list[AppendedEntry]:
        """Appends rows in one transaction at the clock's instant, or at `now`."""
        at = now or self.clock.at

        async def work(connection: AsyncConnection) -> list[AppendedEntry]:
            workspace = await find_workspace(connection, self.workspace_id)
            return await append_entries(connection, self.dependencies, workspace, at, drafts)

        return await self.database.write(work, self.workspace_id)

    async def debit(
        self,
        *opened_at: datetime,
        now: datetime | None = None,
        channel: ChannelKind = ChannelKind.WHATSAPP,
        lane: SessionLane = SessionLane.UNBOUND,
    ) -> list[AppendedEntry]:
        """Opens sessions and debits them, recorded when the last one opened, or at `now`."""
        session_ids = await self.open_sessions(*opened_at, channel=channel, lane=lane)
        drafts = [
            debit_of(session_id, opened)
            for session_id, opened in zip(session_ids, opened_at, strict=True)
        ]
        return await self.append(*drafts, now=now or max(opened_at))

    async def take_back(self, *entries: AppendedEntry, now: datetime) -> list[AppendedEntry]:
        """Reverses debits, recorded at `now`."""
        return await self.append(*(reversal_of(entry) for entry in entries), now=now)

    async def grant(
        self,
        kind: GrantKind,
        amount: int,
        effective_at: datetime,
        expires_at: datetime,
        *,
        priority: int = 100,
        now: datetime | None = None,
    ) -> Bought:
        """Gives credits by the service, recorded at `now` or when they become live."""
        self.clock.at = now or effective_at
        request = GrantInteractionz(kind, amount, expires_at, effective_at, priority)
        granted = await grant_interactionz(self.dependencies, self.admin, request)
        return Bought(granted.grant, granted.entry.recorded_at)

    async def balance(self, at: datetime, known_at: datetime | None = None) -> Balance:
        """The balance at an instant, by default as known in the end."""
        async with self.database.read(self.workspace_id) as connection:
            workspace = await find_workspace(connection, self.workspace_id)
            return await find_balance(connection, workspace, at, known_at or utc(2199, 1, 1))

    @contextmanager
    def counted_statements(self) -> Iterator[list[str]]:
        """What is sent to the database meanwhile."""
        with counted_round_trips(self.database) as found:
            yield found

    async def close_until(self, ends_at: datetime) -> None:
        """Moves the end of the last closed cycle, as closing it does, and writes nothing else."""

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(update(LedgerHead.__table__).values(closed_until=ends_at))

        await self.database.write(work, self.workspace_id)

    async def rows(self, table: type[Table], *columns: str) -> Sequence[tuple[Any, ...]]:
        """Columns of a whole table, ordered by them."""
        chosen = [table.__table__.c[name] for name in columns]
        async with self.database.across_workspaces().read() as connection:
            rows = await connection.execute(select(*chosen).order_by(*chosen))
            return [tuple(row) for row in rows]


def debit_of(session_id: str, opened_at: datetime) -> LedgerDraft:
    """The debit of a session."""
    return LedgerDraft(EntryKind.DEBIT, 1, opened_at, DebitReason.OPENED, session_id)


def reversal_of(entry: AppendedEntry) -> LedgerDraft:
    """The reversal of a debit."""
    reason = DebitReason.RETRACTION
    return LedgerDraft(EntryKind.REVERSAL, -1, entry.effective_at, reason, entry.session_id)


@asynccontextmanager
async def open_books(
    database_url: str, start: datetime = SEPTEMBER, **options: Any
) -> AsyncGenerator[Books, None]:
    """Books whose contract starts at `start` with a quota of 10 a month, unless told otherwise."""
    database = Database(database_url)
    try:
        books = Books(database, start, options.pop("first_id", 1))
        await books.found(options)
        yield books
    finally:
        await database.close()
