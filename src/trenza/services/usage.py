"""Usage of a cycle or of any period: its net credits by channel, by lane and by local day."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from trenza.domain.channel import ChannelKind
from trenza.domain.errors import InvalidInput
from trenza.domain.interaction import SessionLane
from trenza.domain.metering.cycle import Cycle, Day, days_between
from trenza.services.balance import EARLIEST, LATEST, TICK
from trenza.storage.asking import Source, answers
from trenza.storage.bulk import Question, Row
from trenza.storage.ledger import CYCLES, HEAD_OF, cycles_in_order, head_of
from trenza.storage.usage import Stretch, UsageRow, ask_usage, usage_rows
from trenza.storage.workspace import WorkspaceSettings

LONGEST = timedelta(days=400)
"""The longest period whose usage is worked out."""


class Period(NamedTuple):
    """The instants `[starts_at, ends_at)`."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Usage:
    """The net credits of a cycle or period up to an instant; every grouping sums to `consumed`.

    Each grouping is complete: a channel, a lane or a day without credits is there with 0. A day
    is one of the workspace's time zone; those still to come are left out. The cycle of a period
    reaches from the start of the first cycle that it touches to the end of the last.
    """

    at: datetime
    known_at: datetime
    cycle: Cycle
    consumed: int
    by_channel: Mapping[ChannelKind, int]
    by_lane: Mapping[SessionLane, int]
    by_day: Mapping[date, int]


@dataclass(frozen=True, slots=True)
class Frame:
    """What usage is worked out in: a period or cycle, cut where cycles begin, up to two instants.

    Where `at` or `known_at` is None it is now, which is then never before the ledger's last row.
    """

    cycles: tuple[Cycle, ...]
    within: Period
    at: datetime | None
    known_at: datetime | None
    now: datetime

    def stretches(self) -> list[Stretch]:
        """The parts of the period, one in each of its cycles."""
        begins, ends = self.within
        return [
            self.stretch(max(each.starts_at, begins), min(each.ends_at, ends), each.ends_at)
            for each in self.cycles
        ]

    def stretch(self, begins: datetime, ends: datetime, closes: datetime) -> Stretch:
        """A part of the period within a cycle that ends at `closes`."""
        return Stretch(begins, ends, closes, self.at, self.known_at, self.now)


async def ask_in_cycles(
    source: Source,
    workspace: WorkspaceSettings,
    now: datetime,
    cycle_of: date | None,
    known_at: datetime | None,
    period: Period | None,
    ask: Callable[[Frame], Question],
    *,
    kept: Sequence[Cycle] = (),
    or_later: bool = False,
) -> tuple[Frame, list[Row]]:
    """The rows that answer a question about a period or a cycle, and the frame they are of.

    In one statement, where the cycles are those that the kept cycles seen last, `kept`, lead to:
    where the books say otherwise it is asked again. The frame's `now` is then that of the answer.
    Raises InvalidInput with path ("cycleOf",) outside the years 1970 to 2199.
    """
    date_of = None if cycle_of is None else instant_of(workspace, cycle_of)
    while True:
        guess = _cycles(workspace, period, date_of or now, kept)
        within = period or Period(guess[0].starts_at, guess[0].ends_at)
        at, known = (None, known_at) if or_later else (now, known_at or now)
        frame = Frame(guess, within, at, known, now)
        heads, cycles, rows = await answers(
            source, HEAD_OF.of(workspace.id), CYCLES.of(workspace.id), ask(frame)
        )
        kept = cycles_in_order(cycles)
        if or_later:
            now = max(now, head_of(workspace.id, heads).recorded_at)
        if _cycles(workspace, period, date_of or now, kept) == guess:
            return replace(frame, now=now), rows


async def find_usage(
    source: Source,
    workspace: WorkspaceSettings,
    now: datetime,
    cycle_of: date | None = None,
    known_at: datetime | None = None,
    *,
    period: Period | None = None,
    kept: Sequence[Cycle] = (),
    or_later: bool = False,
) -> Usage:
    """The usage of a period, or of the cycle that holds a date, by default of the running one.

    A reversal that counts in a later cycle than its debit is a courtesy there and no usage, as in
    the balance. With `or_later` now is never before the last row of the ledger. In one statement,
    as `ask_in_cycles` says, which also says what it raises.
    """

    def ask(frame: Frame) -> Question:
        days = _days(workspace, frame.cycles, frame.within)
        asked = [frame.stretch(day.starts_at, day.ends_at, closes) for day, closes in days]
        return ask_usage(workspace.id, asked)

    given = (workspace, now, cycle_of, known_at, period)
    frame, rows = await ask_in_cycles(source, *given, ask, kept=kept, or_later=or_later)
    days = [day for day, _ in _days(workspace, frame.cycles, frame.within)]
    touched = Cycle(frame.cycles[0].starts_at, frame.cycles[-1].ends_at)
    until = min(frame.now, frame.within.ends_at - TICK)
    return _usage(days, touched, until, known_at or frame.now, usage_rows(rows))


def period_of(from_: datetime | None, to: datetime | None, cycle_of: date | None) -> Period | None:
    """The period that is asked about; None where a cycle is.

    Raises InvalidInput with path ("from",) or ("to",) where one is given without the other or
    beside a cycle's date, where the period is empty or longer than 400 days, and outside the
    years 1970 to 2199.
    """
    if from_ is None and to is None:
        return None
    if from_ is None or to is None:
        missing = "from" if from_ is None else "to"
        raise InvalidInput("a period has both its ends", path=(missing,))
    if cycle_of is not None:
        raise InvalidInput("the usage is that of a cycle or of a period", path=("from",))
    if not EARLIEST <= from_ < LATEST:
        raise InvalidInput("the instant lies outside the years 1970 to 2199", path=("from",))
    if not from_ < to <= LATEST:
        raise InvalidInput("the period ends after it begins, before 2200", path=("to",))
    if to - from_ > LONGEST:
        raise InvalidInput("the period is at most 400 days long", path=("to",))
    return Period(from_, to)


def _cycles(
    workspace: WorkspaceSettings, period: Period | None, at: datetime, kept: Sequence[Cycle]
) -> tuple[Cycle, ...]:
    """The cycles that a period touches, or without one the cycle of an instant."""
    if period is None:
        return (workspace.cycle_at(at, kept),)
    return workspace.cycles_between(period.starts_at, period.ends_at, kept)


def _days(
    workspace: WorkspaceSettings, cycles: Iterable[Cycle], within: Period
) -> list[tuple[Day, datetime]]:
    """The days of a period, each with the end of its cycle; one that two share is there twice."""
    return [
        (day, cycle.ends_at)
        for cycle in cycles
        for day in days_between(
            workspace.zone,
            max(cycle.starts_at, within.starts_at),
            min(cycle.ends_at, within.ends_at),
        )
    ]


async def usage_at(
    source: Source,
    workspace: WorkspaceSettings,
    cycle: Cycle,
    at: datetime,
    known_at: datetime,
) -> Usage:
    """The usage of a cycle up to an instant of it, by what was recorded up to `known_at`."""
    days = days_between(workspace.zone, cycle.starts_at, at + TICK)
    asked = [Stretch(day.starts_at, day.ends_at, cycle.ends_at, at, known_at, at) for day in days]
    [rows] = await answers(source, ask_usage(workspace.id, asked))
    return _usage(days, cycle, at, known_at, usage_rows(rows))


def _usage(
    days: Sequence[Day],
    cycle: Cycle,
    at: datetime,
    known_at: datetime,
    rows: Iterable[UsageRow],
) -> Usage:
    """The sums of days in their groupings; stretches are the days in order."""
    by_channel: Counter[ChannelKind] = Counter()
    by_lane: Counter[SessionLane] = Counter()
    by_day: Counter[date] = Counter()
    for row in rows:
        by_channel[row.channel] += row.credits
        by_lane[row.lane] += row.credits
        by_day[days[row.stretch].on] += row.credits
    return Usage(
        at=at,
        known_at=known_at,
        cycle=cycle,
        consumed=by_day.total(),
        by_channel={channel: by_channel[channel] for channel in ChannelKind},
        by_lane={lane: by_lane[lane] for lane in SessionLane},
        by_day={day.on: by_day[day.on] for day in days if day.starts_at <= at},
    )


def instant_of(workspace: WorkspaceSettings, on: date) -> datetime:
    """The noon of a local day: an instant of the cycle that holds the day.

    Raises InvalidInput with path ("cycleOf",) outside the years 1970 to 2199.
    """
    if not EARLIEST.year <= on.year < LATEST.year:
        raise InvalidInput("the date lies outside the years 1970 to 2199", path=("cycleOf",))
    return datetime.combine(on, time(12), workspace.zone)
