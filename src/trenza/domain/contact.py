"""The contact: where a person stands on the way from attraction to after-sales."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from trenza.domain.access import Privacy

PRIVACY: Mapping[str, Privacy] = MappingProxyType({"birth_on": Privacy.PERSONAL})
"""The classes of the columns of a contact that are not NORMAL."""


def privacy_of(column: str) -> Privacy:
    """The class of a column of a contact.

    >>> privacy_of("birth_on"), privacy_of("city")
    (<Privacy.PERSONAL: 'PERSONAL'>, <Privacy.NORMAL: 'NORMAL'>)
    """
    return PRIVACY.get(column, Privacy.NORMAL)


class LifecycleStage(StrEnum):
    """The stages of a contact's life cycle, in their order."""

    ATTRACTION = "ATTRACTION"
    CONVERSION = "CONVERSION"
    SALE = "SALE"
    SERVICE = "SERVICE"
    AFTER_SALES = "AFTER_SALES"
