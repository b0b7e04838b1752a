"""The enums of the graph: the domain's own, described value by value."""

from enum import Enum, StrEnum
from typing import TypeVar

import strawberry

from trenza.domain.access import Role, Scope
from trenza.domain.channel import AddressSpace, Attendance, ChannelKind
from trenza.domain.contact import LifecycleStage
from trenza.domain.errors import ErrorCode
from trenza.domain.interaction import InteractionKind, Lane, Language, SessionLane
from trenza.domain.merge import MergeDirection, MergeReason
from trenza.domain.metering.balance import GrantKind
from trenza.domain.metering.fold import Outcome
from trenza.domain.metering.ledger import DebitReason
from trenza.domain.metering.seat import SeatStatus
from trenza.domain.ticket import TicketStatus, TicketVisibility
from trenza.domain.timeline import TimelineKind
from trenza.readplan.schema import NAMESPACE, named

E = TypeVar("E", bound=type[Enum])


class SessionState(StrEnum):
    """What a session is at an instant."""

    OPEN = "OPEN"
    EXPIRED = "EXPIRED"
    SUPERSEDED = "SUPERSEDED"


class OrderDirection(StrEnum):
    """Which way a list is ordered."""

    ASC = "ASC"
    DESC = "DESC"


class ContactOrderField(StrEnum):
    """What contacts can be ordered by."""

    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"


class BalanceEventKind(StrEnum):
    """What an event of the balance feed says."""

    SNAPSHOT = "SNAPSHOT"
    CHANGE = "CHANGE"
    CLOCK = "CLOCK"
    RESET = "RESET"


def declare(cls: E, name: str, description: str, **values: str) -> E:
    """Makes an enum part of the graph; every value has its description."""
    declared: E = strawberry.enum(cls, name=name, description=description)
    for value in declared.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = values[value.name]
    named(declared)
    NAMESPACE[name] = declared
    return declared


declare(
    ChannelKind,
    "ChannelKind",
    "A channel on which a contact and the company meet.",
    SMS="Text messages.",
    WHATSAPP="WhatsApp.",
    RCS="Rich Communication Services.",
    EMAIL="E-mail.",
    FACEBOOK_MESSENGER="Facebook Messenger.",
    INSTAGRAM="Instagram direct messages.",
    WEBCHAT="The chat of a web site.",
    PUSH="Push notifications.",
)
declare(
    AddressSpace,
    "AddressSpace",
    "Where an address is one person's: channels that share a space share the person.",
    PHONE="Phone numbers: text messages, WhatsApp and RCS.",
    EMAIL="E-mail addresses.",
    FACEBOOK_MESSENGER="Ids of Facebook Messenger.",
    INSTAGRAM="Ids of Instagram.",
    WEBCHAT="Ids of the web chat.",
    PUSH="Devices for push notifications.",
)
declare(
    MergeDirection,
    "MergeDirection",
    "Which of two contacts stays where they share an identity.",
    OLDEST_STAYS="The one that was made first.",
    NEWEST_STAYS="The one that was made last.",
    MOST_INTERACTIONS_STAYS="The one with more interactions; of equals the older one.",
)
declare(
    MergeReason,
    "MergeReason",
    "Why two contacts were merged.",
    MANUAL="By `mergeContacts`.",
    SHARED_IDENTITY="Identities that were given together led to both.",
)
declare(
    Attendance,
    "Attendance",
    "How bots and people attend on a channel.",
    CONVERSATION="In conversations.",
    TICKETS="By tickets.",
    INBOUND_ONLY="Inbound messages count; there is no conversation.",
    NONE="Nobody attends there.",
)
declare(
    Lane,
    "Lane",
    "Who attends.",
    BOT="A bot, an automation or an expert agent.",
    HUMAN="A person.",
)
declare(
    SessionLane,
    "SessionLane",
    "Who attends inside a session.",
    UNBOUND="Nobody yet.",
    BOT="A bot, an automation or an expert agent.",
    HUMAN="A person.",
)
declare(
    InteractionKind,
    "InteractionKind",
    "What happened. The first five are interactions of service and can cost a credit.",
    CUSTOMER_MESSAGE="The customer wrote, on any channel; also a reply to a mass send.",
    HANDOFF="The conversation was passed to a bot or to people (`actor`).",
    COMPANY_MESSAGE="A one-to-one message by an agent, a bot or the API (`actor`).",
    TICKET_PUBLIC_ACTION="A ticket movement that the customer can see.",
    EXPERT_AGENT_ACTION="An automatic agent acted on its conditions.",
    CAMPAIGN_SEND="A mass send of a campaign. Free.",
    JOURNEY_SEND="A mass send of a journey. Free.",
    AUTO_REPLY="An automatic answer, such as out of office. Free.",
    SURVEY="A satisfaction survey. Free.",
    TICKET_INTERNAL_ACTION="A ticket movement that the customer cannot see. Free.",
    DELIVERY_STATUS="A message was sent, delivered, read or rejected. Free.",
    CONSENT_CHANGE="The customer opted in or out; an opt-out reply is one. Free.",
)
declare(
    Outcome,
    "VerdictOutcome",
    "What an interaction cost.",
    CHARGED="One credit: it opened a session.",
    COVERED="Nothing: an open session covers it.",
    FREE="Nothing, ever: its kind is free, or it was retracted.",
)
declare(
    Language,
    "Language",
    "A language in which sentences are told.",
    ES="Spanish.",
    PT="Portuguese.",
    EN="English.",
)
declare(
    DebitReason,
    "DebitReason",
    "Why an entry of the ledger was written.",
    OPENED="A session was opened as it happened.",
    LATE_INTERACTION="An interaction that arrived late cut the sessions anew.",
    RETRACTION="An interaction was retracted.",
    MERGE="Two contacts were found to be one.",
    UNMERGE="A merge was undone.",
)
declare(
    LifecycleStage,
    "LifecycleStage",
    "Where a contact stands on the way from attraction to after-sales.",
    ATTRACTION="Knows of the company.",
    CONVERSION="Considers to buy.",
    SALE="Buys.",
    SERVICE="Is being served.",
    AFTER_SALES="Has bought and is looked after.",
)
declare(
    GrantKind,
    "GrantKind",
    "Where credits come from.",
    PLAN="The monthly quota of the plan; it does not roll over.",
    PURCHASE="Bought beside the plan.",
    COURTESY="Given for nothing, or given back in a later cycle.",
)
declare(
    SeatStatus,
    "SeatStatus",
    "How a user stands; only an active one uses a seat.",
    INVITED="Was invited less than seven days ago and has not accepted.",
    EXPIRED="Did not accept within seven days.",
    ACTIVE="Uses a seat.",
    DEACTIVATED="Was deactivated.",
)
declare(
    Role,
    "Role",
    "What a person is in a workspace.",
    ADMIN="Everything, including billing, users and usage.",
    OPERATOR="Sends, contacts, reports; no account configuration.",
    AGENT="Attends and reads contacts.",
    VIEWER="Reads contacts and reports.",
)
declare(
    Scope,
    "Scope",
    "What a key may be used for.",
    READ="Reading the graph and following feeds.",
    RECORD="Recording interactions, and signing users in and out.",
    MANAGE="Contacts, campaigns, journeys, tickets.",
    ADMIN="Billing, users, keys, closing, retraction.",
)
declare(
    TicketVisibility,
    "TicketVisibility",
    "Whether the customer can see a ticket.",
    PUBLIC="The customer sees it.",
    INTERNAL="Only the company sees it.",
)
declare(
    TicketStatus,
    "TicketStatus",
    "Where a ticket stands.",
    NEW="Nobody attends to it yet.",
    IN_ATTENDANCE="Somebody attends to it.",
    STOPPED="It waits.",
    CANCELLED="It was called off.",
    RESOLVED="It was solved.",
    CLOSED="It is over.",
)
declare(
    ErrorCode,
    "ErrorCode",
    "What went wrong, in order of precedence: where several apply, the first answers.",
    UNAUTHENTICATED="No key, or one that is unknown, expired or revoked.",
    FORBIDDEN="The key's scopes are not enough.",
    OVERLOADED="Too much is waiting: try again a little later.",
    INVALID_INPUT="A value is missing, misplaced or malformed.",
    NOT_FOUND="The workspace has no such thing.",
    IDEMPOTENCY_CONFLICT="The same id was used before with another content.",
    OCCURRED_IN_FUTURE="Dated more than five minutes ahead.",
    TOO_LATE="Older than the acceptance horizon; kept in quarantine.",
    CONFLICT="The state of things does not allow it.",
)
declare(
    SessionState,
    "SessionState",
    "What a session is at an instant.",
    OPEN="Its window covers the instant.",
    EXPIRED="Its 24 hours are over, or have not begun.",
    SUPERSEDED="Later knowledge has removed it; its debit was reversed.",
)
declare(
    OrderDirection,
    "OrderDirection",
    "Which way a list is ordered.",
    ASC="Smallest, or earliest, first.",
    DESC="Largest, or latest, first.",
)
declare(
    ContactOrderField,
    "ContactOrderField",
    "What contacts can be ordered by.",
    CREATED_AT="When the contact was made.",
    UPDATED_AT="When a field of the contact last changed.",
)
declare(
    BalanceEventKind,
    "BalanceEventKind",
    "What an event of the balance feed says.",
    SNAPSHOT="The balance as it is; first, unless `after` is given.",
    CHANGE="One row of the ledger: a debit, a reversal, a grant or a closing.",
    CLOCK="Time alone changed the balance: a cycle turned, a grant began or lapsed. Not numbered.",
    RESET="`after` cannot be continued from: a fresh snapshot.",
)
declare(
    TimelineKind,
    "TimelineKind",
    "What an entry of a timeline tells of.",
    INTERACTION="What was said or done between the person and the company.",
    SESSION="A session was opened; those that later knowledge removed are left out.",
    DEBIT="A credit was spent or came back.",
    TICKET="A ticket was opened.",
    CAMPAIGN_TOUCH="A campaign reached the person for the first time.",
    JOURNEY_ENROLLMENT="The person entered a journey.",
)
