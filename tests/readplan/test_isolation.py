"""Invariant I13: what one company is answered is the same whether another one is there or not."""

from tests.properties.seeds import any_seed
from tests.readplan.conftest import Apps, Story
from tests.readplan.documents import make_request
from tests.scale import scale
from trenza.graphql.schema import build_schema

DOCUMENTS = scale(300, 50_000)
"""On each of the two databases."""
CARELESS_EVERY = 6
AGAIN_EVERY = 3
SCHEMA = build_schema().core


async def test_the_rows_of_another_company_change_no_byte(apps: Apps, story: Story) -> None:
    among, alone = story.a.client(apps.planned), story.a.client(apps.alone)
    planner = apps.planned.app.state.planner
    answered = planner.answered
    first = any_seed()
    for seed in range(first, first + DOCUMENTS):
        careless = seed % CARELESS_EVERY == 0
        request = make_request(SCHEMA, story.a.known, seed, careless=careless)
        for body in request.bodies[: 1 + (seed % AGAIN_EVERY == 0)]:
            both, one = await among.post(body), await alone.post(body)
            assert both.status_code == one.status_code
            assert both.content == one.content, (
                f"{body}\n{both.text}\n{one.text}\nreplay it with TRENZA_TEST_SEED={seed}"
            )
    assert planner.answered - answered > DOCUMENTS / 2
    assert apps.alone.app.state.planner.answered > DOCUMENTS / 2


async def test_the_other_company_is_really_gone(apps: Apps, story: Story) -> None:
    there, gone = story.b.client(apps.planned), story.b.client(apps.alone)

    assert (await there.post({"query": "{ workspace { name } }"})).status_code == 200
    assert (await gone.post({"query": "{ workspace { name } }"})).status_code == 401
