"""Tickets."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from trenza.domain.channel import ChannelKind
from trenza.domain.ticket import TicketStatus, TicketVisibility
from trenza.graphql.interaction import LATEST_INTERACTIONS
from trenza.graphql.node import Node
from trenza.readplan.fields import Argument, Condition, column, connection, one
from trenza.readplan.schema import record
from trenza.storage.interaction import INTERACTION
from trenza.storage.ticket import Ticket as TicketTable
from trenza.storage.ticket import is_open

if TYPE_CHECKING:
    from trenza.graphql.contact import Contact
    from trenza.graphql.interaction import Interaction
    from trenza.readplan.connection import Connection


OPEN = Argument(
    "bool | None", "True: those still attended to; false: those that are over.", Condition(is_open)
)


@record(TicketTable)
class Ticket(Node):
    """A request that people attend. Its movements are interactions that name it."""

    number: int = column("Its number in the workspace.")
    subject: str = column("What it is about; empty once it was erased.")
    visibility: TicketVisibility = column("Whether the customer sees it.")
    status: TicketStatus = column("Where it stands.")
    channel: ChannelKind | None = column("Where the request came in.")
    opened_at: datetime = column("When it was opened.")
    contact: Contact = one("The person who asks.", "owner_id")
    interactions: Connection[Interaction] = connection(
        "What happened on it, latest first.",
        by=INTERACTION.c.ticket_id,
        order=LATEST_INTERACTIONS,
    )
