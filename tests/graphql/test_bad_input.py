"""What a client gets wrong within a proper request: which answer, where, and nothing changed."""

from datetime import timedelta
from typing import Any

from tests.world import Client, Tenant, World, text_of
from trenza.domain.access import Scope
from trenza.domain.ids import Prefix, format_id

RECORD = (
    "mutation ($input: RecordInteractionInput!) {\n"
    "  recordInteraction(input: $input) { __typename ... on UserError { code message path } }\n"
    "}"
)
EMAIL = {"channel": "EMAIL", "address": "ana@example.com"}


def report(world: World, **changes: Any) -> dict[str, Any]:
    """A report that is right, but for the changes; one changed to `...` is left out."""
    right = {
        "channel": "EMAIL",
        "kind": "CUSTOMER_MESSAGE",
        "occurredAt": text_of(world.clock.at),
        "externalId": "x1",
        "identity": EMAIL,
    }
    return {name: value for name, value in (right | changes).items() if value is not ...}


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
        'mutation {\n  recordInteraction(input: {\n    channel: EMAIL\n    kind: HELLO\n'
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


MUTATIONS: dict[str, tuple[str, dict[str, Any], Scope]] = {
    "recordInteraction": ("RecordInteractionInput!", {}, Scope.RECORD),
    "retractInteraction": (
        "RetractInteractionInput!",
        {"interactionId": "?int", "reason": "a mistake"},
        Scope.ADMIN,
    ),
    "admitInteraction": ("AdmitInteractionInput!", {"quarantineId": "?quarantine"}, Scope.ADMIN),
    "upsertContact": (
        "UpsertContactInput!",
        {"id": "?contact", "displayName": "Ana"},
        Scope.MANAGE,
    ),
    "mergeContacts": (
        "MergeContactsInput!",
        {"sourceId": "?contact", "targetId": "?contact"},
        Scope.MANAGE,
    ),
    "createCampaign": ("CreateCampaignInput!", {"name": "Black", "channel": "SMS"}, Scope.MANAGE),
    "createJourney": ("CreateJourneyInput!", {"name": "Hola", "stage": "SALE"}, Scope.MANAGE),
    "openTicket": ("OpenTicketInput!", {"contactId": "?contact", "subject": "?"}, Scope.MANAGE),
    "grantInteractionz": (
        "GrantInteractionzInput!",
        {"kind": "PURCHASE", "amount": 5, "expiresAt": "2027-01-01T00:00:00Z"},
        Scope.ADMIN,
    ),
    "closeCycle": ("CloseCycleInput!", {"cycleOf": "2026-09-15"}, Scope.ADMIN),
    "inviteUser": (
        "InviteUserInput!",
        {"email": "eva@example.com", "name": "Eva", "role": "AGENT"},
        Scope.ADMIN,
    ),
    "acceptInvitation": ("UserInput!", {"userId": "?user"}, Scope.ADMIN),
    "deactivateUser": ("UserInput!", {"userId": "?user"}, Scope.ADMIN),
    "reactivateUser": ("UserInput!", {"userId": "?user"}, Scope.ADMIN),
    "signIn": ("UserInput!", {"userId": "?user"}, Scope.RECORD),
    "signOut": ("UserInput!", {"userId": "?user"}, Scope.RECORD),
}
"""Each mutation with one input: its type, an example, and the scope that it needs."""


def example(world: World, mutation: str, number: int = 1) -> dict[str, Any]:
    """The example's input; `?contact` stands for an id of a contact that nobody has."""
    given = MUTATIONS[mutation][1] or report(world)
    return {
        name: format_id(Prefix(value[1:]), number)
        if isinstance(value, str) and value.startswith("?") and value != "?"
        else value
        for name, value in given.items()
    }


async def mutate(client: Client, mutation: str, input: Any) -> dict[str, Any]:
    """The whole answer to one mutation."""
    type_ = MUTATIONS[mutation][0]
    return await client.ask(
        f"mutation ($input: {type_}) {{ {mutation}(input: $input) "
        "{ __typename ... on UserError { code message path } } }",
        input=input,
    )


async def test_every_mutation_is_here(world: World) -> None:
    client = (await world.tenant()).admin
    found = await client.run("{ __schema { mutationType { fields { name } } } }")

    names = {field["name"] for field in found["__schema"]["mutationType"]["fields"]}
    assert names == {*MUTATIONS, "recordInteractions"}


async def test_without_its_scope_every_mutation_is_forbidden(world: World) -> None:
    tenant = await world.tenant()
    clients = {
        needed: await tenant.client(*(scope for scope in Scope if scope is not needed))
        for needed in Scope
    }
    before = await world.dump()

    for mutation, (_, _, scope) in MUTATIONS.items():
        answer = await mutate(clients[scope], mutation, example(world, mutation))
        refused = answer["data"][mutation]
        assert (refused["__typename"], refused["code"]) == ("Forbidden", "FORBIDDEN"), mutation
        assert f"'{scope}'" in refused["message"]
        assert refused["path"] is None
    assert await world.dump() == before


async def test_a_batch_without_its_scope_is_forbidden_for_each(world: World) -> None:
    tenant = await world.tenant()
    client = await tenant.client(Scope.READ, Scope.MANAGE, Scope.ADMIN)
    before = await world.dump()

    answer = await client.ask(
        "mutation ($inputs: [RecordInteractionInput!]!) { recordInteractions(inputs: $inputs) {"
        " __typename ... on UserError { code } } }",
        inputs=[report(world), report(world, externalId="x2", kind="HANDOFF")],
    )

    forbidden = {"__typename": "Forbidden", "code": "FORBIDDEN"}
    assert answer == {"data": {"recordInteractions": [forbidden, forbidden]}}
    assert await world.dump() == before


READS = [
    "contacts { totalCount }",
    "contacts { nodes { displayName } }",
    'contactByIdentity(channel: EMAIL, address: "ana@example.com") { displayName }',
    "contact(id: $contact) { displayName }",
    "node(id: $contact) { id }",
    "nodes(ids: [$contact]) { id }",
    "campaigns { totalCount }",
    "journeys { totalCount }",
    "tickets { totalCount }",
    "workspace { balance { remaining } }",
    "workspace { usage { total } }",
    "workspace { seats { used } }",
    "workspace { statement { consumed } }",
    "workspace { interactions { totalCount } }",
    "viewer { workspace { balance { remaining } } }",
]


async def test_without_the_scope_read_nothing_is_read(world: World) -> None:
    tenant = await world.tenant()
    made = await tenant.admin.record("interaction { contact { id } }", **report(world))
    contact_id = made["interaction"]["contact"]["id"]
    client = await tenant.client(Scope.RECORD, Scope.MANAGE, Scope.ADMIN)

    for field in READS:
        given = "($contact: ID!)" if "$contact" in field else ""
        answer = await client.ask(f"query {given} {{ {field} }}", contact=contact_id)
        codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
        assert codes == ["FORBIDDEN"], field


async def test_only_an_admin_sees_the_quarantine(world: World) -> None:
    tenant = await world.tenant()
    client = await tenant.client(Scope.READ, Scope.RECORD, Scope.MANAGE)

    answer = await client.ask("{ workspace { quarantine { totalCount } } }")

    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_who_may_only_record_sees_what_it_wrote(world: World) -> None:
    client = await (await world.tenant()).client(Scope.RECORD)

    answer = await client.record(
        "cursor interaction { kind verdict { outcome sentence } } session { lane }", **report(world)
    )

    assert answer["interaction"]["verdict"]["outcome"] == "CHARGED"
    assert answer["session"]["lane"] == "UNBOUND"
    assert answer["entries"] == [{"amount": 1, "reason": "OPENED"}]
    assert answer["balance"] == {"consumed": 1, "remaining": 99}


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


async def two_tenants(world: World) -> tuple[Tenant, Tenant, dict[str, str]]:
    """Two workspaces, and an id of every noun of the second one."""
    first, second = await world.tenant("A"), await world.tenant("B")
    return first, second, await ids_of_everything(world, second.admin)


async def ids_of_everything(world: World, client: Client) -> dict[str, str]:
    """Makes one of everything in a workspace; the ids by their prefix."""
    made = await client.record("interaction { contact { id } }", **report(world))
    old = text_of(world.clock.at - timedelta(days=40))
    await client.record(**report(world, externalId="old", occurredAt=old))
    contact_id = made["interaction"]["contact"]["id"]
    kept = await client.run("{ workspace { id quarantine { nodes { id } } } }")
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
    ticket = await client.do(
        "openTicket",
        "OpenTicketInput",
        "... on OpenTicketPayload { ticket { id } }",
        {"contactId": contact_id, "subject": "A"},
    )
    user = await client.do(
        "inviteUser",
        "InviteUserInput",
        "... on InviteUserPayload { user { id } }",
        {"email": "eva@example.com", "name": "Eva", "role": "AGENT"},
    )
    grant = await client.do(
        "grantInteractionz",
        "GrantInteractionzInput",
        "... on GrantInteractionzPayload { grant { id } }",
        {"kind": "COURTESY", "amount": 1, "expiresAt": "2027-01-01T00:00:00Z"},
    )
    await client.record(
        **report(
            world,
            externalId="send",
            kind="CAMPAIGN_SEND",
            campaignId=campaign["campaign"]["id"],
            journeyId=journey["journey"]["id"],
        )
    )
    touched = await client.run(
        "query ($id: ID!) { contact(id: $id) { campaignTouches { nodes { id } } "
        "journeyEnrollments { nodes { id } } debits { nodes { id } } } }",
        id=contact_id,
    )
    hung = touched["contact"]
    return {
        "ws": kept["workspace"]["id"],
        "contact": contact_id,
        "int": made["interaction"]["id"],
        "ses": made["session"]["id"],
        "debit": hung["debits"]["nodes"][0]["id"],
        "quarantine": kept["workspace"]["quarantine"]["nodes"][0]["id"],
        "campaign": campaign["campaign"]["id"],
        "touch": hung["campaignTouches"]["nodes"][0]["id"],
        "journey": journey["journey"]["id"],
        "enrollment": hung["journeyEnrollments"]["nodes"][0]["id"],
        "ticket": ticket["ticket"]["id"],
        "user": user["user"]["id"],
        "grant": grant["grant"]["id"],
    }


NAMED_IN_A_REPORT = {
    "contactId": "contact",
    "campaignId": "campaign",
    "ticketId": "ticket",
    "journeyId": "journey",
}
MALFORMED = ["", "x", "contact_", "null", "1", "\x00", "' OR 1=1 --", "x" * 10_000, "ses_é"]


async def test_a_foreign_id_answers_like_an_absent_one(world: World) -> None:
    """Byte by byte; so does one that is malformed, or of another noun."""
    first, _, foreign = await two_tenants(world)
    client = first.admin
    before = await world.dump()

    for field, prefix in NAMED_IN_A_REPORT.items():
        wrong = [foreign[prefix], *MALFORMED, foreign["user"]]
        changes: dict[str, Any] = {"identity": ...} if field == "contactId" else {}
        absent = format_id(Prefix(prefix), 1)
        answers = {
            (await client.post({"query": RECORD, "variables": {"input": given}})).content
            for each in (absent, *wrong)
            for given in [report(world, **changes, **{field: each})]
        }
        assert len(answers) == 1, field
        assert b'"NotFound","code":"NOT_FOUND"' in answers.pop()
    for mutation, (_, given, _) in MUTATIONS.items():
        for field, value in given.items():
            if isinstance(value, str) and value.startswith("?") and value != "?":
                await assert_absent(world, client, mutation, field, foreign[value[1:]], foreign)
    assert await world.dump() == before


async def assert_absent(
    world: World, client: Client, mutation: str, field: str, id: str, foreign: dict[str, str]
) -> None:
    right = example(world, mutation)
    answers = [
        (await mutate(client, mutation, right | {field: each}))["data"][mutation]
        for each in (right[field], id, *MALFORMED, foreign["debit"])
    ]
    first = answers[0]
    expected = "sourceId" if mutation == "mergeContacts" else field
    assert (first["__typename"], first["code"]) == ("NotFound", "NOT_FOUND"), mutation
    if field == expected:
        assert first["path"] == [field]
        assert answers == [first] * len(answers), (mutation, field)


async def test_a_foreign_node_is_no_node(world: World) -> None:
    first, second, foreign = await two_tenants(world)
    own = await ids_of_everything(world, first.admin)
    node = "query ($id: ID!) { node(id: $id) { __typename id } contact(id: $id) { id } }"
    nothing = {"node": None, "contact": None}

    for prefix, id in foreign.items():
        absent = format_id(Prefix(prefix), 1)
        assert await first.admin.run(node, id=id) == nothing, prefix
        assert await first.admin.run(node, id=absent) == nothing
        if prefix != "quarantine":
            found = await first.admin.run(node, id=own[prefix])
            assert found["node"]["id"] == own[prefix]
            assert (await second.admin.run(node, id=id))["node"]["id"] == id
    for id in MALFORMED:
        assert await first.admin.run(node, id=id) == nothing
    mixed = [foreign["contact"], own["contact"], "x", own["int"], own["contact"]]
    found = await first.admin.run("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=mixed)
    assert [each and each["id"] for each in found["nodes"]] == [
        None,
        own["contact"],
        None,
        own["int"],
        own["contact"],
    ]


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
