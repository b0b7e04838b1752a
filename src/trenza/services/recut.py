"""The working set of a transaction: the cuts of the contacts it decides on, and what changed.

A contact's row is locked before its cut is loaded, so that what is loaded stays true until the
commit. Everything is decided in memory and written in bulk at the end.
"""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import attrgetter

from trenza.domain.ids import session_id_of
from trenza.domain.instant import EARLIEST, LATEST, instant_text
from trenza.domain.metering.fold import EMPTY, Event, Session, Verdict, take
from trenza.domain.metering.ledger import DebitReason, Entry, EntryKind, draft_entries
from trenza.domain.metering.recut import Judged, Recut, recut, recut_all
from trenza.services.dependencies import Dependencies
from trenza.services.ledger import AppendedEntry, LedgerDraft, append_entries
from trenza.storage.bulk import Question, Row, Writing, ask, write_all
from trenza.storage.engine import AsyncConnection
from trenza.storage.interaction import (
    CHANGED_VERDICTS,
    Stretch,
    events_within,
    judged_by_owner,
    verdict_columns,
)
from trenza.storage.session import (
    CURRENT_SESSIONS,
    PUT_SESSIONS,
    SUPERSEDED_SESSIONS,
    session_row,
    sessions_by_owner,
)
from trenza.storage.workspace import WorkspaceSettings

FIRST_REACH = timedelta(days=4)
"""How far beyond a change its contact's interactions are loaded at first; then 4 times as far."""

CLOCKS_DIFFER_BY = timedelta(hours=1)
"""How far the clocks of two processes may be apart without an interaction being overlooked."""


@dataclass
class Cut:
    """What is known of one contact from a position on: sessions and judged interactions."""

    owner_id: str
    begins: str
    reaches: datetime
    sessions: dict[str, Session]
    judged: list[Judged]

    def stretch(self) -> Stretch:
        """The interactions that it covers."""
        return Stretch(self.owner_id, self.begins, instant_text(self.reaches))

    def later(self, position: str) -> list[Judged]:
        """The known interactions from a position on, in fold order."""
        return self.judged[bisect_left(self.judged, position, key=_position) :]

    def apply(self, change: Recut) -> None:
        """Makes a re-cut part of what is known."""
        for session in change.removed:
            del self.sessions[session.id]
        for session in (*change.opened, *change.altered):
            self.sessions[session.id] = session
        if len(change.verdicts) > 1:
            self.judged = [
                Judged(judged.event, change.verdicts.get(judged.event.id, judged.verdict))
                for judged in self.judged
            ]


_position = attrgetter("event.position")
_place = attrgetter("position")


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
        now: datetime,
    ) -> None:
        self.connection = connection
        self.dependencies = dependencies
        self.workspace = workspace
        self.policy = workspace.rules
        self.now = now
        self.changes = Changes()
        self._cuts: dict[str, Cut] = {}
        self._nothing_after = now + self.policy.future_tolerance + CLOCKS_DIFFER_BY

    def questions(self, events: Mapping[str, Sequence[Event]]) -> tuple[Question, Question]:
        """Asks for what events of each contact can touch; `learn` takes in what was found.

        Free ones touch nothing: what only they happened to need not be loaded.
        """
        reached = []
        for owner_id, found in events.items():
            charging = [event for event in found if self.policy.rules[event.kind].charges]
            if not charging:
                self.begin(owner_id)
                continue
            # A position begins with the instant.
            first, last = min(charging, key=_place), max(charging, key=_place)
            reaches = last.occurred_at + FIRST_REACH
            self._cuts[owner_id] = Cut(owner_id, first.position, reaches, {}, [])
            reached.append((owner_id, first.occurred_at))
        stretches = [self._cuts[owner_id].stretch() for owner_id, _ in reached]
        return (
            CURRENT_SESSIONS.of(self.workspace.id, reached),
            events_within(self.workspace.id, stretches),
        )

    def learn(self, sessions: Iterable[Row], events: Iterable[Row]) -> None:
        """Takes in what was found for the `questions`."""
        for owner_id, session in sessions_by_owner(sessions):
            self._cuts[owner_id].sessions[session.id] = session
        for owner_id, judged in judged_by_owner(events):
            self._cuts[owner_id].judged.append(judged)

    async def load(self, events: Mapping[str, Sequence[Event]]) -> None:
        """Loads what events of each contact can touch."""
        self.learn(*await ask(self.connection, *self.questions(events)))

    def begin(self, owner_id: str) -> None:
        """Knows a contact that has no history."""
        self._cuts[owner_id] = Cut(owner_id, "", LATEST, {}, [])

    async def decide(
        self, owner_id: str, change: Event, reason: DebitReason, learned_at: datetime | None = None
    ) -> Verdict:
        """Takes a new or retracted interaction into its contact's cut; the verdict that it gets."""
        if not change.retracted and not self.policy.rules[change.kind].charges:
            # A free one changes nothing, and nothing that comes later depends on it.
            verdict = self.changes.verdicts[change.id] = take(self.policy, EMPTY, change).verdict
            return verdict
        cut = self._cuts[owner_id]
        while True:
            found = recut(
                self.policy,
                self._sessions_from(cut, change.occurred_at),
                cut.later(change.position),
                change,
                complete=cut.reaches > self._nothing_after,
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

    async def write(self, beside: Sequence[Writing] = ()) -> list[AppendedEntry]:
        """Writes what was decided: verdicts, sessions, ledger entries; and what goes with it."""
        await write_all(self.connection, self.workspace.id, [*self.writings(), *beside])
        return await self.append()

    def writings(self, known: Iterable[str] = ()) -> list[Writing]:
        """What was decided but for the ledger, and the verdicts of `known` ids."""
        written, changes = set(known), self.changes
        verdicts = [
            {"id": id, **verdict_columns(verdict)}
            for id, verdict in changes.verdicts.items()
            if id not in written
        ]
        sessions = [
            session_row(owner_id, session, self.now if id in changes.removed else None)
            for id, (owner_id, session) in changes.sessions.items()
        ]
        superseded = [
            {"id": session_id_of(id), "superseded_at": self.now}
            for id in sorted(changes.removed.difference(changes.sessions))
        ]
        return [
            (CHANGED_VERDICTS, verdicts),
            (PUT_SESSIONS, sessions),
            (SUPERSEDED_SESSIONS, superseded),
        ]

    async def append(self, *, first: bool = False) -> list[AppendedEntry]:
        """Appends what was decided to the ledger; all else is written before.

        `first` says that the transaction has appended nothing yet.
        """
        drafts = self.changes.drafts
        return await append_entries(
            self.connection, self.dependencies, self.workspace, self.now, drafts, first=first
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
        stretch = Stretch(cut.owner_id, instant_text(beyond), instant_text(cut.reaches))
        [events] = await ask(self.connection, events_within(self.workspace.id, [stretch]))
        self.learn((), events)


async def recut_contacts(
    connection: AsyncConnection,
    dependencies: Dependencies,
    workspace: WorkspaceSettings,
    now: datetime,
    root_ids: Collection[str],
    reason: DebitReason,
) -> list[AppendedEntry]:
    """Cuts the whole history of contacts anew, as merges and unmerges need it, and writes it.

    The contacts' rows must be locked. Returns the ledger entries written, in the order of the ids,
    none where a cut stays. The number of statements does not depend on that of contacts.
    """
    working = WorkingSet(connection, dependencies, workspace, now)
    for root_id, found in (await recuts(connection, workspace, now, root_ids, root_ids)).items():
        working.changes.add(root_id, found, draft_entries(found, reason))
    return await working.write()


async def recuts(
    connection: AsyncConnection,
    workspace: WorkspaceSettings,
    now: datetime,
    owner_ids: Collection[str],
    root_ids: Collection[str],
) -> dict[str, Recut]:
    """How the history of each root is cut anew, of what the owners in the same places have.

    For a merge that is only looked at, several owners have the same root.
    """
    root_of = dict(zip(owner_ids, root_ids, strict=True))
    until = instant_text(now + timedelta(days=1))
    sessions, events = await ask(
        connection,
        CURRENT_SESSIONS.of(workspace.id, [(owner_id, EARLIEST) for owner_id in owner_ids]),
        events_within(workspace.id, [Stretch(owner_id, "", until) for owner_id in owner_ids]),
    )
    cuts: dict[str, tuple[list[Session], list[Judged]]] = {id: ([], []) for id in root_ids}
    for owner_id, session in sessions_by_owner(sessions):
        cuts[root_of[owner_id]][0].append(session)
    for owner_id, judged in judged_by_owner(events):
        cuts[root_of[owner_id]][1].append(judged)
    return {root_id: recut_all(workspace.rules, *cut) for root_id, cut in cuts.items()}
