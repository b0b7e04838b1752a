"""What makes a condition over contacts of a segment's definition, on both databases.

Whatever counts rows of a contact is a number, zero where there is none. For single contacts, and
on SQLite, it is a subquery of the contact; for a whole workspace on PostgreSQL it is counted for
all contacts at once and joined, which reads each table once however many contacts there are.
"""

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    and_,
    false,
    func,
    literal,
    not_,
    or_,
    select,
)
from sqlalchemy import Table as SQLTable

from trenza.domain.consent import ConsentStatus
from trenza.domain.custom_field import Value
from trenza.domain.errors import BrokenInvariant
from trenza.domain.instant import TICK, instant_text
from trenza.domain.metering.ledger import EntryKind
from trenza.domain.segment import (
    DIRECTION_KINDS,
    CampaignCondition,
    ChannelCondition,
    Condition,
    ConsentCondition,
    Count,
    CustomFieldCondition,
    Definition,
    FieldCondition,
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
from trenza.domain.ticket import OPEN_STATUSES
from trenza.storage.campaign import TOUCH
from trenza.storage.consent import CONSENT
from trenza.storage.contact import CONTACT, IDENTITY, containing, has_name_like
from trenza.storage.contact_list import LIST_MEMBER
from trenza.storage.custom_value import (
    as_operand,
    exists_in,
    fixed_key,
    has_any_tag,
    kind_of,
    own_value,
)
from trenza.storage.dialect import month_day, place_in_text
from trenza.storage.interaction import INTERACTION
from trenza.storage.journey import ENROLLMENT
from trenza.storage.ledger import LEDGER
from trenza.storage.session import SESSION, SESSION_OF_ENTRY
from trenza.storage.ticket import TICKET

JOINED_MAX = 12
"""So many counts are joined; beyond that, planning the joins would cost more than they save."""

Truth = ColumnElement[bool]
_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        "EQ": operator.eq,
        "NEQ": operator.ne,
        "LT": operator.lt,
        "LTE": operator.le,
        "GT": operator.gt,
        "GTE": operator.ge,
    }
)
_COLUMNS: Mapping[SegmentField, ColumnElement[Any]] = MappingProxyType(
    {
        SegmentField.STAGE: CONTACT.c.stage,
        SegmentField.LANGUAGE: CONTACT.c.language,
        SegmentField.COUNTRY: CONTACT.c.country,
        SegmentField.CITY: CONTACT.c.city,
        SegmentField.COMPANY: CONTACT.c.company,
        SegmentField.DEPARTMENT: CONTACT.c.department,
        SegmentField.ORIGIN: CONTACT.c.origin,
        SegmentField.TIME_ZONE: CONTACT.c.zone,
        SegmentField.FIRST_NAME: CONTACT.c.first_name,
        SegmentField.LAST_NAME: CONTACT.c.last_name,
        SegmentField.DISPLAY_NAME: CONTACT.c.display_name,
        SegmentField.CREATED_AT: CONTACT.c.created_at,
        SegmentField.UPDATED_AT: CONTACT.c.updated_at,
        SegmentField.BIRTHDAY: CONTACT.c.birth_on,
    }
)
COUNTING = (InteractionsCondition, SessionsCondition, SpendCondition, TicketsCondition)


@dataclass(frozen=True, slots=True)
class Moment:
    """The instant that segments are asked about, and its date in the workspace's zone."""

    workspace_id: str
    at: datetime
    today: date


IS_LIVE = and_(CONTACT.c.merged_into_id.is_(None), CONTACT.c.erased_at.is_(None))
"""The condition of a contact that can be a member: neither merged into another nor erased."""


class Writer:
    """Makes conditions over CONTACT of a definition's; `source` is what they are selected from."""

    def __init__(self, moment: Moment, dialect_name: str, *, is_joining: bool = False) -> None:
        self._moment = moment
        self._is_sqlite = dialect_name == "sqlite"
        self._is_joining = is_joining and not self._is_sqlite
        self.source: FromClause = CONTACT

    def holds(self, definition: Definition) -> Truth:
        """The condition of a contact for which the definition holds."""
        counts = sum(isinstance(each, COUNTING) for _, each in definition.conditions())
        self._is_joining = self._is_joining and counts <= JOINED_MAX
        groups = (and_(*map(self.condition, group.conditions)) for group in definition.groups)
        return or_(*groups)

    def condition(self, condition: Condition) -> Truth:
        """The condition of a contact for which one condition holds; true or false, never null."""
        match condition:
            case FieldCondition():
                return self._field(condition)
            case CustomFieldCondition():
                return self._custom_field(condition)
            case TagCondition(tag=tag, has=has):
                return _is(has, has_any_tag(literal(json.dumps([tag]))))
            case ChannelCondition(channel=channel, has=has):
                return _is(has, _owned(IDENTITY, IDENTITY.c.channel == channel))
            case ConsentCondition(has=has):
                return _is(has, self._consents(condition))
            case ListCondition(list_id=id, has=has):
                return _is(has, _owned(LIST_MEMBER, LIST_MEMBER.c.list_id == id))
            case CampaignCondition(campaign_id=id, has=has):
                return _is(has, _owned(TOUCH, TOUCH.c.campaign_id == id))
            case JourneyCondition(journey_id=id, has=has):
                return _is(has, _owned(ENROLLMENT, ENROLLMENT.c.journey_id == id))
            case InteractionsCondition():
                return self._interactions(condition)
            case SessionsCondition(count=count, period=period, lane=lane):
                narrowed: list[Truth] = [SESSION.c.superseded_at.is_(None)]
                narrowed += self._within_positions(SESSION.c.opened_position, period)
                narrowed += [] if lane is None else [SESSION.c.lane == lane]
                return self._counted(count, SESSION, SESSION, func.count(), narrowed)
            case SpendCondition(count=count, period=period):
                is_spent = LEDGER.c.kind.in_([EntryKind.DEBIT, EntryKind.REVERSAL])
                counting = [is_spent, *self._within(LEDGER.c.counts_at, period)]
                entries = LEDGER.join(SESSION, SESSION_OF_ENTRY)
                spent = func.sum(LEDGER.c.amount)
                return self._counted(count, SESSION, entries, spent, counting)
            case TicketsCondition(count=count):
                is_open = TICKET.c.status.in_(OPEN_STATUSES)
                return self._counted(count, TICKET, TICKET, func.count(), [is_open])
        raise BrokenInvariant(f"a condition that is not written: {condition}")

    def _consents(self, condition: ConsentCondition) -> Truth:
        """A grant of an identity that nothing said later, or at once and stricter, supersedes."""
        at, later = self._moment.at, CONSENT.alias("later")
        is_stricter = or_(later.c.status != ConsentStatus.GRANTED, later.c.expires_at <= at)
        is_superseded = (
            select(later.c.id)
            .where(
                *(
                    later.c[name] == CONSENT.c[name]
                    for name in ("workspace_id", "owner_id", "channel", "address", "purpose")
                ),
                later.c.occurred_at <= at,
                or_(
                    later.c.occurred_at > CONSENT.c.occurred_at,
                    and_(later.c.occurred_at == CONSENT.c.occurred_at, is_stricter),
                ),
            )
            .correlate(CONSENT)
            .exists()
        )
        granted = and_(
            CONSENT.c.purpose == condition.purpose,
            CONSENT.c.status == ConsentStatus.GRANTED,
            CONSENT.c.occurred_at <= at,
            or_(CONSENT.c.expires_at.is_(None), CONSENT.c.expires_at > at),
            not_(is_superseded),
        )
        if condition.channel is not None:
            granted = and_(granted, CONSENT.c.channel == condition.channel)
        return _owned(CONSENT, granted)

    def _field(self, condition: FieldCondition) -> Truth:
        asked, values = condition.operator, condition.values
        if condition.field is SegmentField.NAME:
            return has_name_like(literal(containing(values[0])))
        column = _COLUMNS[condition.field]
        if asked in (SegmentOperator.WITHIN_DAYS, SegmentOperator.BEFORE_DAYS):
            return _sure(self._days(condition, column))
        if asked in (SegmentOperator.EXISTS, SegmentOperator.ABSENT):
            return _is(asked is SegmentOperator.EXISTS, column.is_not(None))
        return _compared(column, asked, values)

    def _days(self, condition: FieldCondition, column: ColumnElement[Any]) -> Truth:
        days = timedelta(days=condition.days or 0)
        at = self._moment.at
        if condition.field is SegmentField.BIRTHDAY:
            return _birthday_within(column, self._moment.today, days)
        if condition.operator is SegmentOperator.BEFORE_DAYS:
            return column < at - days
        return and_(column >= at - days, column < at + TICK)

    def _custom_field(self, condition: CustomFieldCondition) -> Truth:
        asked, key = condition.operator, fixed_key(condition.key)
        if asked in (SegmentOperator.EXISTS, SegmentOperator.ABSENT):
            return _is(asked is SegmentOperator.EXISTS, exists_in(CONTACT.c.custom, key))
        values: Sequence[Value] = condition.texts
        if condition.day is not None:
            values = [condition.day.isoformat()]
        elif condition.number is not None:
            values = [condition.number]
        elif condition.boolean is not None:
            values = [condition.boolean]
        own = own_value(key, kind_of(values[0]))
        return _compared(own, asked, list(map(as_operand, values)))

    def _interactions(self, condition: InteractionsCondition) -> Truth:
        kinds = set(condition.kinds)
        narrowed: list[Truth] = [INTERACTION.c.retracted_at.is_(None)]
        narrowed += self._within_positions(INTERACTION.c.position, condition.period)
        if condition.direction is not None:
            going = set(DIRECTION_KINDS[condition.direction])
            kinds = kinds & going if condition.kinds else going
            narrowed += [] if kinds else [false()]
        if kinds:
            narrowed.append(INTERACTION.c.kind.in_(sorted(kinds)))
        if condition.channel is not None:
            narrowed.append(INTERACTION.c.channel == condition.channel)
        return self._counted(condition.count, INTERACTION, INTERACTION, func.count(), narrowed)

    def _within(self, column: ColumnElement[Any], period: Period) -> list[Truth]:
        since, until = period.bounds(self._moment.at)
        found: list[Truth] = [] if since is None else [column >= since]
        return found if until is None else [*found, column < until]

    def _within_positions(self, column: ColumnElement[str], period: Period) -> list[Truth]:
        """By the fold order, which begins with the instant: the index in that order serves it."""
        since, until = period.bounds(self._moment.at)
        found: list[Truth] = [] if since is None else [column >= instant_text(since)]
        return found if until is None else [*found, column < instant_text(until)]

    def _counted(
        self,
        count: Count,
        owned: SQLTable,
        rows: FromClause,
        figure: ColumnElement[Any],
        narrowed: Sequence[Truth],
    ) -> Truth:
        """The condition on a figure of the rows whose owner, as `owned` says, is the contact."""
        if self._is_joining:
            counted = (
                select(owned.c.owner_id, figure.label("figure"))
                .select_from(rows)
                .where(owned.c.workspace_id == self._moment.workspace_id, *narrowed)
                .group_by(owned.c.owner_id)
                .subquery()
            )
            joins = counted.c.owner_id == CONTACT.c.id
            self.source = self.source.outerjoin(counted, joins)
            found: ColumnElement[Any] = counted.c.figure
        else:
            of_contact = (
                owned.c.workspace_id == CONTACT.c.workspace_id,
                owned.c.owner_id == CONTACT.c.id,
            )
            only = select(figure).select_from(rows).where(*of_contact, *narrowed)
            found = only.correlate(CONTACT).scalar_subquery()
        compared: Truth = _COMPARE[count.operator](func.coalesce(found, 0), count.number)
        return compared


def _is(wanted: bool, condition: Truth) -> Truth:
    return condition if wanted else not_(condition)


def _sure(condition: Truth) -> Truth:
    """The condition, false where it would be null."""
    return func.coalesce(condition, false())


def _owned(table: SQLTable, condition: Truth) -> Truth:
    found = select(table.c.owner_id).where(
        table.c.workspace_id == CONTACT.c.workspace_id,
        table.c.owner_id == CONTACT.c.id,
        condition,
    )
    return found.correlate(CONTACT).exists()


def _compared(column: ColumnElement[Any], asked: SegmentOperator, values: Sequence[Any]) -> Truth:
    if asked is SegmentOperator.IN:
        return _sure(column.in_(sorted(set(values))))
    if asked is SegmentOperator.CONTAINS:
        return _sure(place_in_text(column, values[0]) > 0)
    if asked is SegmentOperator.NEQ:
        return not_(_sure(column == values[0]))
    return _sure(_COMPARE[asked](column, values[0]))


def _birthday_within(column: ColumnElement[Any], today: date, days: timedelta) -> Truth:
    """Whether a birthday lies on a day or within so many days after it.

    Who was born on 29 February has it on the 28th in a common year.
    """
    last = today + days
    if (last - today).days >= 365:
        return column.is_not(None)
    first_text, last_text = f"{today:%m-%d}", f"{last:%m-%d}"
    if last_text == "02-28" and (last + timedelta(days=1)).day == 1:
        last_text = "02-29"
    found = month_day(column)
    if first_text <= last_text:
        return and_(found >= first_text, found <= last_text)
    return or_(found >= first_text, found <= last_text)
