"""Users: names and roles, the last admin, and what is kept of how they stand."""

import asyncio
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from tests.properties.seeds import any_seed
from tests.services.books import MICROSECOND, Books, open_books, utc
from trenza.domain.access import Role
from trenza.domain.errors import Conflict, DomainError, InvalidInput, NotFound
from trenza.domain.ids import Prefix
from trenza.domain.metering.seat import SeatEvent as Happened
from trenza.domain.metering.seat import SeatEventKind, SeatStatus, status_of
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
from trenza.storage import Activity, SeatEvent, SignIn, WorkspaceUser

NOON = utc(2026, 9, 10, 12)
STEPS = 60


async def user_of(books: Books, name: str, role: Role, *, accepts: bool = True) -> str:
    request = InviteUser(f"{name}@example.com", name, role)
    invited = await invite_user(books.dependencies, books.admin, request)
    if accepts:
        books.clock.at += MICROSECOND
        await accept_invitation(books.dependencies, books.admin, invited.user_id)
    return invited.user_id


async def roles(books: Books) -> dict[str, str]:
    return {row[0]: row[1] for row in await books.rows(WorkspaceUser, "id", "role")}


async def told(books: Books) -> list[tuple[Any, ...]]:
    return [row[1:] for row in await books.rows(Activity, "at", "verb", "before", "after")]


async def test_a_user_gets_another_name_and_role(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana = await user_of(books, "ana", Role.AGENT)
        given = books.dependencies, books.admin, ana
        before = len(await told(books))
        for _ in range(2):
            books.clock.at += MICROSECOND
            await update_name(*given, " Ana Núñez ")
            books.clock.at += MICROSECOND
            await change_role(*given, Role.OPERATOR)

        columns = ("name", "role", "name_searchable")
        assert await books.rows(WorkspaceUser, *columns) == [
            ("Ana Núñez", "OPERATOR", "ana nunez\nana@example.com")
        ]
        assert (await told(books))[before:] == [
            ("updateUser", {"name": "ana"}, {"name": "Ana Núñez"}),
            ("changeUserRole", {"role": "AGENT"}, {"role": "OPERATOR"}),
        ]
        with pytest.raises(InvalidInput) as refused:
            await update_name(*given, " ")
        assert refused.value.path == ("name",)


async def test_a_foreign_user_is_not_changed(database_url: str) -> None:
    async with (
        open_books(database_url, NOON) as books,
        open_books(database_url, NOON, first_id=1000) as neighbour,
    ):
        theirs = await user_of(neighbour, "ana", Role.AGENT)
        before = await told(books)

        for user_id in (theirs, books.dependencies.new_id(Prefix.USER), "user_1"):
            for act in (
                update_name(books.dependencies, books.admin, user_id, "Eva"),
                change_role(books.dependencies, books.admin, user_id, Role.ADMIN),
            ):
                with pytest.raises(NotFound) as refused:
                    await act
                assert refused.value.path == ("userId",)
        assert await roles(books) == {theirs: "AGENT"}
        assert await told(books) == before


async def test_the_last_active_admin_keeps_role_and_seat(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        given = books.dependencies, books.admin
        ana, eva = await user_of(books, "ana", Role.ADMIN), await user_of(books, "eva", Role.ADMIN)
        await user_of(books, "late", Role.ADMIN, accepts=False)
        agent = await user_of(books, "agent", Role.AGENT)
        await deactivate_user(*given, eva)
        before = await told(books), await roles(books)

        for act in (change_role(*given, ana, Role.OPERATOR), deactivate_user(*given, ana)):
            with pytest.raises(Conflict, match="last active admin") as refused:
                await act
            assert refused.value.path == ("userId",)
        assert (await told(books), await roles(books)) == before

        await change_role(*given, eva, Role.VIEWER)
        await change_role(*given, agent, Role.ADMIN)
        await change_role(*given, ana, Role.OPERATOR)
        assert (await roles(books))[agent] == "ADMIN"


@pytest.mark.parametrize("act", ["change", "deactivate", "both"])
async def test_two_admins_who_leave_at_once_do_not_both_leave(database_url: str, act: str) -> None:
    async with open_books(database_url, NOON) as books:
        given = books.dependencies, books.admin
        admins = [await user_of(books, name, Role.ADMIN) for name in ("ana", "eva", "luz")]
        books.clock.at += MICROSECOND

        def leave(number: int) -> Any:
            if act == "change" or (act == "both" and number % 2):
                return change_role(*given, admins[number], Role.AGENT)
            return deactivate_user(*given, admins[number])

        answers = await asyncio.gather(*map(leave, range(3)), return_exceptions=True)

        assert [type(each) for each in answers].count(Conflict) == 1
        rows = await books.rows(WorkspaceUser, "role", "standing")
        assert rows.count(("ADMIN", "ACTIVE")) == 1


async def test_what_is_kept_of_users_repeats_their_events_and_sign_ins(database_url: str) -> None:
    random = Random(any_seed())
    async with open_books(database_url, NOON) as books:
        await user_of(books, "boss", Role.ADMIN)
        names = ["ana", "eva", "luz"]
        ids = [await user_of(books, name, Role.AGENT, accepts=False) for name in names]
        acts: list[Any] = [accept_invitation, deactivate_user, reactivate_user, sign_in, sign_out]
        for _ in range(STEPS):
            books.clock.at += timedelta(hours=random.choice([0, 1, 20, 100]))
            who = random.randrange(3)
            act = random.choice([*acts, None])
            request = InviteUser(f"{names[who]}@example.com", names[who], Role.AGENT)
            try:
                if act is None:
                    await invite_user(books.dependencies, books.admin, request)
                else:
                    await act(books.dependencies, books.admin, ids[who])
            except DomainError:
                continue
        await assert_repeated(books)


async def assert_repeated(books: Books) -> None:
    events: dict[str, list[Happened]] = {}
    for at, user_id, kind in await books.rows(SeatEvent, "at", "user_id", "kind"):
        events.setdefault(user_id, []).append(Happened(user_id, SeatEventKind(kind), at))
    active: dict[str, Any] = {}
    for user_id, at in await books.rows(SignIn, "user_id", "last_activity_at"):
        active[user_id] = max(at, active.get(user_id, at))
    columns = ("id", "standing", "invited_at", "accepted_at", "last_activity_at")
    for user_id, *kept in await books.rows(WorkspaceUser, *columns):
        own = events[user_id]
        status = status_of(own, own[-1].at)
        times = {each.kind: each.at for each in own}
        accepted = times.get(SeatEventKind.ACCEPTED)
        assert status is not SeatStatus.EXPIRED
        assert kept == [status, times[SeatEventKind.INVITED], accepted, active.get(user_id)]
