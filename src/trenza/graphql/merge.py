"""Merges, what one would do, and a workspace's rules for shared identities."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from trenza.domain.access import Privacy
from trenza.domain.channel import AddressSpace, ChannelKind
from trenza.domain.contact import privacy_of
from trenza.domain.custom_field import CustomField
from trenza.domain.merge import IdentityPolicy, MergeDirection, MergeReason
from trenza.graphql.context import Context
from trenza.graphql.node import Node
from trenza.readplan.fields import column, figure, one, part
from trenza.readplan.reader import Row
from trenza.readplan.schema import Record, record
from trenza.services.merge import Preview
from trenza.storage.contact import Identity
from trenza.storage.identity_policy import BlockedAddress as BlockedTable
from trenza.storage.merge import ContactMerge as MergeTable
from trenza.storage.session import SESSION

if TYPE_CHECKING:
    from strawberry import ID

    from trenza.graphql.contact import Contact
    from trenza.graphql.interaction import Interaction
    from trenza.graphql.interactionz import InteractionzSession
    from trenza.graphql.seat import User

NAMES = {"zone": "timeZone"}


def field_name(name: str) -> str:
    """A field as the graph calls it.

    >>> field_name("birth_on"), field_name("zone"), field_name("custom.shoe_size")
    ('birthOn', 'timeZone', 'custom.shoe_size')
    """
    if "." in name:
        return name
    first, *rest = NAMES.get(name, name).split("_")
    return first + "".join(word.capitalize() for word in rest)


def is_seen(name: str, sees: frozenset[Privacy], definitions: Mapping[str, CustomField]) -> bool:
    """Whether a field may be told to whoever sees some classes of fields.

    A custom field without a definition is told only to those who see everything.
    """
    if not name.startswith("custom."):
        return privacy_of(name) in sees
    definition = definitions.get(name.removeprefix("custom."))
    return (Privacy.SENSITIVE if definition is None else definition.privacy) in sees


async def filled_fields(operation: Context, filled: dict[str, Any]) -> list[str]:
    """The fields that the contact which stayed gained by it, those that you may see.

    Such as `city`, `tags.vip`, `custom.size`.
    """
    definitions = await operation.figures.custom_fields()
    sees = operation.viewer.sees
    return [field_name(name) for name in sorted(filled) if is_seen(name, sees, definitions)]


@record(MergeTable)
class ContactMerge(Node):
    """One contact became part of another; and, perhaps, one of its own again."""

    source: Contact = one("The contact that became part of the other.", "source_id")
    target: Contact = one("The contact that stayed then.", "target_id")
    reason: MergeReason = column("Why.")
    filled: list[str] = figure(
        filled_fields,
        "filled",
        description=(
            "The fields that the contact which stayed gained by it: `city`, `tags.vip`, "
            "`custom.size`; those that you may see."
        ),
    )
    merged_at: datetime = column("When.")
    merged_by_key_id: ID | None = column("The API key by which it was done; null where none was.")
    merged_by: User | None = one(
        "Who did it; null where the key is a service's.", "merged_by_user_id"
    )
    unmerged_at: datetime | None = column("When it was undone; null while it stands.")
    unmerged_by_key_id: ID | None = column("The API key by which it was undone.")
    unmerged_by: User | None = one("Who undid it.", "unmerged_by_user_id")


@record()
class ChannelAddress(Record):
    """An address on a channel, as it is stored."""

    channel: ChannelKind = column("The channel.")
    address: str = column("The address, normalised.")


@record()
class MergeConflict(Record):
    """A field that two contacts have, each with another value."""

    field: str = column("The field: `city`, `custom.size`.")
    kept: str | None = column("The value that wins; null where you may not see it.")
    dropped: str | None = column("The value that loses; null where you may not see it.")


@record()
class MergeEntry(Record):
    """An entry that a merge would write to the ledger."""

    amount: int = column("1 for a debit, -1 for a reversal.")
    effective_at: datetime = column("When the session was opened.")
    opened_by: Interaction = one("The interaction that opens the session.", "interaction_id")


@record()
class MergeProtection(Record):
    """A limit of the workspace that keeps two contacts from being merged."""

    space: AddressSpace | None = column("The addresses that it counts; null: all identities.")
    allowed: int = column("How many a contact may have.")
    count: int = column("How many the two would have together.")
    message: str = column("The limit, for people.")


async def sessions_of(operation: Context, session_ids: Sequence[str]) -> list[Row]:
    """Sessions by their ids."""
    load = operation.reader.known
    return await asyncio.gather(*(load(SESSION, "id", each) for each in session_ids))


@record()
class MergePreview(Record):
    """What merging two contacts would do now; nothing was written."""

    contact: Contact = one("The contact that would stay.", "contact_id", scope=None)
    merged: Contact = one("The one that would become part of it.", "merged_id", scope=None)
    conflicts: list[MergeConflict] = part("Where the two contradict each other.", "conflicts")
    fills: list[str] = column(
        "The fields that the contact which stays would gain; those that you may see."
    )
    identities: list[ChannelAddress] = part("The addresses of both together.", "identities")
    collapsing: list[InteractionzSession] = figure(
        sessions_of, "session_ids", description="The sessions that would no longer stand."
    )
    credits_back: int = column("The credits that would come back.")
    entries: list[MergeEntry] = part("What would be written to the ledger.", "entries")
    protections: list[MergeProtection] = part(
        "The limits that forbid it; none where it may be done.", "protections"
    )


def preview_row(
    preview: Preview, sees: frozenset[Privacy], definitions: Mapping[str, CustomField]
) -> dict[str, Any]:
    """A preview as the graph tells it to whoever sees some classes of fields."""
    hidden = {
        each.field for each in preview.conflicts if not is_seen(each.field, sees, definitions)
    }
    return {
        "contact_id": preview.contact_id,
        "merged_id": preview.merged_id,
        "conflicts": [
            {
                "field": field_name(each.field),
                "kept": None if each.field in hidden else _shown(each.kept),
                "dropped": None if each.field in hidden else _shown(each.dropped),
            }
            for each in preview.conflicts
        ],
        "fills": [field_name(name) for name in preview.fills if is_seen(name, sees, definitions)],
        "identities": addresses(preview.identities),
        "session_ids": list(preview.collapsing),
        "credits_back": -sum(entry.amount for entry in preview.entries),
        "entries": [
            {
                "amount": entry.amount,
                "effective_at": entry.effective_at,
                "interaction_id": entry.session_id,
            }
            for entry in preview.entries
        ],
        "protections": [
            {
                "space": each.space,
                "allowed": each.allowed,
                "count": each.count,
                "message": each.message,
            }
            for each in preview.protections
        ],
    }


def addresses(identities: Sequence[Identity]) -> list[dict[str, Any]]:
    """Identities as rows of `ChannelAddress`."""
    return [{"channel": each.channel, "address": each.address} for each in identities]


def _shown(value: Any) -> str:
    """A value for people."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@record()
class SpaceLimit(Record):
    """How many addresses of a space a contact may have."""

    space: AddressSpace = column("The space.")
    most: int = column("How many.")


@record()
class WorkspaceIdentityPolicy(Record):
    """What happens where identities lead to several contacts."""

    merge_on_shared_identity: bool = column(
        "Whether `upsertContact` makes contacts one that share what it names; else it conflicts."
    )
    direction: MergeDirection = column("Which of two stays.")
    priority: list[AddressSpace] = column(
        "The spaces, the one that tells most surely who somebody is first: the contact that it "
        "leads to is the one that the others are merged with."
    )
    identities_max: int = column("How many identities a contact may have.")
    space_limits: list[SpaceLimit] = part("Limits of single spaces.", "space_limits")


def policy_row(policy: IdentityPolicy) -> dict[str, Any]:
    """The rules as the graph tells them."""
    return {
        "merge_on_shared_identity": policy.merge_on_shared_identity,
        "direction": policy.direction,
        "priority": list(policy.priority),
        "identities_max": policy.identities_max,
        "space_limits": [
            {"space": space, "most": most} for space, most in policy.space_limits.items()
        ],
    }


async def find_policy(operation: Context) -> Row:
    """What happens where identities lead to several contacts."""
    return policy_row(await operation.figures.identity_policy())


@record(BlockedTable)
class BlockedAddress(Record):
    """An address of many people: it finds no contact, merges none and becomes nobody's identity."""

    space: AddressSpace = column("What kind of address it is.")
    address: str = column("The address, normalised.")
    note: str | None = column("Whose it is.")
    blocked_at: datetime = column("When it was blocked.")
