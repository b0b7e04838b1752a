"""The words of a ticket: who can see it, and how it stands."""

from enum import StrEnum


class TicketVisibility(StrEnum):
    """Whether the customer can see the ticket."""

    PUBLIC = "PUBLIC"
    INTERNAL = "INTERNAL"


class TicketStatus(StrEnum):
    """How a ticket stands; it begins as NEW."""

    NEW = "NEW"
    IN_ATTENDANCE = "IN_ATTENDANCE"
    STOPPED = "STOPPED"
    CANCELLED = "CANCELLED"
    RESOLVED = "RESOLVED"
    CLOSED = "CLOSED"


OPEN_STATUSES = (TicketStatus.NEW, TicketStatus.IN_ATTENDANCE, TicketStatus.STOPPED)
"""How a ticket stands that somebody still has to attend to."""
