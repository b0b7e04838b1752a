"""The timeline of a contact against what was reported, in the order in which it happened."""

from datetime import timedelta
from typing import Any

import pytest

from tests.world import NOON, Client, World, text_of

HOUR = timedelta(hours=1)
TIMELINE = """
query ($id: ID!, $kinds: [TimelineKind!], $from: DateTime, $to: DateTime) {
  contact(id: $id) {
    timeline(first: 100, kinds: $kinds, from: $from, to: $to) {
      totalCount
      nodes {
        kind
        at
        interaction { kind text }
        session { openedAt }
        debit { amount }
        ticket { subject }
        campaignTouch { campaign { name } }
        journeyEnrollment { journey { name } }
        consentEvent { purpose status }
        stage { stage fromAt }
        merge { source { id } target { id } }
      }
    }
  }
}
"""
SUBJECTS = {
    "INTERACTION": "interaction",
    "SESSION": "session",
    "DEBIT": "debit",
    "TICKET": "ticket",
    "CAMPAIGN_TOUCH": "campaignTouch",
    "JOURNEY_ENROLLMENT": "journeyEnrollment",
    "CONSENT_EVENT": "consentEvent",
    "STAGE": "stage",
    "MERGE": "merge",
    "UNMERGE": "merge",
}


async def made(client: Client, verb: str, noun: str, **input: Any) -> str:
    """The id of what a mutation made."""
    name = verb[0].upper() + verb[1:]
    done = await client.do(
        verb, f"{name}Input", f"... on {name}Payload {{ {noun} {{ id }} }}", input
    )
    id: str = done[noun]["id"]
    return id


async def a_life(world: World, client: Client) -> str:
    """A contact whom a campaign, a journey and a ticket reached; two sessions of hers."""
    identity = {"channel": "WHATSAPP", "address": "+57 300 123 4567"}
    ana = await made(client, "upsertContact", "contact", identities=[identity])
    sale = await made(client, "createCampaign", "campaign", name="Sale", channel="WHATSAPP")
    welcome = await made(client, "createJourney", "journey", name="Welcome", stage="SALE")
    told: list[tuple[int, dict[str, Any]]] = [
        (-50, {"kind": "CAMPAIGN_SEND", "campaignId": sale}),
        (-48, {"kind": "CUSTOMER_MESSAGE", "text": "how much?"}),
        (-20, {"kind": "JOURNEY_SEND", "journeyId": welcome}),
        (-2, {"kind": "CUSTOMER_MESSAGE", "text": "I take it"}),
    ]
    for hours, what in told:
        at = text_of(NOON + hours * HOUR)
        await client.record(contactId=ana, channel="WHATSAPP", occurredAt=at, **what)
    world.clock.advance(hours=1)
    await made(client, "openTicket", "ticket", contactId=ana, subject="Delivery")
    said = {"purpose": "MARKETING", "status": "GRANTED", "channel": "WHATSAPP"}
    occurred_at = text_of(NOON - 60 * HOUR)
    await made(client, "setConsent", "event", contactId=ana, occurredAt=occurred_at, **said)
    return ana


async def timeline(client: Client, id: str, **arguments: Any) -> list[tuple[str, str, Any]]:
    """What a timeline tells: kind, instant, and the field of the kind; no other field is set."""
    data = await client.run(TIMELINE, id=id, **arguments)
    found = data["contact"]["timeline"]
    entries = []
    for node in found["nodes"]:
        subjects = {name: node[name] for name in SUBJECTS.values() if node[name] is not None}
        assert list(subjects) == [SUBJECTS[node["kind"]]]
        entries.append((node["kind"], node["at"], *subjects.values()))
    assert found["totalCount"] == len(entries)
    return entries


def expected() -> list[tuple[str, str, Any]]:
    """The life of `a_life`, latest first; at one instant by the ids, the largest first."""

    def at(hours: int) -> str:
        return text_of(NOON + hours * HOUR)

    return [
        ("TICKET", at(1), {"subject": "Delivery"}),
        ("DEBIT", "", {"amount": 1}),
        ("DEBIT", "", {"amount": 1}),
        ("SESSION", at(-2), {"openedAt": at(-2)}),
        ("INTERACTION", at(-2), {"kind": "CUSTOMER_MESSAGE", "text": "I take it"}),
        ("JOURNEY_ENROLLMENT", at(-20), {"journey": {"name": "Welcome"}}),
        ("INTERACTION", at(-20), {"kind": "JOURNEY_SEND", "text": None}),
        ("SESSION", at(-48), {"openedAt": at(-48)}),
        ("INTERACTION", at(-48), {"kind": "CUSTOMER_MESSAGE", "text": "how much?"}),
        ("CAMPAIGN_TOUCH", at(-50), {"campaign": {"name": "Sale"}}),
        ("INTERACTION", at(-50), {"kind": "CAMPAIGN_SEND", "text": None}),
        ("CONSENT_EVENT", at(-60), {"purpose": "MARKETING", "status": "GRANTED"}),
    ]


def without_recording(entries: list[tuple[str, str, Any]]) -> list[tuple[str, str, Any]]:
    """The same without the instants of debits, which are those of recording: noon or just after."""
    for kind, at, _ in entries:
        assert kind != "DEBIT" or text_of(NOON) <= at < text_of(NOON + HOUR)
    order = sorted(entries, key=lambda entry: entry[0] == "INTERACTION")
    order.sort(key=lambda entry: entry[1], reverse=True)
    return [(kind, "" if kind == "DEBIT" else at, what) for kind, at, what in order]


async def test_everything_that_happened_is_told_in_its_order(world: World) -> None:
    client = (await world.tenant()).admin
    ana = await a_life(world, client)

    assert without_recording(await timeline(client, ana)) == expected()


@pytest.mark.parametrize("kinds", [[kind] for kind in SUBJECTS] + [["TICKET", "DEBIT"], []])
async def test_a_timeline_of_some_kinds(world: World, kinds: list[str]) -> None:
    client = (await world.tenant()).admin
    ana = await a_life(world, client)

    found = without_recording(await timeline(client, ana, kinds=kinds))

    assert found == [entry for entry in expected() if entry[0] in kinds]


async def test_a_period_begins_with_its_first_instant_and_ends_before_its_last(
    world: World,
) -> None:
    client = (await world.tenant()).admin
    ana = await a_life(world, client)

    found = await timeline(
        client, ana, **{"from": text_of(NOON - 20 * HOUR), "to": text_of(NOON - 2 * HOUR)}
    )

    assert [kind for kind, _, _ in found] == ["INTERACTION", "JOURNEY_ENROLLMENT"]


async def test_a_timeline_is_read_page_by_page_both_ways(world: World) -> None:
    client = (await world.tenant()).admin
    ana = await a_life(world, client)
    document = """
    query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
      contact(id: $id) {
        timeline(first: $first, after: $after, last: $last, before: $before) {
          nodes { id } pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
        }
      }
    }
    """

    async def pages(size: str, side: str, cursor: str, more: str) -> list[list[str]]:
        found, at = [], None
        while True:
            data = await client.run(document, id=ana, **{size: 3, side: at})
            page = data["contact"]["timeline"]
            found.append([node["id"] for node in page["nodes"]])
            at = page["pageInfo"][cursor]
            if not page["pageInfo"][more]:
                return found

    forward = await pages("first", "after", "endCursor", "hasNextPage")
    backward = await pages("last", "before", "startCursor", "hasPreviousPage")

    everything = [id for page in forward for id in page]
    assert [len(page) for page in forward] == [3, 3, 3, 3]
    assert len(set(everything)) == len(expected())
    assert [id for page in reversed(backward) for id in page] == everything


async def test_a_merged_contact_has_the_timeline_of_both(world: World) -> None:
    client = (await world.tenant()).admin
    ana = await a_life(world, client)
    identity = {"channel": "EMAIL", "address": "ana@example.com"}
    other = await made(client, "upsertContact", "contact", identities=[identity])
    await made(client, "openTicket", "ticket", contactId=other, subject="Invoice")
    await client.do("mergeContacts", "MergeContactsInput", "", {"sourceId": other, "targetId": ana})

    tickets = await timeline(client, ana, kinds=["TICKET"])

    assert {what["subject"] for _, _, what in tickets} == {"Invoice", "Delivery"}
    assert await timeline(client, other) == []


async def test_stages_are_told_when_the_person_came_into_them(world: World) -> None:
    client = (await world.tenant()).admin
    identity = {"channel": "EMAIL", "address": "ana@example.com"}
    ana = await made(client, "upsertContact", "contact", identities=[identity], stage="SALE")
    for stage in ("SALE", "SERVICE", None):
        world.clock.advance(hours=1)
        await made(client, "upsertContact", "contact", id=ana, stage=stage, city=f"of {stage}")

    found = await timeline(client, ana, kinds=["STAGE"])

    hours = {None: 3, "SERVICE": 2, "SALE": 0}
    assert found == [
        ("STAGE", text_of(NOON + n * HOUR), {"stage": stage, "fromAt": text_of(NOON + n * HOUR)})
        for stage, n in hours.items()
    ]
    period = {"from": text_of(NOON + HOUR), "to": text_of(NOON + 3 * HOUR)}
    assert await timeline(client, ana, **period) == found[1:2]


async def test_merges_and_their_undoing_are_told_at_both_contacts(world: World) -> None:
    client = (await world.tenant()).admin
    ana, eva, pia = [
        await made(
            client,
            "upsertContact",
            "contact",
            identities=[{"channel": "EMAIL", "address": f"{name}@example.com"}],
            stage=stage,
        )
        for name, stage in (("ana", None), ("eva", "SALE"), ("pia", None))
    ]

    async def merge(source: str, target: str) -> tuple[str, str, Any]:
        at = world.clock.advance(hours=1)
        given = {"sourceId": source, "targetId": target}
        await client.do("mergeContacts", "MergeContactsInput", "", given)
        return "MERGE", text_of(at), {"source": {"id": source}, "target": {"id": target}}

    async def told(*ids: str) -> list[list[Any]]:
        return [await timeline(client, id, kinds=["MERGE", "UNMERGE"]) for id in ids]

    first, second = await merge(eva, ana), await merge(ana, pia)
    assert await told(ana, eva, pia) == [[], [], [second, first]]
    # What fills a stage brings the contact that stays into it, too.
    stages = await timeline(client, pia, kinds=["STAGE"])
    assert [(at, what["stage"]) for _, at, what in stages] == [
        (second[1], "SALE"),
        (first[1], "SALE"),
        (text_of(NOON), "SALE"),
    ]

    at = world.clock.advance(hours=1)
    await client.do("unmergeContact", "UnmergeContactInput", "", {"contactId": eva})
    undone = ("UNMERGE", text_of(at), first[2])
    assert await told(ana, eva, pia) == [[], [undone, first], [undone, second, first]]
    assert await timeline(client, eva, kinds=["UNMERGE"]) == [undone]

    # At one instant done and undone: neither has a place of its own.
    await merge(eva, pia)
    await client.do("unmergeContact", "UnmergeContactInput", "", {"contactId": eva})
    assert await told(eva) == [[undone, first]]


async def test_timelines_of_many_contacts_are_one_statement(world: World) -> None:
    client = (await world.tenant()).admin
    await a_life(world, client)
    before = world.parts.statements.executed

    await client.run("{ contacts { nodes { timeline { nodes { kind interaction { text } } } } } }")

    assert world.parts.statements.executed == before + 1
