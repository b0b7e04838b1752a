"""Mutations of merges and of the rules for shared identities."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import strawberry

from trenza.domain.channel import AddressSpace, ChannelKind
from trenza.domain.merge import MergeDirection
from trenza.graphql import errors
from trenza.graphql.balance import BALANCE_NOW
from trenza.graphql.context import Context, Info
from trenza.graphql.merge import MergePreview, policy_row, preview_row
from trenza.readplan.fields import column, figure, one, part
from trenza.readplan.inputs import at_most
from trenza.readplan.reader import Row
from trenza.readplan.schema import Record, record, view
from trenza.services.identity_policy import (
    BlockAddress,
    SetIdentityPolicy,
    block_address,
    set_identity_policy,
    unblock_address,
)
from trenza.services.merge import MergeContacts, merge_contacts, preview_merge, unmerge_contact
from trenza.storage.ledger import LEDGER

if TYPE_CHECKING:
    from trenza.graphql.balance import InteractionzBalance
    from trenza.graphql.contact import Contact
    from trenza.graphql.interactionz import InteractionzDebit
    from trenza.graphql.merge import WorkspaceIdentityPolicy


@strawberry.input(description="Two contacts that are one person.")
class MergeContactsInput:
    """Two contacts that are one person."""

    source_id: strawberry.ID = strawberry.field(description="Becomes part of the target.")
    target_id: strawberry.ID = strawberry.field(description="Stays.")
    by_policy: bool = strawberry.field(
        default=False,
        description="Let the direction of the workspace's policy say which of the two stays.",
    )
    dry_run: bool = strawberry.field(
        default=False, description="Write nothing and answer `MergePreview`."
    )


@strawberry.input(description="A contact that is merged into another.")
class UnmergeContactInput:
    """A contact that is merged into another."""

    contact_id: strawberry.ID = strawberry.field(description="The contact that was merged.")


@strawberry.input(description="How many addresses of a space a contact may have.")
class SpaceLimitInput:
    """How many addresses of a space a contact may have."""

    space: AddressSpace = strawberry.field(description="The space.")
    most: int = strawberry.field(description="1 to 50.")


@strawberry.input(description="Rules for shared identities; what is omitted stays.")
class SetIdentityPolicyInput:
    """Rules for shared identities; what is omitted stays."""

    merge_on_shared_identity: bool | None = strawberry.field(
        default=None, description="Whether `upsertContact` merges contacts that share an identity."
    )
    direction: MergeDirection | None = strawberry.field(
        default=None, description="Which of two contacts stays."
    )
    priority: list[AddressSpace] | None = strawberry.field(
        default=None, description="Spaces, the surest first; those left out follow."
    )
    identities_max: int | None = strawberry.field(
        default=None, description="How many identities a contact may have: 1 to 50."
    )
    space_limits: list[SpaceLimitInput] | None = strawberry.field(
        default=None,
        description="All limits of single spaces; those left out have none.",
        metadata=at_most(len(AddressSpace)),
    )

    def request(self) -> SetIdentityPolicy:
        """The service's request."""
        limits = self.space_limits
        return SetIdentityPolicy(
            merge_on_shared_identity=self.merge_on_shared_identity,
            direction=self.direction,
            priority=self.priority,
            identities_max=self.identities_max,
            space_limits=None if limits is None else [(each.space, each.most) for each in limits],
        )


@strawberry.input(description="An address of many people, such as a switchboard.")
class BlockAddressInput:
    """An address of many people, such as a switchboard."""

    channel: ChannelKind = strawberry.field(description="A channel of its kind of addresses.")
    address: str = strawberry.field(description="The address, as people write it.")
    note: str | None = strawberry.field(default=None, description="Whose it is.")


@strawberry.input(description="An address that was blocked.")
class UnblockAddressInput:
    """An address that was blocked."""

    channel: ChannelKind = strawberry.field(description="A channel of its kind of addresses.")
    address: str = strawberry.field(description="The address, as people write it.")


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


@record()
class UnmergeContactPayload(Record):
    """The two contacts as they are now."""

    contact: Contact = one("The contact that is one of its own again.", "contact_id", scope=None)
    left: Contact = one("The contact that it was part of.", "left_id", scope=None)

    entries: list[InteractionzDebit] = figure(
        entries_of,
        "sequences",
        description="What was written to the ledger as the sessions of both were cut anew.",
    )
    balance: InteractionzBalance = BALANCE_NOW


@record()
class SetIdentityPolicyPayload(Record):
    """The rules as they are now."""

    identity_policy: WorkspaceIdentityPolicy = part("The rules.", "policy")


@record()
class BlockAddressPayload(Record):
    """The address that is blocked now."""

    space: AddressSpace = column("What kind of address it is.")
    address: str = column("The address, normalised.")


@record()
class UnblockAddressPayload(Record):
    """The address that identifies a person again."""

    space: AddressSpace = column("What kind of address it is.")
    address: str = column("The address, normalised.")


MergeContactsResult: TypeAlias = Annotated[
    MergeContactsPayload
    | MergePreview
    | errors.InvalidInput
    | errors.Forbidden
    | errors.NotFound
    | errors.Conflict,
    strawberry.union("MergeContactsResult", description="MergeContacts: done, shown, or refused."),
]
UnmergeContactResult: TypeAlias = Annotated[
    UnmergeContactPayload
    | errors.InvalidInput
    | errors.Forbidden
    | errors.NotFound
    | errors.Conflict,
    strawberry.union("UnmergeContactResult", description="UnmergeContact: done, or refused."),
]
SetIdentityPolicyResult: TypeAlias = Annotated[
    SetIdentityPolicyPayload | errors.InvalidInput | errors.Forbidden,
    strawberry.union("SetIdentityPolicyResult", description="SetIdentityPolicy: done, or refused."),
]
BlockAddressResult: TypeAlias = Annotated[
    BlockAddressPayload | errors.InvalidInput | errors.Forbidden,
    strawberry.union("BlockAddressResult", description="BlockAddress: done, or refused."),
]
UnblockAddressResult: TypeAlias = Annotated[
    UnblockAddressPayload | errors.InvalidInput | errors.Forbidden | errors.NotFound,
    strawberry.union("UnblockAddressResult", description="UnblockAddress: done, or refused."),
]


@strawberry.type
class MergeMutations:
    """Making two contacts one and two again, and the rules by which it happens."""

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=(
            "Makes two contacts one: what the one that stays lacks it gains, sessions are cut anew "
            "over what happened to both, and credits spent twice come back. Nothing is moved or "
            "lost."
        )
    )
    async def merge_contacts(
        self,
        info: Info,
        input: Annotated[MergeContactsInput, strawberry.argument(description="Which two.")],
    ) -> MergeContactsResult:
        """The merged id keeps answering, with `mergedInto`."""
        request = MergeContacts(input.source_id, input.target_id, input.by_policy)
        if input.dry_run:
            preview = await info.context.write(preview_merge, request)
            known = await info.context.figures.custom_fields()
            return view(MergePreview, preview_row(preview, info.context.viewer.sees, known))
        done = await info.context.write(merge_contacts, request)
        row = {"contact_id": done.contact_id, "merged_id": done.merged_id}
        return view(MergeContactsPayload, row | _sequences(done))

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=(
            "Undoes a merge: both contacts have again what they had, and what came since belongs "
            "to the one that holds the address it came by."
        )
    )
    async def unmerge_contact(
        self,
        info: Info,
        input: Annotated[UnmergeContactInput, strawberry.argument(description="Which.")],
    ) -> UnmergeContactResult:
        """Whoever had been merged into it before goes with it."""
        done = await info.context.write(unmerge_contact, input.contact_id)
        row = {"contact_id": done.contact_id, "left_id": done.left_id}
        return view(UnmergeContactPayload, row | _sequences(done))

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Changes the rules for shared identities."
    )
    async def set_identity_policy(
        self,
        info: Info,
        input: Annotated[SetIdentityPolicyInput, strawberry.argument(description="The rules.")],
    ) -> SetIdentityPolicyResult:
        """They hold for what is written from now on."""
        policy = await info.context.write(set_identity_policy, input.request())
        return view(SetIdentityPolicyPayload, {"policy": policy_row(policy)})

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=(
            "Blocks an address of many people: it finds no contact, merges none and becomes "
            "nobody's identity; whoever holds it keeps it. Again changes nothing."
        )
    )
    async def block_address(
        self,
        info: Info,
        input: Annotated[BlockAddressInput, strawberry.argument(description="Which.")],
    ) -> BlockAddressResult:
        """What is reported from it is recorded as before."""
        request = BlockAddress(input.channel, input.address, input.note)
        return view(BlockAddressPayload, _told(await info.context.write(block_address, request)))

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Lets an address identify a person again."
    )
    async def unblock_address(
        self,
        info: Info,
        input: Annotated[UnblockAddressInput, strawberry.argument(description="Which.")],
    ) -> UnblockAddressResult:
        """Nothing is merged by it until the next upsert."""
        done = await info.context.write(unblock_address, input.channel, input.address)
        return view(UnblockAddressPayload, _told(done))


def _sequences(done: Any) -> dict[str, Any]:
    return {"sequences": [entry.sequence for entry in done.entries]}


def _told(address: Any) -> dict[str, Any]:
    return {"space": address.space, "address": address.value}
