"""Instants as text sort as instants."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trenza.domain.instant import INSTANT_LENGTH, instant_text

instants = st.datetimes(
    timezones=st.sampled_from((UTC, timezone(timedelta(hours=5, minutes=45)))),
    min_value=datetime(2, 1, 1),  # noqa: DTZ001
    max_value=datetime(9998, 1, 1),  # noqa: DTZ001
)


@given(instants, instants)
def test_texts_compare_as_the_instants_do(one: datetime, other: datetime) -> None:
    assert (instant_text(one) < instant_text(other)) is (one < other)
    assert len(instant_text(one)) == INSTANT_LENGTH


@given(instants)
def test_a_text_reads_back_as_the_instant(at: datetime) -> None:
    assert datetime.fromisoformat(instant_text(at)) == at


def test_a_time_without_an_offset_is_no_instant() -> None:
    with pytest.raises(ValueError, match="offset"):
        instant_text(datetime(2026, 11, 22))  # noqa: DTZ001
