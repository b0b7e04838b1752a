"""Users, and the use of seats."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import strawberry

from trenza.domain.access import Role
from trenza.domain.errors import InvalidInput
from trenza.domain.metering.seat import INVITATION_LASTS_FOR, SeatStatus
from trenza.domain.text import clean
from trenza.graphql.context import Context
from trenza.graphql.enums import OrderDirection, UserOrderField
from trenza.graphql.node import Node
from trenza.readplan.fields import Argument, Condition, Order, column, connection, figure, many
from trenza.readplan.reader import Row
from trenza.readplan.schema import Record, named, record
from trenza.storage.contact import containing
from trenza.storage.group import GROUP, MEMBER, MEMBER_OF_GROUP, is_in_group
from trenza.storage.seat import SIGN_IN, USER, WorkspaceUser, has_user_name_like, stands
from trenza.storage.seat import SignIn as SignInTable

if TYPE_CHECKING:
    from strawberry import ID

    from trenza.graphql.group import AgentGroup
    from trenza.readplan.connection import Connection


async def find_status(operation: Context, id: str, at: datetime | None) -> SeatStatus | None:
    """How a user stands, worked out from what happened to the user's seat."""
    return await operation.figures.status(id, at or operation.now)


async def find_peak_signed_in(operation: Context, from_: datetime, to: datetime) -> int:
    """The most users signed in at one instant; overlapping sign-ins of one user count once."""
    if to <= from_:
        raise InvalidInput("`to` must come after `from`.", path=("to",))
    return await operation.figures.peak_signed_in(from_, to)


async def find_seat_use(operation: Context, at: datetime | None = None) -> Row:
    """The use of seats, from invitations, acceptances, deactivations and sign-ins."""
    found = await operation.figures.seat_use(at or operation.now)
    return {
        "at": found.at,
        "included": found.included,
        "used": found.used,
        "invited": found.invited,
        "over": found.over,
        "signed_in": found.signed_in,
    }


@record(WorkspaceUser)
class User(Node):
    """A person invited to the workspace."""

    name: str = column("The name.")
    email: str = column("The e-mail address that the invitation went to.")
    role: Role = column("What the person may do.")
    created_at: datetime = column("When the person was first invited.")
    invited_at: datetime = column("When the last invitation was sent; it lasts for seven days.")
    accepted_at: datetime | None = column("When the person accepted it; null before.")
    last_activity_at: datetime | None = column(
        "The last sign of life in a sign-in; null where there was none."
    )
    groups: list[AgentGroup] = many(
        "The groups that the person is in, the oldest first.",
        by=MEMBER.c.user_id,
        via=MEMBER_OF_GROUP,
        order=Order((GROUP.c.created_at, GROUP.c.id)),
    )
    sign_ins: Connection[SignIn] = connection(
        "When the person was signed in, latest first.",
        by=SIGN_IN.c.user_id,
        order=Order((SIGN_IN.c.started_at, SIGN_IN.c.id), descending=True),
    )

    status: SeatStatus | None = figure(
        find_status,
        "id",
        description="How the user stands at an instant; null before the invitation.",
        arguments={"at": Argument("datetime | None", "The instant; now when omitted.")},
    )


@named
@strawberry.input(description="Which users; every condition given must hold.")
class UserFilter:
    """Which users; every condition given must hold."""

    status: SeatStatus | None = strawberry.field(default=None, description="Stands so now.")
    role: Role | None = strawberry.field(default=None, description="Has this role.")
    group_id: strawberry.ID | None = strawberry.field(default=None, description="Is in this group.")
    name_contains: str | None = strawberry.field(
        default=None,
        description="A part of the name or e-mail address; neither case nor accents matter.",
    )


@named
@strawberry.input(description="The order of users.")
class UserOrder:
    """The order of users."""

    field: UserOrderField = strawberry.field(description="By what.")
    direction: OrderDirection = strawberry.field(
        default=OrderDirection.ASC, description="Which way."
    )

    @property
    def is_descending(self) -> bool:
        """Whether the last come first."""
        return self.direction is OrderDirection.DESC


USER_FILTERS = {
    "status": Condition(stands, of_now=lambda now: now - INVITATION_LASTS_FOR),
    "role": Condition(lambda role: USER.c.role == role),
    "group_id": Condition(is_in_group),
    "name_contains": Condition(
        has_user_name_like, lambda given: containing(clean(given, ("filter", "nameContains"), 200))
    ),
}
USER_ORDERS = {
    UserOrderField.CREATED_AT: (USER.c.created_at, USER.c.id),
    UserOrderField.EMAIL: (USER.c.email,),
}


@record(SignInTable)
class SignIn(Record):
    """A time in which a user was signed in."""

    id: ID = column("The id of the sign-in.")
    started_at: datetime = column("When it began.")
    last_activity_at: datetime = column("The last sign of life.")
    ended_at: datetime | None = column(
        "When the user signed out; one who never does is out 12 hours after the last sign of life."
    )


@record()
class SeatUse(Record):
    """How many seats are used, in users."""

    at: datetime = column("The instant of the figures.")
    included: int = column("The seats that the plan includes.")
    used: int = column("Active users.")
    invited: int = column("Invitations that can still be accepted.")
    over: int = column(
        "Active users beyond the included seats. Nobody is refused; they are billed."
    )
    signed_in: int = column("Active users who are signed in.")

    peak_signed_in: int = figure(
        find_peak_signed_in,
        description=("The most active users that were signed in at one instant of a period."),
        arguments={
            "from_": Argument("datetime", "The period's first instant."),
            "to": Argument("datetime", "The end, not included."),
        },
    )
