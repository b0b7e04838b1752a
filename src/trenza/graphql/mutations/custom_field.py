"""Mutations of custom fields."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import strawberry

from trenza.domain.access import Privacy
from trenza.domain.custom_field import CustomField as Definition
from trenza.domain.custom_field import FieldType
from trenza.graphql import errors
from trenza.graphql.context import Context, Info
from trenza.graphql.custom_field import definition_row
from trenza.readplan.fields import part
from trenza.readplan.reader import Row
from trenza.readplan.schema import Record, record, view
from trenza.services.custom_field import (
    DefineCustomField,
    archive_custom_field,
    define_custom_field,
)

if TYPE_CHECKING:
    from trenza.graphql.custom_field import CustomField


@strawberry.input(description="A custom field, as it is to be from now on.")
class DefineCustomFieldInput:
    """A custom field, as it is to be from now on."""

    key: str = strawberry.field(
        description="Its key: a small letter, then up to 39 of a-z, 0-9 and _. It never changes."
    )
    name: str = strawberry.field(description="Its name for people, up to 200 characters.")
    type: FieldType = strawberry.field(
        description="What its values are; it stays once contacts have values."
    )
    privacy: Privacy = strawberry.field(
        default=Privacy.NORMAL, description="How much it tells of a person."
    )
    options: list[str] | None = strawberry.field(
        default=None,
        description="What an ENUM can be: 1 to 100 texts. One that contacts have cannot go.",
    )


@strawberry.input(description="A custom field by its key.")
class ArchiveCustomFieldInput:
    """A custom field by its key."""

    key: str = strawberry.field(description="Its key.")


@record()
class DefineCustomFieldPayload(Record):
    """The custom field as it is now."""

    custom_field: CustomField = part("The custom field.", "field")


@record()
class ArchiveCustomFieldPayload(Record):
    """The custom field, out of use."""

    custom_field: CustomField = part("The custom field.", "field")


DefineCustomFieldResult: TypeAlias = Annotated[
    DefineCustomFieldPayload | errors.InvalidInput | errors.Forbidden | errors.Conflict,
    strawberry.union("DefineCustomFieldResult", description="DefineCustomField: done, or refused."),
]
ArchiveCustomFieldResult: TypeAlias = Annotated[
    ArchiveCustomFieldPayload | errors.Forbidden | errors.NotFound,
    strawberry.union(
        "ArchiveCustomFieldResult", description="ArchiveCustomField: done, or refused."
    ),
]


async def _changed(
    operation: Context, verb: Callable[..., Awaitable[Definition]], request: Any
) -> Row:
    """Runs a service, after which nobody here goes by the fields as they were."""
    field = await operation.write(verb, request)
    operation.memory.forget_custom_fields(operation.viewer.workspace_id)
    return {"field": definition_row(field)}


@strawberry.type
class CustomFieldMutations:
    """Defining custom fields, and taking them out of use."""

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=(
            "Defines a custom field, or changes the one of the key; an archived one comes back."
        )
    )
    async def define_custom_field(
        self,
        info: Info,
        input: Annotated[DefineCustomFieldInput, strawberry.argument(description="The field.")],
    ) -> DefineCustomFieldResult:
        """At most 100 in a workspace."""
        options = None if input.options is None else tuple(input.options)
        request = DefineCustomField(input.key, input.name, input.type, input.privacy, options)
        row = await _changed(info.context, define_custom_field, request)
        return view(DefineCustomFieldPayload, row)

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Takes a custom field out of use; values are kept and hidden."
    )
    async def archive_custom_field(
        self,
        info: Info,
        input: Annotated[ArchiveCustomFieldInput, strawberry.argument(description="Which one.")],
    ) -> ArchiveCustomFieldResult:
        """It comes back when it is defined again."""
        row = await _changed(info.context, archive_custom_field, input.key)
        return view(ArchiveCustomFieldPayload, row)
