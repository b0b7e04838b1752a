"""The ledger: what a re-cut writes, and in which cycle it counts.

Rows are only ever appended. A session that a re-cut opens gets a debit of one credit, one that
it removes gets a reversal of the debit that stands for it, and nothing is written where nothing
changed: binding a lane costs nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from trenza.domain.instant import TICK
from trenza.domain.metering.fold import Session
from trenza.domain.metering.recut import Recut


class EntryKind(StrEnum):
    """What a row of the ledger is."""

    DEBIT = "DEBIT"
    REVERSAL = "REVERSAL"
    GRANT = "GRANT"
    CLOSING = "CLOSING"


class DebitReason(StrEnum):
    """Why a row of the ledger was written."""

    OPENED = "OPENED"
    LATE_INTERACTION = "LATE_INTERACTION"
    RETRACTION = "RETRACTION"
    MERGE = "MERGE"
    UNMERGE = "UNMERGE"


@dataclass(frozen=True, slots=True)
class Entry:
    """A row to append; its sequence, `recorded_at` and `counts_at` come with the append.

    `amount` is 1 for a debit and -1 for a reversal, which takes back the debit that stands for the
    session and has its `effective_at`: the opening of the session.
    """

    amount: int
    effective_at: datetime
    reason: DebitReason
    session_id: str
    opened_position: str


def draft_entries(
    recut: Recut, reason: DebitReason, *, arrived: str | None = None
) -> tuple[Entry, ...]:
    """The rows that a re-cut writes: reversals first, then debits, each by position.

    `arrived` is the id of the interaction whose arrival caused the re-cut (the reason is then
    LATE_INTERACTION): where it opened its own session and took nothing back, that debit is simply
    OPENED.
    """
    reversals = [_entry(-1, session, reason) for session in recut.removed]
    in_order = arrived is not None and not recut.removed
    debits = [
        _entry(1, session, DebitReason.OPENED if in_order and session.id == arrived else reason)
        for session in recut.opened
    ]
    return (*reversals, *debits)


def _entry(amount: int, session: Session, reason: DebitReason) -> Entry:
    return Entry(amount, session.opened_at, reason, session.id, session.opened_position)


def counts_at(
    effective_at: datetime, recorded_at: datetime, closed_until: datetime | None
) -> datetime:
    """When a row counts: when it took effect, or when it was learned if that cycle was closed.

    `closed_until` is the end of the last closed cycle (cycles close in order), None before the
    first closing. A row that counts when it was learned is an adjustment of the running cycle.
    """
    if closed_until is not None and effective_at < closed_until:
        return recorded_at
    return effective_at


def next_recorded_at(now: datetime, last: datetime | None) -> datetime:
    """The instant of the next row: now, but at least a microsecond after the last row's."""
    if last is None or now > last:
        return now
    return last + TICK
