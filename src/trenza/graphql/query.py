"""Where a query begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trenza.channels.address import normalise_address
from trenza.domain.access import Scope
from trenza.domain.channel import ChannelKind
from trenza.domain.ids import Prefix
from trenza.graphql.contact import (
    AS_IT_WAS,
    CONTACT_FILTERS,
    CONTACT_ORDERS,
    permit_as_of,
    permit_contacts,
)
from trenza.graphql.node import NODE_TYPES
from trenza.graphql.segment import preview_segment
from trenza.graphql.ticket import OPEN
from trenza.readplan.fields import (
    Argument,
    Order,
    by_id,
    by_ids,
    column,
    connection,
    figure,
    lookup,
    one,
    part,
)
from trenza.readplan.schema import Record, record
from trenza.storage.campaign import CAMPAIGN
from trenza.storage.contact import CONTACT, has_address
from trenza.storage.contact_list import LIST
from trenza.storage.journey import JOURNEY
from trenza.storage.segment import SEGMENT
from trenza.storage.segment_condition import IS_LIVE
from trenza.storage.ticket import TICKET

if TYPE_CHECKING:
    from strawberry import ID

    from trenza.domain.access import Role
    from trenza.graphql.campaign import Campaign
    from trenza.graphql.contact import Contact
    from trenza.graphql.contact_list import ContactList
    from trenza.graphql.journey import Journey
    from trenza.graphql.node import Node
    from trenza.graphql.seat import User
    from trenza.graphql.segment import Segment, SegmentPreview
    from trenza.graphql.ticket import Ticket
    from trenza.graphql.workspace import Workspace
    from trenza.readplan.connection import Connection

NODES_MAX = 100


@record()
class Viewer(Record):
    """Who asks: the key, its workspace, its user if it has one, and what it may do."""

    key_id: ID = column("The id of the API key.")
    name: str = column("The name of the API key.")
    scopes: list[Scope] = column(
        "What it may be used for: of a user's key, the scopes that the user's role has too."
    )
    user: User | None = one("The user that the key is bound to; null for a service's.", "user_id")
    role: Role | None = column("The user's role; null for a service's key.")
    permissions: list[str] = column(
        "What it may do: names of mutations, and `read` and `apiKeys` for what they name."
    )
    workspace: Workspace = one(
        "The one workspace that the key belongs to.", "workspace_id", to="workspace_id"
    )


def normalised(channel: ChannelKind, address: str) -> dict[str, Any]:
    """An address as it is stored; WhatsApp, SMS and RCS share the phone number."""
    wanted = normalise_address(channel, address)
    return {"space": wanted.space, "address": wanted.value}


@record()
class Query(Record):
    """Where a query begins."""

    contacts: Connection[Contact] = connection(
        "The contacts, newest first. Merged ones are found at the contact they became; erased ones "
        "only by their ids.",
        order=Order((CONTACT.c.created_at, CONTACT.c.id), descending=True),
        where=IS_LIVE,
        filters=CONTACT_FILTERS,
        orders=CONTACT_ORDERS,
        check=permit_contacts,
    )
    campaigns: Connection[Campaign] = connection(
        "The campaigns, newest first.",
        order=Order((CAMPAIGN.c.created_at, CAMPAIGN.c.id), descending=True),
    )
    journeys: Connection[Journey] = connection(
        "The journeys, newest first.",
        order=Order((JOURNEY.c.created_at, JOURNEY.c.id), descending=True),
    )
    tickets: Connection[Ticket] = connection(
        "The tickets, newest first.",
        order=Order((TICKET.c.number,), descending=True),
        arguments={"open": OPEN},
    )
    lists: Connection[ContactList] = connection(
        "The lists of contacts, newest first.",
        order=Order((LIST.c.created_at, LIST.c.id), descending=True),
    )
    segments: Connection[Segment] = connection(
        "The segments, newest first.",
        order=Order((SEGMENT.c.created_at, SEGMENT.c.id), descending=True),
    )
    viewer: Viewer = part("Who asks.")
    workspace: Workspace = one("The workspace of the key.", "workspace_id", to="workspace_id")
    contact: Contact | None = by_id(
        "A contact by id; null where the workspace has none.",
        {Prefix.CONTACT: "Contact"},
        at=AS_IT_WAS,
        seen_as={"Contact": "ContactAsOf"},
        check=permit_as_of,
    )
    list_: ContactList | None = by_id(
        "A list by id; null where the workspace has none.", {Prefix.LIST: "ContactList"}
    )
    segment: Segment | None = by_id(
        "A segment by id; null where the workspace has none.", {Prefix.SEGMENT: "Segment"}
    )
    preview_segment: SegmentPreview = figure(
        preview_segment,
        description="What a definition would find, without keeping it.",
        arguments={"definition": Argument("SegmentDefinitionInput", "The definition.")},
        scope=Scope.READ,
    )
    contact_by_identity: Contact | None = lookup(
        "The contact that is known by an address; null where none is.",
        prepare=normalised,
        where=has_address,
        arguments={
            "channel": Argument("ChannelKind", "The channel."),
            "address": Argument("str", "The address, as people write it."),
        },
    )
    node: Node | None = by_id("Whatever has the id; null where the workspace has none.", NODE_TYPES)
    nodes: list[Node | None] = by_ids(
        "Whatever has the ids, in their order; null where there is none.", NODE_TYPES, NODES_MAX
    )
