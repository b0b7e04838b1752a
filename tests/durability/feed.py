"""A client of `balanceChanged` over a real WebSocket that speaks graphql-transport-ws."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("graphql-transport-ws")
FOLLOW = """
  subscription ($after: String, $conflate: Boolean) {
    balanceChanged(after: $after, conflate: $conflate) {
      kind sequence cursor
      balance { at knownAt granted consumed remaining overage cycleStartsAt }
      entry { sequence amount }
    }
  }
"""
EVENT_S_MAX = 20.0

Message = Mapping[str, Any]


class Feed:
    """One subscription on a connection of its own."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def say(self, type: str, **content: Any) -> None:
        """Sends a message of the protocol."""
        await self._socket.send(json.dumps({"type": type, **content}))

    async def say_raw(self, frame: str) -> None:
        """Sends a frame as it is."""
        await self._socket.send(frame)

    async def hear(self, seconds_max: float = EVENT_S_MAX) -> Message:
        """The next message; raises TimeoutError, and ConnectionClosed at the end."""
        async with asyncio.timeout(seconds_max):
            while True:
                message: Message = json.loads(await self._socket.recv())
                if message["type"] != "ping":
                    return message
                await self.say("pong")

    async def begin(self, key: str) -> None:
        """Shows the key."""
        await self.say("connection_init", payload={"authorization": f"Bearer {key}"})
        assert (await self.hear())["type"] == "connection_ack"

    async def follow(self, after: str | None, *, conflate: bool = False) -> None:
        """Subscribes to the balance."""
        variables = {"after": after, "conflate": conflate}
        await self.say("subscribe", id="1", payload={"query": FOLLOW, "variables": variables})

    async def event(self, seconds_max: float = EVENT_S_MAX) -> Message:
        """The next event."""
        message = await self.hear(seconds_max)
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        event: Message = message["payload"]["data"]["balanceChanged"]
        return event

    async def events_until(self, sequence: int) -> list[Message]:
        """All events up to the one with a sequence."""
        events = [await self.event()]
        while events[-1]["sequence"] < sequence:
            events.append(await self.event())
        return events

    async def closed(self, seconds_max: float) -> int:
        """The code with which the server ends the connection in time."""
        with suppress(ConnectionClosed):
            while True:
                await self.hear(seconds_max)
        return self._socket.close_code or 0

    def drop(self) -> None:
        """Breaks the connection without a word."""
        self._socket.transport.abort()


@asynccontextmanager
async def connected(socket_url: str, **options: Any) -> AsyncGenerator[Feed, None]:
    """A connection that has not yet shown a key."""
    given = {"max_queue": None, "ping_interval": None, **options}
    async with connect(socket_url, subprotocols=[PROTOCOL], proxy=None, **given) as socket:
        yield Feed(socket)


@asynccontextmanager
async def following(
    socket_url: str, key: str, after: str | None = None, *, conflate: bool = False, **options: Any
) -> AsyncGenerator[Feed, None]:
    """A subscription to the balance, from a cursor or from a snapshot on."""
    async with connected(socket_url, **options) as feed:
        await feed.begin(key)
        await feed.follow(after, conflate=conflate)
        yield feed
