"""Cursors and windows of connections, without a database."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trenza.domain.errors import InvalidInput
from trenza.readplan.connection import Window, read_cursor, window, write_cursor
from trenza.readplan.fields import Order
from trenza.storage.contact import CONTACT
from trenza.storage.ticket import TICKET

BY_TIME = Order((CONTACT.c.created_at, CONTACT.c.id), descending=True)
BY_NUMBER = Order((TICKET.c.number,))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
instants = st.timedeltas(timedelta(0), timedelta(days=84_000)).map(lambda since: EPOCH + since)
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))


@given(instants, texts)
def test_a_cursor_gives_back_what_it_was_made_of(at: datetime, id: str) -> None:
    cursor = write_cursor(BY_TIME, {"created_at": at, "id": id, "other": 1})

    assert read_cursor(BY_TIME, cursor, "after") == (at, id)
    assert cursor.isascii()
    assert not set(cursor) & set("+/=\n ")


@given(st.integers(-(2**31) + 1, 2**31 - 1))
def test_a_number_is_a_cursor_too(number: int) -> None:
    assert read_cursor(BY_NUMBER, write_cursor(BY_NUMBER, {"number": number}), "after") == (number,)


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda b: b.decode("latin-1")))
def test_any_other_text_is_refused_or_read(text: str) -> None:
    for order in (BY_TIME, BY_NUMBER):
        with suppress(InvalidInput):
            values = read_cursor(order, text, "before")
            assert values is not None
            assert len(values) == len(order.columns)


WRONG: list[dict[str, Any]] = [
    {"created_at": "2026-11-20T12:00:00Z", "id": 7},
    {"created_at": "yesterday", "id": "a"},
    {"created_at": 7, "id": "a"},
    {"created_at": None, "id": "a"},
    {"created_at": "2026-11-20T12:00:00Z", "id": "a\x00"},
]


@pytest.mark.parametrize("row", WRONG)
def test_a_cursor_of_other_values_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        read_cursor(BY_TIME, write_cursor(BY_TIME, row), "after")


@pytest.mark.parametrize("number", [2**31, -(2**31), 2**63, 1.5, True, "7", [7]])
def test_a_cursor_of_no_number_is_refused(number: Any) -> None:
    with pytest.raises(InvalidInput):
        read_cursor(BY_NUMBER, write_cursor(BY_NUMBER, {"number": number}), "after")


def test_a_cursor_of_another_list_is_refused() -> None:
    cursor = write_cursor(BY_NUMBER, {"number": 7})
    with pytest.raises(InvalidInput):
        read_cursor(BY_TIME, cursor, "after")


@pytest.mark.parametrize(
    ("first", "last", "size", "backward"),
    [(None, None, 20, False), (1, None, 1, False), (100, None, 100, False), (None, 7, 7, True)],
)
def test_a_window_has_20_rows_unless_it_says_otherwise(
    first: int | None, last: int | None, size: int, backward: bool
) -> None:
    assert window(BY_NUMBER, first, None, last, None) == Window(size, backward, None, None)


@pytest.mark.parametrize(
    ("first", "last", "path"),
    [
        (0, None, "first"),
        (101, None, "first"),
        (-1, None, "first"),
        (None, 0, "last"),
        (None, 101, "last"),
        (1, 1, "last"),
    ],
)
def test_a_window_outside_1_to_100_or_with_two_ends_is_refused(
    first: int | None, last: int | None, path: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        window(BY_NUMBER, first, None, last, None)
    assert refusal.value.path == (path,)


def test_both_cursors_bound_a_window() -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    after = write_cursor(BY_TIME, {"created_at": now, "id": "b"})
    before = write_cursor(BY_TIME, {"created_at": now - timedelta(days=1), "id": "a"})

    found = window(BY_TIME, 5, after, None, before)

    assert found == Window(5, False, (now, "b"), (now - timedelta(days=1), "a"))
