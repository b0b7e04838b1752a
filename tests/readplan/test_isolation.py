"""That the company which `test_differential` does without is not there."""

from tests.readplan.conftest import Apps, Story


async def test_the_other_company_is_really_gone(apps: Apps, story: Story) -> None:
    there, gone = story.b.client(apps.planned), story.b.client(apps.alone)

    assert (await there.post({"query": "{ workspace { name } }"})).status_code == 200
    assert (await gone.post({"query": "{ workspace { name } }"})).status_code == 401
