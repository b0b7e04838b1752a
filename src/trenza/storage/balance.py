"""Queries behind the balance: everything that questions need, in one statement."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from trenza.domain.metering.balance import Grant, GrantKind
from trenza.domain.metering.cycle import Cycle
from trenza.domain.metering.ledger import EntryKind
from trenza.storage.columns import ID
from trenza.storage.debits import INSTANT, PART_ROWS, PARTS, net_before, placed
from trenza.storage.dialect import RowsParameter
from trenza.storage.interactionz import (
    BillingCycle,
    InteractionzGrant,
    LedgerEntry,
    LedgerHead,
)

LEDGER = LedgerEntry.__table__
HEAD = LedgerHead.__table__
GRANT = InteractionzGrant.__table__
CYCLE = BillingCycle.__table__


class Question(NamedTuple):
    """A moment asked about, now where it is None, and since when debits are of interest."""

    at: datetime | None
    known_at: datetime | None
    since: datetime | None


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


@dataclass(slots=True)
class Answer:
    """A question's moment, and its net debits in place before each instant that matters."""

    at: datetime
    known_at: datetime
    _points: list[tuple[datetime, int]] = field(default_factory=list)
    _nets: list[int] = field(default_factory=list)

    def add(self, at: datetime, through: int, net: int) -> None:
        """Notes the count at the next point, in order."""
        self._points.append((at, through))
        self._nets.append(net)

    def net_before(self, at: datetime) -> int:
        """The net debits before an instant, from some beginning on; none lie between points."""
        return self._nets[max(0, bisect_right(self._points, (at, 0)) - 1)]


@dataclass(slots=True)
class Records:
    """What the books say: the kept cycles in order, all grants, the adjustments that can matter."""

    answers: list[Answer] = field(default_factory=list)
    cycles: list[Cycle] = field(default_factory=list)
    grants: list[Given] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)


QUESTIONS = RowsParameter(
    "question", {"number": Integer(), "at": INSTANT, "known_at": INSTANT, "since": INSTANT}
)
APART = RowsParameter("apart", {"at": INSTANT})


async def find_records(
    connection: AsyncConnection,
    workspace_id: str,
    now: datetime,
    questions: Sequence[Question],
    apart: Iterable[datetime] = (),
) -> Records:
    """What answers questions, in one statement, with the debits of instants `apart` by themselves.

    Now is never before the last row of the ledger, whose instants run ahead of the clock by
    microseconds when many rows are written at once.
    """
    dialect = connection.dialect
    rows = await connection.execute(
        _reading(dialect.name),
        {
            "workspace_id": workspace_id,
            "now": now,
            **QUESTIONS.values(dialect, [(n, *each) for n, each in enumerate(questions)]),
            **APART.values(dialect, [(at,) for at in apart]),
            **PARTS.values(dialect, PART_ROWS),
        },
    )
    records = Records()
    for row in rows:
        match row.what:
            case "QUESTION":
                records.answers.append(Answer(row.first_at, row.second_at))
            case "CYCLE":
                records.cycles.append(Cycle(row.first_at, row.second_at))
            case "GRANT":
                grant = Grant(
                    row.id,
                    GrantKind(row.kind),
                    row.amount,
                    row.first_at,
                    row.second_at,
                    row.number,
                )
                records.grants.append(Given(grant, row.third_at))
            case "ADJUSTMENT":
                records.adjustments.append(
                    Adjustment(row.number, row.first_at, row.second_at, row.third_at)
                )
            case _:
                records.answers[row.number].add(row.first_at, row.through, row.amount)
    return records


@cache
def _reading(dialect_name: str) -> Any:
    """Rows of five kinds: questions, cycles, grants, adjustments, and then counts in order."""
    moment = _moments(QUESTIONS.table(dialect_name))
    begun = _begun(moment)
    adjustment = _adjustments(moment, begun)
    asked = _points(moment, begun, adjustment, APART.table(dialect_name)).subquery("point")
    points = placed(asked, moment, dialect_name)
    point = points.at
    parts = [
        _part(1, "QUESTION", moment, moment.c.number, moment.c.at, moment.c.known_at),
        _part(2, "CYCLE", CYCLE, literal(0), CYCLE.c.starts_at, CYCLE.c.ends_at),
        _part(
            3,
            "GRANT",
            GRANT,
            GRANT.c.priority,
            GRANT.c.effective_at,
            GRANT.c.expires_at,
            GRANT.c.recorded_at,
            amount=GRANT.c.amount,
            id=GRANT.c.id,
            kind=GRANT.c.kind,
        ),
        _part(
            4,
            "ADJUSTMENT",
            adjustment,
            adjustment.c.sequence,
            adjustment.c.counts_at,
            adjustment.c.debit_counts_at,
            adjustment.c.recorded_at,
        ),
        _part(
            5,
            "COUNT",
            point,
            point.c.number,
            point.c.at,
            through=point.c.through,
            amount=net_before(points),
        ),
    ]
    found = union_all(*parts).subquery("found")
    return select(found).order_by(found.c.rank, found.c.number, found.c.first_at, found.c.through)


def _moments(question: CTE) -> CTE:
    """The questions with now put in where they leave it out."""
    now = bindparam("now", type_=INSTANT)
    latest = case((HEAD.c.recorded_at > now, HEAD.c.recorded_at), else_=now)
    at = func.coalesce(question.c.at, latest, type_=INSTANT)
    return (
        select(
            question.c.number,
            at.label("at"),
            func.coalesce(question.c.known_at, latest, type_=INSTANT).label("known_at"),
            func.coalesce(question.c.since, at, type_=INSTANT).label("since"),
        )
        .outerjoin_from(question, HEAD, HEAD.c.workspace_id == bindparam("workspace_id"))
        .cte("moment")
        .prefix_with("MATERIALIZED")
    )


def _begun(moment: CTE) -> CTE:
    """Since when debits can matter to each moment: the start of a kept cycle, or earlier than all.

    That is the cycle of its interest, or an earlier one that grants tie to it by reaching from one
    cycle into another.
    """
    begins = (
        select(moment.c.number, moment.c.known_at, _start_of_cycle(moment.c.since).label("begins"))
        .correlate(None)
        .cte("begins", recursive=True)
    )
    reaching = select(
        begins.c.number, begins.c.known_at, _start_of_cycle(GRANT.c.effective_at)
    ).join(
        GRANT,
        and_(
            GRANT.c.workspace_id == bindparam("workspace_id"),
            GRANT.c.effective_at < begins.c.begins,
            GRANT.c.expires_at > begins.c.begins,
            GRANT.c.recorded_at <= begins.c.known_at,
        ),
    )
    begins = begins.union(reaching)
    first = func.min(begins.c.begins, type_=INSTANT).label("begins")
    return select(begins.c.number, first).group_by(begins.c.number).cte("begun")


def _start_of_cycle(at: ColumnElement[datetime]) -> ColumnElement[datetime]:
    """The start of the last kept cycle that begins no later than an instant, or the instant."""
    started = (
        select(func.max(CYCLE.c.starts_at))
        .where(CYCLE.c.workspace_id == bindparam("workspace_id"), CYCLE.c.starts_at <= at)
        .scalar_subquery()
    )
    return func.coalesce(started, at, type_=INSTANT)


def _adjustments(moment: CTE, begun: CTE) -> CTE:
    """The reversals that count later than their debits, from the first beginning to the last at."""
    return (
        select(
            LEDGER.c.sequence, LEDGER.c.counts_at, LEDGER.c.debit_counts_at, LEDGER.c.recorded_at
        )
        .where(
            LEDGER.c.workspace_id == bindparam("workspace_id"),
            LEDGER.c.debit_counts_at < LEDGER.c.counts_at,
            LEDGER.c.counts_at >= select(func.min(begun.c.begins)).scalar_subquery(),
            LEDGER.c.counts_at <= select(func.max(moment.c.at)).scalar_subquery(),
        )
        .cte("adjustment")
    )


def _points(moment: CTE, begun: CTE, adjustment: CTE, apart: CTE) -> CompoundSelect[Any]:
    """The instants of each moment between which the same grants pay, up to and with its own."""
    mine = moment.join(begun, begun.c.number == moment.c.number)

    def points(source: FromClause, at: ColumnElement[datetime], through: int) -> Select[Any]:
        return (
            select(
                moment.c.number,
                begun.c.begins.label("since"),
                at.label("at"),
                literal(through).label("through"),
                moment.c.known_at,
            )
            .select_from(source)
            .where(at >= begun.c.begins, at <= moment.c.at)
        )

    def known(rows: FromClause) -> ColumnElement[bool]:
        return rows.c.recorded_at <= moment.c.known_at

    of_workspace = bindparam("workspace_id", type_=ID)
    cycles = mine.join(CYCLE, CYCLE.c.workspace_id == of_workspace)
    grants = mine.join(GRANT, and_(GRANT.c.workspace_id == of_workspace, known(GRANT)))
    adjustments = mine.join(adjustment, known(adjustment))
    return union(
        points(mine, begun.c.begins, 0),
        points(mine, moment.c.at, 1),
        *(points(cycles, at, 0) for at in (CYCLE.c.starts_at, CYCLE.c.ends_at)),
        *(points(grants, at, 0) for at in (GRANT.c.effective_at, GRANT.c.expires_at)),
        points(adjustments, adjustment.c.counts_at, 0),
        *(points(mine.join(apart, true()), apart.c.at, through) for through in (0, 1)),
    )


def _part(
    rank: int,
    what: str,
    source: FromClause,
    number: ColumnElement[int],
    first_at: ColumnElement[datetime],
    second_at: ColumnElement[datetime] | None = None,
    third_at: ColumnElement[datetime] | None = None,
    **columns: ColumnElement[Any],
) -> Select[Any]:
    """Rows of one kind, in the columns that all kinds share."""
    types: dict[str, TypeEngine[Any]] = {
        "through": Integer(),
        "amount": Integer(),
        "id": ID,
        "kind": ID,
    }
    found = select(
        literal(rank).label("rank"),
        literal(what).label("what"),
        number.label("number"),
        first_at.label("first_at"),
        (cast(null(), INSTANT) if second_at is None else second_at).label("second_at"),
        (cast(null(), INSTANT) if third_at is None else third_at).label("third_at"),
        *(columns.get(name, cast(null(), type_)).label(name) for name, type_ in types.items()),
    ).select_from(source)
    if isinstance(source, Table):
        return found.where(source.c.workspace_id == bindparam("workspace_id"))
    return found


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
