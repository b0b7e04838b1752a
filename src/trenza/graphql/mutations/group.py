"""Mutations of groups of agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

from trenza.graphql import errors
from trenza.graphql.context import Info
from trenza.readplan.fields import column, one
from trenza.readplan.schema import Record, record, view
from trenza.services.group import (
    ChangeMembers,
    DeleteGroup,
    add_group_members,
    create_group,
    delete_group,
    remove_group_members,
    rename_group,
)

if TYPE_CHECKING:
    from strawberry import ID

    from trenza.graphql.group import AgentGroup


@strawberry.input(description="A group to make.")
class CreateGroupInput:
    """A group to make."""

    name: str = strawberry.field(description="Its name, up to 200 characters, of no other group.")


@strawberry.input(description="Another name for a group.")
class RenameGroupInput:
    """Another name for a group."""

    group_id: strawberry.ID = strawberry.field(description="The group.")
    name: str = strawberry.field(description="Its name, up to 200 characters, of no other group.")


@strawberry.input(description="Users who join a group, or leave it.")
class GroupMembersInput:
    """Users who join a group, or leave it."""

    group_id: strawberry.ID = strawberry.field(description="The group.")
    user_ids: list[strawberry.ID] = strawberry.field(description="From 1 to 100 users.")

    def request(self) -> ChangeMembers:
        """The service's request."""
        return ChangeMembers(self.group_id, self.user_ids)


@strawberry.input(description="A group to delete.")
class DeleteGroupInput:
    """A group to delete."""

    group_id: strawberry.ID = strawberry.field(description="The group.")
    unassign: bool = strawberry.field(
        default=False, description="Leave the contacts that are assigned to it with nobody."
    )


@record()
class GroupPayload(Record):
    """The group as it is now."""

    group: AgentGroup = one("The group.", "group_id", scope=None)


@record()
class DeleteGroupPayload(Record):
    """A group that is gone."""

    group_id: ID = column("The id that it had.")


GroupResult: TypeAlias = Annotated[
    GroupPayload | errors.InvalidInput | errors.Forbidden | errors.NotFound | errors.Conflict,
    strawberry.union("GroupResult", description="Group: done, or refused."),
]
DeleteGroupResult: TypeAlias = Annotated[
    DeleteGroupPayload | errors.Forbidden | errors.NotFound | errors.Conflict,
    strawberry.union("DeleteGroupResult", description="DeleteGroup: done, or refused."),
]
Members = Annotated[GroupMembersInput, strawberry.argument(description="Who, and which group.")]


@strawberry.type
class GroupMutations:
    """Groups of agents, and who is in them."""

    @strawberry.mutation(description="Makes an empty group of agents.")  # type: ignore[untyped-decorator]
    async def create_group(
        self,
        info: Info,
        input: Annotated[CreateGroupInput, strawberry.argument(description="The group.")],
    ) -> GroupResult:
        """No two groups of a workspace have one name."""
        group_id = await info.context.write(create_group, input.name)
        return view(GroupPayload, {"group_id": group_id})

    @strawberry.mutation(description="Gives a group another name.")  # type: ignore[untyped-decorator]
    async def rename_group(
        self,
        info: Info,
        input: Annotated[RenameGroupInput, strawberry.argument(description="The change.")],
    ) -> GroupResult:
        """Its own name again changes nothing."""
        group_id = await info.context.write(rename_group, input.group_id, input.name)
        return view(GroupPayload, {"group_id": group_id})

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Puts users into a group; whoever is in it stays."
    )
    async def add_group_members(self, info: Info, input: Members) -> GroupResult:
        """All of them, or none where one is unknown."""
        group_id = await info.context.write(add_group_members, input.request())
        return view(GroupPayload, {"group_id": group_id})

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Takes users out of a group; whoever is not in it stays so."
    )
    async def remove_group_members(self, info: Info, input: Members) -> GroupResult:
        """All of them, or none where one is unknown."""
        group_id = await info.context.write(remove_group_members, input.request())
        return view(GroupPayload, {"group_id": group_id})

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=(
            "Deletes a group; its members stay users. Refused while contacts are assigned to it, "
            "unless they are to be left with nobody."
        )
    )
    async def delete_group(
        self,
        info: Info,
        input: Annotated[DeleteGroupInput, strawberry.argument(description="Which.")],
    ) -> DeleteGroupResult:
        """Its name is free again."""
        request = DeleteGroup(input.group_id, input.unassign)
        group_id = await info.context.write(delete_group, request)
        return view(DeleteGroupPayload, {"group_id": group_id})
