"""Appending to the ledger: numbers, instants, adjustments, cycles and alerts, in bulk.

The ledger's head is the workspace lock and the last one that a writer takes. Under it rows get
gap-free sequence numbers and strictly increasing instants of recording.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
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
    Head,
    append_rows,
    find_counts_at,
    find_cycles,
    find_raised,
    insert_alerts,
    keep_cycles,
    lock_head,
)
from trenza.storage.workspace import WorkspaceSettings

NONE_STANDING: Mapping[str, int] = MappingProxyType({})

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
    standing: Mapping[str, int] = NONE_STANDING,
) -> list[AppendedEntry]:
    """Appends rows in the order given, within the caller's transaction.

    `standing` gives the sequence of the debit that stands for each session that a draft takes
    back, by session id; debits of earlier drafts are known by themselves. Cycles in which debits
    count are kept, and alerts raised for thresholds of the quota. The number of statements does
    not depend on the number of drafts. Raises BrokenInvariant where no debit stands for a session
    that is taken back, or one already stands for a session that is debited.
    """
    if not drafts:
        return []
    head = await lock_head(connection, workspace.id)
    # Whoever had the lock before us may have held it for a while.
    now = max(now, dependencies.clock.now())
    reversed_ids = {draft.session_id for draft in drafts if draft.kind is EntryKind.REVERSAL}
    superseded = {sequence for id_, sequence in standing.items() if id_ in reversed_ids}
    numbering = _Numbering(
        head,
        now,
        dependencies,
        standing,
        await find_counts_at(connection, workspace.id, superseded),
    )
    entries = [numbering.append(draft) for draft in drafts]
    await append_rows(connection, workspace.id, [entry.row() for entry in entries])
    await extend_checkpoints(connection, workspace.id, head.sequence, entries[-1].sequence)
    await _follow_consumption(connection, dependencies, workspace, head, entries)
    return entries


class _Numbering:
    """Gives drafts their place in the ledger, one after another."""

    def __init__(
        self,
        head: Head,
        now: datetime,
        dependencies: Dependencies,
        standing: Mapping[str, int],
        known_counts_at: Mapping[int, datetime],
    ) -> None:
        self._closed_until = head.closed_until
        self._sequence = head.sequence
        self._recorded_at = head.recorded_at
        self._now = now
        self._new_id = dependencies.new_id
        self._standing = dict(standing)
        self._counts_at = dict(known_counts_at)

    def append(self, draft: LedgerDraft) -> AppendedEntry:
        """The draft as the next row."""
        self._sequence += 1
        learned_at = max(self._now, draft.learned_at or self._now)
        self._recorded_at = next_recorded_at(learned_at, self._recorded_at)
        supersedes = self._supersedes(draft)
        counts = counts_at(draft.effective_at, self._recorded_at, self._closed_until)
        self._counts_at[self._sequence] = counts
        return AppendedEntry(
            sequence=self._sequence,
            id=self._new_id(_PREFIX_OF[draft.kind]),
            kind=draft.kind,
            amount=draft.amount,
            effective_at=draft.effective_at,
            recorded_at=self._recorded_at,
            counts_at=counts,
            debit_counts_at=None if supersedes is None else self._counts_at[supersedes],
            reason=draft.reason,
            session_id=draft.session_id,
            cause_id=draft.cause_id,
            supersedes=supersedes,
        )

    def _supersedes(self, draft: LedgerDraft) -> int | None:
        session_id = draft.session_id or ""
        if draft.kind is EntryKind.DEBIT:
            if session_id in self._standing:
                raise BrokenInvariant(f"a debit already stands for {session_id}")
            self._standing[session_id] = self._sequence
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
    head: Head,
    entries: Iterable[AppendedEntry],
) -> None:
    """Keeps the cycles in which debits and reversals count, and raises what they cross there."""
    moving = [e for e in entries if e.kind in (EntryKind.DEBIT, EntryKind.REVERSAL)]
    if not moving:
        return
    kept = await find_cycles(connection, workspace.id)
    known = len(kept)
    steps = [_step_of(entry, workspace, kept) for entry in moving]
    await keep_cycles(connection, workspace.id, kept[known:])

    cycles = {step.cycle.starts_at: step.cycle for step in steps if step.credits > 0}
    raised = await find_raised(connection, workspace.id, list(cycles.values()))
    watched = [
        cycle
        for cycle in cycles.values()
        if workspace.quota_of(cycle)
        and not raised[cycle.starts_at].issuperset(_thresholds(workspace))
    ]
    counts = await count_consumed(connection, workspace.id, watched, head.recorded_at)
    consumed = {cycle.starts_at: count for cycle, count in zip(watched, counts, strict=True)}
    alerts = list(_alerts(dependencies, workspace, steps, consumed, raised))
    await insert_alerts(connection, alerts)


def _thresholds(workspace: WorkspaceSettings) -> frozenset[int]:
    return frozenset(workspace.alert_thresholds)


def _step_of(entry: AppendedEntry, workspace: WorkspaceSettings, kept: list[Cycle]) -> _Step:
    """The entry in its cycle, which is added to the kept ones where it is new to them.

    A reversal of a debit of an earlier cycle is a courtesy: it consumes nothing back.
    """
    cycle = workspace.cycle_at(entry.counts_at, kept)
    if cycle not in kept:
        kept.append(cycle)
    if entry.debit_counts_at is not None and not cycle.holds(entry.debit_counts_at):
        return _Step(entry, cycle, 0)
    return _Step(entry, cycle, entry.amount)


def _alerts(
    dependencies: Dependencies,
    workspace: WorkspaceSettings,
    steps: Iterable[_Step],
    consumed: dict[datetime, int],
    raised: Mapping[datetime, set[int]],
) -> Iterable[dict[str, Any]]:
    """One alert for each threshold reached for the first time, by the entry that reached it."""
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
