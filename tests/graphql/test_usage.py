"""What credits went to, through the API: campaigns, journeys, agents, contacts, one contact."""

from typing import Any

import pytest

from tests.graphql.reports import message
from tests.world import Client, World
from trenza.domain.access import Role, Scope

ATTRIBUTED = """
query ($from: DateTime, $to: DateTime, $top: Int! = 20) {
  workspace {
    usage(from: $from, to: $to) {
      total
      byCampaign(top: $top) { campaign { name } isRest credits }
      byJourney(top: $top) { journey { name } isRest credits }
      byAgent(top: $top) { agent { name } isRest credits }
      byContact(top: $top) {
        contact {
          displayName
          costToServe(from: $from, to: $to) { total byLane { credits } byChannel { credits } }
        }
        isRest
        credits
      }
    }
  }
}
"""


async def test_credits_go_to_who_and_what_caused_them(world: World) -> None:
    tenant = await world.tenant()
    client = tenant.admin
    _, agent_id = await tenant.person(Role.AGENT, "Lía")
    made = await client.do(
        "createCampaign",
        "CreateCampaignInput",
        "... on CreateCampaignPayload { campaign { id } }",
        {"name": "Camas", "channel": "EMAIL"},
    )
    sent = {"kind": "CAMPAIGN_SEND", "campaignId": made["campaign"]["id"]}
    await message(world, client, "ana", externalId="sent", **sent)
    world.clock.advance(hours=1)
    await message(world, client, "ana", externalId="reply")
    told = await message(
        world,
        client,
        "ana",
        externalId="answer",
        kind="COMPANY_MESSAGE",
        actor="HUMAN",
        agentId=agent_id,
    )
    agent = "query ($id: ID!) { node(id: $id) { ... on Interaction { agent { id name } } } }"
    found = await client.run(agent, id=told["interaction"]["id"])
    assert found["node"]["agent"] == {"id": agent_id, "name": "Lía"}
    await message(world, client, "luis", externalId="call", kind="COMPANY_MESSAGE", actor="BOT")

    usage = (await client.run(ATTRIBUTED))["workspace"]["usage"]

    none = {"isRest": False, "credits": 1}
    assert usage["byCampaign"] == [
        {"campaign": {"name": "Camas"}, **none},
        {"campaign": None, **none},
    ]
    assert usage["byJourney"] == [{"journey": None, "isRest": False, "credits": 2}]
    assert usage["byAgent"] == [{"agent": {"name": "Lía"}, **none}, {"agent": None, **none}]
    assert [row["contact"]["costToServe"]["total"] for row in usage["byContact"]] == [1, 1]
    one = (await client.run(ATTRIBUTED, top=1))["workspace"]["usage"]["byContact"]
    assert one[1] == {"contact": None, "isRest": True, "credits": 1}
    past = {"from": "2026-09-01T00:00:00Z", "to": "2026-10-01T00:00:00Z"}
    before = (await client.run(ATTRIBUTED, **past))["workspace"]["usage"]
    assert before == {"total": 0} | {name: [] for name in before if name != "total"}
    refused = await client.ask(ATTRIBUTED, top=0)
    assert refused["errors"][0]["extensions"]["code"] == "INVALID_INPUT"


async def test_the_groupings_of_a_statement_sum_to_what_it_says(world: World) -> None:
    client = (await world.tenant()).admin
    await message(world, client, "a", occurredAt="2026-10-25T12:00:00Z")
    await message(world, client, "b", occurredAt="2026-10-27T12:00:00Z")
    for _ in range(3):
        await client.do("closeCycle", "CloseCycleInput", "", {})
    await message(world, client, "a", externalId="late", occurredAt="2026-10-22T12:00:00Z")

    found = await client.run(
        '{ workspace { statement(cycleOf: "2026-10-31") { consumed adjustments usage { total '
        "byContact { credits } byCampaign { credits } byJourney { credits } byAgent { credits } "
        "} } } }"
    )

    statement = found["workspace"]["statement"]
    assert (statement["consumed"], statement["adjustments"]) == (2, 1)
    for name in ("byContact", "byCampaign", "byJourney", "byAgent"):
        assert sum(row["credits"] for row in statement["usage"][name]) == 2


async def test_who_may_read_sees_usage_and_of_people_what_the_role_sees(world: World) -> None:
    tenant = await world.tenant()
    await message(world, tenant.admin, "ana")
    viewer, _ = await tenant.person(Role.VIEWER)
    recorder = await tenant.client(Scope.RECORD)
    document = "{ workspace { usage { byContact { credits contact { id %s } } } } }"

    seen = await viewer.run(document % "costToServe { total }")
    hidden = await viewer.ask(document % "birthOn")
    refused = await recorder.ask(document % "")

    [row] = seen["workspace"]["usage"]["byContact"]
    assert (row["credits"], row["contact"]["costToServe"]) == (1, {"total": 1})
    [row] = hidden["data"]["workspace"]["usage"]["byContact"]
    assert (row["contact"]["birthOn"], _codes(hidden)) == (None, ["FORBIDDEN"])
    assert (refused["data"], _codes(refused)) == (None, ["FORBIDDEN"])


def _codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer["errors"]]


async def test_a_merged_contact_costs_nothing_of_its_own(world: World) -> None:
    client = (await world.tenant()).admin
    ids = {}
    for name in ("ana", "bea"):
        told = await message(world, client, name)
        ids[name] = told["interaction"]["contact"]["id"]
        world.clock.advance(days=2)
    merge = {"sourceId": ids["bea"], "targetId": ids["ana"]}
    await client.do("mergeContacts", "MergeContactsInput", "", merge)

    assert [await _cost(client, ids[name]) for name in ("ana", "bea")] == [2, 0]


async def _cost(client: Client, contact_id: str) -> int:
    document = "query ($id: ID!) { contact(id: $id) { costToServe { total } } }"
    total: int = (await client.run(document, id=contact_id))["contact"]["costToServe"]["total"]
    return total


@pytest.mark.parametrize(
    ("from_", "to", "path"),
    [
        ("2026-11-02T00:00:00Z", None, "to"),
        (None, "2026-11-02T00:00:00Z", "from"),
        ("2026-11-02T00:00:00Z", "2026-11-02T00:00:00Z", "to"),
    ],
)
async def test_a_bad_period_of_a_cost_is_refused(
    world: World, from_: str | None, to: str | None, path: str
) -> None:
    client = (await world.tenant()).admin
    told = await message(world, client, "ana")
    document = (
        "query ($id: ID!, $from: DateTime, $to: DateTime) { contact(id: $id) { "
        "costToServe(from: $from, to: $to) { total } } }"
    )

    given = {"id": told["interaction"]["contact"]["id"], "from": from_, "to": to}
    answer = await client.ask(document, **given)

    assert answer["errors"][0]["extensions"] == {"code": "INVALID_INPUT", "input": [path]}
