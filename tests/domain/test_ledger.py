"""When rows of the ledger count, and when they are recorded."""

from datetime import timedelta

from tests.domain.books import HOUR, START, TICK
from trenza.domain.metering.ledger import counts_at, next_recorded_at

LEARNED = START + 72 * HOUR


def test_a_row_counts_when_it_took_effect_while_that_cycle_is_not_closed() -> None:
    assert counts_at(START, LEARNED, None) == START
    assert counts_at(START, LEARNED, START) == START


def test_a_row_of_a_closed_cycle_counts_when_it_was_learned() -> None:
    assert counts_at(START - TICK, LEARNED, START) == LEARNED


def test_recording_is_strictly_increasing_whatever_the_clock_says() -> None:
    assert next_recorded_at(START, None) == START
    assert next_recorded_at(START, START - TICK) == START
    assert next_recorded_at(START, START) == START + TICK
    assert next_recorded_at(START - timedelta(days=1), START) == START + TICK
