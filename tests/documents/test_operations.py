"""Every GraphQL operation of the documents runs on the demo and answers as shown."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.demo_server import DemoServer
from tests.documents.markdown import ROOT
from tests.documents.operations import Shown, differences, list_operations

OPERATIONS = list(list_operations())


def answer_of(demo: DemoServer, operation: Shown) -> Any:
    """What the demo answers; to a subscription, what it delivers first."""
    now = datetime.now(UTC).isoformat()  # noqa: TID251 - the demo runs on the real clock
    request = operation.request(now, demo.contact_of)
    role = operation.role
    headers = {} if role == "nobody" else {"authorization": f"Bearer {demo.key(role)}"}
    if not operation.is_subscription:
        return httpx.post(f"{demo.url}/graphql", json=request, headers=headers, timeout=30).json()
    url = f"{demo.url.replace('http', 'ws')}/graphql"
    with connect(url, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
        socket.send(json.dumps({"type": "connection_init", "payload": headers}))
        assert json.loads(socket.recv(timeout=10))["type"] == "connection_ack"
        socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": request}))
        return json.loads(socket.recv(timeout=10))["payload"]


def test_the_readme_shows_an_operation_of_every_kind_with_its_answer() -> None:
    shown = [each for each in OPERATIONS if each.block.document == ROOT / "README.md"]

    begins = {each.block.text.split()[0] for each in shown if each.answer}
    assert begins == {"{", "mutation", "subscription"}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.block.place)
def test_an_operation_answers_as_shown(operation: Shown, demo: DemoServer) -> None:
    got = answer_of(demo, operation)

    if operation.answer is None:
        assert "errors" not in got
    else:
        assert differences(operation.answer, got) == [], got
