"""Every worked example through the pure engine, in every order of arrival."""

from collections.abc import Iterator, Sequence
from itertools import permutations
from random import Random

import pytest

from tests.domain.books import START, Books, an_event, assert_true_to_the_set
from tests.scenarios.loader import Scenario, load_scenarios
from trenza.domain.interaction import Language
from trenza.domain.metering.fold import Event, Outcome, fold
from trenza.domain.metering.policy import DEFAULT_POLICY as POLICY

SCENARIOS = load_scenarios()
EXHAUSTIVE_UP_TO = 6
RANDOM_ORDERS = 200

# The contract of the credit: the table of worked examples.
DEBITS = {
    "E1": 0, "E2a": 1, "E2b": 1, "E3": 1, "E4": 1, "E5": 3, "E6": 1, "E7": 1, "E8": 2, "E9": 2,
    "K1": 1, "K4": 1, "K5": 1, "K6": 0,
    "X1": 1, "X2": 1, "X3": 2, "X4": 3, "X5": 2, "X6": 2, "X7": 0,
}  # fmt: skip

every_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)


def events_of(scenario: Scenario) -> list[Event]:
    return [
        an_event(
            f"step{number}",
            START + step.at,
            step.kind,
            POLICY.lane_of(step.kind, step.actor),
            external_id=f"{number}",
            channel=step.channel,
        )
        for number, step in enumerate(scenario.steps)
    ]


def orders_of(events: Sequence[Event], seed: str) -> Iterator[Sequence[Event]]:
    if len(events) <= EXHAUSTIVE_UP_TO:
        yield from permutations(events)
        return
    chance = Random(seed)
    for _ in range(RANDOM_ORDERS):
        yield chance.sample(events, len(events))


def test_the_files_are_the_rows_of_the_contract() -> None:
    assert {each.id: each.debits for each in SCENARIOS} == DEBITS
    assert sorted(each.name for each in SCENARIOS if each.id == "E4") == [
        "E4-FACEBOOK_MESSENGER",
        "E4-INSTAGRAM",
        "E4-WEBCHAT",
        "E4-WHATSAPP",
    ]


@every_scenario
def test_each_step_gets_its_verdict_and_the_charges_add_up(scenario: Scenario) -> None:
    found = fold(POLICY, sorted(events_of(scenario), key=lambda event: event.position))

    assert [found.verdicts[f"step{n}"].rule for n in range(len(scenario.steps))] == [
        step.verdict for step in scenario.steps
    ]
    charged = [v for v in found.verdicts.values() if v.outcome is Outcome.CHARGED]
    assert len(charged) == len(found.sessions) == scenario.debits


@every_scenario
def test_every_order_of_arrival_ends_in_the_same_books(scenario: Scenario) -> None:
    events = events_of(scenario)
    truth = fold(POLICY, sorted(events, key=lambda event: event.position))

    for order in orders_of(events, scenario.name):
        books = Books(page=2)
        books.record([*order, *order[::-1]])

        assert {s.id: s for s in truth.sessions} == books.sessions
        assert {each.event.id: each.verdict for each in books.in_order()} == truth.verdicts
        assert books.net_debits() == scenario.debits


@every_scenario
def test_arrival_in_order_writes_nothing_but_openings(scenario: Scenario) -> None:
    books = Books()
    books.record(sorted(events_of(scenario), key=lambda event: event.position))

    assert [entry.reason for entry in books.entries] == ["OPENED"] * scenario.debits
    assert_true_to_the_set(books)


@every_scenario
def test_every_language_has_a_title(scenario: Scenario) -> None:
    titles = [scenario.title[language] for language in Language]

    assert all(titles)
    assert len(set(titles)) == len(Language)
