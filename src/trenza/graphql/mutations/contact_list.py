"""Mutations of lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

from trenza.graphql import errors
from trenza.graphql.context import Info
from trenza.readplan.fields import column, one, part
from trenza.readplan.reader import Row
from trenza.readplan.schema import Record, record, view
from trenza.services.contact_list import (
    ChangeList,
    Changes,
    CreateList,
    ListChange,
    RenameList,
    add_to_list,
    create_list,
    delete_contact_list,
    remove_from_list,
    rename_contact_list,
)

if TYPE_CHECKING:
    from strawberry import ID

    from trenza.graphql.contact_list import ContactList


@strawberry.input(description="A list to make.")
class CreateListInput:
    """A list to make."""

    name: str = strawberry.field(description="Its name, up to 200 characters; no other has it.")


@strawberry.input(description="Another name for a list.")
class RenameListInput:
    """Another name for a list."""

    list_id: strawberry.ID = strawberry.field(description="The list.")
    name: str = strawberry.field(description="Its name, up to 200 characters; no other has it.")


@strawberry.input(description="The list to remove.")
class DeleteListInput:
    """The list to remove."""

    list_id: strawberry.ID = strawberry.field(description="The list.")


@strawberry.input(description="Contacts to put into a list.")
class AddToListInput:
    """Contacts to put into a list."""

    list_id: strawberry.ID = strawberry.field(description="The list.")
    contact_ids: list[strawberry.ID] = strawberry.field(description="At most 500 contacts.")


@strawberry.input(description="Contacts to take out of a list.")
class RemoveFromListInput:
    """Contacts to take out of a list."""

    list_id: strawberry.ID = strawberry.field(description="The list.")
    contact_ids: list[strawberry.ID] = strawberry.field(description="At most 500 contacts.")


@record()
class CreateListPayload(Record):
    """The new list."""

    list_: ContactList = one("The list.", "id", scope=None)


@record()
class RenameListPayload(Record):
    """The list under its name."""

    list_: ContactList = one("The list.", "id", scope=None)


@record()
class DeleteListPayload(Record):
    """The list is gone; its contacts are not."""

    id: ID = column("What the list's id was.")


@record()
class ListMemberChange(Record):
    """What became of one contact."""

    contact_id: ID = column("The id as it was given.")
    change: ListChange = column("What became of it.")


@record()
class AddToListPayload(Record):
    """The list, and what became of each contact."""

    list_: ContactList = one("The list.", "id", scope=None)
    changes: list[ListMemberChange] = part("Id by id, in the order given.", "changes")


@record()
class RemoveFromListPayload(Record):
    """The list, and what became of each contact."""

    list_: ContactList = one("The list.", "id", scope=None)
    changes: list[ListMemberChange] = part("Id by id, in the order given.", "changes")


CreateListResult: TypeAlias = Annotated[
    CreateListPayload | errors.InvalidInput | errors.Forbidden | errors.Conflict,
    strawberry.union("CreateListResult", description="CreateList: done, or refused."),
]
RenameListResult: TypeAlias = Annotated[
    RenameListPayload | errors.InvalidInput | errors.Forbidden | errors.NotFound | errors.Conflict,
    strawberry.union("RenameListResult", description="RenameList: done, or refused."),
]
DeleteListResult: TypeAlias = Annotated[
    DeleteListPayload | errors.Forbidden | errors.NotFound | errors.Conflict,
    strawberry.union("DeleteListResult", description="DeleteList: done, or refused."),
]
AddToListResult: TypeAlias = Annotated[
    AddToListPayload | errors.InvalidInput | errors.Forbidden | errors.NotFound,
    strawberry.union("AddToListResult", description="AddToList: done, or refused."),
]
RemoveFromListResult: TypeAlias = Annotated[
    RemoveFromListPayload | errors.InvalidInput | errors.Forbidden | errors.NotFound,
    strawberry.union("RemoveFromListResult", description="RemoveFromList: done, or refused."),
]


def _changed(list_id: str, changes: Changes) -> Row:
    rows = [{"contact_id": id, "change": change} for id, change in changes]
    return {"id": list_id, "changes": rows}


@strawberry.type
class ListMutations:
    """Making and removing lists, putting contacts in and taking them out."""

    @strawberry.mutation(description="Makes an empty list.")  # type: ignore[untyped-decorator]
    async def create_list(
        self,
        info: Info,
        input: Annotated[CreateListInput, strawberry.argument(description="The list.")],
    ) -> CreateListResult:
        """Under a name of its own."""
        id = await info.context.write(create_list, CreateList(input.name))
        return view(CreateListPayload, {"id": id})

    @strawberry.mutation(description="Gives a list another name.")  # type: ignore[untyped-decorator]
    async def rename_list(
        self,
        info: Info,
        input: Annotated[RenameListInput, strawberry.argument(description="The new name.")],
    ) -> RenameListResult:
        """Its members stay."""
        request = RenameList(input.list_id, input.name)
        id = await info.context.write(rename_contact_list, request)
        return view(RenameListPayload, {"id": id})

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=("Removes a list, unless a segment asks about it; its contacts stay.")
    )
    async def delete_list(
        self,
        info: Info,
        input: Annotated[DeleteListInput, strawberry.argument(description="Which.")],
    ) -> DeleteListResult:
        """Nobody is lost."""
        id = await info.context.write(delete_contact_list, input.list_id)
        return view(DeleteListPayload, {"id": id})

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=(
            "Puts up to 500 contacts into a list; each id is answered for, and one that is unknown "
            "keeps none of the others out."
        )
    )
    async def add_to_list(
        self,
        info: Info,
        input: Annotated[AddToListInput, strawberry.argument(description="Who, and where.")],
    ) -> AddToListResult:
        """Who is in it already stays."""
        request = ChangeList(input.list_id, input.contact_ids)
        changes = await info.context.write(add_to_list, request)
        return view(AddToListPayload, _changed(input.list_id, changes))

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Takes up to 500 contacts out of a list; each is answered for."
    )
    async def remove_from_list(
        self,
        info: Info,
        input: Annotated[RemoveFromListInput, strawberry.argument(description="Who, and where.")],
    ) -> RemoveFromListResult:
        """The contacts themselves stay."""
        request = ChangeList(input.list_id, input.contact_ids)
        changes = await info.context.write(remove_from_list, request)
        return view(RemoveFromListPayload, _changed(input.list_id, changes))
