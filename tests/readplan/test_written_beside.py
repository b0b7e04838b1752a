"""Mutations of which only a part is refused: what was written is answered and never hidden."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.world import NOON, Tenant, World, a_world, text_of
from trenza.domain.access import Scope
from trenza.storage.statements import StatementError

RECORD = "mutation ($i: RecordInteractionInput!) { recordInteraction(input: $i) "
UNKNOWN = "quarantine_00000000000000000000000011"


def report(external_id: str) -> dict[str, Any]:
    """A report of a contact's message."""
    return {
        "channel": "EMAIL",
        "kind": "CUSTOMER_MESSAGE",
        "occurredAt": text_of(NOON),
        "externalId": external_id,
        "identity": {"channel": "EMAIL", "address": "ana@example.com"},
    }


@pytest.fixture(params=[True, False], ids=["plan", "reference"])
async def world(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[World]:
    """An app of either way to answer."""
    async with a_world(database_url, read_plan=request.param) as made:
        yield made


@pytest.fixture
async def tenant(world: World) -> Tenant:
    """A company in it."""
    return await world.tenant()


async def count(tenant: Tenant) -> int:
    """How many interactions there are."""
    answer = await tenant.admin.run("{ contacts { nodes { interactions { totalCount } } } }")
    return sum(each["interactions"]["totalCount"] for each in answer["contacts"]["nodes"])


@pytest.mark.parametrize(
    ("scopes", "refusal"), [([Scope.RECORD], "Forbidden"), (list(Scope), "NotFound")]
)
async def test_the_second_of_two_fields_is_refused(
    tenant: Tenant, scopes: list[Scope], refusal: str
) -> None:
    document = (
        "mutation ($i: RecordInteractionInput!, $q: ID!) { a: recordInteraction(input: $i) "
        "{ __typename } b: admitInteraction(input: { quarantineId: $q }) { __typename } }"
    )
    client = await tenant.client(*scopes)

    answer = await client.ask(document, i=report("x"), q=UNKNOWN)

    assert answer == {
        "data": {"a": {"__typename": "RecordInteractionPayload"}, "b": {"__typename": refusal}}
    }
    assert await count(tenant) == 1


@pytest.mark.parametrize("below", ["nodes { id }", "totalCount"])
async def test_a_page_of_what_was_written_is_refused_in_its_place(
    tenant: Tenant, below: str
) -> None:
    """Also when a page of the same document was good before."""
    document = (
        "mutation ($i: RecordInteractionInput!, $n: Int) { recordInteraction(input: $i) "
        "{ ... on RecordInteractionPayload { interaction { contact "
        f"{{ interactions(first: $n) {{ {below} }} }} }} }} }} }}"
    )
    await tenant.admin.run(document, i=report("x"), n=1)

    answer = await tenant.admin.ask(document, i=report("y"), n=0)

    [error] = answer["errors"]
    assert error["path"] == ["recordInteraction", "interaction", "contact", "interactions"]
    assert error["extensions"] == {"code": "INVALID_INPUT", "input": ["first"]}


async def test_null_below_what_was_written_is_refused_in_its_place(tenant: Tenant) -> None:
    """A variable with a default may be null, and is given to what may not be."""
    document = (
        "mutation ($i: RecordInteractionInput!, $c: ChannelKind = EMAIL) { "
        "recordInteraction(input: $i) { ... on RecordInteractionPayload { interaction { contact "
        "{ mayContact(channel: $c, purpose: MARKETING) { allowed } } } } } }"
    )
    await tenant.admin.run(document, i=report("x"))

    answer = await tenant.admin.ask(document, i=report("y"), c=None)

    [error] = answer["errors"]
    assert error["path"] == ["recordInteraction", "interaction", "contact", "mayContact"]
    assert await count(tenant) == 2


@pytest.mark.parametrize(
    "rest",
    [
        "{ ... on RecordInteractionPayload { interaction { contact @skip(if: true) { id } } } } }",
        "{ __typename } } query Q { contacts { nodes { id } } }",
    ],
    ids=["skipped", "another operation"],
)
async def test_a_key_that_may_only_record_is_refused_for_the_whole_document(
    tenant: Tenant, rest: str
) -> None:
    client = await tenant.client(Scope.RECORD)
    body = {
        "query": RECORD.replace("mutation", "mutation M") + rest,
        "operationName": "M",
        "variables": {"i": report("x")},
    }

    answer = (await client.post(body)).json()

    assert answer["data"] is None
    assert answer["errors"][0]["extensions"] == {"code": "FORBIDDEN"}
    assert await count(tenant) == 0


async def test_rows_that_a_plan_cannot_read_back_are_answered_nevertheless(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And however many wait for them, no error is left unheard, which would be a warning."""
    document = (
        "mutation ($i: [RecordInteractionInput!]!) { recordInteractions(inputs: $i) "
        "{ ... on RecordInteractionPayload { interaction { id } } } }"
    )
    async with a_world(database_url) as world:
        tenant = await world.tenant()
        await tenant.admin.run(document, i=[report("w")])

        async def fail(*_: object) -> None:
            raise StatementError

        with monkeypatch.context() as broken:
            broken.setattr(world.parts.statements, "fetch", fail)
            answer = await tenant.admin.ask(document, i=[report("x"), report("y"), report("z")])

        assert "errors" not in answer
        shown = {each["interaction"]["id"] for each in answer["data"]["recordInteractions"]}
        assert len(shown) == 3
        assert await count(tenant) == 4
