"""What a client says of a segment: the inputs of a definition."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from trenza.domain import segment as domain
from trenza.domain.channel import ChannelKind
from trenza.domain.consent import ConsentPurpose
from trenza.domain.errors import InvalidInput
from trenza.domain.interaction import InteractionKind, SessionLane
from trenza.domain.segment import (
    KINDS,
    Condition,
    Count,
    CountOperator,
    Definition,
    Direction,
    Group,
    Period,
    SegmentField,
    SegmentOperator,
)
from trenza.domain.segment_check import CONDITIONS_MAX, GROUPS_MAX
from trenza.readplan.inputs import at_most
from trenza.readplan.schema import named


@named
@strawberry.input(description="How many things there have to be.")
class SegmentCountInput:
    """How many things there have to be."""

    operator: CountOperator = strawberry.field(description="How the number is compared.")
    number: int = strawberry.field(description="With which number: 0 to 1,000,000.")

    def read(self) -> Count:
        """The domain's count."""
        return Count(self.operator, self.number)


@named
@strawberry.input(description="A period: the last days, or between instants.")
class SegmentPeriodInput:
    """A period: the last days, or between instants."""

    last_days: int | None = strawberry.field(
        default=None,
        description="The last so many days, 1 to 3650, up to the instant that is asked about.",
    )
    since: datetime | None = strawberry.field(default=None, description="From this instant on.")
    until: datetime | None = strawberry.field(default=None, description="Before this instant.")


def _period(given: SegmentPeriodInput | None) -> Period:
    if given is None:
        return Period()
    return Period(given.last_days, given.since, given.until)


@named
@strawberry.input(description="A condition on a built-in field.")
class SegmentFieldConditionInput:
    """A condition on a built-in field."""

    field: SegmentField = strawberry.field(description="The field.")
    operator: SegmentOperator = strawberry.field(description="How it is compared.")
    values: list[str] | None = strawberry.field(
        default=None,
        description="One text for EQ, NEQ and CONTAINS; 1 to 100 for IN; none for the others.",
    )
    days: int | None = strawberry.field(
        default=None, description="How many days, for WITHIN_DAYS and BEFORE_DAYS."
    )

    def read(self) -> Condition:
        """The domain's condition."""
        values = tuple(self.values or ())
        return domain.FieldCondition(self.field, self.operator, values, self.days)


@named
@strawberry.input(
    description="A condition on a custom field. Give one value; none for EXISTS and ABSENT."
)
class SegmentCustomFieldConditionInput:
    """A condition on a custom field. Give one value; none for EXISTS and ABSENT."""

    key: str = strawberry.field(description="The key of the field.")
    operator: SegmentOperator = strawberry.field(description="How it is compared.")
    texts: list[str] | None = strawberry.field(
        default=None, description="One text, or 1 to 100 for IN."
    )
    number: float | None = strawberry.field(default=None, description="A number.")
    boolean: bool | None = strawberry.field(default=None, description="A truth value.")
    day: date | None = strawberry.field(default=None, description="A date.")

    def read(self) -> Condition:
        """The domain's condition."""
        number = None if self.number is None else float(self.number)
        return domain.CustomFieldCondition(
            self.key, self.operator, tuple(self.texts or ()), number, self.boolean, self.day
        )


@named
@strawberry.input(description="A condition on a tag.")
class SegmentTagConditionInput:
    """A condition on a tag."""

    tag: str = strawberry.field(description="The tag.")
    has: bool = strawberry.field(default=True, description="False: who does not have it.")

    def read(self) -> Condition:
        """The domain's condition."""
        return domain.TagCondition(self.tag, self.has)


@named
@strawberry.input(description="A condition on a channel.")
class SegmentChannelConditionInput:
    """A condition on a channel."""

    channel: ChannelKind = strawberry.field(description="The channel.")
    has: bool = strawberry.field(default=True, description="False: who is not known there.")

    def read(self) -> Condition:
        """The domain's condition."""
        return domain.ChannelCondition(self.channel, self.has)


@named
@strawberry.input(description="A condition on a grant of consent, in force when it is asked.")
class SegmentConsentConditionInput:
    """A condition on a grant of consent, in force when it is asked."""

    purpose: ConsentPurpose = strawberry.field(description="For what.")
    channel: ChannelKind | None = strawberry.field(
        default=None, description="By an address on this channel; on any when null."
    )
    has: bool = strawberry.field(
        default=True, description="False: who has not granted it, or not any more."
    )

    def read(self) -> Condition:
        """The domain's condition."""
        return domain.ConsentCondition(self.purpose, self.channel, self.has)


@named
@strawberry.input(description="A condition on a list.")
class SegmentListConditionInput:
    """A condition on a list."""

    list_id: strawberry.ID = strawberry.field(description="The list.")
    has: bool = strawberry.field(default=True, description="False: who is not in it.")

    def read(self) -> Condition:
        """The domain's condition."""
        return domain.ListCondition(self.list_id, self.has)


@named
@strawberry.input(description="A condition on how many interactions there were.")
class SegmentInteractionsConditionInput:
    """A condition on how many interactions there were."""

    count: SegmentCountInput = strawberry.field(description="How many.")
    period: SegmentPeriodInput | None = strawberry.field(
        default=None, description="When; ever when omitted."
    )
    kinds: list[InteractionKind] | None = strawberry.field(
        default=None, description="Of these kinds; of any when omitted."
    )
    channel: ChannelKind | None = strawberry.field(default=None, description="On this channel.")
    direction: Direction | None = strawberry.field(
        default=None, description="By the customer, or by the company."
    )

    def read(self) -> Condition:
        """The domain's condition."""
        return domain.InteractionsCondition(
            self.count.read(),
            _period(self.period),
            tuple(dict.fromkeys(self.kinds or ())),
            self.channel,
            self.direction,
        )


@named
@strawberry.input(description="A condition on how many sessions were opened.")
class SegmentSessionsConditionInput:
    """A condition on how many sessions were opened."""

    count: SegmentCountInput = strawberry.field(description="How many.")
    period: SegmentPeriodInput | None = strawberry.field(
        default=None, description="When; ever when omitted."
    )
    lane: SessionLane | None = strawberry.field(default=None, description="In this lane.")

    def read(self) -> Condition:
        """The domain's condition."""
        return domain.SessionsCondition(self.count.read(), _period(self.period), self.lane)


@named
@strawberry.input(description="A condition on the credits spent: debits less reversals.")
class SegmentSpendConditionInput:
    """A condition on the credits spent: debits less reversals."""

    count: SegmentCountInput = strawberry.field(description="How many.")
    period: SegmentPeriodInput | None = strawberry.field(
        default=None, description="When they count; ever when omitted."
    )

    def read(self) -> Condition:
        """The domain's condition."""
        return domain.SpendCondition(self.count.read(), _period(self.period))


@named
@strawberry.input(description="A condition on how many tickets are open.")
class SegmentTicketsConditionInput:
    """A condition on how many tickets are open."""

    count: SegmentCountInput = strawberry.field(description="How many.")

    def read(self) -> Condition:
        """The domain's condition."""
        return domain.TicketsCondition(self.count.read())


@named
@strawberry.input(description="A condition on a campaign.")
class SegmentCampaignConditionInput:
    """A condition on a campaign."""

    campaign_id: strawberry.ID = strawberry.field(description="The campaign.")
    has: bool = strawberry.field(default=True, description="False: whom it did not reach.")

    def read(self) -> Condition:
        """The domain's condition."""
        return domain.CampaignCondition(self.campaign_id, self.has)


@named
@strawberry.input(description="A condition on a journey.")
class SegmentJourneyConditionInput:
    """A condition on a journey."""

    journey_id: strawberry.ID = strawberry.field(description="The journey.")
    has: bool = strawberry.field(default=True, description="False: who was never enrolled in it.")

    def read(self) -> Condition:
        """The domain's condition."""
        return domain.JourneyCondition(self.journey_id, self.has)


@named
@strawberry.input(description="One condition: give exactly one of these kinds.")
class SegmentConditionInput:
    """One condition: give exactly one of these kinds."""

    field: SegmentFieldConditionInput | None = strawberry.field(
        default=None, description="On a built-in field."
    )
    custom_field: SegmentCustomFieldConditionInput | None = strawberry.field(
        default=None, description="On a custom field."
    )
    tag: SegmentTagConditionInput | None = strawberry.field(default=None, description="On a tag.")
    channel: SegmentChannelConditionInput | None = strawberry.field(
        default=None, description="On a channel."
    )
    consent: SegmentConsentConditionInput | None = strawberry.field(
        default=None, description="On consent."
    )
    list_: SegmentListConditionInput | None = strawberry.field(
        name="list", default=None, description="On a list."
    )
    interactions: SegmentInteractionsConditionInput | None = strawberry.field(
        default=None, description="On interactions."
    )
    sessions: SegmentSessionsConditionInput | None = strawberry.field(
        default=None, description="On sessions."
    )
    spend: SegmentSpendConditionInput | None = strawberry.field(
        default=None, description="On the credits spent."
    )
    tickets: SegmentTicketsConditionInput | None = strawberry.field(
        default=None, description="On open tickets."
    )
    campaign: SegmentCampaignConditionInput | None = strawberry.field(
        default=None, description="On a campaign."
    )
    journey: SegmentJourneyConditionInput | None = strawberry.field(
        default=None, description="On a journey."
    )

    def read(self, path: tuple[str, ...]) -> Condition:
        """The domain's condition; raises InvalidInput unless exactly one kind is given."""
        given = [each for each in vars(self).values() if each is not None]
        if len(given) != 1:
            kinds = ", ".join(map(domain.camel, KINDS))
            raise InvalidInput(f"give exactly one of {kinds}", path=path)
        condition: Condition = given[0].read()
        return condition


@named
@strawberry.input(description="Holds where all of its conditions hold.")
class SegmentGroupInput:
    """Holds where all of its conditions hold."""

    conditions: list[SegmentConditionInput] = strawberry.field(
        description="The conditions, 1 to 20.", metadata=at_most(CONDITIONS_MAX)
    )


@named
@strawberry.input(description="A contact belongs where any of the groups holds.")
class SegmentDefinitionInput:
    """A contact belongs where any of the groups holds."""

    groups: list[SegmentGroupInput] = strawberry.field(
        description="The groups, 1 to 10.", metadata=at_most(GROUPS_MAX)
    )

    def read(self, path: tuple[str, ...]) -> Definition:
        """The domain's definition, not checked yet; `path` is where it stands in the input."""
        return Definition(
            tuple(
                Group(
                    tuple(
                        each.read((*path, "groups", str(n), "conditions", str(m)))
                        for m, each in enumerate(group.conditions)
                    )
                )
                for n, group in enumerate(self.groups)
            )
        )
