"""What was counted before, remembered by a process so that it need not be counted each time."""

from datetime import datetime

REMEMBERED_MAX = 10_000
"""Cycles that are remembered, a workspace each or so; beyond it all are forgotten."""


class CountedDebits:
    """Bounds of the net debits of cycles.

    A ledger only grows, and none of its rows adds more than one to a cycle: what was counted once,
    up to some row that was committed, bounds what a later count can find, whoever wrote since.
    """

    def __init__(self) -> None:
        self._counted: dict[tuple[str, datetime], tuple[int, int]] = {}

    def note(self, workspace_id: str, starts_at: datetime, sequence: int, debits: int) -> None:
        """Remembers the net debits of a cycle by the rows up to a sequence, all committed."""
        if len(self._counted) >= REMEMBERED_MAX:
            self._counted.clear()
        self._counted[workspace_id, starts_at] = (sequence, debits)

    def at_most(self, workspace_id: str, starts_at: datetime, sequence: int) -> int | None:
        """The most that a cycle can have by the rows up to a sequence; None where unknown."""
        counted = self._counted.get((workspace_id, starts_at))
        if counted is None or counted[0] > sequence:
            return None
        return counted[1] + sequence - counted[0]
