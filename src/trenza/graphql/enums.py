"""The enums of the graph: the domain's own, described value by value."""

from enum import Enum, StrEnum
from typing import TypeVar

import strawberry

from trenza.domain.access import Privacy, Role, Scope
from trenza.domain.channel import AddressSpace, Attendance, ChannelKind
from trenza.domain.consent import ConsentPurpose, ConsentStatus, ContactReasonCode
from trenza.domain.contact import LifecycleStage
from trenza.domain.custom_field import FieldType
from trenza.domain.errors import ErrorCode
from trenza.domain.interaction import InteractionKind, Lane, Language, SessionLane
from trenza.domain.merge import MergeDirection, MergeReason
from trenza.domain.metering.balance import GrantKind
from trenza.domain.metering.fold import Outcome
from trenza.domain.metering.ledger import DebitReason
from trenza.domain.metering.seat import SeatStatus
from trenza.domain.segment import CountOperator, Direction, SegmentField, SegmentOperator
from trenza.domain.ticket import TicketStatus, TicketVisibility
from trenza.domain.timeline import TimelineKind
from trenza.readplan.schema import NAMESPACE, named
from trenza.services.contact_list import ListChange

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
    CUSTOM_FIELD = "CUSTOM_FIELD"


class UserOrderField(StrEnum):
    """What users can be ordered by."""

    CREATED_AT = "CREATED_AT"
    EMAIL = "EMAIL"


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
    Privacy,
    "Privacy",
    "How much a field tells of a person; it decides who sees the field.",
    NORMAL="Everybody who reads sees it.",
    PERSONAL="Viewers do not see it.",
    SENSITIVE="Only admins see it.",
)
declare(
    FieldType,
    "CustomFieldType",
    "What the values of a custom field are.",
    STRING="A text of at most 1000 characters.",
    NUMBER="A number of at most 15 digits.",
    DATE="A day, `YYYY-MM-DD`.",
    BOOLEAN="True or false.",
    ENUM="One of the options of the field.",
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
    UNAUTHENTICATED="No key, or one that is unknown, expired, revoked or of an inactive user.",
    FORBIDDEN="The key's scopes or its user's role are not enough, or the field is hidden from it.",
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
    CUSTOM_FIELD="The value of the custom field `key`; without a value last, or first descending.",
)
declare(
    UserOrderField,
    "UserOrderField",
    "What users can be ordered by.",
    CREATED_AT="When the person was first invited.",
    EMAIL="The e-mail address.",
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
    ConsentPurpose,
    "ConsentPurpose",
    "What a message is for. Only MARKETING takes a grant; the others only that nobody refused.",
    MARKETING="Promotions and news: what the person did not ask for.",
    UTILITY="Notices on an order, an account or an appointment of the person.",
    AUTHENTICATION="Codes by which the person proves who they are.",
    SERVICE="Answers to the person, where people are attended.",
)
declare(
    ConsentStatus,
    "ConsentStatus",
    "What was said about consent.",
    GRANTED="Yes, until it expires.",
    DENIED="No, when asked.",
    REVOKED="No longer, by an opt-out word or otherwise.",
)
declare(
    ContactReasonCode,
    "ContactReasonCode",
    "Why a message may go out or not. The last two allow, all others forbid.",
    ERASED="The person's data was erased.",
    CHANNEL_CANNOT_SEND="The channel does not carry messages for this purpose.",
    NO_IDENTITY="No address of the person is known on the channel.",
    DO_NOT_CONTACT="The person, the channel or the address is blocked.",
    CONSENT_REVOKED="Consent was revoked.",
    CONSENT_DENIED="Consent was denied.",
    CONSENT_EXPIRED="Consent was given for a time that is over.",
    CONSENT_MISSING="The purpose takes a grant, and there is none.",
    FREQUENCY_CAPPED="The person has had as many mass sends as the period allows.",
    CONSENT_GRANTED="Consent was given and is in force.",
    NOT_REFUSED="The purpose takes no grant, and nothing was refused.",
)
declare(
    SegmentField,
    "SegmentField",
    "A field of a contact that a segment can ask about.",
    STAGE="The stage of the life cycle.",
    LANGUAGE="The language.",
    COUNTRY="The country, ISO 3166 alpha-2.",
    CITY="The city.",
    COMPANY="The company.",
    DEPARTMENT="The department.",
    ORIGIN="Where the contact came from.",
    TIME_ZONE="The IANA time zone.",
    FIRST_NAME="The given name, as it is written.",
    LAST_NAME="The family name, as it is written.",
    DISPLAY_NAME="The name to show, as it is written.",
    NAME="Any of the names, by CONTAINS alone; neither case nor accents matter.",
    CREATED_AT="When the contact was made, by WITHIN_DAYS and BEFORE_DAYS.",
    UPDATED_AT="When a field of the contact last changed, by WITHIN_DAYS and BEFORE_DAYS.",
    BIRTHDAY="The birthday, by WITHIN_DAYS, EXISTS and ABSENT.",
)
declare(
    SegmentOperator,
    "SegmentOperator",
    "How a field is compared.",
    EQ="Is the value.",
    NEQ="Is not the value; also where there is none.",
    LT="Is less, or earlier.",
    LTE="Is the value, less or earlier.",
    GT="Is more, or later.",
    GTE="Is the value, more or later.",
    IN="Is one of the values.",
    CONTAINS="Contains the text, as it is written.",
    EXISTS="Has a value.",
    ABSENT="Has no value.",
    WITHIN_DAYS="Within the last so many days; a birthday: today or within the next ones.",
    BEFORE_DAYS="More than so many days ago.",
)
declare(
    CountOperator,
    "CountOperator",
    "How a number of things is compared.",
    EQ="Exactly so many.",
    NEQ="Any number but that.",
    LT="Fewer.",
    LTE="At most so many.",
    GT="More.",
    GTE="At least so many.",
)
declare(
    Direction,
    "Direction",
    "Who spoke.",
    INBOUND="The customer.",
    OUTBOUND="The company.",
)
declare(
    ListChange,
    "ListChange",
    "What became of a contact that was to be put into a list, or taken out.",
    ADDED="It is in the list now.",
    ALREADY_IN="It was in the list before.",
    REMOVED="It is out of the list now.",
    NOT_IN="It was not in the list.",
    NOT_FOUND="The workspace has no such contact.",
    CONFLICT="The person was erased.",
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
    CONSENT_EVENT="The person allowed or refused to be written to.",
    STAGE="The person came into a stage of the life cycle, or out of all.",
    MERGE="Two contacts became one; told at both where they are two again.",
    UNMERGE="A contact became one of its own again; told at both.",
)
