"""Who may do what: scopes, and ids of another workspace, which are no ids at all."""

from typing import Any

from tests.graphql.reports import (
    MUTATIONS,
    NO_NODES,
    RECORD,
    example,
    ids_of_everything,
    mutate,
    report,
)
from tests.world import Client, Tenant, World
from trenza.domain.access import Scope
from trenza.domain.ids import Prefix, format_id


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


async def two_tenants(world: World) -> tuple[Tenant, Tenant, dict[str, str]]:
    """Two workspaces, and an id of every noun of the second one."""
    first, second = await world.tenant("A"), await world.tenant("B")
    return first, second, await ids_of_everything(world, second.admin)


NAMED_IN_A_REPORT = {
    "contactId": "contact",
    "campaignId": "campaign",
    "ticketId": "ticket",
    "journeyId": "journey",
    "agentId": "user",
}
MALFORMED = ["", "x", "contact_", "null", "1", "\x00", "' OR 1=1 --", "x" * 10_000, "ses_é"]


async def test_a_foreign_id_answers_like_an_absent_one(world: World) -> None:
    """Byte by byte; so does one that is malformed, or of another noun."""
    first, _, foreign = await two_tenants(world)
    client = first.admin
    before = await world.dump()

    for field, prefix in NAMED_IN_A_REPORT.items():
        wrong = [foreign[prefix], *MALFORMED, foreign["segment"]]
        changes: dict[str, Any] = {"identity": ...} if field == "contactId" else {}
        if field == "agentId":
            changes |= {"kind": "COMPANY_MESSAGE", "actor": "HUMAN"}
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
        if prefix not in NO_NODES:
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
