"""Custom fields against a list in Python: what is kept comes back, and is found and ordered by."""

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import eq, ge, gt, le, lt, ne
from random import Random
from typing import Any

import pytest

from tests.graphql.fields import define, valued
from tests.properties.seeds import any_seed
from tests.scale import scale
from tests.world import Client, World, a_world

QUESTIONS = scale(30, 3_000)
PEOPLE = 30
ROUNDS = 3
OPTIONS = ["a", "B", "ñ", "a b"]
TEXTS = ["a", "B", "b", "ñ", "%", "_", "10", "9", "true", "null", '"', "\\", "😀", "é e\u0301"]
NUMBERS = [0, -1, 1, 9, 10, 0.1, 0.25, -0.25, 1e-9, 123456789012345, 1234567.89012345, -7.5]
CHOICES: dict[str, tuple[str, list[Any]]] = {
    "text": ("STRING", TEXTS),
    "number": ("NUMBER", NUMBERS),
    "day": ("DATE", ["1900-01-01", "1999-12-31", "2000-02-29", "2199-12-31"]),
    "truth": ("BOOLEAN", [True, False]),
    "option": ("ENUM", OPTIONS),
}
COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "eq": eq,
    "neq": ne,
    "lt": lt,
    "lte": le,
    "gt": gt,
    "gte": ge,
}
ASKED = (
    "query ($filter: ContactFilter, $order: ContactOrder, $first: Int, $last: Int, "
    "$after: String, $before: String) { contacts(filter: $filter, orderBy: $order, "
    "first: $first, last: $last, after: $after, before: $before) { totalCount "
    "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } "
    "nodes { id tags customFields { key value } } } }"
)


@dataclass
class Person:
    """A contact as the list in Python has it."""

    id: str
    values: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)


@pytest.fixture(params=[True, False], ids=["plan", "reference"])
def read_plan(request: pytest.FixtureRequest) -> bool:
    """Whether queries are answered by plans."""
    return bool(request.param)


async def test_values_come_back_and_are_found_and_ordered_by(
    database_url: str, read_plan: bool
) -> None:
    seed = any_seed()
    random = Random(seed)
    async with a_world(database_url, read_plan=read_plan) as world:
        client = (await world.tenant()).admin
        for key, (type_, _) in CHOICES.items():
            options = OPTIONS if type_ == "ENUM" else None
            await define(client, key, type_, options=options)
        people = await a_company(world, client, random)
        for _ in range(QUESTIONS):
            question = a_question(random)
            try:
                await compare(client, people, random, question)
            except BaseException as error:
                error.add_note(f"{question}\nreplay it with TRENZA_TEST_SEED={seed}")
                raise


async def a_company(world: World, client: Client, random: Random) -> list[Person]:
    """Contacts that were written several times, each time with other values."""
    people: list[Person] = []
    for number in range(PEOPLE * ROUNDS):
        person = people[number % PEOPLE] if number >= PEOPLE else Person("")
        given = {
            key: random.choice([None, *choices])
            for key, (_, choices) in CHOICES.items()
            if random.random() < 0.4
        }
        tags = random.sample(TEXTS, random.randrange(4))
        done = await client.do(
            "upsertContact",
            "UpsertContactInput",
            "... on UpsertContactPayload { contact { id } }",
            {
                "identities": [{"channel": "PUSH", "address": f"p{number % PEOPLE}"}],
                "customFields": valued(**given),
                "tags": tags,
            },
        )
        person.id, person.tags = done["contact"]["id"], tags
        person.values |= given
        if number < PEOPLE:
            people.append(person)
    for person in people:
        person.values = {key: value for key, value in person.values.items() if value is not None}
    return people


def a_question(random: Random) -> dict[str, Any]:
    """A filter with an order, either or none."""
    asked: dict[str, Any] = {}
    conditions = [a_condition(random) for _ in range(random.choice([0, 0, 1, 1, 1, 2]))]
    filter_: dict[str, Any] = {"customFields": conditions} if conditions else {}
    if random.random() < 0.2:
        name = random.choice(["hasAllTags", "hasAnyTag"])
        filter_[name] = random.sample(TEXTS, random.randrange(4))
    if filter_:
        asked["filter"] = filter_
    if random.random() < 0.8:
        direction = random.choice(["ASC", "DESC"])
        key = random.choice(list(CHOICES))
        asked["order"] = {"field": "CUSTOM_FIELD", "key": key, "direction": direction}
    return asked


def a_condition(random: Random) -> dict[str, Any]:
    key = random.choice(list(CHOICES))
    choices = CHOICES[key][1]
    condition: dict[str, Any] = {"key": key}
    dice = random.random()
    if dice < 0.2:
        condition["exists"] = random.random() < 0.5
    elif dice < 0.4:
        condition["in"] = random.sample(choices, random.randint(1, min(3, len(choices))))
    else:
        for name in random.sample(list(COMPARED), random.randint(1, 2)):
            condition[name] = random.choice(choices)
    return condition


def is_met(person: Person, condition: dict[str, Any]) -> bool:
    """Whether a condition holds, as its description says."""
    value = person.values.get(condition["key"])
    wanted = {name: each for name, each in condition.items() if name != "key"}
    if value is None:
        return wanted == {"exists": False}
    return all(
        value in each if name == "in" else each if name == "exists" else COMPARED[name](value, each)
        for name, each in wanted.items()
    )


def expected(people: list[Person], question: dict[str, Any]) -> list[Person]:
    """The contacts that a question asks for, in its order."""
    filter_ = question.get("filter", {})
    tags_all, tags_any = filter_.get("hasAllTags"), filter_.get("hasAnyTag")
    found = [
        person
        for person in people
        if all(is_met(person, each) for each in filter_.get("customFields", ()))
        and (tags_all is None or set(tags_all) <= set(person.tags))
        and (tags_any is None or set(tags_any) & set(person.tags))
    ]
    order = question.get("order")
    if order is None:
        return sorted(found, key=lambda person: person.id, reverse=True)

    def place(person: Person) -> tuple[Any, ...]:
        value = person.values.get(order["key"])
        return (1, person.id) if value is None else (0, value, person.id)

    return sorted(found, key=place, reverse=order["direction"] == "DESC")


async def compare(
    client: Client, people: list[Person], random: Random, question: dict[str, Any]
) -> None:
    """Reads the whole list page by page, forwards and backwards."""
    wanted = expected(people, question)
    size = random.choice([3, 7, 13, 30])
    for forward in (True, False):
        read: list[Any] = []
        cursor = None
        while True:
            page = {"first": size, "after": cursor} if forward else {"last": size, "before": cursor}
            found = (await client.run(ASKED, **question, **page))["contacts"]
            assert found["totalCount"] == len(wanted)
            nodes, info = found["nodes"], found["pageInfo"]
            read = [*read, *nodes] if forward else [*nodes, *read]
            cursor = info["endCursor" if forward else "startCursor"]
            if not info["hasNextPage" if forward else "hasPreviousPage"]:
                break
        assert [node["id"] for node in read] == [person.id for person in wanted]
        for node, person in zip(read, wanted, strict=True):
            values = {each["key"]: each["value"] for each in node["customFields"]}
            assert (values, node["tags"]) == (person.values, person.tags)
