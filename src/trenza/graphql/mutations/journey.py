"""Mutations of journeys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

from trenza.domain.contact import LifecycleStage
from trenza.graphql import errors
from trenza.graphql.context import Info
from trenza.readplan.fields import one
from trenza.readplan.schema import Record, record, view
from trenza.services.journey import CreateJourney, create_journey

if TYPE_CHECKING:
    from trenza.graphql.journey import Journey


@strawberry.input(description="An automation to make.")
class CreateJourneyInput:
    """An automation to make."""

    name: str = strawberry.field(description="Its name, up to 200 characters.")
    stage: LifecycleStage = strawberry.field(description="The stage of the life cycle it serves.")


@record()
class CreateJourneyPayload(Record):
    """The new journey."""

    journey: Journey = one("The journey.", "id", scope=None)


CreateJourneyResult: TypeAlias = Annotated[
    CreateJourneyPayload | errors.InvalidInput | errors.Forbidden,
    strawberry.union("CreateJourneyResult", description="CreateJourney: done, or refused."),
]


@strawberry.type
class JourneyMutations:
    """Making journeys."""

    @strawberry.mutation(description="Makes a journey; it enrolls nobody.")  # type: ignore[untyped-decorator]
    async def create_journey(
        self,
        info: Info,
        input: Annotated[CreateJourneyInput, strawberry.argument(description="The journey.")],
    ) -> CreateJourneyResult:
        """A contact is enrolled by the first interaction that names the journey."""
        request = CreateJourney(input.name, input.stage)
        id = await info.context.write(create_journey, request)
        return view(CreateJourneyPayload, {"id": id})
