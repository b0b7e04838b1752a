"""Mutations of contacts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import strawberry

from trenza.domain.contact import LifecycleStage
from trenza.domain.interaction import Language
from trenza.graphql import errors
from trenza.graphql.balance import BALANCE_NOW
from trenza.graphql.contact import IdentityInput
from trenza.graphql.context import Context, Info
from trenza.readplan.fields import column, figure, one
from trenza.readplan.reader import Row
from trenza.readplan.schema import Record, record, view
from trenza.services.contact import (
    UNSET,
    MergeContacts,
    UpsertContact,
    merge_contacts,
    upsert_contact,
)
from trenza.storage.ledger import LEDGER

if TYPE_CHECKING:
    from trenza.graphql.balance import InteractionzBalance
    from trenza.graphql.contact import Contact
    from trenza.graphql.interactionz import InteractionzDebit


def _optional(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description)


@strawberry.input(description="A contact by id or by identities. Omitted fields stay; null clears.")
class UpsertContactInput:
    """A contact by id or by identities. Omitted fields stay; null clears."""

    id: strawberry.ID | None = strawberry.field(default=None, description="The contact.")
    identities: list[IdentityInput] = strawberry.field(
        default_factory=list,
        description="Addresses: they find the contact, and those still unknown are added to it.",
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

    def request(self) -> UpsertContact:
        """The service's request."""
        given = {
            name: UNSET if value is strawberry.UNSET else value
            for name, value in vars(self).items()
            if name not in ("id", "identities")
        }
        identities = [(each.channel, each.address) for each in self.identities]
        return UpsertContact(id=self.id, identities=identities, **given)


@strawberry.input(description="Two contacts that are one person.")
class MergeContactsInput:
    """Two contacts that are one person."""

    source_id: strawberry.ID = strawberry.field(description="Becomes part of the target.")
    target_id: strawberry.ID = strawberry.field(description="Stays.")


@record()
class UpsertContactPayload(Record):
    """The contact as it is now."""

    contact: Contact = one("The contact.", "contact_id", scope=None)
    created: bool = column("Whether it is new.")


async def entries_of(operation: Context, sequences: Sequence[int]) -> list[Row]:
    """Rows of the ledger by their numbers."""
    load = operation.reader.known
    return await asyncio.gather(*(load(LEDGER, "sequence", n) for n in sequences))


@record()
class MergeContactsPayload(Record):
    """The contact that stands for both."""

    contact: Contact = one("The contact that stays.", "contact_id", scope=None)
    merged: Contact = one("The one that is now part of it.", "merged_id", scope=None)

    entries: list[InteractionzDebit] = figure(
        entries_of,
        "sequences",
        description=(
            "What the merge wrote to the ledger: credits that came back. Reversals first, then "
            "the debits of the sessions as they are cut now."
        ),
    )
    balance: InteractionzBalance = BALANCE_NOW


UpsertContactResult: TypeAlias = Annotated[
    UpsertContactPayload
    | errors.InvalidInput
    | errors.Forbidden
    | errors.NotFound
    | errors.Conflict,
    strawberry.union("UpsertContactResult", description="UpsertContact: done, or refused."),
]
MergeContactsResult: TypeAlias = Annotated[
    MergeContactsPayload
    | errors.InvalidInput
    | errors.Forbidden
    | errors.NotFound
    | errors.Conflict,
    strawberry.union("MergeContactsResult", description="MergeContacts: done, or refused."),
]


@strawberry.type
class ContactMutations:
    """Making, changing and merging contacts."""

    @strawberry.mutation(description="Makes a contact or changes one.")  # type: ignore[untyped-decorator]
    async def upsert_contact(
        self,
        info: Info,
        input: Annotated[UpsertContactInput, strawberry.argument(description="The contact.")],
    ) -> UpsertContactResult:
        """Found by id or by any of its identities."""
        done = await info.context.write(upsert_contact, input.request())
        return view(UpsertContactPayload, {"contact_id": done.contact_id, "created": done.created})

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=(
            "Makes two contacts one: their sessions are cut anew over what happened to both, and "
            "credits spent twice come back. Nothing is moved or lost."
        )
    )
    async def merge_contacts(
        self,
        info: Info,
        input: Annotated[MergeContactsInput, strawberry.argument(description="Which two.")],
    ) -> MergeContactsResult:
        """The merged id keeps answering, with `mergedInto`."""
        request = MergeContacts(source_id=input.source_id, target_id=input.target_id)
        done = await info.context.write(merge_contacts, request)
        entries = [entry.sequence for entry in done.entries]
        row = {"contact_id": done.contact_id, "merged_id": done.merged_id, "sequences": entries}
        return view(MergeContactsPayload, row)
