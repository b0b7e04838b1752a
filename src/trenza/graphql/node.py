"""Relay nodes: whatever has an id of its own can be asked for by it."""

from __future__ import annotations

from typing import Any

import strawberry

from trenza.domain.access import Scope
from trenza.domain.ids import Prefix, parse_id
from trenza.readplan.fields import column
from trenza.readplan.schema import NAMESPACE, DeclaredField, Record, named, view

NODE_TYPES = {
    Prefix.WORKSPACE: "Workspace",
    Prefix.CONTACT: "Contact",
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
}


@named
@strawberry.interface(description="Whatever has an id of its own.")
class Node(Record):
    """Whatever has an id of its own."""

    id: Any = DeclaredField("id", "ID", column("The global id, opaque and stable."))
    del __annotations__["id"]


async def find_node(info: Any, id: str) -> Any:
    """The node under an id; nothing for an id that is foreign, absent or malformed."""
    info.context.viewer.require(Scope.READ)
    try:
        prefix, _ = parse_id(id)
    except ValueError:
        return None
    cls = NAMESPACE.get(NODE_TYPES.get(prefix, ""))
    if cls is None:
        return None
    column_name = "workspace_id" if prefix is Prefix.WORKSPACE else "id"
    row = await info.context.reader.one(cls.table, column_name, id)
    return None if row is None else view(cls, row)
