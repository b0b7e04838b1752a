"""The query of usage: net debits by channel, lane and stretch of time.

`storage/attribution.py` groups the same debits by what they are attributed to.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    and_,
    bindparam,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.types import TypeEngine

from trenza.domain.channel import ChannelKind
from trenza.domain.interaction import SessionLane
from trenza.domain.metering.ledger import EntryKind
from trenza.storage.balance import latest_of
from trenza.storage.bulk import Query, Question, Row
from trenza.storage.dialect import RowsParameter
from trenza.storage.interactionz import InteractionzSession, LedgerEntry, LedgerHead

LEDGER = LedgerEntry.__table__
HEAD = LedgerHead.__table__
SESSION = InteractionzSession.__table__
INSTANT = LEDGER.c.counts_at.type


@dataclass(frozen=True, slots=True)
class Stretch:
    """Debits of `[begins, ends)` that count up to `at`, net of what was taken back in time.

    By what was known at `known_at`. A stretch lies within one cycle. A reversal takes its debit
    out where it counts before the cycle's end, `closes`. Where `at` or `known_at` is None it is
    now: the later of `now` and the instant of the ledger's last row.
    """

    begins: datetime
    ends: datetime
    closes: datetime
    at: datetime | None
    known_at: datetime | None
    now: datetime


STRETCH_COLUMNS: Mapping[str, TypeEngine[Any]] = MappingProxyType(
    {
        "number": Integer(),
        "begins": INSTANT,
        "ends": INSTANT,
        "closes": INSTANT,
        "at": INSTANT,
        "known_at": INSTANT,
        "now": INSTANT,
    }
)
STRETCHES = RowsParameter("stretch", STRETCH_COLUMNS)


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Net debits of one stretch, given by its index, on one channel and in one lane."""

    stretch: int
    channel: ChannelKind
    lane: SessionLane
    credits: int


def ask_usage(workspace_id: str, stretches: Sequence[Stretch]) -> Question:
    """Asks for the net debits of stretches; `usage_rows` reads the answer."""
    rows = [(number, *astuple(stretch)) for number, stretch in enumerate(stretches)]
    return _USAGE.of(workspace_id, rows)


def usage_rows(rows: Iterable[Row]) -> list[UsageRow]:
    """Net debits by stretch, by the channel and lane that their sessions have now."""
    return [
        UsageRow(number, ChannelKind(channel), SessionLane(lane), credits_)
        for number, channel, lane, credits_ in rows
    ]


def _summing(dialect_name: str) -> Select[Any]:
    signed = signed_entries(STRETCHES.table(dialect_name))
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


_USAGE = Query(_summing, (STRETCHES,))


def signed_entries(asked: CTE) -> Subquery:
    """The debits of stretches and their reversals: `number`, `session_id`, and `credits`, 1 or -1.

    What is asked has `STRETCH_COLUMNS`; further columns of it stand beside them.
    """
    stretch = cut_stretches(asked)
    return union_all(
        _signed(stretch, 1, *is_debit_of(stretch)), _signed(stretch, -1, *is_reversal_of(stretch))
    ).subquery("signed")


def cut_stretches(asked: CTE) -> CTE:
    """The stretches with now put in where they leave it out."""
    others = (column for column in asked.c if column.name not in STRETCH_COLUMNS)
    return (
        select(
            *others,
            asked.c.number,
            asked.c.begins,
            asked.c.ends,
            asked.c.closes,
            func.coalesce(asked.c.at, latest_of(asked), type_=INSTANT).label("at"),
            func.coalesce(asked.c.known_at, latest_of(asked), type_=INSTANT).label("known_at"),
        )
        .outerjoin_from(asked, HEAD, HEAD.c.workspace_id == bindparam("workspace_id"))
        .cte(f"cut_{asked.name}")
        .prefix_with("MATERIALIZED")
    )


def _signed(stretch: CTE, credits_: int, *conditions: ColumnElement[bool]) -> Select[Any]:
    others = (column for column in stretch.c if column.name not in STRETCH_COLUMNS)
    return (
        select(stretch.c.number, *others, LEDGER.c.session_id, literal(credits_).label("credits"))
        .select_from(stretch)
        .join(LEDGER, and_(*conditions))
    )


def is_debit_of(stretch: CTE) -> tuple[ColumnElement[bool], ...]:
    """The conditions of a debit of a stretch."""
    return (
        LEDGER.c.workspace_id == bindparam("workspace_id"),
        LEDGER.c.kind == EntryKind.DEBIT,
        LEDGER.c.counts_at >= stretch.c.begins,
        LEDGER.c.counts_at < stretch.c.ends,
        LEDGER.c.counts_at <= stretch.c.at,
        LEDGER.c.recorded_at <= stretch.c.known_at,
    )


def is_reversal_of(stretch: CTE) -> tuple[ColumnElement[bool], ...]:
    """The conditions of a reversal of a stretch.

    It counts no earlier than its debit, so that its own index finds it.
    """
    return (
        LEDGER.c.workspace_id == bindparam("workspace_id"),
        LEDGER.c.kind == EntryKind.REVERSAL,
        LEDGER.c.counts_at >= stretch.c.begins,
        LEDGER.c.counts_at < stretch.c.closes,
        LEDGER.c.counts_at <= stretch.c.at,
        LEDGER.c.debit_counts_at >= stretch.c.begins,
        LEDGER.c.debit_counts_at < stretch.c.ends,
        LEDGER.c.recorded_at <= stretch.c.known_at,
    )
