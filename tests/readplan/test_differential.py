"""Invariants I16 and I13 by generated documents.

Two ways, one answer: what plans answer is what the reference path answers. And not a byte of it
depends on whether the rows of another company are there.
"""

import json
from difflib import unified_diff
from typing import Any

import pytest
from graphql import get_named_type, is_abstract_type, is_object_type
from httpx import Response

from tests.properties.seeds import any_seed
from tests.readplan.conftest import Apps, Story
from tests.readplan.documents import make_request
from tests.readplan.values import Known
from tests.scale import scale
from tests.world import NOON, text_of
from trenza.graphql.schema import build_schema

DOCUMENTS = 500
"""Of a part, on each of the two databases; some of them are sent once more, otherwise."""
PARTS = scale(3, 100)
CARELESS_EVERY = 6
AGAIN_EVERY = 5
WHO = ("admin",) * 12 + ("reader", "recorder")
COVERED_MIN = 0.9
"""The share of the documents without a mistake that plans answer, for a key that may do all."""
OUR_MISTAKES = {"wrong statement", "mistake", "database"}
"""Reasons for which a plan gives way that no document should be able to give."""
SCHEMA = build_schema().core


def parsed(text: str) -> Any:
    """JSON in which the order of keys counts."""
    return json.loads(text, object_pairs_hook=lambda pairs: [{key: value} for key, value in pairs])


def difference(one: Response, other: Response) -> str | None:
    """The first lines in which two answers differ; nothing where they are the same."""
    if one.status_code == other.status_code and parsed(one.text) == parsed(other.text):
        return None
    texts = [f"{each.status_code}\n{json.dumps(each.json(), indent=1)}" for each in (one, other)]
    left, right = (text.splitlines() for text in texts)
    lines = unified_diff(left, right, "plan", "reference", lineterm="")
    return "\n".join(list(lines)[:60])


@pytest.mark.parametrize("part", range(PARTS))
async def test_a_plan_answers_like_the_reference_path(apps: Apps, story: Story, part: int) -> None:
    company, planner = story.a, apps.planned.app.state.planner
    planner.missed.clear()
    first = any_seed() + part * DOCUMENTS
    clean = covered = 0
    for number in range(DOCUMENTS):
        seed = first + number
        who = WHO[seed % len(WHO)]
        careless = seed % CARELESS_EVERY == 0
        request = make_request(SCHEMA, company.known, seed, careless=careless)
        for body in request.bodies[: 1 + (seed % AGAIN_EVERY == 0)]:
            answered = planner.answered
            replay = f"{json.dumps(body)}\nas {who}: replay it with TRENZA_TEST_SEED={seed}"
            try:
                by_plan = await company.client(apps.planned, who).post(body)
                by_loaders = await company.client(apps.reference, who).post(body)
            except BaseException as error:
                error.add_note(replay)
                raise
            differing = difference(by_plan, by_loaders)
            assert differing is None, f"{differing}\n{replay}"
            alone = await company.client(apps.alone, who).post(body)
            assert by_plan.content == alone.content, f"{by_plan.text}\n{alone.text}\n{replay}"
            assert by_plan.status_code in (200, 400), replay
            assert '"INTERNAL"' not in by_plan.text, f"{by_plan.text}\n{replay}"
            assert not planner.missed.keys() & OUR_MISTAKES, f"{planner.missed}\n{replay}"
            if who == "admin" and "errors" not in by_plan.json():
                clean += 1
                covered += planner.answered - answered
    assert clean > DOCUMENTS / 2
    assert covered >= COVERED_MIN * clean, planner.missed


def test_every_field_of_a_query_is_asked_for() -> None:
    """Whatever is added to the graph is compared too, with nothing to be done here."""
    stranger = Known(["x"], ["x"], {"x": ["x"]}, [("EMAIL", "x")], [text_of(NOON)] * 2, ["x"])
    missing = fields_below(SCHEMA.query_type)
    for seed in range(60_000):
        missing -= make_request(SCHEMA, stranger, seed).asked
        if not missing:
            break
    assert not missing


def fields_below(root: Any) -> set[str]:
    """Every field that a query can lead to."""
    found: set[str] = set()
    waiting, seen = [root], {root.name}
    while waiting:
        type_ = waiting.pop()
        below = [get_named_type(field.type) for field in type_.fields.values()]
        found |= {f"{type_.name}.{name}" for name in type_.fields}
        for each in below:
            types = SCHEMA.get_possible_types(each) if is_abstract_type(each) else [each]
            new = [one for one in types if is_object_type(one) and one.name not in seen]
            seen |= {one.name for one in new}
            waiting += new
    return found
