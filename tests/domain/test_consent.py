"""What holds of consent at an instant, and whether a message may go out: worked examples."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trenza.domain.channel import CHANNELS, ChannelKind
from trenza.domain.consent import (
    ALLOWING,
    PURPOSES,
    ConsentEvent,
    ConsentPurpose,
    ConsentStatus,
    ContactFacts,
    ContactReasonCode,
    DoNotContact,
    FrequencyCap,
    ReachedIdentity,
    Touch,
    consent_at,
    consents_at,
    may_contact,
)
from trenza.domain.consent_sentences import PURPOSE_NAMES, REASONS, explain_reason
from trenza.domain.interaction import Language

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PHONE = ReachedIdentity(ChannelKind.WHATSAPP, "+525550123456")
OTHER_PHONE = ReachedIdentity(ChannelKind.WHATSAPP, "+525550129999")
MAIL = ReachedIdentity(ChannelKind.EMAIL, "ana@example.com")
MARKETING = ConsentPurpose.MARKETING


def hour(number: float) -> datetime:
    """An instant some hours from noon."""
    return NOON + timedelta(hours=number)


def said(
    status: str,
    at: float,
    until: float | None = None,
    *,
    identity: ReachedIdentity = PHONE,
    purpose: ConsentPurpose = MARKETING,
    source: str = "form",
) -> ConsentEvent:
    """An event, by hours from noon."""
    expires_at = None if until is None else hour(until)
    key = f"{status}{at}{until}"
    return ConsentEvent(
        key, identity, purpose, ConsentStatus(status), hour(at), expires_at, source, key
    )


@pytest.mark.parametrize(
    ("events", "at", "expected"),
    [
        ([], 1, None),
        ([said("GRANTED", 2)], 1, None),
        ([said("GRANTED", 1)], 1, ("GRANTED", True)),
        ([said("GRANTED", 0), said("REVOKED", 1)], 2, ("REVOKED", True)),
        ([said("GRANTED", 0), said("REVOKED", 1)], 0.5, ("GRANTED", True)),
        ([said("REVOKED", 0), said("GRANTED", 1)], 2, ("GRANTED", True)),
        ([said("DENIED", 0), said("GRANTED", 1, 3)], 3, ("GRANTED", False)),
        ([said("GRANTED", 0, 3)], 2.9, ("GRANTED", True)),
        # At one instant the stricter holds: a refusal, or the grant that ends earlier.
        ([said("GRANTED", 0), said("REVOKED", 0), said("DENIED", 0)], 1, ("REVOKED", True)),
        ([said("GRANTED", 0), said("GRANTED", 0, 2)], 3, ("GRANTED", False)),
        ([said("DENIED", 0, 1), said("DENIED", 0)], 2, ("DENIED", True)),
        # A refusal for a time lapses, and what it ended does not come back.
        ([said("DENIED", 0, 2)], 1, ("DENIED", True)),
        ([said("DENIED", 0, 2)], 2, None),
        ([said("GRANTED", 0), said("REVOKED", 1, 2)], 3, None),
        ([said("REVOKED", 0), said("DENIED", 1, 2)], 3, ("REVOKED", True)),
        ([said("GRANTED", 0), said("REVOKED", 1, 2), said("GRANTED", 3)], 4, ("GRANTED", True)),
    ],
)
def test_the_latest_event_decides(
    events: list[ConsentEvent], at: float, expected: tuple[str, bool] | None
) -> None:
    for order in (events, events[::-1]):
        found = consent_at(order, hour(at))
        assert (found and (found.event.status, found.in_force)) == expected


def test_each_identity_and_purpose_has_a_consent_of_its_own() -> None:
    utility = ConsentPurpose.UTILITY
    events = [
        said("GRANTED", 0),
        said("DENIED", 0, identity=MAIL),
        said("REVOKED", 0, purpose=utility),
    ]

    found = consents_at(events, hour(1))

    assert [(each.event.identity, each.event.purpose, each.event.status) for each in found] == [
        (MAIL, MARKETING, ConsentStatus.DENIED),
        (PHONE, MARKETING, ConsentStatus.GRANTED),
        (PHONE, utility, ConsentStatus.REVOKED),
    ]


def facts(**given: Any) -> ContactFacts:
    """A person with a phone and an e-mail address."""
    return ContactFacts(**{"identities": [PHONE, MAIL], **given})


def codes(given: ContactFacts, channel: str = "WHATSAPP", purpose: str = "MARKETING") -> list[str]:
    """The codes of the verdict at noon."""
    verdict = may_contact(given, ChannelKind(channel), ConsentPurpose(purpose), NOON)
    found = [reason.code for reason in verdict.reasons]
    assert verdict.allowed == (found[0] in ALLOWING) == (verdict.address is not None)
    return [str(code) for code in found]


GRANT = said("GRANTED", -9)
TWO_A_DAY = FrequencyCap(None, MARKETING, 2, timedelta(hours=24))
SENDS = [Touch(ChannelKind.EMAIL, hour(-3)), Touch(ChannelKind.WHATSAPP, hour(-1))]


@pytest.mark.parametrize(
    ("given", "channel", "purpose", "expected"),
    [
        (facts(), "WHATSAPP", "MARKETING", ["CONSENT_MISSING"]),
        (facts(events=[GRANT]), "WHATSAPP", "MARKETING", ["CONSENT_GRANTED"]),
        (facts(events=[GRANT]), "EMAIL", "MARKETING", ["CONSENT_MISSING"]),
        (facts(events=[said("GRANTED", -9, 0)]), "WHATSAPP", "MARKETING", ["CONSENT_EXPIRED"]),
        (facts(events=[GRANT, said("REVOKED", 0)]), "WHATSAPP", "MARKETING", ["CONSENT_REVOKED"]),
        (facts(events=[said("DENIED", -1)]), "WHATSAPP", "MARKETING", ["CONSENT_DENIED"]),
        (facts(events=[said("DENIED", -1)]), "WHATSAPP", "UTILITY", ["NOT_REFUSED"]),
        (
            facts(events=[said("DENIED", -1, purpose=ConsentPurpose.UTILITY)]),
            "WHATSAPP",
            "UTILITY",
            ["CONSENT_DENIED"],
        ),
        (facts(), "WHATSAPP", "SERVICE", ["NOT_REFUSED"]),
        (facts(), "EMAIL", "AUTHENTICATION", ["NOT_REFUSED"]),
        (facts(), "SMS", "UTILITY", ["NO_IDENTITY"]),
        (facts(), "INSTAGRAM", "UTILITY", ["CHANNEL_CANNOT_SEND", "NO_IDENTITY"]),
        (facts(), "PUSH", "SERVICE", ["CHANNEL_CANNOT_SEND", "NO_IDENTITY"]),
        (
            facts(erased_at=NOON, identities=[]),
            "SMS",
            "SERVICE",
            ["ERASED", "CHANNEL_CANNOT_SEND", "NO_IDENTITY"],
        ),
        (
            facts(blocks=[DoNotContact(None, None, "x", NOON)]),
            "EMAIL",
            "SERVICE",
            ["DO_NOT_CONTACT"],
        ),
        (
            facts(blocks=[DoNotContact(None, None, "x", hour(-2), NOON)]),
            "EMAIL",
            "SERVICE",
            ["NOT_REFUSED"],
        ),
        (
            facts(blocks=[DoNotContact(ChannelKind.WHATSAPP, None, "x", NOON)]),
            "EMAIL",
            "SERVICE",
            ["NOT_REFUSED"],
        ),
        (
            facts(blocks=[DoNotContact(None, PHONE.address, "x", NOON)]),
            "WHATSAPP",
            "MARKETING",
            ["DO_NOT_CONTACT", "CONSENT_MISSING"],
        ),
        (
            facts(events=[GRANT], caps=[TWO_A_DAY], touches=SENDS),
            "WHATSAPP",
            "MARKETING",
            ["FREQUENCY_CAPPED"],
        ),
        (facts(caps=[TWO_A_DAY], touches=SENDS), "WHATSAPP", "UTILITY", ["NOT_REFUSED"]),
        (
            facts(
                events=[GRANT],
                caps=[FrequencyCap(ChannelKind.WHATSAPP, MARKETING, 2, timedelta(hours=24))],
                touches=SENDS,
            ),
            "WHATSAPP",
            "MARKETING",
            ["CONSENT_GRANTED"],
        ),
        (
            facts(events=[GRANT], caps=[TWO_A_DAY], touches=[SENDS[1], Touch(MAIL[0], hour(-24))]),
            "WHATSAPP",
            "MARKETING",
            ["CONSENT_GRANTED"],
        ),
    ],
)
def test_a_verdict_tells_all_that_is_against_it(
    given: ContactFacts, channel: str, purpose: str, expected: list[str]
) -> None:
    assert codes(given, channel, purpose) == expected


def test_one_address_that_may_be_used_is_enough() -> None:
    events = [said("REVOKED", -1), said("GRANTED", -2, identity=OTHER_PHONE)]
    given = facts(identities=[PHONE, OTHER_PHONE], events=events)

    verdict = may_contact(given, ChannelKind.WHATSAPP, MARKETING, NOON)

    assert (verdict.allowed, verdict.address) == (True, OTHER_PHONE.address)
    none = facts(identities=[PHONE, OTHER_PHONE], events=events[:1])
    assert codes(none) == ["CONSENT_REVOKED", "CONSENT_MISSING"]


def test_a_cap_tells_when_there_is_room_again() -> None:
    given = facts(events=[GRANT], caps=[TWO_A_DAY], touches=[*SENDS, Touch(MAIL[0], hour(-9))])

    (reason,) = may_contact(given, ChannelKind.WHATSAPP, MARKETING, NOON).reasons

    assert reason.until == hour(21)
    assert (reason.touches, reason.touches_max, reason.period_hours) == (3, 2, 24)
    before, then = (
        may_contact(given, ChannelKind.WHATSAPP, MARKETING, at)
        for at in (hour(21) - timedelta(microseconds=1), hour(21))
    )
    assert (before.allowed, then.allowed) == (False, True)


def test_every_purpose_has_its_rule_and_reaches_some_channel() -> None:
    assert set(PURPOSES) == set(ConsentPurpose) == set(PURPOSE_NAMES)
    assert [each.purpose for each in PURPOSES.values() if each.needs_grant] == [MARKETING]
    reached = {p: {c for c in CHANNELS if rule.can_use(c)} for p, rule in PURPOSES.items()}
    assert reached[MARKETING] == {c for c, traits in CHANNELS.items() if traits.mass_send}
    assert reached[ConsentPurpose.SERVICE] == {
        ChannelKind.WHATSAPP,
        ChannelKind.RCS,
        ChannelKind.EMAIL,
        ChannelKind.FACEBOOK_MESSENGER,
        ChannelKind.INSTAGRAM,
        ChannelKind.WEBCHAT,
    }


@pytest.mark.parametrize("language", Language)
def test_every_reason_is_a_sentence_of_its_own(language: Language) -> None:
    given = facts(
        blocks=[DoNotContact(None, None, "lo pidió.", NOON)],
        events=[GRANT],
        caps=[TWO_A_DAY],
        touches=SENDS,
    )
    verdict = may_contact(given, ChannelKind.WHATSAPP, MARKETING, NOON)

    told = [
        explain_reason(each, ChannelKind.WHATSAPP, MARKETING, language) for each in verdict.reasons
    ]

    assert set(REASONS) == set(ContactReasonCode)
    assert len({texts[language] for texts in REASONS.values()}) == len(ContactReasonCode)
    since, room = "2026-11-20 12:00:00 UTC", "2026-11-21 09:00:00 UTC"
    expected = {
        Language.ES: [
            f"No: no contactar por WhatsApp desde el {since}: lo pidió.",
            f"No: 2 envíos en 24 h, el tope es 2; hay lugar desde el {room}.",
        ],
        Language.PT: [
            f"Não: não contatar por WhatsApp desde {since}: lo pidió.",
            f"Não: 2 envios em 24 h, o limite é 2; há lugar a partir de {room}.",
        ],
        Language.EN: [
            f"No: not to be contacted on WhatsApp since {since}: lo pidió.",
            f"No: 2 sends in 24 h, the cap is 2; there is room from {room}.",
        ],
    }
    assert told == expected[language]
