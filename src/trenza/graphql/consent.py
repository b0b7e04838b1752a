"""Consent, blocks, frequency caps, opt-out words, and the verdict on a message."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from trenza.domain import consent as rules
from trenza.domain.channel import ChannelKind
from trenza.domain.consent import (
    ConsentPurpose,
    ConsentStatus,
    ContactReasonCode,
    consents_at,
)
from trenza.domain.consent_sentences import explain_reason
from trenza.domain.interaction import Language
from trenza.graphql.context import Context
from trenza.graphql.language import TOLD_IN
from trenza.readplan.fields import Argument, column, computed, figure, part
from trenza.readplan.reader import Row
from trenza.readplan.schema import Record, record
from trenza.storage.consent import ConsentEvent as EventTable
from trenza.storage.consent import DoNotContact as BlockTable
from trenza.storage.consent import FrequencyCap as CapTable
from trenza.storage.workspace import words_kept

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from strawberry import ID

AT = Argument("datetime | None", "The instant; now when omitted.")


@record(EventTable)
class ConsentEvent(Record):
    """Something said about consent, by one identity for one purpose. Never changed."""

    id: ID = column("The id of the event.")
    channel: ChannelKind = column("The channel of the identity.")
    address: str = column("The address of the identity.")
    purpose: ConsentPurpose = column("What for.")
    status: ConsentStatus = column("What was said.")
    source: str = column("Who reports it; `opt-out-word` where it follows from a message.")
    evidence: str | None = column(
        "The proof, such as the address of a form; for an opt-out word the interaction's id."
    )
    occurred_at: datetime = column("When it was said; this decides.")
    recorded_at: datetime = column("When it was learned.")
    expires_at: datetime | None = column("Until when it holds; null without an end.")


@record()
class Consent(Record):
    """What holds for one identity and one purpose at an instant."""

    channel: ChannelKind = column("The channel of the identity.")
    address: str = column("The address of the identity.")
    purpose: ConsentPurpose = column("What for.")
    status: ConsentStatus = column("What was said last.")
    in_force: bool = column("False for a grant whose time is over.")
    since: datetime = column("When it was said.")
    expires_at: datetime | None = column("Until when it holds; null without an end.")
    source: str = column("Who reported it.")
    evidence: str | None = column("The proof.")


def consent_row(found: rules.Consent) -> Row:
    """What holds, as a row."""
    event = found.event
    return {
        "channel": event.identity.channel,
        "address": event.identity.address,
        "purpose": event.purpose,
        "status": event.status,
        "in_force": found.in_force,
        "since": event.occurred_at,
        "expires_at": event.expires_at,
        "source": event.source,
        "evidence": event.evidence,
    }


async def find_consents(
    operation: Context, id: str, at: datetime | None = None, as_of: datetime | None = None
) -> list[Row]:
    """What holds for each identity and purpose of a contact at an instant.

    Of a contact as it was, `as_of` an instant: by what had been said until then.
    """
    said = await operation.figures.said_of_consent(id, as_of)
    return [consent_row(each) for each in consents_at(said, at or as_of or operation.now)]


async def find_identity_consents(
    operation: Context,
    owner_id: str,
    channel: str,
    address: str,
    at: datetime | None = None,
    as_of: datetime | None = None,
) -> list[Row]:
    """What holds for each purpose of one identity at an instant; `as_of` as for the contact."""
    said = await operation.figures.said_of_consent(owner_id, as_of)
    of_identity = [each for each in said if each.identity == (channel, address)]
    return [consent_row(each) for each in consents_at(of_identity, at or as_of or operation.now)]


@record(BlockTable)
class DoNotContact(Record):
    """A block: nothing goes out to the person, whatever it is for."""

    id: ID = column("The id of the block.")
    channel: ChannelKind | None = column("The channel; null for all.")
    address: str | None = column("The address; null for all.")
    reason: str = column("Why.")
    starts_at: datetime = column("From when it holds.")
    ends_at: datetime | None = column("Until when; null without an end.")
    lifted_at: datetime | None = column("When it was lifted; null while it was not.")
    recorded_at: datetime = column("When it was set.")


@record(CapTable)
class FrequencyCap(Record):
    """At most so many mass sends in any period, before messages of a purpose go out.

    Every mass send of campaigns and journeys counts, whatever it was for.
    """

    id: ID = column("The id of the cap.")
    channel: ChannelKind | None = column("The channel; null where those of all count together.")
    purpose: ConsentPurpose = column("The messages that are held back.")
    touches_max: int = column("How many sends a period may have.")
    period_hours: int = column("The length of the period, in hours.")
    created_at: datetime = column("When it was first set.")


@record()
class OptOutWords(Record):
    """The words of a language by which people opt out."""

    language: Language = column("The language.")
    words: list[str] = column("A message that is one of them, whatever its case and accents.")


def list_opt_out_words(_: Context, opt_out_words: Mapping[str, Sequence[str]] | None) -> list[Row]:
    """The words of each language; the default ones unless the workspace has its own."""
    kept = words_kept(opt_out_words).by_language
    return [
        {"language": language, "words": list(kept[language])}
        for language in Language
        if language in kept
    ]


def reason_sentence(
    code: str,
    since: datetime | None,
    until: datetime | None,
    note: str | None,
    counts: tuple[int | None, int | None, int | None],
    channel: ChannelKind,
    purpose: ConsentPurpose,
    language: Language,
) -> str:
    """The reason, in a sentence for people."""
    reason = rules.ContactReason(ContactReasonCode(code), since, until, note, *counts)
    return explain_reason(reason, channel, purpose, language)


@record()
class ContactReason(Record):
    """One reason of a verdict."""

    code: ContactReasonCode = column("The reason, from a closed catalogue.")
    since: datetime | None = column("Since when it holds, where that is known.")
    until: datetime | None = column("Until when it holds, where that is known.")
    sentence: str = computed(
        reason_sentence,
        "code",
        "since",
        "until",
        "note",
        "counts",
        "channel",
        "purpose",
        arguments={"language": TOLD_IN},
    )


@record()
class ContactVerdict(Record):
    """Whether a message may go out to a contact, to which address, and why."""

    allowed: bool = column("Whether it may.")
    address: str | None = column("The address to use; null where it may not.")
    reasons: list[ContactReason] = part(
        "Everything that speaks against it, or the one reason that allows it.", "reasons"
    )


async def find_verdict(
    operation: Context,
    root_id: str,
    channel: ChannelKind,
    purpose: ConsentPurpose,
    at: datetime | None = None,
) -> Row:
    """The verdict on a message to a contact; a merged one answers as what it is part of now."""
    channel, purpose = ChannelKind(channel), ConsentPurpose(purpose)
    found = await operation.figures.may_contact(root_id, channel, purpose, at or operation.now)
    return {
        "allowed": found.allowed,
        "address": found.address,
        "reasons": [_reason_row(each, channel, purpose) for each in found.reasons],
    }


def _reason_row(reason: rules.ContactReason, channel: ChannelKind, purpose: ConsentPurpose) -> Row:
    return {
        "code": reason.code,
        "since": reason.since,
        "until": reason.until,
        "note": reason.note,
        "counts": (reason.touches, reason.touches_max, reason.period_hours),
        "channel": channel,
        "purpose": purpose,
    }


CONSENTS = figure(
    find_consents,
    "id",
    description="What holds for each identity and purpose at an instant; what is unsaid is absent.",
    arguments={"at": AT},
)
IDENTITY_CONSENTS = figure(
    find_identity_consents,
    "owner_id",
    "channel",
    "address",
    description="What holds for each purpose of the identity at an instant.",
    arguments={"at": AT},
)
MAY_CONTACT = figure(
    find_verdict,
    "root_id",
    description="Whether a message may go out on a channel for a purpose at an instant, and why.",
    arguments={
        "channel": Argument("ChannelKind", "The channel of the message."),
        "purpose": Argument("ConsentPurpose", "What the message is for."),
        "at": AT,
    },
)
OPT_OUT_WORDS = figure(
    list_opt_out_words,
    "opt_out_words",
    description=(
        "The words by which people opt out of marketing: a message that is one of them and "
        "nothing else."
    ),
)
