"""Mutations of the books: grants and closings."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

from trenza.domain.metering.balance import DEFAULT_PRIORITY, GrantKind
from trenza.graphql import errors
from trenza.graphql.balance import BALANCE_NOW
from trenza.graphql.context import Info
from trenza.graphql.statement import statement_row
from trenza.readplan.fields import column, one, part
from trenza.readplan.schema import Record, record, view
from trenza.services.interactionz import (
    CloseCycle,
    GrantInteractionz,
    close_cycle,
    grant_interactionz,
)

if TYPE_CHECKING:
    from trenza.graphql.balance import InteractionzBalance
    from trenza.graphql.interactionz import InteractionzGrant
    from trenza.graphql.statement import Statement


@strawberry.input(description="Credits to give beside the plan's quota.")
class GrantInteractionzInput:
    """Credits to give beside the plan's quota."""

    kind: GrantKind = strawberry.field(description="PURCHASE or COURTESY.")
    amount: int = strawberry.field(description="From 1 to 1,000,000 credits.")
    expires_at: datetime = strawberry.field(description="When what is left of them lapses.")
    effective_at: datetime | None = strawberry.field(
        default=None, description="From when they can be spent; now when omitted."
    )
    priority: int = strawberry.field(
        default=DEFAULT_PRIORITY,
        description="From 0 to 1000; the lowest burns first, then the earliest to expire.",
    )
    note: str | None = strawberry.field(default=None, description="What for.")


@strawberry.input(description="A cycle to close.")
class CloseCycleInput:
    """A cycle to close."""

    cycle_of: date | None = strawberry.field(
        default=None, description="A date of the cycle; the oldest open one when omitted."
    )
    without_grace: bool = strawberry.field(
        default=False, description="Do not wait for late interactions after the cycle's end."
    )


@record()
class GrantInteractionzPayload(Record):
    """The grant, which can be spent from `effectiveAt` on."""

    grant: InteractionzGrant = one("The grant.", "id", scope=None)
    balance: InteractionzBalance = BALANCE_NOW


@record()
class CloseCyclePayload(Record):
    """The closed cycle with its statement."""

    replayed: bool = column("Whether it was closed before; nothing was changed then.")
    statement: Statement = part("The statement, as it will stay.", "statement")


GrantInteractionzResult: TypeAlias = Annotated[
    GrantInteractionzPayload | errors.InvalidInput | errors.Forbidden | errors.Conflict,
    strawberry.union("GrantInteractionzResult", description="GrantInteractionz: done, or refused."),
]
CloseCycleResult: TypeAlias = Annotated[
    CloseCyclePayload | errors.InvalidInput | errors.Forbidden | errors.Conflict,
    strawberry.union("CloseCycleResult", description="CloseCycle: done, or refused."),
]


@strawberry.type
class InteractionzMutations:
    """Giving credits and closing cycles."""

    @strawberry.mutation(description="Gives credits beside the plan's quota.")  # type: ignore[untyped-decorator]
    async def grant_interactionz(
        self,
        info: Info,
        input: Annotated[GrantInteractionzInput, strawberry.argument(description="The credits.")],
    ) -> GrantInteractionzResult:
        """A debit that found no credit stays unpaid: what is given later pays later debits."""
        request = GrantInteractionz(**vars(input))
        done = await info.context.write(grant_interactionz, request)
        return view(GrantInteractionzPayload, {"id": done.grant.id})

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=(
            "Closes a cycle that has ended, in cycle order; its statement never changes again. "
            "Closing it again replays."
        )
    )
    async def close_cycle(
        self,
        info: Info,
        input: Annotated[
            CloseCycleInput, strawberry.argument(description="Which.")
        ] = CloseCycleInput(),  # noqa: B008 - an empty input object is the default value
    ) -> CloseCycleResult:
        """Debits learned later count in the running cycle."""
        request = CloseCycle(input.cycle_of, input.without_grace)
        done = await info.context.write(close_cycle, request)
        row = {"statement": statement_row(done.statement), "replayed": done.replayed}
        return view(CloseCyclePayload, row)
