"""Where a query begins."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import strawberry

from trenza.channels.address import normalise_address
from trenza.domain.access import Scope
from trenza.domain.channel import ChannelKind
from trenza.domain.errors import InvalidInput
from trenza.graphql.contact import CONTACT_ORDERS, Contact
from trenza.graphql.context import Info
from trenza.graphql.node import Node, find_node
from trenza.graphql.workspace import Workspace
from trenza.readplan.fields import Order, connection
from trenza.readplan.schema import Record, named, record, view
from trenza.storage.campaign import CAMPAIGN
from trenza.storage.contact import CONTACT, find_root_by_address, matching
from trenza.storage.journey import JOURNEY
from trenza.storage.ticket import TICKET

if TYPE_CHECKING:
    from trenza.graphql.campaign import Campaign
    from trenza.graphql.journey import Journey
    from trenza.graphql.ticket import Ticket
    from trenza.readplan.connection import Connection

NODES_MAX = 100


@named
@strawberry.type(description="Who asks: the key, its workspace and what it may do.")
class Viewer:
    """Who asks: the key, its workspace and what it may do."""

    key_id: strawberry.ID = strawberry.field(description="The id of the API key.")
    name: str = strawberry.field(description="The name of the API key.")
    scopes: list[Scope] = strawberry.field(description="What it may be used for.")

    @strawberry.field(description="The one workspace that the key belongs to.")  # type: ignore[untyped-decorator]
    async def workspace(self, info: Info) -> Workspace:
        """The same as the root field `workspace`."""
        return await own_workspace(info)


async def own_workspace(info: Info) -> Workspace:
    """The workspace of who asks."""
    info.context.viewer.require(Scope.READ)
    reader = info.context.reader
    return view(Workspace, await reader.known(Workspace.table, "workspace_id", reader.workspace_id))


@record()
class Query(Record):
    """Where a query begins."""

    contacts: Connection[Contact] = connection(
        "The contacts, newest first. Merged ones are found at the contact they became.",
        order=Order((CONTACT.c.created_at, CONTACT.c.id), descending=True),
        where=CONTACT.c.merged_into_id.is_(None),
        filter=matching,
        orders=CONTACT_ORDERS,
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
        "The tickets, newest first.", order=Order((TICKET.c.number,), descending=True)
    )

    @strawberry.field(description="Who asks.")  # type: ignore[untyped-decorator]
    def viewer(self, info: Info) -> Viewer:
        """The key, its workspace and what it may do."""
        key = info.context.viewer
        return Viewer(
            key_id=strawberry.ID(key.key_id),
            name=key.name,
            scopes=sorted(key.scopes, key=list(Scope).index),
        )

    @strawberry.field(description="The workspace of the key.")  # type: ignore[untyped-decorator]
    async def workspace(self, info: Info) -> Workspace:
        """Nothing of another workspace is ever visible."""
        return await own_workspace(info)

    @strawberry.field(description="A contact by id; null where the workspace has none.")  # type: ignore[untyped-decorator]
    async def contact(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> Contact | None:
        """A merged contact answers too, with `mergedInto`."""
        found = await find_node(info, id)
        return found if isinstance(found, Contact) else None

    @strawberry.field(description="The contact that is known by an address; null where none is.")  # type: ignore[untyped-decorator]
    async def contact_by_identity(
        self,
        info: Info,
        channel: Annotated[ChannelKind, strawberry.argument(description="The channel.")],
        address: Annotated[
            str, strawberry.argument(description="The address, as people write it.")
        ],
    ) -> Contact | None:
        """WhatsApp, SMS and RCS share the phone number: it finds the person on any of them."""
        info.context.viewer.require(Scope.READ)
        wanted = normalise_address(channel, address)
        reader = info.context.reader
        async with reader.database.read() as connection:
            root_id = await find_root_by_address(
                connection, reader.workspace_id, wanted.space, wanted.value
            )
        return None if root_id is None else await find_node(info, root_id)

    @strawberry.field(description="Whatever has the id; null where the workspace has none.")  # type: ignore[untyped-decorator]
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its id.")]
    ) -> Node | None:
        """A foreign id answers like an absent one."""
        found: Node | None = await find_node(info, id)
        return found

    @strawberry.field(  # type: ignore[untyped-decorator]
        description="Whatever has the ids, in their order; null where there is none."
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 100 ids.")],
    ) -> list[Node | None]:
        """Loaded together."""
        if len(ids) > NODES_MAX:
            raise InvalidInput(f"Ask for at most {NODES_MAX} nodes at once.", path=("ids",))
        return list(await asyncio.gather(*(find_node(info, id) for id in ids)))
