"""Queries behind the balance: everything that questions need, in one statement."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from operator import itemgetter
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
    literal_column,
    null,
    select,
    true,
    union,
    union_all,
)
from sqlalchemy.types import TypeEngine

from trenza.domain.metering.balance import Grant, GrantKind
from trenza.domain.metering.cycle import Cycle
from trenza.domain.metering.ledger import EntryKind
from trenza.storage.asking import Source, answers
from trenza.storage.bulk import Query, Row
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


@dataclass(frozen=True, slots=True)
class Debit:
    """A debit, and the reversal that took it back, where there is one."""

    sequence: int
    counts_at: datetime
    recorded_at: datetime
    reversal_counts_at: datetime | None
    reversal_recorded_at: datetime | None


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
    """What the books say: the kept cycles in order, all grants, the adjustments that can matter.

    `debits` are those that count at the instants apart, in order of sequence.
    """

    answers: list[Answer] = field(default_factory=list)
    cycles: list[Cycle] = field(default_factory=list)
    grants: list[Given] = field(default_factory=list)
    adjustments: list[Adjustment] = field(default_factory=list)
    debits: list[Debit] = field(default_factory=list)


QUESTIONS = RowsParameter(
    "question",
    {
        "number": Integer(),
        "at": INSTANT,
        "known_at": INSTANT,
        "since": INSTANT,
        "now": INSTANT,
    },
)
APART = RowsParameter("apart", {"at": INSTANT})
BESIDE = RowsParameter("beside", {"at": INSTANT})
"""The same instants once more: one statement asks by both."""


async def find_records(
    source: Source,
    workspace_id: str,
    now: datetime,
    questions: Sequence[Question],
    apart: Iterable[datetime] = (),
) -> Records:
    """What answers questions, in one statement, with the debits of instants `apart` by themselves.

    Now is never before the last row of the ledger, whose instants run ahead of the clock by
    microseconds when many rows are written at once.
    """
    asked = [(number, *each, now) for number, each in enumerate(questions)]
    alone = [(at,) for at in sorted(set(apart))]
    if not alone:
        [rows] = await answers(source, _READING.of(workspace_id, asked))
        return _records(rows)
    rows, debits = await answers(
        source, _READING_APART.of(workspace_id, asked, alone), _DEBITS_APART.of(workspace_id, alone)
    )
    records = _records(rows)
    records.debits = [Debit(*row) for row in sorted(debits)]
    return records


def _records(rows: Iterable[Row]) -> Records:
    by_kind: dict[str, list[Row]] = {kind: [] for kind in _KINDS}
    for row in rows:
        by_kind[row[1]].append(row)
    records = Records()
    for _, _, at, known_at, *_ in sorted(by_kind["QUESTION"], key=itemgetter(0)):
        records.answers.append(Answer(at, known_at))
    for _, _, starts_at, ends_at, *_ in sorted(by_kind["CYCLE"], key=itemgetter(2)):
        records.cycles.append(Cycle(starts_at, ends_at))
    for row in sorted(by_kind["GRANT"], key=itemgetter(5, 2)):
        _, _, effective_at, expires_at, recorded_at, priority, _, amount, id, kind = row
        grant = Grant(id, GrantKind(kind), amount, effective_at, expires_at, priority)
        records.grants.append(Given(grant, recorded_at))
    for row in sorted(by_kind["ADJUSTMENT"], key=itemgetter(5)):
        _, _, counts_at, debit_counts_at, recorded_at, sequence, *_ = row
        records.adjustments.append(Adjustment(sequence, counts_at, debit_counts_at, recorded_at))
    for row in sorted(by_kind["COUNT"], key=itemgetter(2, 6)):
        number, _, at, _, _, _, through, net, *_ = row
        records.answers[number].add(at, through, net)
    return records


_KINDS = ("QUESTION", "CYCLE", "GRANT", "ADJUSTMENT", "COUNT")


def _reading(dialect_name: str, *, apart: bool) -> Any:
    """Rows of five kinds: questions and counts, each with its number; all else without one."""
    moment = _moments(QUESTIONS.table(dialect_name))
    begun = _begun(moment)
    adjustment = _adjustments(moment, begun)
    alone = APART.table(dialect_name) if apart else None
    asked = _points(moment, begun, adjustment, alone).subquery("point")
    points = placed(asked, moment, dialect_name)
    point = points.at
    parts = [
        _part("QUESTION", moment, moment.c.number, moment.c.at, moment.c.known_at),
        _part("CYCLE", CYCLE, None, CYCLE.c.starts_at, CYCLE.c.ends_at),
        _part(
            "GRANT",
            GRANT,
            None,
            GRANT.c.effective_at,
            GRANT.c.expires_at,
            GRANT.c.recorded_at,
            place=GRANT.c.priority,
            amount=GRANT.c.amount,
            id=GRANT.c.id,
            kind=GRANT.c.kind,
        ),
        _part(
            "ADJUSTMENT",
            adjustment,
            None,
            adjustment.c.counts_at,
            adjustment.c.debit_counts_at,
            adjustment.c.recorded_at,
            place=adjustment.c.sequence,
        ),
        _part(
            "COUNT",
            point,
            point.c.number,
            point.c.at,
            through=point.c.through,
            amount=net_before(points),
        ),
    ]
    return select(union_all(*parts).subquery("found"))


_READING = Query(partial(_reading, apart=False), (QUESTIONS,), ((PARTS, PART_ROWS),))
_READING_APART = Query(partial(_reading, apart=True), (QUESTIONS, APART), ((PARTS, PART_ROWS),))


def _debits_apart(dialect_name: str) -> Select[Any]:
    """The columns of `Debit` of all debits that count at the instants apart."""
    alone, reversal = BESIDE.table(dialect_name), LEDGER.alias("reversal")
    counts = and_(
        LEDGER.c.workspace_id == bindparam("workspace_id"),
        LEDGER.c.kind == literal_column(f"'{EntryKind.DEBIT}'", ID),
        LEDGER.c.counts_at == alone.c.at,
    )
    takes_back = and_(
        reversal.c.workspace_id == bindparam("workspace_id"),
        reversal.c.supersedes == LEDGER.c.sequence,
    )
    return (
        select(
            LEDGER.c.sequence,
            LEDGER.c.counts_at,
            LEDGER.c.recorded_at,
            reversal.c.counts_at.label("reversal_counts_at"),
            reversal.c.recorded_at.label("reversal_recorded_at"),
        )
        .select_from(alone)
        .join(LEDGER, counts)
        .outerjoin(reversal, takes_back)
    )


_DEBITS_APART = Query(_debits_apart, (BESIDE,))


def latest_of(asked: CTE) -> ColumnElement[datetime]:
    """The later of the `now` that is asked for and the instant of the ledger's last row."""
    return case((HEAD.c.recorded_at > asked.c.now, HEAD.c.recorded_at), else_=asked.c.now)


def _moments(question: CTE) -> CTE:
    """The questions with now put in where they leave it out."""
    latest = latest_of(question)
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


def _points(moment: CTE, begun: CTE, adjustment: CTE, apart: CTE | None) -> CompoundSelect[Any]:
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
    alone = []
    if apart is not None:
        alone = [points(mine.join(apart, true()), apart.c.at, through) for through in (0, 1)]
    return union(
        points(mine, begun.c.begins, 0),
        points(mine, moment.c.at, 1),
        *(points(cycles, at, 0) for at in (CYCLE.c.starts_at, CYCLE.c.ends_at)),
        *(points(grants, at, 0) for at in (GRANT.c.effective_at, GRANT.c.expires_at)),
        points(adjustments, adjustment.c.counts_at, 0),
        *alone,
    )


def _part(
    what: str,
    source: FromClause,
    number: ColumnElement[int] | None,
    first_at: ColumnElement[datetime],
    second_at: ColumnElement[datetime] | None = None,
    third_at: ColumnElement[datetime] | None = None,
    **columns: ColumnElement[Any],
) -> Select[Any]:
    """Rows of one kind, in the columns that all kinds share."""
    types: dict[str, TypeEngine[Any]] = {
        "place": Integer(),
        "through": Integer(),
        "amount": Integer(),
        "id": ID,
        "kind": ID,
    }
    found = select(
        (cast(null(), Integer()) if number is None else number).label("number"),
        literal(what).label("what"),
        first_at.label("first_at"),
        (cast(null(), INSTANT) if second_at is None else second_at).label("second_at"),
        (cast(null(), INSTANT) if third_at is None else third_at).label("third_at"),
        *(columns.get(name, cast(null(), type_)).label(name) for name, type_ in types.items()),
    ).select_from(source)
    if isinstance(source, Table):
        return found.where(source.c.workspace_id == bindparam("workspace_id"))
    return found
