"""By POST, by GET or over a WebSocket: a plan answers, and refuses, like the reference path."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.readplan.conftest import Apps, Story
from tests.sockets import ask_over_socket
from tests.world import NOON, World, a_world, text_of

NAME = "{ viewer { name } }"


async def test_a_plan_answers_whichever_way_it_is_asked(apps: Apps, story: Story) -> None:
    client, planner = story.a.client(apps.planned), apps.planned.app.state.planner
    query = "query ($open: Boolean) { viewer { name } tickets(open: $open) { totalCount } }"
    body = {"query": query, "variables": {"open": True}}
    answer = await client.ask(query, open=True)
    before, answered = planner.missed.copy(), planner.answered

    by_get = await client.http.get(
        "/graphql",
        params={"query": query, "variables": '{"open": true}', "extensions": "{}"},
        headers=client.headers,
    )
    by_post = await client.post(
        content=json.dumps(body).encode(),
        headers={"content-type": "APPLICATION/JSON; charset=utf-8"},
    )
    by_socket = await ask_over_socket(apps.planned, client, body)

    assert by_get.json() == by_post.json() == answer
    assert by_socket == [
        {"type": "next", "id": "0", "payload": answer},
        {"type": "complete", "id": "0"},
    ]
    assert (planner.missed - before, planner.answered) == ({}, answered + 3)


@pytest.mark.parametrize("kind", ["application/json;x", "Application/JSON", "application/jsonx"])
async def test_a_content_type_is_read_alike(apps: Apps, story: Story, kind: str) -> None:
    """Whether a plan covers a document decides nothing of what is accepted."""
    request = {"content": b'{"query": "{ __typename }"}', "headers": {"content-type": kind}}

    by_plan = await story.a.client(apps.planned).post(**request)
    by_loaders = await story.a.client(apps.reference).post(**request)

    assert (by_plan.status_code, by_plan.text) == (by_loaders.status_code, by_loaders.text)


URLS: list[dict[str, str]] = [
    {},
    {"query": ""},
    {"query": NAME, "variables": ""},
    {"query": NAME, "variables": "{"},
    {"query": NAME, "variables": "[]"},
    {"query": NAME, "variables": "null"},
    {"query": NAME, "extensions": "1"},
    {"query": NAME, "operationName": ""},
    {"query": "{ viewer { nme } }"},
    {"query": "subscription { balanceChanged { sequence } }"},
]


@pytest.mark.parametrize("params", URLS, ids=str)
async def test_a_url_is_read_alike(apps: Apps, story: Story, params: dict[str, str]) -> None:
    answers = []
    for world in (apps.planned, apps.reference):
        client = story.a.client(world)
        given = await client.http.get("/graphql", params=params, headers=client.headers)
        answers.append((given.status_code, given.text))

    assert answers[0] == answers[1]


SAID = {
    "a mistake": "{ viewer { nme } }",
    "no document": "{",
    "several operations": "query a { viewer { name } } query b { viewer { name } }",
    "a refusal": '{ node(id: "x") { id } contacts(first: 0) { totalCount } }',
    "introspection": '{ __type(name: "Query") { name } }',
    "a write that is refused": """mutation { openTicket(input: {contactId: "x", subject: ""}) {
      __typename ... on UserError { code path } } }""",
    "an answer": "{ a: viewer { name } b: contacts(last: 3) { nodes { id } } }",
}


@pytest.mark.parametrize("document", SAID.values(), ids=SAID)
async def test_a_socket_is_answered_alike(apps: Apps, story: Story, document: str) -> None:
    answers = [
        await ask_over_socket(
            world, story.a.client(world), {"query": document}, {"query": NAME, "variables": None}
        )
        for world in (apps.planned, apps.reference)
    ]

    assert answers[0] == answers[1]
    assert answers[0]


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """An app to write to."""
    async with a_world(database_url) as made:
        yield made


async def test_a_write_over_a_socket_is_answered_by_its_plan(world: World) -> None:
    tenant = await world.tenant()
    planner = world.app.state.planner
    body: dict[str, Any] = {
        "query": """mutation ($i: RecordInteractionInput!) { recordInteraction(input: $i) {
          __typename ... on RecordInteractionPayload { replayed interaction { externalId } } } }""",
        "variables": {
            "i": {
                "channel": "EMAIL",
                "kind": "CUSTOMER_MESSAGE",
                "occurredAt": text_of(NOON),
                "externalId": "x",
                "identity": {"channel": "EMAIL", "address": "ana@example.com"},
            }
        },
    }
    answered = planner.answered

    heard = await ask_over_socket(world, tenant.admin, body, body)

    assert [each["payload"]["data"]["recordInteraction"] for each in heard[::2]] == [
        {
            "__typename": "RecordInteractionPayload",
            "replayed": replayed,
            "interaction": {"externalId": "x"},
        }
        for replayed in (False, True)
    ]
    assert planner.answered == answered + 2


async def test_nothing_is_written_by_get(world: World) -> None:
    tenant = await world.tenant()
    planner = world.app.state.planner
    missed = planner.missed.copy()
    mutation = 'mutation { createList(input: {name: "x"}) { __typename } }'

    refused = await world.http.get(
        "/graphql", params={"query": mutation}, headers=tenant.admin.headers
    )

    assert refused.status_code == 400
    assert planner.missed - missed == {"a mutation by GET": 1}
    assert await tenant.admin.run("{ lists { totalCount } }") == {"lists": {"totalCount": 0}}
