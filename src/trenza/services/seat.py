"""Seats: inviting people, accepting, leaving and coming back, signing in and out; and the figures.

Nobody is refused for lack of a seat. What happens is appended with its instant, and every figure
is worked out from that for the instant that is asked for.
"""

from dataclasses import dataclass
from datetime import datetime

from trenza.channels.address import normalise_address
from trenza.domain.access import Role, Verb, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.errors import Conflict, InvalidInput
from trenza.domain.ids import Prefix
from trenza.domain.metering.ledger import next_recorded_at
from trenza.domain.metering.seat import (
    SeatEvent,
    SeatEventKind,
    SeatStatus,
    SeatUse,
    peak_signed_in,
    seat_use,
    status_of,
)
from trenza.domain.text import clean
from trenza.services.dependencies import Dependencies
from trenza.services.reference import absent, require_form
from trenza.storage.asking import Source
from trenza.storage.engine import AsyncConnection
from trenza.storage.seat import (
    find_attendance,
    find_open_sign_ins,
    find_seat_events,
    insert_seat_event,
    insert_sign_in,
    insert_user,
    lock_user,
    lock_user_by_email,
    touch_sign_ins,
    update_user,
)
from trenza.storage.workspace import WorkspaceSettings

NAME_LONGEST = 200

_VERBS = {
    SeatEventKind.ACCEPTED: Verb.ACCEPT_INVITATION,
    SeatEventKind.DEACTIVATED: Verb.DEACTIVATE_USER,
    SeatEventKind.REACTIVATED: Verb.REACTIVATE_USER,
}


@dataclass(frozen=True)
class InviteUser:
    """A person to invite; the e-mail address names the person."""

    email: str
    name: str
    role: Role


@dataclass(frozen=True)
class Invited:
    """The invited user; `resent` where an invitation was there before."""

    user_id: str
    resent: bool


@dataclass(frozen=True)
class _Seat:
    """How a locked user stands, and the instant of what happens to the user next."""

    status: SeatStatus | None
    at: datetime


async def invite_user(dependencies: Dependencies, viewer: Viewer, request: InviteUser) -> Invited:
    """Invites a person for 7 days; again sends the invitation again. Needs the scope `admin`.

    Name and role are those of the last invitation. Raises InvalidInput for a bad address or name,
    Conflict for a person who uses the workspace or was deactivated.
    """
    viewer.require(Verb.INVITE_USER)
    name = clean(request.name, ("name",), NAME_LONGEST)
    email = _email(request.email)
    now = dependencies.clock.now()

    async def work(connection: AsyncConnection) -> Invited:
        workspace_id = viewer.workspace_id
        user = await lock_user_by_email(connection, workspace_id, email)
        says = {"name": name, "role": request.role}
        if user is None:
            user_id = dependencies.new_id(Prefix.USER)
            row = {"workspace_id": workspace_id, "id": user_id, "email": email, **says}
            await insert_user(connection, {**row, "created_at": now})
            await _append(dependencies, connection, viewer, user_id, SeatEventKind.INVITED, now)
            return Invited(user_id, resent=False)
        user_id = user["id"]
        seat = await _seat(connection, workspace_id, user_id, now)
        if seat.status is SeatStatus.ACTIVE:
            raise Conflict("this person uses the workspace already", path=("email",))
        if seat.status is SeatStatus.DEACTIVATED:
            raise Conflict("this person was deactivated; reactivate instead", path=("email",))
        await update_user(connection, workspace_id, user_id, says)
        await _append(dependencies, connection, viewer, user_id, SeatEventKind.INVITED, seat.at)
        return Invited(user_id, resent=True)

    return await dependencies.database.write(work)


def _email(address: str) -> str:
    try:
        return normalise_address(ChannelKind.EMAIL, address).value
    except InvalidInput as refusal:
        raise InvalidInput(refusal.message, path=("email",)) from None


async def accept_invitation(dependencies: Dependencies, viewer: Viewer, user_id: str) -> str:
    """Makes an invited user active and returns the id. Needs the scope `admin`.

    Raises NotFound, or Conflict where no invitation of the last 7 days waits to be accepted.
    """
    return await _happen(dependencies, viewer, user_id, SeatStatus.INVITED, SeatEventKind.ACCEPTED)


async def deactivate_user(dependencies: Dependencies, viewer: Viewer, user_id: str) -> str:
    """Takes the seat from an active user, who is signed out. Needs the scope `admin`.

    Raises NotFound, or Conflict where the user is not active.
    """
    return await _happen(
        dependencies, viewer, user_id, SeatStatus.ACTIVE, SeatEventKind.DEACTIVATED
    )


async def reactivate_user(dependencies: Dependencies, viewer: Viewer, user_id: str) -> str:
    """Gives a deactivated user the seat back. Needs the scope `admin`.

    Raises NotFound, or Conflict where the user is not deactivated.
    """
    return await _happen(
        dependencies, viewer, user_id, SeatStatus.DEACTIVATED, SeatEventKind.REACTIVATED
    )


async def sign_in(dependencies: Dependencies, viewer: Viewer, user_id: str) -> str:
    """Signs an active user in and returns the sign-in's id. Needs the scope `record`.

    A sign-in that goes on is continued: it then lasts for 12 hours from now. Raises NotFound, or
    Conflict where the user is not active.
    """
    viewer.require(Verb.SIGN_IN)
    require_form(user_id, Prefix.USER, "userId")
    now = dependencies.clock.now()

    async def work(connection: AsyncConnection) -> str:
        workspace_id = viewer.workspace_id
        seat = await _lock_seat(connection, workspace_id, user_id, now)
        _require_status(seat, SeatStatus.ACTIVE)
        going_on = await find_open_sign_ins(connection, workspace_id, user_id, now)
        if going_on:
            await touch_sign_ins(connection, workspace_id, going_on, seat.at)
            return going_on[0]
        sign_in_id = dependencies.new_id(Prefix.SIGN_IN)
        await insert_sign_in(connection, workspace_id, sign_in_id, user_id, seat.at)
        return sign_in_id

    return await dependencies.database.write(work)


async def sign_out(dependencies: Dependencies, viewer: Viewer, user_id: str) -> str:
    """Ends a user's sign-in and returns its id. Needs the scope `record`.

    Raises NotFound, or Conflict where the user is not signed in.
    """
    viewer.require(Verb.SIGN_OUT)
    require_form(user_id, Prefix.USER, "userId")
    now = dependencies.clock.now()

    async def work(connection: AsyncConnection) -> str:
        workspace_id = viewer.workspace_id
        if await lock_user(connection, workspace_id, user_id) is None:
            raise absent("userId")
        going_on = await find_open_sign_ins(connection, workspace_id, user_id, now)
        if not going_on:
            raise Conflict("the user is not signed in", path=("userId",))
        await touch_sign_ins(connection, workspace_id, going_on, now, end=True)
        return going_on[0]

    return await dependencies.database.write(work)


async def find_seat_use(source: Source, workspace: WorkspaceSettings, at: datetime) -> SeatUse:
    """The seat figures at an instant, in one statement."""
    found = await find_attendance(source, workspace.id, at, at)
    return seat_use(found.events, found.sign_ins, workspace.plan.seats, at)


async def find_peak_signed_in(
    source: Source, workspace: WorkspaceSettings, from_: datetime, to: datetime
) -> int:
    """The most users signed in at one instant of `[from_, to)`, in one statement.

    Raises InvalidInput with path ("to",) where the period is empty.
    """
    found = await find_attendance(source, workspace.id, from_, to)
    return peak_signed_in(found.events, found.sign_ins, from_, to)


async def _happen(
    dependencies: Dependencies,
    viewer: Viewer,
    user_id: str,
    expected: SeatStatus,
    kind: SeatEventKind,
) -> str:
    """Appends an event to the seat of a user who stands as expected."""
    viewer.require(_VERBS[kind])
    require_form(user_id, Prefix.USER, "userId")
    now = dependencies.clock.now()

    async def work(connection: AsyncConnection) -> str:
        workspace_id = viewer.workspace_id
        seat = await _lock_seat(connection, workspace_id, user_id, now)
        _require_status(seat, expected)
        await _append(dependencies, connection, viewer, user_id, kind, seat.at)
        if kind is SeatEventKind.DEACTIVATED:
            going_on = await find_open_sign_ins(connection, workspace_id, user_id, now)
            await touch_sign_ins(connection, workspace_id, going_on, seat.at, end=True)
        return user_id

    return await dependencies.database.write(work)


async def _lock_seat(
    connection: AsyncConnection, workspace_id: str, user_id: str, now: datetime
) -> _Seat:
    if await lock_user(connection, workspace_id, user_id) is None:
        raise absent("userId")
    return await _seat(connection, workspace_id, user_id, now)


async def _seat(
    connection: AsyncConnection, workspace_id: str, user_id: str, now: datetime
) -> _Seat:
    events = await find_seat_events(connection, workspace_id, user_id)
    # Of one user no two events share an instant, so that their order is never in doubt.
    at = next_recorded_at(now, events[-1].at if events else None)
    return _Seat(status_of(events, at), at)


def _require_status(seat: _Seat, expected: SeatStatus) -> None:
    if seat.status is not expected:
        raise Conflict(
            f"the user is {seat.status} and would have to be {expected}", path=("userId",)
        )


async def _append(
    dependencies: Dependencies,
    connection: AsyncConnection,
    viewer: Viewer,
    user_id: str,
    kind: SeatEventKind,
    at: datetime,
) -> None:
    event = SeatEvent(user_id, kind, at)
    event_id = dependencies.new_id(Prefix.SEAT_EVENT)
    await insert_seat_event(connection, viewer.workspace_id, event_id, event)
