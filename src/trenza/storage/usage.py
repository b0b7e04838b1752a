"""The query of usage: net debits by channel, lane and stretch of time."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import cache
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, and_, bindparam, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.domain.channel import ChannelKind
from trenza.domain.interaction import SessionLane
from trenza.storage.balance import (
    LEDGER,
    STRETCHES,
    Stretch,
    is_debit_of,
    is_reversal_of,
)
from trenza.storage.interactionz import InteractionzSession

SESSION = InteractionzSession.__table__


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
        _signed(stretch, 1, *is_debit_of(stretch)), _signed(stretch, -1, *is_reversal_of(stretch))
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
