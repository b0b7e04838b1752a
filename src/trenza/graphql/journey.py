"""Journeys and the contacts in them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from trenza.domain.contact import LifecycleStage
from trenza.graphql.interaction import LATEST_INTERACTIONS
from trenza.graphql.node import Node
from trenza.readplan.fields import Order, column, connection, one
from trenza.readplan.schema import record
from trenza.storage.interaction import INTERACTION
from trenza.storage.journey import ENROLLMENT
from trenza.storage.journey import Journey as JourneyTable
from trenza.storage.journey import JourneyEnrollment as EnrollmentTable

if TYPE_CHECKING:
    from trenza.graphql.contact import Contact
    from trenza.graphql.interaction import Interaction
    from trenza.readplan.connection import Connection


@record(JourneyTable)
class Journey(Node):
    """An automation that accompanies contacts from attraction to after-sales."""

    name: str = column("The name.")
    stage: LifecycleStage = column("The stage of the life cycle it serves.")
    created_at: datetime = column("When it was made.")
    enrollments: Connection[JourneyEnrollment] = connection(
        "The contacts in it, latest first.",
        by=ENROLLMENT.c.journey_id,
        order=Order((ENROLLMENT.c.enrolled_at, ENROLLMENT.c.id), descending=True),
    )
    interactions: Connection[Interaction] = connection(
        "Its sends and what came of them, latest first.",
        by=INTERACTION.c.journey_id,
        order=LATEST_INTERACTIONS,
    )


@record(EnrollmentTable)
class JourneyEnrollment(Node):
    """A contact's way through a journey."""

    enrolled_at: datetime = column("When the first interaction named the journey.")
    journey: Journey = one("The journey.", "journey_id")
    contact: Contact = one("The person.", "owner_id")
