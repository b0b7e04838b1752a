"""Tickets: opening them."""

from dataclasses import dataclass

from trenza.domain.access import Verb, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.ids import Prefix
from trenza.domain.text import clean
from trenza.domain.ticket import TicketStatus, TicketVisibility
from trenza.services.activity import note_of
from trenza.services.dependencies import Dependencies
from trenza.services.living import lock_living
from trenza.services.reference import require_form
from trenza.storage.bulk import write_all
from trenza.storage.engine import AsyncConnection
from trenza.storage.ticket import insert_ticket

SUBJECT_LONGEST = 200


@dataclass(frozen=True)
class OpenTicket:
    """A contact's request that people are to attend; `channel` is where it came from."""

    contact_id: str
    subject: str
    visibility: TicketVisibility = TicketVisibility.PUBLIC
    channel: ChannelKind | None = None


async def open_ticket(dependencies: Dependencies, viewer: Viewer, request: OpenTicket) -> str:
    """Opens a ticket under the workspace's next number and returns its id. Needs `manage`.

    It records no interaction and so costs nothing by itself: report what the customer sees of it
    as TICKET_PUBLIC_ACTION. Raises NotFound for the contact, Conflict where it is erased,
    InvalidInput for a bad subject.
    """
    viewer.require(Verb.OPEN_TICKET)
    subject = clean(request.subject, ("subject",), SUBJECT_LONGEST)
    require_form(request.contact_id, Prefix.CONTACT, "contactId")
    ticket_id = dependencies.new_id(Prefix.TICKET)
    now = dependencies.clock.now()
    after = {
        "contactId": request.contact_id,
        "subject": subject,
        "visibility": request.visibility,
        "channel": request.channel,
    }
    note = note_of(dependencies, viewer, now, Verb.OPEN_TICKET, ticket_id, None, after)

    async def work(connection: AsyncConnection) -> str:
        root_id = await lock_living(connection, viewer.workspace_id, request.contact_id)
        row = {
            "workspace_id": viewer.workspace_id,
            "id": ticket_id,
            "contact_id": request.contact_id,
            "owner_id": root_id,
            "subject": subject,
            "visibility": request.visibility,
            "status": TicketStatus.NEW,
            "channel": request.channel,
            "opened_at": now,
        }
        await insert_ticket(connection, row)
        await write_all(connection, viewer.workspace_id, [note])
        return ticket_id

    return await dependencies.database.write(work, viewer.workspace_id)
