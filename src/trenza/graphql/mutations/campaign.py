"""Mutations of campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

from trenza.domain.channel import ChannelKind
from trenza.graphql import errors
from trenza.graphql.context import Info
from trenza.readplan.fields import one
from trenza.readplan.schema import Record, record, view
from trenza.services.campaign import CreateCampaign, create_campaign

if TYPE_CHECKING:
    from trenza.graphql.campaign import Campaign


@strawberry.input(description="A mass send to make.")
class CreateCampaignInput:
    """A mass send to make."""

    name: str = strawberry.field(description="Its name, up to 200 characters.")
    channel: ChannelKind = strawberry.field(description="A channel with `massSend`.")
    objective: str | None = strawberry.field(default=None, description="What it is for.")


@record()
class CreateCampaignPayload(Record):
    """The new campaign."""

    campaign: Campaign = one("The campaign.", "id", scope=None)


CreateCampaignResult: TypeAlias = Annotated[
    CreateCampaignPayload | errors.InvalidInput | errors.Forbidden,
    strawberry.union("CreateCampaignResult", description="CreateCampaign: done, or refused."),
]


@strawberry.type
class CampaignMutations:
    """Making campaigns."""

    @strawberry.mutation(description="Makes a campaign; it sends nothing.")  # type: ignore[untyped-decorator]
    async def create_campaign(
        self,
        info: Info,
        input: Annotated[CreateCampaignInput, strawberry.argument(description="The campaign.")],
    ) -> CreateCampaignResult:
        """Report its sends as CAMPAIGN_SEND with the campaign's id."""
        request = CreateCampaign(input.name, input.channel, input.objective)
        id = await info.context.write(create_campaign, request)
        return view(CreateCampaignPayload, {"id": id})
