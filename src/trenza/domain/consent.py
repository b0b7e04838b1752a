"""Consent: what a person allowed or refused, and whether a message may go out to them.

Consent belongs to one identity (an address on a channel) and one purpose. It is a log of events;
what holds at an instant is worked out from them, the same whatever order they arrived in. The
verdict on a message names every reason that speaks against it, or the one that allows it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from trenza.domain.channel import CHANNELS, Attendance, ChannelKind
from trenza.domain.instant import EARLIEST, LATEST


class ConsentPurpose(StrEnum):
    """What a message is for: the categories in which providers and laws tell messages apart.

    The first three are those of WhatsApp's templates, SERVICE is its free-form answer; GDPR, LGPD
    and the Mexican law ask for consent to the first and have other grounds for the rest.
    """

    MARKETING = "MARKETING"
    UTILITY = "UTILITY"
    AUTHENTICATION = "AUTHENTICATION"
    SERVICE = "SERVICE"


class ConsentStatus(StrEnum):
    """What was said; at one and the same instant the later of this list holds."""

    GRANTED = "GRANTED"
    DENIED = "DENIED"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class PurposeRule:
    """What a purpose takes: a grant, or only that nothing was refused.

    `attends`: it answers the person and so goes where people are attended; else the company
    begins, and it goes where mass sends go. `ground` says why no consent is needed, if it is not.
    """

    purpose: ConsentPurpose
    needs_grant: bool
    attends: bool
    ground: str

    def can_use(self, channel: ChannelKind) -> bool:
        """Whether the channel can carry it."""
        traits = CHANNELS[channel]
        if self.attends:
            return traits.attendance in (Attendance.CONVERSATION, Attendance.TICKETS)
        return traits.mass_send


PURPOSES: Mapping[ConsentPurpose, PurposeRule] = MappingProxyType(
    {
        rule.purpose: rule
        for rule in (
            PurposeRule(ConsentPurpose.MARKETING, True, False, "consent"),
            PurposeRule(ConsentPurpose.UTILITY, False, False, "a contract with the person"),
            PurposeRule(ConsentPurpose.AUTHENTICATION, False, False, "the person's own security"),
            PurposeRule(ConsentPurpose.SERVICE, False, True, "the person asked"),
        )
    }
)


class ReachedIdentity(NamedTuple):
    """An address on a channel."""

    channel: ChannelKind
    address: str


@dataclass(frozen=True, slots=True)
class ConsentEvent:
    """Something said about one identity and purpose, by whom (`source`) and with which proof.

    (`source`, `external_id`) is unique. A grant lapses at `expires_at`; a refusal does only where
    it was said for a time.
    """

    id: str
    identity: ReachedIdentity
    purpose: ConsentPurpose
    status: ConsentStatus
    occurred_at: datetime
    expires_at: datetime | None = None
    source: str = ""
    external_id: str = ""
    evidence: str | None = None

    def has_lapsed(self, at: datetime) -> bool:
        """Whether its time was over at an instant."""
        return self.expires_at is not None and self.expires_at <= at


@dataclass(frozen=True, slots=True)
class Consent:
    """What holds for an identity and purpose: the event that decides, and whether it is in force.

    Only a grant that has lapsed is not.
    """

    event: ConsentEvent
    in_force: bool


def _order(event: ConsentEvent) -> tuple[datetime, int, timedelta, str, str]:
    """Where an event stands among others; of two that tie, the stricter one comes later."""
    ends = event.expires_at or LATEST
    strictness = LATEST - ends if event.status is ConsentStatus.GRANTED else ends - EARLIEST
    rank = list(ConsentStatus).index(event.status)
    return event.occurred_at, rank, strictness, event.source, event.external_id


def consent_at(events: Iterable[ConsentEvent], at: datetime) -> Consent | None:
    """What the events of one identity and purpose come to at an instant; nothing where unsaid.

    The latest event decides. A refusal whose time is over decides nothing, but the grants before
    it do not come back by themselves.

    >>> from datetime import UTC
    >>> one = ReachedIdentity(ChannelKind.SMS, "+525550123456")
    >>> said = [
    ...     ConsentEvent(
    ...         "1", one, ConsentPurpose.MARKETING, status, datetime(2026, 1, day, tzinfo=UTC)
    ...     )
    ...     for day, status in ((2, ConsentStatus.REVOKED), (1, ConsentStatus.GRANTED))
    ... ]
    >>> consent_at(said, datetime(2026, 1, 3, tzinfo=UTC)).event.status
    <ConsentStatus.REVOKED: 'REVOKED'>
    """
    refused_once = False
    for event in sorted((e for e in events if e.occurred_at <= at), key=_order, reverse=True):
        if event.status is ConsentStatus.GRANTED:
            return None if refused_once else Consent(event, not event.has_lapsed(at))
        if not event.has_lapsed(at):
            return Consent(event, True)
        refused_once = True
    return None


def consents_at(events: Iterable[ConsentEvent], at: datetime) -> list[Consent]:
    """What holds at an instant, by channel, address and purpose."""
    said: dict[tuple[ReachedIdentity, ConsentPurpose], list[ConsentEvent]] = {}
    for event in events:
        said.setdefault((event.identity, event.purpose), []).append(event)
    found = (consent_at(said[key], at) for key in sorted(said))
    return [consent for consent in found if consent is not None]


@dataclass(frozen=True, slots=True)
class DoNotContact:
    """A block in `[starts_at, ends_at)`; of every channel, or of every address, where null."""

    channel: ChannelKind | None
    address: str | None
    reason: str
    starts_at: datetime
    ends_at: datetime | None = None

    def holds(self, identity: ReachedIdentity, at: datetime) -> bool:
        """Whether it keeps the identity from being contacted at an instant."""
        begun = self.starts_at <= at and (self.ends_at is None or at < self.ends_at)
        return (
            begun
            and self.channel in (None, identity.channel)
            and self.address in (None, identity.address)
        )


@dataclass(frozen=True, slots=True)
class FrequencyCap:
    """At most so many mass sends in any period of some hours before messages of a purpose.

    Every mass send counts, whatever it was for: it is the person who is to be spared. Without a
    channel those of all channels count together.
    """

    channel: ChannelKind | None
    purpose: ConsentPurpose
    touches_max: int
    period: timedelta


class Touch(NamedTuple):
    """A mass send that reached for the person."""

    channel: ChannelKind
    at: datetime


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """All that a verdict on one contact depends on."""

    identities: Sequence[ReachedIdentity] = ()
    events: Sequence[ConsentEvent] = ()
    blocks: Sequence[DoNotContact] = ()
    caps: Sequence[FrequencyCap] = ()
    touches: Sequence[Touch] = ()
    erased_at: datetime | None = None


class ContactReasonCode(StrEnum):
    """The closed catalogue of reasons, in the order in which they are told."""

    ERASED = "ERASED"
    CHANNEL_CANNOT_SEND = "CHANNEL_CANNOT_SEND"
    NO_IDENTITY = "NO_IDENTITY"
    DO_NOT_CONTACT = "DO_NOT_CONTACT"
    CONSENT_REVOKED = "CONSENT_REVOKED"
    CONSENT_DENIED = "CONSENT_DENIED"
    CONSENT_EXPIRED = "CONSENT_EXPIRED"
    CONSENT_MISSING = "CONSENT_MISSING"
    FREQUENCY_CAPPED = "FREQUENCY_CAPPED"
    CONSENT_GRANTED = "CONSENT_GRANTED"
    NOT_REFUSED = "NOT_REFUSED"


ALLOWING = frozenset({ContactReasonCode.CONSENT_GRANTED, ContactReasonCode.NOT_REFUSED})
"""The reasons that allow; every other one forbids."""


@dataclass(frozen=True, slots=True)
class ContactReason:
    """Why a message may go out or not, since when, and until when, as far as that is known."""

    code: ContactReasonCode
    since: datetime | None = None
    until: datetime | None = None
    note: str | None = None
    touches: int | None = None
    touches_max: int | None = None
    period_hours: int | None = None


@dataclass(frozen=True, slots=True)
class ContactVerdict:
    """Whether a message may go out, to which address, and why."""

    allowed: bool
    address: str | None
    reasons: tuple[ContactReason, ...]


def may_contact(
    facts: ContactFacts, channel: ChannelKind, purpose: ConsentPurpose, at: datetime
) -> ContactVerdict:
    """Whether a message for a purpose may go out on a channel at an instant, and why.

    Where the person has several addresses there, one that may be used is enough: the first.
    """
    against = _against_the_contact(facts, channel, purpose, at)
    addresses = sorted(each for each in facts.identities if each.channel is channel)
    judged = [(each.address, _on_identity(facts, each, purpose, at)) for each in addresses]
    free = [(address, why) for address, why in judged if why[0].code in ALLOWING]
    if free and not against:
        address, why = free[0]
        return ContactVerdict(True, address, tuple(why))
    if not free:
        against += [reason for _, why in judged for reason in why if reason not in against]
    order = list(ContactReasonCode)
    told = sorted(against, key=lambda reason: order.index(reason.code))
    return ContactVerdict(False, None, tuple(told))


def _against_the_contact(
    facts: ContactFacts, channel: ChannelKind, purpose: ConsentPurpose, at: datetime
) -> list[ContactReason]:
    """What forbids the message whatever the address."""
    found = []
    if facts.erased_at is not None and facts.erased_at <= at:
        found.append(ContactReason(ContactReasonCode.ERASED, facts.erased_at))
    if not PURPOSES[purpose].can_use(channel):
        found.append(ContactReason(ContactReasonCode.CHANNEL_CANNOT_SEND))
    if not any(each.channel is channel for each in facts.identities):
        found.append(ContactReason(ContactReasonCode.NO_IDENTITY))
    for cap in facts.caps:
        if cap.purpose is purpose and cap.channel in (None, channel):
            found += _capped(cap, facts.touches, at)
    return found


def _capped(cap: FrequencyCap, touches: Iterable[Touch], at: datetime) -> list[ContactReason]:
    """The reason of a cap that is reached, with the instant at which there is room again."""
    counted = sorted(
        touch.at
        for touch in touches
        if cap.channel in (None, touch.channel) and at - cap.period < touch.at <= at
    )
    if len(counted) < cap.touches_max:
        return []
    return [
        ContactReason(
            ContactReasonCode.FREQUENCY_CAPPED,
            since=counted[cap.touches_max - 1],
            until=counted[-cap.touches_max] + cap.period,
            touches=len(counted),
            touches_max=cap.touches_max,
            period_hours=cap.period // timedelta(hours=1),
        )
    ]


def _on_identity(
    facts: ContactFacts, identity: ReachedIdentity, purpose: ConsentPurpose, at: datetime
) -> list[ContactReason]:
    """What forbids the message to an address, or the one reason that allows it."""
    against = [
        ContactReason(ContactReasonCode.DO_NOT_CONTACT, each.starts_at, each.ends_at, each.reason)
        for each in facts.blocks
        if each.holds(identity, at)
    ]
    said = [e for e in facts.events if e.identity == identity and e.purpose is purpose]
    consent = _of_consent(consent_at(said, at), needs_grant=PURPOSES[purpose].needs_grant)
    if consent.code not in ALLOWING:
        against.append(consent)
    return against or [consent]


def _of_consent(consent: Consent | None, *, needs_grant: bool) -> ContactReason:
    """What consent says to a message that takes a grant, or only that nothing was refused."""
    if consent is not None and consent.event.status is not ConsentStatus.GRANTED:
        code = ContactReasonCode(f"CONSENT_{consent.event.status}")
        return ContactReason(code, consent.event.occurred_at, consent.event.expires_at)
    if consent is not None and consent.in_force:
        event = consent.event
        return ContactReason(ContactReasonCode.CONSENT_GRANTED, event.occurred_at, event.expires_at)
    if not needs_grant:
        return ContactReason(ContactReasonCode.NOT_REFUSED)
    if consent is not None:
        return ContactReason(ContactReasonCode.CONSENT_EXPIRED, consent.event.expires_at)
    return ContactReason(ContactReasonCode.CONSENT_MISSING)
