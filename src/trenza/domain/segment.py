"""Segments: who belongs, said as data. A definition is any of groups, each all of conditions.

Relative periods count from the instant that is asked about. Everything else is as it stands.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Any, TypeAlias

from trenza.domain import contact
from trenza.domain.access import Privacy
from trenza.domain.channel import ChannelKind
from trenza.domain.consent import ConsentPurpose
from trenza.domain.errors import Forbidden, InvalidInput
from trenza.domain.instant import TICK, instant_text
from trenza.domain.interaction import InteractionKind, SessionLane


class SegmentField(StrEnum):
    """The fields of a contact that a condition can be about."""

    STAGE = "STAGE"
    LANGUAGE = "LANGUAGE"
    COUNTRY = "COUNTRY"
    CITY = "CITY"
    COMPANY = "COMPANY"
    DEPARTMENT = "DEPARTMENT"
    ORIGIN = "ORIGIN"
    TIME_ZONE = "TIME_ZONE"
    FIRST_NAME = "FIRST_NAME"
    LAST_NAME = "LAST_NAME"
    DISPLAY_NAME = "DISPLAY_NAME"
    NAME = "NAME"
    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"
    BIRTHDAY = "BIRTHDAY"


class SegmentOperator(StrEnum):
    """How a field is compared; NEQ and ABSENT hold where EQ and EXISTS do not."""

    EQ = "EQ"
    NEQ = "NEQ"
    LT = "LT"
    LTE = "LTE"
    GT = "GT"
    GTE = "GTE"
    IN = "IN"
    CONTAINS = "CONTAINS"
    EXISTS = "EXISTS"
    ABSENT = "ABSENT"
    WITHIN_DAYS = "WITHIN_DAYS"
    BEFORE_DAYS = "BEFORE_DAYS"


class CountOperator(StrEnum):
    """How a number of things is compared."""

    EQ = "EQ"
    NEQ = "NEQ"
    LT = "LT"
    LTE = "LTE"
    GT = "GT"
    GTE = "GTE"


class Direction(StrEnum):
    """Who spoke: the customer, or the company."""

    INBOUND = "INBOUND"
    OUTBOUND = "OUTBOUND"


DIRECTION_KINDS: Mapping[Direction, tuple[InteractionKind, ...]] = MappingProxyType(
    {
        Direction.INBOUND: (InteractionKind.CUSTOMER_MESSAGE, InteractionKind.CONSENT_CHANGE),
        Direction.OUTBOUND: (
            InteractionKind.COMPANY_MESSAGE,
            InteractionKind.CAMPAIGN_SEND,
            InteractionKind.JOURNEY_SEND,
            InteractionKind.AUTO_REPLY,
            InteractionKind.SURVEY,
        ),
    }
)
"""The kinds of interactions that go one way; the others, such as a handoff, go neither way."""

FIELD_PRIVACY: Mapping[SegmentField, Privacy] = MappingProxyType(
    {SegmentField.BIRTHDAY: contact.privacy_of("birth_on")}
)
"""The classes of the fields that are not NORMAL."""


@dataclass(frozen=True, slots=True)
class Period:
    """The last so many days, the instant itself included; or `[since, until)`; or all of time."""

    last_days: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    def bounds(self, at: datetime) -> tuple[datetime | None, datetime | None]:
        """The first instant and the first one after it, seen from an instant; None where open.

        >>> from datetime import UTC
        >>> Period(last_days=1).bounds(datetime(2026, 11, 22, tzinfo=UTC))[0].isoformat()
        '2026-11-21T00:00:00+00:00'
        """
        if self.last_days is not None:
            return at - timedelta(days=self.last_days), at + TICK
        return self.since, self.until


@dataclass(frozen=True, slots=True)
class Count:
    """How many: `number` compared by the operator, `GTE` 3 for instance."""

    operator: CountOperator
    number: int


@dataclass(frozen=True, slots=True)
class FieldCondition:
    """About a built-in field: `values` for what compares texts, `days` for what counts days."""

    field: SegmentField
    operator: SegmentOperator
    values: tuple[str, ...] = ()
    days: int | None = None


@dataclass(frozen=True, slots=True)
class CustomFieldCondition:
    """About a custom field, compared with the one value that is given, by that value's type."""

    key: str
    operator: SegmentOperator
    texts: tuple[str, ...] = ()
    number: float | None = None
    boolean: bool | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class TagCondition:
    """Has a tag, or has it not."""

    tag: str
    has: bool = True


@dataclass(frozen=True, slots=True)
class ChannelCondition:
    """Is known on a channel, or is not."""

    channel: ChannelKind
    has: bool = True


@dataclass(frozen=True, slots=True)
class ListCondition:
    """Is in a list, or is not."""

    list_id: str
    has: bool = True


@dataclass(frozen=True, slots=True)
class InteractionsCondition:
    """How many interactions there were; a retracted one is none."""

    count: Count
    period: Period = field(default_factory=Period)
    kinds: tuple[InteractionKind, ...] = ()
    channel: ChannelKind | None = None
    direction: Direction | None = None


@dataclass(frozen=True, slots=True)
class SessionsCondition:
    """How many current sessions were opened."""

    count: Count
    period: Period = field(default_factory=Period)
    lane: SessionLane | None = None


@dataclass(frozen=True, slots=True)
class SpendCondition:
    """How many credits were spent: debits less reversals that count in the period."""

    count: Count
    period: Period = field(default_factory=Period)


@dataclass(frozen=True, slots=True)
class TicketsCondition:
    """How many tickets are open."""

    count: Count


@dataclass(frozen=True, slots=True)
class CampaignCondition:
    """Was touched by a campaign, or was not."""

    campaign_id: str
    has: bool = True


@dataclass(frozen=True, slots=True)
class JourneyCondition:
    """Was enrolled in a journey, or was not."""

    journey_id: str
    has: bool = True


@dataclass(frozen=True, slots=True)
class ConsentCondition:
    """Has granted consent for a purpose, in force at the instant; or has not.

    By some address on a channel, or on any: whether each of them may be written to is asked of
    `may_contact` when something is sent.
    """

    purpose: ConsentPurpose
    channel: ChannelKind | None = None
    has: bool = True


Condition: TypeAlias = (
    FieldCondition
    | CustomFieldCondition
    | TagCondition
    | ChannelCondition
    | ConsentCondition
    | ListCondition
    | InteractionsCondition
    | SessionsCondition
    | SpendCondition
    | TicketsCondition
    | CampaignCondition
    | JourneyCondition
)

KINDS: Mapping[str, type[Condition]] = MappingProxyType(
    {
        "field": FieldCondition,
        "custom_field": CustomFieldCondition,
        "tag": TagCondition,
        "channel": ChannelCondition,
        "consent": ConsentCondition,
        "list": ListCondition,
        "interactions": InteractionsCondition,
        "sessions": SessionsCondition,
        "spend": SpendCondition,
        "tickets": TicketsCondition,
        "campaign": CampaignCondition,
        "journey": JourneyCondition,
    }
)
"""The kinds of conditions by the name that a document gives them."""
KIND_NAMES: Mapping[type[Condition], str] = MappingProxyType(
    {cls: name for name, cls in KINDS.items()}
)


@dataclass(frozen=True, slots=True)
class Group:
    """Holds where all of its conditions hold."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """A contact belongs where any of the groups holds."""

    groups: tuple[Group, ...]

    def conditions(self) -> Iterator[tuple[tuple[str, ...], Condition]]:
        """Every condition with its path in the input."""
        for n, group in enumerate(self.groups):
            for m, condition in enumerate(group.conditions):
                place = ("groups", str(n), "conditions", str(m))
                yield (*place, camel(KIND_NAMES[type(condition)])), condition


def camel(name: str) -> str:
    """A name as the API spells it.

    >>> camel("custom_field")
    'customField'
    """
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def require_seen(
    definition: Definition,
    sees: frozenset[Privacy],
    custom: Mapping[str, Privacy],
    path: tuple[str, ...] = (),
) -> None:
    """Raises Forbidden for a condition about a field that who asks may not see.

    What a count or an explanation tells of such a field would be a leak. `custom` are the classes
    of custom fields by key; one that is not there is NORMAL.
    """
    for place, condition in definition.conditions():
        if privacy_of(condition, custom) not in sees:
            raise Forbidden("a condition is about a field that you may not see", path=path + place)


def require_known(
    definition: Definition, keys: Collection[str], path: tuple[str, ...] = ()
) -> None:
    """Raises InvalidInput for a condition about a custom field that is none of those in use."""
    for place, condition in definition.conditions():
        if isinstance(condition, CustomFieldCondition) and condition.key not in keys:
            wrong = "the workspace has no custom field of this key"
            raise InvalidInput(wrong, path=(*path, *place, "key"))


def privacy_of(condition: Condition, custom: Mapping[str, Privacy]) -> Privacy:
    """The class of the field that a condition is about.

    >>> privacy_of(FieldCondition(SegmentField.BIRTHDAY, SegmentOperator.EXISTS), {})
    <Privacy.PERSONAL: 'PERSONAL'>
    """
    if isinstance(condition, FieldCondition):
        return FIELD_PRIVACY.get(condition.field, Privacy.NORMAL)
    if isinstance(condition, CustomFieldCondition):
        return custom.get(condition.key, Privacy.NORMAL)
    return Privacy.NORMAL


def document_of(definition: Definition) -> dict[str, Any]:
    """The definition as JSON.

    >>> document_of(Definition((Group((TagCondition("vip"),)),)))
    {'groups': [{'conditions': [{'tag': {'tag': 'vip', 'has': True}}]}]}
    """
    return {
        "groups": [
            {
                "conditions": [
                    {KIND_NAMES[type(condition)]: _written(condition)}
                    for condition in group.conditions
                ]
            }
            for group in definition.groups
        ]
    }


def _written(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        named = ((each.name, getattr(value, each.name)) for each in fields(value))
        return {name: _written(part) for name, part in named if part not in (None, ())}
    if isinstance(value, tuple):
        return [_written(part) for part in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return instant_text(value)
    return value.isoformat() if isinstance(value, date) else value


def definition_of(document: Mapping[str, Any]) -> Definition:
    """The definition that `document_of` wrote.

    >>> said = Definition((Group((SpendCondition(Count(CountOperator.GT, 3)),)),))
    >>> definition_of(document_of(said)) == said
    True
    """
    return Definition(
        tuple(
            Group(
                tuple(
                    KINDS[kind](**{name: _READ.get(name, _as_it_is)(v) for name, v in said.items()})
                    for condition in group["conditions"]
                    for kind, said in condition.items()
                )
            )
            for group in document["groups"]
        )
    )


def _as_it_is(value: Any) -> Any:
    return value


def _read_period(said: Mapping[str, Any]) -> Period:
    instants = {
        name: datetime.fromisoformat(said[name]) for name in ("since", "until") if name in said
    }
    return Period(last_days=said.get("last_days"), **instants)


_READ: Mapping[str, Any] = MappingProxyType(
    {
        "field": SegmentField,
        "operator": SegmentOperator,
        "values": tuple,
        "texts": tuple,
        "number": float,
        "day": date.fromisoformat,
        "channel": ChannelKind,
        "purpose": ConsentPurpose,
        "direction": Direction,
        "lane": SessionLane,
        "kinds": lambda said: tuple(map(InteractionKind, said)),
        "count": lambda said: Count(CountOperator(said["operator"]), said["number"]),
        "period": _read_period,
    }
)
"""What reads the parts of a condition that are no plain values, by their names."""
