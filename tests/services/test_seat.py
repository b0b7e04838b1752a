"""Seats from invitation to deactivation, sign-ins, and the figures at any instant."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.services.books import MICROSECOND, Books, open_books, utc
from trenza.domain.access import Role, Scope, Viewer
from trenza.domain.errors import Conflict, Forbidden, InvalidInput, NotFound
from trenza.domain.ids import Prefix
from trenza.domain.metering.seat import SeatUse
from trenza.services.dependencies import Dependencies
from trenza.services.seat import (
    Invited,
    InviteUser,
    accept_invitation,
    deactivate_user,
    find_peak_signed_in,
    find_seat_use,
    invite_user,
    reactivate_user,
    sign_in,
    sign_out,
)
from trenza.storage import SeatEvent, SignIn, WorkspaceUser

NOON = utc(2026, 9, 10, 12)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

Act = Callable[[Dependencies, Viewer, str], Awaitable[str]]


async def invite(books: Books, who: str, **changed: Any) -> Invited:
    request = {"email": f"{who}@example.com", "name": who, "role": Role.AGENT, **changed}
    return await invite_user(books.dependencies, books.admin, InviteUser(**request))


async def act(books: Books, verb: Act, user_id: str, after: timedelta = MICROSECOND) -> str:
    books.clock.at += after
    return await verb(books.dependencies, books.admin, user_id)


async def active_user(books: Books, name: str) -> str:
    invited = await invite(books, name)
    return await act(books, accept_invitation, invited.user_id)


async def events(books: Books) -> list[tuple[Any, ...]]:
    return list(await books.rows(SeatEvent, "at", "user_id", "kind"))


async def sign_ins(books: Books) -> list[tuple[Any, ...]]:
    columns = ("started_at", "user_id", "last_activity_at", "ended_at")
    return list(await books.rows(SignIn, *columns))


async def use(books: Books, at: datetime) -> SeatUse:
    workspace = await books.settings()
    async with books.database.read(books.workspace_id) as connection:
        return await find_seat_use(connection, workspace, at)


async def peak(books: Books, from_: datetime, to: datetime) -> int:
    workspace = await books.settings()
    async with books.database.read(books.workspace_id) as connection:
        return await find_peak_signed_in(connection, workspace, from_, to)


async def test_an_invitation_makes_a_user_that_uses_no_seat_yet(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        invited = await invite(books, "ana", email=" Ana@Example.com ", role=Role.ADMIN)

        assert not invited.resent
        columns = ("workspace_id", "id", "name", "email", "role", "created_at")
        assert await books.rows(WorkspaceUser, *columns) == [
            (books.workspace_id, invited.user_id, "ana", "ana@example.com", "ADMIN", NOON)
        ]
        assert await events(books) == [(NOON, invited.user_id, "INVITED")]
        assert await use(books, NOON) == SeatUse(NOON, 10, 0, 1, 0, 0)
        assert await use(books, NOON - MICROSECOND) == SeatUse(NOON - MICROSECOND, 10, 0, 0, 0, 0)


async def test_inviting_again_sends_again_and_lasts_seven_days_from_then(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        first = await invite(books, "ana")
        books.clock.at += 8 * DAY
        expired = await use(books, books.clock.at)

        again = await invite(books, "ana", name="Ana S.", role=Role.OPERATOR)

        assert again == Invited(first.user_id, resent=True)
        assert await books.rows(WorkspaceUser, "name", "role") == [("Ana S.", "OPERATOR")]
        assert [row[2] for row in await events(books)] == ["INVITED", "INVITED"]
        assert (expired.invited, (await use(books, books.clock.at)).invited) == (0, 1)
        await act(books, accept_invitation, first.user_id, 7 * DAY - MICROSECOND)
        assert (await use(books, books.clock.at)).used == 1


async def test_an_invitation_can_be_accepted_for_seven_days_and_once(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        late, quick = (await invite(books, "late")).user_id, (await invite(books, "quick")).user_id
        await act(books, accept_invitation, quick)
        before = await events(books)

        with pytest.raises(Conflict, match="ACTIVE") as refused:
            await act(books, accept_invitation, quick)
        assert refused.value.path == ("userId",)
        books.clock.at = NOON
        with pytest.raises(Conflict, match="EXPIRED"):
            await act(books, accept_invitation, late, 7 * DAY)

        assert await events(books) == before


async def test_whoever_uses_the_workspace_is_not_invited_again(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        user_id = await active_user(books, "ana")
        before = await events(books)

        with pytest.raises(Conflict) as refused:
            await invite(books, "ana", name="Other")
        assert refused.value.path == ("email",)

        assert await events(books) == before
        await act(books, deactivate_user, user_id)
        with pytest.raises(Conflict, match="reactivate"):
            await invite(books, "ana", name="Other")
        assert await books.rows(WorkspaceUser, "name") == [("ana",)]


async def test_leaving_and_coming_back_have_effect_by_their_instants(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        user_id = await active_user(books, "ana")
        await act(books, deactivate_user, user_id, DAY)
        left = books.clock.at
        await act(books, reactivate_user, user_id, DAY)

        used = [(await use(books, at)).used for at in (left - MICROSECOND, left, left + DAY)]
        assert used == [1, 0, 1]
        assert [row[2] for row in await events(books)] == [
            "INVITED",
            "ACCEPTED",
            "DEACTIVATED",
            "REACTIVATED",
        ]


@pytest.mark.parametrize("verb", [deactivate_user, reactivate_user, sign_in, sign_out])
async def test_what_the_seat_does_not_allow_conflicts(database_url: str, verb: Act) -> None:
    async with open_books(database_url, NOON) as books:
        invited = await invite(books, "ana")

        with pytest.raises(Conflict) as refused:
            await act(books, verb, invited.user_id)

        assert refused.value.path == ("userId",)
        assert await events(books) == [(NOON, invited.user_id, "INVITED")]
        assert await sign_ins(books) == []


async def test_seats_over_the_plan_are_counted_and_refuse_nobody(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        for index in range(11):
            await active_user(books, f"user{index}")

        figures = await use(books, books.clock.at)

        assert figures == SeatUse(books.clock.at, 10, 11, 0, 1, 0)


async def test_events_of_one_instant_keep_their_order(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        user_id = (await invite(books, "ana")).user_id
        for verb in (accept_invitation, deactivate_user, reactivate_user):
            await act(books, verb, user_id, timedelta(0))
        await act(books, sign_in, user_id, timedelta(0))

        assert await events(books) == [
            (NOON + index * MICROSECOND, user_id, kind)
            for index, kind in enumerate(["INVITED", "ACCEPTED", "DEACTIVATED", "REACTIVATED"])
        ]
        later = await use(books, NOON + 4 * MICROSECOND)
        assert (later.used, later.signed_in) == (1, 1)


async def test_signing_in_again_continues_the_sign_in_for_twelve_hours(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        user_id = await active_user(books, "ana")
        first = await act(books, sign_in, user_id)
        started = books.clock.at
        continued = await act(books, sign_in, user_id, 11 * HOUR)
        second = await act(books, sign_in, user_id, 12 * HOUR)

        assert first == continued != second
        assert await sign_ins(books) == [
            (started, user_id, started + 11 * HOUR, None),
            (started + 23 * HOUR, user_id, started + 23 * HOUR, None),
        ]
        instants = [started + 23 * HOUR - MICROSECOND, started + 23 * HOUR, started + 35 * HOUR]
        assert [(await use(books, at)).signed_in for at in instants] == [1, 1, 0]


async def test_signing_out_ends_the_sign_in_and_only_once(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        user_id = await active_user(books, "ana")
        begun = await act(books, sign_in, user_id)
        started = books.clock.at
        ended = await act(books, sign_out, user_id, HOUR)

        with pytest.raises(Conflict) as refused:
            await act(books, sign_out, user_id)

        assert begun == ended
        assert refused.value.path == ("userId",)
        assert await sign_ins(books) == [(started, user_id, started + HOUR, started + HOUR)]
        instants = [started - MICROSECOND, started, started + HOUR - MICROSECOND, started + HOUR]
        assert [(await use(books, at)).signed_in for at in instants] == [0, 1, 1, 0]


async def test_a_sign_in_that_was_forgotten_cannot_be_signed_out(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        user_id = await active_user(books, "ana")
        await act(books, sign_in, user_id)
        started = books.clock.at

        with pytest.raises(Conflict):
            await act(books, sign_out, user_id, 12 * HOUR)

        assert await sign_ins(books) == [(started, user_id, started, None)]


async def test_a_deactivated_user_is_signed_out_for_good(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        user_id = await active_user(books, "ana")
        await act(books, sign_in, user_id)
        started = books.clock.at
        await act(books, deactivate_user, user_id, HOUR)
        await act(books, reactivate_user, user_id, HOUR)

        assert await sign_ins(books) == [(started, user_id, started + HOUR, started + HOUR)]
        assert (await use(books, books.clock.at)).signed_in == 0


async def test_the_peak_counts_people_at_one_instant_of_the_period(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana, eva, luz = [await active_user(books, name) for name in ("ana", "eva", "luz")]
        start = books.clock.at + HOUR
        for hours, verb, user_id in (
            (0, sign_in, ana),
            (1, sign_in, eva),
            (1, sign_in, ana),
            (2, sign_out, ana),
            (2, sign_in, luz),
        ):
            books.clock.at = start + hours * HOUR
            await verb(books.dependencies, books.admin, user_id)

        periods = [(-1, 0), (0, 1), (0, 2), (0, 20), (2, 3), (13, 14), (14, 30)]
        peaks = [await peak(books, start + a * HOUR, start + b * HOUR) for a, b in periods]

        assert peaks == [0, 1, 2, 2, 2, 1, 0]
        with pytest.raises(InvalidInput) as refused:
            await peak(books, start, start)
        assert refused.value.path == ("to",)


async def test_figures_take_one_statement_however_many_users(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        for index in range(12):
            await act(books, sign_in, await active_user(books, f"user{index}"))
        workspace, at = await books.settings(), books.clock.at

        async with books.database.read(books.workspace_id) as connection:
            with books.counted_statements() as statements:
                assert (await find_seat_use(connection, workspace, at)).signed_in == 12
                assert await find_peak_signed_in(connection, workspace, NOON, at + HOUR) == 12

        assert len(statements) == 2


async def test_invitations_of_one_person_at_once_make_one_user(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        answers = await asyncio.gather(*(invite(books, "ana") for _ in range(8)))

        assert len({answer.user_id for answer in answers}) == 1
        assert [answer.resent for answer in answers].count(False) == 1
        assert len(await books.rows(WorkspaceUser, "id")) == 1
        assert [row[0] for row in await events(books)] == [
            NOON + index * MICROSECOND for index in range(8)
        ]


async def test_sign_ins_of_one_user_at_once_are_one(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        user_id = await active_user(books, "ana")

        answers = await asyncio.gather(
            *(sign_in(books.dependencies, books.admin, user_id) for _ in range(8))
        )

        assert len(set(answers)) == len(await sign_ins(books)) == 1


async def test_users_that_are_foreign_absent_or_malformed_answer_the_same(
    database_url: str,
) -> None:
    async with (
        open_books(database_url, NOON) as books,
        open_books(database_url, NOON, first_id=1000) as neighbour,
    ):
        theirs = await active_user(neighbour, "ana")
        absent = books.dependencies.new_id(Prefix.USER)
        verbs: list[Act] = [accept_invitation, deactivate_user, reactivate_user, sign_in, sign_out]
        answers = set()

        for verb in verbs:
            for given in (theirs, absent, "user_1", "\x00"):
                with pytest.raises(NotFound) as refused:
                    await verb(books.dependencies, books.admin, given)
                answers.add((refused.value.message, refused.value.path))

        assert answers == {("userId names nothing in this workspace", ("userId",))}
        assert (await use(books, books.clock.at)).used == 0
        assert (await use(neighbour, neighbour.clock.at + DAY)).used == 1
        assert not (await invite(books, "ana")).resent


async def test_seats_need_the_scope_admin_and_sign_ins_the_scope_record(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        user_id = await active_user(books, "ana")
        before = await events(books)
        recorder = Viewer(books.workspace_id, "key_3", "r", frozenset({Scope.RECORD}))
        manager = Viewer(books.workspace_id, "key_4", "m", frozenset({Scope.READ, Scope.MANAGE}))

        request = InviteUser("eva@example.com", "Eva", Role.VIEWER)

        with pytest.raises(Forbidden):
            await invite_user(books.dependencies, recorder, request)
        for verb in (accept_invitation, deactivate_user, reactivate_user):
            with pytest.raises(Forbidden):
                await verb(books.dependencies, recorder, user_id)
        for verb in (sign_in, sign_out):
            with pytest.raises(Forbidden):
                await verb(books.dependencies, manager, user_id)

        assert await events(books) == before
        assert await sign_ins(books) == []
        await sign_in(books.dependencies, recorder, user_id)


@pytest.mark.parametrize(
    ("email", "name", "path"),
    [
        ("", "Ana", ("email",)),
        ("ana", "Ana", ("email",)),
        ("ana@example.com", " ", ("name",)),
        ("ana@example.com", "x" * 201, ("name",)),
    ],
)
async def test_a_bad_invitation_is_refused(
    database_url: str, email: str, name: str, path: tuple[str, ...]
) -> None:
    async with open_books(database_url, NOON) as books:
        with pytest.raises(InvalidInput) as refused:
            await invite(books, "ana", email=email, name=name)

        assert refused.value.path == path
        assert await books.rows(WorkspaceUser, "id") == []
