"""The query of usage: net debits by channel, lane and stretch of time."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.domain.channel import ChannelKind
from trenza.domain.interaction import SessionLane
from trenza.domain.metering.ledger import EntryKind
from trenza.storage.dialect import RowsParameter
from trenza.storage.interactionz import InteractionzSession, LedgerEntry

LEDGER = LedgerEntry.__table__
SESSION = InteractionzSession.__table__
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


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Net debits of one stretch, given by its index, on one channel and in one lane."""

    stretch: int
    channel: ChannelKind
    lane: SessionLane
    credits: int


async def sum_usage(
    connection: AsyncConnection, workspace_id: str, stretches: Sequence[Stretch]
) -> list[UsageRow]:
    """Net debits by stretch, by the channel and lane that their sessions have now."""
    rows = [(number, *astuple(stretch)) for number, stretch in enumerate(stretches)]
    found = await connection.execute(
        _summing(connection.dialect.name),
        {"workspace_id": workspace_id, **STRETCHES.values(connection.dialect, rows)},
    )
    return [
        UsageRow(row.number, ChannelKind(row.channel), SessionLane(row.lane), row.credits)
        for row in found
    ]


@cache
def _summing(dialect_name: str) -> Select[Any]:
    stretch = STRETCHES.table(dialect_name)
    signed = union_all(
        _signed(stretch, 1, *_is_debit_of(stretch)), _signed(stretch, -1, *_is_reversal_of(stretch))
    ).subquery("signed")
    return (
        select(
            signed.c.number,
            SESSION.c.channel,
            SESSION.c.lane,
            func.sum(signed.c.credits).label("credits"),
        )
        .join(
            SESSION,
            and_(
                SESSION.c.workspace_id == bindparam("workspace_id"),
                SESSION.c.id == signed.c.session_id,
            ),
        )
        .group_by(signed.c.number, SESSION.c.channel, SESSION.c.lane)
    )


def _signed(stretch: CTE, credits_: int, *conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(stretch.c.number, LEDGER.c.session_id, literal(credits_).label("credits"))
        .select_from(stretch)
        .join(LEDGER, and_(*conditions))
    )


def _is_debit_of(stretch: CTE) -> tuple[ColumnElement[bool], ...]:
    return (
        LEDGER.c.workspace_id == bindparam("workspace_id"),
        LEDGER.c.kind == EntryKind.DEBIT,
        LEDGER.c.counts_at >= stretch.c.begins,
        LEDGER.c.counts_at < stretch.c.ends,
        LEDGER.c.recorded_at <= stretch.c.known_at,
    )


def _is_reversal_of(stretch: CTE) -> tuple[ColumnElement[bool], ...]:
    """A reversal counts no earlier than its debit, so that its own index finds it."""
    return (
        LEDGER.c.workspace_id == bindparam("workspace_id"),
        LEDGER.c.kind == EntryKind.REVERSAL,
        LEDGER.c.counts_at >= stretch.c.begins,
        LEDGER.c.counts_at < stretch.c.reversed_before,
        LEDGER.c.debit_counts_at >= stretch.c.begins,
        LEDGER.c.debit_counts_at < stretch.c.ends,
        LEDGER.c.recorded_at <= stretch.c.known_at,
    )
