"""What a client gets wrong within a proper request: which answer, where, and nothing changed."""

from datetime import timedelta
from typing import Any

from tests.graphql.reports import EMAIL, RECORD, example, mutate, report
from tests.world import Client, World, text_of
from trenza.domain.ids import Prefix, format_id


async def refusal(client: Client, input: dict[str, Any]) -> tuple[str, str, list[str] | None]:
    """Type, code and path of the answer to a report."""
    found = (await client.run(RECORD, input=input))["recordInteraction"]
    assert found["message"]
    return found["__typename"], found["code"], found["path"]


BAD_INSTANTS = [
    "2026-11-20",
    "2026-11-20T12:00:00",
    "2026-11-20 12:00:00Z",
    "2026-11-20T12:00Z",
    "2026-11-20T24:00:00Z",
    "2026-11-20T25:00:00Z",
    "2026-11-20T11:59:60Z",
    "2026-02-30T12:00:00Z",
    "2026-11-20T12:00:00.1234567Z",
    "2026-11-20T12:00:00+25:00",
    "2026-11-20T12:00:00+0500",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-14:00",
    "1969-12-31T23:59:59Z",
    "2200-01-01T00:00:00Z",
    "２０２６-11-20T12:00:00Z",
    "2026-W47-5T12:00:00Z",
    "yesterday",
    "",
    1763640000,
    True,
    [],
    {},
    None,
]


BAD_VALUES: list[tuple[str, Any]] = [
    ("channel", "TELEGRAM"),
    ("channel", "whatsapp"),
    ("channel", "WHATSAP"),
    ("channel", 1),
    ("channel", None),
    ("channel", ...),
    ("kind", "MESSAGE"),
    ("kind", ""),
    ("actor", "ROBOT"),
    ("identity", {"channel": "EMAIL"}),
    ("identity", {"channel": "FAX", "address": "1"}),
    ("identity", {**EMAIL, "name": "Ana"}),
    ("identity", "ana@example.com"),
    ("externalId", 7),
    ("text", ["a"]),
    ("surprise", "x"),
    ("contact_id", "x"),
    *(("occurredAt", value) for value in BAD_INSTANTS),
]


async def test_what_is_no_value_of_the_schema_is_refused_with_its_position(world: World) -> None:
    client = (await world.tenant()).admin
    before = await world.dump()

    for field, value in BAD_VALUES:
        await assert_no_value(client, report(world, **{field: value}), field)

    assert await world.dump() == before


async def assert_no_value(client: Client, input: dict[str, Any], field: str) -> None:
    answer = await client.ask(RECORD, input=input)
    assert answer["data"] is None
    for error in answer["errors"]:
        assert error["locations"] == [{"line": 1, "column": 11}]
        assert "Did you mean" not in error["message"]
        assert "extensions" not in error
    assert any(field in error["message"] for error in answer["errors"])


async def test_a_literal_is_refused_where_it_stands(world: World) -> None:
    client = (await world.tenant()).admin
    document = (
        "mutation {\n  recordInteraction(input: {\n    channel: EMAIL\n    kind: HELLO\n"
        '    occurredAt: "2026-11-20"\n    contactId: "x"\n  }) { __typename }\n}'
    )

    answer = await client.ask(document)

    assert answer["data"] is None
    places = [error["locations"][0] for error in answer["errors"]]
    assert places == [{"line": 4, "column": 11}, {"line": 5, "column": 17}]


INVALID: list[tuple[dict[str, Any], list[str]]] = [
    ({"identity": ...}, ["contactId"]),
    ({"identity": None}, ["contactId"]),
    ({"contactId": format_id(Prefix.CONTACT, 1)}, ["contactId"]),
    ({"kind": "COMPANY_MESSAGE"}, ["actor"]),
    ({"kind": "HANDOFF", "actor": None}, ["actor"]),
    ({"actor": "HUMAN"}, ["actor"]),
    ({"kind": "EXPERT_AGENT_ACTION", "actor": "HUMAN"}, ["actor"]),
    ({"kind": "SURVEY", "actor": "BOT"}, ["actor"]),
    ({"kind": "CAMPAIGN_SEND", "actor": "HUMAN"}, ["actor"]),
    *(
        ({"identity": {"channel": channel, "address": address}}, ["identity", "address"])
        for channel, address in (
            ("EMAIL", ""),
            ("EMAIL", "  "),
            ("EMAIL", "ana"),
            ("EMAIL", "ana@"),
            ("EMAIL", "ana@example.com\x00"),
            ("EMAIL", "a" * 600 + "@example.com"),
            ("WHATSAPP", "300 1234567"),
            ("WHATSAPP", "+57"),
            ("SMS", "+999 1234567"),
            ("RCS", "ana@example.com"),
            ("WEBCHAT", "two words"),
            ("WEBCHAT", "nul\x00"),
            ("PUSH", "x" * 513),
            ("INSTAGRAM", "\u200b"),
        )
    ),
    *(
        ({field: value}, [field])
        for field, longest in (("source", 64), ("externalId", 255))
        for value in ("", "  ", "a\x00b", "a\nb", "a\x1fb", "\x85", "x" * (longest + 1))
    ),
    ({"text": "a\x00b"}, ["text"]),
    ({"text": "x" * 16_385}, ["text"]),
]


async def test_invalid_input_names_its_field_and_changes_nothing(world: World) -> None:
    client = (await world.tenant()).admin
    before = await world.dump()

    for changes, path in INVALID:
        found = await refusal(client, report(world, **changes))
        assert found == ("InvalidInput", "INVALID_INPUT", path), changes

    assert await world.dump() == before


async def test_in_a_batch_each_has_its_answer_and_the_good_ones_are_kept(world: World) -> None:
    client = (await world.tenant()).admin
    document = (
        "mutation ($inputs: [RecordInteractionInput!]!) { recordInteractions(inputs: $inputs) {"
        " __typename ... on UserError { code path } } }"
    )
    late, early = timedelta(days=36), timedelta(minutes=6)
    inputs = [
        report(world, externalId="a"),
        *(report(world, externalId=f"bad{n}", **each) for n, (each, _) in enumerate(INVALID[:9])),
        report(world, externalId="b", text="hola"),
        report(world, externalId="b", text="adiós"),
        report(world, externalId="c", occurredAt=text_of(world.clock.at + early)),
        report(world, externalId="d", occurredAt=text_of(world.clock.at - late)),
        report(world, externalId="e", ticketId=format_id(Prefix.TICKET, 1)),
        report(world, externalId="a"),
    ]

    found = (await client.run(document, inputs=inputs))["recordInteractions"]

    recorded = {"__typename": "RecordInteractionPayload"}
    assert found == [
        recorded,
        *(
            {"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": path}
            for _, path in INVALID[:9]
        ),
        recorded,
        {
            "__typename": "IdempotencyConflict",
            "code": "IDEMPOTENCY_CONFLICT",
            "path": ["externalId"],
        },
        {"__typename": "OccurredInFuture", "code": "OCCURRED_IN_FUTURE", "path": ["occurredAt"]},
        {"__typename": "TooLate", "code": "TOO_LATE", "path": ["occurredAt"]},
        {"__typename": "NotFound", "code": "NOT_FOUND", "path": ["ticketId"]},
        recorded,
    ]
    kept = await client.run(
        "{ workspace { interactions { nodes { externalId text } } quarantine { nodes { externalId"
        " } } } }"
    )
    assert kept["workspace"] == {
        "interactions": {
            "nodes": [
                {"externalId": "b", "text": "hola"},
                {"externalId": "a", "text": None},
            ]
        },
        "quarantine": {"nodes": [{"externalId": "d"}]},
    }


async def test_a_batch_has_a_limit(world: World) -> None:
    client = (await world.tenant()).admin
    before = await world.dump()
    document = (
        "mutation ($inputs: [RecordInteractionInput!]!) "
        "{ recordInteractions(inputs: $inputs) { __typename } }"
    )

    answer = await client.ask(document, inputs=[report(world)] * 501)

    assert answer["data"] is None
    [error] = answer["errors"]
    assert error["extensions"] == {"code": "INVALID_INPUT", "input": ["inputs"]}
    assert (await client.run(document, inputs=[])) == {"recordInteractions": []}
    assert await world.dump() == before


async def test_the_limits_of_time_are_inside(world: World) -> None:
    client = (await world.tenant()).admin
    now, tick = world.clock.at, timedelta(microseconds=1)
    soon, old = now + timedelta(minutes=5), now - timedelta(days=35)

    assert await refusal(client, report(world, occurredAt=text_of(soon + tick))) == (
        "OccurredInFuture",
        "OCCURRED_IN_FUTURE",
        ["occurredAt"],
    )
    for name, at in (("soon", soon), ("old", old)):
        answer = await client.record(**report(world, externalId=name, occurredAt=text_of(at)))
        assert answer["__typename"] == "RecordInteractionPayload"
    before = await world.dump_but("quarantined_interaction")
    assert await refusal(client, report(world, occurredAt=text_of(old - tick))) == (
        "TooLate",
        "TOO_LATE",
        ["occurredAt"],
    )
    assert await world.dump_but("quarantined_interaction") == before


async def test_the_same_id_with_another_content_conflicts(world: World) -> None:
    tenant = await world.tenant()
    client = tenant.admin
    first = await client.record(**report(world))
    before = await world.dump()

    moved = text_of(world.clock.at - timedelta(seconds=1))
    for changes in (
        {"text": "hola"},
        {"kind": "SURVEY"},
        {"channel": "WEBCHAT"},
        {"occurredAt": moved},
        {"identity": {"channel": "EMAIL", "address": "eva@example.com"}},
    ):
        found = await refusal(client, report(world, **changes))
        assert found == ("IdempotencyConflict", "IDEMPOTENCY_CONFLICT", ["externalId"]), changes
    assert await world.dump() == before

    spelled = {"identity": {"channel": "EMAIL", "address": " ANA@Example.com "}, "text": "  "}
    instant = (world.clock.at - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:%S-03:00")
    for same in (spelled, {"occurredAt": instant}, {"source": "api"}, {"source": None}):
        again = await client.record(**report(world, **same))
        assert (again["interaction"], again["replayed"]) == (first["interaction"], True), same
    assert await world.dump() == before


INVALID_ELSEWHERE: list[tuple[str, dict[str, Any], list[str]]] = [
    ("retractInteraction", {"reason": " "}, ["reason"]),
    ("retractInteraction", {"reason": "x" * 501}, ["reason"]),
    ("upsertContact", {"id": None}, ["identities"]),
    ("upsertContact", {"identities": [EMAIL] * 51}, ["identities"]),
    (
        "upsertContact",
        {"identities": [EMAIL, {"channel": "SMS", "address": "1"}]},
        ["identities", "1", "address"],
    ),
    ("upsertContact", {"displayName": ""}, ["displayName"]),
    ("upsertContact", {"firstName": "a\x00"}, ["firstName"]),
    ("upsertContact", {"company": "x" * 201}, ["company"]),
    ("upsertContact", {"timeZone": "America/Bogotá"}, ["timeZone"]),
    ("upsertContact", {"timeZone": "../../etc/passwd"}, ["timeZone"]),
    ("upsertContact", {"country": "col"}, ["country"]),
    ("upsertContact", {"country": "CO\n"}, ["country"]),
    ("upsertContact", {"birthOn": "2026-11-22"}, ["birthOn"]),
    ("createCampaign", {"name": "\t"}, ["name"]),
    ("createCampaign", {"name": "x" * 201}, ["name"]),
    ("createCampaign", {"channel": "INSTAGRAM"}, ["channel"]),
    ("createCampaign", {"objective": "a\x07"}, ["objective"]),
    ("createJourney", {"name": ""}, ["name"]),
    ("openTicket", {"subject": ""}, ["subject"]),
    ("grantInteractionz", {"kind": "PLAN"}, ["kind"]),
    ("grantInteractionz", {"amount": 0}, ["amount"]),
    ("grantInteractionz", {"amount": -5}, ["amount"]),
    ("grantInteractionz", {"amount": 1_000_001}, ["amount"]),
    ("grantInteractionz", {"priority": -1}, ["priority"]),
    ("grantInteractionz", {"priority": 1001}, ["priority"]),
    ("grantInteractionz", {"expiresAt": "2026-11-20T12:00:00Z"}, ["expiresAt"]),
    ("grantInteractionz", {"effectiveAt": "2026-01-01T00:00:00Z"}, ["effectiveAt"]),
    ("grantInteractionz", {"note": ""}, ["note"]),
    ("inviteUser", {"email": "eva"}, ["email"]),
    ("inviteUser", {"email": ""}, ["email"]),
    ("inviteUser", {"name": "  "}, ["name"]),
]


async def test_every_mutation_names_the_field_to_blame(world: World) -> None:
    client = (await world.tenant()).admin
    before = await world.dump()

    for mutation, changes, path in INVALID_ELSEWHERE:
        answer = await mutate(client, mutation, example(world, mutation) | changes)
        refused = answer["data"][mutation]
        found = (refused["__typename"], refused["code"], refused["path"])
        assert found == ("InvalidInput", "INVALID_INPUT", path), (mutation, changes)
    assert await world.dump() == before


async def test_numbers_and_dates_of_the_schema_have_bounds(world: World) -> None:
    client = (await world.tenant()).admin
    before = await world.dump()

    for mutation, changes in (
        ("grantInteractionz", {"amount": 2**31}),
        ("grantInteractionz", {"amount": 1.5}),
        ("grantInteractionz", {"amount": "5"}),
        ("closeCycle", {"cycleOf": "2026-11-31"}),
        ("closeCycle", {"cycleOf": "0001-01-01"}),
        ("closeCycle", {"cycleOf": "20261101"}),
        ("upsertContact", {"birthOn": "1969-13-01"}),
        ("inviteUser", {"role": "OWNER"}),
    ):
        answer = await mutate(client, mutation, example(world, mutation) | changes)
        assert answer["data"] is None, (mutation, changes)
        assert answer["errors"][0]["locations"]
    assert await world.dump() == before


async def test_too_many_nodes_are_refused(world: World) -> None:
    client = (await world.tenant()).admin

    answer = await client.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["x"] * 101)

    assert answer["data"] is None
    assert answer["errors"][0]["extensions"] == {"code": "INVALID_INPUT", "input": ["ids"]}


async def test_a_malformed_address_finds_nobody_and_says_why(world: World) -> None:
    client = (await world.tenant()).admin
    document = (
        "query ($channel: ChannelKind!, $address: String!) "
        "{ contactByIdentity(channel: $channel, address: $address) { id } }"
    )

    for channel, address in (("EMAIL", "ana"), ("SMS", ""), ("WEBCHAT", "\x00")):
        answer = await client.ask(document, channel=channel, address=address)
        assert answer["data"] == {"contactByIdentity": None}
        code = {"code": "INVALID_INPUT", "input": ["address"]}
        assert answer["errors"][0]["extensions"] == code
    found = await client.run(document, channel="EMAIL", address="nobody@example.com")
    assert found == {"contactByIdentity": None}


async def test_errors_come_in_the_order_of_the_document(world: World) -> None:
    client = (await world.tenant()).admin
    recorded = await client.record("interaction { contact { id } }", **report(world))
    contact_id = recorded["interaction"]["contact"]["id"]

    answer = await client.ask(
        "query ($id: ID!) {\n"
        "  late: contact(id: $id) { interactions(first: 1, last: 1) { totalCount } }\n"
        '  soon: contactByIdentity(channel: EMAIL, address: "") { id }\n'
        "}",
        id=contact_id,
    )

    paths = [each["path"] for each in answer["errors"]]
    assert paths == [["late", "interactions"], ["soon"]]
