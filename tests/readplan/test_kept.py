"""What is kept of documents and plans is bounded by its weight, whoever sends them."""

from tests.readplan.conftest import Apps, Story
from trenza.readplan.kept import Kept


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
