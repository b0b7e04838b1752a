"""Lists of contacts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from trenza.graphql.membership import MEMBERS
from trenza.graphql.node import Node
from trenza.readplan.fields import column, connection, figure
from trenza.readplan.schema import record
from trenza.storage.contact import MEMBERSHIP
from trenza.storage.contact_list import LIST_MEMBER
from trenza.storage.contact_list import ContactList as ListTable

if TYPE_CHECKING:
    from trenza.graphql.contact import Contact
    from trenza.graphql.context import Context
    from trenza.readplan.connection import Connection


async def count_list(operation: Context, id: str) -> int:
    """How many contacts are in the list."""
    return await operation.membership.size_of(id)


@record(ListTable)
class ContactList(Node):
    """Contacts that were put together by hand, or frozen of a segment."""

    name: str = column("The name.")
    created_at: datetime = column("When it was made.")
    updated_at: datetime = column("When it got its name.")
    count: int = figure(count_list, "id")
    members: Connection[Contact] = connection(
        "Who is in it, newest contacts first; who was merged is there as what they became.",
        by=LIST_MEMBER.c.list_id,
        via=MEMBERSHIP,
        order=MEMBERS,
    )
