"""What is left of a person: the order of skeletons, hashes under a secret, certificates."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trenza.domain.channel import ChannelKind
from trenza.domain.erasure import (
    certificate_digest,
    head_of,
    keyed_hash,
    months_before,
    rank_of,
    skeleton_positions,
)
from trenza.domain.interaction import InteractionKind, Lane
from trenza.domain.metering.fold import Event, fold, make_event
from trenza.domain.metering.policy import POLICIES

POLICY = POLICIES["2026-11"]
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
KINDS = [
    (InteractionKind.CUSTOMER_MESSAGE, None),
    (InteractionKind.COMPANY_MESSAGE, Lane.BOT),
    (InteractionKind.COMPANY_MESSAGE, Lane.HUMAN),
]
reports = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(KINDS),
        st.sampled_from(["api", "web"]),
        st.none() | st.text("!09Aaz~", min_size=1, max_size=3),
    ),
    max_size=12,
    unique_by=lambda each: each[2:] if each[3] else object(),
)


def events_of(given_: list[Any]) -> list[Event]:
    return [
        make_event(
            POLICY,
            event_id=f"int_{number}",
            occurred_at=AT.replace(hour=hours * 11),
            kind=kind,
            lane=lane,
            channel=ChannelKind.WHATSAPP,
            source=source,
            external_id=external_id,
            content_hash="ab",
        )
        for number, (hours, (kind, lane), source, external_id) in enumerate(given_)
    ]


def stripped(events: list[Event], becomes: int) -> list[Event]:
    """The first of some events, in order, as skeletons, with the others."""
    chosen = {event.id for event in events[:becomes]}
    moved = skeleton_positions([(e.id, e.position, e.id in chosen) for e in events])
    assert len(moved) == sum(rank_of(e.position) is None for e in events[:becomes])
    return [
        Event(e.id, e.occurred_at, e.kind, e.lane, e.channel, moved.get(e.position, e.position))
        for e in events
    ]


@given(reports, st.integers(0, 12), st.integers(0, 12))
def test_the_order_and_what_everything_cost_stay(
    given_: list[Any], first: int, second: int
) -> None:
    events = sorted(events_of(given_), key=lambda event: event.position)

    once = stripped(events, first)
    twice = stripped(once, max(first, second))

    for after in (once, twice):
        assert sorted(after, key=lambda event: event.position) == after
        assert len({event.position for event in after}) == len(after)
        assert [head_of(e.position) for e in after] == [head_of(e.position) for e in events]
        assert fold(POLICY, after).verdicts == fold(POLICY, events).verdicts


def test_a_hash_takes_its_secret_and_is_never_what_somebody_gives() -> None:
    found = keyed_hash("secret", "external id", "wamid.1")

    assert found == keyed_hash("secret", "external id", "wamid.1")
    assert found != keyed_hash("other", "external id", "wamid.1")
    assert found != keyed_hash("secret", "address", "wamid.1")
    assert (found[0], len(found)) == (" ", 65)


def test_a_certificate_that_was_changed_is_found_out() -> None:
    right: tuple[Any, ...] = ("erasure_1", "contact_1", AT, "by mail", {"tickets": 1})
    digests = {certificate_digest(*right)}
    for place, other in enumerate(("erasure_2", "contact_2", AT.replace(hour=1), "", {})):
        changed = [*right[:place], other, *right[place + 1 :]]
        digests.add(certificate_digest(*changed))

    assert len(digests) == 6


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2026-03-31", 1, "2026-02-28"),
        ("2024-02-29", 12, "2023-02-28"),
        ("2026-01-15", 24, "2024-01-15"),
        ("2026-12-31", 1200, "1926-12-31"),
    ],
)
def test_months_are_those_of_the_calendar(day: str, months: int, expected: str) -> None:
    at = datetime.fromisoformat(f"{day}T12:00+00:00")

    assert months_before(at, months).isoformat() == f"{expected}T12:00:00+00:00"
