"""Mutations of interactions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import strawberry

from trenza.domain.channel import ChannelKind
from trenza.domain.errors import (
    DomainError,
    Forbidden,
    IdempotencyConflict,
    InvalidInput,
    NotFound,
    OccurredInFuture,
)
from trenza.domain.interaction import InteractionKind, Lane
from trenza.graphql import errors
from trenza.graphql.balance import BALANCE_NOW, find_balance
from trenza.graphql.contact import IdentityInput
from trenza.graphql.context import Context, Info
from trenza.readplan.fields import Argument, Order, beside, column, figure, many, one, part, write
from trenza.readplan.reader import Row
from trenza.readplan.schema import NAMESPACE, Record, Stored, named, record, view
from trenza.services.balance_feed import write_feed_cursor
from trenza.services.interaction import (
    Answer,
    RecordInteraction,
    retract_interaction,
)
from trenza.services.quarantine import admit_interaction
from trenza.storage.interaction import Interaction as InteractionTable
from trenza.storage.ledger import LEDGER

if TYPE_CHECKING:
    from trenza.graphql.balance import InteractionzBalance
    from trenza.graphql.interaction import Interaction
    from trenza.graphql.interactionz import InteractionzDebit, InteractionzSession

INPUTS_MAX = 500


@named
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
    agent_id: strawberry.ID | None = strawberry.field(
        default=None, description="The user who acted, where `actor` is HUMAN."
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
            agent_id=self.agent_id,
        )


@strawberry.input(description="The interaction to take out of the metering.")
class RetractInteractionInput:
    """The interaction to take out of the metering."""

    interaction_id: strawberry.ID = strawberry.field(description="The interaction.")
    reason: str = strawberry.field(description="Why; up to 500 characters.")


@named
@strawberry.input(description="The interaction to admit from the quarantine.")
class AdmitInteractionInput:
    """The interaction to admit from the quarantine."""

    quarantine_id: strawberry.ID = strawberry.field(description="The id of `workspace.quarantine`.")


async def balance_after(operation: Context, occurred_at: datetime) -> Row:
    """The balance in which an interaction counts, also one that is dated a little ahead."""
    return await find_balance(operation, occurred_at if occurred_at > operation.now else None)


async def find_feed_cursor(operation: Context) -> str:
    """The cursor of the ledger's last row."""
    head = await operation.figures.head()
    return write_feed_cursor(head.sequence)


@record(InteractionTable)
class RecordInteractionPayload(Record):
    """An interaction that is recorded and committed."""

    interaction: Interaction = part("The interaction with its verdict.")
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
    replayed: bool = beside("Whether it was recorded before; nothing was changed then.")
    balance: InteractionzBalance = figure(
        balance_after,
        "occurred_at",
        description="The balance at the later of now and `occurredAt`.",
    )
    cursor: str = figure(
        find_feed_cursor,
        description=(
            "Follow `balanceChanged(after:)` from here; everything up to it is in `balance`."
        ),
    )


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
    balance: InteractionzBalance = BALANCE_NOW


RecordInteractionResult: TypeAlias = Annotated[
    RecordInteractionPayload
    | errors.InvalidInput
    | errors.NotFound
    | errors.Forbidden
    | errors.Conflict
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
    | errors.Conflict
    | errors.IdempotencyConflict
    | errors.OccurredInFuture,
    strawberry.union("AdmitInteractionResult", description="What came of an admission."),
]
RetractInteractionResult: TypeAlias = Annotated[
    RetractInteractionPayload | errors.InvalidInput | errors.NotFound | errors.Forbidden,
    strawberry.union("RetractInteractionResult", description="What came of a retraction."),
]


for _name, _union in (
    ("RecordInteractionResult", RecordInteractionResult),
    ("AdmitInteractionResult", AdmitInteractionResult),
):
    NAMESPACE[_name] = _union


def shown(answer: Answer) -> Any:
    """What a client sees of an answer, read after the commit."""
    if isinstance(answer, DomainError):
        return errors.as_data(answer)
    beside = {"replayed": answer.replayed}
    return Stored(RecordInteractionPayload, answer.interaction_id, beside)


async def record_one(operation: Context, input: RecordInteractionInput) -> Any:
    """One report is a batch of one."""
    [answer] = await record_several(operation, [input])
    return answer


async def record_several(operation: Context, inputs: Sequence[RecordInteractionInput]) -> list[Any]:
    """Equal to recording them one by one."""
    if len(inputs) > INPUTS_MAX:
        raise InvalidInput(f"Give at most {INPUTS_MAX} inputs at once.", path=("inputs",))
    requests = [each.request() for each in inputs]
    answers: Sequence[Answer]
    try:
        answers = await operation.recorder.record(operation.viewer, requests)
    except Forbidden as refusal:
        answers = [refusal] * len(requests)
    operation.renew()
    return [shown(answer) for answer in answers]


async def admit_one(operation: Context, input: AdmitInteractionInput) -> Any:
    """Its credit counts in the running cycle where its own is closed."""
    answer: Answer
    try:
        answer = await operation.write(admit_interaction, input.quarantine_id)
    except (InvalidInput, NotFound, Forbidden, IdempotencyConflict, OccurredInFuture) as refusal:
        answer = refusal
    return shown(answer)


@record()
class InteractionMutations(Record):
    """Recording, retracting and admitting interactions."""

    record_interaction: RecordInteractionResult = write(
        record_one,
        "Records what happened; answered after the commit.",
        {"input": Argument("RecordInteractionInput", "The report.")},
    )
    record_interactions: list[RecordInteractionResult] = write(
        record_several,
        "Records up to 500 reports in the order given, in one transaction; each has its own "
        "result and good ones are kept. Verdicts and balances are those after the last of "
        "them.",
        {"inputs": Argument("list[RecordInteractionInput]", "The reports.")},
    )
    admit_interaction: AdmitInteractionResult = write(
        admit_one,
        "Records an interaction of the quarantine, however old.",
        {"input": Argument("AdmitInteractionInput", "Which.")},
    )

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Takes an interaction out of the metering; it stays, with the reason."
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
