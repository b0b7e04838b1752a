"""Segments told in plain Python over the rows of a world, and definitions made at random."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from tests.properties.segment_world import DAYS, KEYS, TAGS, TEXTS, Row, SegmentWorld
from trenza.domain.channel import ChannelKind
from trenza.domain.consent import ConsentPurpose
from trenza.domain.contact import LifecycleStage
from trenza.domain.interaction import InteractionKind, SessionLane
from trenza.domain.segment import (
    CampaignCondition,
    ChannelCondition,
    Condition,
    ConsentCondition,
    Count,
    CountOperator,
    CustomFieldCondition,
    Definition,
    Direction,
    FieldCondition,
    Group,
    InteractionsCondition,
    JourneyCondition,
    ListCondition,
    Period,
    SegmentField,
    SegmentOperator,
    SessionsCondition,
    SpendCondition,
    TagCondition,
    TicketsCondition,
)
from trenza.domain.text import searchable
from trenza.domain.ticket import OPEN_STATUSES

INBOUND = {"CUSTOMER_MESSAGE", "CONSENT_CHANGE"}
OUTBOUND = {"COMPANY_MESSAGE", "CAMPAIGN_SEND", "JOURNEY_SEND", "AUTO_REPLY", "SURVEY"}
ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": lambda a, b: a == b,
    "NEQ": lambda a, b: a != b,
    "LT": lambda a, b: a < b,
    "LTE": lambda a, b: a <= b,
    "GT": lambda a, b: a > b,
    "GTE": lambda a, b: a >= b,
}
TEXTUAL = {"EQ", "NEQ", "CONTAINS", "IN", "EXISTS", "ABSENT"}
COLUMNS = {"TIME_ZONE": "zone"}


class Model:
    """Says of each contact of a world whether conditions hold."""

    def __init__(self, world: SegmentWorld) -> None:
        self._world = world

    def members(self, definition: Definition) -> set[str]:
        """The ids of those who belong."""
        return {
            row["id"]
            for row in self._world.contacts
            if row["merged_into_id"] is None and row["erased_at"] is None
            if any(
                all(self.holds(each, row) for each in group.conditions)
                for group in definition.groups
            )
        }

    def holds(self, condition: Condition, row: Row) -> bool:
        """Whether a condition holds for a contact."""
        world, id = self._world, row["id"]

        def has(rows: list[Row], name: str, value: str) -> bool:
            return any(each["owner_id"] == id and each[name] == value for each in rows)

        match condition:
            case FieldCondition():
                return self._field(condition, row)
            case CustomFieldCondition():
                return _custom(condition, row["custom"])
            case TagCondition(tag=tag, has=wanted):
                return (tag in row["tags"]) is wanted
            case ChannelCondition(channel=channel, has=wanted):
                return has(world.identities, "channel", channel) is wanted
            case ConsentCondition(purpose=purpose, channel=channel, has=wanted):
                granted = world.granted(id)
                return (
                    any(
                        each == purpose and channel in (None, identity.channel)
                        for identity, each in granted
                    )
                    is wanted
                )
            case ListCondition(list_id=list_id, has=wanted):
                return has(world.members, "list_id", list_id) is wanted
            case CampaignCondition(campaign_id=campaign_id, has=wanted):
                return has(world.touches, "campaign_id", campaign_id) is wanted
            case JourneyCondition(journey_id=journey_id, has=wanted):
                return has(world.enrollments, "journey_id", journey_id) is wanted
        return self._counts(condition, id)

    def _counts(self, condition: Condition, id: str) -> bool:
        world = self._world
        found = 0
        match condition:
            case InteractionsCondition():
                found = sum(
                    each["owner_id"] == id and self._is_counted(condition, each)
                    for each in world.interactions
                )
            case SessionsCondition(lane=lane):
                found = sum(
                    each["owner_id"] == id
                    and each["superseded_at"] is None
                    and lane in (None, each["lane"])
                    and self._within(condition.period, each["opened_at"])
                    for each in world.sessions
                )
            case SpendCondition():
                owners = {each["id"]: each["owner_id"] for each in world.sessions}
                found = sum(
                    each["amount"]
                    for each in world.entries
                    if owners[each["session_id"]] == id
                    and self._within(condition.period, each["counts_at"])
                )
            case TicketsCondition():
                found = sum(
                    each["owner_id"] == id and each["status"] in OPEN_STATUSES
                    for each in world.tickets
                )
            case _:
                raise AssertionError(condition)
        return ORDERED[condition.count.operator](found, condition.count.number)

    def _is_counted(self, condition: InteractionsCondition, row: Row) -> bool:
        ways = {Direction.INBOUND: INBOUND, Direction.OUTBOUND: OUTBOUND}
        return (
            row["retracted_at"] is None
            and (not condition.kinds or row["kind"] in condition.kinds)
            and condition.channel in (None, row["channel"])
            and (condition.direction is None or row["kind"] in ways[condition.direction])
            and self._within(condition.period, row["occurred_at"])
        )

    def _within(self, period: Period, at: datetime) -> bool:
        now = self._world.at
        if period.last_days is not None:
            return now - timedelta(days=period.last_days) <= at <= now
        return (period.since is None or at >= period.since) and (
            period.until is None or at < period.until
        )

    def _field(self, condition: FieldCondition, row: Row) -> bool:
        operator, now = condition.operator, self._world.at
        if condition.field is SegmentField.NAME:
            return searchable(condition.values[0]) in row["name_searchable"]
        if condition.field is SegmentField.BIRTHDAY:
            return _birthday(condition, row["birth_on"], now.date())
        name = COLUMNS.get(condition.field, condition.field.lower())
        found = row[name]
        if operator is SegmentOperator.WITHIN_DAYS:
            return bool(now - timedelta(days=condition.days or 0) <= found <= now)
        if operator is SegmentOperator.BEFORE_DAYS:
            return bool(found < now - timedelta(days=condition.days or 0))
        return _text(operator, found, condition.values)


def _text(operator: SegmentOperator, found: Any, values: tuple[str, ...]) -> bool:
    if operator in (SegmentOperator.EXISTS, SegmentOperator.ABSENT):
        return (found is not None) is (operator is SegmentOperator.EXISTS)
    if not isinstance(found, str):
        return operator is SegmentOperator.NEQ
    if operator is SegmentOperator.IN:
        return found in values
    if operator is SegmentOperator.CONTAINS:
        return values[0] in found
    return ORDERED[operator](found, values[0])


def _custom(condition: CustomFieldCondition, custom: Row) -> bool:
    found, operator = custom.get(condition.key), condition.operator
    if operator in (SegmentOperator.EXISTS, SegmentOperator.ABSENT):
        return (found is not None) is (operator is SegmentOperator.EXISTS)
    if condition.day is not None:
        return _text(operator, found, (condition.day.isoformat(),))
    if condition.texts:
        return _text(operator, found, condition.texts)
    wanted = condition.boolean if condition.number is None else condition.number
    kinds = bool if condition.number is None else (int, float)
    if not isinstance(found, kinds) or (condition.number is not None and isinstance(found, bool)):
        return operator is SegmentOperator.NEQ
    return ORDERED[operator](found, wanted)


def _birthday(condition: FieldCondition, born: date | None, today: date) -> bool:
    if condition.operator is not SegmentOperator.WITHIN_DAYS:
        return (born is not None) is (condition.operator is SegmentOperator.EXISTS)
    if born is None:
        return False
    for days in range((condition.days or 0) + 1):
        day = today + timedelta(days=days)
        is_common = (date(day.year, 3, 1) - timedelta(days=1)).day == 28
        if (day.month, day.day) == (born.month, born.day):
            return True
        if is_common and (day.month, day.day) == (2, 28) and (born.month, born.day) == (2, 29):
            return True
    return False


class Definitions:
    """Makes definitions of a random source, about what a world holds."""

    def __init__(self, random: Random, world: SegmentWorld) -> None:
        self._random = random
        self._world = world

    def make(self) -> Definition:
        """One definition, mostly small."""
        pick = self._random.randint
        return Definition(
            tuple(
                Group(tuple(self.condition() for _ in range(pick(1, 3)))) for _ in range(pick(1, 3))
            )
        )

    def condition(self) -> Condition:
        """One condition of any kind."""
        random, named = self._random, self._world.named
        has = random.random() < 0.5
        makers: list[Callable[[], Condition]] = [
            self._field,
            self._field,
            self._custom_field,
            self._custom_field,
            lambda: TagCondition(random.choice(TAGS), has),
            lambda: ChannelCondition(random.choice(list(ChannelKind)), has),
            lambda: ConsentCondition(
                random.choice(list(ConsentPurpose)[:2]),
                random.choice([None, *list(ChannelKind)[:3]]),
                has,
            ),
            lambda: ListCondition(random.choice(named["list"]), has),
            lambda: CampaignCondition(random.choice(named["campaign"]), has),
            lambda: JourneyCondition(random.choice(named["journey"]), has),
            self._interactions,
            self._interactions,
            lambda: SessionsCondition(
                self._count(), self._period(), random.choice([None, *SessionLane])
            ),
            lambda: SpendCondition(self._count(), self._period()),
            lambda: TicketsCondition(self._count()),
        ]
        return random.choice(makers)()

    def _interactions(self) -> InteractionsCondition:
        random = self._random
        kinds = list(InteractionKind)[:8]
        return InteractionsCondition(
            self._count(),
            self._period(),
            tuple(random.sample(kinds, random.choice([0, 0, 1, 3]))),
            random.choice([None, None, ChannelKind.EMAIL]),
            random.choice([None, None, *Direction]),
        )

    def _count(self) -> Count:
        return Count(self._random.choice(list(CountOperator)), self._random.randrange(4))

    def _period(self) -> Period:
        random, at = self._random, self._world.at
        if random.random() < 0.4:
            return Period(last_days=random.randint(1, 12))
        since = random.choice([None, at - timedelta(days=random.randint(5, 12))])
        until = random.choice([None, at - timedelta(days=random.randint(0, 4))])
        return Period(since=since, until=until)

    def _field(self) -> FieldCondition:
        random = self._random
        field = random.choice(list(SegmentField))
        days = SegmentOperator.WITHIN_DAYS
        if field is SegmentField.NAME:
            part = random.choice(["an", "ÑAN", "%", "_", "o'b", "vila", "\u00e1"])
            return FieldCondition(field, SegmentOperator.CONTAINS, (part,))
        if field is SegmentField.BIRTHDAY:
            if random.random() < 0.3:
                return FieldCondition(field, SegmentOperator.ABSENT)
            return FieldCondition(field, days, days=random.choice([0, 1, 3, 120, 200, 365]))
        if field in (SegmentField.CREATED_AT, SegmentField.UPDATED_AT):
            operator = random.choice([days, SegmentOperator.BEFORE_DAYS])
            return FieldCondition(field, operator, days=random.randint(1, 12))
        texts = [*TEXTS, "es", "MX", "America/Bogota"]
        if field is SegmentField.STAGE:
            texts = list(LifecycleStage)
        return FieldCondition(field, *self._textual(texts))

    def _textual(self, texts: list[str]) -> tuple[SegmentOperator, tuple[str, ...]]:
        random = self._random
        operator = random.choice([each for each in SegmentOperator if each in TEXTUAL])
        if operator in (SegmentOperator.EXISTS, SegmentOperator.ABSENT):
            return operator, ()
        count = random.randint(1, 3) if operator is SegmentOperator.IN else 1
        return operator, tuple(random.sample(texts, count))

    def _custom_field(self) -> CustomFieldCondition:
        random = self._random
        key = random.choice(KEYS)
        ordered = random.choice([SegmentOperator(each) for each in ORDERED])
        match random.randrange(4):
            case 0:
                operator, texts = self._textual([*TEXTS, *DAYS])
                return CustomFieldCondition(key, operator, texts)
            case 1:
                number = random.choice([0.0, 3.0, -2.5, 0.1, 1e12, 0.30000000000000004])
                return CustomFieldCondition(key, ordered, number=number)
            case 2:
                day = date.fromisoformat(random.choice(DAYS))
                return CustomFieldCondition(key, ordered, day=day)
        same = random.choice([SegmentOperator.EQ, SegmentOperator.NEQ])
        return CustomFieldCondition(key, same, boolean=random.random() < 0.5)
