"""What is kept of documents and plans is bounded by its weight, whoever sends them."""

from typing import Any

import pytest

from tests.readplan.conftest import Apps, Story
from trenza.graphql import custom_field
from trenza.readplan.kept import Kept
from trenza.readplan.planner import PLANS_WEIGHT_MAX, Planner
from trenza.storage.custom_value import as_operand


@pytest.fixture
def planner(apps: Apps, monkeypatch: pytest.MonkeyPatch) -> Planner:
    """The planner of the app with plans, which keeps none yet."""
    found: Planner = apps.planned.app.state.planner
    monkeypatch.setattr(found, "_plans", Kept(PLANS_WEIGHT_MAX))
    return found


def test_what_was_not_used_longest_goes_first() -> None:
    kept: Kept[str] = Kept(10)
    kept.keep("a", "A", 4)
    kept.keep("b", "B", 4)
    assert kept.find("a") == "A"

    kept.keep("c", "C", 3)

    assert [kept.find(key) for key in "abc"] == ["A", None, "C"]
    assert kept.weight == 7


def test_a_value_in_the_place_of_another_is_weighed_once() -> None:
    kept: Kept[str] = Kept(10)
    for _ in range(5):
        kept.keep("a", "A", 8)

    assert (kept.find("a"), kept.weight) == ("A", 8)


def test_what_is_too_heavy_is_not_kept() -> None:
    kept: Kept[str] = Kept(10)
    kept.keep("a", "A", 11)

    assert (kept.find("a"), kept.weight) == (None, 0)


def test_what_is_lost_weighs_nothing() -> None:
    kept: Kept[str] = Kept(10)
    kept.keep("a", "A", 4)

    kept.lose("a")
    kept.lose("b")

    assert (kept.find("a"), kept.weight) == (None, 0)


async def test_many_shapes_of_many_documents(apps: Apps, story: Story) -> None:
    names = "abcdefg"
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    chosen = " ".join(f"{name}: name @skip(if: ${name})" for name in names)
    client = story.a.client(apps.planned)
    answered = apps.planned.app.state.planner.answered
    for number in range(100):
        shape = {name: bool(number >> bit & 1) for bit, name in enumerate(names)}
        left = {name for name in names if not shape[name]}

        data = await client.run(f"query ({declared}) {{ viewer {{ {chosen} x: name }} }}", **shape)

        assert set(data["viewer"]) == left | {"x"}
    assert apps.planned.app.state.planner.answered == answered + 100


async def test_definitions_of_any_size_have_one_plan(
    apps: Apps, story: Story, planner: Planner
) -> None:
    client = story.a.client(apps.planned)
    document = (
        "query Sizes($definition: SegmentDefinitionInput!) "
        "{ previewSegment(definition: $definition) { count } }"
    )
    answered = planner.answered
    for size in (1, 2, 3, 21, 22, 5000):
        definition = {"groups": [{"conditions": [{"tag": {"tag": "a"}}] * size}]}
        await client.ask(document, definition=definition)

    assert len(planner._plans._values) == 1
    assert planner.answered == answered + 3


async def test_large_variables_have_no_plan(apps: Apps, story: Story, planner: Planner) -> None:
    document = "query Large($filter: ContactFilter) { contacts(filter: $filter) { totalCount } }"
    missed = planner.missed["large variables"]
    filter_ = {"hasAnyTag": ["a"] * 5000}

    planned = await story.a.client(apps.planned).ask(document, filter=filter_)
    reference = await story.a.client(apps.reference).ask(document, filter=filter_)

    assert planned == reference
    assert planned["errors"][0]["message"] == "at most 50 tags"
    assert (planner._plans.weight, planner.missed["large variables"]) == (0, missed + 1)


async def test_what_a_plan_is_kept_by_is_weighed(
    apps: Apps, story: Story, planner: Planner
) -> None:
    client, kept = story.a.client(apps.planned), planner._plans
    document = "query Weighed($filter: ContactFilter) { contacts(filter: $filter) { totalCount } }"
    weights = []
    for country, tags in ((None, 1), ("CO", 50)):
        before = kept.weight
        given = {"hasAnyTag": [f"t{n}" for n in range(tags)], "hasAllTags": ["t0"] * tags}
        await client.run(document, filter={**given, "country": country})
        weights.append(kept.weight - before)

    assert weights[1] == weights[0] + 5


async def test_only_what_was_answered_leaves_a_plan(
    apps: Apps, story: Story, planner: Planner
) -> None:
    client, kept = story.a.client(apps.planned), planner._plans
    document = "query First($first: Int) { contacts(first: $first) { nodes { id } } }"
    counts = []
    for first in (1000, 1, 1000):
        await client.ask(document, first=first)
        counts.append(len(kept._values))

    assert counts == [0, 1, 1]


async def test_a_kept_plan_works_out_the_operands_of_a_relation_once(
    apps: Apps, story: Story, planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []

    def counted(value: Any) -> Any:
        made.append(value)
        return as_operand(value)

    monkeypatch.setattr(custom_field, "as_operand", counted)
    client, counts = story.a.client(apps.planned), []
    document = "query Many($filter: ContactFilter) { contacts(filter: $filter) { totalCount } }"
    for number in (5, 20):
        given = {"customFields": [{"key": "size", "gt": n} for n in range(number)]}
        await client.run(document, filter=given)
        made.clear()
        await client.run(document, filter=given)
        counts.append(len(made))

    assert counts[1] == 4 * counts[0]
    assert len(planner._plans._values) == 2
