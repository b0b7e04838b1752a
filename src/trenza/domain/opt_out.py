"""The words by which people opt out, per language: a whole message that is one of them."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from trenza.domain.interaction import Language
from trenza.domain.text import searchable

ORNAMENT_MAX = 8
"""How many characters of punctuation and white space a message may have around the word."""


def opt_out_form(text: str) -> str:
    """A text as it is compared: without case, accents and punctuation, with single spaces.

    >>> opt_out_form(" ¡Dése de BAJA!! ")
    'dese de baja'
    """
    kept = (c if unicodedata.category(c)[0] in "LN" else " " for c in searchable(text))
    return " ".join("".join(kept).split())


@dataclass(frozen=True, slots=True)
class OptOutWords:
    """The words of a workspace, and how they are recognised."""

    by_language: Mapping[Language, Sequence[str]]
    forms: frozenset[str]
    length_max: int

    def includes(self, text: str | None) -> bool:
        """Whether a whole text is one of the words; nearly every other one is told by its length.

        >>> DEFAULT_WORDS.includes("Baja."), DEFAULT_WORDS.includes("la caja llegó de baja")
        (True, False)
        """
        return (
            text is not None and len(text) <= self.length_max and opt_out_form(text) in self.forms
        )


def words_of(by_language: Mapping[Language, Sequence[str]]) -> OptOutWords:
    """The words of the languages, ready to be recognised."""
    return _words_of(tuple((each, tuple(words)) for each, words in by_language.items()))


@lru_cache(maxsize=1024)
def _words_of(listed: tuple[tuple[Language, tuple[str, ...]], ...]) -> OptOutWords:
    words = [word for _, words in listed for word in words]
    forms = frozenset(form for word in words if (form := opt_out_form(word)))
    longest = max(map(len, words), default=-ORNAMENT_MAX - 1)
    return OptOutWords(MappingProxyType(dict(listed)), forms, longest + ORNAMENT_MAX)


DEFAULT_WORDS = words_of(
    {
        Language.ES: (
            "BAJA",
            "DAR DE BAJA",
            "DARME DE BAJA",
            "SALIR",
            "PARAR",
            "ALTO",
            "CANCELAR",
            "ELIMINAR",
            "DESUSCRIBIR",
            "DESUSCRIBIRME",
        ),
        Language.PT: (
            "SAIR",
            "PARAR",
            "PARE",
            "CANCELAR",
            "REMOVER",
            "DESCADASTRAR",
            "DESINSCREVER",
        ),
        Language.EN: (
            "STOP",
            "STOPALL",
            "UNSUBSCRIBE",
            "OPT OUT",
            "OPTOUT",
            "REMOVE",
            "CANCEL",
            "END",
            "QUIT",
        ),
    }
)
"""The words of a workspace that has not chosen its own."""
