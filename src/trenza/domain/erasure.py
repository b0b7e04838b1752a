"""What stays of a person who is erased: texts under a secret key, places in order, a certificate.

A skeleton keeps of an interaction when it happened, of what kind it was and in which lane, so that
everything can still be recomputed; its ids and addresses are kept as keyed hashes. They tell what
is reported again and nothing else: without the secret no guess can be checked.
"""

import hashlib
import hmac
import json
import unicodedata
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from trenza.domain.instant import instant_text

SEPARATOR = "\x1f"
"""What ends the head of a position; no part of one holds it."""
_OF_SKELETONS = SEPARATOR * 3
"""What comes after the head of a skeleton's position: less than what does elsewhere."""
ERASED: Mapping[str, Any] = {"erased": True}
"""What stands in the log in the place of what it told of an erased person."""
RETENTION_MONTHS = 24
RETENTION_MONTHS_MAX = 1200
SHORTEST_NUMBER = 7
SHORTEST_TOLD = 3
"""Texts that are shorter name nobody."""


def keyed_hash(secret: str, what: str, text: str) -> str:
    """A text under a secret; `what` keeps equal texts of two kinds apart.

    It begins with a space, as no text does that is given: the two are never taken for each other.

    >>> keyed_hash("secret", "id", "a") == keyed_hash("secret", "address", "a")
    False
    """
    said = f"{what}{SEPARATOR}{text}".encode()
    return f" {hmac.new(secret.encode(), said, hashlib.sha256).hexdigest()}"


def head_of(position: str) -> str:
    r"""The part of a position that stays: the instant, the kind, the lane and the source.

    >>> head_of("2026-11-20T12:00:00.000000Z000api\x1fwamid.1")
    '2026-11-20T12:00:00.000000Z000api'
    """
    return position.partition(SEPARATOR)[0]


def skeleton_position(head: str, rank: int, interaction_id: str) -> str:
    """The position of a skeleton: its rank among those of one head, before all that are none."""
    return f"{head}{_OF_SKELETONS}{rank:08d}{SEPARATOR}{interaction_id}"


def rank_of(position: str) -> int | None:
    r"""The rank in the position of a skeleton; None for any other.

    >>> rank_of("t0\x1f\x1f\x1f00000002\x1fint_1"), rank_of("t0\x1f\x1fhash\x1fint_1")
    (2, None)
    """
    _, begins, tail = position.partition(_OF_SKELETONS)
    return int(tail.partition(SEPARATOR)[0]) if begins else None


def skeleton_positions(known: Iterable[tuple[str, str, bool]]) -> dict[str, str]:
    r"""The new position of each interaction that becomes a skeleton, by its old one.

    `known` are interactions of one person (id, position, whether it becomes one). Whoever comes
    before another still does, as long as those of one head become skeletons from the first on.

    >>> list(skeleton_positions([("int_1", "t0\x1fa", True), ("int_2", "t0\x1fb", True)]).values())
    ['t0\x1f\x1f\x1f00000000\x1fint_1', 't0\x1f\x1f\x1f00000001\x1fint_2']
    """
    ranks: dict[str, int] = {}
    positions: dict[str, str] = {}
    for interaction_id, position, becomes in sorted(known, key=lambda each: each[1]):
        head, rank = head_of(position), rank_of(position)
        if rank is not None:
            ranks[head] = max(ranks.get(head, 0), rank + 1)
        elif becomes:
            free = ranks.get(head, 0)
            positions[position] = skeleton_position(head, free, interaction_id)
            ranks[head] = free + 1
    return positions


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a JSON value; the names of its fields are none.

    >>> list(texts_in({"tags": ["vip"], "size": 3, "city": "Lima"}))
    ['vip', 'Lima']
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts_in(each)
    elif isinstance(value, Sequence):
        for each in value:
            yield from texts_in(each)


def mentions(text: str, told: Iterable[str]) -> bool:
    """Whether a text repeats one of some texts, whatever the case and the spaces.

    Numbers are also found without what stands between their digits.

    >>> mentions("Asked by ANA  PAZ by phone", ["Ana Paz"])
    True
    >>> mentions("of 55 1234-5678", ["+5512345678"])
    True
    """
    plain, digits = _plain(text), _digits(text)
    return any(
        (len(each) >= SHORTEST_TOLD and _plain(each) in plain)
        or (len(_digits(each)) >= SHORTEST_NUMBER and _digits(each) in digits)
        for each in told
    )


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


def months_before(at: datetime, months: int) -> datetime:
    """The same instant of the day some months before, on the last day of a month that is shorter.

    >>> months_before(datetime(2026, 3, 31, 12), 13)
    datetime.datetime(2025, 2, 28, 12, 0)
    """
    year, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    day = min(at.day, monthrange(year, month + 1)[1])
    return at.replace(year=year, month=month + 1, day=day)


def certificate_digest(
    certificate_id: str,
    contact_id: str,
    erased_at: datetime,
    reason: str,
    counts: Mapping[str, int],
) -> str:
    """The SHA-256 of what a certificate says: whoever keeps it can tell whether it was changed."""
    said = {
        "id": certificate_id,
        "contactId": contact_id,
        "erasedAt": instant_text(erased_at),
        "reason": reason,
        "counts": dict(counts),
    }
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
