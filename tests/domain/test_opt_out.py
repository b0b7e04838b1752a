"""Which messages are opt-out words, and which only hold one."""

import pytest

from trenza.domain.interaction import Language
from trenza.domain.opt_out import DEFAULT_WORDS, words_of


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        " stop. ",
        "¡BAJA!",
        "baja",
        "*Sair*",
        "Parar…",
        "CANCELAR",
        "remover",
        "Unsubscribe\n",
        "opt-out",
        "dar  de baja",
        "\u201cSALIR\u201d",
        "STOP \N{PERSON WITH FOLDED HANDS}",
    ],
)
def test_a_whole_message_that_is_a_word_opts_out(text: str) -> None:
    assert DEFAULT_WORDS.includes(text)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        " ",
        "...",
        "no quiero la BAJA todavía",
        "baja el precio",
        "Sair amanhã?",
        "don't stop",
        "stops",
        "bajas",
        "STOP" + " " * 40,
        "b a j a",
    ],
)
def test_free_text_does_not_even_where_it_holds_a_word(text: str | None) -> None:
    assert not DEFAULT_WORDS.includes(text)


def test_accents_and_case_of_the_words_themselves_do_not_matter() -> None:
    words = words_of({Language.PT: ["Não quero", "É FIM"], Language.EN: []})

    assert words.includes("nao QUERO!")
    assert words.includes("e fim")
    assert not words.includes("STOP")
    assert words.by_language == {Language.PT: ("Não quero", "É FIM"), Language.EN: ()}


def test_without_words_nobody_opts_out() -> None:
    words = words_of({})

    assert not words.includes("")
    assert not words.includes("STOP")
