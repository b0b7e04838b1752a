"""The contact and its identities."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import strawberry

from trenza.domain.access import Scope
from trenza.domain.channel import ChannelKind
from trenza.domain.contact import LifecycleStage, privacy_of
from trenza.domain.custom_field import read_tags
from trenza.domain.errors import InvalidInput
from trenza.domain.text import clean
from trenza.graphql.consent import (
    CONSENTS,
    IDENTITY_CONSENTS,
    MAY_CONTACT,
    find_consents,
    find_identity_consents,
)
from trenza.graphql.context import Context
from trenza.graphql.custom_field import (
    CONDITIONS_MAX,
    CUSTOM_FIELD,
    CUSTOM_FIELDS,
    CustomFieldFilter,
    custom_conditions,
    custom_order,
    permit_custom_fields,
)
from trenza.graphql.enums import ContactOrderField, OrderDirection
from trenza.graphql.interaction import LATEST_INTERACTIONS
from trenza.graphql.interactionz import LATEST_SESSIONS
from trenza.graphql.node import Node
from trenza.graphql.segment import segments_of
from trenza.graphql.ticket import OPEN
from trenza.graphql.timeline import TIMELINE_OF_CONTACT
from trenza.graphql.usage import COST_TO_SERVE
from trenza.readplan.fields import (
    Argument,
    Condition,
    Conditions,
    Order,
    column,
    connection,
    figure,
    many,
    one,
    past,
)
from trenza.readplan.inputs import at_most
from trenza.readplan.past import seen_at
from trenza.readplan.schema import Record, named, record
from trenza.storage.campaign import TOUCH
from trenza.storage.consent import BLOCK, CONSENT, in_force
from trenza.storage.contact import (
    CONTACT,
    IDENTITY,
    containing,
    has_name_like,
    is_on_channel,
)
from trenza.storage.contact import Contact as ContactTable
from trenza.storage.contact import ContactIdentity as IdentityTable
from trenza.storage.contact_as_of import contacts_at, identities_at, merged_at
from trenza.storage.contact_history import STAGE
from trenza.storage.contact_history import ContactStage as StageTable
from trenza.storage.contact_list import LIST, LIST_MEMBER, LIST_OF_MEMBER, in_list
from trenza.storage.custom_value import has_all_tags, has_any_tag
from trenza.storage.interaction import INTERACTION
from trenza.storage.journey import ENROLLMENT
from trenza.storage.ledger import LEDGER
from trenza.storage.merge import MERGE, PARTY, PARTY_OF_MERGE
from trenza.storage.session import SESSION, SESSION_OF_ENTRY, open_at
from trenza.storage.ticket import TICKET

if TYPE_CHECKING:
    from trenza.graphql.campaign import CampaignTouch
    from trenza.graphql.consent import Consent, ConsentEvent, ContactVerdict, DoNotContact
    from trenza.graphql.contact_list import ContactList
    from trenza.graphql.custom_field import CustomFieldValue
    from trenza.graphql.group import AgentGroup
    from trenza.graphql.interaction import Interaction
    from trenza.graphql.interactionz import InteractionzDebit, InteractionzSession
    from trenza.graphql.journey import JourneyEnrollment
    from trenza.graphql.merge import ContactMerge
    from trenza.graphql.seat import User
    from trenza.graphql.segment import Segment
    from trenza.graphql.ticket import Ticket
    from trenza.graphql.timeline import TimelineEntry
    from trenza.graphql.usage import ServingCost
    from trenza.readplan.connection import Connection


@record(IdentityTable)
class ContactIdentity(Record):
    """An address by which a contact is known on one channel."""

    channel: ChannelKind = column("The channel.")
    address: str = column("The address, normalised: a phone in E.164, an e-mail in lower case.")
    created_at: datetime = column("When the contact was first met here.")
    consents: list[Consent] = IDENTITY_CONSENTS


@record(StageTable)
class ContactStage(Node):
    """A stage in which a contact stood, or that it stood in none, and who brought it there."""

    stage: LifecycleStage | None = column("The stage; null where it stood in none.")
    from_at: datetime = column("From when.")
    until_at: datetime | None = column("Until when; null where it stands there now.")
    changed_by: User | None = one("The user who changed it; null for a key of no user.", "user_id")


@record(ContactTable)
class Contact(Node):
    """One person, with every channel identity, interaction, session and ticket.

    A merged contact keeps answering by its id, with `mergedInto`; what hangs from it is then found
    at the contact it was merged into.
    """

    display_name: str | None = column("The name to show.")
    first_name: str | None = column("Given name.")
    last_name: str | None = column("Family name.")
    birth_on: date | None = column("Date of birth.", privacy=privacy_of("birth_on"))
    language: str | None = column("The language the person speaks, such as `es`.")
    time_zone: str | None = column("The person's IANA time zone.", "zone")
    company: str | None = column("The company the person belongs to.")
    city: str | None = column("Where the person lives.")
    country: str | None = column("ISO 3166 alpha-2.")
    stage: LifecycleStage | None = column("Where the person stands in the life cycle.")
    origin: str | None = column("Where the contact came from.")
    department: str | None = column("The department in which the person works.")
    tags: list[str] = column("The tags, in the order in which they were added.")
    custom_fields: list[CustomFieldValue] = CUSTOM_FIELDS()
    custom_field: CustomFieldValue | None = CUSTOM_FIELD()
    assigned_user: User | None = one("The user who looks after the contact.", "assigned_user_id")
    assigned_group: AgentGroup | None = one(
        "The group that looks after the contact.", "assigned_group_id"
    )
    stage_history: Connection[ContactStage] = connection(
        "The stages in which the person stood and stands, latest first.",
        by=STAGE.c.contact_id,
        order=Order((STAGE.c.from_at,), descending=True),
    )
    created_at: datetime = column("When the contact was made.")
    updated_at: datetime = column("When a field of the contact last changed.")
    merged_into: Contact | None = one("The contact this one was merged into.", "merged_into_id")
    merged_at: datetime | None = column("When it was merged.")
    erased_at: datetime | None = column("When the person was erased; only this is left then.")
    identities: list[ContactIdentity] = many(
        "Every address by which the person is known.",
        by=IDENTITY.c.owner_id,
        order=Order((IDENTITY.c.channel, IDENTITY.c.address)),
    )
    interactions: Connection[Interaction] = connection(
        "What happened between the person and the company, latest first.",
        by=INTERACTION.c.owner_id,
        order=LATEST_INTERACTIONS,
    )
    sessions: Connection[InteractionzSession] = connection(
        "The person's current sessions, latest first.",
        by=SESSION.c.owner_id,
        order=LATEST_SESSIONS,
        where=SESSION.c.superseded_at.is_(None),
        arguments={
            "open_at": Argument(
                "datetime | None", "Only those open at this instant.", Condition(open_at)
            )
        },
    )
    debits: Connection[InteractionzDebit] = connection(
        "Every debit and reversal of the person's sessions, latest first.",
        by=SESSION.c.owner_id,
        via=SESSION_OF_ENTRY,
        order=Order((LEDGER.c.sequence,), descending=True),
    )
    tickets: Connection[Ticket] = connection(
        "The person's tickets, newest first.",
        by=TICKET.c.owner_id,
        order=Order((TICKET.c.number,), descending=True),
        arguments={"open": OPEN},
    )
    campaign_touches: Connection[CampaignTouch] = connection(
        "The campaigns that reached the person, latest first.",
        by=TOUCH.c.owner_id,
        order=Order((TOUCH.c.touched_at, TOUCH.c.id), descending=True),
    )
    journey_enrollments: Connection[JourneyEnrollment] = connection(
        "The journeys the person is or was in, latest first.",
        by=ENROLLMENT.c.owner_id,
        order=Order((ENROLLMENT.c.enrolled_at, ENROLLMENT.c.id), descending=True),
    )
    lists: Connection[ContactList] = connection(
        "The lists the person is in, newest first.",
        by=LIST_MEMBER.c.owner_id,
        via=LIST_OF_MEMBER,
        order=Order((LIST.c.created_at, LIST.c.id), descending=True),
    )
    segments: list[Segment] = figure(
        segments_of,
        "id",
        description=(
            "The segments that the person belongs to now, by name, but for those that ask about a "
            "field which the viewer may not see."
        ),
        scope=Scope.READ,
    )
    timeline: Connection[TimelineEntry] = TIMELINE_OF_CONTACT
    cost_to_serve: ServingCost = COST_TO_SERVE
    merged_from: list[Contact] = many(
        "The contacts that were merged into this one.",
        by=CONTACT.c.merged_into_id,
        order=Order((CONTACT.c.merged_at, CONTACT.c.id)),
    )
    consents: list[Consent] = CONSENTS
    consent_events: Connection[ConsentEvent] = connection(
        "Everything that was said about the person's consent, latest first.",
        by=CONSENT.c.owner_id,
        order=Order((CONSENT.c.occurred_at, CONSENT.c.id), descending=True),
    )
    do_not_contact: list[DoNotContact] = many(
        "What keeps the person from being contacted, the blocks that are over too.",
        by=BLOCK.c.owner_id,
        order=Order((BLOCK.c.starts_at, BLOCK.c.id)),
        arguments={
            "at": Argument(
                "datetime | None", "Only those that hold at this instant.", Condition(in_force)
            )
        },
    )
    may_contact: ContactVerdict = MAY_CONTACT
    merges: Connection[ContactMerge] = connection(
        "Every merge of this contact and into it, those undone too, latest first.",
        by=PARTY.c.id,
        via=PARTY_OF_MERGE,
        order=Order((MERGE.c.merged_at, MERGE.c.id), descending=True),
    )


@seen_at(identities_at)
class IdentityAsOf(ContactIdentity):
    """An identity that a contact had at an instant."""

    consents = figure(find_identity_consents, "owner_id", "channel", "address", "as_of")


@seen_at(contacts_at)
class ContactAsOf(Contact):
    """A contact as it was at an instant; what is not said here is as it is now."""

    merged_into = past(contacts_at, "ContactAsOf", by="id", key="merged_into_id")
    merged_from = past(merged_at, "ContactAsOf", by="merged_into_id", order=("merged_at", "id"))
    identities = past(identities_at, "IdentityAsOf", by="owner_id", order=("channel", "address"))
    consents = figure(find_consents, "id", "as_of")


AS_IT_WAS = Argument(
    "datetime | None",
    "The contact as it was at this instant, by what was known then; now when omitted. Of then are "
    "its fields, tags and custom fields, whom it was assigned to, its identities, `mergedInto`, "
    "`mergedAt`, `mergedFrom`, and its consents, judged at this instant unless another is given. "
    "Everything else is as it is now. What was erased since is empty. Null "
    "before the contact was made; an instant to come is refused.",
)


def permit_as_of(operation: Context, given: Mapping[str, Any]) -> None:
    """Refuses a contact as it will be; raises InvalidInput."""
    at = given.get("at")
    if at is not None and at > operation.now:
        raise InvalidInput("what a contact will be is not known yet", path=("at",))


@named
@strawberry.input(description="Which contacts; every condition given must hold.")
class ContactFilter:
    """Which contacts; every condition given must hold."""

    stage: LifecycleStage | None = strawberry.field(
        default=None, description="Stands in this stage."
    )
    channel: ChannelKind | None = strawberry.field(
        default=None, description="Is known on this channel."
    )
    country: str | None = strawberry.field(default=None, description="ISO 3166 alpha-2.")
    company: str | None = strawberry.field(default=None, description="Belongs to this company.")
    department: str | None = strawberry.field(default=None, description="Works in this department.")
    assigned_user_id: strawberry.ID | None = strawberry.field(
        default=None, description="Is looked after by this user."
    )
    assigned_group_id: strawberry.ID | None = strawberry.field(
        default=None, description="Is looked after by this group."
    )
    has_all_tags: list[str] | None = strawberry.field(
        default=None, description="Has every one of these tags, written like this."
    )
    has_any_tag: list[str] | None = strawberry.field(
        default=None, description="Has one of these tags, written like this."
    )
    custom_fields: list[CustomFieldFilter] | None = strawberry.field(
        default=None,
        description="Meets all of these conditions on custom fields, at most 20.",
        metadata=at_most(CONDITIONS_MAX),
    )
    name_contains: str | None = strawberry.field(
        default=None, description="A part of the name; neither case nor accents matter."
    )
    list_id: strawberry.ID | None = strawberry.field(default=None, description="Is in this list.")
    created_from: datetime | None = strawberry.field(
        default=None, description="Made at this instant or later."
    )
    created_before: datetime | None = strawberry.field(
        default=None, description="Made before this instant."
    )


@named
@strawberry.input(description="The order of contacts.")
class ContactOrder:
    """The order of contacts."""

    field: ContactOrderField = strawberry.field(description="By what.")
    key: str | None = strawberry.field(
        default=None, description="The key of the custom field, for CUSTOM_FIELD."
    )
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.ASC, description="Which way."
    )

    @property
    def is_descending(self) -> bool:
        """Whether the latest come first."""
        return self.direction is OrderDirection.DESC


CONTACT_FILTERS = {
    "stage": Condition(lambda stage: CONTACT.c.stage == stage),
    "channel": Condition(is_on_channel),
    "country": Condition(
        lambda country: CONTACT.c.country == country,
        lambda given: clean(given, ("filter", "country"), 2),
    ),
    "company": Condition(
        lambda company: CONTACT.c.company == company,
        lambda given: clean(given, ("filter", "company"), 200),
    ),
    "department": Condition(
        lambda department: CONTACT.c.department == department,
        lambda given: clean(given, ("filter", "department"), 200),
    ),
    "assigned_user_id": Condition(lambda user_id: CONTACT.c.assigned_user_id == user_id),
    "assigned_group_id": Condition(lambda group_id: CONTACT.c.assigned_group_id == group_id),
    "has_all_tags": Condition(
        has_all_tags, lambda given: json.dumps(read_tags(given, ("filter", "hasAllTags")))
    ),
    "has_any_tag": Condition(
        has_any_tag, lambda given: json.dumps(read_tags(given, ("filter", "hasAnyTag")))
    ),
    "custom_fields": Conditions(custom_conditions),
    "name_contains": Condition(
        has_name_like, lambda given: containing(clean(given, ("filter", "nameContains"), 200))
    ),
    "list_id": Condition(in_list(CONTACT)),
    "created_from": Condition(lambda at: CONTACT.c.created_at >= at),
    "created_before": Condition(lambda at: CONTACT.c.created_at < at),
}
CONTACT_ORDERS = {
    ContactOrderField.CREATED_AT: (CONTACT.c.created_at, CONTACT.c.id),
    ContactOrderField.UPDATED_AT: (CONTACT.c.updated_at, CONTACT.c.id),
    ContactOrderField.CUSTOM_FIELD: custom_order,
}


def permit_contacts(operation: Context, given: Mapping[str, Any]) -> Awaitable[None] | None:
    """Refuses a list of contacts that would tell of fields which the key does not see."""
    filter_, order = given.get("filter"), given.get("order_by")
    conditions = (filter_.custom_fields if filter_ is not None else None) or ()
    key = None if order is None else order.key
    if order is not None and key is not None and order.field is not ContactOrderField.CUSTOM_FIELD:
        raise InvalidInput("`key` goes with CUSTOM_FIELD", path=("orderBy", "key"))
    if not conditions and key is None:
        return None
    return permit_custom_fields(operation, conditions, key)


@named
@strawberry.input(description="An address on a channel.")
class IdentityInput:
    """An address on a channel."""

    channel: ChannelKind = strawberry.field(description="The channel.")
    address: str = strawberry.field(
        description="Phones with country code; e-mails; the provider's id on the other channels."
    )
