"""What usage means, as plainly as possible and sharing no code with the product.

It is given everything that is stored, debit by debit; instants are compared as they are.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

Row = Mapping[str, Any]
THREE_DAYS = timedelta(hours=72)


@dataclass(frozen=True)
class Spent:
    """One credit that counts in a period, and what it went to."""

    channel: str
    lane: str
    campaign: str | None
    journey: str | None
    agent: str | None
    contact: str


@dataclass(frozen=True)
class Model:
    """Everything that is stored, and the instants at which cycles begin."""

    contacts: Sequence[Row]
    interactions: Sequence[Row]
    sessions: Sequence[Row]
    ledger: Sequence[Row]
    beginnings: Sequence[datetime]

    def spent(self, begins: datetime, ends: datetime, known_at: datetime) -> list[Spent]:
        """The credits of a period, one by one, by what was known at an instant."""
        known = [row for row in self.ledger if row["recorded_at"] <= known_at]
        back = {row["supersedes"]: row for row in known if row["kind"] == "REVERSAL"}
        return [
            self._spent(row["session_id"])
            for row in known
            if row["kind"] == "DEBIT"
            and begins <= row["counts_at"] < ends
            and not self._is_taken_back(row, back.get(row["sequence"]))
        ]

    def _is_taken_back(self, debit: Row, reversal: Row | None) -> bool:
        """Whether a debit was reversed in its own cycle: later it is a courtesy and no usage."""
        if reversal is None:
            return False
        [closes] = [
            end for start, end in pairwise(self.beginnings) if start <= debit["counts_at"] < end
        ]
        return bool(reversal["counts_at"] < closes)

    def _spent(self, session_id: str) -> Spent:
        [session] = [row for row in self.sessions if row["id"] == session_id]
        [opening] = [row for row in self.interactions if row["id"][4:] == session_id[4:]]
        return Spent(
            channel=session["channel"],
            lane=session["lane"],
            campaign=self._cause(opening, "CAMPAIGN_SEND", "campaign_id"),
            journey=self._cause(opening, "JOURNEY_SEND", "journey_id"),
            agent=self._agent(opening, session_id),
            contact=opening["owner_id"],
        )

    def _cause(self, opening: Row, kind: str, name: str) -> str | None:
        """What the opening names, or the last of what was sent to who wrote it."""
        if opening[name] is not None or opening["kind"] != "CUSTOMER_MESSAGE":
            named: str | None = opening[name]
            return named
        sends = [
            (row["position"], row[name])
            for row in self.interactions
            if (row["kind"], row["owner_id"]) == (kind, opening["owner_id"])
            and row[name] is not None
            and row["retracted_at"] is None
            and opening["occurred_at"] - THREE_DAYS <= row["occurred_at"]
            and row["position"] < opening["position"]
        ]
        return max(sends)[1] if sends else None

    def _agent(self, opening: Row, session_id: str) -> str | None:
        agents = [
            (row["position"], row["agent_id"])
            for row in self.interactions
            if row["session_id"] == session_id and row["agent_id"] is not None
        ]
        return opening["agent_id"] or (min(agents)[1] if agents else None)


def first(credits_by_id: Counter[str | None], top: int) -> list[tuple[str | None, int, bool]]:
    """Groups as they are told: the most first, then none, then the rest together."""
    named = sorted((-n, id) for id, n in credits_by_id.items() if id is not None)
    told: list[tuple[str | None, int, bool]] = [(id, -n, False) for n, id in named[:top]]
    if credits_by_id[None]:
        told.append((None, credits_by_id[None], False))
    if len(named) > top:
        told.append((None, -sum(n for n, _ in named[top:]), True))
    return told
