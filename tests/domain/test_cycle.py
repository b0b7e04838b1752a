"""Billing cycles: anchors, short months, clocks that jump, and cycles that were kept."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trenza.domain.errors import InvalidInput
from trenza.domain.metering.cycle import Cycle, Day, cycle_of, cycles_between, days_between

ZONES = (
    "UTC",
    "America/Mexico_City",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/Havana",
    "Asia/Tehran",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "America/St_Johns",
)
MICROSECOND = timedelta(microseconds=1)

anchors = st.integers(1, 31)
zones = st.sampled_from(ZONES).map(ZoneInfo)
instants = st.datetimes(
    datetime(1970, 1, 1),  # noqa: DTZ001
    datetime(2199, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("anchor", "zone", "at", "starts", "ends"),
    [
        (1, "UTC", "2026-11-22T10:00", "2026-11-01T00:00", "2026-12-01T00:00"),
        (1, "UTC", "2026-12-01T00:00", "2026-12-01T00:00", "2027-01-01T00:00"),
        (31, "UTC", "2027-02-10T00:00", "2027-01-31T00:00", "2027-02-28T00:00"),
        (31, "UTC", "2028-02-29T00:00", "2028-02-29T00:00", "2028-03-31T00:00"),
        (31, "UTC", "2026-04-30T12:00", "2026-04-30T00:00", "2026-05-31T00:00"),
        (15, "America/Mexico_City", "2026-11-15T05:59", "2026-10-15T06:00", "2026-11-15T06:00"),
        (15, "America/Mexico_City", "2026-11-15T06:00", "2026-11-15T06:00", "2026-12-15T06:00"),
        # Santiago: daylight saving ends between, the cycle is an hour longer than its days.
        (5, "America/Santiago", "2026-04-01T00:00", "2026-03-05T03:00", "2026-04-05T04:00"),
        # São Paulo, 2018-11-04: clocks went from 00:00 to 01:00, midnight was skipped.
        (4, "America/Sao_Paulo", "2018-11-10T00:00", "2018-11-04T03:00", "2018-12-04T02:00"),
        # Apia skipped the whole of 2011-12-30.
        (30, "Pacific/Apia", "2012-01-01T00:00", "2011-12-30T10:00", "2012-01-29T10:00"),
        # Toronto, 1919-03-30: clocks went from 23:30 to 00:30, the gap began before midnight.
        (31, "America/Toronto", "1919-04-10T00:00", "1919-03-31T04:30", "1919-04-30T04:00"),
        # Havana, 2026-11-01: clocks show 00:00 twice; the first one counts.
        (1, "America/Havana", "2026-11-10T00:00", "2026-11-01T04:00", "2026-12-01T05:00"),
    ],
)
def test_a_cycle_runs_from_midnight_of_the_anchor_to_the_next(
    anchor: int, zone: str, at: str, starts: str, ends: str
) -> None:
    assert cycle_of(anchor, ZoneInfo(zone), utc(at)) == Cycle(utc(starts), utc(ends))


@given(anchors, zones, instants)
def test_cycles_are_months_that_leave_no_gap(anchor: int, zone: ZoneInfo, at: datetime) -> None:
    cycle = cycle_of(anchor, zone, at)

    assert cycle.holds(at)
    assert timedelta(days=27) < cycle.ends_at - cycle.starts_at < timedelta(days=33)
    assert cycle_of(anchor, zone, cycle.starts_at) == cycle
    assert cycle_of(anchor, zone, cycle.ends_at - MICROSECOND) == cycle
    assert cycle_of(anchor, zone, cycle.ends_at).starts_at == cycle.ends_at


@given(anchors, zones, instants, anchors, zones, st.integers(0, 400), st.integers(-400, 400))
def test_kept_cycles_stand_and_computed_ones_fill_the_rest(
    anchor: int,
    zone: ZoneInfo,
    at: datetime,
    old_anchor: int,
    old_zone: ZoneInfo,
    apart: int,
    away: int,
) -> None:
    at = min(max(at, utc("1972-01-01")), utc("2197-01-01"))
    kept = [cycle_of(old_anchor, old_zone, at)]
    if apart:
        other = cycle_of(old_anchor, old_zone, kept[0].ends_at + timedelta(days=apart))
        kept.append(other)

    found = cycles_between(
        anchor, zone, at - timedelta(days=90), at + timedelta(days=away + 410), kept
    )

    assert all(earlier.ends_at == later.starts_at for earlier, later in pairwise(found))
    assert all(cycle in found for cycle in kept if cycle.starts_at < found[-1].ends_at)
    for cycle in found:
        for instant in (cycle.starts_at, cycle.ends_at - MICROSECOND):
            assert cycle_of(anchor, zone, instant, kept) == cycle
    for cycle in found:
        fills_a_hole = any(cycle.ends_at == other.starts_at for other in kept)
        assert fills_a_hole or cycle.ends_at - cycle.starts_at >= timedelta(days=2)


def test_a_changed_zone_leaves_no_cycle_of_hours() -> None:
    kept = [Cycle(utc("2026-10-01T00:00"), utc("2026-11-01T00:00"))]

    cycle = cycle_of(1, ZoneInfo("America/Mexico_City"), utc("2026-11-01T03:00"), kept)

    assert cycle == Cycle(utc("2026-11-01T00:00"), utc("2026-12-01T06:00"))


def test_nor_does_a_kept_cycle_that_starts_soon_after_an_anchor() -> None:
    kept = [Cycle(utc("2026-11-02T06:00"), utc("2026-12-02T06:00"))]

    cycle = cycle_of(1, ZoneInfo("UTC"), utc("2026-11-01T12:00"), kept)

    assert cycle == Cycle(utc("2026-10-01T00:00"), utc("2026-11-02T06:00"))


def test_a_changed_anchor_continues_from_the_kept_cycle() -> None:
    kept = [Cycle(utc("2026-10-01T00:00"), utc("2026-11-01T00:00"))]

    found = cycles_between(15, ZoneInfo("UTC"), utc("2026-10-05"), utc("2026-12-01"), kept)

    assert found == (
        kept[0],
        Cycle(utc("2026-11-01T00:00"), utc("2026-11-15T00:00")),
        Cycle(utc("2026-11-15T00:00"), utc("2026-12-15T00:00")),
    )


def test_an_empty_period_has_no_cycles() -> None:
    assert cycles_between(1, ZoneInfo("UTC"), utc("2026-11-01"), utc("2026-11-01")) == ()


@pytest.mark.parametrize("anchor", [0, 32, -1])
def test_an_anchor_is_a_day_of_the_month(anchor: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        cycle_of(anchor, ZoneInfo("UTC"), utc("2026-11-01"))
    assert refused.value.path == ("anchorDay",)


@given(zones, instants, st.integers(1, 20 * 86_400))
def test_days_are_told_once_each_in_order_and_leave_no_gap(
    zone: ZoneInfo, at: datetime, seconds: int
) -> None:
    to = at + timedelta(seconds=seconds)

    days = days_between(zone, at, to)

    assert [*(day.starts_at for day in days), to] == [at, *(day.ends_at for day in days)]
    assert all(earlier.on < later.on for earlier, later in pairwise(days))
    assert all(day.starts_at < day.ends_at for day in days)
    assert all(day.starts_at.astimezone(zone).date() == day.on for day in days[1:])


def test_a_day_that_clocks_skip_is_not_told() -> None:
    days = days_between(ZoneInfo("Pacific/Apia"), utc("2011-12-29T10:00"), utc("2011-12-31T10:00"))

    assert [day.on for day in days] == [date(2011, 12, 29), date(2011, 12, 31)]
    assert days[0].ends_at == days[1].starts_at == utc("2011-12-30T10:00")


def test_the_evening_that_clocks_show_again_after_midnight_is_the_new_day() -> None:
    zone = ZoneInfo("America/St_Johns")
    midnight, again, tomorrow = (
        utc("2010-11-07T02:30"),
        utc("2010-11-07T02:45"),
        utc("2010-11-08T03:30"),
    )
    assert again.astimezone(zone).replace(tzinfo=None) == datetime.fromisoformat("2010-11-06T23:15")

    days = days_between(zone, midnight - MICROSECOND, tomorrow)

    assert days == (
        Day(date(2010, 11, 6), midnight - MICROSECOND, midnight),
        Day(date(2010, 11, 7), midnight, tomorrow),
    )
    assert days_between(zone, again, tomorrow) == (Day(date(2010, 11, 7), again, tomorrow),)
