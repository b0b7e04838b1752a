"""Users, and the use of seats."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from trenza.domain.access import Role
from trenza.domain.errors import InvalidInput
from trenza.domain.metering import seat as metering
from trenza.domain.metering.seat import SeatStatus
from trenza.graphql.context import Info
from trenza.graphql.node import Node
from trenza.readplan.fields import Order, column, connection
from trenza.readplan.schema import Record, named, record
from trenza.storage.seat import SIGN_IN, WorkspaceUser
from trenza.storage.seat import SignIn as SignInTable

if TYPE_CHECKING:
    from strawberry import ID

    from trenza.readplan.connection import Connection


@record(WorkspaceUser)
class User(Node):
    """A person invited to the workspace."""

    name: str = column("The name.")
    email: str = column("The e-mail address that the invitation went to.")
    role: Role = column("What the person may do.")
    created_at: datetime = column("When the person was first invited.")
    sign_ins: Connection[SignIn] = connection(
        "When the person was signed in, latest first.",
        by=SIGN_IN.c.user_id,
        order=Order((SIGN_IN.c.started_at, SIGN_IN.c.id), descending=True),
    )

    @strawberry.field(  # type: ignore[untyped-decorator]
        description="How the user stands at an instant; null before the invitation."
    )
    async def status(
        self,
        info: Info,
        at: Annotated[
            datetime | None, strawberry.argument(description="The instant; now when omitted.")
        ] = strawberry.UNSET,
    ) -> SeatStatus | None:
        """Worked out from what happened to the user's seat."""
        return await info.context.figures.status(self.row["id"], at or info.context.now)


@record(SignInTable)
class SignIn(Record):
    """A time in which a user was signed in."""

    id: ID = column("The id of the sign-in.")
    started_at: datetime = column("When it began.")
    last_activity_at: datetime = column("The last sign of life.")
    ended_at: datetime | None = column(
        "When the user signed out; one who never does is out 12 hours after the last sign of life."
    )


@named
@strawberry.type(description="How many seats are used, in users.")
class SeatUse:
    """How many seats are used, in users."""

    at: datetime = strawberry.field(description="The instant of the figures.")
    included: int = strawberry.field(description="The seats that the plan includes.")
    used: int = strawberry.field(description="Active users.")
    invited: int = strawberry.field(description="Invitations that can still be accepted.")
    over: int = strawberry.field(
        description="Active users beyond the included seats. Nobody is refused; they are billed."
    )
    signed_in: int = strawberry.field(description="Active users who are signed in.")

    @strawberry.field(  # type: ignore[untyped-decorator]
        description="The most active users that were signed in at one instant of a period."
    )
    async def peak_signed_in(
        self,
        info: Info,
        from_: Annotated[
            datetime, strawberry.argument(name="from", description="The period's first instant.")
        ],
        to: Annotated[datetime, strawberry.argument(description="The end, not included.")],
    ) -> int:
        """Overlapping sign-ins of one user count once."""
        if to <= from_:
            raise InvalidInput("`to` must come after `from`.", path=("to",))
        return await info.context.figures.peak_signed_in(from_, to)


def seat_use_of(found: metering.SeatUse) -> SeatUse:
    """The domain's figures as the graph gives them."""
    return SeatUse(
        at=found.at,
        included=found.included,
        used=found.used,
        invited=found.invited,
        over=found.over,
        signed_in=found.signed_in,
    )
