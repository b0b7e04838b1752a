"""Custom fields: what a workspace keeps of its contacts beside the columns that all have."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from trenza.domain.access import Privacy
from trenza.domain.errors import InvalidInput
from trenza.domain.text import clean

CUSTOM_FIELDS_MAX = 100
OPTIONS_MAX = 100
OPTION_LONGEST = 100
STRING_LONGEST = 1000
DIGITS_MAX = 15
"""What a double holds exactly, whatever it is: the same number on every database."""

TAGS_MAX = 50
TAG_LONGEST = 60

_KEY = re.compile("[a-z][a-z0-9_]{0,39}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1900, 2199

Value = str | float | bool
"""A value as JSON has it; whole numbers are `int`."""


class FieldType(StrEnum):
    """What the values of a custom field are."""

    STRING = "STRING"
    NUMBER = "NUMBER"
    DATE = "DATE"
    BOOLEAN = "BOOLEAN"
    ENUM = "ENUM"


@dataclass(frozen=True, slots=True)
class CustomField:
    """What a workspace has said of one of its fields; an archived one is no longer shown."""

    id: str
    key: str
    name: str
    type: FieldType
    privacy: Privacy
    options: tuple[str, ...] = ()
    created_at: datetime | None = None
    archived_at: datetime | None = None

    def read(self, given: Value, path: tuple[str, ...]) -> Value:
        """A value as it is kept; raises InvalidInput with the path for one of no use.

        >>> size = CustomField("", "size", "Size", FieldType.NUMBER, Privacy.NORMAL)
        >>> size.read(42.0, ("value",))
        42
        """
        match self.type:
            case FieldType.BOOLEAN if isinstance(given, bool):
                return given
            case FieldType.NUMBER if not isinstance(given, bool | str):
                return read_number(given, path)
            case FieldType.STRING if isinstance(given, str):
                return clean(given, path, STRING_LONGEST)
            case FieldType.DATE if isinstance(given, str):
                return _date(given, path)
            case FieldType.ENUM if isinstance(given, str):
                return self._option(given, path)
        raise InvalidInput(f"{self.key} takes {_TAKES[self.type]}", path=path)

    def _option(self, given: str, path: tuple[str, ...]) -> str:
        if given not in self.options:
            raise InvalidInput(f"{self.key} has no such option", path=path)
        return given


_TAKES: Mapping[FieldType, str] = {
    FieldType.STRING: "a text",
    FieldType.NUMBER: "a number",
    FieldType.DATE: "a date such as 2026-11-22",
    FieldType.BOOLEAN: "true or false",
    FieldType.ENUM: "one of its options",
}


def is_key(text: str) -> bool:
    """Whether a text can be the key of a custom field.

    >>> is_key("shoe_size"), is_key("Shoe size")
    (True, False)
    """
    return _KEY.fullmatch(text) is not None


def read_key(text: str, path: tuple[str, ...]) -> str:
    """The key; raises InvalidInput for a text that cannot be one."""
    if not is_key(text):
        raise InvalidInput(
            "a key begins with a letter and has up to 40 of a-z, 0-9 and _", path=path
        )
    return text


def read_number(given: float, path: tuple[str, ...]) -> float:
    """A number of at most 15 digits before the point, after it and in all; a whole one is an int.

    >>> read_number(2.50, ("value",)), read_number(7.0, ("value",))
    (2.5, 7)
    """
    wrong = InvalidInput(f"a number has at most {DIGITS_MAX} digits", path=path)
    if isinstance(given, int) and abs(given) >= 10**DIGITS_MAX:
        raise wrong
    if not math.isfinite(given) or abs(given) >= 10**DIGITS_MAX:
        raise wrong
    if given == int(given):
        return int(given)
    _, digits, exponent = Decimal(repr(given)).as_tuple()
    if len(digits) > DIGITS_MAX or not isinstance(exponent, int) or -exponent > DIGITS_MAX:
        raise wrong
    return given


def _date(given: str, path: tuple[str, ...]) -> str:
    wrong = InvalidInput("a date is year, month and day, such as 2026-11-22", path=path)
    if not _DATE.fullmatch(given):
        raise wrong
    try:
        year = date.fromisoformat(given).year
    except ValueError:
        raise wrong from None
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise InvalidInput("a date lies in the years 1900 to 2199", path=path)
    return given


def read_options(
    type_: FieldType, given: Sequence[str] | None, path: tuple[str, ...]
) -> tuple[str, ...]:
    """The options of a field: an ENUM has 1 to 100 different ones, the other types have none."""
    if type_ is not FieldType.ENUM:
        if given:
            raise InvalidInput(f"options are for ENUM; this is {type_}", path=path)
        return ()
    if not given or len(given) > OPTIONS_MAX:
        raise InvalidInput(f"an ENUM has 1 to {OPTIONS_MAX} options", path=path)
    options = tuple(
        clean(each, (*path, str(index)), OPTION_LONGEST) for index, each in enumerate(given)
    )
    if len(set(options)) < len(options):
        raise InvalidInput("the same option stands twice", path=path)
    return options


def read_tags(given: Sequence[str], path: tuple[str, ...]) -> list[str]:
    """Tags as they are kept: each once, in the order given, told apart by every letter's case.

    >>> read_tags([" VIP ", "vip", "VIP"], ("tags",))
    ['VIP', 'vip']
    """
    if len(given) > TAGS_MAX:
        raise InvalidInput(f"at most {TAGS_MAX} tags", path=path)
    cleaned = (clean(each, (*path, str(n)), TAG_LONGEST) for n, each in enumerate(given))
    return list(dict.fromkeys(cleaned))
