"""Queries of the ledger: its head, which is the workspace lock, its rows, and what they bring.

Beside the rows stand the cycles that are kept, alerts, grants and closings.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Update,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.domain.errors import BrokenInvariant
from trenza.domain.metering.balance import Grant
from trenza.domain.metering.cycle import Cycle
from trenza.domain.metering.ledger import EntryKind
from trenza.storage.asking import Source, answers
from trenza.storage.bulk import BulkWrite, Cells, Query, Row, ask, bulk_insert, write_all
from trenza.storage.dialect import RowsParameter, upsert
from trenza.storage.interactionz import (
    BillingCycle,
    CycleClosing,
    InteractionzGrant,
    LedgerEntry,
    LedgerHead,
    UsageAlert,
)
from trenza.storage.session import STANDING_DEBITS

LEDGER = LedgerEntry.__table__
HEAD = LedgerHead.__table__
CYCLE = BillingCycle.__table__
ALERT = UsageAlert.__table__
GRANT = InteractionzGrant.__table__
CLOSING = CycleClosing.__table__


@dataclass(frozen=True, slots=True)
class Head:
    """Where a ledger stands: its last row, and the end of its last closed cycle."""

    sequence: int
    recorded_at: datetime
    closed_until: datetime | None


async def lock_head(connection: AsyncConnection, workspace_id: str) -> Head:
    """Locks a workspace's ledger until the commit: the last lock that a writer takes.

    Raises BrokenInvariant where the workspace was made without one.
    """
    [rows] = await ask(connection, _LOCKED_HEAD.of(workspace_id))
    return head_of(workspace_id, rows)


@dataclass(frozen=True, slots=True)
class StandingDebit:
    """The place of a debit that no reversal has taken back, and when it counts."""

    sequence: int
    counts_at: datetime


@dataclass(frozen=True, slots=True)
class LockedBooks:
    """A ledger's head, locked, with what rows to come depend on.

    The cycles that were kept as instants, in order: a dozen for each year of use; the thresholds
    already reached in each, by its start; the debits that stand for the sessions asked for.
    """

    head: Head
    cycles: list[Cycle]
    raised: Mapping[datetime, set[int]]
    standing: dict[str, StandingDebit]


async def lock_books(
    connection: AsyncConnection, workspace_id: str, session_ids: Collection[str]
) -> LockedBooks:
    """Locks a ledger's head as `lock_head` does, and reads what is decided under the lock.

    Sessions stay as they are under the locks of their contacts, which the caller holds.
    """
    locked, seen, cycles, raised, standing = await ask(
        connection,
        _LOCKED_HEAD.of(workspace_id),
        _SEEN_HEAD.of(workspace_id),
        CYCLES.of(workspace_id),
        _RAISED.of(workspace_id),
        STANDING_DEBITS.of(workspace_id, [(each,) for each in sorted(session_ids)]),
    )
    head = head_of(workspace_id, locked)
    if seen != [(head.sequence,)]:
        # Another writer went first while we waited; beside the locked row a statement of
        # PostgreSQL sees what stood when it began.
        cycles, raised = await ask(connection, CYCLES.of(workspace_id), _RAISED.of(workspace_id))
    reached: dict[datetime, set[int]] = defaultdict(set)
    for starts_at, percent in raised:
        reached[starts_at].add(percent)
    return LockedBooks(
        head,
        cycles_in_order(cycles),
        reached,
        {session_id: StandingDebit(*debit) for session_id, *debit in standing},
    )


async def find_head(source: Source, workspace_id: str) -> Head:
    """Where a workspace's ledger stands; raises BrokenInvariant where it was made without one."""
    [rows] = await answers(source, HEAD_OF.of(workspace_id))
    return head_of(workspace_id, rows)


_OF_HEAD = select(HEAD.c.sequence, HEAD.c.recorded_at, HEAD.c.closed_until).where(
    HEAD.c.workspace_id == bindparam("workspace_id")
)
_LOCKED_HEAD = Query(lambda _: _OF_HEAD.with_for_update(key_share=True))
_SEEN_HEAD = Query(lambda _: _OF_HEAD.with_only_columns(HEAD.c.sequence))
HEAD_OF = Query(lambda _: _OF_HEAD)
"""The head of a workspace's ledger."""


def head_of(workspace_id: str, rows: Sequence[Row]) -> Head:
    """What `HEAD_OF` found; raises BrokenInvariant where that is nothing."""
    if not rows:
        raise BrokenInvariant(f"{workspace_id} has no ledger")
    return Head(*rows[0])


async def append_rows(
    connection: AsyncConnection, workspace_id: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Appends rows, complete and in order of sequence, and moves the head, which is locked."""
    head = {name: rows[-1][name] for name in ("sequence", "recorded_at")}
    await write_all(connection, workspace_id, [(_NEW_ENTRIES, rows), (_MOVED_HEAD, [head])])


def _move_head(_: str, cells: Cells, __: Any) -> Update:
    moved = {name: cells[name] for name in ("sequence", "recorded_at")}
    return update(HEAD).where(HEAD.c.workspace_id == cells["workspace_id"]).values(moved)


_NEW_ENTRIES = bulk_insert(LEDGER)
_MOVED_HEAD = BulkWrite(
    {name: HEAD.c[name].type for name in ("sequence", "recorded_at")}, _move_head
)


async def find_cycles(connection: AsyncConnection, workspace_id: str) -> list[Cycle]:
    """The cycles that were kept as instants, in order: a dozen for each year of use."""
    [rows] = await ask(connection, CYCLES.of(workspace_id))
    return cycles_in_order(rows)


def cycles_in_order(rows: Iterable[Row]) -> list[Cycle]:
    """What `CYCLES` found."""
    return sorted((Cycle(*row) for row in rows), key=lambda cycle: cycle.starts_at)


CYCLES = Query(
    lambda _: select(CYCLE.c.starts_at, CYCLE.c.ends_at).where(
        CYCLE.c.workspace_id == bindparam("workspace_id")
    )
)
"""The cycles of a workspace that were kept as instants."""
_RAISED = Query(
    lambda _: select(ALERT.c.cycle_starts_at, ALERT.c.threshold_percent).where(
        ALERT.c.workspace_id == bindparam("workspace_id")
    )
)


async def keep_cycles(
    connection: AsyncConnection, workspace_id: str, cycles: Sequence[Cycle]
) -> None:
    """Keeps cycles as the instants that they were computed as; what was kept before stays."""
    if cycles:
        await connection.execute(
            upsert(connection, CYCLE).on_conflict_do_nothing(),
            [
                {
                    "workspace_id": workspace_id,
                    "starts_at": cycle.starts_at,
                    "ends_at": cycle.ends_at,
                }
                for cycle in cycles
            ],
        )


async def insert_alerts(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds alerts; one for a cycle and threshold is there once, whoever comes second."""
    if rows:
        await connection.execute(
            upsert(connection, ALERT).on_conflict_do_nothing(
                index_elements=["workspace_id", "cycle_starts_at", "threshold_percent"]
            ),
            list(rows),
        )


async def find_first_debit_at(connection: AsyncConnection, workspace_id: str) -> datetime | None:
    """When the first debit of a ledger counts, None where there is none."""
    statement = select(func.min(LEDGER.c.counts_at)).where(
        LEDGER.c.workspace_id == workspace_id, LEDGER.c.kind == EntryKind.DEBIT
    )
    found: datetime | None = (await connection.execute(statement)).scalar_one()
    return found


async def insert_grant(
    connection: AsyncConnection,
    workspace_id: str,
    grant: Grant,
    note: str | None,
    recorded_at: datetime,
    sequence: int,
) -> None:
    """Adds a grant beside its row of the ledger."""
    await connection.execute(
        insert(GRANT).values(
            workspace_id=workspace_id,
            note=note,
            recorded_at=recorded_at,
            sequence=sequence,
            **asdict(grant),
        )
    )


@dataclass(frozen=True, slots=True)
class Closing:
    """A closed cycle, with its statement as the text that was stored."""

    id: str
    starts_at: datetime
    ends_at: datetime
    recorded_at: datetime
    sequence: int
    statement: str


async def insert_closing(connection: AsyncConnection, workspace_id: str, closing: Closing) -> None:
    """Adds a closing beside its row of the ledger, and moves the end of what is closed."""
    await connection.execute(insert(CLOSING).values(workspace_id=workspace_id, **asdict(closing)))
    await connection.execute(
        update(HEAD).where(HEAD.c.workspace_id == workspace_id).values(closed_until=closing.ends_at)
    )


async def find_closing(
    connection: AsyncConnection, workspace_id: str, at: datetime | None = None
) -> Closing | None:
    """The closing of the cycle that holds an instant, or the last one."""
    statement = select(
        CLOSING.c.id,
        CLOSING.c.starts_at,
        CLOSING.c.ends_at,
        CLOSING.c.recorded_at,
        CLOSING.c.sequence,
        CLOSING.c.statement,
    ).where(CLOSING.c.workspace_id == workspace_id)
    if at is not None:
        statement = statement.where(CLOSING.c.starts_at <= at, CLOSING.c.ends_at > at)
    newest = statement.order_by(CLOSING.c.starts_at.desc()).limit(1)
    row = (await connection.execute(newest)).one_or_none()
    return None if row is None else Closing(*row)


@dataclass(frozen=True, slots=True)
class Correction:
    """What was learned about a cycle after it was closed, and so counts in later ones."""

    debits: int
    reversals: int

    @property
    def net(self) -> int:
        """The credits by which the cycle's consumption would differ."""
        return self.debits - self.reversals


def _closings(dialect_name: str) -> Select[Any]:
    """The closing that holds each instant, the last one where it is left out, with corrections."""
    asked = _HELD.table(dialect_name)
    of_workspace = CLOSING.c.workspace_id == bindparam("workspace_id")
    held = and_(CLOSING.c.starts_at <= asked.c.at, CLOSING.c.ends_at > asked.c.at)
    newest = (
        select(func.max(CLOSING.c.starts_at))
        .where(of_workspace, or_(asked.c.at.is_(None), held))
        .correlate(asked)
        .scalar_subquery()
    )
    closing = CLOSING.alias("closing")

    def learned(kind: EntryKind) -> ColumnElement[int]:
        return (
            select(func.count())
            .where(
                LEDGER.c.workspace_id == bindparam("workspace_id"),
                LEDGER.c.kind == kind,
                *_learned_later(closing.c.starts_at, closing.c.ends_at),
            )
            .correlate(closing)
            .scalar_subquery()
        )

    return (
        select(
            asked.c.number,
            *(closing.c[each.name] for each in fields(Closing)),
            learned(EntryKind.DEBIT).label("debits"),
            learned(EntryKind.REVERSAL).label("reversals"),
        )
        .select_from(asked)
        .join(closing, closing.c.starts_at == newest)
        .where(closing.c.workspace_id == bindparam("workspace_id"))
    )


_HELD = RowsParameter("held", {"number": Integer(), "at": CLOSING.c.starts_at.type})
_CLOSINGS = Query(_closings, (_HELD,))


async def find_corrected_closing(
    source: Source, workspace_id: str, at: datetime | None
) -> tuple[Closing, Correction] | None:
    """What `find_closing` finds, with its correction, in one statement."""
    [rows] = await answers(source, _CLOSINGS.of(workspace_id, [(0, at)]))
    if not rows:
        return None
    [(_, *closing, debits, reversals)] = rows
    return Closing(*closing), Correction(debits, reversals)


def _learned_later(
    starts_at: ColumnElement[Any] | datetime, ends_at: ColumnElement[Any] | datetime
) -> Sequence[ColumnElement[bool]]:
    """The conditions of an entry that took effect in a closed cycle but counts after it.

    An entry counts at another instant than its effect only where its cycle was closed by then.
    """
    return (
        LEDGER.c.counts_at != LEDGER.c.effective_at,
        LEDGER.c.effective_at >= starts_at,
        LEDGER.c.effective_at < ends_at,
    )


async def find_correction(
    connection: AsyncConnection, workspace_id: str, cycle: Cycle
) -> Correction:
    """Debits and reversals that took effect in a closed cycle but count after it."""
    rows = await connection.execute(
        select(LEDGER.c.kind, func.count().label("rows"))
        .where(
            LEDGER.c.workspace_id == workspace_id,
            *_learned_later(cycle.starts_at, cycle.ends_at),
        )
        .group_by(LEDGER.c.kind)
    )
    found = {row.kind: row.rows for row in rows}
    return Correction(found.get(EntryKind.DEBIT, 0), found.get(EntryKind.REVERSAL, 0))
