"""Campaigns and the contacts they reached."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from trenza.domain.channel import ChannelKind
from trenza.graphql.interaction import LATEST_INTERACTIONS
from trenza.graphql.node import Node
from trenza.readplan.fields import Order, column, connection, one
from trenza.readplan.schema import record
from trenza.storage.campaign import TOUCH
from trenza.storage.campaign import Campaign as CampaignTable
from trenza.storage.campaign import CampaignTouch as TouchTable
from trenza.storage.interaction import INTERACTION

if TYPE_CHECKING:
    from trenza.graphql.contact import Contact
    from trenza.graphql.interaction import Interaction
    from trenza.readplan.connection import Connection


@record(CampaignTable)
class Campaign(Node):
    """A mass send. It costs no Interactionz; the replies to it may."""

    name: str = column("The name.")
    objective: str | None = column("What it is for.")
    channel: ChannelKind = column("The channel it is sent on.")
    created_at: datetime = column("When it was made.")
    touches: Connection[CampaignTouch] = connection(
        "The contacts it reached, latest first.",
        by=TOUCH.c.campaign_id,
        order=Order((TOUCH.c.touched_at, TOUCH.c.id), descending=True),
    )
    interactions: Connection[Interaction] = connection(
        "Its sends and what came of them, latest first.",
        by=INTERACTION.c.campaign_id,
        order=LATEST_INTERACTIONS,
    )


@record(TouchTable)
class CampaignTouch(Node):
    """The first send of a campaign to a contact."""

    channel: ChannelKind = column("Where.")
    touched_at: datetime = column("When.")
    campaign: Campaign = one("The campaign.", "campaign_id")
    contact: Contact = one("The person.", "owner_id")
