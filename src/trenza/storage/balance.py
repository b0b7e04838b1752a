"""Queries behind the balance: debits counted per stretch of time, grants, late reversals."""

from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import CTE, ColumnElement, Integer, Select, and_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.domain.metering.balance import Grant, GrantKind
from trenza.domain.metering.cycle import Cycle
from trenza.domain.metering.ledger import EntryKind
from trenza.storage.dialect import RowsParameter
from trenza.storage.interactionz import BillingCycle, InteractionzGrant, LedgerEntry

LEDGER = LedgerEntry.__table__
GRANT = InteractionzGrant.__table__
CYCLE = BillingCycle.__table__
INSTANT = LEDGER.c.counts_at.type


@dataclass(frozen=True, slots=True)
class Stretch:
    """Debits of `[begins, ends)` as known at an instant, net of what was taken back in time.

    A stretch lies within one cycle. A reversal takes its debit out where it counts before
    `reversed_before`: the cycle's end, or the instant that is asked about where that is earlier.
    """

    begins: datetime
    ends: datetime
    reversed_before: datetime
    known_at: datetime


STRETCHES = RowsParameter(
    "stretch",
    {
        "number": Integer(),
        "begins": INSTANT,
        "ends": INSTANT,
        "reversed_before": INSTANT,
        "known_at": INSTANT,
    },
)


async def count_debits(
    connection: AsyncConnection, workspace_id: str, stretches: Sequence[Stretch]
) -> list[int]:
    """The net number of debits in each stretch, counted on an index, in one statement."""
    if not stretches:
        return []
    rows = [(number, *astuple(stretch)) for number, stretch in enumerate(stretches)]
    found = await connection.execute(
        _counting(connection.dialect.name),
        {"workspace_id": workspace_id, **STRETCHES.values(connection.dialect, rows)},
    )
    return list(found.scalars())


@cache
def _counting(dialect_name: str) -> Select[Any]:
    stretch = STRETCHES.table(dialect_name)
    debits = select(func.count()).where(*is_debit_of(stretch)).correlate(stretch)
    reversals = select(func.count()).where(*is_reversal_of(stretch)).correlate(stretch)
    count = debits.scalar_subquery() - reversals.scalar_subquery()
    return select(count.label("net")).select_from(stretch).order_by(stretch.c.number)


def is_debit_of(stretch: CTE) -> tuple[ColumnElement[bool], ...]:
    """The conditions under which a row of the ledger is a debit of the stretch."""
    return (
        LEDGER.c.workspace_id == bindparam("workspace_id"),
        LEDGER.c.kind == EntryKind.DEBIT,
        LEDGER.c.counts_at >= stretch.c.begins,
        LEDGER.c.counts_at < stretch.c.ends,
        LEDGER.c.recorded_at <= stretch.c.known_at,
    )


def is_reversal_of(stretch: CTE) -> tuple[ColumnElement[bool], ...]:
    """The conditions under which a row takes back a debit of the stretch, in time.

    It counts no earlier than its debit, so that its own index finds it.
    """
    return (
        LEDGER.c.workspace_id == bindparam("workspace_id"),
        LEDGER.c.kind == EntryKind.REVERSAL,
        LEDGER.c.counts_at >= stretch.c.begins,
        LEDGER.c.counts_at < stretch.c.reversed_before,
        LEDGER.c.debit_counts_at >= stretch.c.begins,
        LEDGER.c.debit_counts_at < stretch.c.ends,
        LEDGER.c.recorded_at <= stretch.c.known_at,
    )


@dataclass(frozen=True, slots=True)
class Given:
    """A grant of the workspace, and since when it is known."""

    grant: Grant
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A reversal that counts later than its debit did."""

    sequence: int
    counts_at: datetime
    debit_counts_at: datetime
    recorded_at: datetime


async def find_grants(connection: AsyncConnection, workspace_id: str) -> list[Given]:
    """Every purchase and courtesy of a workspace."""
    rows = await connection.execute(
        select(
            GRANT.c.id,
            GRANT.c.kind,
            GRANT.c.amount,
            GRANT.c.effective_at,
            GRANT.c.expires_at,
            GRANT.c.priority,
            GRANT.c.recorded_at,
        ).where(GRANT.c.workspace_id == workspace_id)
    )
    return [
        Given(
            Grant(
                id=row.id,
                kind=GrantKind(row.kind),
                amount=row.amount,
                effective_at=row.effective_at,
                expires_at=row.expires_at,
                priority=row.priority,
            ),
            row.recorded_at,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The cycles kept as instants, and when the last debit counts: None before the first one."""

    cycles: tuple[Cycle, ...]
    last_debit_at: datetime | None


async def find_calendar(connection: AsyncConnection, workspace_id: str) -> Calendar:
    """A workspace's calendar; each cycle in which a debit counts was kept when it was written."""
    last_debit_at = (
        select(func.max(LEDGER.c.counts_at))
        .where(LEDGER.c.workspace_id == workspace_id, LEDGER.c.kind == EntryKind.DEBIT)
        .scalar_subquery()
    )
    statement = (
        select(CYCLE.c.starts_at, CYCLE.c.ends_at, last_debit_at.label("last_debit_at"))
        .where(CYCLE.c.workspace_id == workspace_id)
        .order_by(CYCLE.c.starts_at)
    )
    rows = (await connection.execute(statement)).all()
    cycles = tuple(Cycle(row.starts_at, row.ends_at) for row in rows)
    return Calendar(cycles, rows[0].last_debit_at if rows else None)


async def find_adjustments(
    connection: AsyncConnection, workspace_id: str, from_: datetime, to: datetime
) -> list[Adjustment]:
    """The reversals counting in `[from_, to]` that count later than their debits."""
    rows = await connection.execute(
        select(
            LEDGER.c.sequence, LEDGER.c.counts_at, LEDGER.c.debit_counts_at, LEDGER.c.recorded_at
        ).where(
            LEDGER.c.workspace_id == workspace_id,
            LEDGER.c.kind == EntryKind.REVERSAL,
            LEDGER.c.counts_at >= from_,
            LEDGER.c.counts_at <= to,
            LEDGER.c.debit_counts_at < LEDGER.c.counts_at,
        )
    )
    return [Adjustment(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Debit:
    """A debit, and the reversal that took it back, where there is one."""

    sequence: int
    counts_at: datetime
    recorded_at: datetime
    reversal_counts_at: datetime | None
    reversal_recorded_at: datetime | None


async def find_debits_beside(
    connection: AsyncConnection, workspace_id: str, sequences: Collection[int]
) -> list[Debit]:
    """All debits that count at the same instants as those asked for, in order of sequence."""
    asked = select(LEDGER.c.counts_at).where(
        LEDGER.c.workspace_id == workspace_id,
        LEDGER.c.kind == EntryKind.DEBIT,
        LEDGER.c.sequence.in_(sorted(sequences)),
    )
    reversal = LEDGER.alias("reversal")
    rows = await connection.execute(
        select(
            LEDGER.c.sequence,
            LEDGER.c.counts_at,
            LEDGER.c.recorded_at,
            reversal.c.counts_at,
            reversal.c.recorded_at,
        )
        .outerjoin(
            reversal,
            and_(
                reversal.c.workspace_id == LEDGER.c.workspace_id,
                reversal.c.supersedes == LEDGER.c.sequence,
            ),
        )
        .where(
            LEDGER.c.workspace_id == workspace_id,
            LEDGER.c.kind == EntryKind.DEBIT,
            LEDGER.c.counts_at.in_(asked),
        )
        .order_by(LEDGER.c.sequence)
    )
    return [Debit(*row) for row in rows]
