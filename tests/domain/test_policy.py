"""The rules as data: which kinds charge, who the actor is, and when an arrival is timely."""

from datetime import timedelta

import pytest

from tests.domain.books import START, TICK
from trenza.domain.errors import InvalidInput, OccurredInFuture, TooLate
from trenza.domain.interaction import InteractionKind, Lane
from trenza.domain.metering.policy import DEFAULT_POLICY, POLICIES

K = InteractionKind
CHARGING = [
    K.CUSTOMER_MESSAGE,
    K.HANDOFF,
    K.COMPANY_MESSAGE,
    K.TICKET_PUBLIC_ACTION,
    K.EXPERT_AGENT_ACTION,
]


def test_the_first_version_is_2026_11() -> None:
    assert POLICIES["2026-11"] is DEFAULT_POLICY
    assert DEFAULT_POLICY.window == timedelta(hours=24)


def test_every_kind_has_a_rule_in_the_fold_order_and_five_charge() -> None:
    rules = DEFAULT_POLICY.rules

    assert [rules[kind].rank for kind in K] == list(range(1, 13))
    assert [kind for kind in K if rules[kind].charges] == CHARGING
    assert all(rules[kind].kind is kind and rules[kind].clause for kind in K)


@pytest.mark.parametrize("kind", [K.COMPANY_MESSAGE, K.HANDOFF])
def test_who_writes_or_takes_over_must_be_said(kind: InteractionKind) -> None:
    assert [DEFAULT_POLICY.lane_of(kind, lane) for lane in Lane] == list(Lane)
    with pytest.raises(InvalidInput, match="needs an actor") as refused:
        DEFAULT_POLICY.lane_of(kind, None)
    assert refused.value.path == ("actor",)


def test_a_ticket_action_is_a_persons_unless_said_otherwise() -> None:
    assert DEFAULT_POLICY.lane_of(K.TICKET_PUBLIC_ACTION, None) is Lane.HUMAN
    assert DEFAULT_POLICY.lane_of(K.TICKET_PUBLIC_ACTION, Lane.BOT) is Lane.BOT


def test_an_expert_agent_is_a_bot() -> None:
    assert DEFAULT_POLICY.lane_of(K.EXPERT_AGENT_ACTION, None) is Lane.BOT
    assert DEFAULT_POLICY.lane_of(K.EXPERT_AGENT_ACTION, Lane.BOT) is Lane.BOT
    with pytest.raises(InvalidInput, match="always BOT") as refused:
        DEFAULT_POLICY.lane_of(K.EXPERT_AGENT_ACTION, Lane.HUMAN)
    assert refused.value.path == ("actor",)


@pytest.mark.parametrize("kind", [K.CUSTOMER_MESSAGE, *(k for k in K if k not in CHARGING)])
def test_elsewhere_an_actor_is_refused(kind: InteractionKind) -> None:
    assert DEFAULT_POLICY.lane_of(kind, None) is None
    for lane in Lane:
        with pytest.raises(InvalidInput, match="takes no actor") as refused:
            DEFAULT_POLICY.lane_of(kind, lane)
        assert refused.value.path == ("actor",)


def test_five_minutes_ahead_is_timely_and_a_microsecond_more_is_not() -> None:
    DEFAULT_POLICY.require_timely(START + timedelta(minutes=5), START)
    with pytest.raises(OccurredInFuture, match="more than 5 min") as refused:
        DEFAULT_POLICY.require_timely(START + timedelta(minutes=5) + TICK, START)
    assert refused.value.path == ("occurredAt",)


def test_thirty_five_days_back_is_timely_and_a_microsecond_more_is_not() -> None:
    DEFAULT_POLICY.require_timely(START - timedelta(days=35), START)
    with pytest.raises(TooLate, match="35 days") as refused:
        DEFAULT_POLICY.require_timely(START - timedelta(days=35) - TICK, START)
    assert refused.value.path == ("occurredAt",)


def test_a_workspace_may_have_its_own_horizon() -> None:
    two_days = timedelta(days=2)

    DEFAULT_POLICY.require_timely(START - two_days, START, two_days)
    with pytest.raises(TooLate, match="2 days"):
        DEFAULT_POLICY.require_timely(START - two_days - TICK, START, two_days)
