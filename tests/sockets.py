"""A WebSocket over an app itself: what a server hands to it, and what it sends."""

import asyncio
import json
from typing import Any

from tests.world import Client, World

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


def frame(type_: str, **content: Any) -> dict[str, Any]:
    """What a server hands to the app when a client has sent a message."""
    return {"type": "websocket.receive", "text": json.dumps({"type": type_, **content})}


async def ask_over_socket(world: World, client: Client, *bodies: Any) -> list[dict[str, Any]]:
    """What is sent of operations, one after another; each has its place as its id."""
    key = {"authorization": client.headers["Authorization"]}
    frames = [{"type": "websocket.connect"}, frame("connection_init", payload=key)]
    waiting = [frame("subscribe", id=str(n), payload=body) for n, body in enumerate(bodies)]
    heard: list[dict[str, Any]] = []
    go_on = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if frames:
            return frames.pop(0)
        await go_on.wait()
        go_on.clear()
        return waiting.pop(0) if waiting else {"type": "websocket.disconnect", "code": 1000}

    async def send(message: Any) -> None:
        if message["type"] == "websocket.close":
            heard.append({name: message[name] for name in ("type", "code", "reason")})
            waiting.clear()
            go_on.set()
        elif message["type"] == "websocket.send":
            heard.append(json.loads(message["text"]))
            if heard[-1]["type"] in ("connection_ack", "complete", "error"):
                go_on.set()

    await asyncio.wait_for(world.app(dict(SCOPE), receive, send), 10)
    return heard[1:]
