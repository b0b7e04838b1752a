"""Recomputing the books from the interactions, and every difference to what is stored.

What can be worked out is worked out anew: the sessions and verdicts of each contact by folding all
of its interactions, the ledger by its own rules, closings and alerts from the ledger. It reads one
state of the database and keeps no more than some thousand rows at once.
"""

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from trenza.domain.channel import CHANNELS, ChannelKind
from trenza.domain.ids import session_id_of
from trenza.domain.interaction import InteractionKind, Lane
from trenza.domain.metering.cycle import Cycle
from trenza.domain.metering.fold import Session, fold, position_of
from trenza.domain.metering.ledger import EntryKind, counts_at
from trenza.services.dependencies import Dependencies
from trenza.services.interaction import RecordInteraction, content_hash
from trenza.services.statement import compose_statement
from trenza.storage import verify as storage
from trenza.storage.contact import Identity
from trenza.storage.engine import AsyncConnection
from trenza.storage.interaction import judged_of, verdict_columns
from trenza.storage.ledger import Head, find_cycles, find_head
from trenza.storage.verify import Row
from trenza.storage.workspace import WorkspaceSettings, find_workspace

BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Difference:
    """What is stored, and what it should be."""

    subject: str
    what: str
    expected: object
    found: object

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.subject}: {self.what} should be {self.expected}, is {self.found}"


async def count_verified(dependencies: Dependencies, workspace_id: str) -> dict[str, int]:
    """How much there was to verify, by noun."""
    async with dependencies.database.read() as connection:
        return await storage.count_books(connection, workspace_id)


async def verify_ledger(dependencies: Dependencies, workspace_id: str) -> list[Difference]:
    """Every difference between a workspace's books and what follows from its interactions."""
    async with dependencies.database.read() as connection:
        workspace = await find_workspace(connection, workspace_id)
        found = [each async for each in _verify_contacts(connection, workspace_id)]
        async for roots in storage.page_roots(connection, workspace_id):
            found += await _verify_cuts(connection, workspace, roots)
        books = _Books(connection, workspace)
        found += [each async for each in books.verify()]
        return found


async def _verify_contacts(
    connection: AsyncConnection, workspace_id: str
) -> AsyncGenerator[Difference, None]:
    for contact_id, found, expected in await storage.list_broken_roots(connection, workspace_id):
        yield Difference(contact_id, "root", expected, found)
    for table, contact_id, root_id, owner_id in await storage.list_misplaced(
        connection, workspace_id
    ):
        yield Difference(contact_id, f"owner of its {table}", root_id, owner_id)
    for session_id, owner_id in await storage.list_stranded_sessions(connection, workspace_id):
        yield Difference(session_id, "owner", "a contact that is not merged", owner_id)


async def _verify_cuts(
    connection: AsyncConnection, workspace: WorkspaceSettings, roots: Sequence[str]
) -> list[Difference]:
    """The sessions and verdicts of some contacts, against a fold of all their interactions."""
    interactions = await storage.list_interactions_of(connection, workspace.id, roots)
    by_owner = {
        owner: list(rows) for owner, rows in groupby(interactions, lambda row: row["owner_id"])
    }
    sessions: dict[str, list[Row]] = {}
    for row in await storage.list_sessions_of(connection, workspace.id, roots):
        sessions.setdefault(row["owner_id"], []).append(row)
    found: list[Difference] = []
    for owner_id in roots:
        rows = by_owner.get(owner_id, [])
        for row in rows:
            found += _verify_facts(workspace, row)
        folded = fold(workspace.rules, (judged_of(row).event for row in rows))
        for row in rows:
            expected = verdict_columns(folded.verdicts[row["id"]])
            found += _differing(row["id"], expected, row)
        found += _verify_sessions(folded.sessions, sessions.get(owner_id, []))
    return found


def _verify_facts(workspace: WorkspaceSettings, row: Row) -> Iterator[Difference]:
    """What an interaction says against its hash, and its position against both."""
    lane = Lane(row["actor"]) if row["actor"] else None
    identity = _identity_of(row)
    request = RecordInteraction(
        channel=ChannelKind(row["channel"]),
        kind=InteractionKind(row["kind"]),
        occurred_at=row["occurred_at"],
        contact_id=None if identity else row["contact_id"],
        text=row["text"],
        campaign_id=row["campaign_id"],
        ticket_id=row["ticket_id"],
        journey_id=row["journey_id"],
    )
    hashed = content_hash(request, lane, identity)
    position = position_of(
        workspace.rules,
        event_id=row["id"],
        occurred_at=row["occurred_at"],
        kind=request.kind,
        lane=lane,
        source=row["source"],
        external_id=row["external_id"],
        content_hash=row["content_hash"],
    )
    yield from _differing(row["id"], {"content_hash": hashed, "position": position}, row)


def _identity_of(row: Row) -> Identity | None:
    if row["identity_channel"] is None:
        return None
    channel = ChannelKind(row["identity_channel"])
    return Identity(channel, CHANNELS[channel].address_space, row["identity_address"])


def _verify_sessions(expected: Iterable[Session], stored: Iterable[Row]) -> Iterator[Difference]:
    """The current sessions of a contact, and one net debit for each of them and no other."""
    wanted = {session_id_of(session.id): session for session in expected}
    known = {row["id"]: row for row in stored}
    for session_id in wanted.keys() - known.keys():
        yield Difference(session_id, "session", "there", "missing")
    for session_id, row in known.items():
        session = wanted.get(session_id)
        is_current = row["superseded_at"] is None
        if is_current is (session is None):
            yield Difference(session_id, "current", session is not None, is_current)
        if row["net"] != (session is not None):
            yield Difference(session_id, "net debits", int(session is not None), row["net"])
        if session is not None and is_current:
            columns = {
                "opened_at": session.opened_at,
                "expires_at": session.expires_at,
                "opened_position": session.opened_position,
                "bound_position": session.bound_position,
                "lane": session.lane,
                "channel": session.channel,
            }
            yield from _differing(session_id, columns, row)


def _differing(subject: str, expected: Mapping[str, Any], row: Row) -> Iterator[Difference]:
    for name, value in expected.items():
        if row[name] != value:
            yield Difference(subject, name, value, row[name])


@dataclass
class _Consumption:
    """What a cycle consumed, and the first row that reached each threshold of the alerts."""

    cycle: Cycle
    credits: int = 0
    peak: int = 0


class _Books:
    """The ledger of a workspace, checked row by row, with what else follows from it."""

    def __init__(self, connection: AsyncConnection, workspace: WorkspaceSettings) -> None:
        self._connection = connection
        self._workspace = workspace
        self._last = Head(0, BEFORE_ALL, None)
        self._cycles: list[Cycle] = []
        self._consumption: dict[datetime, _Consumption] = {}
        self._alerts: dict[tuple[datetime, int], Row] = {}
        self._grants: dict[int, Row] = {}
        self._closings: dict[int, Row] = {}

    async def verify(self) -> AsyncGenerator[Difference, None]:
        """The differences of the ledger, its head, the grants, the closings and the alerts."""
        connection, workspace_id = self._connection, self._workspace.id
        head = await find_head(connection, workspace_id)
        self._cycles = await find_cycles(connection, workspace_id)
        listed = storage.list_of_workspace
        self._grants = {r["sequence"]: r for r in await listed(connection, workspace_id, "grants")}
        closings = await listed(connection, workspace_id, "closings")
        self._closings = {row["sequence"]: row for row in closings}
        for row in await listed(connection, workspace_id, "alerts"):
            self._alerts[row["cycle_starts_at"], row["threshold_percent"]] = row
        async for rows in storage.page_ledger(connection, workspace_id):
            wanted = {row["supersedes"] for row in rows if row["supersedes"] is not None}
            debits = await storage.find_entries(connection, workspace_id, wanted)
            for row in rows:
                for difference in self._verify_row(row, debits):
                    yield difference
        for difference in self._verify_ends(head):
            yield difference
        async for difference in self._verify_statements(closings):
            yield difference

    def _verify_row(self, row: Row, debits: Mapping[int, Row]) -> Iterator[Difference]:
        subject, last = f"ledger row {row['sequence']}", self._last
        if row["sequence"] != last.sequence + 1:
            yield Difference(subject, "sequence", last.sequence + 1, row["sequence"])
        if row["recorded_at"] <= last.recorded_at:
            yield Difference(
                subject, "recorded_at", f"after {last.recorded_at}", row["recorded_at"]
            )
        closed_until = last.closed_until
        counted = counts_at(row["effective_at"], row["recorded_at"], closed_until)
        yield from _differing(subject, {"counts_at": counted}, row)
        match row["kind"]:
            case EntryKind.DEBIT:
                expected = {"amount": 1, "supersedes": None, "debit_counts_at": None}
                yield from _differing(subject, expected, row)
            case EntryKind.REVERSAL:
                yield from self._verify_reversal(subject, row, debits.get(row["supersedes"]))
            case EntryKind.GRANT:
                yield from _verify_twin(subject, row, self._grants.pop(row["sequence"], None))
            case EntryKind.CLOSING:
                closing = self._closings.pop(row["sequence"], None)
                yield from _verify_twin(subject, row, closing)
                if closing is not None:
                    closed_until = closing["ends_at"]
        if row["session_id"] is not None:
            opened = {"session_opened_at": row["effective_at"]}
            yield from _differing(f"{subject}, {row['session_id']}", opened, row)
            yield from self._consume(row)
        self._last = Head(row["sequence"], row["recorded_at"], closed_until)

    def _verify_reversal(self, subject: str, row: Row, debit: Row | None) -> Iterator[Difference]:
        if debit is None or debit["kind"] != EntryKind.DEBIT:
            yield Difference(subject, "supersedes", "an earlier debit", row["supersedes"])
            return
        expected = {
            "amount": -1,
            "session_id": debit["session_id"],
            "effective_at": debit["effective_at"],
            "debit_counts_at": debit["counts_at"],
        }
        yield from _differing(subject, expected, row)
        if debit["sequence"] >= row["sequence"]:
            yield Difference(subject, "supersedes", "an earlier debit", row["supersedes"])

    def _consume(self, row: Row) -> Iterator[Difference]:
        """Follows the consumption of the row's cycle, and checks the alerts that it raised."""
        cycle = self._workspace.cycle_at(row["counts_at"], self._cycles)
        consumed = self._consumption.setdefault(cycle.starts_at, _Consumption(cycle))
        taken_back_later = row["debit_counts_at"] is not None and not cycle.holds(
            row["debit_counts_at"]
        )
        consumed.credits += 0 if taken_back_later else row["amount"]
        consumed.peak = max(consumed.peak, consumed.credits)
        for (starts_at, percent), alert in self._alerts.items():
            if starts_at == cycle.starts_at and alert["sequence"] == row["sequence"]:
                subject = f"alert {percent} % of the cycle from {starts_at}"
                expected = {"consumed": consumed.credits, "raised_at": row["recorded_at"]}
                yield from _differing(subject, expected, alert)
                if consumed.credits * 100 < percent * alert["quota"]:
                    yield Difference(subject, "alert", "not raised yet", "raised")

    def _verify_ends(self, head: Head) -> Iterator[Difference]:
        """The head against the last row, and what ought to have a row or an alert."""
        last = self._last
        if last.sequence:
            expected = {"recorded_at": last.recorded_at, "closed_until": last.closed_until}
            found = {"recorded_at": head.recorded_at, "closed_until": head.closed_until}
            yield from _differing("the ledger's head", expected, found)
        if head.sequence != last.sequence:
            yield Difference("the ledger's head", "sequence", last.sequence, head.sequence)
        for row in (*self._grants.values(), *self._closings.values()):
            yield Difference(row["id"], "row of the ledger", row["sequence"], "missing")
        for starts_at, consumed in self._consumption.items():
            quota = self._workspace.quota_of(consumed.cycle)
            for percent in self._workspace.alert_thresholds:
                reached = quota and consumed.peak * 100 >= percent * quota
                if reached and (starts_at, percent) not in self._alerts:
                    subject = f"alert {percent} % of the cycle from {starts_at}"
                    yield Difference(subject, "alert", "raised", "missing")

    async def _verify_statements(self, closings: Sequence[Row]) -> AsyncGenerator[Difference, None]:
        for row in closings:
            cycle = Cycle(row["starts_at"], row["ends_at"])
            composed = await compose_statement(
                self._connection, self._workspace, cycle, row["recorded_at"]
            )
            for difference in _differing(row["id"], {"statement": composed}, row):
                yield difference


def _verify_twin(subject: str, row: Row, twin: Row | None) -> Iterator[Difference]:
    """A grant or a closing beside its row of the ledger."""
    if twin is None:
        yield Difference(subject, f"{row['kind'].lower()} beside it", "there", "missing")
        return
    expected = {"id": row["id"], "recorded_at": row["recorded_at"]}
    if row["kind"] == EntryKind.GRANT:
        expected |= {"amount": row["amount"], "effective_at": row["effective_at"]}
    yield from _differing(subject, expected, twin)
