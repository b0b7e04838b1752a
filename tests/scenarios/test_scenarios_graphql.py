"""Every worked example through the API, on both databases: equal to the pure engine."""

import os
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, islice, permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.postgresql import PostgresqlServer
from tests.scale import FULL, scale
from tests.scenarios.loader import Scenario, load_scenarios
from tests.world import NOON, Client, Tenant, a_world, text_of
from trenza.domain.metering.fold import Event, fold, make_event
from trenza.domain.metering.policy import DEFAULT_POLICY as POLICY

SCENARIOS = load_scenarios()
BEGAN = NOON - timedelta(days=15)
INPUTS_MAX = 500
ORDERS = scale(1, 720)

RECORD = """
mutation ($input: RecordInteractionInput!) {
  recordInteraction(input: $input) {
    __typename
    ... on RecordInteractionPayload {
      replayed
      interaction { id contact { id } verdict { outcome ruleCode session { openedAt } } }
      session { openedAt }
      entries { amount reason }
    }
    ... on UserError { code message path }
  }
}
"""
RECORD_ALL = RECORD.replace(
    "$input: RecordInteractionInput!", "$inputs: [RecordInteractionInput!]!"
).replace("recordInteraction(input: $input)", "recordInteractions(inputs: $inputs)")
BOOKS = """
query ($address: String!) {
  contactByIdentity(channel: EMAIL, address: $address) {
    interactions(first: 100) {
      totalCount
      nodes { externalId verdict { outcome ruleCode session { openedAt } } }
    }
    sessions(first: 100) { totalCount nodes { openedAt expiresAt lane channel } }
    debits(first: 100) { nodes { amount reason } }
  }
}
"""

every_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
_serial = count(1)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """One database for all examples: each run of one has a contact of its own."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("migrated_sqlite")
        file = tmp_path_factory.mktemp("scenarios") / "trenza.sqlite3"
        file.write_bytes(template.read_bytes())
        yield f"sqlite+aiosqlite:///{file}"
        return
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    name = f"trenza_test_{os.getpid()}_scenarios"
    yield server.create(name, template=request.getfixturevalue("migrated_postgresql"))
    server.drop(name)


@pytest.fixture(scope="module")
async def tenant(shared_url: str) -> AsyncIterator[Tenant]:
    """The workspace in which the examples happen."""
    async with a_world(shared_url) as world:
        yield await world.tenant(interactionz=1_000_000)


@dataclass(frozen=True)
class Run:
    """One example that happens to a person of its own, in some order of arrival."""

    scenario: Scenario
    order: Sequence[int]
    address: str

    def external_id(self, number: int) -> str:
        """Equal in order to the number, as the ties of the fold want it."""
        return f"{self.address}/{number:02}"

    def inputs(self) -> list[dict[str, Any]]:
        """What is reported, in the order of arrival."""
        found = []
        for number in self.order:
            step = self.scenario.steps[number]
            found.append(
                {
                    "source": "example",
                    "externalId": self.external_id(number),
                    "identity": {"channel": "EMAIL", "address": self.address},
                    "channel": step.channel,
                    "kind": step.kind,
                    "actor": step.actor,
                    "occurredAt": text_of(BEGAN + step.at),
                }
            )
        return found

    def books(self) -> dict[str, Any]:
        """The answer to BOOKS that the pure engine expects, but for the ledger's reasons."""
        truth = fold(POLICY, sorted(self._events(), key=lambda event: event.position))
        ordered = sorted(self._events(), key=lambda event: event.position, reverse=True)
        return {
            "interactions": {
                "totalCount": len(ordered),
                "nodes": [
                    {
                        "externalId": event.id,
                        "verdict": {
                            "outcome": truth.verdicts[event.id].outcome,
                            "ruleCode": truth.verdicts[event.id].rule,
                            "session": opening(truth.verdicts[event.id].session_opened_at),
                        },
                    }
                    for event in ordered
                ],
            },
            "sessions": {
                "totalCount": len(truth.sessions),
                "nodes": [
                    {
                        "openedAt": text_of(session.opened_at),
                        "expiresAt": text_of(session.opened_at + timedelta(hours=24)),
                        "lane": session.lane,
                        "channel": session.channel,
                    }
                    for session in sorted(truth.sessions, key=lambda s: s.opened_position)[::-1]
                ],
            },
        }

    def _events(self) -> list[Event]:
        return [
            make_event(
                POLICY,
                event_id=self.external_id(number),
                occurred_at=BEGAN + step.at,
                kind=step.kind,
                lane=POLICY.lane_of(step.kind, step.actor),
                channel=step.channel,
                source="example",
                external_id=self.external_id(number),
                content_hash="",
            )
            for number, step in enumerate(self.scenario.steps)
        ]


def opening(at: datetime | None) -> dict[str, str] | None:
    """A session as a verdict shows it."""
    return None if at is None else {"openedAt": text_of(at)}


def a_run(scenario: Scenario, order: Iterable[int]) -> Run:
    """A run with a new person."""
    return Run(scenario, tuple(order), f"person{next(_serial):06}@example.com")


def orders_of(scenario: Scenario) -> Iterator[Sequence[int]]:
    """Every order where they are few enough, else from the end and random ones."""
    steps = range(len(scenario.steps))
    if len(steps) <= 6 and FULL:
        yield from permutations(steps)
        return
    yield steps[::-1]
    chance = Random(scenario.name)
    for _ in range(ORDERS):
        yield chance.sample(steps, len(steps))


async def record(client: Client, inputs: Sequence[dict[str, Any]]) -> list[Any]:
    """One mutation for each report."""
    return [(await client.run(RECORD, input=each))["recordInteraction"] for each in inputs]


async def record_all(client: Client, inputs: Sequence[dict[str, Any]]) -> list[Any]:
    """One mutation for every 500 reports."""
    found: list[Any] = []
    for start in range(0, len(inputs), INPUTS_MAX):
        part = list(inputs[start : start + INPUTS_MAX])
        found += (await client.run(RECORD_ALL, inputs=part))["recordInteractions"]
    return found


async def assert_true(client: Client, run: Run) -> list[str]:
    """The person's books must be those of the pure engine; the reasons of the ledger, in order."""
    found = (await client.run(BOOKS, address=run.address))["contactByIdentity"]
    debits = found.pop("debits")["nodes"]
    assert found == run.books()
    assert sum(entry["amount"] for entry in debits) == run.scenario.debits
    return [entry["reason"] for entry in debits[::-1]]


@every_scenario
async def test_in_order_each_step_is_answered_as_the_engine_decides(
    scenario: Scenario, tenant: Tenant
) -> None:
    run = a_run(scenario, range(len(scenario.steps)))
    client = tenant.admin

    answers = await record(client, run.inputs())
    again = await record_all(client, run.inputs())

    rules = [answer["interaction"]["verdict"]["ruleCode"] for answer in answers]
    assert rules == [step.verdict for step in scenario.steps]
    for answer in answers:
        verdict = answer["interaction"]["verdict"]
        charged = verdict["outcome"] == "CHARGED"
        assert answer["session"] == verdict["session"]
        assert answer["entries"] == [{"amount": 1, "reason": "OPENED"}] * charged
        assert not answer["replayed"]
    assert [{**answer, "replayed": True} for answer in answers] == again
    assert await assert_true(client, run) == ["OPENED"] * scenario.debits


@every_scenario
async def test_as_one_batch_with_everything_twice_it_comes_out_the_same(
    scenario: Scenario, tenant: Tenant
) -> None:
    chance = Random(scenario.name)
    run = a_run(scenario, chance.sample(range(len(scenario.steps)), len(scenario.steps)))
    client = tenant.admin

    answers = await record_all(client, [*run.inputs(), *run.inputs()[::-1]])

    first, second = answers[: len(scenario.steps)], answers[len(scenario.steps) :]
    assert [answer["replayed"] for answer in first] == [False] * len(first)
    assert [{**answer, "replayed": True} for answer in first[::-1]] == second
    await assert_true(client, run)


async def test_any_order_of_arrival_with_repeats_comes_out_the_same(tenant: Tenant) -> None:
    """In waves: the first arrival of every run in one transaction, then the second, and so on."""
    runs = [a_run(scenario, order) for scenario in SCENARIOS for order in orders_of(scenario)]
    client = tenant.admin

    longest = max(len(run.order) for run in runs)
    for wave in range(longest):
        arriving = [each for run in runs for each in islice(run.inputs(), wave, wave + 1)]
        repeated = [each for run in runs for each in islice(run.inputs(), wave // 2, wave // 2 + 1)]
        await record_all(client, arriving + repeated)

    for run in runs:
        await assert_true(client, run)
