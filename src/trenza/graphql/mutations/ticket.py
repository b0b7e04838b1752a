"""Mutations of tickets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

from trenza.domain.channel import ChannelKind
from trenza.domain.ticket import TicketVisibility
from trenza.graphql import errors
from trenza.graphql.context import Info
from trenza.readplan.fields import one
from trenza.readplan.schema import Record, record, view
from trenza.services.ticket import OpenTicket, open_ticket

if TYPE_CHECKING:
    from trenza.graphql.ticket import Ticket


@strawberry.input(description="A request to attend to.")
class OpenTicketInput:
    """A request to attend to."""

    contact_id: strawberry.ID = strawberry.field(description="The person who asks.")
    subject: str = strawberry.field(description="What it is about, up to 200 characters.")
    visibility: TicketVisibility = strawberry.field(
        default=TicketVisibility.PUBLIC, description="Whether the customer sees it."
    )
    channel: ChannelKind | None = strawberry.field(
        default=None, description="Where the request came in."
    )


@record()
class OpenTicketPayload(Record):
    """The new ticket."""

    ticket: Ticket = one("The ticket.", "id", scope=None)


OpenTicketResult: TypeAlias = Annotated[
    OpenTicketPayload | errors.InvalidInput | errors.Forbidden | errors.NotFound | errors.Conflict,
    strawberry.union("OpenTicketResult", description="OpenTicket: done, or refused."),
]


@strawberry.type
class TicketMutations:
    """Opening tickets."""

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=(
            "Opens a ticket. Report what the customer sees of it as TICKET_PUBLIC_ACTION with its "
            "id: opening one records no interaction by itself."
        )
    )
    async def open_ticket(
        self,
        info: Info,
        input: Annotated[OpenTicketInput, strawberry.argument(description="The ticket.")],
    ) -> OpenTicketResult:
        """Numbered within the workspace."""
        request = OpenTicket(input.contact_id, input.subject, input.visibility, input.channel)
        id = await info.context.write(open_ticket, request)
        return view(OpenTicketPayload, {"id": id})
