"""The timeline of a contact."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from trenza.domain.timeline import TimelineKind
from trenza.readplan.fields import Argument, Condition, Order, column, connection, one
from trenza.readplan.schema import Record, record
from trenza.storage.timeline import TIMELINE, entries_of, is_of, listed, reference_to
from trenza.storage.timeline import TimelineEntry as TimelineTable

if TYPE_CHECKING:
    from strawberry import ID

    from trenza.graphql.campaign import CampaignTouch
    from trenza.graphql.consent import ConsentEvent
    from trenza.graphql.contact import ContactStage
    from trenza.graphql.interaction import Interaction
    from trenza.graphql.interactionz import InteractionzDebit, InteractionzSession
    from trenza.graphql.journey import JourneyEnrollment
    from trenza.graphql.merge import ContactMerge
    from trenza.graphql.ticket import Ticket


@record(TimelineTable)
class TimelineEntry(Record):
    """One thing that happened to a contact; the field of its kind has the whole of it."""

    id: ID = column("The id of what it tells of.")
    kind: TimelineKind = column("What it tells of.")
    at: datetime = column("When it happened; a debit, when it was recorded.")
    interaction: Interaction | None = one(
        "The interaction.", reference_to(TimelineKind.INTERACTION)
    )
    session: InteractionzSession | None = one(
        "The session that was opened.", reference_to(TimelineKind.SESSION)
    )
    debit: InteractionzDebit | None = one(
        "The debit or reversal.", reference_to(TimelineKind.DEBIT)
    )
    ticket: Ticket | None = one("The ticket that was opened.", reference_to(TimelineKind.TICKET))
    campaign_touch: CampaignTouch | None = one(
        "The campaign's touch.", reference_to(TimelineKind.CAMPAIGN_TOUCH)
    )
    journey_enrollment: JourneyEnrollment | None = one(
        "The entry into a journey.", reference_to(TimelineKind.JOURNEY_ENROLLMENT)
    )
    consent_event: ConsentEvent | None = one(
        "What was said about consent.", reference_to(TimelineKind.CONSENT_EVENT)
    )
    stage: ContactStage | None = one(
        "The stage that the person came into.", reference_to(TimelineKind.STAGE)
    )
    merge: ContactMerge | None = one(
        "The merge that was done, or that was undone.", reference_to(TimelineKind.MERGE)
    )


TIMELINE_OF_CONTACT = connection(
    "Everything that happened to the person, of whatever kind, latest first.",
    by=TIMELINE.c.owner_id,
    rows=entries_of,
    order=Order((TIMELINE.c.at, TIMELINE.c.id), descending=True),
    arguments={
        "kinds": Argument(
            "list[TimelineKind] | None", "Only these kinds.", Condition(is_of, listed)
        ),
        "from_": Argument(
            "datetime | None",
            "Only what happened at this instant or later.",
            Condition(lambda at: TIMELINE.c.at >= at),
        ),
        "to": Argument(
            "datetime | None",
            "Only what happened before this instant.",
            Condition(lambda at: TIMELINE.c.at < at),
        ),
    },
)
