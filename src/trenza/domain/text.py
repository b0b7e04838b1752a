"""What a text from outside must be before it is stored."""

import re
import unicodedata

from trenza.domain.errors import InvalidInput

# Control characters and lone surrogates: no database stores them all, no page shows them.
_UNSTORABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_UNSTORABLE_IN_LINES = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(value: str, path: tuple[str, ...], longest: int, *, multiline: bool = False) -> str:
    r"""The text without white space around it; it has 1 to `longest` characters, all storable.

    `multiline` lets line breaks and tabs pass. Raises InvalidInput with the path for a text that
    is blank, too long as it was given, or holds a control character or half a surrogate pair.

    >>> clean("  Black Friday ", ("name",), 200)
    'Black Friday'
    """
    if len(value) > longest:
        raise InvalidInput(f"{path[-1]} has more than {longest} characters", path=path)
    found = (_UNSTORABLE_IN_LINES if multiline else _UNSTORABLE).search(value)
    if found is not None:
        raise InvalidInput(
            f"{path[-1]} holds the control character U+{ord(found[0]):04X}", path=path
        )
    stripped = value.strip()
    if not stripped:
        raise InvalidInput(f"{path[-1]} is blank", path=path)
    return stripped


def searchable(text: str) -> str:
    """The text as a search sees it: without case and without accents.

    >>> searchable("Ángela NÚÑEZ")
    'angela nunez'
    """
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in parts if not unicodedata.combining(each))
