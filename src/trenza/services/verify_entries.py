"""The ledger verified, row by row in its order, with everything that follows from it."""

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from trenza.domain.ids import opening_interaction_id_of
from trenza.domain.instant import EARLIEST, instant_text
from trenza.domain.metering.balance import GrantKind, crossed
from trenza.domain.metering.cycle import Cycle
from trenza.domain.metering.ledger import DebitReason, EntryKind, counts_at
from trenza.services.difference import Difference, differing
from trenza.storage import verify as storage
from trenza.storage.engine import AsyncConnection
from trenza.storage.verify import Row
from trenza.storage.workspace import WorkspaceSettings

ROWS_AT_ONCE = 1_000
OF_SESSIONS = ("session_id", "cause_id", "reason", "supersedes", "debit_counts_at")
"""What only debits and reversals have."""
BY_NO_INTERACTION = (DebitReason.MERGE, DebitReason.UNMERGE)


async def verify_entries(
    connection: AsyncConnection, workspace: WorkspaceSettings, beside: storage.Beside
) -> AsyncGenerator[Difference, None]:
    """Every difference in the ledger, and in the head, grants, closings, alerts beside it."""
    books = _Books(workspace, beside)
    after = 0
    while rows := await storage.list_entries(connection, workspace.id, after, ROWS_AT_ONCE):
        for row in rows:
            for difference in books.take(row):
                yield difference
        after = rows[-1]["sequence"]
    for row in await storage.list_taken_back_twice(connection, workspace.id):
        yield Difference(_name(row["supersedes"]), "reversals", "at most 1", row["reversals"])
    for difference in books.end():
        yield difference


def _name(sequence: int) -> str:
    return f"ledger row {sequence}"


@dataclass
class _Books:
    """How far the ledger was read, and what the rows so far ask for beside it."""

    workspace: WorkspaceSettings
    beside: storage.Beside
    sequence: int = 0
    recorded_at: datetime = EARLIEST
    closed_until: datetime | None = None
    consumed: dict[datetime, int] = field(default_factory=dict)
    alerts: dict[tuple[datetime, int], dict[str, object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._cycles = [Cycle(row["starts_at"], row["ends_at"]) for row in self.beside.cycles]
        self._grants = {row["sequence"]: row for row in self.beside.grants}
        self._closings = {row["sequence"]: row for row in self.beside.closings}
        self._raised = {
            (row["cycle_starts_at"], row["threshold_percent"]): row for row in self.beside.alerts
        }

    def take(self, row: Row) -> Iterator[Difference]:
        """What differs in the next row."""
        subject = _name(row["sequence"])
        counted = counts_at(row["effective_at"], row["recorded_at"], self.closed_until)
        expected = {"sequence": self.sequence + 1, "counts_at": counted}
        yield from differing(subject, expected, row)
        if row["recorded_at"] <= self.recorded_at:
            earliest = f"after {instant_text(self.recorded_at)}"
            yield Difference(subject, "recorded_at", earliest, row["recorded_at"])
        match row["kind"]:
            case EntryKind.DEBIT:
                yield from _verify_debit(subject, row)
                yield from self._consume(subject, row, 1)
            case EntryKind.REVERSAL:
                yield from _verify_reversal(subject, row)
                yield from self._consume(subject, row, -1)
            case EntryKind.GRANT:
                yield from _verify_grant(subject, row, self._grants.pop(row["sequence"], None))
            case EntryKind.CLOSING:
                closing = self._closings.pop(row["sequence"], None)
                yield from _verify_closing(subject, row, closing)
                self.closed_until = row["effective_at"]
            case other:
                yield Difference(subject, "kind", "one of the ledger", other)
        self.sequence, self.recorded_at = row["sequence"], row["recorded_at"]

    def _consume(self, subject: str, row: Row, credits_: int) -> Iterator[Difference]:
        """Follows the consumption of the row's cycle, and which alerts it raises.

        A reversal of a debit of an earlier cycle is a courtesy: it consumes nothing back.
        """
        cycle = next((each for each in self._cycles if each.holds(row["counts_at"])), None)
        if cycle is None:
            yield Difference(subject, "cycle of counts_at", "kept", "none")
            return
        starts_at, taken_back = cycle.starts_at, row["debit_counts_at"]
        before = self.consumed.get(starts_at, 0)
        stays = taken_back is not None and not cycle.holds(taken_back)
        self.consumed[starts_at] = before + (0 if stays else credits_)
        watched = {percent for start, percent in self._raised if start == starts_at}
        watched.update(self.workspace.alert_thresholds)
        quota = self.workspace.quota_of(cycle)
        for percent in crossed(quota, watched, before, self.consumed[starts_at]):
            raised = {
                "quota": quota,
                "consumed": self.consumed[starts_at],
                "raised_at": row["recorded_at"],
                "sequence": row["sequence"],
            }
            self.alerts.setdefault((starts_at, percent), raised)

    def end(self) -> Iterator[Difference]:
        """What differs beside the rows, now that all of them were read."""
        yield from self._verify_head()
        for row in (*self._grants.values(), *self._closings.values()):
            yield Difference(row["id"], "row of the ledger", row["sequence"], "none")
        for earlier, later in pairwise(self._cycles):
            if earlier.ends_at > later.starts_at:
                subject = f"the cycle from {instant_text(later.starts_at)}"
                start = f"{instant_text(earlier.ends_at)} or later"
                yield Difference(subject, "starts_at", start, later.starts_at)
        for row in self.beside.closings:
            if Cycle(row["starts_at"], row["ends_at"]) not in self._cycles:
                yield Difference(row["id"], "cycle", "kept", "none")
        for before, after in pairwise(self.beside.closings):
            yield from differing(after["id"], {"starts_at": before["ends_at"]}, after)
        yield from self._verify_alerts()

    def _verify_head(self) -> Iterator[Difference]:
        subject, head = "the ledger's head", self.beside.head
        if head is None:
            yield Difference(subject, "row", "there", "none")
            return
        expected: dict[str, object] = {
            "sequence": self.sequence,
            "closed_until": self.closed_until,
        }
        if self.sequence:
            expected["recorded_at"] = self.recorded_at
        yield from differing(subject, expected, head)

    def _verify_alerts(self) -> Iterator[Difference]:
        for key in self.alerts.keys() | self._raised.keys():
            subject = f"the alert of {key[1]} % in the cycle from {instant_text(key[0])}"
            expected, raised = self.alerts.get(key), self._raised.get(key)
            if expected is None or raised is None:
                words = ("none", "raised")
                yield Difference(subject, "alert", words[raised is None], words[expected is None])
            else:
                yield from differing(subject, expected, raised)


def _verify_debit(subject: str, row: Row) -> Iterator[Difference]:
    expected = {
        "amount": 1,
        "supersedes": None,
        "debit_counts_at": None,
        "session_opened_at": row["effective_at"],
    }
    yield from differing(subject, expected, row)
    if row["reason"] == DebitReason.OPENED:
        yield from differing(subject, {"cause_id": _opening_of(row)}, row)
    else:
        yield from _verify_reason(subject, row)


def _opening_of(row: Row) -> str | None:
    """The interaction that opened the session of a row, None where it names no session."""
    try:
        return opening_interaction_id_of(row["session_id"] or "")
    except ValueError:
        return None


def _verify_reason(subject: str, row: Row) -> Iterator[Difference]:
    """Why something earlier was changed, with the interaction where one caused it."""
    if row["reason"] not in set(DebitReason) - {DebitReason.OPENED}:
        yield Difference(subject, "reason", "that of a change", row["reason"])
    elif (row["cause_id"] is None) != (row["reason"] in BY_NO_INTERACTION):
        yield Difference(subject, "cause_id", f"fit to {row['reason']}", row["cause_id"])


def _verify_reversal(subject: str, row: Row) -> Iterator[Difference]:
    """A reversal takes back one debit that was written before it."""
    if row["superseded_kind"] != EntryKind.DEBIT or row["supersedes"] >= row["sequence"]:
        yield Difference(subject, "supersedes", "an earlier debit", row["supersedes"])
        return
    expected = {
        "amount": -1,
        "session_id": row["superseded_session_id"],
        "effective_at": row["superseded_effective_at"],
        "debit_counts_at": row["superseded_counts_at"],
    }
    yield from differing(subject, expected, row)
    yield from _verify_reason(subject, row)


def _verify_grant(subject: str, row: Row, grant: Row | None) -> Iterator[Difference]:
    yield from differing(subject, dict.fromkeys(OF_SESSIONS), row)
    if grant is None:
        yield Difference(subject, "grant", "there", "none")
        return
    shared = ("id", "amount", "effective_at", "recorded_at")
    yield from differing(subject, {name: grant[name] for name in shared}, row)
    if grant["kind"] not in (GrantKind.PURCHASE, GrantKind.COURTESY):
        yield Difference(grant["id"], "kind", "PURCHASE or COURTESY", grant["kind"])
    if grant["amount"] < 1:
        yield Difference(grant["id"], "amount", "1 or more", grant["amount"])
    if grant["expires_at"] <= grant["effective_at"]:
        yield Difference(grant["id"], "expires_at", "after effective_at", grant["expires_at"])


def _verify_closing(subject: str, row: Row, closing: Row | None) -> Iterator[Difference]:
    yield from differing(subject, {"amount": 0, **dict.fromkeys(OF_SESSIONS)}, row)
    if closing is None:
        yield Difference(subject, "closing", "there", "none")
        return
    expected = {
        "id": closing["id"],
        "recorded_at": closing["recorded_at"],
        "effective_at": closing["ends_at"],
    }
    yield from differing(subject, expected, row)
