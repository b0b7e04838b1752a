"""Segments: what they ask, who belongs to them, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from trenza.domain.channel import ChannelKind
from trenza.domain.consent import ConsentPurpose
from trenza.domain.interaction import InteractionKind, Language, SessionLane
from trenza.domain.segment import (
    KIND_NAMES,
    KINDS,
    Condition,
    CountOperator,
    Definition,
    Direction,
    Period,
    SegmentField,
    SegmentOperator,
    definition_of,
    document_of,
)
from trenza.domain.segment_check import checked
from trenza.domain.segment_sentences import explain_condition
from trenza.graphql.language import TOLD_IN
from trenza.graphql.membership import MEMBERS
from trenza.graphql.node import Node
from trenza.readplan.connection import FoundKeys, Window
from trenza.readplan.fields import Argument, column, computed, figure, found, part
from trenza.readplan.reader import Row
from trenza.readplan.schema import Record, record
from trenza.storage.segment import Explained
from trenza.storage.segment import Segment as SegmentTable

if TYPE_CHECKING:
    from strawberry import ID

    from trenza.graphql.contact import Contact
    from trenza.graphql.context import Context
    from trenza.graphql.segment_input import SegmentDefinitionInput
    from trenza.readplan.connection import Connection

AT = Argument("datetime | None", "From when relative periods count back; now when omitted.")
Document = Mapping[str, Any]


@record()
class SegmentCount(Record):
    """How many things there have to be."""

    operator: CountOperator = column("How the number is compared.")
    number: int = column("With which number.")


@record()
class SegmentPeriod(Record):
    """A period: the last days, or between instants; open where nothing is said."""

    last_days: int | None = column("The last so many days, up to the instant that is asked about.")
    since: datetime | None = column("From this instant on.")
    until: datetime | None = column("Before this instant.")


@record()
class SegmentFieldCondition(Record):
    """A condition on a built-in field."""

    field: SegmentField = column("The field.")
    operator: SegmentOperator = column("How it is compared.")
    values: list[str] = column("With which texts.")
    days: int | None = column("How many days, for WITHIN_DAYS and BEFORE_DAYS.")


@record()
class SegmentCustomFieldCondition(Record):
    """A condition on a custom field, by the type of the value that is given."""

    key: str = column("The key of the field.")
    operator: SegmentOperator = column("How it is compared.")
    texts: list[str] = column("With which texts.")
    number: float | None = column("With which number.")
    boolean: bool | None = column("With which truth value.")
    day: date | None = column("With which date.")


@record()
class SegmentTagCondition(Record):
    """A condition on a tag."""

    tag: str = column("The tag.")
    has: bool = column("False: who does not have it.")


@record()
class SegmentChannelCondition(Record):
    """A condition on a channel."""

    channel: ChannelKind = column("The channel.")
    has: bool = column("False: who is not known there.")


@record()
class SegmentConsentCondition(Record):
    """A condition on a grant of consent, in force at the instant that is asked about."""

    purpose: ConsentPurpose = column("For what.")
    channel: ChannelKind | None = column("By an address on this channel; on any when null.")
    has: bool = column("False: who has not granted it, or not any more.")


@record()
class SegmentListCondition(Record):
    """A condition on a list."""

    list_id: ID = column("The list.")
    has: bool = column("False: who is not in it.")


@record()
class SegmentInteractionsCondition(Record):
    """A condition on how many interactions there were; retracted ones do not count."""

    count: SegmentCount = part("How many.", "count")
    period: SegmentPeriod | None = part("When; ever when null.", "period")
    kinds: list[InteractionKind] = column("Of these kinds; of any when empty.")
    channel: ChannelKind | None = column("On this channel.")
    direction: Direction | None = column("By the customer, or by the company.")


@record()
class SegmentSessionsCondition(Record):
    """A condition on how many sessions were opened."""

    count: SegmentCount = part("How many.", "count")
    period: SegmentPeriod | None = part("When; ever when null.", "period")
    lane: SessionLane | None = column("In this lane.")


@record()
class SegmentSpendCondition(Record):
    """A condition on the credits spent: debits less reversals."""

    count: SegmentCount = part("How many.", "count")
    period: SegmentPeriod | None = part("When they count; ever when null.", "period")


@record()
class SegmentTicketsCondition(Record):
    """A condition on how many tickets are open."""

    count: SegmentCount = part("How many.", "count")


@record()
class SegmentCampaignCondition(Record):
    """A condition on a campaign."""

    campaign_id: ID = column("The campaign.")
    has: bool = column("False: whom it did not reach.")


@record()
class SegmentJourneyCondition(Record):
    """A condition on a journey."""

    journey_id: ID = column("The journey.")
    has: bool = column("False: who was never enrolled in it.")


@record()
class SegmentCondition(Record):
    """One condition, of exactly one of these kinds."""

    field: SegmentFieldCondition | None = part("On a built-in field.", "field")
    custom_field: SegmentCustomFieldCondition | None = part("On a custom field.", "custom_field")
    tag: SegmentTagCondition | None = part("On a tag.", "tag")
    channel: SegmentChannelCondition | None = part("On a channel.", "channel")
    consent: SegmentConsentCondition | None = part("On consent.", "consent")
    list_: SegmentListCondition | None = part("On a list.", "list")
    interactions: SegmentInteractionsCondition | None = part("On interactions.", "interactions")
    sessions: SegmentSessionsCondition | None = part("On sessions.", "sessions")
    spend: SegmentSpendCondition | None = part("On the credits spent.", "spend")
    tickets: SegmentTicketsCondition | None = part("On open tickets.", "tickets")
    campaign: SegmentCampaignCondition | None = part("On a campaign.", "campaign")
    journey: SegmentJourneyCondition | None = part("On a journey.", "journey")


@record()
class SegmentGroup(Record):
    """Holds where all of its conditions hold."""

    conditions: list[SegmentCondition] = part("The conditions.", "conditions")


@record()
class SegmentDefinition(Record):
    """A contact belongs where any of the groups holds. Shaped as its input."""

    groups: list[SegmentGroup] = part("The groups.", "groups")


def told_condition(condition: Condition, name: str | None, language: Language) -> str:
    """What the condition asks, in words."""
    return explain_condition(condition, language, name)


@record()
class SegmentConditionExplanation(Record):
    """Whether one condition holds for a contact."""

    holds: bool = column("Whether it holds.")
    sentence: str = computed(told_condition, "condition", "name", arguments={"language": TOLD_IN})


@record()
class SegmentGroupExplanation(Record):
    """Whether a group holds for a contact: whether all of its conditions do."""

    holds: bool = column("Whether it holds.")
    conditions: list[SegmentConditionExplanation] = part("Condition by condition.", "conditions")


@record()
class SegmentExplanation(Record):
    """Why a contact belongs to a segment, or why not."""

    is_member: bool = column("Whether any of the groups holds; never for an erased contact.")
    groups: list[SegmentGroupExplanation] = part("Group by group.", "groups")


def find_definition(_: Context, definition: Document) -> Row:
    """What the segment asks."""
    said = definition_of(definition)
    groups = (
        [_condition_row(condition) for condition in group.conditions] for group in said.groups
    )
    return {"groups": [{"conditions": rows} for rows in groups]}


def _condition_row(condition: Condition) -> Row:
    return {**dict.fromkeys(KINDS), KIND_NAMES[type(condition)]: _row(condition)}


def _row(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if not is_dataclass(value):
        return value
    if value == Period():
        return None
    return {each.name: _row(getattr(value, each.name)) for each in fields(value)}


async def count_segment(operation: Context, definition: Document, at: datetime | None) -> int:
    """How many members there are."""
    return await operation.membership.count(definition_of(definition), at)


async def find_members(
    operation: Context, window: Window, definition: Document, at: datetime | None
) -> FoundKeys:
    """A page of the members."""
    return await operation.membership.page(definition_of(definition), at, window)


async def explain_membership(
    operation: Context, definition: Document, contact_id: str, at: datetime | None
) -> Row | None:
    """Which conditions hold for a contact."""
    said = definition_of(definition)
    explained = await operation.membership.explain(said, at, contact_id)
    return None if explained is None else _explanation_row(said, explained)


def _explanation_row(definition: Definition, explained: Explained) -> Row:
    conditions = [
        {"condition": condition, "name": name, "holds": holds}
        for (_, condition), name, holds in zip(
            definition.conditions(), explained.names, explained.holds, strict=True
        )
    ]
    groups: list[Row] = []
    for group in definition.groups:
        own, conditions = (
            conditions[: len(group.conditions)],
            conditions[len(group.conditions) :],
        )
        groups.append({"conditions": own, "holds": all(each["holds"] for each in own)})
    is_member = explained.is_live and any(group["holds"] for group in groups)
    return {"is_member": is_member, "groups": groups}


DEFINITION = figure(find_definition, "definition", description="What it asks.")
COUNT = figure(
    count_segment,
    "definition",
    description=(
        "How many belong to it; null with an error for a viewer who may not see a field it asks "
        "about."
    ),
    arguments={"at": AT},
)
MEMBERSHIP = found(
    "Who belongs to it, newest first; null with an error for a viewer who may not see a field it "
    "asks about. Merged and erased contacts never do.",
    function=find_members,
    count=count_segment,
    order=MEMBERS,
    needs=("definition",),
    arguments={"at": AT},
)
EXPLANATION = figure(
    explain_membership,
    "definition",
    description=(
        "Which conditions hold for a contact, or for what it was merged into; null where the "
        "workspace has none of that id."
    ),
    arguments={"contact_id": Argument("ID", "The contact."), "at": AT},
)


@record(SegmentTable)
class Segment(Node):
    """Whoever matches a definition, at whatever moment it is asked."""

    name: str = column("The name.")
    definition: SegmentDefinition = DEFINITION
    created_at: datetime = column("When it was made.")
    updated_at: datetime = column("When its name or definition last changed.")
    count: int | None = COUNT
    members: Connection[Contact] | None = MEMBERSHIP
    explain: SegmentExplanation | None = EXPLANATION


@record()
class SegmentPreview(Record):
    """A definition that is not kept, asked as a segment is."""

    definition: SegmentDefinition = DEFINITION
    count: int | None = COUNT
    members: Connection[Contact] | None = MEMBERSHIP
    explain: SegmentExplanation | None = EXPLANATION


async def preview_segment(operation: Context, definition: SegmentDefinitionInput) -> Row:
    """A definition as it would be kept."""
    path = ("definition",)
    said = checked(definition.read(path), path)
    await operation.membership.require_usable(said, path)
    return {"definition": document_of(said)}


async def segments_of(operation: Context, id: str) -> list[Row]:
    """The segments that hold for a contact now."""
    return await operation.membership.segments_of(id)
