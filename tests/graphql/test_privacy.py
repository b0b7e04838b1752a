"""What a key may not see is in no answer: not as a value, nor by what it does to an answer."""

from typing import Any

import pytest

from tests.graphql.fields import VALUES_OF, define, upsert, valued
from tests.world import Client, Tenant, World
from trenza.domain.access import Privacy, Scope
from trenza.domain.contact import PRIVACY
from trenza.graphql.contact import Contact
from trenza.readplan.fields import Column

ROLES = {
    "reader": ({Scope.READ}, {"NORMAL"}),
    "worker": ({Scope.READ, Scope.RECORD}, {"NORMAL", "PERSONAL"}),
    "manager": ({Scope.READ, Scope.MANAGE}, {"NORMAL", "PERSONAL"}),
    "admin": ({Scope.READ, Scope.ADMIN}, {"NORMAL", "PERSONAL", "SENSITIVE"}),
}
CLASSES = {"open": "NORMAL", "mild": "PERSONAL", "dark": "SENSITIVE"}
CONDITIONS: list[dict[str, Any]] = [
    {"eq": "secret-1"},
    {"neq": "secret-1"},
    {"lt": "secret-2"},
    {"gte": "secret-1"},
    {"in": ["secret-1"]},
    {"exists": True},
    {"exists": False},
    {},
]
COUNTED = "query ($f: ContactFilter) { contacts(filter: $f) { totalCount } }"
LISTED = "query ($f: ContactFilter) { contacts(filter: $f) { nodes { firstName } } }"
ORDERED = (
    "query ($key: String!) { contacts(orderBy: {field: CUSTOM_FIELD, key: $key}) "
    "{ totalCount edges { cursor } } }"
)


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    """The scopes of a key, by what it is for."""
    name: str = request.param
    return name


async def two_people(tenant: Tenant, first: str = "secret-1", born: str = "1990-01-31") -> None:
    """Two contacts with a value in a field of each class."""
    for key, privacy in CLASSES.items():
        await define(tenant.admin, key, "STRING", privacy=privacy)
    for name, value in (("ana", first), ("bea", "secret-2")):
        await upsert(
            tenant.admin,
            firstName=name,
            birthOn=born if name == "ana" else None,
            identities=[{"channel": "EMAIL", "address": f"{name}@example.com"}],
            customFields=valued(open="all", mild=value, dark=value),
        )


async def client_of(tenant: Tenant, role: str) -> tuple[Client, set[str]]:
    """A client of these scopes, and the classes that it sees."""
    scopes, sees = ROLES[role]
    return await tenant.client(*scopes), sees


async def test_values_above_the_clearance_are_not_listed(world: World, role: str) -> None:
    tenant = await world.tenant()
    await two_people(tenant)
    client, sees = await client_of(tenant, role)

    data = await client.run(
        f"{{ contacts {{ nodes {{ {VALUES_OF} }} }} workspace {{ customFields {{ privacy }} }} }}"
    )

    for person in data["contacts"]["nodes"]:
        assert {each["privacy"] for each in person["customFields"]} == sees
    assert {each["privacy"] for each in data["workspace"]["customFields"]} == sees


async def test_a_hidden_field_is_null_with_an_error(world: World, role: str) -> None:
    tenant = await world.tenant()
    await two_people(tenant)
    client, sees = await client_of(tenant, role)

    for key, privacy in CLASSES.items():
        document = (
            f'{{ contacts {{ nodes {{ firstName customField(key: "{key}") {{ value }} }} }} }}'
        )
        answer = await client.ask(document)
        people = answer["data"]["contacts"]["nodes"]
        assert len(people) == 2
        if privacy in sees:
            assert "errors" not in answer
            assert all(person["customField"]["value"] for person in people)
            continue
        assert [person["customField"] for person in people] == [None, None]
        assert [error["path"] for error in answer["errors"]] == [
            ["contacts", "nodes", n, "customField"] for n in range(2)
        ]
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"FORBIDDEN"}


async def test_a_day_of_birth_is_personal(world: World, role: str) -> None:
    tenant = await world.tenant()
    await two_people(tenant)
    client, sees = await client_of(tenant, role)

    answer = await client.ask("{ contacts { nodes { firstName birthOn } } }")

    born = [person["birthOn"] for person in answer["data"]["contacts"]["nodes"]]
    if "PERSONAL" in sees:
        assert (born, "errors" in answer) == ([None, "1990-01-31"], False)
    else:
        assert born == [None, None]
        assert [each["extensions"] for each in answer["errors"]] == [{"code": "FORBIDDEN"}] * 2


def test_what_a_contact_hides_is_hidden_by_merges_and_exports_too() -> None:
    declared = {
        declaration.name or name: declaration.privacy
        for name, declaration in Contact.declared.items()
        if isinstance(declaration, Column) and declaration.privacy is not Privacy.NORMAL
    }
    assert declared == PRIVACY


async def test_nothing_is_filtered_or_ordered_by_a_hidden_field(world: World, role: str) -> None:
    tenant = await world.tenant()
    await two_people(tenant)
    client, sees = await client_of(tenant, role)

    for key, privacy in CLASSES.items():
        requests: list[tuple[str, dict[str, Any]]] = [
            (document, {"f": {"customFields": [{"key": key, **condition}]}})
            for document in (COUNTED, LISTED)
            for condition in CONDITIONS
            if condition
        ]
        for document, variables in [*requests, (ORDERED, {"key": key})]:
            answer = await client.ask(document, **variables)
            if privacy in sees:
                assert "errors" not in answer
            else:
                assert answer["data"] is None
                [error] = answer["errors"]
                assert error["extensions"]["code"] == "FORBIDDEN"
                assert "secret" not in error["message"]


async def test_no_answer_depends_on_what_is_hidden(world: World, role: str) -> None:
    """Two workspaces that differ in hidden values alone answer everything alike."""
    _, sees = ROLES[role]
    born = "1990-01-31" if "PERSONAL" in sees else "1977-07-07"
    one, other = await world.tenant(), await world.tenant()
    await two_people(one)
    for key, privacy in CLASSES.items():
        await define(other.admin, key, "STRING", privacy=privacy)
    for name, value in (("ana", "secret-1"), ("bea", "secret-2")):
        values = {"open": "all", "mild": value, "dark": value}
        hidden = {key: None for key, privacy in CLASSES.items() if privacy not in sees}
        await upsert(
            other.admin,
            firstName=name,
            birthOn=born if name == "ana" else None,
            identities=[{"channel": "EMAIL", "address": f"{name}@example.com"}],
            customFields=valued(**(values | hidden)),
        )
    clients = [(await client_of(each, role))[0] for each in (one, other)]

    asked: list[tuple[str, dict[str, Any]]] = [
        (f"{{ contacts {{ totalCount nodes {{ firstName birthOn {VALUES_OF} }} }} }}", {}),
        *(
            (ORDERED.replace("edges { cursor }", "nodes { firstName }"), {"key": k})
            for k in CLASSES
        ),
        *(
            (document, {"f": {"customFields": [{"key": key, **condition}]}})
            for document in (COUNTED, LISTED)
            for key in CLASSES
            for condition in CONDITIONS
        ),
        *(
            (f'{{ contacts {{ nodes {{ customField(key: "{key}") {{ value }} }} }} }}', {})
            for key in CLASSES
        ),
    ]
    for document, variables in asked:
        answers = [await client.ask(document, **variables) for client in clients]
        assert answers[0] == answers[1], (document, variables)


async def test_a_hidden_field_takes_no_value(world: World) -> None:
    tenant = await world.tenant()
    await two_people(tenant)
    client = await tenant.client(Scope.READ, Scope.MANAGE)
    before = await world.dump()

    refused = await upsert(client, firstName="x", customFields=valued(open="a", dark="b"))

    assert refused["code"] == "FORBIDDEN"
    assert refused["path"] == ["customFields", "1", "key"]
    assert await world.dump() == before
    done = await upsert(client, VALUES_OF, customFields=valued(mild="b"))
    assert [each["key"] for each in done["contact"]["customFields"]] == ["mild", "open"]


async def test_a_write_is_not_hidden_by_what_its_answer_may_not_tell(world: World) -> None:
    tenant = await world.tenant()
    await two_people(tenant)
    client = await tenant.client(Scope.READ, Scope.RECORD)

    answer = await client.ask(
        "mutation ($input: RecordInteractionInput!) { recordInteraction(input: $input) { "
        "... on RecordInteractionPayload { replayed interaction { contact { firstName "
        'birthOn dark: customField(key: "dark") { value } } } } } }',
        input={
            "channel": "EMAIL",
            "kind": "CUSTOMER_MESSAGE",
            "occurredAt": world.clock.at.isoformat(),
            "identity": {"channel": "EMAIL", "address": "ana@example.com"},
        },
    )

    written = answer["data"]["recordInteraction"]
    person = {"firstName": "ana", "birthOn": "1990-01-31", "dark": None}
    assert written == {"replayed": False, "interaction": {"contact": person}}
    [error] = answer["errors"]
    assert error["path"] == ["recordInteraction", "interaction", "contact", "dark"]
