"""What was written and cannot be shown in some part: by a plan as by the reference path."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from tests.graphql.reports import report
from tests.world import Tenant, World, a_world
from trenza.domain.access import Viewer
from trenza.domain.errors import Overloaded
from trenza.graphql import balance
from trenza.readplan.reader import Row
from trenza.services.interaction import RecordInteraction

BACKWARDS = 'costToServe(from: "2026-11-20T00:00:00Z", to: "2026-11-10T00:00:00Z") { total }'
GOOD = "... on RecordInteractionPayload { replayed balance { consumed } }"
SESSION = "... on UserError { code } ... on RecordInteractionPayload { replayed session "
ONE = "mutation ($i: RecordInteractionInput!"
TWO = f"{ONE}, $j: RecordInteractionInput!"
CHANNEL = ", $c: ChannelKind = EMAIL"
MAY = (
    f"{SESSION} {{ id contact {{ mayContact(channel: $c, purpose: MARKETING) {{ allowed }} }} }} }}"
)
COST = f"{SESSION} {{ state contact {{ {BACKWARDS} }} }} balance {{ consumed }} }}"
FAILING = {
    "a figure": f"{ONE}) {{ x: recordInteraction(input: $i) {{ __typename {COST} }} }}",
    "a figure of the second": (
        f"{TWO}) {{ x: recordInteraction(input: $i) {{ {GOOD} }} "
        f"y: recordInteraction(input: $j) {{ {COST} }} }}"
    ),
    "an argument of the first": (
        f"{TWO}{CHANNEL}) {{ x: recordInteraction(input: $i) {{ {MAY} }} "
        f"y: recordInteraction(input: $j) {{ {GOOD} }} }}"
    ),
    "each of three": (
        f"{TWO}{CHANNEL}) {{ x: recordInteraction(input: $i) {{ {MAY} }} ...More "
        f"z: recordInteraction(input: $i) {{ {GOOD} }} }} "
        f"fragment More on Mutation {{ y: recordInteraction(input: $j) {{ {COST} }} "
        f"x: recordInteraction(input: $i) {{ {COST} }} }}"
    ),
    "some of a batch": (
        f"{TWO}, $many: [RecordInteractionInput!]!) "
        f"{{ x: recordInteraction(input: $i) {{ {GOOD} }} "
        f"recordInteractions(inputs: $many) {{ {COST} }} "
        f"z: recordInteraction(input: $j) {{ {GOOD} }} }}"
    ),
}


@pytest.fixture
async def worlds(database_url: str) -> AsyncIterator[tuple[World, World]]:
    """An app with plans and one without, on one database."""
    async with a_world(database_url) as planned, a_world(database_url, read_plan=False) as other:
        yield planned, other


async def count(tenant: Tenant) -> dict[str, Any]:
    """How many interactions and debits there are."""
    answer = await tenant.admin.run(
        "{ contacts { nodes { interactions { totalCount } debits { totalCount } } } }"
    )
    nodes = answer["contacts"]["nodes"]
    return {
        key: sum(each[key]["totalCount"] for each in nodes) for key in ("interactions", "debits")
    }


def without_ids(found: Any) -> Any:
    """An answer without what is anew in each."""
    if isinstance(found, dict):
        kept = {k: v for k, v in found.items() if k not in ("id", "correlationId")}
        return {key: without_ids(value) for key, value in kept.items()}
    return [without_ids(each) for each in found] if isinstance(found, list) else found


def inputs(world: World) -> dict[str, Any]:
    """Reports of two contacts, and of one that opens no session, and one that is wrong."""
    bob = {"channel": "EMAIL", "address": "bob@example.com"}
    status = report(world, externalId="x3", kind="DELIVERY_STATUS", identity=bob)
    wrong = report(world, externalId="x4", occurredAt="2027-01-01T00:00:00Z")
    return {
        "i": report(world),
        "j": report(world, externalId="x2", identity=bob),
        "many": [report(world, externalId="x5"), status, wrong, report(world)],
        "c": None,
    }


async def both(worlds: tuple[World, World], document: str) -> tuple[dict[str, Any], dict[str, int]]:
    """The one answer of both ways, and the rows that each left.

    The first time by a plan, unless null for an argument is seen before anything is written.
    """
    found = []
    for world in worlds:
        tenant, variables = await world.tenant(), inputs(world)
        given = {name: value for name, value in variables.items() if f"${name}" in document}
        answer = without_ids(await tenant.admin.ask(document, **given))
        found.append((answer, await count(tenant)))
    assert found[0] == found[1]
    planner = worlds[0].app.state.planner
    refused = 1 if "$c" in document else 0
    assert planner.answered == 2 - refused
    assert planner.missed.total() == planner.missed["refused"] == refused
    return found[0]


@pytest.mark.parametrize("name", FAILING)
async def test_what_can_be_shown_is_answered_and_written_once(
    worlds: tuple[World, World], name: str
) -> None:
    answer, rows = await both(worlds, FAILING[name])

    assert all(answer["data"].values())
    assert answer["errors"]
    assert rows["interactions"] == {"a figure": 1, "some of a batch": 4}.get(name, 2)


async def test_a_refusal_stands_in_its_place(worlds: tuple[World, World]) -> None:
    answer, _ = await both(worlds, FAILING["a figure"])

    assert answer["data"]["x"]["session"] is None
    assert answer["data"]["x"]["balance"] == {"consumed": 1}
    [error] = answer["errors"]
    assert error["path"] == ["x", "session", "contact", "costToServe"]
    assert error["extensions"] == {"code": "INVALID_INPUT", "input": ["to"]}
    assert error["locations"] == [{"line": 1, "column": FAILING["a figure"].index("costTo") + 1}]


async def test_only_the_elements_that_fail_have_errors(worlds: tuple[World, World]) -> None:
    answer, rows = await both(worlds, FAILING["some of a batch"])

    first, status, wrong, again = answer["data"]["recordInteractions"]
    assert first["session"] is status["session"] is again["session"] is None
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert wrong == {"code": "OCCURRED_IN_FUTURE"}
    assert [error["path"][:3] for error in answer["errors"]] == [
        ["recordInteractions", place, "session"] for place in (0, 3)
    ]
    assert rows["debits"] == 2


@pytest.fixture
def _too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every balance have been granted more than an Int holds."""
    row_of = balance.balance_row

    def enlarged(*found: Any) -> Row:
        return {**row_of(*found), "granted": 2**31}

    monkeypatch.setattr(balance, "balance_row", enlarged)


@pytest.mark.usefixtures("_too_large")
async def test_a_number_beyond_32_bits_is_no_int(worlds: tuple[World, World]) -> None:
    clients = [(await world.tenant()).admin for world in worlds]

    answers = [await each.ask("{ workspace { balance { granted } } }") for each in clients]

    assert answers[0] == answers[1]
    assert answers[0]["errors"]
    assert worlds[0].app.state.planner.missed == {"refused": 1}


@pytest.mark.usefixtures("_too_large")
async def test_a_number_beyond_32_bits_is_not_shown_of_what_was_written(
    worlds: tuple[World, World],
) -> None:
    shown = "... on RecordInteractionPayload { balance { granted } }"

    answer, rows = await both(worlds, f"{ONE}) {{ x: recordInteraction(input: $i) {{ {shown} }} }}")

    [error] = answer["errors"]
    assert error["path"] == ["x", "balance", "granted"]
    assert rows["interactions"] == 1


async def test_a_field_shows_what_was_so_before_the_next_was_written(
    worlds: tuple[World, World],
) -> None:
    answer, _ = await both(worlds, FAILING["a figure of the second"])

    assert [answer["data"][key]["balance"] for key in "xy"] == [{"consumed": 1}, {"consumed": 2}]


@pytest.mark.parametrize("failure", [RuntimeError("ours"), Overloaded("later")], ids=repr)
async def test_a_write_that_fails_is_the_last_and_not_run_again(
    worlds: tuple[World, World], monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """It may have failed after it wrote."""
    begun = [failing_at_the_second(world, monkeypatch, failure) for world in worlds]
    document = (
        f"{TWO}) {{ x: recordInteraction(input: $i) {{ {GOOD} }} "
        f"y: recordInteraction(input: $j) {{ {GOOD} }} "
        f"z: recordInteraction(input: $i) {{ {GOOD} }} }}"
    )

    answer, rows = await both(worlds, document)

    assert answer["data"] is None
    [error] = answer["errors"]
    assert error["path"] == ["y"]
    assert [len(each) for each in begun] == [2, 2]
    assert rows["interactions"] == 2


def failing_at_the_second(
    world: World, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> list[Any]:
    """Lets the second report of a world fail when it is recorded; answers what was reported."""
    begun: list[Any] = []
    record = world.parts.recorder.record

    async def recorded(viewer: Viewer, requests: Sequence[RecordInteraction]) -> Any:
        begun.append(requests)
        found = await record(viewer, requests)
        if len(begun) == 2:
            raise failure
        return found

    monkeypatch.setattr(world.parts.recorder, "record", recorded)
    return begun
