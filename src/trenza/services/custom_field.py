"""Custom fields: saying what a workspace keeps of its contacts, and no longer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trenza.domain.access import Privacy, Verb, Viewer
from trenza.domain.custom_field import (
    CUSTOM_FIELDS_MAX,
    CustomField,
    FieldType,
    read_key,
    read_options,
)
from trenza.domain.errors import Conflict
from trenza.domain.ids import Prefix
from trenza.domain.instant import instant_text
from trenza.domain.text import clean
from trenza.services.dependencies import Dependencies
from trenza.services.reference import absent
from trenza.storage.activity import noted, noting
from trenza.storage.bulk import write_all
from trenza.storage.custom_field import (
    insert_custom_field,
    is_used,
    lock_custom_fields,
    update_custom_field,
)
from trenza.storage.engine import AsyncConnection

NAME_LONGEST = 200


@dataclass(frozen=True)
class DefineCustomField:
    """A field under a key: a new one, or how a known one is to be from now on."""

    key: str
    name: str
    type: FieldType
    privacy: Privacy = Privacy.NORMAL
    options: Sequence[str] | None = None


async def define_custom_field(
    dependencies: Dependencies, viewer: Viewer, request: DefineCustomField
) -> CustomField:
    """Makes a field, or changes the one of the key; an archived one comes back.

    Needs the scope `admin`. Raises InvalidInput for a bad value; Conflict for another type where
    contacts have values, for an option less that one has, and beyond 100 fields.
    """
    viewer.require(Verb.DEFINE_CUSTOM_FIELD)
    now = dependencies.clock.now()
    wanted = CustomField(
        id=dependencies.new_id(Prefix.CUSTOM_FIELD),
        key=read_key(request.key, ("key",)),
        name=clean(request.name, ("name",), NAME_LONGEST),
        type=request.type,
        privacy=request.privacy,
        options=read_options(request.type, request.options, ("options",)),
        created_at=now,
    )

    async def work(connection: AsyncConnection) -> CustomField:
        known = await lock_custom_fields(connection, viewer.workspace_id)
        before = known.get(wanted.key)
        if before is None:
            if len(known) >= CUSTOM_FIELDS_MAX:
                raise Conflict(f"a workspace has at most {CUSTOM_FIELDS_MAX} custom fields")
            await insert_custom_field(connection, viewer.workspace_id, wanted)
            after = wanted
        else:
            after = replace(wanted, id=before.id, created_at=before.created_at)
            await _require_unused(connection, viewer.workspace_id, before, after)
            await update_custom_field(connection, viewer.workspace_id, after)
        await _note(connection, dependencies, viewer, Verb.DEFINE_CUSTOM_FIELD, before, after)
        return after

    return await dependencies.database.write(work, viewer.workspace_id)


async def archive_custom_field(dependencies: Dependencies, viewer: Viewer, key: str) -> CustomField:
    """Takes a field out of use; its values are kept. Again changes nothing.

    Needs the scope `admin`. Raises NotFound.
    """
    viewer.require(Verb.ARCHIVE_CUSTOM_FIELD)
    now = dependencies.clock.now()

    async def work(connection: AsyncConnection) -> CustomField:
        before = (await lock_custom_fields(connection, viewer.workspace_id)).get(key)
        if before is None:
            raise absent("key")
        if before.archived_at is not None:
            return before
        after = replace(before, archived_at=now)
        await update_custom_field(connection, viewer.workspace_id, after)
        await _note(connection, dependencies, viewer, Verb.ARCHIVE_CUSTOM_FIELD, before, after)
        return after

    return await dependencies.database.write(work, viewer.workspace_id)


async def _require_unused(
    connection: AsyncConnection, workspace_id: str, before: CustomField, after: CustomField
) -> None:
    """Raises Conflict where values of contacts would no longer be values of the field."""
    key = before.key
    if before.type is not after.type:
        if await is_used(connection, workspace_id, key):
            raise Conflict(f"contacts have values of {key}: its type stays", path=("type",))
        return
    gone = set(before.options).difference(after.options)
    if gone and await is_used(connection, workspace_id, key, gone):
        raise Conflict(f"contacts have an option of {key} that would go", path=("options",))


async def _note(
    connection: AsyncConnection,
    dependencies: Dependencies,
    viewer: Viewer,
    verb: Verb,
    before: CustomField | None,
    after: CustomField,
) -> None:
    """Notes what changed of a definition in the activity log, where something did."""
    told = {} if before is None else _told(before)
    now = _told(after)
    changed = [name for name in now if told.get(name) != now[name]]
    if not changed:
        return
    row = noted(
        viewer,
        dependencies.new_id(Prefix.ACTIVITY),
        dependencies.clock.now(),
        verb,
        after.id,
        None if before is None else {name: told[name] for name in changed},
        {name: now[name] for name in changed},
    )
    await write_all(connection, viewer.workspace_id, [noting(row)])


def _told(field: CustomField) -> Mapping[str, Any]:
    archived_at = field.archived_at
    return {
        "key": field.key,
        "name": field.name,
        "type": field.type,
        "privacy": field.privacy,
        "options": list(field.options),
        "archivedAt": None if archived_at is None else instant_text(archived_at),
    }
