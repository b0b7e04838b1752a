"""What is reported, checked: all that can be said of a report without looking anything up."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import orjson

from trenza.channels.address import normalise_address
from trenza.domain.channel import ChannelKind
from trenza.domain.errors import BrokenInvariant, DomainError, InvalidInput
from trenza.domain.ids import Prefix
from trenza.domain.instant import instant_text
from trenza.domain.interaction import InteractionKind, Lane
from trenza.domain.metering.fold import Event
from trenza.domain.metering.policy import RulePolicy
from trenza.domain.text import clean
from trenza.services.reference import require_form
from trenza.storage.contact import Identity

SOURCE_LONGEST = 64
EXTERNAL_ID_LONGEST = 255
TEXT_LONGEST = 16_384

PREFIXES = {
    "contactId": Prefix.CONTACT,
    "campaignId": Prefix.CAMPAIGN,
    "ticketId": Prefix.TICKET,
    "journeyId": Prefix.JOURNEY,
    "agentId": Prefix.USER,
}


class RecordInteraction(NamedTuple):
    """What is reported. Either `contact_id` or `identity` (channel, address) names the contact."""

    channel: ChannelKind
    kind: InteractionKind
    occurred_at: datetime
    source: str = "api"
    external_id: str | None = None
    contact_id: str | None = None
    identity: tuple[ChannelKind, str] | None = None
    actor: Lane | None = None
    text: str | None = None
    campaign_id: str | None = None
    ticket_id: str | None = None
    journey_id: str | None = None
    agent_id: str | None = None

    def references(self) -> dict[str, str]:
        """The ids that the report names, by the name of the input field."""
        named = {}
        if self.contact_id is not None:
            named["contactId"] = self.contact_id
        if self.campaign_id is not None:
            named["campaignId"] = self.campaign_id
        if self.ticket_id is not None:
            named["ticketId"] = self.ticket_id
        if self.journey_id is not None:
            named["journeyId"] = self.journey_id
        if self.agent_id is not None:
            named["agentId"] = self.agent_id
        return named


@dataclass(frozen=True)
class Arrival:
    """A report with the instant at which it arrived."""

    request: RecordInteraction
    arrived_at: datetime


@dataclass(frozen=True)
class Recorded:
    """An interaction that stands: recorded now, or before and answered again."""

    interaction_id: str
    replayed: bool


Answer = Recorded | DomainError


class Checked(NamedTuple):
    """A report of which all is right that can be told without looking anything up."""

    request: RecordInteraction
    arrived_at: datetime
    identity: Identity | None
    references: Mapping[str, str]
    key: tuple[str, str] | None
    """What identifies the report, or nothing where the caller gave no id."""


@dataclass
class Report:
    """A checked report on its way through one transaction, which first tells its lane."""

    request: RecordInteraction
    arrived_at: datetime
    identity: Identity | None
    references: Mapping[str, str]
    key: tuple[str, str] | None
    contact_id: str
    lane: Lane | None = None
    content_hash: str = ""
    admitted_as: str | None = None
    event: Event | None = None
    refusal: DomainError | None = None
    answer: Answer | None = None

    @classmethod
    def of(cls, checked: Checked) -> "Report":
        """The report at the beginning of its way."""
        return cls(*checked, checked.request.contact_id or "")

    def judge(self, policy: RulePolicy) -> None:
        """Tells the lane by the workspace's rules, and hashes what is said; or refuses it."""
        request = self.request
        try:
            self.lane = policy.lane_of(request.kind, request.actor)
            if request.agent_id is not None and self.lane is not Lane.HUMAN:
                raise InvalidInput("an agent is given only where a person acts", path=("agentId",))
        except InvalidInput as refusal:
            self.answer = refusal
        else:
            self.content_hash = content_hash(request, self.lane, self.identity)

    @property
    def new_event(self) -> Event:
        """The event of a report that is new."""
        if self.event is None:
            raise BrokenInvariant("the report was not admitted")
        return self.event

    def settled(self) -> Answer:
        """The answer that the transaction gave."""
        if self.answer is None:
            raise BrokenInvariant("the report was not answered")
        return self.answer


def check_or_refuse(arrival: Arrival) -> Checked | DomainError:
    """What `check` says, its refusal as a value."""
    try:
        return check(arrival)
    except DomainError as refusal:
        return refusal


def check(arrival: Arrival) -> Checked:
    """What can be said of a report without looking anything up; raises InvalidInput, NotFound."""
    request = _cleaned(arrival.request)
    if (request.contact_id is None) == (request.identity is None):
        raise InvalidInput("give either contactId or identity", path=("contactId",))
    identity = _identity_of(request)
    references = request.references()
    for name, id in references.items():
        require_form(id, PREFIXES[name], name)
    key = None if request.external_id is None else (request.source, request.external_id)
    return Checked(request, arrival.arrived_at, identity, references, key)


def _cleaned(request: RecordInteraction) -> RecordInteraction:
    external_id, text = request.external_id, request.text
    if external_id is not None:
        external_id = clean(external_id, ("externalId",), EXTERNAL_ID_LONGEST)
    if text is not None:
        text = clean(text, ("text",), TEXT_LONGEST, multiline=True) if text.strip() else None
    source = clean(request.source, ("source",), SOURCE_LONGEST)
    if (source, external_id, text) == (request.source, request.external_id, request.text):
        return request
    return request._replace(source=source, external_id=external_id, text=text)


def _identity_of(request: RecordInteraction) -> Identity | None:
    if request.identity is None:
        return None
    channel, address = request.identity
    try:
        normalised = normalise_address(channel, address)
    except InvalidInput as refusal:
        raise InvalidInput(refusal.message, path=("identity", "address")) from None
    return Identity(channel, normalised.space, normalised.value)


def content_hash(request: RecordInteraction, lane: Lane | None, identity: Identity | None) -> str:
    """What a report says, hashed: equal for two spellings of the same instant or address.

    One without an agent hashes as it did when there were none.
    """
    said = [
        request.contact_id,
        identity.channel if identity else None,
        identity.address if identity else None,
        request.channel,
        request.kind,
        lane,
        instant_text(request.occurred_at),
        request.text,
        request.campaign_id,
        request.ticket_id,
        request.journey_id,
    ]
    if request.agent_id is not None:
        said.append(request.agent_id)
    return hashlib.blake2b(orjson.dumps(said), digest_size=16).hexdigest()
