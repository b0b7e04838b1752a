"""What a text from outside must be before it is stored."""

import pytest

from trenza.domain.errors import InvalidInput
from trenza.domain.text import clean

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]


@pytest.mark.parametrize("text", ["Ñandú", "日本", "👩‍👩‍👧", "a b", "x" * 20])
def test_a_storable_text_passes_as_it_is(text: str) -> None:
    assert clean(text, ("name",), 20) == text


def test_white_space_around_a_text_goes_and_inside_it_stays() -> None:
    assert clean("\u00a0 a  b\u3000", ("name",), 20) == "a  b"


@pytest.mark.parametrize("text", ["", " ", "\u2003", "x" * 21, " " * 21, "\ud83d", "\udc00a"])
def test_a_blank_long_or_broken_text_is_refused_with_its_path(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        clean(text, ("identities", "3", "note"), 20)

    assert refused.value.path == ("identities", "3", "note")
    assert refused.value.message.startswith("note ")


def test_no_control_character_passes_but_line_breaks_and_tabs_where_lines_are_meant() -> None:
    passed = set()
    for control in CONTROLS:
        for multiline in (False, True):
            try:
                clean(f"a{control}b", ("text",), 20, multiline=multiline)
            except InvalidInput:
                continue
            passed.add((control, multiline))

    assert passed == {("\t", True), ("\n", True), ("\r", True)}
