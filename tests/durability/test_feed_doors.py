"""Who may follow the balance, from where, and until when: over real sockets."""

import asyncio
import time

import pytest

from tests.durability.conftest import House, Serve
from tests.durability.feed import Feed, connected, following
from tests.scale import FULL
from trenza.domain.access import Role, Scope
from trenza.services.access import act_as_system, revoke_key
from trenza.services.seat import change_role, deactivate_user

# The doors are the same on both databases: the quick tier tries one.
pytestmark = pytest.mark.parametrize(
    "database_url", ["sqlite", "postgresql"] if FULL else ["sqlite"], indirect=True
)

REVOKED_WITHIN_S = 5.0
INIT_WITHIN_S = 5.0
SOON_S = 15.0
"""Long enough for a busy machine; that nobody comes in is the point, not when he is told."""


async def test_nobody_comes_in_without_a_good_key(house: House, serve: Serve) -> None:
    server = serve()

    async with connected(server.socket_url) as feed:
        await feed.say("connection_init", payload={"authorization": f"Bearer {house.key[:-1]}x"})
        assert await feed.closed(SOON_S) == 4403
    async with connected(server.socket_url) as feed:
        await feed.say("connection_init")
        assert await feed.closed(SOON_S) == 4403
    async with connected(server.socket_url) as feed:
        await feed.say("connection_init", payload={"authorization": ["Bearer", house.key]})
        assert await feed.closed(SOON_S) == 4403
    async with connected(server.socket_url) as feed:
        await feed.follow(None)
        assert await feed.closed(SOON_S) == 4401
    async with connected(server.socket_url) as feed:
        assert await feed.closed(INIT_WITHIN_S + SOON_S) == 4408


async def test_a_cursor_from_the_future_starts_anew_and_a_wrong_one_is_refused(
    house: House, serve: Serve
) -> None:
    server = serve()

    async with following(server.socket_url, house.key, "b999") as feed:
        event = await feed.event()
        assert (event["kind"], event["sequence"], event["cursor"]) == ("RESET", 0, "b0")
    for cursor in ("", "b", "7", "b-1", "b1.5", "b99999999999", "b٣", "x7"):
        async with following(server.socket_url, house.key, cursor) as feed:
            message = await feed.hear()
            assert message["type"] in ("error", "next"), message
            payload = message["payload"]
            [error] = payload if message["type"] == "error" else payload["errors"]
            assert error["extensions"]["code"] == "INVALID_INPUT", error


async def test_a_revoked_key_ends_its_connections(house: House, serve: Serve) -> None:
    server = serve()
    key, key_id = await house.tenant.key([Scope.READ])
    async with (
        following(server.socket_url, key) as feed,
        following(server.socket_url, house.key) as other,
    ):
        await feed.event()
        await other.event()
        system = await act_as_system(house.dependencies, house.tenant.id)
        await revoke_key(house.dependencies, system, key_id)
        revoked_at = time.monotonic()

        assert await feed.closed(REVOKED_WITHIN_S) == 4401
        assert time.monotonic() - revoked_at < REVOKED_WITHIN_S
        with pytest.raises(TimeoutError):
            await other.hear(0.1)


async def test_what_becomes_of_a_user_reaches_the_connections_of_the_users_keys(
    house: House, serve: Serve
) -> None:
    server = serve()
    client, user_id = await house.tenant.person(Role.AGENT)
    system = await act_as_system(house.dependencies, house.tenant.id)

    async def role(feed: Feed) -> str:
        await feed.say("subscribe", id="r", payload={"query": "{ viewer { role } }"})
        message = await feed.hear()
        assert (await feed.hear())["type"] == "complete"
        found: str = message["payload"]["data"]["viewer"]["role"]
        return found

    async with connected(server.socket_url) as feed:
        await feed.begin(client.key or "")
        assert await role(feed) == "AGENT"
        await change_role(house.dependencies, system, user_id, Role.OPERATOR)
        until = time.monotonic() + REVOKED_WITHIN_S
        while await role(feed) != "OPERATOR":
            assert time.monotonic() < until
            await asyncio.sleep(0.1)
        await deactivate_user(house.dependencies, system, user_id)
        assert await feed.closed(REVOKED_WITHIN_S) == 4401


async def test_a_key_without_the_scope_follows_nothing(house: House, serve: Serve) -> None:
    server = serve()
    key, _ = await house.tenant.key([Scope.RECORD])

    async with following(server.socket_url, key) as feed:
        message = await feed.hear()

    payload = message["payload"]
    [error] = payload if message["type"] == "error" else payload["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN", message


NO_FRAMES = (
    "1",
    "null",
    "[]",
    "{}",
    '{"type": 1}',
    '{"type": "complete"}',
    '{"id": 1, "type": "subscribe", "payload": {"query": "{ viewer { name } }"}}',
    '{"id": "1", "type": "subscribe"}',
    '{"id": "1", "type": "subscribe", "payload": null}',
    '{"id": "1", "type": "subscribe", "payload": []}',
    '{"id": "1", "type": "subscribe", "payload": {"query": null}}',
    '{"id": "1", "type": "subscribe", "payload": {"query": "{a}", "variables": "x"}}',
    '{"id": "1", "type": "subscribe", "payload": {"query": "{a}", "operationName": 1}}',
    '{"id": "1", "type": "subscribe", "payload": {"query": "{a}", "extensions": 1}}',
)


async def test_a_frame_that_is_none_closes_the_connection_with_a_reason(
    house: House, serve: Serve
) -> None:
    server = serve()

    for frame in NO_FRAMES:
        async with connected(server.socket_url) as feed:
            await feed.begin(house.key)
            await feed.say_raw(frame)

            assert await feed.closed(SOON_S) == 4400, frame


async def test_a_document_that_is_none_ends_its_operation_and_no_other(
    house: House, serve: Serve
) -> None:
    server = serve()

    async with following(server.socket_url, house.key) as feed:
        await feed.event()
        for number, query in enumerate(("{{", "", "query A { viewer { name } } query B { a }")):
            await feed.say("subscribe", id=f"wrong{number}", payload={"query": query})
            answer = await feed.hear()
            assert (answer["type"], answer["id"]) == ("error", f"wrong{number}"), answer
        with pytest.raises(TimeoutError):
            await feed.hear(0.1)
