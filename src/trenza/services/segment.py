"""Segments: keeping definitions, and freezing one into a list."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from trenza.domain.access import Verb, Viewer
from trenza.domain.custom_field import CustomField
from trenza.domain.errors import Conflict
from trenza.domain.ids import Prefix
from trenza.domain.segment import (
    CampaignCondition,
    Condition,
    Definition,
    JourneyCondition,
    ListCondition,
    camel,
    definition_of,
    document_of,
    require_known,
    require_seen,
)
from trenza.domain.segment_check import checked
from trenza.domain.text import clean
from trenza.services.contact_fields import UNSET, Unset
from trenza.services.contact_list import list_row, require_room
from trenza.services.dependencies import Dependencies
from trenza.services.reference import absent, require_form
from trenza.storage.activity import noted, noting
from trenza.storage.bulk import ask, write_all
from trenza.storage.campaign import CAMPAIGN
from trenza.storage.contact_list import LIST, listing
from trenza.storage.custom_field import find_custom_fields
from trenza.storage.engine import AsyncConnection
from trenza.storage.interaction import existing_in
from trenza.storage.journey import JOURNEY
from trenza.storage.segment import (
    Asked,
    delete_segment,
    find_segment,
    freeze_members,
    list_segments,
    segmenting,
    update_segment,
)
from trenza.storage.segment_condition import Moment
from trenza.storage.workspace import WorkspaceSettings, find_workspace

NAME_LONGEST = 200
SEGMENTS_MAX = 100
"""A contact is asked about all of them at once."""
NAMED: Mapping[type[Condition], tuple[str, Any]] = MappingProxyType(
    {
        ListCondition: ("list_id", LIST),
        CampaignCondition: ("campaign_id", CAMPAIGN),
        JourneyCondition: ("journey_id", JOURNEY),
    }
)
"""What conditions name by id: under which name, and where it is."""
PATH = ("definition",)


@dataclass(frozen=True)
class CreateSegment:
    """A segment to keep."""

    name: str
    definition: Definition


@dataclass(frozen=True)
class UpdateSegment:
    """What changes of a segment; what is not mentioned stays."""

    segment_id: str
    name: str | Unset = UNSET
    definition: Definition | Unset = UNSET


@dataclass(frozen=True)
class FreezeSegment:
    """A segment whose members of this moment become a new list of a name."""

    segment_id: str
    name: str


@dataclass(frozen=True)
class Frozen:
    """The new list, and how many are in it."""

    list_id: str
    count: int


def require_visible(
    viewer: Viewer,
    definition: Definition,
    fields: Mapping[str, CustomField],
    path: tuple[str, ...] = (),
) -> None:
    """Raises Forbidden for a condition about a field that the viewer may not see.

    `fields` are the workspace's custom fields by key, those that are archived among them.
    """
    classes = {key: field.privacy for key, field in fields.items()}
    require_seen(definition, viewer.sees, classes, path)


def require_usable(
    viewer: Viewer,
    definition: Definition,
    fields: Mapping[str, CustomField],
    path: tuple[str, ...] = (),
) -> None:
    """Raises what `require_visible` does, and InvalidInput for a custom field that is not in use.

    That is asked of new definitions alone: one that is kept goes on by the values that are kept of
    a field when it is archived.
    """
    require_visible(viewer, definition, fields, path)
    in_use = {key for key, field in fields.items() if field.archived_at is None}
    require_known(definition, in_use, path)


def moment_of(workspace: WorkspaceSettings, at: datetime) -> Moment:
    """An instant with its date in the workspace's zone."""
    return Moment(workspace.id, at, at.astimezone(workspace.zone).date())


async def create_segment(dependencies: Dependencies, viewer: Viewer, request: CreateSegment) -> str:
    """Keeps a definition under a name and returns the segment's id. Needs the scope `manage`.

    Raises InvalidInput for a bad name or definition, Forbidden for a field that the viewer may not
    see, NotFound for what the definition names, Conflict for a name that is taken and beyond 100
    segments.
    """
    viewer.require(Verb.CREATE_SEGMENT)
    name = clean(request.name, ("name",), NAME_LONGEST)
    definition = checked(request.definition, PATH)
    segment_id = dependencies.new_id(Prefix.SEGMENT)
    noted_id, now = dependencies.new_id(Prefix.ACTIVITY), dependencies.clock.now()
    after = {"name": name, "definition": document_of(definition)}

    async def work(connection: AsyncConnection) -> str:
        segments = await list_segments(connection, viewer.workspace_id)
        _require_free(segments, name)
        if len(segments) >= SEGMENTS_MAX:
            raise Conflict(f"a workspace has at most {SEGMENTS_MAX} segments")
        await _require_askable(connection, viewer, definition)
        row = {
            "id": segment_id,
            "name": name,
            "definition": json.dumps(after["definition"]),
            "created_at": now,
            "updated_at": now,
        }
        activity = noted(viewer, noted_id, now, Verb.CREATE_SEGMENT, segment_id, None, after)
        await write_all(connection, viewer.workspace_id, [segmenting(row), noting(activity)])
        return segment_id

    return await dependencies.database.write(work, viewer.workspace_id)


async def _require_askable(
    connection: AsyncConnection, viewer: Viewer, definition: Definition
) -> None:
    """Raises Forbidden for a field that is hidden, InvalidInput for one that is not in use.

    And NotFound for an id that is not there.
    """
    fields = await find_custom_fields(connection, viewer.workspace_id)
    require_usable(viewer, definition, fields, PATH)
    await _require_named(connection, viewer.workspace_id, definition)


def _require_free(segments: Sequence[Any], name: str) -> None:
    if any(each["name"] == name for each in segments):
        raise Conflict("another segment has this name", path=("name",))


async def _require_named(
    connection: AsyncConnection, workspace_id: str, definition: Definition
) -> None:
    """Raises NotFound with the path to an id that the workspace does not have."""
    for kind, (attribute, table) in NAMED.items():
        named = {
            getattr(condition, attribute): (*PATH, *place, camel(attribute))
            for place, condition in definition.conditions()
            if isinstance(condition, kind)
        }
        known = await _existing(connection, workspace_id, table, named)
        for id, path in named.items():
            if id not in known:
                refusal = absent(camel(attribute))
                refusal.path = path
                raise refusal


async def _existing(
    connection: AsyncConnection, workspace_id: str, table: Any, ids: Mapping[str, Any]
) -> set[str]:
    """Those of the ids that a table of the workspace has."""
    [rows] = await ask(connection, existing_in(table).of(workspace_id, [(id,) for id in ids]))
    return {row[0] for row in rows}


async def change_segment(dependencies: Dependencies, viewer: Viewer, request: UpdateSegment) -> str:
    """Gives a segment another name, another definition, or both. Needs the scope `manage`.

    Raises what `create_segment` does, and NotFound for the segment.
    """
    viewer.require(Verb.UPDATE_SEGMENT)
    wanted: dict[str, Any] = {}
    if not isinstance(request.name, Unset):
        wanted["name"] = clean(request.name, ("name",), NAME_LONGEST)
    definition = request.definition
    if not isinstance(definition, Unset):
        definition = checked(definition, PATH)
        wanted["definition"] = document_of(definition)
    require_form(request.segment_id, Prefix.SEGMENT, "segmentId")
    noted_id, now = dependencies.new_id(Prefix.ACTIVITY), dependencies.clock.now()

    async def work(connection: AsyncConnection) -> str:
        workspace_id, segment_id = viewer.workspace_id, request.segment_id
        found = await find_segment(connection, workspace_id, segment_id)
        if found is None:
            raise absent("segmentId")
        after = {name: value for name, value in wanted.items() if found[name] != value}
        if not after:
            return segment_id
        if "name" in after:
            _require_free(await list_segments(connection, workspace_id), after["name"])
        if isinstance(definition, Definition):
            await _require_askable(connection, viewer, definition)
        await update_segment(connection, workspace_id, segment_id, {**after, "updated_at": now})
        before = {name: found[name] for name in after}
        activity = noted(viewer, noted_id, now, Verb.UPDATE_SEGMENT, segment_id, before, after)
        await write_all(connection, workspace_id, [noting(activity)])
        return segment_id

    return await dependencies.database.write(work, viewer.workspace_id)


async def remove_segment(dependencies: Dependencies, viewer: Viewer, segment_id: str) -> str:
    """Removes a segment and returns what its id was; its frozen lists stay. Needs `manage`.

    Raises NotFound for the segment.
    """
    viewer.require(Verb.DELETE_SEGMENT)
    require_form(segment_id, Prefix.SEGMENT, "segmentId")
    noted_id, now = dependencies.new_id(Prefix.ACTIVITY), dependencies.clock.now()

    async def work(connection: AsyncConnection) -> str:
        found = await find_segment(connection, viewer.workspace_id, segment_id)
        if found is None:
            raise absent("segmentId")
        await delete_segment(connection, viewer.workspace_id, segment_id)
        before = {"name": found["name"], "definition": found["definition"]}
        activity = noted(viewer, noted_id, now, Verb.DELETE_SEGMENT, segment_id, before, None)
        await write_all(connection, viewer.workspace_id, [noting(activity)])
        return segment_id

    return await dependencies.database.write(work, viewer.workspace_id)


async def freeze_segment(
    dependencies: Dependencies, viewer: Viewer, request: FreezeSegment
) -> Frozen:
    """Makes a list of whoever belongs to a segment now. Needs the scope `manage`.

    Raises NotFound for the segment, Forbidden where it asks about a field that the viewer may not
    see, InvalidInput for a bad name, Conflict for one that is taken and beyond 1,000 lists.
    """
    viewer.require(Verb.FREEZE_SEGMENT)
    name = clean(request.name, ("name",), NAME_LONGEST)
    require_form(request.segment_id, Prefix.SEGMENT, "segmentId")
    list_id, noted_id = dependencies.new_id(Prefix.LIST), dependencies.new_id(Prefix.ACTIVITY)
    now = dependencies.clock.now()
    member = {
        "list_id": list_id,
        "added_at": now,
        "key_id": viewer.key_id or None,
        "user_id": viewer.user_id,
    }

    async def work(connection: AsyncConnection) -> Frozen:
        workspace = await find_workspace(connection, viewer.workspace_id)
        found = await find_segment(connection, workspace.id, request.segment_id)
        if found is None:
            raise absent("segmentId")
        definition = definition_of(found["definition"])
        fields = await find_custom_fields(connection, workspace.id)
        require_visible(viewer, definition, fields)
        await require_room(connection, workspace.id, name)
        await write_all(connection, workspace.id, [listing(list_row(list_id, name, now))])
        asked = Asked(definition, moment_of(workspace, now))
        count = await freeze_members(connection, asked, member)
        after = {"listId": list_id, "name": name, "count": count}
        subject = request.segment_id
        activity = noted(viewer, noted_id, now, Verb.FREEZE_SEGMENT, subject, None, after)
        await write_all(connection, workspace.id, [noting(activity)])
        return Frozen(list_id, count)

    return await dependencies.database.write(work, viewer.workspace_id)
