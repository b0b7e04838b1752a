"""Net debits counted up to instants, whatever the length of the history.

A count up to an instant takes the totals of the whole periods before it (years, then months of its
year, down to the minutes of its ten minutes), each as of the last checkpoint that was known; from
the ledger itself it takes what counts in its last minute, and the rows after that checkpoint.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    and_,
    bindparam,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.domain.metering.cycle import Cycle
from trenza.storage.checkpoint import ALL_OF_TIME, credits_of, in_place
from trenza.storage.columns import ID
from trenza.storage.dialect import RowsParameter
from trenza.storage.interactionz import LedgerCheckpoint, LedgerEntry

LEDGER = LedgerEntry.__table__
CHECKPOINT = LedgerCheckpoint.__table__
INSTANT = LEDGER.c.counts_at.type

AFTER_ALL_WITHIN = "~"
"""Sorts after everything that may follow in the text of a period."""
BEYOND_EVERY_ROW = 2**53

PARTS = RowsParameter("part", {"wider": Integer(), "length": Integer(), "text": ID})
PART_ROWS = [
    (wider, len(text), text)
    for wider, texts in (
        (4, [f"-{month:02}" for month in range(1, 13)]),
        (7, [f"-{day:02}" for day in range(1, 32)]),
        (10, [f" {hour:02}" for hour in range(24)]),
        (13, [f":{ten}" for ten in range(6)]),
        (15, [f"{minute}" for minute in range(10)]),
    )
    for text in texts
]
"""What may follow a period's text, of a length, to make that of the next smaller one."""


class Points(NamedTuple):
    """The points of a statement, beside what all of them are counted from."""

    at: CTE
    years: CTE
    parts: CTE
    rest: CTE


def placed(point: FromClause, moment: CTE, dialect_name: str) -> Points:
    """The points of a statement, to be counted up to by `net_before`.

    A moment has the columns `number` and `known_at`; a point the `number` and `known_at` of its
    moment, `since`, `at`, and `through`: 1 where what counts at the instant itself belongs to it.
    """
    at = (
        select(
            point,
            func.minute_text(point.c.at).label("text"),
            func.minute_start(point.c.at, type_=INSTANT).label("minute"),
            func.substr(func.minute_text(point.c.since), 1, 4).label("year"),
        )
        .cte("placed")
        .prefix_with("MATERIALIZED")
    )
    return Points(at, _years(), PARTS.table(dialect_name), _rest(moment))


def net_before(points: Points) -> ColumnElement[int]:
    """The net debits in place from the beginning of the year of `since` to a point.

    Only the difference between two points of the same `since` and `known_at` means anything.
    """
    net = _in_whole_periods(points) + _in_last_minute(points.at) + _in_rest(points)
    return cast(net, BigInteger())


def _years() -> CTE:
    """The years that have totals, found one after another on the primary key."""
    first = select(func.min(CHECKPOINT.c.period)).where(
        CHECKPOINT.c.workspace_id == bindparam("workspace_id"), CHECKPOINT.c.period > ALL_OF_TIME
    )
    year = select(first.scalar_subquery().label("period")).cte("year", recursive=True)
    following = select(func.min(CHECKPOINT.c.period)).where(
        CHECKPOINT.c.workspace_id == bindparam("workspace_id"),
        CHECKPOINT.c.period > year.c.period.concat(AFTER_ALL_WITHIN),
    )
    return year.union_all(
        select(following.correlate(year).scalar_subquery()).where(year.c.period.is_not(None))
    )


def _rest(moment: CTE) -> CTE:
    """By minute, what was known at a moment and is in no checkpoint that was known."""
    of_all = select(CHECKPOINT.c.sequence).where(
        CHECKPOINT.c.workspace_id == bindparam("workspace_id"), CHECKPOINT.c.period == ALL_OF_TIME
    )
    known = of_all.where(CHECKPOINT.c.recorded_at <= moment.c.known_at)
    later = of_all.where(CHECKPOINT.c.recorded_at > moment.c.known_at)
    after = known.order_by(CHECKPOINT.c.recorded_at.desc()).limit(1).correlate(moment)
    until = later.order_by(CHECKPOINT.c.recorded_at).limit(1).correlate(moment)
    bounds = (
        select(
            moment.c.number,
            moment.c.known_at,
            func.coalesce(after.scalar_subquery(), 0).label("after"),
            func.coalesce(until.scalar_subquery(), BEYOND_EVERY_ROW).label("until"),
        )
        .cte("bounds")
        .prefix_with("MATERIALIZED")
    )
    # Apart from what is asked of the rows, so that a planner takes the primary key for the slice.
    rows = (
        select(
            bounds.c.number,
            LEDGER.c.kind,
            LEDGER.c.counts_at,
            LEDGER.c.debit_counts_at,
        )
        .join(
            LEDGER,
            and_(
                LEDGER.c.workspace_id == bindparam("workspace_id"),
                LEDGER.c.sequence > bounds.c.after,
                LEDGER.c.sequence <= bounds.c.until,
                LEDGER.c.recorded_at <= bounds.c.known_at,
            ),
        )
        .cte("slice")
        .prefix_with("MATERIALIZED")
    )
    text = func.minute_text(rows.c.counts_at)
    return (
        select(rows.c.number, text.label("text"), credits_of(rows).label("net"))
        .where(in_place(rows))
        .group_by(rows.c.number, text)
        .cte("rest")
        .prefix_with("MATERIALIZED")
    )


def _in_whole_periods(points: Points) -> ColumnElement[int]:
    at, year, part = points.at, points.years, points.parts
    of_years = (
        select(func.coalesce(func.sum(_total(year.c.period, at, year)), 0))
        .select_from(year)
        .where(year.c.period >= at.c.year, year.c.period < func.substr(at.c.text, 1, 4))
        .correlate(at)
    )
    period = func.substr(at.c.text, 1, part.c.wider).concat(part.c.text)
    of_parts = (
        select(func.coalesce(func.sum(_total(period, at, part)), 0))
        .select_from(part)
        .where(part.c.text < func.substr(at.c.text, part.c.wider + 1, part.c.length))
        .correlate(at)
    )
    return of_years.scalar_subquery() + of_parts.scalar_subquery()


def _total(period: ColumnElement[str], *of: CTE) -> ColumnElement[int]:
    """The total of a period as of the last checkpoint that was known."""
    return (
        select(CHECKPOINT.c.net)
        .where(
            CHECKPOINT.c.workspace_id == bindparam("workspace_id"),
            CHECKPOINT.c.period == period,
            CHECKPOINT.c.recorded_at <= of[0].c.known_at,
        )
        .order_by(CHECKPOINT.c.recorded_at.desc())
        .limit(1)
        .correlate(*of)
        .scalar_subquery()
    )


def _in_last_minute(at: CTE) -> ColumnElement[int]:
    earlier = and_(LEDGER.c.counts_at >= at.c.minute, LEDGER.c.counts_at < at.c.at)
    # Apart, so that what counts at the instant is not even looked at where it does not belong.
    at_once = and_(LEDGER.c.counts_at == at.c.at, at.c.through == 1)
    first, second = (
        select(credits_of(LEDGER))
        .where(
            LEDGER.c.workspace_id == bindparam("workspace_id"),
            in_place(LEDGER),
            when,
            LEDGER.c.recorded_at <= at.c.known_at,
        )
        .correlate(at)
        .scalar_subquery()
        for when in (earlier, at_once)
    )
    return first + second


def _in_rest(points: Points) -> ColumnElement[int]:
    at, rest = points.at, points.rest
    return (
        select(func.coalesce(func.sum(rest.c.net), 0))
        .where(rest.c.number == at.c.number, rest.c.text < at.c.text)
        .correlate(at)
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
    moment = select(cycle.c.number, known_at.label("known_at")).cte("moment")
    ends = union_all(
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
    )
    points = placed(ends.subquery("point"), moment, dialect_name)
    point = points.at
    taken_back = (
        select(func.count())
        .where(
            LEDGER.c.workspace_id == bindparam("workspace_id"),
            LEDGER.c.debit_counts_at < LEDGER.c.counts_at,
            LEDGER.c.debit_counts_at >= point.c.since,
            LEDGER.c.counts_at >= point.c.since,
            LEDGER.c.counts_at < point.c.at,
            LEDGER.c.recorded_at <= point.c.known_at,
        )
        .correlate(point)
        .scalar_subquery()
    )
    net = point.c.sign * (net_before(points) - taken_back)
    return (
        select(cast(func.sum(net), BigInteger())).group_by(point.c.number).order_by(point.c.number)
    )
