"""Two workspaces that look alike: nothing of the one shows in what the other is answered."""

from datetime import timedelta
from typing import Any

from tests.graphql.reports import ids_of_everything, report
from tests.world import Client, World, text_of
from trenza.domain.ids import Prefix, format_id

EVERYTHING = """
query ($own: [ID!]!, $foreign: [ID!]!) {
  viewer { keyId scopes workspace { id } user { id } role permissions }
  own: nodes(ids: $own) { __typename id }
  foreign: nodes(ids: $foreign) { __typename id }
  contactByIdentity(channel: EMAIL, address: "ana@example.com") { id mergedFrom { id } }
  contacts {
    totalCount
    nodes {
      id displayName createdAt identities { channel address createdAt }
      interactions {
        totalCount
        edges { cursor node { id text recordedAt verdict { outcome sentence session { id } } } }
      }
      sessions { totalCount nodes { id lane entries { id sequence } interactions { totalCount } } }
      debits { totalCount nodes { id sequence reason supersedes { id } cause { id } } }
      tickets { nodes { id number interactions { totalCount } } }
      campaignTouches { nodes { id campaign { id touches { totalCount } } } }
      journeyEnrollments { nodes { id journey { id enrollments { totalCount } } } }
      consents { address status source } consentEvents { totalCount nodes { id address } }
      doNotContact { id reason }
      mayContact(channel: EMAIL, purpose: MARKETING) { allowed reasons { code sentence } }
      costToServe { total byChannel { channel credits } byLane { lane credits } }
    }
  }
  lists { totalCount nodes { id count members { totalCount } } }
  segments { totalCount nodes { id count members { totalCount } } }
  campaigns { totalCount nodes { id interactions { totalCount } } }
  journeys { totalCount nodes { id interactions { totalCount } } }
  tickets { totalCount nodes { id number } }
  workspace {
    id name contract { id plan { id code } } plans { id }
    balance { granted consumed remaining overage grants { kind granted burned } }
    usage {
      total byChannel { channel credits } byLane { lane credits } byDay { day credits }
      byCampaign { campaign { id } isRest credits } byJourney { journey { id } isRest credits }
      byAgent { agent { id } isRest credits } byContact { contact { id } isRest credits }
    }
    seats { included used invited over signedIn }
    statement { text adjustments }
    interactions { totalCount nodes { id } }
    sessions { totalCount nodes { id } }
    debits { totalCount nodes { id sequence } }
    grants { totalCount nodes { id sequence } }
    alerts { totalCount nodes { id } }
    users {
      totalCount
      nodes { id email status invitedAt lastActivityAt groups { id name } signIns { totalCount } }
    }
    groups { totalCount nodes { id name members { totalCount nodes { id } } } }
    apiKeys { totalCount nodes { id name user { id } } }
    activity {
      totalCount
      nodes { id at verb subjectId subject { id } user { id } key { id } before after }
    }
    quarantine { totalCount nodes { id request interaction { id } } }
    frequencyCaps { id touchesMax } optOutWords { language words }
  }
}
"""


async def live(world: World, client: Client) -> dict[str, str]:
    """What happens in each of the two workspaces, alike in every text and external id."""
    ids = await ids_of_everything(world, client)
    now = world.clock.at
    await client.do("acceptInvitation", "UserInput", "", {"userId": ids["user"]})
    await client.do("signIn", "UserInput", "", {"userId": ids["user"]})
    late = text_of(now - timedelta(hours=20))
    await client.record(**report(world, externalId="late", occurredAt=late, text="tarde"))
    await client.record(
        **report(
            world,
            externalId="reply",
            kind="TICKET_PUBLIC_ACTION",
            ticketId=ids["ticket"],
            occurredAt=text_of(now - timedelta(hours=1)),
        )
    )
    return ids


async def test_answers_are_equal_byte_by_byte_with_and_without_a_neighbour(world: World) -> None:
    first = await world.tenant("Cafetal")
    own = await live(world, first.admin)
    second = await world.tenant("Cafetal")
    asked = {"own": list(own.values()), "foreign": [format_id(Prefix(prefix), 1) for prefix in own]}

    async def answer(client: Client, variables: dict[str, Any]) -> bytes:
        response = await client.post({"query": EVERYTHING, "variables": variables})
        assert "errors" not in response.json(), response.text
        return response.content

    alone = await answer(first.admin, asked)
    foreign = await live(world, second.admin)
    beside = await answer(first.admin, asked)
    with_its_ids = await answer(first.admin, asked | {"foreign": list(foreign.values())})

    assert alone == beside == with_its_ids
    for id in (*foreign.values(), second.id, second.plan_id, second.contract_id):
        assert id.encode() not in beside
    neighbour = await answer(second.admin, {"own": [], "foreign": list(own.values())})
    assert not [id for id in own.values() if id.encode() in neighbour]
    assert len(own) == len(foreign) == 19


async def test_what_is_recorded_in_one_changes_nothing_in_the_other(world: World) -> None:
    first, second = await world.tenant("A"), await world.tenant("B")
    await live(world, second.admin)

    def rows_of(workspace_id: str, dump: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[Any]]:
        return {t: [row for row in rows if repr(workspace_id) in row] for t, rows in dump.items()}

    before = rows_of(second.id, await world.dump())
    await live(world, first.admin)
    await first.admin.do("closeCycle", "CloseCycleInput", "", {})

    assert rows_of(second.id, await world.dump()) == before
