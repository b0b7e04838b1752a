"""Keys that belong to users, and secrets that are replaced."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select

from tests.services.books import MICROSECOND, Books, open_books, utc
from trenza.domain.access import ROLE_SCOPES, Role, Scope, Viewer
from trenza.domain.access_key import SECRET_LENGTH, read_key
from trenza.domain.errors import (
    Conflict,
    DomainError,
    Forbidden,
    InvalidInput,
    NotFound,
    Unauthenticated,
)
from trenza.domain.ids import Prefix
from trenza.services.access import (
    GRACE_DEFAULT,
    GRACE_MAX,
    Authenticator,
    CreatedKey,
    CreateKey,
    RotateKey,
    authenticate,
    create_key,
    revoke_key,
    rotate_key,
)
from trenza.services.dependencies import Dependencies
from trenza.services.seat import (
    InviteUser,
    accept_invitation,
    change_role,
    deactivate_user,
    invite_user,
    reactivate_user,
)
from trenza.storage import Activity, ApiKey

NOON = utc(2026, 9, 10, 12)
SECOND = timedelta(seconds=1)

_serial: Iterator[int] = count(1)


def secretive(books: Books) -> Dependencies:
    """The books' dependencies with secrets that differ."""
    return replace(
        books.dependencies, new_secret=lambda: f"{next(_serial):0{SECRET_LENGTH}}"[-SECRET_LENGTH:]
    )


async def user_of(books: Books, role: Role, name: str = "ana") -> str:
    request = InviteUser(f"{name}@example.com", name, role)
    invited = await invite_user(books.dependencies, books.admin, request)
    books.clock.at += MICROSECOND
    return await accept_invitation(books.dependencies, books.admin, invited.user_id)


async def make(books: Books, **request: Any) -> CreatedKey:
    asked = CreateKey(**{"name": "desk", "scopes": frozenset(Scope), **request})
    return await create_key(secretive(books), books.admin, asked)


async def rotate(books: Books, key_id: str, **request: Any) -> CreatedKey:
    return await rotate_key(secretive(books), books.admin, RotateKey(key_id, **request))


async def enter(books: Books, text: str) -> Viewer:
    return await authenticate(books.dependencies, f"Bearer {text}")


async def refusal(books: Books, text: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        await enter(books, text)
    return refused.value.message


@pytest.mark.parametrize("role", list(Role))
async def test_a_users_key_has_the_scopes_that_the_role_has_too(
    database_url: str, role: Role
) -> None:
    async with open_books(database_url, NOON) as books:
        user_id = await user_of(books, role)
        everything = await make(books, user_id=user_id)
        little = await make(books, user_id=user_id, scopes=[Scope.READ, Scope.ADMIN])

        viewer = await enter(books, everything.text)

        assert (viewer.user_id, viewer.role) == (user_id, role)
        assert viewer.scopes == ROLE_SCOPES[role]
        assert (await enter(books, little.text)).scopes == ROLE_SCOPES[role] & {
            Scope.READ,
            Scope.ADMIN,
        }


async def test_another_role_and_the_loss_of_the_seat_reach_a_remembered_key(
    database_url: str,
) -> None:
    async with open_books(database_url, NOON) as books:
        user_id = await user_of(books, Role.AGENT)
        bearer = f"Bearer {(await make(books, user_id=user_id)).text}"
        authenticator = Authenticator(books.dependencies)
        assert (await authenticator.viewer_of(bearer)).role is Role.AGENT

        await change_role(books.dependencies, books.admin, user_id, Role.OPERATOR)
        books.clock.at += 2 * SECOND
        viewer = await authenticator.viewer_of(bearer)
        assert (viewer.role, viewer.scopes) == (Role.OPERATOR, ROLE_SCOPES[Role.OPERATOR])

        await deactivate_user(books.dependencies, books.admin, user_id)
        books.clock.at += 2 * SECOND
        with pytest.raises(Unauthenticated, match="the key is of a user who is DEACTIVATED"):
            await authenticator.viewer_of(bearer)

        await reactivate_user(books.dependencies, books.admin, user_id)
        assert (await authenticator.viewer_of(bearer)).user_id == user_id


async def test_a_key_is_seen_by_two_statements_whosever_it_is(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        user_id = await user_of(books, Role.AGENT)
        for made in (await make(books), await make(books, user_id=user_id)):
            with books.counted_statements() as statements:
                await enter(books, made.text)
            assert len(statements) == 2


async def test_only_an_active_user_of_the_workspace_gets_a_key(database_url: str) -> None:
    async with (
        open_books(database_url, NOON) as books,
        open_books(database_url, NOON, first_id=1000) as neighbour,
    ):
        theirs = await user_of(neighbour, Role.ADMIN)
        invitation = InviteUser("eva@example.com", "Eva", Role.AGENT)
        invited = await invite_user(books.dependencies, books.admin, invitation)
        gone = await user_of(books, Role.AGENT, "gone")
        await deactivate_user(books.dependencies, books.admin, gone)
        before = await books.rows(Activity, "id")
        refusals: list[tuple[str, type[DomainError]]] = [
            (theirs, NotFound),
            (books.dependencies.new_id(Prefix.USER), NotFound),
            ("user_1", NotFound),
            (invited.user_id, Conflict),
            (gone, Conflict),
        ]

        for user_id, error in refusals:
            with pytest.raises(error) as refused:
                await make(books, user_id=user_id)
            assert refused.value.path == ("userId",)
        assert await books.rows(ApiKey, "id") == []
        assert await books.rows(Activity, "id") == before


async def test_nobody_gives_a_scope_without_having_it(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        strong = await make(books)
        weak = await make(books, scopes=[Scope.ADMIN])
        admin = Viewer(books.workspace_id, "key_2", "keys", frozenset({Scope.ADMIN}))

        with pytest.raises(Forbidden, match="without having it: read, manage"):
            await create_key(
                secretive(books), admin, CreateKey("x", [Scope.MANAGE, Scope.READ, Scope.ADMIN])
            )
        with pytest.raises(Forbidden, match="without having it: read, record, manage"):
            await rotate_key(secretive(books), admin, RotateKey(strong.key_id))
        await rotate_key(secretive(books), admin, RotateKey(weak.key_id))
        await revoke_key(books.dependencies, admin, strong.key_id)

        assert "revoked" in await refusal(books, strong.text)


async def test_a_rotated_key_has_two_secrets_until_the_grace_is_over(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        former = await make(books)

        rotated = await rotate(books, former.key_id, grace=10 * SECOND)

        assert rotated.key_id == former.key_id
        assert read_key(rotated.text).secret != read_key(former.text).secret
        assert await enter(books, rotated.text) == await enter(books, former.text)
        books.clock.at = NOON + 10 * SECOND - MICROSECOND
        assert (await enter(books, former.text)).key_id == former.key_id
        books.clock.at = NOON + 10 * SECOND
        assert await refusal(books, former.text) == (
            "the key was rotated; its former secret was good until 2026-09-10T12:00:10.000000Z"
        )
        assert (await enter(books, rotated.text)).key_id == former.key_id


async def test_a_remembered_former_secret_ends_with_its_grace(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        former = await make(books)
        await rotate(books, former.key_id, grace=SECOND)
        authenticator = Authenticator(books.dependencies)
        await authenticator.viewer_of(f"Bearer {former.text}")

        books.clock.at = NOON + SECOND

        with pytest.raises(Unauthenticated, match="rotated"):
            await authenticator.viewer_of(f"Bearer {former.text}")


async def test_a_secret_in_its_grace_ends_with_the_next_rotation(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        first = await make(books)
        second = await rotate(books, first.key_id)
        third = await rotate(books, first.key_id, grace=timedelta(0))

        assert await refusal(books, first.text) == "the key is unknown"
        assert "rotated" in await refusal(books, second.text)
        assert (await enter(books, third.text)).key_id == first.key_id
        rows = await books.rows(ApiKey, "rotated_at", "former_until")
        assert rows == [(NOON, NOON)]
        assert timedelta(hours=24) == GRACE_DEFAULT


async def test_a_rotation_outlives_neither_expiry_nor_revocation(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        expiring = await make(books, expires_at=NOON + SECOND)
        rotated = await rotate(books, expiring.key_id)
        revoked = await make(books)
        await revoke_key(books.dependencies, books.admin, revoked.key_id)
        books.clock.at = NOON + SECOND

        for text in (expiring.text, rotated.text):
            assert "expired" in await refusal(books, text)
        for key_id in (expiring.key_id, revoked.key_id):
            with pytest.raises(Conflict, match="make another"):
                await rotate(books, key_id)


@pytest.mark.parametrize("grace", [-MICROSECOND, GRACE_MAX + MICROSECOND])
async def test_a_grace_is_up_to_seven_days(database_url: str, grace: timedelta) -> None:
    async with open_books(database_url, NOON) as books:
        made = await make(books)

        with pytest.raises(InvalidInput) as refused:
            await rotate(books, made.key_id, grace=grace)

        assert refused.value.path == ("graceSeconds",)
        assert await books.rows(ApiKey, "rotated_at") == [(None,)]
        assert timedelta(days=7) == GRACE_MAX


async def test_a_foreign_key_is_not_rotated(database_url: str) -> None:
    async with (
        open_books(database_url, NOON) as books,
        open_books(database_url, NOON, first_id=1000) as neighbour,
    ):
        theirs = await make(neighbour)

        for key_id in (theirs.key_id, books.dependencies.new_id(Prefix.KEY), "key_1"):
            with pytest.raises(NotFound) as refused:
                await rotate(books, key_id)
            assert refused.value.path == ("id",)
        assert (await enter(neighbour, theirs.text)).workspace_id == neighbour.workspace_id


async def test_the_log_knows_every_change_of_a_key_and_no_secret(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        made = await make(books, scopes=[Scope.READ])
        books.clock.at += SECOND
        rotated = await rotate(books, made.key_id)
        for _ in range(2):
            books.clock.at += SECOND
            await revoke_key(books.dependencies, books.admin, made.key_id)

        async with books.database.read(books.workspace_id) as connection:
            table = Activity.__table__
            rows = (await connection.execute(select(table).order_by(table.c.at))).all()
        assert [(row.verb, row.subject_id, row.before) for row in rows] == [
            (verb, made.key_id, None) for verb in ("createApiKey", "rotateApiKey", "revokeApiKey")
        ]
        assert rows[0].after == {
            "name": "desk",
            "scopes": ["read"],
            "expiresAt": None,
            "userId": None,
        }
        for text in (made.text, rotated.text):
            secret = read_key(text)
            assert secret.secret not in str(rows)
            assert secret.secret_hash not in str(rows)
