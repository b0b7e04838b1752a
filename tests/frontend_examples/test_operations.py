"""Every operation that a front-end example sends is valid and answered by the running demo."""

import json
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, parse, validate
from websockets.sync.client import connect

from tests.demo_server import DemoServer
from tests.frontend_examples.operations import ROOT, Operation, list_operations

OPERATIONS = list(list_operations())
ANSWERED = [operation for operation in OPERATIONS if not operation.is_subscription]
FOLLOWED = [operation for operation in OPERATIONS if operation.is_subscription]


def place_of(operation: Operation) -> str:
    return operation.place


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8"))


def first_event(demo: DemoServer, operation: Operation) -> dict[str, Any]:
    """What a subscription delivers first, over graphql-transport-ws as a browser speaks it."""
    url = f"{demo.url.replace('http', 'ws')}/graphql"
    with connect(url, subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
        start = {"authorization": f"Bearer {demo.key()}"}
        socket.send(json.dumps({"type": "connection_init", "payload": start}))
        assert json.loads(socket.recv(timeout=10))["type"] == "connection_ack"
        request = {"query": operation.text, "variables": operation.variables()}
        socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": request}))
        message = json.loads(socket.recv(timeout=10))
    assert message["type"] == "next", message
    payload: dict[str, Any] = message["payload"]
    return payload


def test_the_examples_hold_operations_of_every_kind() -> None:
    kinds = {
        (operation.place.partition("/")[0], operation.definition.operation.value)
        for operation in OPERATIONS
    }

    assert kinds >= {
        ("graphiql", "query"),
        ("graphiql", "mutation"),
        ("graphiql", "subscription"),
        ("live_balance", "query"),
        ("live_balance", "subscription"),
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=place_of)
def test_it_is_valid_against_the_printed_schema(
    operation: Operation, schema: GraphQLSchema
) -> None:
    assert validate(schema, parse(operation.text)) == []


@pytest.mark.parametrize("operation", ANSWERED, ids=place_of)
def test_the_demo_answers_it_without_an_error(operation: Operation, demo: DemoServer) -> None:
    answer = demo.ask(operation.text, operation.variables())

    assert "errors" not in answer
    roots = [root for root in answer["data"].values() if root is not None]
    assert len(roots) == len(operation.definition.selection_set.selections)
    assert [root for root in roots if "code" in root] == []


@pytest.mark.parametrize("operation", FOLLOWED, ids=place_of)
def test_the_demo_delivers_its_first_event(operation: Operation, demo: DemoServer) -> None:
    payload = first_event(demo, operation)

    assert "errors" not in payload
    assert payload["data"]["balanceChanged"]["kind"] == "SNAPSHOT"


def test_recording_an_interaction_twice_charges_once(demo: DemoServer) -> None:
    [recording] = [o for o in ANSWERED if o.place.endswith("record_interaction.graphql")]
    variables = recording.variables()

    first = demo.ask(recording.text, variables)["data"]["recordInteraction"]
    again = demo.ask(recording.text, variables)["data"]["recordInteraction"]

    assert (first["replayed"], again["replayed"]) == (False, True)
    assert again["interaction"] == first["interaction"]
    assert again["cursor"] == first["cursor"]
