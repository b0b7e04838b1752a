"""Groups of agents: making and naming them, who is in them, and their end."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from trenza.domain.access import Verb, Viewer
from trenza.domain.errors import Conflict, InvalidInput
from trenza.domain.ids import Prefix
from trenza.domain.text import clean
from trenza.services.activity import note_of
from trenza.services.contact_history import rewriting
from trenza.services.dependencies import Dependencies
from trenza.services.reference import absent, require_form
from trenza.storage import group as storage
from trenza.storage.bulk import write_all
from trenza.storage.contact import lock_roots
from trenza.storage.engine import AsyncConnection
from trenza.storage.merge import find_people
from trenza.storage.seat import lock_users

NAME_LONGEST = 200
MEMBERS_MAX = 100
"""How many are put into a group, or taken out of it, at once."""
UNASSIGNED_MAX = 1000
"""Of so many contacts at a time it is kept what they were when their group ends."""


@dataclass(frozen=True)
class ChangeMembers:
    """Users to put into a group, or to take out of it."""

    group_id: str
    user_ids: Collection[str]


@dataclass(frozen=True)
class DeleteGroup:
    """A group to delete; with `unassign` its contacts are left with nobody."""

    group_id: str
    unassign: bool = False


async def create_group(dependencies: Dependencies, viewer: Viewer, name: str) -> str:
    """Makes an empty group and returns its id. Needs the scope `admin`.

    Raises InvalidInput for a bad name, Conflict for that of another group.
    """
    viewer.require(Verb.CREATE_GROUP)
    name = clean(name, ("name",), NAME_LONGEST)
    group_id = dependencies.new_id(Prefix.GROUP)
    now = dependencies.clock.now()
    workspace_id = viewer.workspace_id
    row = {"workspace_id": workspace_id, "id": group_id, "name": name, "created_at": now}
    note = note_of(dependencies, viewer, now, Verb.CREATE_GROUP, group_id, None, {"name": name})

    async def work(connection: AsyncConnection) -> str:
        await _require_free(connection, workspace_id, name)
        await storage.insert_group(connection, row)
        await write_all(connection, workspace_id, [note])
        return group_id

    return await dependencies.database.write(work, viewer.workspace_id)


async def rename_group(dependencies: Dependencies, viewer: Viewer, group_id: str, name: str) -> str:
    """Gives a group another name and returns its id. Needs the scope `admin`.

    Raises NotFound, InvalidInput for a bad name, Conflict for that of another group.
    """
    viewer.require(Verb.RENAME_GROUP)
    name = clean(name, ("name",), NAME_LONGEST)
    require_form(group_id, Prefix.GROUP, "groupId")
    now = dependencies.clock.now()
    workspace_id = viewer.workspace_id

    async def work(connection: AsyncConnection) -> str:
        group = await storage.lock_group(connection, workspace_id, group_id)
        if group is None:
            raise absent("groupId")
        if group["name"] != name:
            await _require_free(connection, workspace_id, name)
            await storage.rename(connection, workspace_id, group_id, name)
            names = {"name": group["name"]}, {"name": name}
            note = note_of(dependencies, viewer, now, Verb.RENAME_GROUP, group_id, *names)
            await write_all(connection, workspace_id, [note])
        return group_id

    return await dependencies.database.write(work, viewer.workspace_id)


async def _require_free(connection: AsyncConnection, workspace_id: str, name: str) -> None:
    if await storage.has_group_named(connection, workspace_id, name):
        raise Conflict("another group has this name", path=("name",))


async def add_group_members(
    dependencies: Dependencies, viewer: Viewer, request: ChangeMembers
) -> str:
    """Puts users into a group, whatever their status; who is in it stays. Needs `admin`.

    Returns the group's id. Raises NotFound for the group or any of the users, InvalidInput for
    more than 100.
    """
    return await _change(dependencies, viewer, Verb.ADD_GROUP_MEMBERS, request)


async def remove_group_members(
    dependencies: Dependencies, viewer: Viewer, request: ChangeMembers
) -> str:
    """Takes users out of a group; who is not in it stays so. Needs the scope `admin`.

    Returns the group's id. Raises NotFound for the group or any of the users, InvalidInput for
    more than 100.
    """
    return await _change(dependencies, viewer, Verb.REMOVE_GROUP_MEMBERS, request)


async def _change(
    dependencies: Dependencies, viewer: Viewer, verb: Verb, request: ChangeMembers
) -> str:
    viewer.require(verb)
    _check(request)
    now = dependencies.clock.now()
    workspace_id, group_id = viewer.workspace_id, request.group_id
    adds = verb is Verb.ADD_GROUP_MEMBERS

    async def work(connection: AsyncConnection) -> str:
        if await storage.lock_group(connection, workspace_id, group_id) is None:
            raise absent("groupId")
        wanted = set(request.user_ids)
        if await lock_users(connection, workspace_id, wanted) != wanted:
            raise absent("userIds")
        known = await storage.find_members(connection, workspace_id, group_id)
        changed = sorted(wanted - known if adds else wanted & known)
        if not changed:
            return group_id
        says = {"members": changed}
        told = (None, says) if adds else (says, None)
        note = note_of(dependencies, viewer, now, verb, group_id, *told)
        if not adds:
            await storage.remove_members(connection, workspace_id, group_id, changed)
        joining = storage.joining(now, group_id, changed if adds else ())
        await write_all(connection, workspace_id, [joining, note])
        return group_id

    return await dependencies.database.write(work, viewer.workspace_id)


def _check(request: ChangeMembers) -> None:
    require_form(request.group_id, Prefix.GROUP, "groupId")
    if not 1 <= len(request.user_ids) <= MEMBERS_MAX:
        raise InvalidInput(f"give 1 to {MEMBERS_MAX} users", path=("userIds",))
    for user_id in request.user_ids:
        require_form(user_id, Prefix.USER, "userIds")


async def delete_group(dependencies: Dependencies, viewer: Viewer, request: DeleteGroup) -> str:
    """Deletes a group and returns the id that it had; its users stay. Needs the scope `admin`.

    Raises NotFound, and Conflict while contacts are assigned to it, unless they are to be left
    with nobody.
    """
    viewer.require(Verb.DELETE_GROUP)
    group_id = request.group_id
    require_form(group_id, Prefix.GROUP, "groupId")
    now = dependencies.clock.now()
    workspace_id = viewer.workspace_id

    async def work(connection: AsyncConnection) -> str:
        group = await storage.lock_group(connection, workspace_id, group_id)
        if group is None:
            raise absent("groupId")
        assigned = await storage.count_assigned(connection, workspace_id, group_id)
        if assigned and not request.unassign:
            raise Conflict(
                f"contacts are assigned to the group ({assigned}): assign them to others, or give"
                " `unassign`",
                path=("groupId",),
            )
        if assigned:
            await _unassign(connection, dependencies, viewer, group_id, now)
        members = sorted(await storage.find_members(connection, workspace_id, group_id))
        await storage.delete_group(connection, workspace_id, group_id)
        before = {"name": group["name"], "members": members, "contacts": assigned}
        note = note_of(dependencies, viewer, now, Verb.DELETE_GROUP, group_id, before)
        await write_all(connection, workspace_id, [note])
        return group_id

    return await dependencies.database.write(work, viewer.workspace_id)


async def _unassign(
    connection: AsyncConnection,
    dependencies: Dependencies,
    viewer: Viewer,
    group_id: str,
    now: datetime,
) -> None:
    """Leaves the contacts of a group with nobody; what they were is kept."""
    workspace_id = viewer.workspace_id
    while ids := await storage.find_assigned(connection, workspace_id, group_id, UNASSIGNED_MAX):
        await lock_roots(connection, workspace_id, ids)
        before = await find_people(connection, workspace_id, ids)
        after = {id: {**row, "assigned_group_id": None} for id, row in before.items()}
        writings = rewriting(dependencies, viewer, now, before, after)
        await write_all(connection, workspace_id, writings)
