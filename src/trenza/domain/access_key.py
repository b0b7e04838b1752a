"""The text of an API key: `trz_<environment>_<id>_<secret><checksum>`.

The prefix lets scanners of code find a key that leaked, the checksum refuses a mistyped one
without asking anybody, the id finds its row, and the secret proves it.
"""

import hashlib
import re
import string
import zlib
from dataclasses import dataclass, field

from trenza.domain.ids import Prefix, has_prefix

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
SECRET_LENGTH = 32

_CHECKSUM_LENGTH = 6
_FORM = re.compile(
    rf"trz_(?P<environment>[a-z][a-z0-9]{{0,15}})_(?P<digits>[0-9a-z]{{26}})"
    rf"_(?P<secret>[0-9A-Za-z]{{{SECRET_LENGTH}}})(?P<checksum>[0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})"
)


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key taken apart; `environment` says to its owner where it is good, such as `live`."""

    environment: str
    key_id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """The key as its owner keeps it."""
        digits = self.key_id.removeprefix(f"{Prefix.KEY}_")
        unchecked = f"trz_{self.environment}_{digits}_{self.secret}"
        return unchecked + _checksum(unchecked)

    @property
    def secret_hash(self) -> str:
        """What is stored of the secret, which is too random to need a slow hash."""
        return hashlib.sha256(self.secret.encode()).hexdigest()


def make_key(environment: str, key_id: str, secret: str) -> AccessKey:
    """A new key; raises ValueError where its parts would not be read back the same.

    >>> make_key("demo", "key_00000000000000000000000011", "s" * 32).text
    'trz_demo_00000000000000000000000011_ssssssssssssssssssssssssssssssss4Q5JQU'
    """
    key = AccessKey(environment, key_id, secret)
    if read_key(key.text) != key:
        raise ValueError("not the parts of a key")
    return key


def read_key(text: str) -> AccessKey:
    """A key from its text; raises ValueError for what no key looks like or a mistyped one.

    >>> read_key("trz_demo_00000000000000000000000011_" + "s" * 32 + "4Q5JQU").key_id
    'key_00000000000000000000000011'
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError("not an API key")
    key_id = f"{Prefix.KEY}_{found['digits']}"
    intact = _checksum(text[:-_CHECKSUM_LENGTH]) == found["checksum"]
    if not intact or not has_prefix(key_id, Prefix.KEY):
        raise ValueError("a mistyped API key")
    return AccessKey(found["environment"], key_id, found["secret"])


def _checksum(text: str) -> str:
    number = zlib.crc32(text.encode())
    digits = ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
