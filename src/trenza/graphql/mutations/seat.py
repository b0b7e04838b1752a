"""Mutations of users and their seats."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

from trenza.domain.access import Role, Viewer
from trenza.graphql import errors
from trenza.graphql.context import Info
from trenza.graphql.seat import find_seat_use
from trenza.readplan.fields import column, figure, one
from trenza.readplan.schema import Record, record, view
from trenza.services.dependencies import Dependencies
from trenza.services.seat import (
    InviteUser,
    accept_invitation,
    change_role,
    deactivate_user,
    invite_user,
    reactivate_user,
    sign_in,
    sign_out,
    update_name,
)

if TYPE_CHECKING:
    from trenza.graphql.seat import SeatUse, SignIn, User


@strawberry.input(description="A person to invite.")
class InviteUserInput:
    """A person to invite."""

    email: str = strawberry.field(description="The e-mail address; it names the person.")
    name: str = strawberry.field(description="The name, up to 200 characters.")
    role: Role = strawberry.field(description="What the person may do.")


@strawberry.input(description="A user of the workspace.")
class UserInput:
    """A user of the workspace."""

    user_id: strawberry.ID = strawberry.field(description="The user.")


@strawberry.input(description="What to change of a user.")
class UpdateUserInput:
    """What to change of a user."""

    user_id: strawberry.ID = strawberry.field(description="The user.")
    name: str = strawberry.field(description="The name, up to 200 characters.")


@strawberry.input(description="Another role for a user.")
class ChangeUserRoleInput:
    """Another role for a user."""

    user_id: strawberry.ID = strawberry.field(description="The user.")
    role: Role = strawberry.field(description="What the person may do from now on.")


@record()
class InviteUserPayload(Record):
    """The invited user."""

    user: User = one("The user.", "user_id", scope=None)
    resent: bool = column("Whether an invitation was there before.")


@record()
class UserPayload(Record):
    """The user as things are now."""

    user: User = one("The user.", "user_id", scope=None)

    seats: SeatUse = figure(find_seat_use, description="The use of seats now.")


@record()
class SignInPayload(Record):
    """The sign-in as it is now."""

    sign_in: SignIn = one("The sign-in.", "sign_in_id", scope=None)
    user: User = one("The user.", "user_id", scope=None)


InviteUserResult: TypeAlias = Annotated[
    InviteUserPayload | errors.InvalidInput | errors.Forbidden | errors.Conflict,
    strawberry.union("InviteUserResult", description="InviteUser: done, or refused."),
]
UserResult: TypeAlias = Annotated[
    UserPayload | errors.InvalidInput | errors.Forbidden | errors.NotFound | errors.Conflict,
    strawberry.union("UserResult", description="User: done, or refused."),
]
SignInResult: TypeAlias = Annotated[
    SignInPayload | errors.InvalidInput | errors.Forbidden | errors.NotFound | errors.Conflict,
    strawberry.union("SignInResult", description="SignIn: done, or refused."),
]

Verb = Callable[[Dependencies, Viewer, str], Awaitable[str]]
Who = Annotated[UserInput, strawberry.argument(description="Who.")]


async def _user(info: Info, verb: Verb, input: UserInput) -> UserPayload:
    user_id = await info.context.write(verb, input.user_id)
    return view(UserPayload, {"user_id": user_id})


async def _sign(info: Info, verb: Verb, input: UserInput) -> SignInPayload:
    sign_in_id = await info.context.write(verb, input.user_id)
    return view(SignInPayload, {"sign_in_id": sign_in_id, "user_id": input.user_id})


@strawberry.type
class SeatMutations:
    """Inviting people, and what becomes of their seats."""

    @strawberry.mutation(description="Invites a person for seven days; again resends.")  # type: ignore[untyped-decorator]
    async def invite_user(
        self,
        info: Info,
        input: Annotated[InviteUserInput, strawberry.argument(description="The person.")],
    ) -> InviteUserResult:
        """An invitation uses no seat."""
        request = InviteUser(email=input.email, name=input.name, role=input.role)
        done = await info.context.write(invite_user, request)
        return view(InviteUserPayload, {"user_id": done.user_id, "resent": done.resent})

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Accepts an invitation: the user takes a seat."
    )
    async def accept_invitation(self, info: Info, input: Who) -> UserResult:
        """Nobody is refused for lack of a seat."""
        return await _user(info, accept_invitation, input)

    @strawberry.mutation(
        description=(
            "Takes the seat from an active user, whose keys are refused from then on. The last "
            "active admin keeps it."
        )
    )  # type: ignore[untyped-decorator]
    async def deactivate_user(self, info: Info, input: Who) -> UserResult:
        """Reversible."""
        return await _user(info, deactivate_user, input)

    @strawberry.mutation(description="Gives a deactivated user the seat back.")  # type: ignore[untyped-decorator]
    async def reactivate_user(self, info: Info, input: Who) -> UserResult:
        """The user is active again."""
        return await _user(info, reactivate_user, input)

    @strawberry.mutation(description="Gives a user another name.")  # type: ignore[untyped-decorator]
    async def update_user(
        self,
        info: Info,
        input: Annotated[UpdateUserInput, strawberry.argument(description="The change.")],
    ) -> UserResult:
        """The e-mail address names the person and stays."""
        user_id = await info.context.write(update_name, input.user_id, input.name)
        return view(UserPayload, {"user_id": user_id})

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=(
            "Gives a user another role; the user's keys follow within 2 seconds. The last active "
            "admin stays one."
        )
    )
    async def change_user_role(
        self,
        info: Info,
        input: Annotated[ChangeUserRoleInput, strawberry.argument(description="The change.")],
    ) -> UserResult:
        """Rights are those of the role at the moment of each request."""
        user_id = await info.context.write(change_role, input.user_id, input.role)
        return view(UserPayload, {"user_id": user_id})

    @strawberry.mutation(description="Signs an active user in, or notes a sign of life.")  # type: ignore[untyped-decorator]
    async def sign_in(self, info: Info, input: Who) -> SignInResult:
        """Twelve hours without a sign of life end it."""
        return await _sign(info, sign_in, input)

    @strawberry.mutation(description="Signs a user out.")  # type: ignore[untyped-decorator]
    async def sign_out(self, info: Info, input: Who) -> SignInResult:
        """Ends the sign-in that goes on."""
        return await _sign(info, sign_out, input)
