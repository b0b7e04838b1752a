"""The timeline of a contact: everything that happened, whatever it is, in one order."""

from enum import StrEnum


class TimelineKind(StrEnum):
    """What an entry of a timeline tells of."""

    INTERACTION = "INTERACTION"
    SESSION = "SESSION"
    DEBIT = "DEBIT"
    TICKET = "TICKET"
    CAMPAIGN_TOUCH = "CAMPAIGN_TOUCH"
    JOURNEY_ENROLLMENT = "JOURNEY_ENROLLMENT"
    CONSENT_EVENT = "CONSENT_EVENT"
    STAGE = "STAGE"
    MERGE = "MERGE"
    UNMERGE = "UNMERGE"
