"""A NUL in any text that a client can give, which PostgreSQL takes for none, is no failure of ours.

The places are those of the schema, so that whatever is added to it is looked at too.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_object_type,
    is_required_argument,
    is_required_input_field,
)

from tests.graphql.fields import define, upsert
from tests.graphql.reports import MUTATIONS, example, ids_of_everything, mutate
from tests.readplan.values import Symbol, literal
from tests.world import Client, World, a_world
from trenza.domain.access import Role
from trenza.graphql.schema import build_schema

SCHEMA = build_schema().core
TEXTS = ("ID", "String", "CustomValue")
RIGHT: dict[str, Any] = {
    "Boolean": True,
    "ChannelKind": Symbol("PUSH"),
    "ContactOrderField": Symbol("CUSTOM_FIELD"),
    "CustomValue": "x",
    "Date": "2026-11-01",
    "DateTime": "2026-11-20T00:00:00Z",
    "Float": 1.5,
    "ID": "x",
    "Int": 1,
    "SegmentConditionInput": {"tag": {"tag": "vip"}},
    "SegmentField": Symbol("COMPANY"),
    "String": "x",
}
"""What is given of some types; `x` is the key of a custom field too."""
ONE_BY_ONE = ("addToList", "removeFromList")
"""Mutations that answer for each of the ids they are given."""


def right(type_: Any) -> Any:
    """Some value of an input type."""
    bare = get_nullable_type(type_)
    if isinstance(bare, GraphQLList):
        return [right(bare.of_type)]
    if bare.name in RIGHT:
        return RIGHT[bare.name]
    if isinstance(bare, GraphQLEnumType):
        return Symbol(next(iter(bare.values)))
    return right_fields(bare)


def right_fields(type_: GraphQLInputObjectType) -> dict[str, Any]:
    """The fields that an input has to have."""
    return {
        name: right(field.type)
        for name, field in type_.fields.items()
        if is_required_input_field(field)
    }


def spoilt(type_: Any) -> Iterator[Any]:
    """Values of an input type, one for each text in it, which holds a NUL."""
    bare = get_nullable_type(type_)
    if isinstance(bare, GraphQLList):
        yield from ([each] for each in spoilt(bare.of_type))
    elif isinstance(bare, GraphQLInputObjectType):
        yield from spoilt_inputs(bare, right_fields(bare))
    elif bare.name in TEXTS:
        yield "a\x00"


def spoilt_inputs(type_: GraphQLInputObjectType, whole: Mapping[str, Any]) -> Iterator[Any]:
    """The same of an input, with the other fields of a whole one."""
    for name, field in type_.fields.items():
        for each in spoilt(field.type):
            yield {**whole, name: each}


def selected(type_: Any) -> str:
    """What is read of a field: all that is plain, and the nodes of a connection."""
    named: Any = get_named_type(type_)
    if is_leaf_type(named):
        return ""
    plain = [
        name
        for name, field in named.fields.items()
        if is_leaf_type(get_named_type(field.type))
        and not any(map(is_required_argument, field.args.values()))
    ]
    nodes = ["nodes { __typename }"] if "nodes" in named.fields else []
    return f"{{ {' '.join([*plain, *nodes])} }}"


@dataclass(frozen=True)
class Place:
    """An argument of a field, the way to it from the root, and a value with a NUL for it."""

    way: tuple[str, ...]
    field: str
    definition: GraphQLField
    argument: str
    value: Any

    def document(self, given: str, declared: str = "") -> str:
        """The query that gives the argument so, and what else the field has to be given."""
        others = (
            f"{name}: {literal(right(argument.type))}"
            for name, argument in self.definition.args.items()
            if name != self.argument and is_required_argument(argument)
        )
        arguments = ", ".join([f"{self.argument}: {given}", *others])
        asked = f"asked: {self.field}({arguments}) {selected(self.definition.type)}"
        opened = "".join(f"{{ {step} " for step in self.way)
        return f"query {declared} {opened}{{ {asked} }}{' }' * len(self.way)}"

    def bodies(self) -> Iterator[dict[str, Any]]:
        """Requests that give the value by literal and by variable."""
        yield {"query": self.document(literal(self.value, ascii_only=True))}
        declared = f"($x: {self.definition.args[self.argument].type})"
        yield {"query": self.document("$x", declared), "variables": {"x": self.value}}


def ways() -> dict[str, tuple[str, ...]]:
    """How each type of objects is come to from the root, by fields that need no text."""
    root: Any = SCHEMA.query_type
    found: dict[str, tuple[str, ...]] = {root.name: ()}
    for name in (waiting := [root.name]):
        type_: Any = SCHEMA.type_map[name]
        for step, field in type_.fields.items():
            below: Any = get_named_type(field.type)
            needed = {n: it.type for n, it in field.args.items() if is_required_argument(it)}
            if not is_object_type(below) or below.name in found:
                continue
            if any(is_leaf_type(get_named_type(each)) for each in needed.values()):
                continue
            given = ", ".join(f"{n}: {literal(right(each))}" for n, each in needed.items())
            found[below.name] = (*found[name], f"{step}({given})" if given else step)
            waiting.append(below.name)
    return found


def places() -> Iterator[Place]:
    """Every text that a query can be given."""
    for name, way in ways().items():
        type_ = SCHEMA.type_map[name]
        assert isinstance(type_, GraphQLObjectType)
        for field, definition in type_.fields.items():
            for argument, declared in definition.args.items():
                for value in spoilt(declared.type):
                    yield Place(way, field, definition, argument, value)


@pytest.fixture
async def both(database_url: str) -> AsyncIterator[list[Client]]:
    """A user with one of everything in the workspace, by plan and by the reference path."""
    async with AsyncExitStack() as stack:
        planned, reference = [
            await stack.enter_async_context(a_world(database_url, read_plan=read_plan))
            for read_plan in (True, False)
        ]
        user, _ = await (await planned.tenant()).person(Role.ADMIN)
        ids = await ids_of_everything(planned, user)
        await define(user, "x", "STRING")
        await upsert(user, id=ids["contact"], assignedGroupId=ids["group"])
        yield [user, Client(reference.http, user.key)]


async def test_a_query_takes_it_anywhere(both: list[Client]) -> None:
    for place in places():
        for body in place.bodies():
            by_plan, by_loaders = [await client.post(body) for client in both]

            assert by_plan.status_code == 200, (body, by_plan.text)
            assert by_plan.json() == by_loaders.json(), body
            assert '"INTERNAL"' not in by_plan.text, (body, by_plan.text)
            assert '"asked"' in by_plan.text, (body, by_plan.text)


async def test_an_id_with_it_names_nothing(both: list[Client]) -> None:
    """As any other that is malformed."""
    document = """query ($id: ID!, $definition: SegmentDefinitionInput!) {
      contact(id: $id) { id }
      nodes(ids: [$id]) { id }
      contacts(filter: {listId: $id}) { totalCount }
      previewSegment(definition: $definition) { count }
      segments { nodes { explain(contactId: $id) { isMember } } }
      workspace { activity(filter: {subjectId: $id}) { totalCount } }
    }"""
    nothing = {
        "contact": None,
        "nodes": [None],
        "contacts": {"totalCount": 0},
        "previewSegment": {"count": 0},
        "segments": {"nodes": [{"explain": None}]},
        "workspace": {"activity": {"totalCount": 0}},
    }
    for client in both:
        for id in ("x", "\x00", "list_\x00"):
            definition = {"groups": [{"conditions": [{"list": {"listId": id}}]}]}
            assert await client.run(document, id=id, definition=definition) == nothing
            given = {"name": "A", "definition": definition}
            refused = await client.do("createSegment", "CreateSegmentInput", "", given)
            assert refused["__typename"] == "NotFound"


async def test_a_mutation_refuses_it_anywhere(world: World) -> None:
    client = (await world.tenant()).admin
    ids = await ids_of_everything(world, client)
    await define(client, "x", "STRING")
    # Its name is that of the example.
    await mutate(client, "updateSegment", example(world, "updateSegment", ids=ids))
    before = await world.dump()

    for mutation in MUTATIONS:
        input: Any = SCHEMA.type_map[MUTATIONS[mutation][0].rstrip("!")]
        for given in spoilt_inputs(input, example(world, mutation, ids=ids)):
            answer = await mutate(client, mutation, given)
            assert "errors" not in answer, (mutation, given, answer)
            code = answer["data"][mutation].get("code")
            is_refused = code in ("INVALID_INPUT", "NOT_FOUND")
            assert is_refused or mutation in ONE_BY_ONE, (mutation, given, answer)
    assert await world.dump() == before
