"""Everything that can be changed, noun by noun."""

import strawberry

from trenza.graphql.mutations.campaign import CampaignMutations
from trenza.graphql.mutations.contact import ContactMutations
from trenza.graphql.mutations.interaction import InteractionMutations
from trenza.graphql.mutations.interactionz import InteractionzMutations
from trenza.graphql.mutations.journey import JourneyMutations
from trenza.graphql.mutations.merge import MergeMutations
from trenza.graphql.mutations.seat import SeatMutations
from trenza.graphql.mutations.ticket import TicketMutations


@strawberry.type(description="Everything that can be changed.")
class Mutation(
    InteractionMutations,
    ContactMutations,
    MergeMutations,
    CampaignMutations,
    JourneyMutations,
    TicketMutations,
    InteractionzMutations,
    SeatMutations,
):
    """Everything that can be changed."""
