"""Custom fields, tags, stages and who looks after a contact, as a client sees them."""

from typing import Any

import pytest

from tests.graphql.fields import VALUES_OF, define, names_of, upsert, valued
from tests.world import Client, World, text_of
from trenza.domain.access import Scope


async def company(world: World) -> Client:
    """A client of a workspace with a field of each type."""
    client = (await world.tenant()).admin
    await define(client, "shoe", "NUMBER")
    await define(client, "nick", "STRING")
    await define(client, "since", "DATE")
    await define(client, "member", "BOOLEAN")
    await define(client, "plan", "ENUM", options=["basic", "gold"])
    return client


async def test_a_field_is_defined_changed_archived_and_comes_back(world: World) -> None:
    client = (await world.tenant()).admin

    made = await define(client, "plan", "ENUM", options=["basic", " gold "], privacy="PERSONAL")
    assert made["customField"] == {
        "id": made["customField"]["id"],
        "key": "plan",
        "name": "Plan",
        "type": "ENUM",
        "privacy": "PERSONAL",
        "options": ["basic", "gold"],
        "createdAt": text_of(world.clock.at),
        "archivedAt": None,
    }
    archived = await client.do(
        "archiveCustomField",
        "ArchiveCustomFieldInput",
        "... on ArchiveCustomFieldPayload { customField { key archivedAt } }",
        {"key": "plan"},
    )
    assert archived["customField"] == {"key": "plan", "archivedAt": text_of(world.clock.at)}
    again = await define(client, "plan", "STRING", name="The plan")
    assert again["customField"] == made["customField"] | {
        "name": "The plan",
        "type": "STRING",
        "privacy": "NORMAL",
        "options": [],
    }
    seen = await client.run("{ workspace { customFields { key name } } }")
    assert seen["workspace"]["customFields"] == [{"key": "plan", "name": "The plan"}]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"key": ""}, ["key"]),
        ({"key": "Plan"}, ["key"]),
        ({"key": "1plan"}, ["key"]),
        ({"key": "pl-an"}, ["key"]),
        ({"key": "plañ"}, ["key"]),
        ({"key": "p" * 41}, ["key"]),
        ({"name": " "}, ["name"]),
        ({"name": "x" * 201}, ["name"]),
        ({"type": "ENUM"}, ["options"]),
        ({"type": "ENUM", "options": []}, ["options"]),
        ({"type": "ENUM", "options": ["a", "a "]}, ["options"]),
        ({"type": "ENUM", "options": ["a", ""]}, ["options", "1"]),
        ({"type": "ENUM", "options": [str(n) for n in range(101)]}, ["options"]),
        ({"options": ["a"]}, ["options"]),
    ],
)
async def test_a_bad_definition_is_refused(
    world: World, given: dict[str, Any], path: list[str]
) -> None:
    client = (await world.tenant()).admin
    before = await world.dump()

    refused = await define(client, **{"key": "plan", "type_": "STRING"} | _typed(given))

    assert (refused["code"], refused["path"]) == ("INVALID_INPUT", path)
    assert await world.dump() == before


def _typed(given: dict[str, Any]) -> dict[str, Any]:
    return {"type_" if name == "type" else name: value for name, value in given.items()}


async def test_what_contacts_have_stays_possible(world: World) -> None:
    client = await company(world)
    await upsert(client, customFields=valued(shoe=40, plan="gold"))
    before = await world.dump()

    for key, type_, options, path in (
        ("shoe", "STRING", None, ["type"]),
        ("plan", "STRING", None, ["type"]),
        ("plan", "ENUM", ["basic"], ["options"]),
    ):
        refused = await define(client, key, type_, options=options)
        assert (refused["code"], refused["path"]) == ("CONFLICT", path)
    assert await world.dump() == before
    wider = await define(client, "plan", "ENUM", options=["gold", "ivory"])
    assert wider["customField"]["options"] == ["gold", "ivory"]
    free = await define(client, "nick", "NUMBER")
    assert free["customField"]["type"] == "NUMBER"


async def test_a_workspace_has_at_most_100_fields(world: World) -> None:
    client = (await world.tenant()).admin
    for n in range(100):
        await define(client, f"f{n}", "STRING")

    assert (await define(client, "more", "STRING"))["code"] == "CONFLICT"
    assert (await define(client, "f7", "NUMBER"))["customField"]["type"] == "NUMBER"


async def test_values_are_kept_by_their_types(world: World) -> None:
    client = await company(world)
    given = valued(shoe=39.5, nick=" Ani ", since="1999-12-31", member=False, plan="gold")

    made = await upsert(client, VALUES_OF, customFields=given)

    expected = {"shoe": 39.5, "nick": "Ani", "since": "1999-12-31", "member": False, "plan": "gold"}
    shown = made["contact"]["customFields"]
    assert {each["key"]: each["value"] for each in shown} == expected
    assert [each["key"] for each in shown] == sorted(expected)
    changed = await upsert(client, VALUES_OF, customFields=valued(shoe=40.0, nick=None))
    found = {each["key"]: each["value"] for each in changed["contact"]["customFields"]}
    assert found == {key: value for key, value in expected.items() if key != "nick"} | {"shoe": 40}
    one = await upsert(
        client, 'shoe: customField(key: "shoe") { name value } none: customField(key: "x") { key }'
    )
    assert one["contact"] == {"shoe": {"name": "Shoe", "value": 40}, "none": None}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("shoe", "40"),
        ("shoe", True),
        ("shoe", 1234567890123456),
        ("shoe", 0.1234567890123456),
        ("shoe", 1e-16),
        ("nick", 40),
        ("nick", " "),
        ("nick", "x" * 1001),
        ("nick", "a\x07"),
        ("since", "2026-02-30"),
        ("since", "20260220"),
        ("since", "1899-12-31"),
        ("since", "2026-W01-1"),
        ("member", "true"),
        ("member", 1),
        ("plan", "silver"),
        ("plan", "gold "),
    ],
)
async def test_a_value_of_no_use_is_refused(world: World, key: str, value: Any) -> None:
    client = await company(world)
    before = await world.dump()

    answer = await client.ask(
        "mutation ($input: UpsertContactInput!) { upsertContact(input: $input) "
        "{ ... on UserError { code path } } }",
        input={
            "identities": [{"channel": "EMAIL", "address": "a@example.com"}],
            "customFields": [{"key": "member", "value": True}, {"key": key, "value": value}]
            if key != "member"
            else [{"key": "nick", "value": "x"}, {"key": key, "value": value}],
        },
    )

    if "errors" in answer:
        assert value == 1234567890123456
    else:
        refused = {"code": "INVALID_INPUT", "path": ["customFields", "1", "value"]}
        assert answer["data"]["upsertContact"] == refused
    assert await world.dump() == before


async def test_a_field_that_is_not_there_or_archived_takes_no_value(world: World) -> None:
    client = await company(world)
    await upsert(client, customFields=valued(shoe=40))
    await client.do("archiveCustomField", "ArchiveCustomFieldInput", "", {"key": "shoe"})
    before = await world.dump()

    for given in (valued(shoe=41), valued(none=1), [*valued(nick="a"), *valued(nick="b")]):
        refused = await upsert(client, customFields=given)
        assert (refused["code"], refused["path"][0]) == ("INVALID_INPUT", "customFields")
    assert await world.dump() == before
    hidden = await upsert(client, VALUES_OF, displayName="A")
    assert hidden["contact"]["customFields"] == []


async def test_tags_are_set_added_and_removed(world: World) -> None:
    client = (await world.tenant()).admin

    steps: list[tuple[dict[str, Any], list[str]]] = [
        ({"tags": [" VIP ", "vip", "VIP"]}, ["VIP", "vip"]),
        ({"addTags": ["new", "VIP"], "removeTags": ["vip", "x"]}, ["VIP", "new"]),
        ({"displayName": "A"}, ["VIP", "new"]),
        ({"tags": ["b"], "addTags": ["a"]}, ["b", "a"]),
        ({"tags": None}, []),
    ]
    for given, expected in steps:
        done = await upsert(client, "tags", **given)
        assert done["contact"]["tags"] == expected


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        ({"tags": [""]}, "INVALID_INPUT", ["tags", "0"]),
        ({"addTags": ["a", "x" * 61]}, "INVALID_INPUT", ["addTags", "1"]),
        ({"removeTags": ["\x00"]}, "INVALID_INPUT", ["removeTags", "0"]),
        ({"tags": [str(n) for n in range(51)]}, "INVALID_INPUT", ["tags"]),
        ({"tags": [str(n) for n in range(50)], "addTags": ["x"]}, "CONFLICT", ["addTags"]),
        ({"assignedUserId": "user_00000000000000000000000011"}, "NOT_FOUND", ["assignedUserId"]),
        ({"assignedUserId": "x"}, "NOT_FOUND", ["assignedUserId"]),
        ({"department": ""}, "INVALID_INPUT", ["department"]),
    ],
)
async def test_bad_tags_and_users_are_refused(
    world: World, given: dict[str, Any], code: str, path: list[str]
) -> None:
    client = (await world.tenant()).admin
    before = await world.dump()

    refused = await upsert(client, **given)

    assert (refused["code"], refused["path"]) == (code, path)
    assert await world.dump() == before


async def test_contacts_are_found_by_what_is_kept_of_them(world: World) -> None:
    client = await company(world)
    user = await client.do(
        "inviteUser",
        "InviteUserInput",
        "... on InviteUserPayload { user { id } }",
        {"email": "eva@example.com", "name": "Eva", "role": "AGENT"},
    )
    eva = user["user"]["id"]
    people = {
        "ana": {"tags": ["a", "b"], "company": "Uno", "assignedUserId": eva},
        "bea": {"tags": ["b"], "department": "Ventas", "customFields": valued(shoe=40, nick="z")},
        "cio": {"customFields": valued(shoe=9, member=True, plan="gold", since="2026-01-31")},
    }
    for name, given in people.items():
        identities = [{"channel": "EMAIL", "address": f"{name}@example.com"}]
        await upsert(client, firstName=name, identities=identities, **given)
        world.clock.advance(seconds=1)
    for filter_, expected in [
        ({"hasAllTags": ["a", "b"]}, ["ana"]),
        ({"hasAllTags": []}, ["cio", "bea", "ana"]),
        ({"hasAnyTag": ["a", "b", "c"]}, ["bea", "ana"]),
        ({"hasAnyTag": []}, []),
        ({"hasAnyTag": ["A"]}, []),
        ({"company": "Uno"}, ["ana"]),
        ({"department": "Ventas", "hasAnyTag": ["b"]}, ["bea"]),
        ({"assignedUserId": eva}, ["ana"]),
        ({"assignedUserId": "nobody"}, []),
        (by_value(key="shoe", gt=9), ["bea"]),
        (by_value(key="shoe", gte=9, lt=40), ["cio"]),
        (by_value(key="shoe", eq=40.0), ["bea"]),
        (by_value(key="shoe", neq=40), ["cio"]),
        (by_value(key="shoe", **{"in": [1, 9, 40]}), ["cio", "bea"]),
        (by_value(key="nick", **{"in": ["z", "y"]}), ["bea"]),
        (by_value(key="member", eq=True), ["cio"]),
        (by_value(key="member", **{"in": [True, False]}), ["cio"]),
        (by_value(key="since", lte="2026-02-01"), ["cio"]),
        (by_value(key="plan", eq="gold"), ["cio"]),
        (by_value(key="shoe", exists=False), ["ana"]),
        (by_value(key="shoe", exists=True), ["cio", "bea"]),
        ({"customFields": [{"key": "shoe", "lt": 50}, {"key": "nick", "exists": False}]}, ["cio"]),
    ]:
        assert await names_of(client, filter_) == expected, filter_
    for direction, expected in (("ASC", ["cio", "bea", "ana"]), ("DESC", ["ana", "bea", "cio"])):
        order = {"field": "CUSTOM_FIELD", "key": "shoe", "direction": direction}
        assert await names_of(client, None, order) == expected


def by_value(**condition: Any) -> dict[str, Any]:
    """The filter of one condition on a custom field."""
    return {"customFields": condition}


@pytest.mark.parametrize(
    ("filter_", "order", "path"),
    [
        ({"key": "none", "eq": 1}, None, ["filter", "customFields", "0", "key"]),
        ({"key": "Ñ", "eq": 1}, None, ["filter", "customFields", "0", "key"]),
        ({"key": "shoe"}, None, ["filter", "customFields", "0"]),
        ({"key": "shoe", "eq": "40"}, None, ["filter", "customFields", "0", "eq"]),
        ({"key": "nick", "lt": " "}, None, ["filter", "customFields", "0", "lt"]),
        ({"key": "plan", "eq": "tin"}, None, ["filter", "customFields", "0", "eq"]),
        ({"key": "shoe", "in": [1, "a"]}, None, ["filter", "customFields", "0", "in"]),
        ({"key": "shoe", "in": [1] * 101}, None, ["filter", "customFields", "0", "in"]),
        ([{"key": "shoe", "eq": 1}] * 21, None, ["filter", "customFields"]),
        (None, {"field": "CUSTOM_FIELD"}, ["orderBy", "key"]),
        (None, {"field": "CUSTOM_FIELD", "key": "'"}, ["orderBy", "key"]),
        (None, {"field": "CUSTOM_FIELD", "key": "none"}, ["orderBy", "key"]),
        (None, {"field": "CREATED_AT", "key": "shoe"}, ["orderBy", "key"]),
    ],
)
async def test_a_condition_of_no_use_is_refused(
    world: World, filter_: Any, order: Any, path: list[str]
) -> None:
    client = await company(world)

    answer = await client.ask(
        "query ($filter: ContactFilter, $order: ContactOrder) { contacts("
        "filter: $filter, orderBy: $order) { totalCount } }",
        filter=None if filter_ is None else {"customFields": filter_},
        order=order,
    )

    [error] = answer["errors"]
    assert error["extensions"] == {"code": "INVALID_INPUT", "input": path}
    assert answer["data"] is None


async def test_stages_are_kept_with_who_changed_them(world: World) -> None:
    tenant = await world.tenant()
    client = tenant.admin
    history = "stageHistory { totalCount nodes { stage fromAt untilAt changedBy { name } } }"
    first = world.clock.at
    made = await upsert(client, "id", stage="SALE")
    second = world.clock.advance(days=1)
    await upsert(client, displayName="A", stage="SALE")
    third = world.clock.advance(days=1)
    done = await upsert(client, f"stage {history}", stage=None)

    assert done["contact"]["stageHistory"] == {
        "totalCount": 2,
        "nodes": [
            {"stage": None, "fromAt": text_of(third), "untilAt": None, "changedBy": None},
            {
                "stage": "SALE",
                "fromAt": text_of(first),
                "untilAt": text_of(third),
                "changedBy": None,
            },
        ],
    }
    assert second < third
    twice = await upsert(client, history, id=made["contact"]["id"], stage="SERVICE")
    instants = [each["fromAt"] for each in twice["contact"]["stageHistory"]["nodes"]]
    assert instants == sorted(set(instants), reverse=True)
    assert len(instants) == 3


async def test_fields_need_the_scope_admin_to_be_defined(world: World) -> None:
    client = await (await world.tenant()).client(Scope.READ, Scope.RECORD, Scope.MANAGE)

    assert (await define(client, "plan", "STRING"))["code"] == "FORBIDDEN"
