"""The demo's timeline replayed through the pure engine, at any moment of loading.

It does in memory what the services do to rows: one interaction after the other as it arrives,
each re-cutting its contact's sessions, each row of the ledger with the clocks of that moment.
"""

import json
import tomllib
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from trenza.domain.channel import ChannelKind
from trenza.domain.errors import TooLate
from trenza.domain.interaction import InteractionKind, Lane
from trenza.domain.metering.balance import (
    Balance,
    DebitRun,
    Grant,
    GrantKind,
    balance,
    courtesy_of_reversal,
    plan_grant,
)
from trenza.domain.metering.cycle import Cycle, cycle_of, cycles_between
from trenza.domain.metering.fold import Event, Session, Verdict, make_event
from trenza.domain.metering.ledger import DebitReason, counts_at, draft_entries, next_recorded_at
from trenza.domain.metering.policy import POLICIES
from trenza.domain.metering.recut import Judged, Recut, recut, recut_all
from trenza.domain.metering.seat import SeatEvent, SeatEventKind, SignIn

Line = dict[str, Any]

DEMO = Path(__file__).resolve().parents[2] / "seed" / "demo"
SEAT_EVENTS = {
    "inviteUser": SeatEventKind.INVITED,
    "acceptInvitation": SeatEventKind.ACCEPTED,
    "deactivateUser": SeatEventKind.DEACTIVATED,
    "reactivateUser": SeatEventKind.REACTIVATED,
}


def read_lines(name: str) -> list[Line]:
    """The objects of a JSON Lines file of the demo."""
    text = (DEMO / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def read_workspace() -> Line:
    """The demo's workspace."""
    return tomllib.loads((DEMO / "workspace.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Row:
    """A row of the ledger; a reversal has the debit that it takes back in `supersedes`.

    `contact` is the root that the contact of its session has when all is told.
    """

    sequence: int
    contact: str
    session: str
    amount: int
    effective_at: datetime
    recorded_at: datetime
    counts_at: datetime
    reason: DebitReason
    supersedes: "Row | None"


@dataclass
class History:
    """What is known of a contact that is the root of its merge: interactions in order, sessions."""

    contact: str
    events: list[Event] = field(default_factory=list)
    sessions: dict[str, Session] = field(default_factory=dict)


class Replay:
    """The state of the workspace after every line has arrived."""

    def __init__(self, loaded_at: datetime) -> None:
        self.loaded_at = loaded_at
        self.workspace = read_workspace()
        self.zone = ZoneInfo(self.workspace["workspace"]["zone"])
        self.policy = POLICIES[self.workspace["workspace"]["policy"]]
        anchor_days = timedelta(days=self.workspace["contract"]["anchor_days_ago"])
        self.anchor_day = (loaded_at.astimezone(self.zone) - anchor_days).day
        self.closed: list[Cycle] = []
        self.rows: list[Row] = []
        self.grants: list[Grant] = []
        self.verdicts: dict[str, Verdict] = {}
        self.taken: dict[str, Line] = {}
        self.quarantined: list[Line] = []
        self.repeated: list[Line] = []
        self.seat_events: list[SeatEvent] = []
        self.sign_ins: list[SignIn] = []
        self.second_sign_ins = 0
        self._root: dict[str, str] = {}
        self._told_of: dict[str, str] = {}
        self._owner: dict[tuple[str, str], str] = {}
        self._histories: dict[str, History] = {}
        self._debits: dict[str, Row] = {}
        for contact in read_lines("contacts.jsonl"):
            for identity in contact["identities"]:
                self._owner[identity["channel"], identity["address"]] = contact["contact"]
        for line in read_lines("timeline.jsonl"):
            self._take(line, self.instant(line["arrives"]))

    def instant(self, seconds: float) -> datetime:
        """The instant at an offset of the timeline."""
        return self.loaded_at + timedelta(microseconds=round(seconds * 1_000_000))

    def owner_of(self, channel: str, address: str) -> str:
        """The root of the contact that an address belongs to; an unknown one makes a contact."""
        contact = self._owner.setdefault((channel, address), f"{channel} {address}")
        return self._root.get(contact, contact)

    def cycle_at(self, at: datetime) -> Cycle:
        """The cycle that holds an instant."""
        return cycle_of(self.anchor_day, self.zone, at)

    @property
    def plan(self) -> Line:
        """The plan of the contract."""
        code = self.workspace["contract"]["plan"]
        return next(plan for plan in self.workspace["plans"] if plan["code"] == code)

    def running_balance(self) -> Balance:
        """The balance of the running cycle at the moment of loading."""
        return self.balance(self.cycle_at(self.loaded_at), self.loaded_at)

    def balance(self, cycle: Cycle, at: datetime) -> Balance:
        """The balance of a cycle at an instant of it, knowing everything."""
        quota, first = self.plan["interactionz"], self.closed[0].starts_at
        cycles = cycles_between(self.anchor_day, self.zone, first, cycle.ends_at)
        grants = [*self.grants, *(plan_grant(each, quota) for each in cycles)]
        counts: defaultdict[datetime, int] = defaultdict(int)
        for row in self.rows:
            counted = row.supersedes.counts_at if row.supersedes else row.counts_at
            if self.cycle_at(counted) == self.cycle_at(row.counts_at):
                counts[counted] += row.amount
            else:
                counted_in = self.cycle_at(row.counts_at)
                grants.append(courtesy_of_reversal(row.sequence, row.counts_at, counted_in))
        runs = [DebitRun(counted, count) for counted, count in counts.items()]
        return balance(cycle, grants, runs, at)

    def _take(self, line: Line, at: datetime) -> None:
        match line["do"]:
            case "recordInteraction":
                self._record(line, at)
            case "mergeContacts":
                self._merge(line["source"], line["target"], at)
            case "unmergeContact":
                self._unmerge(line["contact"], at)
            case "closeCycle":
                self.closed.append(self.cycle_at(self.instant(line["cycleOf"])))
            case "grantInteractionz":
                expires_at = at + timedelta(days=line["expiresAfterDays"])
                kind, amount = GrantKind(line["kind"]), line["amount"]
                name, priority = f"grant_{len(self.grants)}", line["priority"]
                self.grants.append(Grant(name, kind, amount, at, expires_at, priority))
            case "signIn" | "signOut" as verb:
                self._come_or_leave(line["user"], at, leaves=verb == "signOut")
            case verb if verb in SEAT_EVENTS:
                self.seat_events.append(SeatEvent(line["user"], SEAT_EVENTS[verb], at))

    def _come_or_leave(self, user: str, at: datetime, *, leaves: bool) -> None:
        """A second sign-in goes on with the first; to sign out, one has to be signed in."""
        standing = [s for s in self.sign_ins if s.user_id == user and at < s.ends_at]
        if leaves or standing:
            (before,) = standing
            self.sign_ins.remove(before)
            self.sign_ins.append(SignIn(user, before.started_at, at, at if leaves else None))
            self.second_sign_ins += not leaves
        else:
            self.sign_ins.append(SignIn(user, at, at, None))

    def _record(self, line: Line, at: datetime) -> None:
        name = f"{line['source']}/{line['externalId']}"
        content = {key: value for key, value in line.items() if key != "arrives"}
        if name in self.taken:
            if self.taken[name] != content:
                raise ValueError(f"{name} came with another content")
            self.repeated.append(line)
            return
        occurred_at = self.instant(line["at"])
        try:
            self.policy.require_timely(occurred_at, at)
        except TooLate:
            self.quarantined.append(line)
            return
        self.taken[name] = content
        kind = InteractionKind(line["kind"])
        event = make_event(
            self.policy,
            event_id=name,
            occurred_at=occurred_at,
            kind=kind,
            lane=self.policy.lane_of(kind, Lane(line["actor"]) if "actor" in line else None),
            channel=ChannelKind(line["channel"]),
            source=line["source"],
            external_id=line["externalId"],
            content_hash="",
        )
        contact = self._told_of[name] = self._contact_of(line)
        self._insert(self._history_of(self._root.get(contact, contact)), event, at)

    def _contact_of(self, line: Line) -> str:
        """The contact that a line names, or that holds its address."""
        if "contact" in line:
            return str(line["contact"])
        channel, address = line["identity"]["channel"], line["identity"]["address"]
        return self._owner.setdefault((channel, address), f"{channel} {address}")

    def _history_of(self, contact: str) -> History:
        return self._histories.setdefault(contact, History(contact))

    def _insert(self, history: History, event: Event, at: datetime) -> None:
        place = bisect_left(history.events, event.position, key=lambda each: each.position)
        later = [Judged(each, self.verdicts[each.id]) for each in history.events[place:]]
        live = [s for s in history.sessions.values() if s.expires_at > event.occurred_at]
        found = recut(self.policy, live, later, event, complete=True)
        if found is None:
            raise ValueError("a complete history has to give a cut")
        history.events.insert(place, event)
        self._apply(history, found, DebitReason.LATE_INTERACTION, at, event.id)

    def _merge(self, source: str, target: str, at: datetime) -> None:
        theirs, ours = self._history_of(source), self._history_of(target)
        ours.events = sorted([*ours.events, *theirs.events], key=lambda each: each.position)
        ours.sessions |= theirs.sessions
        judged = [Judged(event, self.verdicts[event.id]) for event in ours.events]
        found = recut_all(self.policy, ours.sessions.values(), judged)
        self._root[source] = target
        self.rows = [
            replace(row, contact=target) if row.contact == source else row for row in self.rows
        ]
        self._apply(ours, found, DebitReason.MERGE, at, None)

    def _unmerge(self, source: str, at: datetime) -> None:
        """Gives back what was told of the source; nobody had been merged into it before."""
        both = self._history_of(self._root.pop(source))
        theirs = self._histories[source] = History(source)
        theirs.events = [each for each in both.events if self._told_of[each.id] == source]
        both.events = [each for each in both.events if self._told_of[each.id] != source]
        for session in [each for each in both.sessions if self._told_of[each] == source]:
            theirs.sessions[session] = both.sessions.pop(session)
        self.rows = [
            replace(row, contact=source) if self._told_of[row.session] == source else row
            for row in self.rows
        ]
        for history in (theirs, both):
            judged = [Judged(event, self.verdicts[event.id]) for event in history.events]
            found = recut_all(self.policy, history.sessions.values(), judged)
            self._apply(history, found, DebitReason.UNMERGE, at, None)

    def _apply(
        self, history: History, found: Recut, reason: DebitReason, at: datetime, arrived: str | None
    ) -> None:
        for entry in draft_entries(found, reason, arrived=arrived):
            recorded_at = next_recorded_at(at, self.rows[-1].recorded_at if self.rows else None)
            closed_until = self.closed[-1].ends_at if self.closed else None
            row = Row(
                sequence=len(self.rows) + 1,
                contact=history.contact,
                session=entry.session_id,
                amount=entry.amount,
                effective_at=entry.effective_at,
                recorded_at=recorded_at,
                counts_at=counts_at(entry.effective_at, recorded_at, closed_until),
                reason=entry.reason,
                supersedes=self._debits.pop(entry.session_id) if entry.amount < 0 else None,
            )
            if row.amount > 0:
                self._debits[entry.session_id] = row
            self.rows.append(row)
        for session in found.removed:
            del history.sessions[session.id]
        for session in (*found.opened, *found.altered):
            history.sessions[session.id] = session
        self.verdicts |= found.verdicts
