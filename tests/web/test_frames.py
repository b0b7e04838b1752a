"""A WebSocket over the app itself, with a client that leaves in the middle of a word."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.durability.feed import FOLLOW
from tests.world import World, a_world

SCOPE = {
    "type": "websocket",
    "asgi": {"version": "3.0", "spec_version": "2.4"},
    "scheme": "ws",
    "http_version": "1.1",
    "path": "/graphql",
    "raw_path": b"/graphql",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"host", b"trenza.test")],
    "subprotocols": ["graphql-transport-ws"],
    "client": ("127.0.0.1", 1),
    "server": ("trenza.test", 80),
    "state": {},
}


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    """A running app; what a connection does is the same on every database."""
    async with a_world(sqlite_url) as world:
        yield world


def frame(type_: str, **content: Any) -> dict[str, Any]:
    """What a server hands to the app when a client has sent a message."""
    return {"type": "websocket.receive", "text": json.dumps({"type": type_, **content})}


async def test_a_client_that_leaves_while_it_is_told_is_no_failure(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    key, _ = await (await world.tenant()).key()
    heard: list[str] = []
    has_left = asyncio.Event()
    frames = [
        {"type": "websocket.connect"},
        frame("connection_init", payload={"authorization": f"Bearer {key}"}),
        frame("subscribe", id="1", payload={"query": FOLLOW}),
    ]

    async def receive() -> dict[str, Any]:
        if frames:
            return frames.pop(0)
        await has_left.wait()
        return {"type": "websocket.disconnect", "code": 1006}

    async def send(message: Any) -> None:
        if message["type"] == "websocket.send":
            heard.append(json.loads(message["text"])["type"])
            if heard[-1] == "next":
                has_left.set()
                raise OSError("the client is gone")

    with caplog.at_level(logging.INFO):
        await asyncio.wait_for(world.app(dict(SCOPE), receive, send), 10)

    assert heard[:2] == ["connection_ack", "next"]
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
