"""Documents that are small to send and large to answer cost no more than their length."""

import asyncio

import pytest

from tests.readplan.conftest import Apps, Story
from tests.world import NOON, text_of
from trenza.readplan.plan import Plan
from trenza.readplan.statement import Statement, Writer

ABSENT = 'contact(id: "contact_00000000000000000000000011")'


def doubling(times: int) -> str:
    """Each fragment names the next one twice."""
    fragments = (
        f"fragment f{n} on Contact {{ a: mergedInto {{ ...f{n + 1} }} "
        f"b: mergedInto {{ ...f{n + 1} }} }} "
        for n in range(times)
    )
    last = f"fragment f{times} on Contact {{ id }}"
    return f"{{ {ABSENT} {{ ...f0 }} }} {''.join(fragments)}{last}"


def chain(length: int) -> str:
    """A contact that was merged into one that was merged, and so on."""
    return f"{{ {ABSENT} {'{ mergedInto ' * length}{{ id }}{' }' * length} }}"


def repeating(uses: int, fields: int) -> str:
    """The same long fragment in many places."""
    places = " ".join(f"a{n}: {ABSENT} {{ ...f }}" for n in range(uses))
    return f"{{ {places} }} fragment f on Contact {{ {'id ' * fields} }}"


def wide(fields: int) -> str:
    """Many names for one value."""
    return f"{{ {ABSENT} {{ {' '.join(f'a{n}: id' for n in range(fields))} }} }}"


def many(times: int, field: str) -> str:
    """A field under many names."""
    return f"{{ {' '.join(f'a{n}: {field}' for n in range(times))} }}"


DOCUMENTS = {
    "doubling": (doubling(18), "too many fields"),
    "repeating": (repeating(60, 100), "too many fields"),
    "chain": (chain(70), "nested too deeply"),
    "wide": (wide(2000), "too long"),
}


@pytest.mark.parametrize(("document", "reason"), DOCUMENTS.values(), ids=DOCUMENTS)
async def test_no_plan_is_made(apps: Apps, story: Story, document: str, reason: str) -> None:
    missed = apps.planned.app.state.planner.missed
    before = missed[reason]

    asked = story.a.client(apps.planned).ask(document)
    answer = await asyncio.wait_for(asked, 20)

    assert missed[reason] == before + 1
    assert "errors" not in answer
    assert set(answer["data"].values()) == {None}


async def test_what_has_too_many_fields_is_validated_once(
    apps: Apps, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the reference path validates it")

    monkeypatch.setattr("trenza.readplan.planner.validate", refuse)
    missed = apps.planned.app.state.planner.missed
    before = missed.copy()

    again = f"{{ {'contacts(first: 1) { nodes { id } } ' * 270} }}"
    data = await story.a.client(apps.planned).run(again)

    assert len(data["contacts"]["nodes"]) == 1
    assert missed - before == {"too many fields": 1}


THEN = f'contact(id: "contact_00000000000000000000000011", at: "{text_of(NOON)}") {{ id }}'
SUBJECTS = f"workspace {{ activity(first: 1) {{ nodes {many(2, 'subject { id }')} }} }}"
NODES = 'nodes(ids: ["contact_00000000000000000000000011"]) { id }'
SMALL = "contacts(first: 1) { totalCount nodes { id displayName tags stage country } }"
LARGE = f"contacts(first: 1) {{ nodes {many(50, 'displayName')} }}"
COSTLY: dict[str, tuple[str, int, int]] = {
    "relations": (SMALL, 40, 60),
    "of then": (THEN, 20, 30),
    "of many types": (SUBJECTS, 2, 6),
    "rows of many types": (NODES, 4, 10),
    "fields": (LARGE, 12, 16),
}


@pytest.mark.parametrize("name", COSTLY)
async def test_what_takes_long_to_compile_is_left_to_the_loaders(
    apps: Apps, story: Story, name: str
) -> None:
    field, covered, left = COSTLY[name]
    planner = apps.planned.app.state.planner
    clients = [story.a.client(each) for each in (apps.planned, apps.reference)]
    for times, reasons in ((covered, {}), (left, {"too many fields": 1})):
        missed = planner.missed.copy()

        by_plan, by_loaders = [await client.run(many(times, field)) for client in clients]

        assert by_plan == by_loaders
        assert planner.missed - missed == reasons


async def test_conditions_of_filters_are_planned_up_to_a_number(apps: Apps, story: Story) -> None:
    planner, client = apps.planned.app.state.planner, story.a.client(apps.planned)
    parts = {"eq": 1, "neq": 2, "lt": 3, "lte": 4, "gt": 5, "gte": 6, "in": [7], "exists": True}
    largest = {"customFields": [{"key": "size", **parts}] * 20}
    for times, reasons in ((2, {}), (3, {"too many conditions": 1})):
        fields = many(times, "contacts(filter: $filter) { totalCount }")
        missed = planner.missed.copy()

        data = await client.run(f"query ($filter: ContactFilter) {fields}", filter=largest)

        assert data == {f"a{n}": {"totalCount": 0} for n in range(times)}
        assert planner.missed - missed == reasons


async def test_a_mistake_of_a_plan_is_answered_by_the_loaders(
    apps: Apps, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> bytes:
        raise ZeroDivisionError

    planner = apps.planned.app.state.planner
    monkeypatch.setattr(Plan, "answer", fail)

    data = await story.a.client(apps.planned).run("{ viewer { __typename } }")

    assert data == {"viewer": {"__typename": "Viewer"}}
    assert planner.missed.pop("mistake") == 1


async def test_a_statement_that_the_database_refuses_is_tried_once(
    apps: Apps, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Writer, "finish", lambda _: Statement("SELECT no_such_column", (), True))
    client, planner = story.a.client(apps.planned), apps.planned.app.state.planner
    statements = apps.planned.parts.statements
    executed = statements.executed
    planner.missed.clear()

    answers = [await client.run("query Unfit { contacts { totalCount } }") for _ in range(3)]

    assert answers == [{"contacts": {"totalCount": answers[0]["contacts"]["totalCount"]}}] * 3
    assert statements.executed == executed + 1
    assert planner.missed.pop("wrong statement") == 3


NULLS = {
    "an id": 'query ($x: ID = "x") { contact(id: $x) { id } }',
    "ids": 'query ($x: [ID!] = ["x"]) { nodes(ids: $x) { id } }',
    "a key": (
        'query ($x: String = "x") { contacts(first: 1) { nodes { id customField(key: $x) '
        "{ key } } } }"
    ),
    "a channel": (
        "query ($x: ChannelKind = EMAIL) { contacts(first: 1) { nodes { id "
        "mayContact(channel: $x, purpose: MARKETING) { allowed } } } }"
    ),
    "an address": (
        'query ($x: String = "x") { contactByIdentity(channel: EMAIL, address: $x) { id } }'
    ),
    "a directive": "query ($x: Boolean = true) { viewer { name @include(if: $x) } }",
}


@pytest.mark.parametrize("document", NULLS.values(), ids=NULLS)
async def test_null_for_what_has_a_default_is_the_clients_mistake(
    apps: Apps, story: Story, document: str
) -> None:
    missed = apps.planned.app.state.planner.missed
    planned, reference = (story.a.client(each) for each in (apps.planned, apps.reference))
    await planned.post({"query": document})
    before = missed.copy()

    answers = [
        await client.post({"query": document, "variables": {"x": None}})
        for client in (planned, reference)
    ]

    assert answers[0].json() == answers[1].json()
    assert "errors" in answers[0].json()
    assert missed - before == {"refused": 1}


async def test_a_plan_answers_of_then_where_nothing_is_selected(apps: Apps, story: Story) -> None:
    planner = apps.planned.app.state.planner
    id_ = next(each for each in story.a.known.ids if each.startswith("contact_"))
    document = (
        "query ($id: ID!, $at: DateTime!) { contact(id: $id, at: $at) { "
        "id mergedFrom { id @skip(if: true) } } }"
    )
    body = {"query": document, "variables": {"id": id_, "at": text_of(NOON)}}
    answered = planner.answered

    by_plan = await story.a.client(apps.planned).post(body)
    by_loaders = await story.a.client(apps.reference).post(body)

    assert by_plan.json() == by_loaders.json()
    assert "errors" not in by_plan.json()
    assert planner.answered == answered + 1


async def test_what_is_asked_for_is_looked_at_where_nothing_is_read(
    apps: Apps, story: Story
) -> None:
    document = 'query { contacts(filter: { nameContains: "a\\u0007" }) { __typename } }'

    by_plan = await story.a.client(apps.planned).ask(document)
    by_loaders = await story.a.client(apps.reference).ask(document)

    assert by_plan == by_loaders
    assert by_plan["errors"][0]["extensions"]["input"] == ["filter", "nameContains"]
