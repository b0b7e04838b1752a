"""Contacts written into a file that `contact_file` reads: the same columns, the same cells."""

from collections.abc import AsyncGenerator, Mapping
from datetime import date
from typing import Any

from trenza.domain.access import Verb, Viewer
from trenza.domain.contact import privacy_of
from trenza.domain.segment import definition_of
from trenza.services.contact_columns import ASSIGNED, CUSTOM, IDENTITY_COLUMNS, Columns
from trenza.services.dependencies import Dependencies
from trenza.services.reference import absent
from trenza.services.segment import moment_of, require_visible
from trenza.storage.contact import Identity, find_identities
from trenza.storage.contact_file import find_page, has_list
from trenza.storage.custom_field import find_custom_fields
from trenza.storage.engine import AsyncConnection
from trenza.storage.segment import Asked, list_segments
from trenza.storage.workspace import find_workspace

PAGE = 500


async def export_contacts(
    dependencies: Dependencies,
    viewer: Viewer,
    columns: Columns,
    list_id: str | None = None,
    segment_id: str | None = None,
) -> AsyncGenerator[Mapping[str, Any], None]:
    """The cells of every live contact, of a list's or of a segment's, in the order of ids.

    A cell of several values is a list. Needs the scope `read`; raises NotFound for the list and
    the segment, Forbidden for a segment that asks about a field that the viewer may not see.
    """
    viewer.require(Verb.READ)
    async with dependencies.database.read(viewer.workspace_id) as connection:
        narrowed = await _narrowed(connection, dependencies, viewer, list_id, segment_id)
        after = ""
        while page := await find_page(connection, viewer.workspace_id, narrowed, after, PAGE):
            after = page[-1]["id"]
            ids = [row["id"] for row in page]
            identities = await find_identities(connection, viewer.workspace_id, ids)
            for row in page:
                yield _cells(row, sorted(identities[row["id"]]), columns, viewer)


async def _narrowed(
    connection: AsyncConnection,
    dependencies: Dependencies,
    viewer: Viewer,
    list_id: str | None,
    segment_id: str | None,
) -> str | Asked | None:
    if list_id is not None:
        if not await has_list(connection, viewer.workspace_id, list_id):
            raise absent("list")
        return list_id
    if segment_id is None:
        return None
    segments = await list_segments(connection, viewer.workspace_id)
    found = next((each for each in segments if each["id"] == segment_id), None)
    if found is None:
        raise absent("segment")
    definition = definition_of(found["definition"])
    fields = await find_custom_fields(connection, viewer.workspace_id)
    require_visible(viewer, definition, fields)
    workspace = await find_workspace(connection, viewer.workspace_id)
    return Asked(definition, moment_of(workspace, dependencies.clock.now()))


def _cells(
    row: Mapping[str, Any], identities: list[Identity], columns: Columns, viewer: Viewer
) -> dict[str, Any]:
    cells = {
        name: _cell(row[name]) if privacy_of(name) in viewer.sees else None
        for name in columns.names
        if name in row
    }
    cells["time_zone"] = row["zone"]
    cells[ASSIGNED] = columns.emails.get(row["assigned_user_id"])
    for column, channel in IDENTITY_COLUMNS.items():
        cells[column] = [each.address for each in identities if each.channel == channel]
    for key in columns.custom:
        cells[f"{CUSTOM}{key}"] = row["custom"].get(key)
    return cells


def _cell(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
