"""Brings an address to the one form under which it is stored, compared and unique.

Identities are matched by this form alone, so two spellings of one address must become equal, and
it must be stable: what is already in the form stays as it is.
"""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from trenza.domain.channel import CHANNELS, AddressSpace, ChannelKind
from trenza.domain.errors import InvalidInput

# In any script 4 bytes a character: together with a workspace's id it fits a PostgreSQL index row.
LENGTH_MAX = 512

REMEMBERED_MAX = 65_536
"""How many addresses are remembered: the same few write again and again."""

_PHONE_ORNAMENT = re.compile(
    r"[\s().\-/\u2010-\u2015\u2212\u200b-\u200f\u202a-\u202e\u2066-\u2069]"
)
_INTERNATIONAL = re.compile(r"(?:\+|00)([0-9]+)")
_OLD_MEXICAN_MOBILE = re.compile(r"\+521([0-9]{10})\Z")
# Mobiles began with 6 to 9 when they had eight digits. 70 and 77 to 79 were radio numbers that
# never gained the ninth.
_OLD_BRAZILIAN_MOBILE = re.compile(r"\+55([1-9]{2})([689][0-9]{7}|7[1-6][0-9]{6})\Z")


class Address(NamedTuple):
    """A normalised address and the space in which it is unique."""

    space: AddressSpace
    value: str


@lru_cache(maxsize=REMEMBERED_MAX)
def normalise_address(channel: ChannelKind, address: str) -> Address:
    """Normalise an address that was given for a channel.

    - Phones (WhatsApp, SMS, RCS) become E.164. The international form is required, with `+` or
      `00`; spaces, dashes, dots, slashes and brackets are tolerated. A number has to be possible
      (its country exists, its length is right there), not assigned: numbering plans change faster
      than the library, and a fictional number is a fine example. Old Mexican mobiles `+521…`
      become `+52…`; Brazilian mobiles of eight digits gain the ninth.
    - E-mail addresses become lower-case, in Unicode; whether they can be delivered is not asked,
      and the reserved domains `example` and `test` are as good as any.
    - The rest is the provider's own id and stays as it is, case included: trimmed, 1 to 512
      visible characters, no white space inside.

    Raises `InvalidInput` with the path `("address",)`.

    >>> normalise_address(ChannelKind.WHATSAPP, "+52 1 (55) 5012-3456").value
    '+525550123456'
    >>> normalise_address(ChannelKind.SMS, "0055 11 8765-4321").value
    '+5511987654321'
    >>> normalise_address(ChannelKind.EMAIL, " Ana.Souza@Example.COM ").value
    'ana.souza@example.com'
    """
    space = CHANNELS[channel].address_space
    trimmed = address.strip()
    if not trimmed:
        raise _invalid("The address is empty.")
    if len(trimmed) > LENGTH_MAX:
        raise _invalid(f"The address is longer than {LENGTH_MAX} characters.")
    if space is AddressSpace.PHONE:
        return Address(space, _phone(trimmed))
    if space is AddressSpace.EMAIL:
        return Address(space, _email(trimmed))
    return Address(space, _opaque(trimmed))


def _invalid(message: str) -> InvalidInput:
    return InvalidInput(message, path=("address",))


def _phone(text: str) -> str:
    bare = _PHONE_ORNAMENT.sub("", unicodedata.normalize("NFKC", text))
    international = _INTERNATIONAL.fullmatch(bare)
    if international is None:
        raise _invalid(
            "A phone number is written in its international form, like +52 55 5012 3456."
        )
    number = _OLD_MEXICAN_MOBILE.sub(r"+52\1", f"+{international[1]}")
    return _OLD_BRAZILIAN_MOBILE.sub(r"+55\g<1>9\2", _possible_number(number))


def _possible_number(number: str) -> str:
    """The number in E.164; raises InvalidInput where there is none like it."""
    formatted = _formatted(number)
    # What the library takes for a prefix of calls within a country may stand there twice.
    while formatted != number:
        number, formatted = formatted, _formatted(formatted)
    return number


def _formatted(number: str) -> str:
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        possible = False
    else:
        reason = phonenumbers.is_possible_number_with_reason(parsed)
        possible = reason == phonenumbers.ValidationResult.IS_POSSIBLE
    if not possible:
        raise _invalid("The phone number is not possible: its country or its length is wrong.")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _email(text: str) -> str:
    try:
        # The library's "test environment" is what accepts the reserved domain `test`.
        checked = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise _invalid("The e-mail address is malformed.") from error
    return unicodedata.normalize("NFC", checked.normalized.lower())


def _opaque(text: str) -> str:
    if " " in text or not text.isprintable():
        raise _invalid("The address holds white space or a character that cannot be seen.")
    return text
