"""Usage of a cycle: its net credits by channel, by lane and by local day."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

from trenza.domain.channel import ChannelKind
from trenza.domain.errors import InvalidInput
from trenza.domain.interaction import SessionLane
from trenza.domain.metering.cycle import Cycle, days_between
from trenza.services.balance import EARLIEST, LATEST, TICK
from trenza.storage.engine import AsyncConnection
from trenza.storage.ledger import find_cycles
from trenza.storage.usage import Stretch, sum_usage
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
    connection: AsyncConnection,
    workspace: WorkspaceSettings,
    now: datetime,
    cycle_of: date | None = None,
    known_at: datetime | None = None,
) -> Usage:
    """The usage of the cycle that holds a date, by default of the running one.

    A reversal that counts in a later cycle than its debit is a courtesy there and no usage, as in
    the balance. Raises InvalidInput with path ("cycleOf",) outside the years 1970 to 2199.
    """
    kept = await find_cycles(connection, workspace.id)
    cycle = workspace.cycle_at(now if cycle_of is None else instant_of(workspace, cycle_of), kept)
    at = min(now, cycle.ends_at - TICK)
    return await usage_at(connection, workspace, cycle, at, known_at or now)


async def usage_at(
    connection: AsyncConnection,
    workspace: WorkspaceSettings,
    cycle: Cycle,
    at: datetime,
    known_at: datetime,
) -> Usage:
    """The usage of a cycle up to an instant of it, by what was recorded up to `known_at`."""
    days = days_between(workspace.zone, cycle.starts_at, at + TICK)
    rows = await sum_usage(
        connection,
        workspace.id,
        [Stretch(day.starts_at, day.ends_at, at + TICK, known_at) for day in days],
    )
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
