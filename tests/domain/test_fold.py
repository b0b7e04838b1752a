"""The rule and the order it is folded in."""

from datetime import timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given

from tests.domain.books import HOUR, START, TICK, an_event, histories
from trenza.domain.interaction import InteractionKind, Lane, SessionLane
from trenza.domain.metering.fold import Event, Outcome, RuleCode, fold, open_at
from trenza.domain.metering.policy import DEFAULT_POLICY as POLICY

CUSTOMER, COMPANY = InteractionKind.CUSTOMER_MESSAGE, InteractionKind.COMPANY_MESSAGE


def test_a_position_is_the_fold_order_written_down() -> None:
    named = an_event("e1", kind=COMPANY, lane=Lane.HUMAN, source="meta", external_id="wamid.1")
    nameless = an_event("e2", source="api", content_hash="beef")

    assert named.position == "2026-11-02T00:00:00.000000Z032meta\x1fwamid.1"
    assert nameless.position == "2026-11-02T00:00:00.000000Z010api\x1f\x1fbeef\x1fe2"


def test_the_same_instant_with_another_offset_has_the_same_position() -> None:
    local = START.astimezone(timezone(timedelta(hours=-6)))

    assert an_event("e", local).position == an_event("e", START).position


@pytest.mark.parametrize("bad", ["", "a\x1fb", "\n", "a\x00"])
def test_a_position_takes_no_text_that_would_sort_against_its_separator(bad: str) -> None:
    with pytest.raises(ValueError, match="external id"):
        an_event("e", external_id=bad)
    with pytest.raises(ValueError, match="source"):
        an_event("e", source=bad)


@given(histories(max_size=20))
def test_bytes_of_positions_order_as_the_tuple_of_the_rule(events: list[Event]) -> None:
    ranks = {kind: rank for rank, kind in enumerate(InteractionKind)}
    lanes = {None: 0, Lane.BOT: 1, Lane.HUMAN: 2}

    def told(event: Event) -> tuple[object, ...]:
        number = int(event.id[1:])
        source, _, rest = event.position[30:].partition("\x1f")
        external = "" if rest.startswith("\x1f") else rest
        tail = ("", "") if external else (f"{number % 3}", event.id)
        return (event.occurred_at, ranks[event.kind], lanes[event.lane], source, external, *tail)

    assert sorted(events, key=lambda event: event.position.encode()) == sorted(events, key=told)


def test_ends_of_one_source_are_not_taken_for_the_beginning_of_another() -> None:
    short = an_event("e1", source="a", external_id="z")
    long = an_event("e2", source="ab", external_id="a")

    assert short.position < long.position


def test_a_session_covers_its_first_instant_and_not_its_last() -> None:
    events = [
        an_event("a"),
        an_event("b", START + 24 * HOUR - TICK),
        an_event("c", START + 24 * HOUR),
    ]

    found = fold(POLICY, events)

    assert [s.id for s in found.sessions] == ["a", "c"]
    assert found.sessions[0].expires_at == START + 24 * HOUR
    assert found.verdicts["b"].rule is RuleCode.COVERED_BY_OPEN_SESSION
    assert found.verdicts["b"].session_id == "a"
    assert found.verdicts["b"].session_opened_at == START


def test_a_customer_is_covered_by_the_newest_of_two_open_sessions() -> None:
    events = [
        an_event("bot", START, COMPANY, Lane.BOT),
        an_event("human", START + HOUR, COMPANY, Lane.HUMAN),
        an_event("asks", START + 2 * HOUR),
        an_event("bot again", START + 3 * HOUR, COMPANY, Lane.BOT),
        an_event("asks later", START + 24 * HOUR),
    ]

    found = fold(POLICY, events)

    assert [s.lane for s in found.sessions] == [SessionLane.BOT, SessionLane.HUMAN]
    assert found.verdicts["human"].rule is RuleCode.OPENED_IN_SECOND_LANE
    assert found.verdicts["asks"].session_id == "human"
    assert found.verdicts["bot again"].session_id == "bot"
    assert found.verdicts["asks later"].session_id == "human"


def test_the_first_to_attend_binds_the_session_and_pays_nothing() -> None:
    bot = an_event("bot", START + HOUR, COMPANY, Lane.BOT)

    found = fold(POLICY, [an_event("asks"), bot])

    assert len(found.sessions) == 1
    assert found.sessions[0].lane is SessionLane.BOT
    assert found.sessions[0].bound_position == bot.position
    assert found.verdicts["bot"].rule is RuleCode.COVERED_BY_BINDING


def test_at_one_instant_the_customer_comes_before_who_answers() -> None:
    answer, asks = an_event("answer", START, COMPANY, Lane.BOT), an_event("asks")

    found = fold(POLICY, sorted([answer, asks], key=lambda event: event.position))

    assert [s.id for s in found.sessions] == ["asks"]


@pytest.mark.parametrize("kind", [k for k in InteractionKind if not POLICY.rules[k].charges])
def test_a_free_kind_changes_nothing(kind: InteractionKind) -> None:
    found = fold(POLICY, [an_event("free", kind=kind), an_event("asks", START + HOUR)])

    assert found.verdicts["free"].outcome is Outcome.FREE
    assert found.verdicts["free"].rule == f"FREE_{kind}"
    assert found.verdicts["free"].session_id is None
    assert [s.id for s in found.sessions] == ["asks"]


@given(histories())
def test_state_can_be_read_back_at_every_place(events: list[Event]) -> None:
    ordered = sorted(events, key=lambda event: event.position)
    sessions = fold(POLICY, ordered).sessions

    for number, event in enumerate(ordered):
        state = fold(POLICY, ordered[:number]).state
        live = tuple(s for s in state if s.expires_at > event.occurred_at)
        assert open_at(sessions, event.position, event.occurred_at) == live


@given(histories())
def test_sessions_of_one_lane_never_overlap_and_charges_are_sessions(events: list[Event]) -> None:
    found = fold(POLICY, sorted(events, key=lambda event: event.position))

    for lane in SessionLane:
        mine = [s for s in found.sessions if s.lane is lane]
        for earlier, later in pairwise(mine):
            assert earlier.expires_at <= later.opened_at
    charged = {key for key, v in found.verdicts.items() if v.outcome is Outcome.CHARGED}
    assert charged == {s.id for s in found.sessions}
