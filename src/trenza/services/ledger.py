"""Appending to the ledger: numbers, instants, adjustments, cycles and alerts, in bulk.

The ledger's head is the workspace lock and the last one that a writer takes. Under it rows get
gap-free sequence numbers and strictly increasing instants of recording.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trenza.domain.errors import BrokenInvariant
from trenza.domain.ids import Prefix
from trenza.domain.metering.balance import crossed
from trenza.domain.metering.cycle import Cycle
from trenza.domain.metering.ledger import (
    DebitReason,
    EntryKind,
    counts_at,
    next_recorded_at,
)
from trenza.services.checkpoint import extend_checkpoints
from trenza.services.dependencies import Dependencies
from trenza.storage.debits import count_consumed
from trenza.storage.engine import AsyncConnection
from trenza.storage.ledger import (
    LockedBooks,
    StandingDebit,
    append_rows,
    insert_alerts,
    keep_cycles,
    lock_books,
)
from trenza.storage.workspace import WorkspaceSettings

_PREFIX_OF = {
    EntryKind.DEBIT: Prefix.DEBIT,
    EntryKind.REVERSAL: Prefix.DEBIT,
    EntryKind.GRANT: Prefix.GRANT,
    EntryKind.CLOSING: Prefix.STATEMENT,
}


@dataclass(frozen=True, slots=True)
class LedgerDraft:
    """A row to append. `cause_id` is the interaction that caused it, where one did.

    A reversal names the session only: it takes back the debit that stands for it. `learned_at` is
    when its cause arrived, where that is later than the transaction began.
    """

    kind: EntryKind
    amount: int
    effective_at: datetime
    reason: DebitReason | None = None
    session_id: str | None = None
    cause_id: str | None = None
    learned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AppendedEntry:
    """A row of the ledger as it was appended."""

    sequence: int
    id: str
    kind: EntryKind
    amount: int
    effective_at: datetime
    recorded_at: datetime
    counts_at: datetime
    debit_counts_at: datetime | None
    reason: DebitReason | None
    session_id: str | None
    cause_id: str | None
    supersedes: int | None

    def row(self) -> dict[str, Any]:
        """The row's columns."""
        return {name: getattr(self, name) for name in self.__slots__}


async def append_entries(
    connection: AsyncConnection,
    dependencies: Dependencies,
    workspace: WorkspaceSettings,
    now: datetime,
    drafts: Sequence[LedgerDraft],
    *,
    first: bool = False,
) -> list[AppendedEntry]:
    """Appends rows in the order given, within the caller's transaction.

    `first` says that the transaction has appended nothing yet: then what is counted is committed
    and can be remembered. Cycles in which debits count are kept, and alerts raised for thresholds
    of the quota. The number of statements does not depend on the number of drafts. Raises
    BrokenInvariant where no debit stands for a session that is taken back, or one already stands
    for a session that is debited.
    """
    if not drafts:
        return []
    taken_back = {d.session_id for d in drafts if d.kind is EntryKind.REVERSAL and d.session_id}
    books = await lock_books(connection, workspace.id, taken_back)
    # Whoever had the lock before us may have held it for a while.
    now = max(now, dependencies.clock.now())
    numbering = _Numbering(books, now, dependencies)
    entries = [numbering.append(draft) for draft in drafts]
    await append_rows(connection, workspace.id, [entry.row() for entry in entries])
    last = entries[-1].sequence
    await extend_checkpoints(connection, workspace.id, books.head.sequence, last)
    counted = await _follow_consumption(connection, dependencies, workspace, books, entries)
    if first:
        for starts_at, debits in counted.items():
            dependencies.counted.note(workspace.id, starts_at, books.head.sequence, debits)
    return entries


class _Numbering:
    """Gives drafts their place in the ledger, one after another."""

    def __init__(self, books: LockedBooks, now: datetime, dependencies: Dependencies) -> None:
        self._closed_until = books.head.closed_until
        self._sequence = books.head.sequence
        self._recorded_at = books.head.recorded_at
        self._now = now
        self._new_id = dependencies.new_id
        self._standing = dict(books.standing)

    def append(self, draft: LedgerDraft) -> AppendedEntry:
        """The draft as the next row."""
        self._sequence += 1
        learned_at = max(self._now, draft.learned_at or self._now)
        self._recorded_at = next_recorded_at(learned_at, self._recorded_at)
        counts = counts_at(draft.effective_at, self._recorded_at, self._closed_until)
        supersedes = self._stand(draft, counts)
        return AppendedEntry(
            sequence=self._sequence,
            id=self._new_id(_PREFIX_OF[draft.kind]),
            kind=draft.kind,
            amount=draft.amount,
            effective_at=draft.effective_at,
            recorded_at=self._recorded_at,
            counts_at=counts,
            debit_counts_at=supersedes.counts_at if supersedes else None,
            reason=draft.reason,
            session_id=draft.session_id,
            cause_id=draft.cause_id,
            supersedes=supersedes.sequence if supersedes else None,
        )

    def _stand(self, draft: LedgerDraft, counts: datetime) -> StandingDebit | None:
        """Notes what stands after a draft; the debit that it takes back, if any."""
        session_id = draft.session_id or ""
        if draft.kind is EntryKind.DEBIT:
            if session_id in self._standing:
                raise BrokenInvariant(f"a debit already stands for {session_id}")
            self._standing[session_id] = StandingDebit(self._sequence, counts)
        if draft.kind is EntryKind.REVERSAL:
            if session_id not in self._standing:
                raise BrokenInvariant(f"no debit stands for {session_id}")
            return self._standing.pop(session_id)
        return None


@dataclass(slots=True)
class _Step:
    """How far an entry moves the consumption of a cycle."""

    entry: AppendedEntry
    cycle: Cycle
    credits: int


async def _follow_consumption(
    connection: AsyncConnection,
    dependencies: Dependencies,
    workspace: WorkspaceSettings,
    books: LockedBooks,
    entries: Iterable[AppendedEntry],
) -> Mapping[datetime, int]:
    """Keeps the cycles in which debits and reversals count, and raises what they cross there.

    The net debits that cycles had before, by their start, where they had to be counted.
    """
    moving = [e for e in entries if e.kind in (EntryKind.DEBIT, EntryKind.REVERSAL)]
    kept = list(books.cycles)
    steps = [_step_of(entry, workspace, kept) for entry in moving]
    await keep_cycles(connection, workspace.id, kept[len(books.cycles) :])
    watched = _watched(dependencies, workspace, books, steps)
    counts = await count_consumed(connection, workspace.id, watched, books.head.recorded_at)
    consumed = {cycle.starts_at: count for cycle, count in zip(watched, counts, strict=True)}
    alerts = list(_alerts(dependencies, workspace, steps, dict(consumed), books.raised))
    await insert_alerts(connection, alerts)
    return consumed


def _watched(
    dependencies: Dependencies,
    workspace: WorkspaceSettings,
    books: LockedBooks,
    steps: Iterable[_Step],
) -> list[Cycle]:
    """The cycles in which steps may reach a threshold for the first time."""
    debits = Counter(step.cycle for step in steps if step.credits > 0)
    watched = []
    for cycle, count in debits.items():
        waiting = _thresholds(workspace) - books.raised.get(cycle.starts_at, frozenset())
        known = dependencies.counted.at_most(workspace.id, cycle.starts_at, books.head.sequence)
        quota = workspace.quota_of(cycle)
        if quota and waiting and (known is None or crossed(quota, waiting, 0, known + count)):
            watched.append(cycle)
    return watched


def _thresholds(workspace: WorkspaceSettings) -> frozenset[int]:
    return frozenset(workspace.alert_thresholds)


def _step_of(entry: AppendedEntry, workspace: WorkspaceSettings, kept: list[Cycle]) -> _Step:
    """The entry in its cycle, which is added to the kept ones where it is new to them.

    A reversal of a debit of an earlier cycle is a courtesy: it consumes nothing back.
    """
    # Most count in the cycle that runs, the last one.
    cycle = next((each for each in reversed(kept) if each.holds(entry.counts_at)), None)
    if cycle is None:
        cycle = workspace.cycle_at(entry.counts_at, kept)
        kept.append(cycle)
    if entry.debit_counts_at is not None and not cycle.holds(entry.debit_counts_at):
        return _Step(entry, cycle, 0)
    return _Step(entry, cycle, entry.amount)


def _alerts(
    dependencies: Dependencies,
    workspace: WorkspaceSettings,
    steps: Iterable[_Step],
    consumed: dict[datetime, int],
    reached: Mapping[datetime, set[int]],
) -> Iterable[dict[str, Any]]:
    """One alert for each threshold reached for the first time, by the entry that reached it."""
    raised = {starts_at: set(reached.get(starts_at, ())) for starts_at in consumed}
    for step in steps:
        starts_at = step.cycle.starts_at
        if starts_at not in consumed:
            continue
        consumed[starts_at] += step.credits
        quota = workspace.quota_of(step.cycle)
        waiting = _thresholds(workspace) - raised[starts_at]
        for percent in crossed(quota, waiting, 0, consumed[starts_at]):
            raised[starts_at].add(percent)
            yield {
                "workspace_id": workspace.id,
                "id": dependencies.new_id(Prefix.ALERT),
                "cycle_starts_at": starts_at,
                "threshold_percent": percent,
                "quota": quota,
                "consumed": consumed[starts_at],
                "raised_at": step.entry.recorded_at,
                "sequence": step.entry.sequence,
            }
