"""A document costs a number of SQL statements that does not depend on the number of rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from tests.round_trips import counted_round_trips
from tests.world import Client, World, text_of

NESTED = """
query ($count: Int!) {
  contacts(first: $count) {
    totalCount
    nodes {
      displayName
      identities { channel address }
      interactions(first: 3) {
        totalCount
        nodes {
          kind
          contact { id }
          campaign { name }
          ticket { number contact { id } }
          verdict { sentence session { lane contact { id } } }
        }
      }
      sessions(first: 2) { nodes { state entries { amount sentence } interactions { totalCount } } }
      debits(first: 2) { nodes { sentence supersedes { sequence } cause { kind } } }
      tickets { nodes { number interactions { totalCount } } }
      campaignTouches { nodes { campaign { name } } }
      journeyEnrollments { nodes { journey { name } } }
      mergedFrom { id }
      mergedInto { id }
    }
  }
  workspace {
    name
    contract { plan { seats } }
    balance { remaining grants { burned } }
    usage { total byDay { credits } }
    seats { used }
  }
}
"""
RECORD = """
mutation ($inputs: [RecordInteractionInput!]!) {
  recordInteractions(inputs: $inputs) {
    __typename
    ... on RecordInteractionPayload {
      replayed
      cursor
      interaction { verdict { sentence } contact { displayName identities { address } } }
      session { lane }
      entries { sequence sentence }
      balance { remaining }
    }
  }
}
"""


@contextmanager
def statements(world: World) -> Iterator[list[str]]:
    """Every statement that is sent to the database meanwhile."""
    with counted_round_trips(world.parts.dependencies.database) as found:
        yield found


def reports(world: World, name: str, people: int, each: int, **common: Any) -> list[dict[str, Any]]:
    """Some interactions of each of some people, an hour apart, late ones among them."""
    hours = [30 * n if n % 3 else 30 * n - 20 for n in range(1, each + 1)]
    return [
        {
            "externalId": f"{name}-{person}-{hour}",
            "identity": {"channel": "EMAIL", "address": f"{name}{person}@example.com"},
            "channel": "EMAIL",
            "kind": "COMPANY_MESSAGE" if hour % 60 else "HANDOFF",
            "actor": "HUMAN",
            "occurredAt": text_of(world.clock.at - timedelta(hours=hour)),
            **common,
        }
        for person in range(people)
        for hour in hours
    ]


async def cost_of(world: World, client: Client, document: str, **variables: Any) -> int:
    """The statements that a document costs, with the key seen and every connection open."""
    await client.run(NESTED, count=1)
    before = world.parts.statements.executed
    with statements(world) as found:
        await client.run(document, **variables)
    return len(found) + world.parts.statements.executed - before


async def test_a_nested_query_costs_the_same_for_2_and_for_40_contacts(world: World) -> None:
    client = (await world.tenant()).admin
    campaign = await client.do(
        "createCampaign",
        "CreateCampaignInput",
        "... on CreateCampaignPayload { campaign { id } }",
        {"name": "Black", "channel": "EMAIL"},
    )
    journey = await client.do(
        "createJourney",
        "CreateJourneyInput",
        "... on CreateJourneyPayload { journey { id } }",
        {"name": "Hola", "stage": "SALE"},
    )
    common = {"campaignId": campaign["campaign"]["id"], "journeyId": journey["journey"]["id"]}
    await client.run(RECORD, inputs=reports(world, "p", 40, 4, **common))
    sends = reports(world, "p", 40, 1, **common)
    await client.run(
        RECORD,
        inputs=[
            each | {"kind": "CAMPAIGN_SEND", "actor": None, "externalId": f"send{n}"}
            for n, each in enumerate(sends)
        ],
    )
    people = await client.run("{ contacts(first: 100) { nodes { id } } }")
    for person in people["contacts"]["nodes"]:
        ticket = await client.do(
            "openTicket",
            "OpenTicketInput",
            "... on OpenTicketPayload { ticket { id } }",
            {"contactId": person["id"], "subject": "Factura"},
        )
        await client.record(
            channel="EMAIL",
            kind="TICKET_PUBLIC_ACTION",
            contactId=person["id"],
            ticketId=ticket["ticket"]["id"],
            occurredAt=text_of(world.clock.at),
        )

    few = await cost_of(world, client, NESTED, count=2)
    many = await cost_of(world, client, NESTED, count=40)

    assert few == THE_PLANS_AND_ALL_FIGURES
    assert many == few


THE_PLANS_AND_ALL_FIGURES = 2
COPIED_APART = 5
"""What many rows cost on PostgreSQL beside a few: those of four tables are copied by themselves."""


async def test_a_batch_costs_the_same_for_2_and_for_200_reports(world: World) -> None:
    client = (await world.tenant(interactionz=1_000_000)).admin
    # The first debits of a cycle keep the cycle: once.
    await client.run(RECORD, inputs=reports(world, "seen", 1, 4))

    few = await cost_of(world, client, RECORD, inputs=reports(world, "a", 1, 2))
    many = await cost_of(world, client, RECORD, inputs=reports(world, "b", 100, 2))
    again = await cost_of(world, client, RECORD, inputs=reports(world, "b", 100, 2))
    late_few = await cost_of(world, client, RECORD, inputs=reports(world, "c", 1, 4))
    late_many = await cost_of(world, client, RECORD, inputs=reports(world, "d", 50, 4))

    assert few <= many <= few + COPIED_APART
    assert again < many
    assert late_few <= late_many <= late_few + COPIED_APART
    assert late_many <= 50
