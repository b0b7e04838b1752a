"""Erasing, exporting and keeping, as a client of the API sees them."""

from base64 import b64decode
from datetime import timedelta
from typing import Any

import pytest

from tests.world import Client, Tenant, a_world, text_of
from trenza.domain.access import Role

MAIL = {"channel": "EMAIL", "address": "ana@example.com"}
ERASED = (
    "... on EraseContactPayload { replayed contact { id displayName erasedAt tags "
    "identities { address } customFields { key } stageHistory { totalCount } "
    "interactions { nodes { text externalId erasedAt verdict { outcome } } } "
    "debits { totalCount } tickets { nodes { subject } } } "
    "certificate { id reason counts digest scrubbedAt erasedAt keyId user { id } contact { id } } }"
    " ... on ErasurePreview { contact { id } counts }"
)


async def a_person(tenant: Tenant) -> str:
    """Somebody who wrote once and has a ticket."""
    on = "... on UpsertContactPayload { contact { id } }"
    given = {"identities": [MAIL], "displayName": "Ana", "tags": ["vip"], "stage": "SALE"}
    made = await tenant.admin.do("upsertContact", "UpsertContactInput", on, given)
    told: dict[str, Any] = {
        "channel": "EMAIL",
        "kind": "CUSTOMER_MESSAGE",
        "identity": MAIL,
        "text": "hola",
    }
    at = text_of(tenant.world.clock.at)
    await tenant.admin.record(source="x", externalId="1", occurredAt=at, **told)
    contact_id: str = made["contact"]["id"]
    ticket = {"contactId": contact_id, "subject": "Mesa"}
    await tenant.admin.do("openTicket", "OpenTicketInput", "", ticket)
    return contact_id


async def erase(client: Client, contact_id: str, **given: Any) -> Any:
    input = {"contactId": contact_id, "reason": "asked by mail", **given}
    return await client.do("eraseContact", "EraseContactInput", ERASED, input)


async def test_an_empty_contact_with_its_sessions_is_left(database_url: str) -> None:
    async with a_world(database_url) as world:
        tenant = await world.tenant()
        ana = await a_person(tenant)

        shown = await erase(tenant.admin, ana, dryRun=True)
        done = await erase(tenant.admin, ana)

        assert shown["counts"] == done["certificate"]["counts"]
        assert (shown["contact"]["id"], shown["counts"]["tickets"]) == (ana, 1)
        at = text_of(world.clock.at)
        external_id = done["contact"]["interactions"]["nodes"][0].pop("externalId")
        assert external_id.startswith(" ")
        assert done["contact"] == {
            "id": ana,
            "displayName": None,
            "erasedAt": at,
            "tags": [],
            "identities": [],
            "customFields": [],
            "stageHistory": {"totalCount": 0},
            "interactions": {
                "nodes": [{"text": None, "erasedAt": at, "verdict": {"outcome": "CHARGED"}}]
            },
            "debits": {"totalCount": 1},
            "tickets": {"nodes": [{"subject": ""}]},
        }
        certificate = done["certificate"]
        assert (certificate["contact"], certificate["scrubbedAt"]) == ({"id": ana}, None)
        assert (certificate["user"], certificate["erasedAt"]) == (None, at)
        data = await tenant.admin.run(
            "{ workspace { erasures { totalCount nodes { id digest } } } contacts { totalCount } "
            'contactByIdentity(channel: EMAIL, address: "ana@example.com") { id } }'
        )
        listed = {"id": certificate["id"], "digest": certificate["digest"]}
        assert data == {
            "workspace": {"erasures": {"totalCount": 1, "nodes": [listed]}},
            "contacts": {"totalCount": 0},
            "contactByIdentity": None,
        }
        again = await erase(tenant.admin, ana)
        assert (again["replayed"], again["certificate"]) == (True, certificate)


USAGE = """{ workspace {
  usage { total byChannel { channel credits } byLane { lane credits } byDay { day credits }
    byCampaign { campaign { id } credits } byContact { contact { id } credits } }
  balance { consumed remaining overage }
} }"""


async def test_nothing_is_told_of_the_past_either(database_url: str) -> None:
    async with a_world(database_url) as world:
        tenant = await world.tenant()
        ana = await a_person(tenant)
        at = text_of(world.clock.advance(hours=1))
        past = """query ($id: ID!, $at: DateTime!) { contact(id: $id, at: $at) {
            displayName stage tags identities { address } consents { status } } }"""
        known = await tenant.admin.run(past, id=ana, at=at)
        assert known["contact"]["displayName"] == "Ana"
        world.clock.advance(hours=1)

        await erase(tenant.admin, ana)

        nothing: dict[str, Any] = {"displayName": None, "stage": None, "tags": []}
        found = await tenant.admin.run(past, id=ana, at=at)
        assert found["contact"] == {**nothing, "identities": [], "consents": []}


async def test_every_figure_stays(database_url: str) -> None:
    async with a_world(database_url) as world:
        tenant = await world.tenant()
        on = "... on CreateCampaignPayload { campaign { id } }"
        given = {"name": "Hola", "channel": "EMAIL"}
        made = await tenant.admin.do("createCampaign", "CreateCampaignInput", on, given)
        at = text_of(world.clock.at - timedelta(hours=1))
        sent = {"channel": "EMAIL", "kind": "CAMPAIGN_SEND", "occurredAt": at}
        of: dict[str, Any] = {"identity": MAIL, "campaignId": made["campaign"]["id"]}
        await tenant.admin.record(**sent, **of)
        ana = await a_person(tenant)
        before = await tenant.admin.run(USAGE)
        assert before["workspace"]["usage"]["total"] == 1

        await erase(tenant.admin, ana)

        assert await tenant.admin.run(USAGE) == before


async def test_a_document_tells_everything(database_url: str) -> None:
    async with a_world(database_url) as world:
        tenant = await world.tenant()
        ana = await a_person(tenant)
        on = "... on ExportContactPayload { contact { id } document }"

        done = await tenant.admin.do("exportContact", "ExportContactInput", on, {"contactId": ana})

        assert done["contact"] == {"id": ana}
        document = done["document"]
        assert document["contactId"] == ana
        assert [each["text"] for each in document["interactions"]] == ["hola"]
        assert [each["address"] for each in document["identities"]] == [MAIL["address"]]


@pytest.mark.parametrize("months", [None, 36])
async def test_how_long_things_are_kept_is_set(database_url: str, months: int | None) -> None:
    async with a_world(database_url) as world:
        tenant = await world.tenant()
        asked = "{ workspace { retentionMonths } }"
        assert await tenant.admin.run(asked) == {"workspace": {"retentionMonths": 24}}
        on = "... on SetRetentionPayload { workspace { retentionMonths } }"

        done = await tenant.admin.do("setRetention", "SetRetentionInput", on, {"months": months})

        assert done["workspace"] == {"retentionMonths": months}
        world.clock.at += timedelta(seconds=10)
        assert await tenant.admin.run(asked) == {"workspace": {"retentionMonths": months}}
        bad = await tenant.admin.do("setRetention", "SetRetentionInput", on, {"months": 0})
        assert (bad["code"], bad["path"]) == ("INVALID_INPUT", ["months"])


async def test_none_of_it_is_for_others_than_admins(database_url: str) -> None:
    async with a_world(database_url) as world:
        tenant = await world.tenant()
        ana = await a_person(tenant)
        await erase(tenant.admin, await a_person(tenant))
        for role in (Role.OPERATOR, Role.AGENT, Role.VIEWER):
            client, _ = await tenant.person(role)
            before = await world.dump()
            refused = [
                await erase(client, ana),
                await erase(client, ana, dryRun=True),
                await client.do("exportContact", "ExportContactInput", "", {"contactId": ana}),
                await client.do("setRetention", "SetRetentionInput", "", {"months": 1}),
            ]
            assert [each["code"] for each in refused] == ["FORBIDDEN"] * 4
            answer = await client.ask("{ workspace { erasures { totalCount } } }")
            assert answer["data"] == {"workspace": {"erasures": None}}
            assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
            assert await world.dump() == before


async def test_a_report_for_an_erased_contact_is_refused_with_the_field(database_url: str) -> None:
    async with a_world(database_url) as world:
        tenant = await world.tenant()
        ana = await a_person(tenant)
        await erase(tenant.admin, ana)
        at = text_of(world.clock.at)

        answer = await tenant.admin.record(
            channel="EMAIL", kind="CUSTOMER_MESSAGE", contactId=ana, occurredAt=at
        )

        assert (answer["code"], answer["path"]) == ("CONFLICT", ["contactId"])


PAGES = """
query ($id: ID!, $size: Int!, $interaction: String, $session: String) {
  contact(id: $id) {
    interactions(first: $size, after: $interaction) { edges { cursor node { id } } }
    earlier: interactions(last: $size, before: $interaction) { nodes { id } }
    sessions(first: $size, after: $session) {
      edges { cursor node { id interactions(first: 1) { edges { cursor node { id } } } } }
    }
  }
}
"""


def edges_of(page: Any) -> tuple[list[str], list[str]]:
    """The ids on a page, and its cursors."""
    edges = page["edges"]
    return [edge["node"]["id"] for edge in edges], [edge["cursor"] for edge in edges]


@pytest.mark.parametrize("read_plan", [True, False])
async def test_cursors_hold_no_external_id_and_outlive_an_erasure(
    database_url: str, read_plan: bool
) -> None:
    async with a_world(database_url, read_plan=read_plan) as world:
        tenant = await world.tenant()
        ana = await a_person(tenant)
        told: dict[str, Any] = {
            "channel": "EMAIL",
            "kind": "CUSTOMER_MESSAGE",
            "identity": MAIL,
            "text": "hola",
        }
        for days in range(1, 3):
            at = text_of(world.clock.advance(days=1))
            # All in one place but for their external ids, which come in another order.
            for n in (3, 1, 4, 2):
                await tenant.admin.record(
                    source="x", externalId=f"canary.{days}.{n}", occurredAt=at, **told
                )
        whole = (await tenant.admin.run(PAGES, id=ana, size=20))["contact"]
        interactions, cursors = edges_of(whole["interactions"])
        sessions, places = edges_of(whole["sessions"])
        opened = [edge["node"]["interactions"] for edge in whole["sessions"]["edges"]]
        cursors_within = [cursor for each in opened for cursor in edges_of(each)[1]]

        await erase(tenant.admin, ana)

        assert (len(interactions), len(sessions)) == (9, 3)
        for cursor in (*cursors, *places, *cursors_within):
            assert b"canary" not in b64decode(f"{cursor}==", altchars=b"-_")
        for n, cursor in enumerate(cursors):
            place = places[min(n, 2)]
            page = await tenant.admin.run(PAGES, id=ana, size=20, interaction=cursor, session=place)
            assert edges_of(page["contact"]["interactions"])[0] == interactions[n + 1 :]
            assert [each["id"] for each in page["contact"]["earlier"]["nodes"]] == interactions[:n]
            assert edges_of(page["contact"]["sessions"])[0] == sessions[min(n, 2) + 1 :]
