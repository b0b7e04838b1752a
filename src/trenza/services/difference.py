"""A difference between what is stored and what it should be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trenza.domain.instant import instant_text


@dataclass(frozen=True)
class Difference:
    """What is stored under a column or a name of its subject, and what it should be.

    >>> str(Difference("ses_1", "lane", "HUMAN", "BOT"))
    'ses_1: lane should be HUMAN, is BOT'
    """

    subject: str
    what: str
    expected: object
    found: object

    def __str__(self) -> str:
        """One line for people."""
        expected, found = _shown(self.expected), _shown(self.found)
        return f"{self.subject}: {self.what} should be {expected}, is {found}"


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return instant_text(value)
    if value is None:
        return "empty"
    text = str(value)
    return text if text.isprintable() else repr(text)


def differing(
    subject: str, expected: Mapping[str, Any], found: Mapping[str, Any]
) -> Iterator[Difference]:
    """The expected values that are not found, each under its name."""
    for name, value in expected.items():
        if found[name] != value:
            yield Difference(subject, name, value, found[name])
