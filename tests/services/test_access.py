"""API keys: what is stored of them, whom they let in, and how they end."""

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select

from tests.services.books import MICROSECOND, Books, open_books, utc
from trenza.domain.access import Scope, Viewer
from trenza.domain.access_key import SECRET_LENGTH, make_key, read_key
from trenza.domain.errors import Forbidden, InvalidInput, NotFound, Unauthenticated
from trenza.domain.ids import Prefix
from trenza.domain.interaction import Language
from trenza.services.access import (
    REMEMBERED_MAX,
    Authenticator,
    CreatedKey,
    CreateKey,
    act_as_system,
    authenticate,
    create_key,
    list_keys,
    revoke_key,
)
from trenza.storage import ApiKey

NOON = utc(2026, 9, 10, 12)
SECOND = timedelta(seconds=1)
READER = frozenset({Scope.READ})


async def make(books: Books, **request: Any) -> CreatedKey:
    serial: Iterator[int] = count(1)
    known = len(await books.rows(ApiKey, "id"))
    dependencies = replace(
        books.dependencies,
        new_secret=lambda: f"{known:0{SECRET_LENGTH - 1}}{next(serial)}",
    )
    asked = CreateKey(**{"name": "dashboard", "scopes": READER, **request})
    return await create_key(dependencies, books.admin, asked)


async def enter(books: Books, authorization: str | None) -> Viewer:
    return await authenticate(books.dependencies, authorization)


async def refusal(books: Books, authorization: str | None) -> str:
    with pytest.raises(Unauthenticated) as refused:
        await enter(books, authorization)
    return refused.value.message


async def test_a_key_lets_its_viewer_in(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        created = await make(books, environment="demo", scopes=[Scope.RECORD, Scope.READ])

        viewer = await enter(books, f"Bearer {created.text}")

        assert created.text.startswith(f"trz_demo_{created.key_id.removeprefix('key_')}_")
        assert viewer == Viewer(
            books.workspace_id,
            created.key_id,
            "dashboard",
            frozenset({Scope.READ, Scope.RECORD}),
            Language.ES,
        )
        assert await enter(books, f"  bearer   {created.text} ") == viewer


async def test_of_the_secret_only_a_hash_is_stored(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        created = await make(books, scopes=[Scope.ADMIN, Scope.READ], expires_at=NOON + SECOND)
        secret = read_key(created.text).secret

        assert secret not in repr(read_key(created.text))
        shown = await books.rows(ApiKey, "name", "created_at", "expires_at", "revoked_at")
        assert shown == [("dashboard", NOON, NOON + SECOND, None)]
        async with books.database.read(books.workspace_id) as connection:
            [row] = await connection.execute(select(ApiKey.__table__))
        assert secret not in str(row)
        assert row.secret_hash == hashlib.sha256(secret.encode()).hexdigest()
        assert row.scopes == ["read", "admin"]


@pytest.mark.parametrize("authorization", [None, "", "   "])
async def test_without_a_key_nobody_enters(database_url: str, authorization: str | None) -> None:
    async with open_books(database_url, NOON) as books:
        assert (await refusal(books, authorization)).startswith("no key was given")


async def test_what_is_no_key_is_refused_without_the_database(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        text = (await make(books)).text
        swapped = text[:-8] + text[-7] + text[-8] + text[-6:]
        mistyped = [text[:-1], text + "a", text[:-1] + "é", swapped.replace("01", "10", 1)]
        mistyped += [text.upper(), "trz_", "\x00", text.replace("live", "demo")]

        with books.counted_statements() as statements:
            for each in mistyped:
                assert "mistyped" in await refusal(books, f"Bearer {each}")
            for each in (text, f"Basic {text}", f"Bearer{text}"):
                assert "Bearer trz_" in await refusal(books, each)

        assert statements == []


async def test_an_unknown_key_and_a_wrong_secret_answer_the_same(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        known = await make(books)
        unknown = books.dependencies.new_id(Prefix.KEY)
        wrong = [
            make_key("live", key_id, "w" * SECRET_LENGTH).text for key_id in (known.key_id, unknown)
        ]

        assert {await refusal(books, f"Bearer {each}") for each in wrong} == {"the key is unknown"}


async def test_a_key_is_good_until_it_expires(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        created = await make(books, expires_at=NOON + SECOND)
        books.clock.at = NOON + SECOND - MICROSECOND

        assert (await enter(books, f"Bearer {created.text}")).key_id == created.key_id
        books.clock.at = NOON + SECOND
        message = await refusal(books, f"Bearer {created.text}")

        assert message == "the key expired at 2026-09-10T12:00:01.000000Z"


async def test_a_revoked_key_stays_revoked_since_the_first_time(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        created, other = await make(books), await make(books)
        for _ in range(2):
            books.clock.at += SECOND
            assert await revoke_key(books.dependencies, books.admin, created.key_id)

        message = await refusal(books, f"Bearer {created.text}")

        assert message == "the key was revoked at 2026-09-10T12:00:01.000000Z"
        assert (await enter(books, f"Bearer {other.text}")).key_id == other.key_id


async def test_a_remembered_key_costs_no_statement_for_two_seconds(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        bearer = f"Bearer {(await make(books)).text}"
        authenticator = Authenticator(books.dependencies)
        costs = []

        for after in (0, 0, 1.999999, 2, 3.999999):
            books.clock.at = NOON + timedelta(seconds=after)
            with books.counted_statements() as statements:
                await authenticator.viewer_of(bearer)
            costs.append(len(statements))

        # Whose key it is, and then, as that workspace, what it is.
        assert costs == [2, 0, 0, 2, 0]


async def test_who_shows_a_key_while_it_is_read_again_waits_for_the_same_answer(
    database_url: str,
) -> None:
    async with open_books(database_url, NOON) as books:
        created = await make(books)
        authenticator = Authenticator(books.dependencies)
        await authenticator.viewer_of(f"Bearer {created.text}")

        async def shown_at_once(after: timedelta) -> tuple[list[object], int]:
            books.clock.at = NOON + after
            shows = (authenticator.viewer_of(f"Bearer {created.text}") for _ in range(20))
            with books.counted_statements() as statements:
                found: list[object] = await asyncio.gather(*shows, return_exceptions=True)
            return found, len(statements)

        viewers, cost = await shown_at_once(2 * SECOND)
        await revoke_key(books.dependencies, books.admin, created.key_id)
        refusals, _ = await shown_at_once(4 * SECOND)

        assert {each.key_id for each in viewers if isinstance(each, Viewer)} == {created.key_id}
        assert cost == 2
        assert all(isinstance(each, Unauthenticated) for each in refusals)


async def test_revoking_and_expiring_reach_a_remembered_key(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        revoked, expiring = await make(books), await make(books, expires_at=NOON + SECOND)
        authenticator = Authenticator(books.dependencies)
        for created in (revoked, expiring):
            await authenticator.viewer_of(f"Bearer {created.text}")
        await revoke_key(books.dependencies, books.admin, revoked.key_id)

        books.clock.at = NOON + SECOND
        with pytest.raises(Unauthenticated, match="expired"):
            await authenticator.viewer_of(f"Bearer {expiring.text}")
        books.clock.at = NOON + 2 * SECOND
        with pytest.raises(Unauthenticated, match="revoked"):
            await authenticator.viewer_of(f"Bearer {revoked.text}")
        books.clock.at = NOON
        with pytest.raises(Unauthenticated, match="revoked"):
            await authenticator.viewer_of(f"Bearer {revoked.text}")


async def test_no_failure_is_remembered_and_the_memory_is_bounded(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_books(sqlite_url, NOON) as books:
        monkeypatch.setattr("trenza.services.access.REMEMBERED_MAX", 2)
        authenticator = Authenticator(books.dependencies)
        texts = [(await make(books)).text for _ in range(3)]

        for text in texts:
            with pytest.raises(Unauthenticated):
                await authenticator.viewer_of("Bearer nothing")
            await authenticator.viewer_of(f"Bearer {text}")
        costs = []
        for text in (texts[2], texts[1], texts[0]):
            with books.counted_statements() as statements:
                await authenticator.viewer_of(f"Bearer {text}")
            costs.append(len(statements))

        assert REMEMBERED_MAX == 4096
        assert costs == [0, 0, 2]
        assert len(authenticator._known) == 2


async def test_the_keys_of_a_workspace_are_listed_without_their_secrets(database_url: str) -> None:
    async with (
        open_books(database_url, NOON) as books,
        open_books(database_url, NOON, first_id=1000) as neighbour,
    ):
        first = await make(books, name=" Bot ", scopes=[Scope.RECORD])
        await make(neighbour)
        books.clock.at += SECOND
        second = await make(books, expires_at=NOON + 9 * SECOND)
        await revoke_key(books.dependencies, books.admin, first.key_id)

        listed = await list_keys(books.dependencies, books.admin)

        assert [(key.key_id, key.name, key.scopes) for key in listed] == [
            (first.key_id, "Bot", frozenset({Scope.RECORD})),
            (second.key_id, "dashboard", READER),
        ]
        assert [(key.created_at, key.expires_at, key.revoked_at) for key in listed] == [
            (NOON, None, NOON + SECOND),
            (NOON + SECOND, NOON + 9 * SECOND, None),
        ]


async def test_a_key_belongs_to_one_workspace(database_url: str) -> None:
    async with (
        open_books(database_url, NOON) as books,
        open_books(database_url, NOON, first_id=1000) as neighbour,
    ):
        theirs = await make(neighbour)
        absent = books.dependencies.new_id(Prefix.KEY)

        for given in (theirs.key_id, absent, "key_1", "\x00"):
            with pytest.raises(NotFound) as refused:
                await revoke_key(books.dependencies, books.admin, given)
            assert refused.value.path == ("id",)

        viewer = await enter(books, f"Bearer {theirs.text}")
        assert viewer.workspace_id == neighbour.workspace_id


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        ({"name": " "}, ("name",)),
        ({"name": "x" * 201}, ("name",)),
        ({"scopes": []}, ("scopes",)),
        ({"environment": "Live"}, ("environment",)),
        ({"environment": "a_b"}, ("environment",)),
        ({"environment": "live\n"}, ("environment",)),
        ({"expires_at": NOON}, ("expiresAt",)),
    ],
)
async def test_a_bad_key_is_refused(
    database_url: str, request_: dict[str, Any], path: tuple[str, ...]
) -> None:
    async with open_books(database_url, NOON) as books:
        with pytest.raises(InvalidInput) as refused:
            await make(books, **request_)

        assert refused.value.path == path
        assert await books.rows(ApiKey, "id") == []


async def test_keys_need_the_scope_admin(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        created = await make(books)
        manager = Viewer(books.workspace_id, "key_3", "m", frozenset(Scope) - {Scope.ADMIN})

        with pytest.raises(Forbidden):
            await create_key(books.dependencies, manager, CreateKey("mine", frozenset(Scope)))
        with pytest.raises(Forbidden):
            await revoke_key(books.dependencies, manager, created.key_id)
        with pytest.raises(Forbidden):
            await list_keys(books.dependencies, manager)

        assert await books.rows(ApiKey, "id", "revoked_at") == [(created.key_id, None)]


async def test_the_system_acts_with_every_scope_in_a_workspace_that_exists(
    database_url: str,
) -> None:
    async with open_books(database_url, NOON) as books:
        viewer = await act_as_system(books.dependencies, books.workspace_id)

        assert (viewer.workspace_id, viewer.name) == (books.workspace_id, "system")
        assert viewer.scopes == frozenset(Scope)
        with pytest.raises(NotFound):
            await act_as_system(books.dependencies, "ws_1")
