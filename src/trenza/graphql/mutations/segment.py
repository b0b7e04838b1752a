"""Mutations of segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

from trenza.domain.access import Verb
from trenza.graphql import errors
from trenza.graphql.context import Info
from trenza.graphql.segment_input import SegmentDefinitionInput
from trenza.readplan.fields import column, one
from trenza.readplan.schema import Record, record, view
from trenza.services.contact import UNSET
from trenza.services.segment import (
    PATH,
    CreateSegment,
    FreezeSegment,
    UpdateSegment,
    change_segment,
    create_segment,
    freeze_segment,
    remove_segment,
)

if TYPE_CHECKING:
    from strawberry import ID

    from trenza.graphql.contact_list import ContactList
    from trenza.graphql.segment import Segment


@strawberry.input(description="A segment to keep.")
class CreateSegmentInput:
    """A segment to keep."""

    name: str = strawberry.field(description="Its name, up to 200 characters; no other has it.")
    definition: SegmentDefinitionInput = strawberry.field(description="Who belongs to it.")


@strawberry.input(description="What changes of a segment; what is omitted or null stays.")
class UpdateSegmentInput:
    """What changes of a segment; what is omitted or null stays."""

    segment_id: strawberry.ID = strawberry.field(description="The segment.")
    name: str | None = strawberry.field(default=None, description="Its new name.")
    definition: SegmentDefinitionInput | None = strawberry.field(
        default=None, description="Who belongs to it now."
    )


@strawberry.input(description="The segment to remove.")
class DeleteSegmentInput:
    """The segment to remove."""

    segment_id: strawberry.ID = strawberry.field(description="The segment.")


@strawberry.input(description="A segment whose members become a list.")
class FreezeSegmentInput:
    """A segment whose members become a list."""

    segment_id: strawberry.ID = strawberry.field(description="The segment.")
    name: str = strawberry.field(description="The name of the new list.")


@record()
class CreateSegmentPayload(Record):
    """The new segment."""

    segment: Segment = one("The segment.", "id", scope=None)


@record()
class UpdateSegmentPayload(Record):
    """The segment as it is now."""

    segment: Segment = one("The segment.", "id", scope=None)


@record()
class DeleteSegmentPayload(Record):
    """The segment is gone."""

    id: ID = column("What the segment's id was.")


@record()
class FreezeSegmentPayload(Record):
    """The new list."""

    list_: ContactList = one("The list.", "list_id", scope=None)
    count: int = column("How many are in it.")


CreateSegmentResult: TypeAlias = Annotated[
    CreateSegmentPayload
    | errors.InvalidInput
    | errors.Forbidden
    | errors.NotFound
    | errors.Conflict,
    strawberry.union("CreateSegmentResult", description="CreateSegment: done, or refused."),
]
UpdateSegmentResult: TypeAlias = Annotated[
    UpdateSegmentPayload
    | errors.InvalidInput
    | errors.Forbidden
    | errors.NotFound
    | errors.Conflict,
    strawberry.union("UpdateSegmentResult", description="UpdateSegment: done, or refused."),
]
DeleteSegmentResult: TypeAlias = Annotated[
    DeleteSegmentPayload | errors.Forbidden | errors.NotFound,
    strawberry.union("DeleteSegmentResult", description="DeleteSegment: done, or refused."),
]
FreezeSegmentResult: TypeAlias = Annotated[
    FreezeSegmentPayload
    | errors.InvalidInput
    | errors.Forbidden
    | errors.NotFound
    | errors.Conflict,
    strawberry.union("FreezeSegmentResult", description="FreezeSegment: done, or refused."),
]


@strawberry.type
class SegmentMutations:
    """Keeping segments, and freezing them into lists."""

    @strawberry.mutation(description="Keeps a definition under a name.")  # type: ignore[untyped-decorator]
    async def create_segment(
        self,
        info: Info,
        input: Annotated[CreateSegmentInput, strawberry.argument(description="The segment.")],
    ) -> CreateSegmentResult:
        """Whom it holds for is found when it is asked."""
        info.context.viewer.require(Verb.CREATE_SEGMENT)
        request = CreateSegment(input.name, input.definition.read(PATH))
        id = await info.context.write(create_segment, request)
        return view(CreateSegmentPayload, {"id": id})

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Gives a segment another name, another definition, or both."
    )
    async def update_segment(
        self,
        info: Info,
        input: Annotated[UpdateSegmentInput, strawberry.argument(description="What changes.")],
    ) -> UpdateSegmentResult:
        """Lists that were frozen of it stay as they are."""
        info.context.viewer.require(Verb.UPDATE_SEGMENT)
        definition = input.definition
        request = UpdateSegment(
            input.segment_id,
            UNSET if input.name is None else input.name,
            UNSET if definition is None else definition.read(PATH),
        )
        id = await info.context.write(change_segment, request)
        return view(UpdateSegmentPayload, {"id": id})

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Removes a segment; lists that were frozen of it stay."
    )
    async def delete_segment(
        self,
        info: Info,
        input: Annotated[DeleteSegmentInput, strawberry.argument(description="Which.")],
    ) -> DeleteSegmentResult:
        """The contacts stay."""
        id = await info.context.write(remove_segment, input.segment_id)
        return view(DeleteSegmentPayload, {"id": id})

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Makes a list of whoever belongs to a segment now."
    )
    async def freeze_segment(
        self,
        info: Info,
        input: Annotated[FreezeSegmentInput, strawberry.argument(description="Which, and how.")],
    ) -> FreezeSegmentResult:
        """The list does not change when the segment's members do."""
        request = FreezeSegment(input.segment_id, input.name)
        done = await info.context.write(freeze_segment, request)
        return view(FreezeSegmentPayload, {"list_id": done.list_id, "count": done.count})
