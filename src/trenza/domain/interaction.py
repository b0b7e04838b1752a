"""The words of an interaction: what happened, who attended, in which language it is told."""

from enum import StrEnum


class InteractionKind(StrEnum):
    """What happened, in the order in which metering lists the kinds."""

    CUSTOMER_MESSAGE = "CUSTOMER_MESSAGE"
    HANDOFF = "HANDOFF"
    COMPANY_MESSAGE = "COMPANY_MESSAGE"
    TICKET_PUBLIC_ACTION = "TICKET_PUBLIC_ACTION"
    EXPERT_AGENT_ACTION = "EXPERT_AGENT_ACTION"
    CAMPAIGN_SEND = "CAMPAIGN_SEND"
    JOURNEY_SEND = "JOURNEY_SEND"
    AUTO_REPLY = "AUTO_REPLY"
    SURVEY = "SURVEY"
    TICKET_INTERNAL_ACTION = "TICKET_INTERNAL_ACTION"
    DELIVERY_STATUS = "DELIVERY_STATUS"
    CONSENT_CHANGE = "CONSENT_CHANGE"


class Lane(StrEnum):
    """Who attends: a bot or a person."""

    BOT = "BOT"
    HUMAN = "HUMAN"


class SessionLane(StrEnum):
    """The lane of a session, which is UNBOUND until somebody attends."""

    UNBOUND = "UNBOUND"
    BOT = "BOT"
    HUMAN = "HUMAN"


class Language(StrEnum):
    """The languages in which names and sentences are written."""

    ES = "ES"
    PT = "PT"
    EN = "EN"
