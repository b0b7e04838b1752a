"""Relay nodes: whatever has an id of its own can be asked for by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trenza.domain.ids import Prefix
from trenza.readplan.fields import column
from trenza.readplan.schema import Record, record

if TYPE_CHECKING:
    from strawberry import ID

NODE_TYPES = {
    Prefix.WORKSPACE: "Workspace",
    Prefix.CONTACT: "Contact",
    Prefix.STAGE: "ContactStage",
    Prefix.MERGE: "ContactMerge",
    Prefix.INTERACTION: "Interaction",
    Prefix.SESSION: "InteractionzSession",
    Prefix.DEBIT: "InteractionzDebit",
    Prefix.GRANT: "InteractionzGrant",
    Prefix.CAMPAIGN: "Campaign",
    Prefix.CAMPAIGN_TOUCH: "CampaignTouch",
    Prefix.JOURNEY: "Journey",
    Prefix.JOURNEY_ENROLLMENT: "JourneyEnrollment",
    Prefix.TICKET: "Ticket",
    Prefix.USER: "User",
    Prefix.LIST: "ContactList",
    Prefix.SEGMENT: "Segment",
    Prefix.GROUP: "AgentGroup",
}


@record(interface=True)
class Node(Record):
    """Whatever has an id of its own."""

    id: ID = column("The global id, opaque and stable.")
