"""The working set of a transaction: the cuts of the contacts it decides on, and what changed.

A contact's row is locked before its cut is loaded, so that what is loaded stays true until the
commit. Everything is decided in memory and written in bulk at the end.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from trenza.domain.ids import session_id_of
from trenza.domain.instant import instant_text
from trenza.domain.metering.fold import Event, Session, Verdict
from trenza.domain.metering.ledger import DebitReason, Entry, EntryKind, draft_entries
from trenza.domain.metering.policy import RulePolicy
from trenza.domain.metering.recut import Judged, Recut, recut, recut_all
from trenza.services.dependencies import Dependencies
from trenza.services.ledger import AppendedEntry, LedgerDraft, append_entries
from trenza.storage.engine import AsyncConnection
from trenza.storage.interaction import Stretch, find_events, update_verdicts
from trenza.storage.session import (
    find_sessions,
    find_standing_debits,
    put_sessions,
    supersede_sessions,
)
from trenza.storage.workspace import WorkspaceSettings

FIRST_REACH = timedelta(days=4)
"""How far beyond a change its contact's interactions are loaded at first; then 4 times as far."""

CLOCKS_DIFFER_BY = timedelta(hours=1)
"""How far the clocks of two processes may be apart without an interaction being overlooked."""

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Cut:
    """What is known of one contact from a position on: sessions and judged interactions."""

    owner_id: str
    begins: str
    reaches: datetime
    sessions: dict[str, Session]
    judged: list[Judged]

    def later(self, position: str) -> list[Judged]:
        """The known interactions from a position on, in fold order."""
        return self.judged[bisect_left(self.judged, position, key=_position) :]

    def apply(self, change: Recut) -> None:
        """Makes a re-cut part of what is known."""
        for session in change.removed:
            del self.sessions[session.id]
        for session in (*change.opened, *change.altered):
            self.sessions[session.id] = session
        for index, judged in enumerate(self.judged):
            verdict = change.verdicts.get(judged.event.id)
            if verdict is not None:
                self.judged[index] = Judged(judged.event, verdict)


def _position(judged: Judged) -> str:
    return judged.event.position


@dataclass
class Changes:
    """What a transaction has decided and not yet written."""

    sessions: dict[str, tuple[str, Session]] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    drafts: list[LedgerDraft] = field(default_factory=list)

    def add(
        self,
        owner_id: str,
        change: Recut,
        entries: Sequence[Entry],
        cause_id: str | None = None,
        learned_at: datetime | None = None,
    ) -> None:
        """Notes a re-cut with the ledger entries that it causes."""
        # One that was opened and removed within the transaction is written too: its debit and the
        # reversal of that name it.
        self.removed.update(session.id for session in change.removed)
        for session in (*change.opened, *change.altered):
            self.sessions[session.id] = (owner_id, session)
            self.removed.discard(session.id)
        self.verdicts.update(change.verdicts)
        self.drafts += [
            LedgerDraft(
                kind=EntryKind.DEBIT if entry.amount > 0 else EntryKind.REVERSAL,
                amount=entry.amount,
                effective_at=entry.effective_at,
                reason=entry.reason,
                session_id=session_id_of(entry.session_id),
                cause_id=cause_id,
                learned_at=learned_at,
            )
            for entry in entries
        ]


class WorkingSet:
    """The cuts of locked contacts, decided on one change after another."""

    def __init__(
        self,
        connection: AsyncConnection,
        dependencies: Dependencies,
        workspace: WorkspaceSettings,
        policy: RulePolicy,
        now: datetime,
    ) -> None:
        self.connection = connection
        self.dependencies = dependencies
        self.workspace = workspace
        self.policy = policy
        self.now = now
        self.changes = Changes()
        self._cuts: dict[str, Cut] = {}

    async def load(self, events: Mapping[str, Sequence[Event]]) -> None:
        """Loads, in two statements, what the new events of each contact can touch."""
        firsts = {owner: min(found, key=lambda e: e.position) for owner, found in events.items()}
        sessions = await find_sessions(
            self.connection,
            self.workspace.id,
            {owner: first.occurred_at for owner, first in firsts.items()},
        )
        for owner, first in firsts.items():
            reaches = max(event.occurred_at for event in events[owner]) + FIRST_REACH
            by_id = {session.id: session for session in sessions[owner]}
            self._cuts[owner] = Cut(owner, first.position, reaches, by_id, [])
        await self._load_judged(
            Stretch(cut.owner_id, cut.begins, instant_text(cut.reaches))
            for cut in self._cuts.values()
        )

    async def decide(
        self, owner_id: str, change: Event, reason: DebitReason, learned_at: datetime | None = None
    ) -> Verdict:
        """Takes a new or retracted interaction into its contact's cut; the verdict that it gets."""
        cut = self._cuts[owner_id]
        while True:
            found = recut(
                self.policy,
                self._sessions_from(cut, change.occurred_at),
                cut.later(change.position),
                change,
                complete=cut.reaches > self.now + self.policy.future_tolerance + CLOCKS_DIFFER_BY,
            )
            if found is not None:
                break
            await self._reach_further(cut, change)
        self._include(cut, change, found.verdicts[change.id])
        cut.apply(found)
        arrived = change.id if reason is DebitReason.LATE_INTERACTION else None
        entries = draft_entries(found, reason, arrived=arrived)
        self.changes.add(owner_id, found, entries, change.id, learned_at)
        return found.verdicts[change.id]

    async def write(self, known: Iterable[str] = ()) -> list[AppendedEntry]:
        """Writes what was decided: verdicts but those of `known` ids, sessions, ledger entries."""
        written = set(known)
        changes = self.changes
        await update_verdicts(
            self.connection,
            self.workspace.id,
            {id: verdict for id, verdict in changes.verdicts.items() if id not in written},
        )
        await put_sessions(self.connection, self.workspace.id, list(changes.sessions.values()))
        removed = {session_id_of(id) for id in changes.removed}
        await supersede_sessions(self.connection, self.workspace.id, removed, self.now)
        if not changes.drafts:
            return []
        reversed_ids = {draft.session_id for draft in changes.drafts if draft.amount < 0}
        standing = await find_standing_debits(
            self.connection, self.workspace.id, {id for id in reversed_ids if id is not None}
        )
        return await append_entries(
            self.connection, self.dependencies, self.workspace, self.now, changes.drafts, standing
        )

    def _sessions_from(self, cut: Cut, instant: datetime) -> list[Session]:
        return [session for session in cut.sessions.values() if session.expires_at > instant]

    def _include(self, cut: Cut, event: Event, verdict: Verdict) -> None:
        index = bisect_left(cut.judged, event.position, key=_position)
        if index < len(cut.judged) and cut.judged[index].event.id == event.id:
            cut.judged[index] = Judged(event, verdict)
        else:
            insort(cut.judged, Judged(event, verdict), key=_position)

    async def _reach_further(self, cut: Cut, change: Event) -> None:
        beyond = cut.reaches
        cut.reaches = change.occurred_at + 4 * (beyond - change.occurred_at)
        await self._load_judged(
            [Stretch(cut.owner_id, instant_text(beyond), instant_text(cut.reaches))]
        )

    async def _load_judged(self, stretches: Iterable[Stretch]) -> None:
        found = await find_events(self.connection, self.workspace.id, list(stretches))
        for owner_id, judged in found.items():
            self._cuts[owner_id].judged += judged


async def recut_contact(
    connection: AsyncConnection,
    dependencies: Dependencies,
    workspace: WorkspaceSettings,
    now: datetime,
    root_id: str,
    reason: DebitReason,
    cause_id: str | None,
) -> list[AppendedEntry]:
    """Cuts a contact's whole history anew, as a merge or an unmerge needs it, and writes it.

    The contact's row must be locked. Returns the ledger entries written, none where the cut stays.
    """
    working = WorkingSet(connection, dependencies, workspace, workspace.rules, now)
    sessions = await find_sessions(connection, workspace.id, {root_id: BEGINNING})
    everything = Stretch(root_id, "", instant_text(now + timedelta(days=1)))
    judged = (await find_events(connection, workspace.id, [everything]))[root_id]
    found = recut_all(workspace.rules, sessions[root_id], judged)
    working.changes.add(root_id, found, draft_entries(found, reason), cause_id)
    return await working.write()
