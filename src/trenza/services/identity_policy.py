"""The rules for shared identities of a workspace, and the addresses that identify nobody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from trenza.channels.address import Address, normalise_address
from trenza.domain.access import Verb, Viewer
from trenza.domain.channel import AddressSpace, ChannelKind
from trenza.domain.errors import InvalidInput
from trenza.domain.merge import IDENTITIES_MAX, IdentityPolicy, MergeDirection
from trenza.domain.text import clean
from trenza.services.activity import note_of
from trenza.services.dependencies import Dependencies
from trenza.services.reference import absent
from trenza.storage.asking import Source, answers
from trenza.storage.bulk import write_all
from trenza.storage.engine import AsyncConnection
from trenza.storage.identity_policy import (
    ASKED_POLICY,
    delete_blocked,
    policy_columns,
    policy_of,
    put_blocked,
    put_policy,
)

NOTE_LONGEST = 200


@dataclass(frozen=True)
class SetIdentityPolicy:
    """The rules to change; what is None stays as it is.

    Spaces that `priority` does not name follow in their usual order. `space_limits` are all the
    limits of spaces: one that is not named has none.
    """

    merge_on_shared_identity: bool | None = None
    direction: MergeDirection | None = None
    priority: Sequence[AddressSpace] | None = None
    identities_max: int | None = None
    space_limits: Sequence[tuple[AddressSpace, int]] | None = None


@dataclass(frozen=True)
class BlockAddress:
    """An address on a channel that is that of many people; `note` says whose."""

    channel: ChannelKind
    address: str
    note: str | None = None


async def find_identity_policy(source: Source, workspace_id: str) -> IdentityPolicy:
    """The rules of a workspace: the default ones where it has set none."""
    [rules] = await answers(source, ASKED_POLICY.of(workspace_id))
    return policy_of(rules)


async def set_identity_policy(
    dependencies: Dependencies, viewer: Viewer, request: SetIdentityPolicy
) -> IdentityPolicy:
    """Changes the rules for shared identities. Needs the scope `admin`.

    What is merged or known already stays as it is. Raises InvalidInput for limits out of range
    and spaces that are named twice.
    """
    viewer.require(Verb.SET_IDENTITY_POLICY)
    changes = _checked(request)
    now = dependencies.clock.now()

    async def work(connection: AsyncConnection) -> IdentityPolicy:
        before = await find_identity_policy(connection, viewer.workspace_id)
        after = replace(before, **changes)
        if after == before:
            return after
        await put_policy(connection, viewer.workspace_id, after, now)
        was, becomes = policy_columns(before), policy_columns(after)
        changed = [name for name in becomes if was[name] != becomes[name]]
        note = note_of(
            dependencies,
            viewer,
            now,
            Verb.SET_IDENTITY_POLICY,
            viewer.workspace_id,
            {name: was[name] for name in changed},
            {name: becomes[name] for name in changed},
        )
        await write_all(connection, viewer.workspace_id, [note])
        return after

    return await dependencies.database.write(work, viewer.workspace_id)


def _checked(request: SetIdentityPolicy) -> dict[str, Any]:
    """The rules that are given, checked."""
    changes: dict[str, Any] = {}
    if request.merge_on_shared_identity is not None:
        changes["merge_on_shared_identity"] = request.merge_on_shared_identity
    if request.direction is not None:
        changes["direction"] = request.direction
    if request.priority is not None:
        _require_once(request.priority, "priority")
        rest = [space for space in AddressSpace if space not in request.priority]
        changes["priority"] = (*request.priority, *rest)
    if request.identities_max is not None:
        _require_limit(request.identities_max, "identitiesMax")
        changes["identities_max"] = request.identities_max
    if request.space_limits is not None:
        _require_once([space for space, _ in request.space_limits], "spaceLimits")
        for _, most in request.space_limits:
            _require_limit(most, "spaceLimits")
        changes["space_limits"] = dict(request.space_limits)
    return changes


def _require_once(spaces: Sequence[AddressSpace], name: str) -> None:
    if len(set(spaces)) < len(spaces):
        raise InvalidInput("a space is named twice", path=(name,))


def _require_limit(limit: int, name: str) -> None:
    if not 1 <= limit <= IDENTITIES_MAX:
        raise InvalidInput(f"a limit is 1 to {IDENTITIES_MAX}", path=(name,))


async def block_address(
    dependencies: Dependencies, viewer: Viewer, request: BlockAddress
) -> Address:
    """Blocks an address: it finds no contact, merges none and becomes nobody's identity.

    Whoever holds it keeps it, and what is reported from it is recorded as before. Again changes
    nothing. Needs the scope `admin`. Raises InvalidInput.
    """
    viewer.require(Verb.BLOCK_ADDRESS)
    address = normalise_address(request.channel, request.address)
    note = None if request.note is None else clean(request.note, ("note",), NOTE_LONGEST)
    now = dependencies.clock.now()
    row = {
        "workspace_id": viewer.workspace_id,
        "space": address.space,
        "address": address.value,
        "note": note,
        "blocked_at": now,
        "blocked_by_key_id": viewer.key_id or None,
        "blocked_by_user_id": viewer.user_id,
    }

    async def work(connection: AsyncConnection) -> Address:
        if await put_blocked(connection, row):
            verb = Verb.BLOCK_ADDRESS
            await _note(connection, dependencies, viewer, now, verb, None, _told(address))
        return address

    return await dependencies.database.write(work, viewer.workspace_id)


async def unblock_address(
    dependencies: Dependencies, viewer: Viewer, channel: ChannelKind, address: str
) -> Address:
    """Lets an address identify a person again. Needs the scope `admin`.

    Raises InvalidInput, and NotFound where it is not blocked.
    """
    viewer.require(Verb.UNBLOCK_ADDRESS)
    normalised = normalise_address(channel, address)
    now = dependencies.clock.now()

    async def work(connection: AsyncConnection) -> Address:
        space, value = normalised
        if not await delete_blocked(connection, viewer.workspace_id, space, value):
            raise absent("address")
        verb = Verb.UNBLOCK_ADDRESS
        await _note(connection, dependencies, viewer, now, verb, _told(normalised), None)
        return normalised

    return await dependencies.database.write(work, viewer.workspace_id)


def _told(address: Address) -> dict[str, str]:
    return {"space": address.space, "address": address.value}


async def _note(
    connection: AsyncConnection,
    dependencies: Dependencies,
    viewer: Viewer,
    now: datetime,
    verb: Verb,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    workspace_id = viewer.workspace_id
    note = note_of(dependencies, viewer, now, verb, workspace_id, before, after)
    await write_all(connection, workspace_id, [note])
