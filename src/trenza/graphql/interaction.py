"""The interaction and its verdict."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from trenza.domain.channel import ChannelKind
from trenza.domain.interaction import InteractionKind, Lane, Language
from trenza.domain.metering.explain import explain_verdict
from trenza.domain.metering.fold import RuleCode
from trenza.graphql.language import TOLD_IN
from trenza.graphql.node import Node
from trenza.readplan.fields import Order, column, computed, one, part
from trenza.readplan.schema import Record, record
from trenza.storage.interaction import (
    INTERACTION,
)
from trenza.storage.interaction import (
    Interaction as InteractionTable,
)
from trenza.storage.interaction import (
    QuarantinedInteraction as QuarantineTable,
)

if TYPE_CHECKING:
    from strawberry import ID
    from strawberry.scalars import JSON

    from trenza.domain.metering.fold import Outcome as VerdictOutcome
    from trenza.graphql.campaign import Campaign
    from trenza.graphql.contact import Contact
    from trenza.graphql.interactionz import InteractionzSession
    from trenza.graphql.journey import Journey
    from trenza.graphql.seat import User
    from trenza.graphql.ticket import Ticket

LATEST_INTERACTIONS = Order((INTERACTION.c.position,), descending=True, named_by=INTERACTION.c.id)
"""A position holds the external id until the interaction becomes a skeleton."""


def verdict_sentence(
    rule_code: str,
    kind: str,
    channel: str,
    actor: str | None,
    session_opened_at: datetime | None,
    language: Language,
) -> str:
    """Why the interaction got its verdict, in a sentence for people."""
    return explain_verdict(
        rule=RuleCode(rule_code),
        kind=InteractionKind(kind),
        channel=ChannelKind(channel),
        lane=Lane(actor) if actor else None,
        session_opened_at=session_opened_at,
        language=language,
    )


@record(InteractionTable)
class Verdict(Record):
    """What an interaction cost, and why. Every interaction has exactly one."""

    outcome: VerdictOutcome = column("A credit, nothing because a session covers it, or free.")
    rule_code: str = column(
        "The rule that decided, from the closed catalogue of schema/interactionz.md."
    )
    sentence: str = computed(
        verdict_sentence,
        "rule_code",
        "kind",
        "channel",
        "actor",
        "session_opened_at",
        arguments={"language": TOLD_IN},
    )
    session: InteractionzSession | None = one(
        "The session it opened, or that covers it.", "session_id"
    )


@record(InteractionTable)
class Interaction(Node):
    """One touch between a contact and the company, on one channel, at one instant. Immutable."""

    kind: InteractionKind = column("What happened.")
    channel: ChannelKind = column("Where.")
    actor: Lane | None = column("Who acted on the company's side; empty where nobody did.")
    occurred_at: datetime = column("When it happened.")
    recorded_at: datetime = column("When it was reported to us.")
    source: str = column("Who reported it.")
    external_id: str | None = column("Its id at the source; of a skeleton a hash of it.")
    text: str | None = column("What was said; null of a skeleton.")
    contact: Contact = one("The person, as known today: after merges.", "owner_id")
    recorded_for: Contact = one(
        "The contact it was recorded for, whatever was merged.", "contact_id"
    )
    campaign: Campaign | None = one("The campaign it belongs to.", "campaign_id")
    journey: Journey | None = one("The journey it belongs to.", "journey_id")
    ticket: Ticket | None = one("The ticket it belongs to.", "ticket_id")
    agent: User | None = one("The user who acted, where it was told.", "agent_id")
    verdict: Verdict = part("What it cost, and why.")
    retracted_at: datetime | None = column("When it was retracted; it is free since.")
    retraction_reason: str | None = column("Why it was retracted.")
    erased_at: datetime | None = column(
        "When it became a skeleton, by an erasure or by retention: what was said is gone."
    )


@record(QuarantineTable)
class QuarantinedInteraction(Record):
    """An interaction that was older than the acceptance horizon when it arrived."""

    id: ID = column("Give it to `admitInteraction`.")
    source: str = column("Who reported it.")
    external_id: str | None = column("Its id at the source.")
    occurred_at: datetime = column("When it happened.")
    arrived_at: datetime = column("When it was reported.")
    request: JSON = column("What was reported, as it was given; empty once it was erased.")
    admitted_at: datetime | None = column("When an admin admitted it.")
    interaction: Interaction | None = one("What it became when it was admitted.", "interaction_id")
    erased_at: datetime | None = column("When what was reported was erased.")
