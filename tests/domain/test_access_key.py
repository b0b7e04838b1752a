"""The text of API keys: read back as written, refused when a character is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trenza.domain.access_key import ALPHABET, SECRET_LENGTH, AccessKey, make_key, read_key
from trenza.domain.ids import Prefix, format_id

KEYS = st.builds(
    make_key,
    st.from_regex("[a-z][a-z0-9]{0,15}", fullmatch=True),
    st.integers(0, 2**128 - 1).map(lambda value: format_id(Prefix.KEY, value)),
    st.text(ALPHABET, min_size=SECRET_LENGTH, max_size=SECRET_LENGTH),
)


@given(KEYS)
def test_a_key_is_read_back_as_it_was_written(key: AccessKey) -> None:
    assert read_key(key.text) == key


@given(KEYS, st.data())
def test_one_wrong_character_makes_it_no_key(key: AccessKey, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(key.text) - 1))
    other = data.draw(st.sampled_from(sorted(set(ALPHABET + "_-é\x00") - {key.text[place]})))

    with pytest.raises(ValueError, match="API key"):
        read_key(key.text[:place] + other + key.text[place + 1 :])


@pytest.mark.parametrize(
    ("environment", "key_id", "secret"),
    [
        ("Live", format_id(Prefix.KEY, 1), "s" * 32),
        ("", format_id(Prefix.KEY, 1), "s" * 32),
        ("live", format_id(Prefix.USER, 1), "s" * 32),
        ("live", "key_1", "s" * 32),
        ("live", "key_" + "z" * 26, "s" * 32),
        ("live", format_id(Prefix.KEY, 1), "s" * 31),
        ("live", format_id(Prefix.KEY, 1), "s" * 31 + "-"),
    ],
)
def test_parts_that_would_not_be_read_back_make_no_key(
    environment: str, key_id: str, secret: str
) -> None:
    with pytest.raises(ValueError, match="API key"):
        make_key(environment, key_id, secret)
