"""What makes two answers the same data: their shape and the spelling of instants apart."""

import difflib
import re
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import orjson

SHOWN = 80
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")


class DifferentDataError(Exception):
    """Two answers that should be the same data; the text shows where they are not."""


def normalised(value: Any) -> Any:
    """An answer without what differs between good ways of saying it.

    Lists are lists, with or without `nodes` around them; a verdict is part of its interaction;
    instants are in UTC.

    >>> normalised({"interactions": {"nodes": [{"verdict": {"outcome": "FREE"}}]}})
    {'interactions': [{'outcome': 'FREE'}]}
    >>> normalised("2026-11-22 10:00:00.5") == normalised("2026-11-22T11:00:00.500000+01:00")
    True
    """
    if isinstance(value, dict):
        if value.keys() == {"nodes"}:
            return normalised(value["nodes"])
        flat: dict[str, Any] = {}
        for name, each in value.items():
            flat |= normalised(each) if name == "verdict" else {name: normalised(each)}
        return flat
    if isinstance(value, list):
        return [normalised(each) for each in value]
    if isinstance(value, str) and INSTANT.fullmatch(value):
        at = datetime.fromisoformat(value)
        return at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC).isoformat()
    return value


def require_same(question: str, answers: dict[str, Any]) -> None:
    """Raises DifferentDataError unless all answers, by who gave them, are the same data."""
    (first, expected), *others = (
        (name, _lines(normalised(answer))) for name, answer in answers.items()
    )
    for name, found in others:
        if found != expected:
            shown = difflib.unified_diff(expected, found, first, name, lineterm="")
            lines = [f"{question} is not the same data:", *islice(shown, SHOWN)]
            raise DifferentDataError("\n".join(lines))


def _lines(value: Any) -> list[str]:
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
    return orjson.dumps(value, option=options).decode().splitlines()
