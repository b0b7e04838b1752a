"""Groups of agents."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from trenza.graphql.node import Node
from trenza.readplan.fields import Order, column, connection
from trenza.readplan.schema import record
from trenza.storage.group import MEMBER, MEMBER_IS_USER
from trenza.storage.group import AgentGroup as GroupTable
from trenza.storage.seat import USER

if TYPE_CHECKING:
    from trenza.graphql.seat import User
    from trenza.readplan.connection import Connection


@record(GroupTable)
class AgentGroup(Node):
    """People who attend together; contacts can be assigned to them."""

    name: str = column("The name, of no other group of the workspace.")
    created_at: datetime = column("When the group was made.")
    members: Connection[User] = connection(
        "Who is in it, whatever their status, the first invited first.",
        by=MEMBER.c.group_id,
        via=MEMBER_IS_USER,
        order=Order((USER.c.created_at, USER.c.id)),
    )
