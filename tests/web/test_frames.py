"""A WebSocket over the app itself, with a client that leaves in the middle of a word."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.durability.feed import FOLLOW
from tests.sockets import SCOPE, ask_over_socket, frame
from tests.world import World, a_world


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    """A running app; what a connection does is the same on every database."""
    async with a_world(sqlite_url) as world:
        yield world


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


async def test_a_failure_of_ours_is_logged_and_told(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("of ours")

    tenant = await world.tenant()
    monkeypatch.setattr(world.app.state.planner, "answer", fail)

    with caplog.at_level(logging.INFO):
        heard = await ask_over_socket(world, tenant.admin, {"query": "{ viewer { name } }"})

    told = {"type": "websocket.close", "code": 4500, "reason": "Internal server error"}
    assert heard == [told]
    assert [str(each.exc_info[1]) for each in caplog.records if each.exc_info] == ["of ours"]
