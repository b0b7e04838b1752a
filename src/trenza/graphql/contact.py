"""The contact and its identities."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import strawberry

from trenza.domain.channel import ChannelKind
from trenza.domain.contact import LifecycleStage
from trenza.domain.text import clean
from trenza.graphql.enums import ContactOrderField, OrderDirection
from trenza.graphql.node import Node
from trenza.graphql.ticket import OPEN
from trenza.graphql.timeline import TIMELINE_OF_CONTACT
from trenza.readplan.fields import Argument, Condition, Order, column, connection, many, one
from trenza.readplan.schema import Record, named, record
from trenza.storage.campaign import TOUCH
from trenza.storage.contact import (
    CONTACT,
    IDENTITY,
    containing,
    has_name_like,
    is_on_channel,
)
from trenza.storage.contact import Contact as ContactTable
from trenza.storage.contact import ContactIdentity as IdentityTable
from trenza.storage.interaction import INTERACTION
from trenza.storage.journey import ENROLLMENT
from trenza.storage.ledger import LEDGER
from trenza.storage.merge import MERGE, PARTY, PARTY_OF_MERGE
from trenza.storage.session import SESSION, SESSION_OF_ENTRY, open_at
from trenza.storage.ticket import TICKET

if TYPE_CHECKING:
    from trenza.graphql.campaign import CampaignTouch
    from trenza.graphql.interaction import Interaction
    from trenza.graphql.interactionz import InteractionzDebit, InteractionzSession
    from trenza.graphql.journey import JourneyEnrollment
    from trenza.graphql.merge import ContactMerge
    from trenza.graphql.ticket import Ticket
    from trenza.graphql.timeline import TimelineEntry
    from trenza.readplan.connection import Connection


@record(IdentityTable)
class ContactIdentity(Record):
    """An address by which a contact is known on one channel."""

    channel: ChannelKind = column("The channel.")
    address: str = column("The address, normalised: a phone in E.164, an e-mail in lower case.")
    created_at: datetime = column("When the contact was first met here.")


@record(ContactTable)
class Contact(Node):
    """One person, with every channel identity, interaction, session and ticket.

    A merged contact keeps answering by its id, with `mergedInto`; what hangs from it is then found
    at the contact it was merged into.
    """

    display_name: str | None = column("The name to show.")
    first_name: str | None = column("Given name.")
    last_name: str | None = column("Family name.")
    birth_on: date | None = column("Date of birth.")
    language: str | None = column("The language the person speaks, such as `es`.")
    time_zone: str | None = column("The person's IANA time zone.", "zone")
    company: str | None = column("The company the person belongs to.")
    city: str | None = column("Where the person lives.")
    country: str | None = column("ISO 3166 alpha-2.")
    stage: LifecycleStage | None = column("Where the person stands in the life cycle.")
    origin: str | None = column("Where the contact came from.")
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
        order=Order((INTERACTION.c.position,), descending=True),
    )
    sessions: Connection[InteractionzSession] = connection(
        "The person's current sessions, latest first.",
        by=SESSION.c.owner_id,
        order=Order((SESSION.c.opened_position,), descending=True),
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
    timeline: Connection[TimelineEntry] = TIMELINE_OF_CONTACT
    merged_from: list[Contact] = many(
        "The contacts that were merged into this one.",
        by=CONTACT.c.merged_into_id,
        order=Order((CONTACT.c.merged_at, CONTACT.c.id)),
    )
    merges: Connection[ContactMerge] = connection(
        "Every merge of this contact and into it, those undone too, latest first.",
        by=PARTY.c.id,
        via=PARTY_OF_MERGE,
        order=Order((MERGE.c.merged_at, MERGE.c.id), descending=True),
    )


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
    name_contains: str | None = strawberry.field(
        default=None, description="A part of the name; neither case nor accents matter."
    )
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
    "name_contains": Condition(
        has_name_like, lambda given: containing(clean(given, ("filter", "nameContains"), 200))
    ),
    "created_from": Condition(lambda at: CONTACT.c.created_at >= at),
    "created_before": Condition(lambda at: CONTACT.c.created_at < at),
}
CONTACT_ORDERS = {
    ContactOrderField.CREATED_AT: (CONTACT.c.created_at, CONTACT.c.id),
    ContactOrderField.UPDATED_AT: (CONTACT.c.updated_at, CONTACT.c.id),
}


@named
@strawberry.input(description="An address on a channel.")
class IdentityInput:
    """An address on a channel."""

    channel: ChannelKind = strawberry.field(description="The channel.")
    address: str = strawberry.field(
        description="Phones with country code; e-mails; the provider's id on the other channels."
    )
