"""Whether a workspace's books are the truth: by the reference model, and by `verify_ledger`.

The model shares no code with the engine; it is given the set of interactions as they are stored.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from sqlalchemy import select

from tests.properties.reference_model import Touch, bill
from trenza.domain.ids import session_id_of
from trenza.services.dependencies import Dependencies
from trenza.services.verify import verify_ledger
from trenza.storage import Contact, Interaction, InteractionzSession, LedgerEntry, LedgerHead
from trenza.storage.columns import Table

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Row = Mapping[str, Any]
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Stored:
    """Everything that the database holds of one workspace's metering."""

    contacts: Sequence[Row]
    interactions: Sequence[Row]
    sessions: Sequence[Row]
    ledger: Sequence[Row]
    head: Row

    @property
    def ids(self) -> dict[tuple[str, str], str]:
        """The id of each interaction, by source and external id."""
        return {(row["source"], row["external_id"]): row["id"] for row in self.interactions}

    @property
    def reversals(self) -> list[Row]:
        """The rows of the ledger that take a debit back."""
        return [row for row in self.ledger if row["kind"] == "REVERSAL"]

    @property
    def net_debits(self) -> int:
        """The credits spent, after what came back."""
        return sum(row["amount"] for row in self.ledger if row["kind"] in ("DEBIT", "REVERSAL"))


async def stored(dependencies: Dependencies, workspace_id: str) -> Stored:
    """Reads a workspace's metering as it stands."""
    async with dependencies.database.read(workspace_id) as connection:

        async def rows(table: type[Table], *order: str) -> Sequence[Row]:
            named = table.__table__
            statement = select(named).where(named.c.workspace_id == workspace_id)
            found = await connection.execute(statement.order_by(*(named.c[name] for name in order)))
            return [dict(row) for row in found.mappings()]

        [head] = await rows(LedgerHead)
        return Stored(
            contacts=await rows(Contact, "id"),
            interactions=await rows(Interaction, "position"),
            sessions=await rows(InteractionzSession, "opened_position"),
            ledger=await rows(LedgerEntry, "sequence"),
            head=head,
        )


async def audit(
    dependencies: Dependencies, workspace_id: str, told: Mapping[str, str] = NOTHING
) -> Stored:
    """Fails with every difference between the books and the truth; returns what is stored.

    `told` are external ids by interaction, as they were before what is erased was.
    """
    found = await stored(dependencies, workspace_id)
    cuts = cut_differences(found, told)
    differences = [*contact_differences(found), *cuts, *ledger_differences(found)]
    assert differences == []
    assert await verify_ledger(dependencies, workspace_id) == []
    return found


def contact_differences(found: Stored) -> Iterator[str]:
    """Interactions belong to the root of the contact that they were recorded for."""
    merged_into = {row["id"]: row["merged_into_id"] for row in found.contacts}
    for row in found.interactions:
        root = row["contact_id"]
        while merged_into[root] is not None:
            root = merged_into[root]
        if row["owner_id"] != root:
            yield f"{row['id']} belongs to {row['owner_id']}, the root is {root}"


def cut_differences(found: Stored, told: Mapping[str, str] = NOTHING) -> Iterator[str]:
    """Current sessions and verdicts are what the model says of each contact's interactions."""
    touches: dict[str, dict[Touch, Row]] = defaultdict(dict)
    for row in found.interactions:
        named = {"external_id": told.get(row["id"], row["external_id"])}
        touches[row["owner_id"]][touch_of({**row, **named})] = row
    current: dict[str, dict[str, tuple[datetime, str]]] = defaultdict(dict)
    for session in found.sessions:
        if session["superseded_at"] is None:
            shown = (session["opened_at"], session["lane"])
            current[session["owner_id"]][session["id"]] = shown
    for owner_id in touches.keys() | current.keys():
        rows = touches[owner_id]
        expected = bill(list(rows))
        sessions = {
            session_id_of(rows[opener]["id"]): (rows[opener]["occurred_at"], lane or "UNBOUND")
            for opener, lane in expected.sessions.items()
        }
        if sessions != current[owner_id]:
            yield f"{owner_id} has the sessions {current[owner_id]}, the model says {sessions}"
        for touch, (outcome, opener) in expected.verdicts.items():
            session_id = session_id_of(rows[opener]["id"]) if opener else None
            row = rows[touch]
            if (row["outcome"], row["session_id"]) != (outcome, session_id):
                yield f"{row['id']} is {row['outcome']} by {row['session_id']}, not {outcome}"


def touch_of(row: Row) -> Touch:
    """A stored interaction as the model takes it."""
    return Touch(
        (row["occurred_at"] - EPOCH) // timedelta(microseconds=1),
        row["kind"],
        row["actor"] or "",
        row["source"],
        row["external_id"],
        row["retracted_at"] is not None,
    )


def ledger_differences(found: Stored) -> Iterator[str]:
    """Rows are numbered without gap, in time, and debits stand for the current sessions."""
    sequences = [row["sequence"] for row in found.ledger]
    if sequences != list(range(1, len(sequences) + 1)):
        yield f"the ledger has a gap or a repeat: {sequences}"
    if found.head["sequence"] != len(sequences):
        yield f"the head stands at {found.head['sequence']} after {len(sequences)} rows"
    for before, after in pairwise(row["recorded_at"] for row in found.ledger):
        if before >= after:
            yield f"{after} was recorded after {before}"
    standing: dict[str, int] = {}
    for row in found.ledger:
        session_id, sequence = row["session_id"], row["sequence"]
        if row["kind"] == "DEBIT" and standing.setdefault(session_id, sequence) != sequence:
            yield f"{session_id} is debited twice, by {standing[session_id]} and {sequence}"
        if row["kind"] == "REVERSAL" and standing.pop(session_id, None) != row["supersedes"]:
            yield f"row {sequence} takes back {row['supersedes']}, which does not stand"
    current = {session["id"] for session in found.sessions if session["superseded_at"] is None}
    if standing.keys() != current:
        yield f"debits stand for {set(standing)}, current are {current}"
