"""Mutations of what is known about a person as a whole, and of how long anything is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

from trenza.graphql import errors
from trenza.graphql.context import Info
from trenza.readplan.fields import column, one
from trenza.readplan.schema import Record, record, view
from trenza.services.erasure import EraseContact, erase_contact, preview_erasure
from trenza.services.person_export import export_person
from trenza.services.retention import set_retention

if TYPE_CHECKING:
    from strawberry.scalars import JSON

    from trenza.graphql.contact import Contact
    from trenza.graphql.erasure import ErasureCertificate
    from trenza.graphql.workspace import Workspace


@strawberry.input(description="A person to erase.")
class EraseContactInput:
    """A person to erase."""

    contact_id: strawberry.ID = strawberry.field(
        description="Any contact of the person: all that were merged into one are erased."
    )
    reason: str = strawberry.field(
        description="Why, up to 200 characters. It stays, so it names nobody."
    )
    dry_run: bool = strawberry.field(
        default=False, description="Write nothing and answer `ErasurePreview`."
    )


@strawberry.input(description="A person to export.")
class ExportContactInput:
    """A person to export."""

    contact_id: strawberry.ID = strawberry.field(description="Any contact of the person.")


@strawberry.input(description="How long what happened is kept.")
class SetRetentionInput:
    """How long what happened is kept."""

    months: int | None = strawberry.field(description="1 to 1200; null keeps it for ever.")


@record()
class EraseContactPayload(Record):
    """What is left of the person."""

    contact: Contact = one("The contact, empty now.", "contact_id", scope=None)
    certificate: ErasureCertificate = one("The certificate.", "certificate_id", scope=None)
    replayed: bool = column("Whether the person had been erased before; then nothing changed.")


@record()
class ErasurePreview(Record):
    """What erasing a person would find now; nothing was written."""

    contact: Contact = one("The contact that stands for the person.", "contact_id", scope=None)
    counts: JSON = column("How many rows of what are held about the person.")


@record()
class ExportContactPayload(Record):
    """Everything that is held about the person."""

    contact: Contact = one("The contact that stands for the person.", "contact_id", scope=None)
    document: JSON = column("Rows by what they are, in the shape of schema/README.md.")


@record()
class SetRetentionPayload(Record):
    """How long things are kept now."""

    workspace: Workspace = one("The workspace.", "workspace_id", to="workspace_id", scope=None)


EraseContactResult: TypeAlias = Annotated[
    EraseContactPayload | ErasurePreview | errors.InvalidInput | errors.Forbidden | errors.NotFound,
    strawberry.union("EraseContactResult", description="EraseContact: done, shown, or refused."),
]
ExportContactResult: TypeAlias = Annotated[
    ExportContactPayload | errors.InvalidInput | errors.Forbidden | errors.NotFound,
    strawberry.union("ExportContactResult", description="ExportContact: done, or refused."),
]
SetRetentionResult: TypeAlias = Annotated[
    SetRetentionPayload | errors.InvalidInput | errors.Forbidden,
    strawberry.union("SetRetentionResult", description="SetRetention: done, or refused."),
]


@strawberry.type
class ErasureMutations:
    """What is known about a person as a whole, and for how long anything is."""

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=(
            "Erases a person: every personal datum goes, for good; the ledger, sessions, verdicts "
            "and statements stay as they are. What is reported from the person's addresses later "
            "makes a new contact. Again answers the certificate."
        )
    )
    async def erase_contact(
        self,
        info: Info,
        input: Annotated[EraseContactInput, strawberry.argument(description="Whom, and why.")],
    ) -> EraseContactResult:
        """The files of the database are scrubbed by `trenza erasure scrub`."""
        request = EraseContact(input.contact_id, input.reason)
        if input.dry_run:
            found = await info.context.write(preview_erasure, request)
            shown = {"contact_id": found.contact_id, "counts": dict(found.counts)}
            return view(ErasurePreview, shown)
        done = await info.context.write(erase_contact, request)
        row = {"contact_id": done.contact_id, "certificate_id": done.certificate_id}
        return view(EraseContactPayload, row | {"replayed": done.replayed})

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=(
            "Answers everything that is held about a person, and notes in the activity log that it "
            "was asked for."
        )
    )
    async def export_contact(
        self,
        info: Info,
        input: Annotated[ExportContactInput, strawberry.argument(description="Whom.")],
    ) -> ExportContactResult:
        """A person with a very long history is better written to a file by the command line."""
        done = await info.context.write(export_person, input.contact_id)
        row = {"contact_id": done.contact_id, "document": dict(done.document)}
        return view(ExportContactPayload, row)

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=(
            "Sets for how many months what happened is kept in full. `trenza retention` makes a "
            "skeleton of what is older."
        )
    )
    async def set_retention(
        self,
        info: Info,
        input: Annotated[SetRetentionInput, strawberry.argument(description="How long.")],
    ) -> SetRetentionResult:
        """What is a skeleton already stays one."""
        workspace_id = await info.context.write(set_retention, input.months)
        return view(SetRetentionPayload, {"workspace_id": workspace_id})
