"""Mutations of interactions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import strawberry

from trenza.domain.channel import ChannelKind
from trenza.domain.errors import DomainError, Forbidden, InvalidInput
from trenza.domain.interaction import InteractionKind, Lane
from trenza.graphql import errors
from trenza.graphql.balance import InteractionzBalance, balance_of
from trenza.graphql.contact import IdentityInput
from trenza.graphql.context import Info
from trenza.readplan.fields import Order, column, many, one
from trenza.readplan.schema import Record, record, view
from trenza.services.balance_feed import write_feed_cursor
from trenza.services.interaction import (
    Answer,
    Recorded,
    RecordInteraction,
    retract_interaction,
)
from trenza.services.quarantine import admit_interaction
from trenza.storage.interaction import INTERACTION
from trenza.storage.ledger import LEDGER

if TYPE_CHECKING:
    from trenza.graphql.interaction import Interaction
    from trenza.graphql.interactionz import InteractionzDebit, InteractionzSession

INPUTS_MAX = 500


@strawberry.input(description="What is reported. Give either `contactId` or `identity`.")
class RecordInteractionInput:
    """What is reported. Give either `contactId` or `identity`."""

    channel: ChannelKind = strawberry.field(description="Where it happened.")
    kind: InteractionKind = strawberry.field(description="What happened.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    source: str | None = strawberry.field(
        default="api", description="Who reports it; `(source, externalId)` makes a retry safe."
    )
    external_id: str | None = strawberry.field(default=None, description="Its id at the source.")
    contact_id: strawberry.ID | None = strawberry.field(default=None, description="The contact.")
    identity: IdentityInput | None = strawberry.field(
        default=None, description="An address of the contact; an unknown one makes a new contact."
    )
    actor: Lane | None = strawberry.field(
        default=None, description="Who acted: required for COMPANY_MESSAGE and HANDOFF."
    )
    text: str | None = strawberry.field(default=None, description="What was said.")
    campaign_id: strawberry.ID | None = strawberry.field(
        default=None, description="The campaign it belongs to."
    )
    ticket_id: strawberry.ID | None = strawberry.field(
        default=None, description="The ticket it belongs to."
    )
    journey_id: strawberry.ID | None = strawberry.field(
        default=None, description="The journey it belongs to."
    )

    def request(self) -> RecordInteraction:
        """The service's request."""
        identity = self.identity
        return RecordInteraction(
            channel=self.channel,
            kind=self.kind,
            occurred_at=self.occurred_at,
            source="api" if self.source is None else self.source,
            external_id=self.external_id,
            contact_id=self.contact_id,
            identity=(identity.channel, identity.address) if identity else None,
            actor=self.actor,
            text=self.text,
            campaign_id=self.campaign_id,
            ticket_id=self.ticket_id,
            journey_id=self.journey_id,
        )


@strawberry.input(description="The interaction to take out of the metering.")
class RetractInteractionInput:
    """The interaction to take out of the metering."""

    interaction_id: strawberry.ID = strawberry.field(description="The interaction.")
    reason: str = strawberry.field(description="Why; up to 500 characters.")


@strawberry.input(description="The interaction to admit from the quarantine.")
class AdmitInteractionInput:
    """The interaction to admit from the quarantine."""

    quarantine_id: strawberry.ID = strawberry.field(description="The id of `workspace.quarantine`.")


@record()
class RecordInteractionPayload(Record):
    """An interaction that is recorded and committed."""

    interaction: Interaction = one("The interaction with its verdict.", "id", scope=None)
    session: InteractionzSession | None = one(
        "The session it opened, or that covers it.", "session_id", scope=None
    )
    entries: list[InteractionzDebit] = many(
        "What it wrote to the ledger: none, one, or the re-cut.",
        by=LEDGER.c.cause_id,
        order=Order((LEDGER.c.sequence,)),
        where=LEDGER.c.reason != "RETRACTION",
        scope=None,
    )
    replayed: bool = column("Whether it was recorded before; nothing was changed then.")

    @strawberry.field(description="The balance at the later of now and `occurredAt`.")  # type: ignore[untyped-decorator]
    async def balance(self, info: Info) -> InteractionzBalance:
        """As known now."""
        context = info.context
        occurred_at = self.row["occurred_at"]
        at = occurred_at if occurred_at > context.now else None
        return balance_of(*await context.figures.balance(at, None))

    @strawberry.field(description="Follow `balanceChanged(after:)` from here.")  # type: ignore[untyped-decorator]
    async def cursor(self, info: Info) -> str:
        """Everything up to it is in `balance`."""
        _, head = await info.context.figures.base()
        return write_feed_cursor(head.sequence)


@record()
class RetractInteractionPayload(Record):
    """An interaction that no longer counts."""

    interaction: Interaction = one("The interaction with its verdict.", "id", scope=None)
    entries: list[InteractionzDebit] = many(
        "What the retraction wrote to the ledger.",
        by=LEDGER.c.cause_id,
        order=Order((LEDGER.c.sequence,)),
        where=LEDGER.c.reason == "RETRACTION",
        scope=None,
    )
    replayed: bool = column("Whether it was retracted before; nothing was changed then.")

    @strawberry.field(description="The balance now.")  # type: ignore[untyped-decorator]
    async def balance(self, info: Info) -> InteractionzBalance:
        """As known now."""
        return balance_of(*await info.context.figures.balance(None, None))


RecordInteractionResult: TypeAlias = Annotated[
    RecordInteractionPayload
    | errors.InvalidInput
    | errors.NotFound
    | errors.Forbidden
    | errors.IdempotencyConflict
    | errors.OccurredInFuture
    | errors.TooLate,
    strawberry.union("RecordInteractionResult", description="What came of a report."),
]
AdmitInteractionResult: TypeAlias = Annotated[
    RecordInteractionPayload
    | errors.InvalidInput
    | errors.NotFound
    | errors.Forbidden
    | errors.IdempotencyConflict
    | errors.OccurredInFuture,
    strawberry.union("AdmitInteractionResult", description="What came of an admission."),
]
RetractInteractionResult: TypeAlias = Annotated[
    RetractInteractionPayload | errors.InvalidInput | errors.NotFound | errors.Forbidden,
    strawberry.union("RetractInteractionResult", description="What came of a retraction."),
]


async def recorded_payloads(info: Info, answers: Sequence[Answer]) -> list[Any]:
    """What a client sees of the answers, read after the commit."""
    context = info.context
    context.renew()
    rows = await asyncio.gather(
        *(
            context.reader.known(INTERACTION, "id", answer.interaction_id)
            for answer in answers
            if isinstance(answer, Recorded)
        )
    )
    found = iter(rows)
    return [
        errors.as_data(answer)
        if isinstance(answer, DomainError)
        else view(RecordInteractionPayload, {**next(found), "replayed": answer.replayed})
        for answer in answers
    ]


@strawberry.type
class InteractionMutations:
    """Recording, retracting and admitting interactions."""

    @strawberry.mutation(
        description="Records what happened; answered after the commit. Scope `record`."
    )  # type: ignore[untyped-decorator]
    async def record_interaction(
        self,
        info: Info,
        input: Annotated[RecordInteractionInput, strawberry.argument(description="The report.")],
    ) -> RecordInteractionResult:
        """One report is a batch of one."""
        request = input.request()
        answers = await info.context.recorder.record(info.context.viewer, [request])
        results = await recorded_payloads(info, answers)
        result: RecordInteractionResult = results[0]
        return result

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=(
            "Records up to 500 reports in the order given, in one transaction; each has its own "
            "result and good ones are kept. Verdicts and balances are those after the last of "
            "them. Scope `record`."
        )
    )
    async def record_interactions(
        self,
        info: Info,
        inputs: Annotated[
            list[RecordInteractionInput], strawberry.argument(description="The reports.")
        ],
    ) -> list[RecordInteractionResult]:
        """Equal to recording them one by one."""
        if len(inputs) > INPUTS_MAX:
            raise InvalidInput(f"Give at most {INPUTS_MAX} inputs at once.", path=("inputs",))
        requests = [each.request() for each in inputs]
        answers: Sequence[Answer]
        try:
            answers = await info.context.recorder.record(info.context.viewer, requests)
        except Forbidden as refusal:
            answers = [refusal] * len(requests)
        return await recorded_payloads(info, answers)

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=(
            "Takes an interaction out of the metering; it stays, with the reason. Scope `admin`."
        )
    )
    async def retract_interaction(
        self,
        info: Info,
        input: Annotated[RetractInteractionInput, strawberry.argument(description="Which.")],
    ) -> RetractInteractionResult:
        """Sessions are cut anew without it."""
        answer = await info.context.write(retract_interaction, input.interaction_id, input.reason)
        return view(
            RetractInteractionPayload, {"id": answer.interaction_id, "replayed": answer.replayed}
        )

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Records an interaction of the quarantine, however old. Scope `admin`."
    )
    async def admit_interaction(
        self,
        info: Info,
        input: Annotated[AdmitInteractionInput, strawberry.argument(description="Which.")],
    ) -> AdmitInteractionResult:
        """Its credit counts in the running cycle where its own is closed."""
        answer = await info.context.write(admit_interaction, input.quarantine_id)
        results = await recorded_payloads(info, [answer])
        result: AdmitInteractionResult = results[0]
        return result
