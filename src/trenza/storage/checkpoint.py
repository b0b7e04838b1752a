"""Checkpoints of the ledger: running totals by period, and the counts that read them.

A count up to an instant takes the totals of the whole periods before it (years, then months of its
year, down to the minutes of its ten minutes), each as of the last checkpoint that was known; from
the ledger itself it takes what counts in its last minute, and the rows after that checkpoint.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.domain.metering.cycle import Cycle
from trenza.domain.metering.ledger import EntryKind
from trenza.storage.columns import ID
from trenza.storage.dialect import RowsParameter
from trenza.storage.interactionz import LedgerCheckpoint, LedgerEntry

LEDGER = LedgerEntry.__table__
CHECKPOINT = LedgerCheckpoint.__table__
INSTANT = LEDGER.c.counts_at.type

ALL_OF_TIME = ""
LENGTHS = (0, 4, 7, 10, 13, 15, 16)
"""The lengths of the texts of periods: all of time, years, months, ... minutes."""
FIRST_YEAR, YEARS_END = 1970, 2200
BEYOND_EVERY_ROW = 2**53


def _texts() -> list[tuple[int, int, str]]:
    """What may follow a period's text to make that of the next smaller one, in order of time."""
    years = [f"{year}" for year in range(FIRST_YEAR, YEARS_END)]
    months = [f"-{month:02}" for month in range(1, 13)]
    days = [f"-{day:02}" for day in range(1, 32)]
    hours = [f" {hour:02}" for hour in range(24)]
    tens = [f":{ten}" for ten in range(6)]
    minutes = [f"{minute}" for minute in range(10)]
    return [
        (wider, length - wider, text)
        for wider, length, texts in zip(
            LENGTHS, LENGTHS[1:], (years, months, days, hours, tens, minutes), strict=False
        )
        for text in texts
    ]


PARTS = RowsParameter("part", {"wider": Integer(), "length": Integer(), "text": ID})
PART_ROWS = _texts()


def in_place(rows: FromClause) -> ColumnElement[bool]:
    """Whether a row is a debit, or a reversal that counts where its debit does.

    The other reversals are adjustments.
    """
    return and_(
        rows.c.kind.in_([EntryKind.DEBIT, EntryKind.REVERSAL]),
        or_(rows.c.debit_counts_at.is_(None), rows.c.debit_counts_at == rows.c.counts_at),
    )


def placed(point: FromClause) -> CTE:
    """The points of a statement, each with its texts and what the last checkpoint leaves out.

    A point has the columns `number`, `since`, `at`, `through` (1: what counts at the instant
    itself belongs to it) and `known_at`.
    """
    of_workspace = CHECKPOINT.c.workspace_id == bindparam("workspace_id")
    of_all = select(CHECKPOINT.c.sequence).where(of_workspace, CHECKPOINT.c.period == ALL_OF_TIME)
    known = of_all.where(CHECKPOINT.c.recorded_at <= point.c.known_at)
    later = of_all.where(CHECKPOINT.c.recorded_at > point.c.known_at)
    after = known.order_by(CHECKPOINT.c.recorded_at.desc()).limit(1).correlate(point)
    until = later.order_by(CHECKPOINT.c.recorded_at).limit(1).correlate(point)
    return (
        select(
            point,
            func.minute_text(point.c.at).label("text"),
            func.minute_start(point.c.at, type_=INSTANT).label("minute"),
            func.substr(func.minute_text(point.c.since), 1, 4).label("year"),
            func.coalesce(after.scalar_subquery(), 0).label("after"),
            func.coalesce(until.scalar_subquery(), BEYOND_EVERY_ROW).label("until"),
        )
        .cte("placed")
        .prefix_with("MATERIALIZED")
    )


def net_before(point: CTE, dialect_name: str) -> ColumnElement[int]:
    """The net debits in place from the beginning of the year of `since` to a point of `placed`.

    Only the difference between two points of the same `since` and `known_at` means anything.
    """
    return (
        _in_whole_periods(point, PARTS.table(dialect_name))
        + _in_last_minute(point)
        + _after_checkpoint(point)
    )


def _in_whole_periods(point: CTE, part: CTE) -> ColumnElement[int]:
    total = (
        select(CHECKPOINT.c.net)
        .where(
            CHECKPOINT.c.workspace_id == bindparam("workspace_id"),
            CHECKPOINT.c.period == func.substr(point.c.text, 1, part.c.wider).concat(part.c.text),
            CHECKPOINT.c.recorded_at <= point.c.known_at,
        )
        .order_by(CHECKPOINT.c.recorded_at.desc())
        .limit(1)
        .correlate(point, part)
        .scalar_subquery()
    )
    return (
        select(func.coalesce(func.sum(total), 0))
        .select_from(part)
        .where(
            part.c.text < func.substr(point.c.text, part.c.wider + 1, part.c.length),
            or_(part.c.wider > 0, part.c.text >= point.c.year),
        )
        .correlate(point)
        .scalar_subquery()
    )


def _in_last_minute(point: CTE) -> ColumnElement[int]:
    return (
        select(func.coalesce(func.sum(LEDGER.c.amount), 0))
        .where(
            LEDGER.c.workspace_id == bindparam("workspace_id"),
            in_place(LEDGER),
            LEDGER.c.counts_at >= point.c.minute,
            LEDGER.c.counts_at <= point.c.at,
            or_(LEDGER.c.counts_at < point.c.at, point.c.through == 1),
            LEDGER.c.recorded_at <= point.c.known_at,
        )
        .correlate(point)
        .scalar_subquery()
    )


def _after_checkpoint(point: CTE) -> ColumnElement[int]:
    """A slice of the ledger by its primary key: OFFSET keeps planners from any other way."""
    rows = (
        select(LEDGER.c.kind, LEDGER.c.amount, LEDGER.c.counts_at, LEDGER.c.debit_counts_at)
        .where(
            LEDGER.c.workspace_id == bindparam("workspace_id"),
            LEDGER.c.sequence > point.c.after,
            LEDGER.c.sequence <= point.c.until,
            LEDGER.c.recorded_at <= point.c.known_at,
        )
        .offset(0)
        .correlate(point)
        .subquery("after_checkpoint")
    )
    return (
        select(func.coalesce(func.sum(rows.c.amount), 0))
        .where(in_place(rows), rows.c.counts_at < point.c.minute)
        .correlate(point)
        .scalar_subquery()
    )


CYCLES = RowsParameter("cycle", {"number": Integer(), "starts_at": INSTANT, "ends_at": INSTANT})


async def count_consumed(
    connection: AsyncConnection, workspace_id: str, cycles: Sequence[Cycle], known_at: datetime
) -> list[int]:
    """The net debits that count in each cycle by what was known, in one statement.

    A reversal takes its debit out where it counts in the same cycle.
    """
    if not cycles:
        return []
    rows = [(number, each.starts_at, each.ends_at) for number, each in enumerate(cycles)]
    dialect = connection.dialect
    found = await connection.execute(
        _consumption(dialect.name),
        {
            "workspace_id": workspace_id,
            "known_at": known_at,
            **CYCLES.values(dialect, rows),
            **PARTS.values(dialect, PART_ROWS),
        },
    )
    return list(found.scalars())


@cache
def _consumption(dialect_name: str) -> Select[Any]:
    cycle = CYCLES.table(dialect_name)
    known_at = bindparam("known_at", type_=INSTANT)
    point = placed(
        union_all(
            *(
                select(
                    cycle.c.number,
                    cycle.c.starts_at.label("since"),
                    at.label("at"),
                    literal(0).label("through"),
                    known_at.label("known_at"),
                    literal(sign).label("sign"),
                )
                for at, sign in ((cycle.c.starts_at, -1), (cycle.c.ends_at, 1))
            )
        ).subquery("point")
    )
    taken_back = (
        select(func.count())
        .where(
            LEDGER.c.workspace_id == bindparam("workspace_id"),
            LEDGER.c.kind == EntryKind.REVERSAL,
            LEDGER.c.debit_counts_at < LEDGER.c.counts_at,
            LEDGER.c.debit_counts_at >= point.c.since,
            LEDGER.c.counts_at >= point.c.since,
            LEDGER.c.counts_at < point.c.at,
            LEDGER.c.recorded_at <= point.c.known_at,
        )
        .correlate(point)
        .scalar_subquery()
    )
    net = point.c.sign * (net_before(point, dialect_name) - taken_back)
    return select(func.sum(net)).group_by(point.c.number).order_by(point.c.number)


async def find_checkpoint(connection: AsyncConnection, workspace_id: str) -> int:
    """The sequence of the last row that the checkpoints cover; 0 where there are none."""
    statement = select(func.max(CHECKPOINT.c.sequence)).where(
        CHECKPOINT.c.workspace_id == workspace_id, CHECKPOINT.c.period == ALL_OF_TIME
    )
    return (await connection.execute(statement)).scalar_one() or 0


async def insert_checkpoint(
    connection: AsyncConnection, workspace_id: str, after: int, until: int
) -> None:
    """Adds a checkpoint for the rows after the last one's, up to a sequence that is there."""
    await connection.execute(
        _extension(connection.dialect.name),
        {
            "workspace_id": workspace_id,
            "after": after,
            "until": until,
            **LENGTH.values(connection.dialect, [(length,) for length in LENGTHS]),
        },
    )


LENGTH = RowsParameter("length", {"length": Integer()})


@cache
def _extension(dialect_name: str) -> Any:
    workspace_id = bindparam("workspace_id", type_=ID)
    until = bindparam("until", type_=Integer())
    length = LENGTH.table(dialect_name)
    last = (
        select(LEDGER.c.recorded_at)
        .where(LEDGER.c.workspace_id == workspace_id, LEDGER.c.sequence == until)
        .scalar_subquery()
    )
    period = func.substr(func.minute_text(LEDGER.c.counts_at), 1, length.c.length)
    moved = (
        select(period.label("period"), func.sum(LEDGER.c.amount).label("net"))
        .select_from(LEDGER.join(length, true()))
        .where(
            LEDGER.c.workspace_id == workspace_id,
            LEDGER.c.sequence > bindparam("after", type_=Integer()),
            LEDGER.c.sequence <= until,
            in_place(LEDGER),
        )
        .group_by(period)
    )
    nothing = select(literal(ALL_OF_TIME, ID), literal(0))
    each = union_all(moved, nothing).subquery("each_period")
    brought = (
        select(each.c.period, func.sum(each.c.net).label("net"))
        .group_by(each.c.period)
        .having(or_(func.sum(each.c.net) != 0, each.c.period == ALL_OF_TIME))
        .cte("brought")
        .prefix_with("MATERIALIZED")
    )
    before = (
        select(CHECKPOINT.c.net)
        .where(CHECKPOINT.c.workspace_id == workspace_id, CHECKPOINT.c.period == brought.c.period)
        .order_by(CHECKPOINT.c.recorded_at.desc())
        .limit(1)
        .correlate(brought)
        .scalar_subquery()
    )
    rows = select(
        workspace_id, brought.c.period, last, until, brought.c.net + func.coalesce(before, 0)
    )
    names = ("workspace_id", "period", "recorded_at", "sequence", "net")
    return insert(CHECKPOINT).from_select(names, rows)


async def delete_checkpoints(connection: AsyncConnection, workspace_id: str) -> None:
    """Drops a workspace's checkpoints: every answer stays, and takes longer."""
    await connection.execute(delete(CHECKPOINT).where(CHECKPOINT.c.workspace_id == workspace_id))
