"""Lists of contacts: making them, and putting contacts in and taking them out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from trenza.domain.access import Verb, Viewer
from trenza.domain.errors import Conflict, InvalidInput
from trenza.domain.ids import Prefix
from trenza.domain.segment import ListCondition, definition_of
from trenza.domain.text import clean
from trenza.services.dependencies import Dependencies
from trenza.services.reference import absent, require_form
from trenza.storage.activity import noted, noting
from trenza.storage.bulk import write_all
from trenza.storage.contact import find_erased, lock_roots
from trenza.storage.contact_list import (
    adding,
    count_lists,
    delete_list,
    find_list,
    find_list_named,
    find_members,
    listing,
    remove_members,
    rename_list,
)
from trenza.storage.engine import AsyncConnection
from trenza.storage.segment import list_segments

NAME_LONGEST = 200
LISTS_MAX = 1000
CHANGED_MAX = 500


class ListChange(StrEnum):
    """What became of one contact that was to be put into a list, or taken out."""

    ADDED = "ADDED"
    ALREADY_IN = "ALREADY_IN"
    REMOVED = "REMOVED"
    NOT_IN = "NOT_IN"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"


@dataclass(frozen=True)
class CreateList:
    """A list to make."""

    name: str


@dataclass(frozen=True)
class RenameList:
    """Another name for a list."""

    list_id: str
    name: str


@dataclass(frozen=True)
class ChangeList:
    """Contacts to put into a list, or to take out of it."""

    list_id: str
    contact_ids: Sequence[str]


Changes = list[tuple[str, ListChange]]
"""What became of each contact, in the order in which they were given."""


async def create_list(dependencies: Dependencies, viewer: Viewer, request: CreateList) -> str:
    """Makes an empty list and returns its id. Needs the scope `manage`.

    Raises InvalidInput for a bad name, Conflict for one that is taken and beyond 1,000 lists.
    """
    viewer.require(Verb.CREATE_LIST)
    name = clean(request.name, ("name",), NAME_LONGEST)
    list_id, noted_id = dependencies.new_id(Prefix.LIST), dependencies.new_id(Prefix.ACTIVITY)
    now = dependencies.clock.now()

    async def work(connection: AsyncConnection) -> str:
        await require_room(connection, viewer.workspace_id, name)
        activity = noted(viewer, noted_id, now, Verb.CREATE_LIST, list_id, None, {"name": name})
        row = list_row(list_id, name, now)
        await write_all(connection, viewer.workspace_id, [listing(row), noting(activity)])
        return list_id

    return await dependencies.database.write(work, viewer.workspace_id)


def list_row(list_id: str, name: str, now: datetime) -> Mapping[str, Any]:
    """The row of a new list."""
    return {"id": list_id, "name": name, "created_at": now, "updated_at": now}


async def require_room(connection: AsyncConnection, workspace_id: str, name: str) -> None:
    """Raises Conflict where a list has the name, and where there are as many as there may be."""
    await _require_free(connection, workspace_id, name)
    if await count_lists(connection, workspace_id) >= LISTS_MAX:
        raise Conflict(f"a workspace has at most {LISTS_MAX:,} lists")


async def _require_free(connection: AsyncConnection, workspace_id: str, name: str) -> None:
    if await find_list_named(connection, workspace_id, name) is not None:
        raise Conflict("another list has this name", path=("name",))


async def rename_contact_list(
    dependencies: Dependencies, viewer: Viewer, request: RenameList
) -> str:
    """Gives a list another name and returns its id. Needs the scope `manage`.

    Raises NotFound for the list, InvalidInput for a bad name, Conflict for one that is taken.
    """
    viewer.require(Verb.RENAME_LIST)
    name = clean(request.name, ("name",), NAME_LONGEST)
    require_form(request.list_id, Prefix.LIST, "listId")
    noted_id, now = dependencies.new_id(Prefix.ACTIVITY), dependencies.clock.now()

    async def work(connection: AsyncConnection) -> str:
        before = await _name_of(connection, viewer, request.list_id)
        if before == name:
            return request.list_id
        await _require_free(connection, viewer.workspace_id, name)
        await rename_list(connection, viewer.workspace_id, request.list_id, name, now)
        changed = {"name": before}, {"name": name}
        activity = noted(viewer, noted_id, now, Verb.RENAME_LIST, request.list_id, *changed)
        await write_all(connection, viewer.workspace_id, [noting(activity)])
        return request.list_id

    return await dependencies.database.write(work, viewer.workspace_id)


async def _name_of(connection: AsyncConnection, viewer: Viewer, list_id: str) -> str:
    """The name of a list, which is locked; raises NotFound."""
    found = await find_list(connection, viewer.workspace_id, list_id)
    if found is None:
        raise absent("listId")
    name: str = found["name"]
    return name


async def delete_contact_list(dependencies: Dependencies, viewer: Viewer, list_id: str) -> str:
    """Removes a list and returns what its id was; the contacts stay. Needs the scope `manage`.

    Raises NotFound for the list, Conflict where a segment asks about it.
    """
    viewer.require(Verb.DELETE_LIST)
    require_form(list_id, Prefix.LIST, "listId")
    noted_id, now = dependencies.new_id(Prefix.ACTIVITY), dependencies.clock.now()

    async def work(connection: AsyncConnection) -> str:
        name = await _name_of(connection, viewer, list_id)
        await _require_unused(connection, viewer.workspace_id, list_id)
        await delete_list(connection, viewer.workspace_id, list_id)
        activity = noted(viewer, noted_id, now, Verb.DELETE_LIST, list_id, {"name": name}, None)
        await write_all(connection, viewer.workspace_id, [noting(activity)])
        return list_id

    return await dependencies.database.write(work, viewer.workspace_id)


async def _require_unused(connection: AsyncConnection, workspace_id: str, list_id: str) -> None:
    for segment in await list_segments(connection, workspace_id):
        for _, condition in definition_of(segment["definition"]).conditions():
            if isinstance(condition, ListCondition) and condition.list_id == list_id:
                wrong = f"the segment «{segment['name']}» asks about the list"
                raise Conflict(wrong, path=("listId",))


async def add_to_list(dependencies: Dependencies, viewer: Viewer, request: ChangeList) -> Changes:
    """Puts up to 500 contacts into a list and tells what became of each. Needs `manage`.

    A merged contact is its root, which is in a list once; one that is erased is a conflict. Raises
    NotFound for the list.
    """
    viewer.require(Verb.ADD_TO_LIST)
    _require_few(request)
    noted_id, now = dependencies.new_id(Prefix.ACTIVITY), dependencies.clock.now()

    async def work(connection: AsyncConnection) -> Changes:
        # A merge that runs at the same time would else miss the new rows.
        roots = await lock_roots(connection, viewer.workspace_id, request.contact_ids)
        gone = await find_erased(connection, viewer.workspace_id, roots.values())
        await _name_of(connection, viewer, request.list_id)
        members = await find_members(
            connection, viewer.workspace_id, request.list_id, set(roots.values())
        )
        changes: Changes = []
        for contact_id in request.contact_ids:
            root = roots.get(contact_id)
            if root is None or root in gone:
                refusal = ListChange.NOT_FOUND if root is None else ListChange.CONFLICT
                changes.append((contact_id, refusal))
                continue
            is_new = root not in members
            members.add(root)
            changes.append((contact_id, ListChange.ADDED if is_new else ListChange.ALREADY_IN))
        added = [id for id, change in changes if change is ListChange.ADDED]
        shared = {
            "list_id": request.list_id,
            "added_at": now,
            "key_id": viewer.key_id or None,
            "user_id": viewer.user_id,
        }
        rows = [{**shared, "contact_id": id, "owner_id": roots[id]} for id in added]
        after = {"contactIds": added}
        activity = noted(viewer, noted_id, now, Verb.ADD_TO_LIST, request.list_id, None, after)
        writings = [adding(rows), noting(*([activity] if added else []))]
        await write_all(connection, viewer.workspace_id, writings)
        return changes

    return await dependencies.database.write(work, viewer.workspace_id)


async def remove_from_list(
    dependencies: Dependencies, viewer: Viewer, request: ChangeList
) -> Changes:
    """Takes up to 500 contacts out of a list and tells what became of each. Needs `manage`.

    Raises NotFound for the list.
    """
    viewer.require(Verb.REMOVE_FROM_LIST)
    _require_few(request)
    noted_id, now = dependencies.new_id(Prefix.ACTIVITY), dependencies.clock.now()

    async def work(connection: AsyncConnection) -> Changes:
        workspace_id, list_id = viewer.workspace_id, request.list_id
        roots = await lock_roots(connection, workspace_id, request.contact_ids)
        await _name_of(connection, viewer, list_id)
        members = await find_members(connection, workspace_id, list_id, set(roots.values()))
        await remove_members(connection, workspace_id, list_id, members)
        changes: Changes = []
        for contact_id in request.contact_ids:
            root = roots.get(contact_id)
            change = ListChange.NOT_FOUND
            if root is not None:
                change = ListChange.REMOVED if root in members else ListChange.NOT_IN
                members.discard(root)
            changes.append((contact_id, change))
        removed = [id for id, change in changes if change is ListChange.REMOVED]
        before = {"contactIds": removed}
        activity = noted(viewer, noted_id, now, Verb.REMOVE_FROM_LIST, list_id, before, None)
        await write_all(connection, workspace_id, [noting(*([activity] if removed else []))])
        return changes

    return await dependencies.database.write(work, viewer.workspace_id)


def _require_few(request: ChangeList) -> None:
    if len(request.contact_ids) > CHANGED_MAX:
        raise InvalidInput(f"give at most {CHANGED_MAX} ids at once", path=("contactIds",))
    require_form(request.list_id, Prefix.LIST, "listId")
