"""Seats: inviting people, accepting, leaving and coming back, signing in and out; and the figures.

Nobody is refused for lack of a seat. What happens is appended with its instant, and every figure
is worked out from that for the instant that is asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
from trenza.domain.text import clean, searchable
from trenza.services.activity import difference, note_of
from trenza.services.dependencies import Dependencies
from trenza.services.reference import absent, require_form
from trenza.storage.asking import Source
from trenza.storage.bulk import write_all
from trenza.storage.engine import AsyncConnection
from trenza.storage.seat import (
    find_attendance,
    find_open_sign_ins,
    find_seat_events,
    insert_seat_event,
    insert_sign_in,
    insert_user,
    lock_user,
    lock_user_and_admins,
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
_STANDINGS = {
    SeatEventKind.INVITED: SeatStatus.INVITED,
    SeatEventKind.ACCEPTED: SeatStatus.ACTIVE,
    SeatEventKind.DEACTIVATED: SeatStatus.DEACTIVATED,
    SeatEventKind.REACTIVATED: SeatStatus.ACTIVE,
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
        acting = _Acting(connection, dependencies, viewer, Verb.INVITE_USER)
        if user is None:
            user_id = dependencies.new_id(Prefix.USER)
            row = {"workspace_id": workspace_id, "id": user_id, "email": email, **says}
            row |= {"name_searchable": _searchable(name, email), "standing": SeatStatus.INVITED}
            await insert_user(connection, {**row, "created_at": now, "invited_at": now})
            await acting.append(user_id, SeatEventKind.INVITED, now)
            await acting.note(user_id, now, None, {"email": email, **says, "invitedAt": now})
            return Invited(user_id, resent=False)
        user_id = user["id"]
        seat = await _seat(connection, workspace_id, user_id, now)
        if seat.status is SeatStatus.ACTIVE:
            raise Conflict("this person uses the workspace already", path=("email",))
        if seat.status is SeatStatus.DEACTIVATED:
            raise Conflict("this person was deactivated; reactivate instead", path=("email",))
        await update_user(
            connection,
            workspace_id,
            user_id,
            {**says, "name_searchable": _searchable(name, email), "invited_at": seat.at},
        )
        await acting.append(user_id, SeatEventKind.INVITED, seat.at)
        before, after = difference(
            {"name": user["name"], "role": user["role"], "invitedAt": user["invited_at"]},
            {**says, "invitedAt": seat.at},
        )
        await acting.note(user_id, seat.at, before, after)
        return Invited(user_id, resent=True)

    return await dependencies.database.write(work, viewer.workspace_id)


def _email(address: str) -> str:
    try:
        return normalise_address(ChannelKind.EMAIL, address).value
    except InvalidInput as refusal:
        raise InvalidInput(refusal.message, path=("email",)) from None


def _searchable(name: str, email: str) -> str:
    return searchable(f"{name}\n{email}")


async def update_name(dependencies: Dependencies, viewer: Viewer, user_id: str, name: str) -> str:
    """Gives a user another name and returns the id. Needs the scope `admin`.

    Raises NotFound, or InvalidInput for a bad name.
    """
    viewer.require(Verb.UPDATE_USER)
    name = clean(name, ("name",), NAME_LONGEST)
    require_form(user_id, Prefix.USER, "userId")
    now = dependencies.clock.now()

    async def work(connection: AsyncConnection) -> str:
        user = await lock_user(connection, viewer.workspace_id, user_id)
        if user is None:
            raise absent("userId")
        if user["name"] != name:
            says = {"name": name, "name_searchable": _searchable(name, user["email"])}
            await update_user(connection, viewer.workspace_id, user_id, says)
            acting = _Acting(connection, dependencies, viewer, Verb.UPDATE_USER)
            await acting.note(user_id, now, {"name": user["name"]}, {"name": name})
        return user_id

    return await dependencies.database.write(work, viewer.workspace_id)


async def change_role(dependencies: Dependencies, viewer: Viewer, user_id: str, role: Role) -> str:
    """Gives a user another role and returns the id. Needs the scope `admin`.

    The user's keys have the new rights within 2 seconds. Raises NotFound, or Conflict where the
    workspace would be left without an active admin.
    """
    viewer.require(Verb.CHANGE_USER_ROLE)
    require_form(user_id, Prefix.USER, "userId")
    now = dependencies.clock.now()

    async def work(connection: AsyncConnection) -> str:
        workspace_id = viewer.workspace_id
        user, other_admins = await lock_user_and_admins(connection, workspace_id, user_id)
        if user is None:
            raise absent("userId")
        if user["role"] == role:
            return user_id
        _require_other_admin(dict(user), other_admins)
        await update_user(connection, workspace_id, user_id, {"role": role})
        acting = _Acting(connection, dependencies, viewer, Verb.CHANGE_USER_ROLE)
        await acting.note(user_id, now, {"role": user["role"]}, {"role": role})
        return user_id

    return await dependencies.database.write(work, viewer.workspace_id)


def _require_other_admin(user: Mapping[str, Any], other_admins: int) -> None:
    """Raises Conflict where a user's rights are those of the last active admin."""
    is_admin = user["role"] == Role.ADMIN and user["standing"] == SeatStatus.ACTIVE
    if is_admin and not other_admins:
        raise Conflict("this is the last active admin of the workspace", path=("userId",))


async def accept_invitation(dependencies: Dependencies, viewer: Viewer, user_id: str) -> str:
    """Makes an invited user active and returns the id. Needs the scope `admin`.

    Raises NotFound, or Conflict where no invitation of the last 7 days waits to be accepted.
    """
    return await _happen(dependencies, viewer, user_id, SeatStatus.INVITED, SeatEventKind.ACCEPTED)


async def deactivate_user(dependencies: Dependencies, viewer: Viewer, user_id: str) -> str:
    """Takes the seat from an active user, who is signed out. Needs the scope `admin`.

    Raises NotFound, or Conflict where the user is not active, or is the last active admin.
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
        await update_user(connection, workspace_id, user_id, {"last_activity_at": seat.at})
        going_on = await find_open_sign_ins(connection, workspace_id, user_id, now)
        if going_on:
            await touch_sign_ins(connection, workspace_id, going_on, seat.at)
            return going_on[0]
        sign_in_id = dependencies.new_id(Prefix.SIGN_IN)
        await insert_sign_in(connection, workspace_id, sign_in_id, user_id, seat.at)
        return sign_in_id

    return await dependencies.database.write(work, viewer.workspace_id)


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
        await update_user(connection, workspace_id, user_id, {"last_activity_at": now})
        await touch_sign_ins(connection, workspace_id, going_on, now, end=True)
        return going_on[0]

    return await dependencies.database.write(work, viewer.workspace_id)


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
        user, other_admins = await lock_user_and_admins(connection, workspace_id, user_id)
        if user is None:
            raise absent("userId")
        seat = await _seat(connection, workspace_id, user_id, now)
        _require_status(seat, expected)
        says: dict[str, Any] = {"standing": _STANDINGS[kind]}
        if kind is SeatEventKind.ACCEPTED:
            says["accepted_at"] = seat.at
        elif kind is SeatEventKind.DEACTIVATED:
            _require_other_admin(dict(user), other_admins)
            going_on = await find_open_sign_ins(connection, workspace_id, user_id, now)
            await touch_sign_ins(connection, workspace_id, going_on, seat.at, end=True)
            if going_on:
                says["last_activity_at"] = seat.at
        await update_user(connection, workspace_id, user_id, says)
        acting = _Acting(connection, dependencies, viewer, _VERBS[kind])
        await acting.append(user_id, kind, seat.at)
        await acting.note(user_id, seat.at, {"status": expected}, {"status": _STANDINGS[kind]})
        return user_id

    return await dependencies.database.write(work, viewer.workspace_id)


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


@dataclass(frozen=True)
class _Acting:
    """A verb that a viewer does to users, in one transaction."""

    connection: AsyncConnection
    dependencies: Dependencies
    viewer: Viewer
    verb: Verb

    async def append(self, user_id: str, kind: SeatEventKind, at: datetime) -> None:
        """Appends what happens to a seat."""
        event_id = self.dependencies.new_id(Prefix.SEAT_EVENT)
        event = SeatEvent(user_id, kind, at)
        await insert_seat_event(self.connection, self.viewer.workspace_id, event_id, event)

    async def note(
        self,
        user_id: str,
        at: datetime,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
    ) -> None:
        """Writes it to the activity log."""
        note = note_of(self.dependencies, self.viewer, at, self.verb, user_id, before, after)
        await write_all(self.connection, self.viewer.workspace_id, [note])
