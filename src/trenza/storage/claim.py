"""The lock under which is claimed what one alone can have: an address, the id of a report.

Whoever claims holds it together with others: hardly ever is it the same that they claim, and unique
keys keep them apart. Who loses such a race is decided again alone, and so loses none any more,
however much is claimed beside. Alone from the start must be decided what no unique key can see.
"""

from dataclasses import dataclass

from trenza.storage.sight import quoted


class NotAloneError(Exception):
    """What was begun beside others has to be decided alone: nothing of it was written."""


@dataclass
class ClaimLock:
    """One transaction's hold on it, through all its attempts; on SQLite each is alone anyway."""

    alone: bool = False

    def sql(self, workspace_id: str) -> str:
        """SQL that takes it on PostgreSQL until the transaction ends, in the order of asking."""
        shared = "" if self.alone else "_shared"
        name = quoted(f"trenza claims of {workspace_id}")
        return f"; SELECT pg_advisory_xact_lock{shared}(hashtextextended({name}, 0))"
