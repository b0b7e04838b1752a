"""What is run of a document, and what an operation may see."""

from httpx import ASGITransport, AsyncClient

from tests.world import World, text_of
from trenza.app import create_app
from trenza.domain.access import Scope
from trenza.settings import load_settings

VISITOR = {"channel": "WEBCHAT", "address": "visit-1"}
TICKET = """
  openTicket(input: {contactId: $id, subject: "Factura"}) {
    ... on OpenTicketPayload { ticket { contact { tickets { totalCount } } } }
  }
"""


async def test_a_document_of_several_operations_says_which_one(world: World) -> None:
    client = (await world.tenant()).admin
    document = "query A { viewer { name } } query B { workspace { name } }"

    unsaid = (await client.post({"query": document})).json()
    said = (await client.post({"query": document, "operationName": "B"})).json()

    assert "operationName" in unsaid["errors"][0]["message"]
    assert unsaid["data"] is None
    assert said == {"data": {"workspace": {"name": "Cafetal"}}}


async def test_the_second_mutation_of_a_document_sees_the_first(world: World) -> None:
    client = (await world.tenant()).admin
    made = await client.do(
        "upsertContact",
        "UpsertContactInput",
        "... on UpsertContactPayload { contact { id } }",
        {"firstName": "Ángela", "lastName": "Núñez", "identities": [VISITOR]},
    )

    done = await client.run(
        f"mutation ($id: ID!) {{ a: {TICKET} b: {TICKET} }}", id=made["contact"]["id"]
    )

    counts = [done[name]["ticket"]["contact"]["tickets"]["totalCount"] for name in "ab"]
    assert counts == [1, 2]


async def test_a_name_is_found_without_its_case_and_accents(world: World) -> None:
    client = (await world.tenant()).admin
    await client.do(
        "upsertContact",
        "UpsertContactInput",
        "... on UpsertContactPayload { contact { id } }",
        {"firstName": "Ángela", "lastName": "Núñez", "identities": [VISITOR]},
    )

    for part in ("ángela", "ANGELA", "nunez", "NÚÑ", "angela n"):
        found = await client.run(
            "query ($part: String) { contacts(filter: {nameContains: $part}) { totalCount } }",
            part=part,
        )
        assert found["contacts"]["totalCount"] == 1, part


async def test_a_key_that_only_records_is_told_why_a_credit_was_spent(world: World) -> None:
    client = await (await world.tenant()).client(Scope.RECORD)

    done = await client.record(
        "... on RecordInteractionPayload { entries { amount sentence(language: EN) } }",
        channel="SMS",
        kind="CUSTOMER_MESSAGE",
        identity={"channel": "SMS", "address": "+573001234567"},
        occurredAt=text_of(world.clock.at),
    )

    [entry] = done["entries"]
    assert entry["amount"] == 1
    assert "24-hour session" in entry["sentence"]


async def test_a_cursor_of_another_order_is_refused(world: World) -> None:
    client = (await world.tenant()).admin
    await client.do(
        "upsertContact",
        "UpsertContactInput",
        "... on UpsertContactPayload { contact { id } }",
        {"firstName": "Ana", "identities": [VISITOR]},
    )
    page = await client.run("{ contacts { pageInfo { endCursor } } }")

    answer = await client.ask(
        "query ($after: String) {"
        " contacts(after: $after, orderBy: {field: UPDATED_AT}) { totalCount } }",
        after=page["contacts"]["pageInfo"]["endCursor"],
    )

    assert answer["errors"][0]["extensions"] == {"code": "INVALID_INPUT", "input": ["after"]}


async def test_the_schema_and_the_explorer_can_be_hidden(world: World, database_url: str) -> None:
    key = (await world.tenant()).admin.headers
    settings = load_settings(database=database_url).model_copy(
        update={"introspection": False, "explorer": False}
    )
    hiding = create_app(settings, world.clock)

    async with AsyncClient(transport=ASGITransport(hiding), base_url="http://hidden") as client:
        asked = await client.post(
            "/graphql", json={"query": "{ __schema { types { name } } }"}, headers=key
        )
        page = await client.get("/graphql", headers={"Accept": "text/html"})
    await hiding.state.parts.dependencies.database.close()

    assert asked.json()["data"] is None
    assert "introspection" in asked.json()["errors"][0]["message"].lower()
    assert page.status_code == 401


async def test_what_a_key_may_not_read_is_refused_before_anything_is_written(world: World) -> None:
    client = await (await world.tenant()).client(Scope.RECORD)
    before = await world.dump()
    report = {
        "channel": "SMS",
        "kind": "CUSTOMER_MESSAGE",
        "identity": {"channel": "SMS", "address": "+573001234567"},
        "occurredAt": text_of(world.clock.at),
    }

    answer = await client.ask(
        """
        mutation ($input: RecordInteractionInput!) {
          recordInteraction(input: $input) { ...Recorded }
        }
        fragment Recorded on RecordInteractionPayload { interaction { contact { id } } }
        """,
        input=report,
    )

    assert answer["data"] is None
    assert answer["errors"][0]["extensions"] == {"code": "FORBIDDEN"}
    assert "contact" in answer["errors"][0]["message"]
    assert await world.dump() == before


async def test_a_day_of_birth_long_ago_is_a_date(world: World) -> None:
    client = (await world.tenant()).admin

    made = await client.do(
        "upsertContact",
        "UpsertContactInput",
        "... on UpsertContactPayload { contact { birthOn } }",
        {"birthOn": "1931-03-02", "identities": [VISITOR]},
    )

    assert made["contact"]["birthOn"] == "1931-03-02"
