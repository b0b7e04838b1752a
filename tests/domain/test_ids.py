"""Ids: what is written can be read, and nothing else can."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trenza.domain.ids import (
    Prefix,
    format_id,
    has_prefix,
    opening_interaction_id_of,
    parse_id,
    session_id_of,
)

bits = st.integers(0, 2**128 - 1)


@given(st.sampled_from(Prefix), bits)
def test_an_id_reads_back_as_it_was_written(prefix: Prefix, value: int) -> None:
    text = format_id(prefix, value)

    assert parse_id(text) == (prefix, value)
    assert has_prefix(text, prefix)
    assert not any(has_prefix(text, other) for other in Prefix if other is not prefix)


@given(bits, bits)
def test_ids_sort_as_their_bits(one: int, other: int) -> None:
    texts = format_id(Prefix.CONTACT, one), format_id(Prefix.CONTACT, other)

    assert (texts[0] < texts[1]) is (one < other)


def test_the_largest_id_is_written_as_type_ids_are() -> None:
    assert format_id(Prefix.KEY, 2**128 - 1) == "key_7zzzzzzzzzzzzzzzzzzzzzzzzz"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "contact",
        "contact_",
        "00000000000000000000000011",
        "_00000000000000000000000011",
        "nobody_00000000000000000000000011",
        "contact_0000000000000000000000001",
        "contact_000000000000000000000000011",
        "contact_0000000000000000000000001A",
        "contact_0000000000000000000000001i",
        "contact_0000000000000000000000001\u0661",
        "contact_80000000000000000000000000",
        " contact_00000000000000000000000011",
        "contact_00000000000000000000000011\n",
        "CONTACT_00000000000000000000000011",
    ],
)
def test_anything_else_is_no_id(text: str) -> None:
    with pytest.raises(ValueError, match="not an id"):
        parse_id(text)
    assert not any(has_prefix(text, prefix) for prefix in Prefix)


@pytest.mark.parametrize("value", [-1, 2**128])
def test_an_id_holds_128_bits(value: int) -> None:
    with pytest.raises(ValueError, match="128 bits"):
        format_id(Prefix.CONTACT, value)


def test_a_session_is_named_after_the_interaction_that_opened_it() -> None:
    interaction = format_id(Prefix.INTERACTION, 99)

    assert session_id_of(interaction) == format_id(Prefix.SESSION, 99)
    assert opening_interaction_id_of(session_id_of(interaction)) == interaction
    with pytest.raises(ValueError, match="not an id of 'int'"):
        session_id_of(format_id(Prefix.CONTACT, 99))
