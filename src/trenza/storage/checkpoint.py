"""Checkpoints of the ledger: running totals by the period in which debits count.

They change what a count costs, never what it is: the ledger alone gives the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.domain.metering.ledger import EntryKind
from trenza.storage.columns import ID
from trenza.storage.dialect import RowsParameter
from trenza.storage.interactionz import LedgerCheckpoint, LedgerEntry

LEDGER = LedgerEntry.__table__
CHECKPOINT = LedgerCheckpoint.__table__

_IN_PLACE = (EntryKind.DEBIT, EntryKind.REVERSAL)
ALL_OF_TIME = ""
LENGTHS = (0, 4, 7, 10, 13, 15, 16)
"""The lengths of the texts of periods: all of time, years, months, ... minutes."""
LENGTH = RowsParameter("length", {"length": Integer()})


def in_place(rows: FromClause) -> ColumnElement[bool]:
    """Whether a row is a debit, or a reversal that counts where its debit does.

    The other reversals are adjustments: they count later than their debits.
    """
    return and_(
        # As text of the statement: a list of parameters could not be sent as it is.
        rows.c.kind.in_([literal_column(f"'{kind}'") for kind in _IN_PLACE]),
        or_(rows.c.debit_counts_at.is_(None), rows.c.debit_counts_at >= rows.c.counts_at),
    )


def credits_of(rows: FromClause) -> ColumnElement[int]:
    """The net debits of rows in place."""
    return func.coalesce(func.sum(case((rows.c.kind == EntryKind.DEBIT, 1), else_=-1)), 0)


async def find_checkpoint(connection: AsyncConnection, workspace_id: str) -> int:
    """The sequence of the last row that the checkpoints cover; 0 where there are none."""
    newest = _OF_ALL.order_by(CHECKPOINT.c.recorded_at.desc()).limit(1)
    found = (await connection.execute(newest, {"workspace_id": workspace_id})).scalar_one_or_none()
    return found or 0


async def list_checkpoints(connection: AsyncConnection, workspace_id: str) -> list[int]:
    """The sequences of the last rows that each checkpoint covers, in order."""
    all_of_them = _OF_ALL.order_by(CHECKPOINT.c.recorded_at)
    return list((await connection.execute(all_of_them, {"workspace_id": workspace_id})).scalars())


_OF_ALL = select(CHECKPOINT.c.sequence).where(
    CHECKPOINT.c.workspace_id == bindparam("workspace_id"), CHECKPOINT.c.period == ALL_OF_TIME
)


async def insert_checkpoint(
    connection: AsyncConnection, workspace_id: str, after: int, until: int
) -> None:
    """Adds a checkpoint for the rows after the last one's, up to a sequence that is there."""
    totals = _totals(connection.dialect.name)
    names = ("workspace_id", "period", "recorded_at", "sequence", "net")
    await connection.execute(
        insert(CHECKPOINT).from_select(
            names, select(bindparam("workspace_id", type_=ID), *(totals.c[n] for n in names[1:]))
        ),
        _slice(connection, workspace_id, after, until),
    )


@dataclass(frozen=True, slots=True)
class Total:
    """What the ledger gives for a period up to a checkpoint, and what the checkpoint says."""

    period: str
    expected: int
    found: int | None


async def list_totals(
    connection: AsyncConnection, workspace_id: str, after: int, until: int
) -> list[Total]:
    """The totals of a checkpoint, worked out anew from the one before it and the ledger."""
    totals = _totals(connection.dialect.name)
    same = and_(
        CHECKPOINT.c.workspace_id == bindparam("workspace_id"),
        CHECKPOINT.c.period == totals.c.period,
        CHECKPOINT.c.recorded_at == totals.c.recorded_at,
    )
    rows = await connection.execute(
        select(totals.c.period, totals.c.net, CHECKPOINT.c.net)
        .outerjoin(CHECKPOINT, same)
        .order_by(totals.c.period),
        _slice(connection, workspace_id, after, until),
    )
    return [Total(*row) for row in rows]


async def count_totals(connection: AsyncConnection, workspace_id: str) -> int:
    """How many rows the checkpoints of a workspace have."""
    statement = select(func.count()).where(CHECKPOINT.c.workspace_id == workspace_id)
    return (await connection.execute(statement)).scalar_one()


async def delete_checkpoints(connection: AsyncConnection, workspace_id: str) -> None:
    """Drops a workspace's checkpoints: every answer stays, and takes longer."""
    await connection.execute(delete(CHECKPOINT).where(CHECKPOINT.c.workspace_id == workspace_id))


def _slice(
    connection: AsyncConnection, workspace_id: str, after: int, until: int
) -> dict[str, Any]:
    lengths: Sequence[tuple[int]] = [(length,) for length in LENGTHS]
    return {
        "workspace_id": workspace_id,
        "after": after,
        "until": until,
        **LENGTH.values(connection.dialect, lengths),
    }


@cache
def _totals(dialect_name: str) -> FromClause:
    """The totals that the rows of a slice of the ledger change, with what was there before."""
    workspace_id = bindparam("workspace_id", type_=ID)
    until = bindparam("until", type_=Integer())
    length = LENGTH.table(dialect_name)
    period = func.substr(func.minute_text(LEDGER.c.counts_at), 1, length.c.length)
    moved = (
        select(period.label("period"), credits_of(LEDGER).label("net"))
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
    last: Select[Any] = select(LEDGER.c.recorded_at).where(
        LEDGER.c.workspace_id == workspace_id, LEDGER.c.sequence == until
    )
    before = (
        select(CHECKPOINT.c.net)
        .where(
            CHECKPOINT.c.workspace_id == workspace_id,
            CHECKPOINT.c.period == brought.c.period,
            CHECKPOINT.c.recorded_at < last.scalar_subquery(),
        )
        .order_by(CHECKPOINT.c.recorded_at.desc())
        .limit(1)
        .correlate(brought)
        .scalar_subquery()
    )
    net = cast(brought.c.net + func.coalesce(before, 0), BigInteger())
    return select(
        brought.c.period,
        last.scalar_subquery().label("recorded_at"),
        until.label("sequence"),
        net.label("net"),
    ).subquery("totals")
