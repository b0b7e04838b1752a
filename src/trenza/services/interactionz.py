"""What an admin does with the books: giving credits, and closing a cycle."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from trenza.domain.access import Verb, Viewer
from trenza.domain.errors import Conflict, InvalidInput
from trenza.domain.instant import instant_text
from trenza.domain.metering.balance import DEFAULT_PRIORITY, Grant, GrantKind
from trenza.domain.metering.cycle import Cycle
from trenza.domain.metering.ledger import EntryKind
from trenza.domain.text import clean
from trenza.services.activity import note_of
from trenza.services.balance import EARLIEST, LATEST
from trenza.services.dependencies import Dependencies
from trenza.services.ledger import AppendedEntry, LedgerDraft, append_entries
from trenza.services.statement import Statement, compose_statement, statement_of
from trenza.services.usage import instant_of
from trenza.storage.bulk import write_all
from trenza.storage.engine import AsyncConnection
from trenza.storage.ledger import (
    Closing,
    Head,
    find_closing,
    find_cycles,
    find_first_debit_at,
    insert_closing,
    insert_grant,
    keep_cycles,
    lock_head,
)
from trenza.storage.workspace import WorkspaceSettings, find_workspace

AMOUNT_MAX = 1_000_000
PRIORITY_MAX = 1000
NOTE_LENGTH_MAX = 1000


@dataclass(frozen=True, slots=True)
class GrantInteractionz:
    """Credits to give: live from `effective_at` (default now) to `expires_at`.

    The lower priority burns first; the plan's quota has 100.
    """

    kind: GrantKind
    amount: int
    expires_at: datetime
    effective_at: datetime | None = None
    priority: int = DEFAULT_PRIORITY
    note: str | None = None


@dataclass(frozen=True, slots=True)
class GrantedInteractionz:
    """A grant as it was given, with its row of the ledger."""

    grant: Grant
    note: str | None
    entry: AppendedEntry


async def grant_interactionz(
    dependencies: Dependencies, viewer: Viewer, request: GrantInteractionz
) -> GrantedInteractionz:
    """Gives a workspace credits: a purchase or a courtesy. Needs the scope `admin`.

    Raises InvalidInput for the plan's own kind, an amount outside 1 to 1,000,000, a priority
    outside 0 to 1000, an end that is not after the beginning, or a beginning before the contract
    or the end of the last closed cycle: what a closed cycle had does not change.
    """
    viewer.require(Verb.GRANT_INTERACTIONZ)
    now = dependencies.clock.now()
    effective_at = request.effective_at or now
    note = None if request.note is None else clean(request.note, ("note",), NOTE_LENGTH_MAX)
    _check_grant(request, effective_at)

    async def work(connection: AsyncConnection) -> GrantedInteractionz:
        workspace = await find_workspace(connection, viewer.workspace_id)
        head = await lock_head(connection, workspace.id)
        earliest = head.closed_until or workspace.contract.starts_at
        if effective_at < earliest:
            raise InvalidInput(
                f"a grant begins no earlier than {instant_text(earliest)}, where what is closed"
                " ends, or the contract begins",
                path=("effectiveAt",),
            )
        draft = LedgerDraft(EntryKind.GRANT, request.amount, effective_at)
        [entry] = await append_entries(connection, dependencies, workspace, now, [draft])
        grant = Grant(
            id=entry.id,
            kind=request.kind,
            amount=request.amount,
            effective_at=effective_at,
            expires_at=request.expires_at,
            priority=request.priority,
        )
        await insert_grant(connection, workspace.id, grant, note, entry.recorded_at, entry.sequence)
        activity = note_of(
            dependencies, viewer, now, Verb.GRANT_INTERACTIONZ, grant.id, None, _told(grant, note)
        )
        await write_all(connection, workspace.id, [activity])
        return GrantedInteractionz(grant, note, entry)

    granted = await dependencies.database.write(work, viewer.workspace_id)
    await dependencies.bell.ring(viewer.workspace_id)
    return granted


def _told(grant: Grant, note: str | None) -> dict[str, Any]:
    """A grant as the activity log tells it."""
    return {
        "kind": grant.kind,
        "amount": grant.amount,
        "effectiveAt": grant.effective_at,
        "expiresAt": grant.expires_at,
        "priority": grant.priority,
        "note": note,
    }


def _check_grant(request: GrantInteractionz, effective_at: datetime) -> None:
    if request.kind is GrantKind.PLAN:
        raise InvalidInput("the plan's quota follows from the contract", path=("kind",))
    if not 1 <= request.amount <= AMOUNT_MAX:
        raise InvalidInput(f"an amount is 1 to {AMOUNT_MAX}", path=("amount",))
    if not 0 <= request.priority <= PRIORITY_MAX:
        raise InvalidInput(f"a priority is 0 to {PRIORITY_MAX}", path=("priority",))
    for name, instant in (("effectiveAt", effective_at), ("expiresAt", request.expires_at)):
        if not EARLIEST <= instant < LATEST:
            raise InvalidInput(f"{name} lies outside the years 1970 to 2199", path=(name,))
    if request.expires_at <= effective_at:
        raise InvalidInput("a grant expires after it begins", path=("expiresAt",))


@dataclass(frozen=True, slots=True)
class CloseCycle:
    """The cycle to close: that of a date, by default the oldest one that is not closed.

    `without_grace` closes right after the cycle's end, though late interactions may still come.
    """

    cycle_of: date | None = None
    without_grace: bool = False


@dataclass(frozen=True, slots=True)
class ClosedCycle:
    """The statement of the cycle; `replayed` where it was closed before."""

    statement: Statement
    replayed: bool


async def close_cycle(
    dependencies: Dependencies, viewer: Viewer, request: CloseCycle
) -> ClosedCycle:
    """Closes a cycle and writes its statement, which never changes. Needs the scope `admin`.

    Cycles close in order, from the one in which the contract or the first debit lies; one that is
    closed already is answered again, and nothing is written. Raises Conflict where an earlier
    cycle is open, the cycle lies before the first one, has not ended, or ended less than the
    workspace's grace ago; the message says from when it can be closed.
    """
    viewer.require(Verb.CLOSE_CYCLE)
    now = dependencies.clock.now()

    async def work(connection: AsyncConnection) -> ClosedCycle:
        workspace = await find_workspace(connection, viewer.workspace_id)
        head = await lock_head(connection, workspace.id)
        kept = await find_cycles(connection, workspace.id)
        oldest = await _oldest_open(connection, workspace, head, kept)
        cycle = oldest
        if request.cycle_of is not None:
            cycle = workspace.cycle_at(instant_of(workspace, request.cycle_of), kept)
        closing = await find_closing(connection, workspace.id, cycle.starts_at)
        if closing is not None:
            return ClosedCycle(await statement_of(connection, workspace.id, closing), replayed=True)
        _check_closable(request, workspace, cycle, oldest, now)
        closing = await _close(connection, dependencies, workspace, cycle, now)
        after = {"closedFrom": cycle.starts_at, "closedUntil": cycle.ends_at}
        activity = note_of(dependencies, viewer, now, Verb.CLOSE_CYCLE, workspace.id, None, after)
        await write_all(connection, workspace.id, [activity])
        return ClosedCycle(await statement_of(connection, workspace.id, closing), replayed=False)

    closed = await dependencies.database.write(work, viewer.workspace_id)
    if not closed.replayed:
        await dependencies.bell.ring(viewer.workspace_id)
    return closed


async def _oldest_open(
    connection: AsyncConnection, workspace: WorkspaceSettings, head: Head, kept: list[Cycle]
) -> Cycle:
    if head.closed_until is not None:
        return workspace.cycle_at(head.closed_until, kept)
    first_debit_at = await find_first_debit_at(connection, workspace.id)
    begins = workspace.contract.starts_at
    return workspace.cycle_at(min(begins, first_debit_at or begins), kept)


def _check_closable(
    request: CloseCycle, workspace: WorkspaceSettings, cycle: Cycle, oldest: Cycle, now: datetime
) -> None:
    path = () if request.cycle_of is None else ("cycleOf",)
    if cycle.starts_at < oldest.starts_at:
        raise Conflict(f"the first cycle begins at {instant_text(oldest.starts_at)}", path=path)
    if cycle.starts_at > oldest.starts_at:
        raise Conflict(
            f"cycles close in order: first the one from {instant_text(oldest.starts_at)}"
            f" to {instant_text(oldest.ends_at)}",
            path=path,
        )
    grace = workspace.closing_grace
    closable_from = cycle.ends_at if request.without_grace else cycle.ends_at + grace
    if now < closable_from:
        raise Conflict(
            f"the cycle ends at {instant_text(cycle.ends_at)} and can be closed from"
            f" {instant_text(closable_from)}",
            path=path,
        )


async def _close(
    connection: AsyncConnection,
    dependencies: Dependencies,
    workspace: WorkspaceSettings,
    cycle: Cycle,
    now: datetime,
) -> Closing:
    """Writes the closing. Under the ledger's lock nothing is recorded that it would not know."""
    await keep_cycles(connection, workspace.id, [cycle])
    draft = LedgerDraft(EntryKind.CLOSING, 0, cycle.ends_at)
    [entry] = await append_entries(connection, dependencies, workspace, now, [draft])
    closing = Closing(
        id=entry.id,
        starts_at=cycle.starts_at,
        ends_at=cycle.ends_at,
        recorded_at=entry.recorded_at,
        sequence=entry.sequence,
        statement=await compose_statement(connection, workspace, cycle, entry.recorded_at),
    )
    await insert_closing(connection, workspace.id, closing)
    return closing
