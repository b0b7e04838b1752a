"""The balance feed: a snapshot, then every row of the ledger in sequence, each with its balance.

What is delivered is read from the ledger by sequence, so it has no gaps and no repeats whatever
happens to rings, connections or servers; a slow reader costs no memory. The balance of a change
is what was known when its row was recorded: the same whenever it is delivered.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from trenza.domain.access import Verb, Viewer
from trenza.domain.errors import InvalidInput
from trenza.domain.metering.balance import Balance
from trenza.domain.metering.ledger import EntryKind
from trenza.services.balance import find_balances
from trenza.services.dependencies import Dependencies
from trenza.storage.feed import (
    find_next_grant_edge,
    find_row_instants,
    find_sequence,
    list_entries_after,
    list_newest_entry,
)
from trenza.storage.workspace import find_workspace

BATCH = 50
WAIT_MAX_S = 5.0
CURSOR_PREFIX = "b"


class EventKind(StrEnum):
    """What an event says."""

    SNAPSHOT = "SNAPSHOT"
    CHANGE = "CHANGE"
    CLOCK = "CLOCK"
    RESET = "RESET"


@dataclass(frozen=True)
class BalanceEvent:
    """A balance with the sequence of the last row of the ledger that it includes."""

    kind: EventKind
    sequence: int
    balance: Balance
    known_at: datetime
    entry: Mapping[str, Any] | None = None


class Waiter(Protocol):
    """Waits until the ledger may have grown."""

    async def wait(self, seconds_max: float) -> None:
        """Returns on a ring or after a time."""
        ...


def write_feed_cursor(sequence: int) -> str:
    """The cursor after a row of the ledger.

    >>> write_feed_cursor(7)
    'b7'
    """
    return f"{CURSOR_PREFIX}{sequence}"


def read_feed_cursor(cursor: str) -> int:
    """The sequence of a cursor; raises InvalidInput for a text that is none."""
    digits = cursor.removeprefix(CURSOR_PREFIX)
    if digits == cursor or not (digits.isascii() and digits.isdigit() and len(digits) <= 10):
        raise InvalidInput("`after` is no cursor of this feed", path=("after",))
    return int(digits)


async def follow_balance(
    dependencies: Dependencies,
    viewer: Viewer,
    waiter: Waiter,
    after: str | None,
    *,
    conflate: bool,
) -> AsyncGenerator[BalanceEvent, None]:
    """The events of a workspace's balance, from a cursor or from a snapshot on, without end.

    `conflate` leaves out changes that newer ones have overtaken. Needs the scope `read`.
    """
    viewer.require(Verb.READ)
    feed = _Feed(dependencies, viewer.workspace_id)
    reached = None if after is None else read_feed_cursor(after)
    newest = await feed.newest()
    if reached is None or reached > newest:
        kind = EventKind.SNAPSHOT if reached is None else EventKind.RESET
        snapshot = await feed.snapshot(kind)
        reached = snapshot.sequence
        yield snapshot
    else:
        await feed.resume(reached)
    turning_at = await feed.next_turn()
    while True:
        changes = await feed.changes_after(reached, newest_only=conflate)
        for change in changes:
            reached = change.sequence
            yield change
        if changes:
            turning_at = await feed.next_turn()
            continue
        now = dependencies.clock.now()
        if now >= turning_at:
            clock = await feed.clock(reached)
            turning_at = await feed.next_turn()
            if clock is not None:
                yield clock
            continue
        await waiter.wait(min(WAIT_MAX_S, (turning_at - now).total_seconds()))


class _Feed:
    """Reads one workspace's events; holds no connection between reads."""

    def __init__(self, dependencies: Dependencies, workspace_id: str) -> None:
        self._database = dependencies.database
        self._clock = dependencies.clock
        self._workspace_id = workspace_id
        self._not_before: datetime | None = None
        self._told: tuple[object, ...] = ()

    async def newest(self) -> int:
        """The sequence of the last row."""
        async with self._database.read(self._workspace_id) as connection:
            return await find_sequence(connection, self._workspace_id)

    async def resume(self, sequence: int) -> None:
        """Goes on after a row, as if its event had just been delivered."""
        async with self._database.read(self._workspace_id) as connection:
            reached = await find_row_instants(connection, self._workspace_id, sequence)
            if reached is None:
                return
            workspace = await find_workspace(connection, self._workspace_id)
            moment = (reached.counts_until, reached.recorded_at)
            [found] = await find_balances(connection, workspace, [moment])
        self._not_before = reached.counts_until
        self._told = _figures(found)

    async def snapshot(self, kind: EventKind) -> BalanceEvent:
        """The balance now, with the last row that it includes."""
        async with self._database.read(self._workspace_id) as connection:
            workspace = await find_workspace(connection, self._workspace_id)
            sequence = await find_sequence(connection, self._workspace_id)
            reached = await find_row_instants(connection, self._workspace_id, sequence)
            now = self._clock.now()
            at, known_at = (
                (max(now, reached.counts_until), reached.recorded_at) if reached else (now, now)
            )
            [found] = await find_balances(connection, workspace, [(at, known_at)])
        self._not_before = at
        event = BalanceEvent(kind, sequence, found, known_at)
        self._told = _figures(found)
        return event

    async def clock(self, reached: int) -> BalanceEvent | None:
        """The balance that time alone has made, where it has; changes are told first."""
        told, not_before = self._told, self._not_before
        event = await self.snapshot(EventKind.CLOCK)
        if event.sequence != reached:
            self._told, self._not_before = told, not_before
            return None
        return event if self._told != told else None

    async def changes_after(self, sequence: int, *, newest_only: bool) -> list[BalanceEvent]:
        """The next rows, each with the balance as it was known when the row was recorded."""
        async with self._database.read(self._workspace_id) as connection:
            if newest_only:
                entries = await list_newest_entry(connection, self._workspace_id, sequence)
            else:
                entries = await list_entries_after(connection, self._workspace_id, sequence, BATCH)
            if not entries:
                return []
            workspace = await find_workspace(connection, self._workspace_id)
            asked = [(self._instant_of(entry), entry["recorded_at"]) for entry in entries]
            balances = await find_balances(connection, workspace, asked)
        events = [
            BalanceEvent(EventKind.CHANGE, entry["sequence"], found, known_at, entry)
            for entry, found, (_, known_at) in zip(entries, balances, asked, strict=True)
        ]
        self._told = _figures(balances[-1])
        return events

    async def next_turn(self) -> datetime:
        """When time alone changes what was told last: a cycle's end, or a grant's begin or end.

        That is in the past where the client was away, or slow to take the last event.
        """
        async with self._database.read(self._workspace_id) as connection:
            workspace = await find_workspace(connection, self._workspace_id)
            since = self._not_before or self._clock.now()
            [found] = await find_balances(connection, workspace, [(since, since)])
            edge = await find_next_grant_edge(connection, self._workspace_id, since)
        return min(found.cycle.ends_at, edge or found.cycle.ends_at)

    def _instant_of(self, entry: Mapping[str, Any]) -> datetime:
        """When a row's balance is told: never before what rows told earlier count at."""
        # A grant is recorded before it begins; only a debit of a moment ahead is waited for.
        instants = [entry["recorded_at"]]
        if entry["kind"] in (EntryKind.DEBIT, EntryKind.REVERSAL):
            instants.append(entry["counts_at"])
        if self._not_before is not None:
            instants.append(self._not_before)
        self._not_before = max(instants)
        return self._not_before


def _figures(told: Balance) -> tuple[object, ...]:
    return (told.cycle, told.granted, told.consumed, told.remaining, told.overage)
