"""Everything that can be changed, noun by noun."""

from typing import Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from trenza.domain.access import PERMISSIONS, verb_of
from trenza.graphql.mutations.access import ApiKeyMutations
from trenza.graphql.mutations.campaign import CampaignMutations
from trenza.graphql.mutations.consent import ConsentMutations
from trenza.graphql.mutations.contact import ContactMutations
from trenza.graphql.mutations.contact_list import ListMutations
from trenza.graphql.mutations.custom_field import CustomFieldMutations
from trenza.graphql.mutations.erasure import ErasureMutations
from trenza.graphql.mutations.group import GroupMutations
from trenza.graphql.mutations.interaction import InteractionMutations
from trenza.graphql.mutations.interactionz import InteractionzMutations
from trenza.graphql.mutations.journey import JourneyMutations
from trenza.graphql.mutations.merge import MergeMutations
from trenza.graphql.mutations.seat import SeatMutations
from trenza.graphql.mutations.segment import SegmentMutations
from trenza.graphql.mutations.ticket import TicketMutations


@strawberry.type(description="Everything that can be changed.")
class Mutation(
    InteractionMutations,
    ContactMutations,
    MergeMutations,
    ErasureMutations,
    CustomFieldMutations,
    ConsentMutations,
    ListMutations,
    SegmentMutations,
    CampaignMutations,
    JourneyMutations,
    TicketMutations,
    InteractionzMutations,
    SeatMutations,
    GroupMutations,
    ApiKeyMutations,
):
    """Everything that can be changed."""


def _say_permissions(mutation: Any) -> None:
    """Ends the description of each mutation with what it takes."""
    for field in mutation.__strawberry_definition__.fields:
        permission = PERMISSIONS[verb_of(to_camel_case(field.python_name))]
        field.description = f"{field.description} {permission.sentence}"


_say_permissions(Mutation)
