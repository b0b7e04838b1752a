"""Ids: a readable prefix and 128 bits in lower-case Crockford base32, `contact_01k...`.

They are the primary keys and the global ids of the graph, so that an id says what it names. The
bits come from outside (UUIDv7 where a row is made; derived where a thing follows from another).
"""

import re
from enum import StrEnum

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS = range(120, -1, -10)
_BITS = 128
_DIGITS = "([0-7][0-9a-hjkmnp-tv-z]{25})"
_FORM = re.compile(f"([a-z]+)_{_DIGITS}")
_AS_PYTHON_READS = str.maketrans(_ALPHABET, "0123456789abcdefghijklmnopqrstuv")


class Prefix(StrEnum):
    """The closed table of prefixes, one per noun."""

    WORKSPACE = "ws"
    CONTRACT = "contract"
    PLAN = "plan"
    CYCLE = "cycle"
    CONTACT = "contact"
    IDENTITY = "identity"
    CUSTOM_FIELD = "field"
    STAGE = "stage"
    INTERACTION = "int"
    SESSION = "ses"
    DEBIT = "debit"
    GRANT = "grant"
    QUOTA = "quota"
    REFUND = "refund"
    STATEMENT = "statement"
    ALERT = "alert"
    QUARANTINE = "quarantine"
    MERGE = "merge"
    CAMPAIGN = "campaign"
    CAMPAIGN_TOUCH = "touch"
    JOURNEY = "journey"
    JOURNEY_ENROLLMENT = "enrollment"
    TICKET = "ticket"
    USER = "user"
    GROUP = "group"
    SEAT_EVENT = "seat"
    SIGN_IN = "signin"
    KEY = "key"
    ACTIVITY = "activity"
    CONSENT = "consent"
    DO_NOT_CONTACT = "block"
    FREQUENCY_CAP = "cap"
    LIST = "list"
    SEGMENT = "segment"
    ERASURE = "erasure"


_PREFIXES = {str(prefix): prefix for prefix in Prefix}
_FORM_OF = {prefix: re.compile(f"{prefix}_{_DIGITS}") for prefix in Prefix}


def format_id(prefix: Prefix, uuid_int: int) -> str:
    """Write 128 bits under a prefix; raises ValueError where they do not fit.

    >>> format_id(Prefix.CONTACT, 33)
    'contact_00000000000000000000000011'
    """
    if not 0 <= uuid_int < 1 << _BITS:
        raise ValueError("an id holds 128 bits")
    return f"{prefix}_{''.join([_PAIRS[uuid_int >> shift & 1023] for shift in _SHIFTS])}"


def parse_id(text: str) -> tuple[Prefix, int]:
    """Read an id back; raises ValueError unless it is exactly what `format_id` writes.

    >>> parse_id("contact_00000000000000000000000011")
    (<Prefix.CONTACT: 'contact'>, 33)
    """
    prefix, digits = _parts(text)
    return prefix, int(digits.translate(_AS_PYTHON_READS), 32)


def prefix_of(text: str) -> Prefix:
    """Say whose id it is; raises ValueError unless it is exactly what `format_id` writes.

    >>> prefix_of("contact_00000000000000000000000011")
    <Prefix.CONTACT: 'contact'>
    """
    return _parts(text)[0]


def _parts(text: str) -> tuple[Prefix, str]:
    found = _FORM.fullmatch(text)
    prefix = _PREFIXES.get(found[1]) if found else None
    if found is None or prefix is None:
        raise ValueError("not an id")
    return prefix, found[2]


def has_prefix(text: str, prefix: Prefix) -> bool:
    """Say whether the text is a well-formed id of that noun.

    >>> has_prefix("contact_00000000000000000000000011", Prefix.TICKET)
    False
    """
    return _FORM_OF[prefix].fullmatch(text) is not None


def session_id_of(interaction_id: str) -> str:
    """The id of the session that an interaction opened: the same bits, another prefix.

    Raises ValueError unless it is the id of an interaction.

    >>> session_id_of("int_00000000000000000000000011")
    'ses_00000000000000000000000011'
    """
    return _renamed(interaction_id, Prefix.INTERACTION, Prefix.SESSION)


def opening_interaction_id_of(session_id: str) -> str:
    """The id of the interaction that opened a session: `session_id_of` the other way round.

    >>> opening_interaction_id_of("ses_00000000000000000000000011")
    'int_00000000000000000000000011'
    """
    return _renamed(session_id, Prefix.SESSION, Prefix.INTERACTION)


def _renamed(text: str, old: Prefix, new: Prefix) -> str:
    found = _FORM_OF[old].fullmatch(text)
    if found is None:
        raise ValueError(f"not an id of '{old}'")
    return f"{new}_{found[1]}"
