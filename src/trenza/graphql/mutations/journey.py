"""Mutations of journeys."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from trenza.domain.contact import LifecycleStage
from trenza.graphql.mutations.unions import result
from trenza.readplan.fields import one
from trenza.readplan.schema import record, view
from trenza.services.journey import CreateJourney, create_journey

Info = strawberry.Info[Any, None]


@strawberry.input(description="An automation to make.")
class CreateJourneyInput:
    """An automation to make."""

    name: str = strawberry.field(description="Its name, up to 200 characters.")
    stage: LifecycleStage = strawberry.field(description="The stage of the life cycle it serves.")


@record()
class CreateJourneyPayload:
    """The new journey."""

    journey: Journey = one("The journey.", "id", scope=None)


CreateJourneyResult = result("CreateJourneyResult", CreateJourneyPayload)


@strawberry.type
class JourneyMutations:
    """Making journeys."""

    @strawberry.mutation(description="Makes a journey; it enrolls nobody. Scope `manage`.")  # type: ignore[untyped-decorator]
    async def create_journey(
        self,
        info: Info,
        input: Annotated[CreateJourneyInput, strawberry.argument(description="The journey.")],
    ) -> CreateJourneyResult:
        """A contact is enrolled by the first interaction that names the journey."""
        context = info.context
        request = CreateJourney(input.name, input.stage)
        id = await create_journey(context.dependencies, context.viewer, request)
        return view(CreateJourneyPayload, {"id": id})
