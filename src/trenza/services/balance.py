"""The balance on demand: what it takes is counted and loaded, the answer is worked out.

History is counted no further back than it can matter: debits before the cycle matter only where
they burnt a grant that reaches into it, and then only from the first cycle on that is tied to it
by grants that reach from one cycle into another. Four statements answer any number of questions.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from trenza.domain.errors import InvalidInput
from trenza.domain.metering.balance import (
    Balance,
    DebitRun,
    Grant,
    balance,
    burn,
    courtesy_of_reversal,
    edges,
    plan_grant,
)
from trenza.domain.metering.cycle import Cycle
from trenza.storage.balance import (
    Adjustment,
    Calendar,
    Debit,
    Given,
    Stretch,
    count_debits,
    find_adjustments,
    find_calendar,
    find_debits_beside,
    find_grants,
)
from trenza.storage.engine import AsyncConnection
from trenza.storage.workspace import WorkspaceSettings

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


class Moment(NamedTuple):
    """A question: what counts up to `at`, by what was recorded up to `known_at`."""

    at: datetime
    known_at: datetime


async def find_balance(
    connection: AsyncConnection, workspace: WorkspaceSettings, at: datetime, known_at: datetime
) -> Balance:
    """The balance of the cycle that holds `at`, by what was recorded up to `known_at`.

    Raises InvalidInput with path ("at",) outside the years 1970 to 2199.
    """
    [found] = await find_balances(connection, workspace, [Moment(at, known_at)])
    return found


async def find_balances(
    connection: AsyncConnection,
    workspace: WorkspaceSettings,
    asked: Sequence[tuple[datetime, datetime]],
) -> list[Balance]:
    """The balance at each (at, known_at), in the order given, in as many statements as for one."""
    moments = [Moment(*each) for each in asked]
    books = await _load(connection, workspace, [(moment, moment.at) for moment in moments])
    accounts = [books.account(moment, since=moment.at) for moment in moments]
    runs = await _count_runs(connection, workspace, accounts)
    return [
        balance(account.cycle, account.grants, found, account.moment.at)
        for account, found in zip(accounts, runs, strict=True)
    ]


async def find_payers(
    connection: AsyncConnection,
    workspace: WorkspaceSettings,
    sequences: Collection[int],
    moment: Moment,
) -> dict[int, str | None]:
    """Which grant paid each debit, by the debit's sequence; None where it was overage.

    Left out are debits that do not count at the moment, debits that a reversal took back within
    their cycle, and sequences of other rows.
    """
    debits = [
        debit
        for debit in await find_debits_beside(connection, workspace.id, sequences)
        if debit.counts_at <= moment.at and debit.recorded_at <= moment.known_at
    ]
    if not debits:
        return {}
    since = min(debit.counts_at for debit in debits)
    books = await _load(connection, workspace, [(moment, since)])
    standing: dict[datetime, list[int]] = defaultdict(list)
    for debit in debits:
        if not books.is_taken_back(debit, moment):
            standing[debit.counts_at].append(debit.sequence)
    account = books.account(moment, since=since, apart=standing)
    [runs] = await _count_runs(connection, workspace, [account])
    payers: dict[int, str | None] = {}
    for burnt in burn(account.grants, runs).runs:
        due = standing.get(burnt.run.counts_at)
        if due is not None:
            paid = [grant_id for grant_id, credits_ in burnt.paid for _ in range(credits_)]
            payers.update(zip(due, paid + [None] * burnt.overage, strict=True))
    return {sequence: payers[sequence] for sequence in sequences if sequence in payers}


@dataclass(frozen=True, slots=True)
class _Account:
    """What answers one moment: its cycle, the grants that matter, the stretches to count."""

    moment: Moment
    cycle: Cycle
    grants: list[Grant]
    stretches: list[Stretch]


@dataclass(slots=True)
class _Books:
    """What is loaded once for all moments."""

    workspace: WorkspaceSettings
    calendar: Calendar
    given: list[Given]
    adjustments: list[Adjustment]

    def cycle_at(self, at: datetime) -> Cycle:
        """The cycle that holds an instant."""
        return self.workspace.cycle_at(at, self.calendar.cycles)

    def grants_given(self, moment: Moment) -> list[Grant]:
        """The purchases and courtesies that had begun and were known at a moment."""
        return [
            given.grant
            for given in self.given
            if given.recorded_at <= moment.known_at and given.grant.effective_at <= moment.at
        ]

    def begins(self, moment: Moment, since: datetime) -> datetime:
        """The start of the first cycle whose debits can matter to those counting from `since`.

        No grant that is live there began before it.
        """
        given = self.grants_given(moment)
        begins = self.cycle_at(since).starts_at
        while True:
            reaching = [g.effective_at for g in given if g.effective_at < begins < g.expires_at]
            if not reaching:
                return begins
            begins = self.cycle_at(min(reaching)).starts_at

    def account(self, moment: Moment, since: datetime, apart: Iterable[datetime] = ()) -> _Account:
        """What has to be counted from `since` on; the debits of each instant `apart` by themselves.

        The cycles after that of the last debit are empty, but for the one asked about.
        """
        begins = self.begins(moment, since)
        cycle = self.cycle_at(moment.at)
        last = min(moment.at, self.calendar.last_debit_at or EARLIEST)
        cycles = self.workspace.cycles_between(begins, last + TICK, self.calendar.cycles)
        if cycle not in cycles:
            cycles = (*cycles, cycle)
        grants = [grant for grant in self.grants_given(moment) if grant.expires_at > begins]
        grants += [plan_grant(each, self.workspace.quota_of(each)) for each in cycles]
        grants += self._courtesies(moment, begins)
        points = {*edges(grants, cycles, moment.at), moment.at + TICK}
        points.update(edge for at in apart for edge in (at, at + TICK))
        stretches = [
            Stretch(
                start,
                end,
                min(self.cycle_at(start).ends_at, moment.at + TICK),
                moment.known_at,
            )
            for start, end in pairwise(sorted(points))
            if start <= last
        ]
        return _Account(moment, cycle, grants, stretches)

    def _courtesies(self, moment: Moment, begins: datetime) -> Iterable[Grant]:
        """What reversals give that count in a later cycle than their debits."""
        for each in self.adjustments:
            if begins <= each.counts_at <= moment.at and each.recorded_at <= moment.known_at:
                cycle = self.cycle_at(each.counts_at)
                if not cycle.holds(each.debit_counts_at):
                    yield courtesy_of_reversal(each.sequence, each.counts_at, cycle)

    def is_taken_back(self, debit: Debit, moment: Moment) -> bool:
        """Whether a reversal removed the debit within its cycle."""
        if debit.reversal_counts_at is None or debit.reversal_recorded_at is None:
            return False
        known = debit.reversal_recorded_at <= moment.known_at
        counts = debit.reversal_counts_at <= moment.at
        return known and counts and self.cycle_at(debit.counts_at).holds(debit.reversal_counts_at)


async def _load(
    connection: AsyncConnection,
    workspace: WorkspaceSettings,
    moments: Sequence[tuple[Moment, datetime]],
) -> _Books:
    """Loads what moments need, each with the instant since when debits are of interest."""
    for moment, _ in moments:
        if not EARLIEST <= moment.at < LATEST:
            raise InvalidInput("at lies outside the years 1970 to 2199", path=("at",))
    calendar = await find_calendar(connection, workspace.id)
    books = _Books(workspace, calendar, await find_grants(connection, workspace.id), [])
    if moments:
        books.adjustments = await find_adjustments(
            connection,
            workspace.id,
            min(books.begins(moment, since) for moment, since in moments),
            max(moment.at for moment, _ in moments),
        )
    return books


async def _count_runs(
    connection: AsyncConnection, workspace: WorkspaceSettings, accounts: Sequence[_Account]
) -> list[list[DebitRun]]:
    stretches = [stretch for account in accounts for stretch in account.stretches]
    counts = iter(await count_debits(connection, workspace.id, stretches))
    return [
        [DebitRun(stretch.begins, next(counts)) for stretch in account.stretches]
        for account in accounts
    ]
