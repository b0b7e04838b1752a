"""Seats at an instant and the peak of a period, against a recount instant by instant."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.books import HOUR, START, TICK
from trenza.domain.errors import InvalidInput
from trenza.domain.metering.seat import (
    SeatEvent,
    SeatEventKind,
    SeatStatus,
    SeatUse,
    SignIn,
    peak_signed_in,
    seat_use,
    status_of,
)

DAY = 24 * HOUR
INVITED, ACCEPTED, DEACTIVATED, REACTIVATED = SeatEventKind


def active(user: str, at: datetime = START) -> SeatEvent:
    return SeatEvent(user, ACCEPTED, at)


def signed_in(user: str, start: float, end: float) -> SignIn:
    return SignIn(user, START + start * HOUR, START + start * HOUR, START + end * HOUR)


def test_a_seat_goes_from_invitation_to_deactivation_and_back() -> None:
    events = [
        SeatEvent("u", INVITED, START),
        SeatEvent("u", ACCEPTED, START + DAY),
        SeatEvent("u", DEACTIVATED, START + 2 * DAY),
        SeatEvent("u", REACTIVATED, START + 3 * DAY),
    ]

    assert status_of(events, START - TICK) is None
    assert [status_of(events, START + n * DAY) for n in range(4)] == [
        SeatStatus.INVITED,
        SeatStatus.ACTIVE,
        SeatStatus.DEACTIVATED,
        SeatStatus.ACTIVE,
    ]
    assert status_of(events, START + 2 * DAY - TICK) is SeatStatus.ACTIVE


def test_an_invitation_expires_after_seven_days_and_can_be_sent_again() -> None:
    events = [SeatEvent("u", INVITED, START)]

    assert status_of(events, START + 7 * DAY - TICK) is SeatStatus.INVITED
    assert status_of(events, START + 7 * DAY) is SeatStatus.EXPIRED
    events.append(SeatEvent("u", INVITED, START + 8 * DAY))
    assert status_of(events, START + 9 * DAY) is SeatStatus.INVITED


def test_of_events_of_one_instant_the_last_given_decides() -> None:
    events = [active("u"), SeatEvent("u", DEACTIVATED, START)]

    assert status_of(events, START) is SeatStatus.DEACTIVATED
    assert status_of(events[::-1], START) is SeatStatus.ACTIVE


def test_the_figures_of_a_workspace() -> None:
    events = [
        active("ana"),
        active("beto"),
        active("caro"),
        SeatEvent("dora", INVITED, START),
        SeatEvent("enzo", INVITED, START - 7 * DAY),
        active("fabi"),
        SeatEvent("fabi", DEACTIVATED, START + HOUR),
    ]
    sign_ins = [signed_in("ana", 0, 3), signed_in("ana", 1, 4), signed_in("fabi", 0, 9)]

    assert seat_use(events, sign_ins, 2, START + 2 * HOUR) == SeatUse(
        at=START + 2 * HOUR, included=2, used=3, invited=1, over=1, signed_in=1
    )
    assert seat_use(events, sign_ins, 10, START + HOUR / 2).over == 0
    assert seat_use(events, sign_ins, 10, START + HOUR / 2).signed_in == 2


def test_one_who_never_signs_out_is_signed_in_until_twelve_hours_after_the_last_activity() -> None:
    sign_in = SignIn("u", START, START + HOUR, None)

    assert seat_use([active("u")], [sign_in], 1, START + 13 * HOUR - TICK).signed_in == 1
    assert seat_use([active("u")], [sign_in], 1, START + 13 * HOUR).signed_in == 0


def test_the_peak_counts_a_user_once_and_half_open() -> None:
    events = [active(user) for user in "abc"]
    sign_ins = [
        signed_in("a", 0, 2),
        signed_in("a", 1, 3),
        signed_in("b", 3, 4),
        signed_in("c", 2.5, 3),
    ]

    assert peak_signed_in(events, sign_ins, START, START + DAY) == 2
    assert peak_signed_in(events, sign_ins, START, START + 2.5 * HOUR) == 1
    assert peak_signed_in(events, sign_ins, START + 4 * HOUR, START + DAY) == 0


@pytest.mark.parametrize("to", [START, START - TICK])
def test_a_peak_needs_a_period(to: datetime) -> None:
    with pytest.raises(InvalidInput) as refused:
        peak_signed_in([], [], START, to)
    assert refused.value.path == ("to",)


hours = st.integers(0, 30).map(lambda n: START + n * HOUR)
events_of_users = st.lists(
    st.builds(SeatEvent, st.sampled_from("abc"), st.sampled_from(SeatEventKind), hours), max_size=12
)
sign_ins_of_users = st.lists(
    st.tuples(st.sampled_from("abcd"), hours, st.integers(0, 9), st.booleans()).map(
        lambda drawn: SignIn(
            drawn[0],
            drawn[1],
            drawn[1] + drawn[2] * HOUR,
            None if drawn[3] else drawn[1] + drawn[2] * HOUR,
        )
    ),
    max_size=12,
)


@given(events_of_users, sign_ins_of_users, st.integers(0, 40), st.integers(1, 40))
@settings(max_examples=200)
def test_the_peak_is_the_most_of_a_recount_at_every_instant(
    events: list[SeatEvent], sign_ins: list[SignIn], from_: int, lasts: int
) -> None:
    counts = [
        seat_use(events, sign_ins, 0, START + n * HOUR).signed_in
        for n in range(from_, from_ + lasts)
    ]

    found = peak_signed_in(events, sign_ins, START + from_ * HOUR, START + (from_ + lasts) * HOUR)

    assert found == max(counts)
