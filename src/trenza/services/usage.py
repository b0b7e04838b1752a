"""Usage of a cycle: its net credits by channel, by lane and by local day."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from trenza.domain.channel import ChannelKind
from trenza.domain.errors import InvalidInput
from trenza.domain.interaction import SessionLane
from trenza.domain.metering.cycle import Cycle, days_between
from trenza.services.balance import EARLIEST, LATEST, TICK
from trenza.storage.asking import Source, answers
from trenza.storage.ledger import CYCLES, HEAD_OF, cycles_in_order, head_of
from trenza.storage.usage import Stretch, UsageRow, ask_usage, usage_rows
from trenza.storage.workspace import WorkspaceSettings


@dataclass(frozen=True, slots=True)
class Usage:
    """The net credits of a cycle up to an instant; every grouping sums to `consumed`.

    Each grouping is complete: a channel, a lane or a day without credits is there with 0. A day
    is one of the workspace's time zone; those still to come are left out.
    """

    at: datetime
    cycle: Cycle
    consumed: int
    by_channel: Mapping[ChannelKind, int]
    by_lane: Mapping[SessionLane, int]
    by_day: Mapping[date, int]


async def find_usage(
    source: Source,
    workspace: WorkspaceSettings,
    now: datetime,
    cycle_of: date | None = None,
    known_at: datetime | None = None,
    *,
    kept: Sequence[Cycle] = (),
    or_later: bool = False,
) -> Usage:
    """The usage of the cycle that holds a date, by default of the running one.

    A reversal that counts in a later cycle than its debit is a courtesy there and no usage, as in
    the balance. With `or_later` now is never before the last row of the ledger.

    In one statement, where the cycle is the one that the kept cycles seen last, `kept`, lead to:
    where the books say otherwise it is asked for again. Raises InvalidInput with path
    ("cycleOf",) outside the years 1970 to 2199.
    """
    date_of = None if cycle_of is None else instant_of(workspace, cycle_of)
    while True:
        guess = workspace.cycle_at(date_of or now, kept)
        days = days_between(workspace.zone, guess.starts_at, guess.ends_at)
        at, known = (None, known_at) if or_later else (now, known_at or now)
        asked = [Stretch(day.starts_at, day.ends_at, guess.ends_at, at, known, now) for day in days]
        heads, cycles, rows = await answers(
            source,
            HEAD_OF.of(workspace.id),
            CYCLES.of(workspace.id),
            ask_usage(workspace.id, asked),
        )
        kept = cycles_in_order(cycles)
        if or_later:
            now = max(now, head_of(workspace.id, heads).recorded_at)
        if workspace.cycle_at(date_of or now, kept) == guess:
            ended = guess.ends_at - TICK
            return _usage(workspace, guess, min(now, ended), usage_rows(rows))


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
    return _usage(workspace, cycle, at, usage_rows(rows))


def _usage(
    workspace: WorkspaceSettings, cycle: Cycle, at: datetime, rows: Iterable[UsageRow]
) -> Usage:
    """The sums of the days of a cycle in their groupings; stretches are its days in order."""
    days = days_between(workspace.zone, cycle.starts_at, at + TICK)
    by_channel: Counter[ChannelKind] = Counter()
    by_lane: Counter[SessionLane] = Counter()
    by_day: Counter[date] = Counter()
    for row in rows:
        by_channel[row.channel] += row.credits
        by_lane[row.lane] += row.credits
        by_day[days[row.stretch].on] += row.credits
    return Usage(
        at=at,
        cycle=cycle,
        consumed=by_day.total(),
        by_channel={channel: by_channel[channel] for channel in ChannelKind},
        by_lane={lane: by_lane[lane] for lane in SessionLane},
        by_day={day.on: by_day[day.on] for day in days},
    )


def instant_of(workspace: WorkspaceSettings, on: date) -> datetime:
    """The noon of a local day: an instant of the cycle that holds the day.

    Raises InvalidInput with path ("cycleOf",) outside the years 1970 to 2199.
    """
    if not EARLIEST.year <= on.year < LATEST.year:
        raise InvalidInput("the date lies outside the years 1970 to 2199", path=("cycleOf",))
    return datetime.combine(on, time(12), workspace.zone)
