"""Mutations of contacts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import strawberry

from trenza.domain.contact import LifecycleStage
from trenza.domain.interaction import Language
from trenza.domain.merge import IDENTITIES_MAX
from trenza.graphql import errors
from trenza.graphql.contact import IdentityInput
from trenza.graphql.context import Context, Info
from trenza.graphql.merge import addresses
from trenza.graphql.scalars import CustomValue
from trenza.readplan.fields import column, figure, one, part
from trenza.readplan.inputs import at_most
from trenza.readplan.reader import Row
from trenza.readplan.schema import Record, record, view
from trenza.services.contact import UpsertContact, upsert_contact
from trenza.services.contact_fields import UNSET, VALUES_MAX
from trenza.storage.contact import CONTACT

if TYPE_CHECKING:
    from trenza.graphql.contact import Contact
    from trenza.graphql.merge import ChannelAddress


def _optional(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description)


@strawberry.input(description="The value of a custom field.")
class CustomFieldInput:
    """The value of a custom field."""

    key: str = strawberry.field(description="The key of the field.")
    value: CustomValue | None = strawberry.field(description="The value; null clears it.")


@strawberry.input(description="A contact by id or by identities. Omitted fields stay; null clears.")
class UpsertContactInput:
    """A contact by id or by identities. Omitted fields stay; null clears."""

    id: strawberry.ID | None = strawberry.field(default=None, description="The contact.")
    identities: list[IdentityInput] = strawberry.field(
        default_factory=list,
        description="Addresses: they find the contact, and those still unknown are added to it.",
        metadata=at_most(IDENTITIES_MAX),
    )
    display_name: str | None = _optional("The name to show; first and last name by default.")
    first_name: str | None = _optional("Given name.")
    last_name: str | None = _optional("Family name.")
    birth_on: date | None = _optional("Date of birth.")
    language: Language | None = _optional("The language the person speaks.")
    time_zone: str | None = _optional("An IANA time zone, such as America/Bogota.")
    company: str | None = _optional("The company the person belongs to.")
    city: str | None = _optional("Where the person lives.")
    country: str | None = _optional("ISO 3166 alpha-2, such as CO.")
    stage: LifecycleStage | None = _optional("Where the person stands in the life cycle.")
    origin: str | None = _optional("Where the contact came from.")
    department: str | None = _optional("The department in which the person works.")
    assigned_user_id: strawberry.ID | None = _optional("The user who looks after the contact.")
    assigned_group_id: strawberry.ID | None = _optional("The group that looks after the contact.")
    tags: list[str] | None = _optional(
        "All tags, at most 50 of 60 characters, in the place of those that are there; "
        "`VIP` and `vip` are two."
    )
    add_tags: list[str] = strawberry.field(
        default_factory=list, description="Tags to add to those that are there."
    )
    remove_tags: list[str] = strawberry.field(
        default_factory=list, description="Tags to take away."
    )
    custom_fields: list[CustomFieldInput] = strawberry.field(
        default_factory=list,
        description="Values of custom fields; those left out stay.",
        metadata=at_most(VALUES_MAX),
    )

    def request(self) -> UpsertContact:
        """The service's request."""
        given: dict[str, Any] = {
            name: UNSET if value is strawberry.UNSET else value
            for name, value in vars(self).items()
            if name not in ("id", "identities", "custom_fields")
        }
        identities = [(each.channel, each.address) for each in self.identities]
        custom: list[tuple[str, Any]] = [(each.key, each.value) for each in self.custom_fields]
        return UpsertContact(id=self.id, identities=identities, custom_fields=custom, **given)


async def contacts_of(operation: Context, merged_ids: Sequence[str]) -> list[Row]:
    """Contacts by their ids."""
    load = operation.reader.known
    return await asyncio.gather(*(load(CONTACT, "id", each) for each in merged_ids))


@record()
class UpsertContactPayload(Record):
    """The contact as it is now."""

    contact: Contact = one("The contact.", "contact_id", scope=None)
    created: bool = column("Whether it is new.")
    ignored: list[ChannelAddress] = part(
        "The identities that were given and are blocked: they were left out.", "ignored"
    )

    merged: list[Contact] = figure(
        contacts_of,
        "merged_ids",
        description="The contacts that became part of it: the identities led to them as well.",
    )


UpsertContactResult: TypeAlias = Annotated[
    UpsertContactPayload
    | errors.InvalidInput
    | errors.Forbidden
    | errors.NotFound
    | errors.Conflict,
    strawberry.union("UpsertContactResult", description="UpsertContact: done, or refused."),
]


@strawberry.type
class ContactMutations:
    """Making and changing contacts."""

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=(
            "Makes a contact or changes one. Contacts that its identities lead to become one, by "
            "the workspace's `identityPolicy`."
        )
    )
    async def upsert_contact(
        self,
        info: Info,
        input: Annotated[UpsertContactInput, strawberry.argument(description="The contact.")],
    ) -> UpsertContactResult:
        """Found by id or by any of its identities."""
        done = await info.context.write(upsert_contact, input.request())
        row = {
            "contact_id": done.contact_id,
            "created": done.created,
            "ignored": addresses(done.ignored),
            "merged_ids": done.merged,
        }
        return view(UpsertContactPayload, row)
