"""Consent through the API: what is told of a contact, at any instant, and at what cost."""

from datetime import timedelta
from typing import Any

from tests.graphql.reports import message, report
from tests.graphql.test_statements import cost_of, reports
from tests.world import Client, World, text_of

EMAIL = {"channel": "EMAIL", "address": "ana@example.com"}
TOLD = """
query ($id: ID!, $at: DateTime) {
  contact(id: $id) {
    consents(at: $at) { channel address purpose status inForce expiresAt source evidence }
    identities { address consents(at: $at) { purpose status } }
    consentEvents { totalCount nodes { status purpose occurredAt evidence } }
    doNotContact(at: $at) { channel address reason startsAt endsAt liftedAt }
    mayContact(channel: EMAIL, purpose: MARKETING, at: $at) {
      allowed address reasons { code since until sentence(language: EN) }
    }
  }
}
"""
RECORDS = (
    "mutation ($inputs: [RecordInteractionInput!]!) "
    "{ recordInteractions(inputs: $inputs) { __typename } }"
)


async def consent(client: Client, contact_id: str, fields: str = "", **given: Any) -> Any:
    """What `setConsent` answers, by default to a grant for marketing by e-mail."""
    input = {
        "contactId": contact_id,
        "purpose": "MARKETING",
        "status": "GRANTED",
        "channel": "EMAIL",
        **given,
    }
    on = f"... on SetConsentPayload {{ replayed event {{ id status }} {fields} }}"
    return await client.do("setConsent", "SetConsentInput", on, input)


async def contact_of(world: World, client: Client, name: str = "ana", **given: Any) -> str:
    """The contact of a message by e-mail."""
    found = await message(world, client, name, **given)
    id: str = found["interaction"]["contact"]["id"]
    return id


async def test_what_holds_is_told_for_any_instant(world: World) -> None:
    client = (await world.tenant()).admin
    ana = await contact_of(world, client)
    said_at = text_of(world.clock.at)
    expires = text_of(world.clock.at + timedelta(hours=2))
    proof = {"source": "form", "evidence": "https://x.example/7", "expiresAt": expires}
    done = await consent(client, ana, "contact { id }", occurredAt=said_at, **proof)
    assert (done["replayed"], done["contact"]["id"]) == (False, ana)
    again = await consent(client, ana, occurredAt=said_at, **proof)
    assert (again["replayed"], again["event"]) == (True, done["event"])
    world.clock.advance(hours=1)
    opted_out = await message(world, client, "ana", externalId="stop", text="Unsubscribe.")

    before = (await client.run(TOLD, id=ana, at=said_at))["contact"]
    now = (await client.run(TOLD, id=ana))["contact"]

    held = {
        **EMAIL,
        "purpose": "MARKETING",
        "status": "GRANTED",
        "inForce": True,
        "expiresAt": expires,
        "source": "form",
        "evidence": "https://x.example/7",
    }
    assert before["consents"] == [held]
    assert before["mayContact"] == {
        "allowed": True,
        "address": "ana@example.com",
        "reasons": [
            {
                "code": "CONSENT_GRANTED",
                "since": said_at,
                "until": expires,
                "sentence": "Yes: the consent to marketing on email was given on "
                "2026-11-20 12:00:00 UTC.",
            }
        ],
    }
    revoked = {"status": "REVOKED", "expiresAt": None, "source": "opt-out-word"}
    evidence = {"evidence": opted_out["interaction"]["id"]}
    assert now["consents"] == [held | revoked | evidence]
    assert now["identities"] == [
        {
            "address": "ana@example.com",
            "consents": [{"purpose": "MARKETING", "status": "REVOKED"}],
        }
    ]
    assert [node["status"] for node in now["consentEvents"]["nodes"]] == ["REVOKED", "GRANTED"]
    assert now["consentEvents"]["totalCount"] == 2
    assert [reason["code"] for reason in now["mayContact"]["reasons"]] == ["CONSENT_REVOKED"]


async def test_refusals_are_typed_and_change_nothing(world: World) -> None:
    client = (await world.tenant()).admin
    ana = await contact_of(world, client)
    await consent(client, ana, externalId="1")
    before = await world.dump()

    wrong: list[tuple[dict[str, Any], str, list[str]]] = [
        ({"identity": EMAIL}, "INVALID_INPUT", ["identity"]),
        ({"channel": "SMS"}, "NOT_FOUND", ["channel"]),
        ({"externalId": "1", "status": "DENIED"}, "IDEMPOTENCY_CONFLICT", ["externalId"]),
        ({"occurredAt": "2027-01-01T00:00:00Z"}, "OCCURRED_IN_FUTURE", ["occurredAt"]),
        ({"expiresAt": "2026-01-01T00:00:00Z"}, "INVALID_INPUT", ["expiresAt"]),
    ]
    for given, code, path in wrong:
        refused = await consent(client, ana, **given)
        assert (refused["code"], refused["path"]) == (code, path)
    assert await world.dump() == before


async def test_a_block_is_set_and_lifted(world: World) -> None:
    client = (await world.tenant()).admin
    ana = await contact_of(world, client)
    await consent(client, ana)
    on = "... on DoNotContactPayload { replayed doNotContact { id address liftedAt } }"
    given = {"contactId": ana, "reason": "asked by phone", "identity": EMAIL}

    done = await client.do("setDoNotContact", "SetDoNotContactInput", on, given)
    again = await client.do("setDoNotContact", "SetDoNotContactInput", on, given)
    blocked = (await client.run(TOLD, id=ana, at=text_of(world.clock.at)))["contact"]
    world.clock.advance(hours=1)
    block_id = {"doNotContactId": done["doNotContact"]["id"]}
    lifted = await client.do("liftDoNotContact", "LiftDoNotContactInput", on, block_id)

    assert (done["replayed"], again["replayed"]) == (False, True)
    assert again["doNotContact"] == done["doNotContact"]
    assert [each["reason"] for each in blocked["doNotContact"]] == ["asked by phone"]
    assert [r["code"] for r in blocked["mayContact"]["reasons"]] == ["DO_NOT_CONTACT"]
    assert lifted["doNotContact"]["liftedAt"] == text_of(world.clock.at)
    everything = (await client.run(TOLD, id=ana))["contact"]
    assert [each["address"] for each in everything["doNotContact"]] == ["ana@example.com"]
    assert everything["mayContact"]["allowed"]
    at_present = await client.run(TOLD, id=ana, at=text_of(world.clock.at))
    assert at_present["contact"]["doNotContact"] == []


async def test_a_workspace_sets_caps_and_words(world: World) -> None:
    client = (await world.tenant()).admin
    told = "{ workspace { frequencyCaps { id touchesMax } optOutWords { language words } } }"
    defaults = (await client.run(told))["workspace"]
    cap = {"purpose": "MARKETING", "touchesMax": 3, "periodHours": 24, "channel": "SMS"}
    on = "... on SetFrequencyCapPayload { frequencyCap { id touchesMax channel } }"

    first = await client.do("setFrequencyCap", "SetFrequencyCapInput", on, cap)
    changed = await client.do(
        "setFrequencyCap", "SetFrequencyCapInput", on, cap | {"touchesMax": 1}
    )
    words = {"words": [{"language": "PT", "words": ["CHEGA"]}]}
    on_words = "... on SetOptOutWordsPayload { workspace { optOutWords { language words } } }"
    put = await client.do("setOptOutWords", "SetOptOutWordsInput", on_words, words)

    assert [each["language"] for each in defaults["optOutWords"]] == ["ES", "PT", "EN"]
    assert "BAJA" in defaults["optOutWords"][0]["words"]
    assert defaults["frequencyCaps"] == []
    id = first["frequencyCap"]["id"]
    assert changed["frequencyCap"] == {"id": id, "touchesMax": 1, "channel": "SMS"}
    assert put["workspace"]["optOutWords"] == words["words"]
    found = (await client.run(told))["workspace"]
    assert found == {"frequencyCaps": [{"id": id, "touchesMax": 1}], "optOutWords": words["words"]}
    on_removed = "... on RemoveFrequencyCapPayload { workspace { frequencyCaps { id } } }"
    removal = {"frequencyCapId": id}
    removed = await client.do("removeFrequencyCap", "RemoveFrequencyCapInput", on_removed, removal)
    assert removed["workspace"]["frequencyCaps"] == []
    back = await client.do("setOptOutWords", "SetOptOutWordsInput", on_words, {})
    assert back["workspace"]["optOutWords"] == defaults["optOutWords"]


async def test_a_merged_id_answers_with_the_verdict_of_the_whole(world: World) -> None:
    client = (await world.tenant()).admin
    ana, bea = await contact_of(world, client), await contact_of(world, client, "bea")
    await consent(client, ana)
    await client.do("mergeContacts", "MergeContactsInput", "", {"sourceId": ana, "targetId": bea})
    document = (
        "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Contact { "
        "mayContact(channel: EMAIL, purpose: MARKETING) { allowed address } "
        "consents { address } } } }"
    )

    merged, root = (await client.run(document, ids=[ana, bea]))["nodes"]

    assert merged["mayContact"] == root["mayContact"]
    assert root["mayContact"] == {"allowed": True, "address": "ana@example.com"}
    assert [each["address"] for each in root["consents"]] == ["ana@example.com"]


async def test_verdicts_on_many_contacts_cost_the_same_as_on_two(world: World) -> None:
    client = (await world.tenant()).admin
    await client.run(RECORDS, inputs=reports(world, "p", 40, 1))
    sends = reports(world, "p", 40, 1, kind="CAMPAIGN_SEND", actor=None)
    await client.run(
        RECORDS, inputs=[each | {"externalId": f"s{n}"} for n, each in enumerate(sends)]
    )
    people = (await client.run("{ contacts(first: 100) { nodes { id } } }"))["contacts"]["nodes"]
    for person in people:
        await consent(client, person["id"])
    cap = {"purpose": "MARKETING", "touchesMax": 1, "periodHours": 24 * 7}
    await client.do("setFrequencyCap", "SetFrequencyCapInput", "", cap)
    document = (
        "query ($count: Int!) { contacts(first: $count) { nodes { "
        "consents { status } doNotContact { id } consentEvents(first: 2) { nodes { id } } "
        "identities { consents { status } } "
        "mayContact(channel: EMAIL, purpose: MARKETING) { allowed reasons { code } } "
        "sms: mayContact(channel: SMS, purpose: UTILITY) { reasons { code } } } } }"
    )

    few = await cost_of(world, client, document, count=2)
    many = await cost_of(world, client, document, count=40)

    found = (await client.run(document, count=40))["contacts"]["nodes"]
    assert [each["mayContact"]["reasons"] for each in found] == [
        [{"code": "FREQUENCY_CAPPED"}]
    ] * 40
    assert [each["sms"]["reasons"] for each in found] == [[{"code": "NO_IDENTITY"}]] * 40
    assert many == few


async def test_a_consent_change_costs_nothing_and_stays_as_it_was_reported(world: World) -> None:
    client = (await world.tenant()).admin
    given = report(world, kind="CONSENT_CHANGE", text="sair")

    done = await client.record("interaction { kind verdict { outcome ruleCode } }", **given)
    again = await client.record("interaction { kind }", **given)

    assert done["interaction"]["kind"] == "CONSENT_CHANGE"
    assert done["interaction"]["verdict"] == {"outcome": "FREE", "ruleCode": "FREE_CONSENT_CHANGE"}
    assert again["replayed"]
    found = await client.run("{ contacts { nodes { consents { status } } } }")
    assert found["contacts"]["nodes"] == [{"consents": [{"status": "REVOKED"}]}]
