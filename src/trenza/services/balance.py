"""The balance on demand: what it takes is read in one statement, the answer is worked out.

Debits before the cycle matter only where they burnt a grant that reaches into it, and then only
from the first cycle on that is tied to it by grants that reach from one cycle into another.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
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
from trenza.storage.asking import Source
from trenza.storage.balance import (
    Answer,
    Debit,
    Question,
    Records,
    find_records,
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
    source: Source, workspace: WorkspaceSettings, at: datetime, known_at: datetime
) -> Balance:
    """The balance of the cycle that holds `at`, by what was recorded up to `known_at`.

    Raises InvalidInput with path ("at",) outside the years 1970 to 2199.
    """
    [found] = await find_balances(source, workspace, [Moment(at, known_at)])
    return found


async def find_balances(
    source: Source,
    workspace: WorkspaceSettings,
    asked: Sequence[tuple[datetime, datetime]],
) -> list[Balance]:
    """The balance at each (at, known_at), in the order given, in one statement for all."""
    answers = await answer_balances(source, workspace, LATEST, asked)
    return [found for found, _ in answers]


async def answer_balances(
    source: Source,
    workspace: WorkspaceSettings,
    now: datetime,
    asked: Sequence[tuple[datetime | None, datetime | None]],
) -> list[tuple[Balance, datetime]]:
    """The balance at each (at, known_at), now where one is None, with the known_at that it became.

    Now is the later of `now` and the instant of the ledger's last row. In one statement.
    """
    if not asked:
        return []
    questions = [Question(at, known_at, None) for at, known_at in asked]
    books = await _load(source, workspace, now, questions)
    found = []
    for answer in books.records.answers:
        account = books.account(answer, since=answer.at)
        figures = balance(account.cycle, account.grants, account.runs, answer.at)
        found.append((figures, answer.known_at))
    return found


async def find_payers(
    source: AsyncConnection,
    workspace: WorkspaceSettings,
    now: datetime,
    debits: Mapping[int, datetime],
    at: datetime | None = None,
    known_at: datetime | None = None,
) -> dict[int, Grant | None]:
    """Which grant paid each debit, by the debit's sequence; None where it was overage.

    `debits` are when each counts. Left out are debits that do not count at the moment (now as in
    `answer_balances`), debits that a reversal took back within their cycle, and sequences of other
    rows. In one statement.
    """
    if not debits:
        return {}
    since = min(now if at is None else at, *debits.values())
    question = Question(at, known_at, since)
    books = await _load(source, workspace, now, [question], debits.values())
    [answer] = books.records.answers
    standing: dict[datetime, list[int]] = defaultdict(list)
    for debit in books.records.debits:
        is_told = debit.counts_at <= answer.at and debit.recorded_at <= answer.known_at
        if is_told and not books.is_taken_back(debit, answer):
            standing[debit.counts_at].append(debit.sequence)
    account = books.account(answer, since=since, apart=standing)
    grants = {grant.id: grant for grant in account.grants}
    payers: dict[int, Grant | None] = {}
    for burnt in burn(account.grants, account.runs).runs:
        due = standing.get(burnt.run.counts_at)
        if due is not None:
            paid = [grants[grant_id] for grant_id, credits_ in burnt.paid for _ in range(credits_)]
            payers.update(zip(due, [*paid, *[None] * burnt.overage], strict=True))
    return {sequence: payers[sequence] for sequence in debits if sequence in payers}


@dataclass(frozen=True, slots=True)
class _Account:
    """What answers one moment: its cycle, the grants that matter, the debits that burn them."""

    cycle: Cycle
    grants: list[Grant]
    runs: list[DebitRun]


@dataclass(slots=True)
class _Books:
    """What is loaded once for all moments."""

    workspace: WorkspaceSettings
    records: Records

    def cycle_at(self, at: datetime) -> Cycle:
        """The cycle that holds an instant."""
        return self.workspace.cycle_at(at, self.records.cycles)

    def grants_given(self, moment: Answer) -> list[Grant]:
        """The purchases and courtesies that had begun and were known at a moment."""
        return [
            given.grant
            for given in self.records.grants
            if given.recorded_at <= moment.known_at and given.grant.effective_at <= moment.at
        ]

    def begins(self, given: Sequence[Grant], since: datetime) -> datetime:
        """The start of the first cycle whose debits can matter to those counting from `since`.

        No grant that is live there began before it.
        """
        begins = self.cycle_at(since).starts_at
        while True:
            reaching = [g.effective_at for g in given if g.effective_at < begins < g.expires_at]
            if not reaching:
                return begins
            begins = self.cycle_at(min(reaching)).starts_at

    def account(self, moment: Answer, since: datetime, apart: Iterable[datetime] = ()) -> _Account:
        """What has happened from `since` on; the debits of each instant `apart` by themselves.

        The cycles after the last kept one are empty, but for the one asked about.
        """
        given = self.grants_given(moment)
        begins = self.begins(given, since)
        cycle = self.cycle_at(moment.at)
        kept = self.records.cycles
        ends = min(moment.at + TICK, kept[-1].ends_at if kept else EARLIEST)
        cycles = self.workspace.cycles_between(begins, ends, kept)
        if cycle not in cycles:
            cycles = (*cycles, cycle)
        grants = [grant for grant in given if grant.expires_at > begins]
        grants += [plan_grant(each, self.workspace.quota_of(each)) for each in cycles]
        courtesies, taken_back = self._adjustments(moment, begins)
        grants += courtesies
        points = {*edges(grants, cycles, moment.at), moment.at + TICK}
        points.update(edge for at in apart for edge in (at, at + TICK))
        starts = sorted(points)
        counts = [
            moment.net_before(end) - moment.net_before(start) for start, end in pairwise(starts)
        ]
        for at in taken_back:
            counts[bisect_right(starts, at) - 1] -= 1
        runs = [DebitRun(start, count) for start, count in zip(starts, counts, strict=False)]
        return _Account(cycle, grants, runs)

    def _adjustments(self, moment: Answer, begins: datetime) -> tuple[list[Grant], list[datetime]]:
        """The courtesies of reversals of debits of earlier cycles, and what the others take back.

        That is when the debits counted that were reversed within their cycle.
        """
        courtesies, taken_back = [], []
        for each in self.records.adjustments:
            if begins <= each.counts_at <= moment.at and each.recorded_at <= moment.known_at:
                cycle = self.cycle_at(each.counts_at)
                if cycle.holds(each.debit_counts_at):
                    taken_back.append(each.debit_counts_at)
                else:
                    courtesies.append(courtesy_of_reversal(each.sequence, each.counts_at, cycle))
        return courtesies, taken_back

    def is_taken_back(self, debit: Debit, moment: Answer) -> bool:
        """Whether a reversal removed the debit within its cycle."""
        if debit.reversal_counts_at is None or debit.reversal_recorded_at is None:
            return False
        known = debit.reversal_recorded_at <= moment.known_at
        counts = debit.reversal_counts_at <= moment.at
        return known and counts and self.cycle_at(debit.counts_at).holds(debit.reversal_counts_at)


async def _load(
    source: Source,
    workspace: WorkspaceSettings,
    now: datetime,
    questions: Sequence[Question],
    apart: Iterable[datetime] = (),
) -> _Books:
    """Loads what answers questions."""
    for question in questions:
        if question.at is not None and not EARLIEST <= question.at < LATEST:
            raise InvalidInput("at lies outside the years 1970 to 2199", path=("at",))
    return _Books(workspace, await find_records(source, workspace.id, now, questions, apart))
