"""The contact: where a person stands on the way from attraction to after-sales."""

from enum import StrEnum


class LifecycleStage(StrEnum):
    """The stages of a contact's life cycle, in their order."""

    ATTRACTION = "ATTRACTION"
    CONVERSION = "CONVERSION"
    SALE = "SALE"
    SERVICE = "SERVICE"
    AFTER_SALES = "AFTER_SALES"
