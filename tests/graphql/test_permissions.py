"""Permissions as data: what every role may do, and what the schema says of it."""

from typing import Any

import pytest

from tests.graphql.reports import MUTATIONS, RECORD, example, mutate, report
from tests.world import Client, World
from trenza.domain.access import FIELD_PERMISSIONS, PERMISSIONS, Role, Verb, verb_of
from trenza.graphql.schema import build_schema

SCHEMA = build_schema().core
FIELDS = {name.removeprefix("Workspace."): it for name, it in FIELD_PERMISSIONS.items()}


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_does_what_is_for_it_and_nothing_else(world: World, role: Role) -> None:
    tenant = await world.tenant()
    client, _ = await tenant.person(role)
    await client.run("{ viewer { name } }")
    before = await world.dump()

    allowed = []
    for mutation in MUTATIONS:
        answer = await mutate(client, mutation, example(world, mutation))
        done = answer["data"][mutation]
        if role in PERMISSIONS[verb_of(mutation)].roles:
            assert done["__typename"] != "Forbidden", mutation
            allowed.append(mutation)
            continue
        assert (done["__typename"], done["code"]) == ("Forbidden", "FORBIDDEN"), mutation
        assert done["message"].startswith(f"{mutation} is not for {role}: it takes one of ADMIN")
        if not allowed:
            assert await world.dump() == before, mutation
    assert (allowed == []) is (role is Role.VIEWER)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AGENT])
async def test_what_is_refused_to_a_role_changes_nothing(world: World, role: Role) -> None:
    client, _ = await (await world.tenant()).person(role)
    before = await world.dump()

    for mutation in MUTATIONS:
        if role not in PERMISSIONS[verb_of(mutation)].roles:
            await mutate(client, mutation, example(world, mutation))

    assert await world.dump() == before


async def test_a_batch_is_for_the_roles_of_a_single_report(world: World) -> None:
    client, _ = await (await world.tenant()).person(Role.VIEWER)

    answer = await client.ask(RECORD, input=report(world))

    assert answer["data"]["recordInteraction"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_reads_the_fields_that_are_for_it(world: World, role: Role) -> None:
    client, _ = await (await world.tenant()).person(role)

    for field, permission in FIELDS.items():
        answer = await client.ask(f"{{ workspace {{ {field} {{ totalCount }} }} }}")
        if role in permission.roles:
            assert answer["data"]["workspace"][field]["totalCount"] >= 0
        else:
            assert answer["data"]["workspace"][field] is None
            [error] = answer["errors"]
            assert error["extensions"]["code"] == "FORBIDDEN"


async def whoami(client: Client) -> Any:
    fields = "keyId name scopes role permissions user { id role status }"
    return (await client.run(f"{{ viewer {{ {fields} }} }}"))["viewer"]


@pytest.mark.parametrize("role", list(Role))
async def test_the_viewer_says_who_asks_and_what_is_allowed(world: World, role: Role) -> None:
    client, user_id = await (await world.tenant()).person(role)

    viewer = await whoami(client)

    assert viewer["role"] == role
    assert viewer["user"] == {"id": user_id, "role": role, "status": "ACTIVE"}
    assert viewer["permissions"] == [v for v in Verb if role in PERMISSIONS[v].roles]


async def test_a_services_key_has_no_user(world: World) -> None:
    viewer = await whoami((await world.tenant()).admin)

    assert (viewer["user"], viewer["role"]) == (None, None)
    assert viewer["permissions"] == list(Verb)


def test_the_schema_says_of_every_mutation_what_it_takes() -> None:
    mutations: Any = SCHEMA.mutation_type

    for name, field in mutations.fields.items():
        sentence = PERMISSIONS[verb_of(name)].sentence
        assert field.description.endswith(f". {sentence}"), name
        assert field.description.count("Scope `") == 1, name


def test_the_schema_says_of_every_feed_what_it_takes() -> None:
    feeds: Any = SCHEMA.subscription_type

    for name, field in feeds.fields.items():
        assert field.description.endswith(f". {PERMISSIONS[Verb.READ].sentence}"), name


def test_the_schema_says_of_every_field_what_it_takes_beyond_read() -> None:
    said = {
        f"{type_.name}.{name}": field.description
        for type_ in SCHEMA.type_map.values()
        if type_ not in (SCHEMA.mutation_type, SCHEMA.subscription_type)
        for name, field in getattr(type_, "fields", {}).items()
        if "Scope `" in (field.description or "")
    }

    assert set(said) == set(FIELD_PERMISSIONS)
    for name, description in said.items():
        assert description.endswith(f". {FIELD_PERMISSIONS[name].sentence}")
