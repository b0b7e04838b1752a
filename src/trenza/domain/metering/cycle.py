"""Billing cycles: months anchored on the contract's day, in the workspace's time zone.

A cycle starts at 00:00 local time of the anchor day, which is clamped in short months (anchor 31
gives 28, 29 or 30). Cycles that were kept as instants stand, whatever the anchor, the zone or the
zone's rules have become since; computed ones fill the time before, between and after them.
"""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from trenza.domain.errors import InvalidInput

_SHORTEST = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Cycle:
    """A billing month `[starts_at, ends_at)`."""

    starts_at: datetime
    ends_at: datetime

    def holds(self, at: datetime) -> bool:
        """Whether an instant lies in the cycle."""
        return self.starts_at <= at < self.ends_at


def cycle_of(anchor_day: int, zone: ZoneInfo, at: datetime, kept: Sequence[Cycle] = ()) -> Cycle:
    """The cycle that holds an instant.

    A kept cycle wins. A computed one continues from the end of the kept cycle before it and ends
    where the next kept one starts. It joins a remainder shorter than two days, such as a changed
    zone leaves, rather than make a cycle of hours with a whole quota. Raises InvalidInput unless
    the anchor is a day from 1 to 31.

    >>> from zoneinfo import ZoneInfo
    >>> cycle = cycle_of(31, ZoneInfo("UTC"), datetime(2026, 2, 28, tzinfo=UTC))
    >>> cycle.starts_at.date().isoformat(), cycle.ends_at.date().isoformat()
    ('2026-02-28', '2026-03-31')
    """
    if not 1 <= anchor_day <= 31:
        raise InvalidInput("the anchor day is a day of the month, 1 to 31", path=("anchorDay",))
    for cycle in kept:
        if cycle.holds(at):
            return cycle
    before = max((cycle.ends_at for cycle in kept if cycle.ends_at <= at), default=None)
    after = min((cycle.starts_at for cycle in kept if cycle.starts_at > at), default=None)
    bounds = [
        bound
        for bound in _anchored_around(anchor_day, zone, at)
        if (before is None or bound - before >= _SHORTEST)
        and (after is None or after - bound >= _SHORTEST)
    ]
    bounds += [bound for bound in (before, after) if bound is not None]
    return Cycle(
        max(bound for bound in bounds if bound <= at),
        min(bound for bound in bounds if bound > at),
    )


def cycles_between(
    anchor_day: int, zone: ZoneInfo, from_: datetime, to: datetime, kept: Sequence[Cycle] = ()
) -> tuple[Cycle, ...]:
    """The cycles that share an instant with `[from_, to)`, in order; none where it is empty."""
    cycles: list[Cycle] = []
    at = from_
    while at < to:
        cycles.append(cycle_of(anchor_day, zone, at, kept))
        at = cycles[-1].ends_at
    return tuple(cycles)


@dataclass(frozen=True, slots=True)
class Day:
    """A local day, or the part of it that is asked about: `[starts_at, ends_at)`."""

    on: date
    starts_at: datetime
    ends_at: datetime


def days_between(zone: ZoneInfo, from_: datetime, to: datetime) -> tuple[Day, ...]:
    """The local days that share an instant with `[from_, to)`, in order; the ends are cut there.

    A day starts at its first 00:00, or where clocks skip that, right after the gap.

    >>> from zoneinfo import ZoneInfo
    >>> spring = datetime(2026, 3, 29, tzinfo=UTC)
    >>> [(str(day.on), day.ends_at.hour) for day in
    ...  days_between(ZoneInfo("Europe/Madrid"), spring, spring + timedelta(days=1))]
    [('2026-03-29', 22), ('2026-03-30', 0)]
    """
    days: list[Day] = []
    at = from_
    while at < to:
        following, ends_at = at.astimezone(zone).date(), at
        # Where clocks are put back over midnight, the evening after the first 00:00 is the new day.
        while ends_at <= at:
            following += timedelta(days=1)
            ends_at = _midnight(datetime.combine(following, time(), zone))
        days.append(Day(following - timedelta(days=1), at, min(ends_at, to)))
        at = ends_at
    return tuple(days)


def _anchored_around(anchor_day: int, zone: ZoneInfo, at: datetime) -> list[datetime]:
    """The anchored instants of the five months around an instant, which always enclose it."""
    local = at.astimezone(zone)
    month = local.year * 12 + local.month - 1
    return [_anchored_in(anchor_day, zone, *divmod(month + step, 12)) for step in range(-2, 3)]


def _anchored_in(anchor_day: int, zone: ZoneInfo, year: int, month: int) -> datetime:
    day = min(anchor_day, monthrange(year, month + 1)[1])
    return _midnight(datetime(year, month + 1, day, tzinfo=zone))


def _midnight(local: datetime) -> datetime:
    """The instant of a local time; where clocks skip it, the first instant after the gap.

    Where clocks show it twice, the first of the two.
    """
    instant = local.astimezone(UTC)
    if instant.astimezone(local.tzinfo).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    # Inside a gap, fold 0 reads the offset from before it and fold 1 the one from after it: the
    # two readings enclose the instant at which the clocks were changed.
    low, high = local.replace(fold=1).astimezone(UTC), instant
    new_offset = high.astimezone(local.tzinfo).utcoffset()
    while high - low > timedelta(microseconds=1):
        middle = low + (high - low) // 2
        if middle.astimezone(local.tzinfo).utcoffset() == new_offset:
            high = middle
        else:
            low = middle
    return high
