"""Consent does not depend on the order of arrival, and no refusal ever lets more through."""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from trenza.domain.channel import ChannelKind
from trenza.domain.consent import (
    ConsentEvent,
    ConsentPurpose,
    ConsentStatus,
    ContactFacts,
    ReachedIdentity,
    consent_at,
    consents_at,
    may_contact,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
IDENTITIES = [
    ReachedIdentity(ChannelKind.WHATSAPP, "+525550123456"),
    ReachedIdentity(ChannelKind.WHATSAPP, "+525550129999"),
    ReachedIdentity(ChannelKind.EMAIL, "ana@example.com"),
]
HOURS = st.integers(0, 5)


@st.composite
def events(
    draw: st.DrawFn, statuses: tuple[ConsentStatus, ...] = tuple(ConsentStatus)
) -> ConsentEvent:
    """One of few: instants, identities and keys that collide often."""
    at, lasts = draw(HOURS), draw(st.none() | st.integers(1, 4))
    key = str(draw(st.integers(0, 10**6)))
    return ConsentEvent(
        key,
        draw(st.sampled_from(IDENTITIES)),
        draw(st.sampled_from([ConsentPurpose.MARKETING, ConsentPurpose.UTILITY])),
        draw(st.sampled_from(statuses)),
        NOON + timedelta(hours=at),
        None if lasts is None else NOON + timedelta(hours=at + lasts),
        "test",
        key,
    )


LOGS = st.lists(events(), max_size=8, unique_by=lambda event: event.external_id)


@given(LOGS, st.randoms(use_true_random=False), HOURS)
def test_any_order_and_any_repetition_say_the_same(
    log: list[ConsentEvent], random: Random, hour: int
) -> None:
    at = NOON + timedelta(hours=hour)
    shuffled = [*log, *log[: len(log) // 2]]
    random.shuffle(shuffled)

    assert consents_at(shuffled, at) == consents_at(log, at)


@given(LOGS, events(statuses=(ConsentStatus.REVOKED, ConsentStatus.DENIED)), HOURS)
def test_a_refusal_more_never_allows_more(
    log: list[ConsentEvent], refusal: ConsentEvent, hour: int
) -> None:
    at = NOON + timedelta(hours=hour)
    before, after = (
        ContactFacts(identities=IDENTITIES, events=said) for said in (log, [*log, refusal])
    )

    for channel in (ChannelKind.WHATSAPP, ChannelKind.EMAIL):
        for purpose in ConsentPurpose:
            allowed = may_contact(before, channel, purpose, at).allowed
            assert allowed >= may_contact(after, channel, purpose, at).allowed


@given(LOGS, HOURS)
def test_consent_of_one_identity_says_nothing_of_another(
    log: list[ConsentEvent], hour: int
) -> None:
    """A contact that is two people merged may be written to where one of the two may."""
    at = NOON + timedelta(hours=hour)
    merged = ContactFacts(identities=IDENTITIES, events=log)

    for channel in (ChannelKind.WHATSAPP, ChannelKind.EMAIL):
        apart = [
            ContactFacts([each], [event for event in log if event.identity == each])
            for each in IDENTITIES
        ]
        for purpose in ConsentPurpose:
            allowed = [may_contact(each, channel, purpose, at).allowed for each in apart]
            assert may_contact(merged, channel, purpose, at).allowed == any(allowed)


@given(LOGS, HOURS)
def test_what_is_said_later_changes_nothing_before(log: list[ConsentEvent], hour: int) -> None:
    at = NOON + timedelta(hours=hour)
    known = [event for event in log if event.occurred_at <= at]

    assert consent_at(log, at) == consent_at(known, at)
