"""Everything that is held about one person, as one document: its shape is in schema/README.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson

from trenza.domain.access import Verb, Viewer
from trenza.domain.ids import Prefix
from trenza.domain.instant import instant_text
from trenza.services.activity import note_of
from trenza.services.dependencies import Dependencies
from trenza.services.erasure import whole_person
from trenza.services.reference import require_form, root_in
from trenza.storage.bulk import write_all
from trenza.storage.contact import lock_roots
from trenza.storage.engine import AsyncConnection
from trenza.storage.person import HELD, list_rows

FORMAT = "trenza-person-1"


@dataclass(frozen=True)
class PersonExport:
    """The contact that stands for the person, and the document."""

    contact_id: str
    document: Mapping[str, Any]


async def export_person(
    dependencies: Dependencies, viewer: Viewer, contact_id: str
) -> PersonExport:
    """Every row that is held about a person, of all contacts that were merged into one.

    That it was exported, and by whom, goes into the activity log. Needs the scope `admin`. Raises
    NotFound.
    """
    viewer.require(Verb.EXPORT_CONTACT)
    require_form(contact_id, Prefix.CONTACT, "contactId")
    now = dependencies.clock.now()

    async def work(connection: AsyncConnection) -> PersonExport:
        workspace_id = viewer.workspace_id
        roots = await lock_roots(connection, workspace_id, [contact_id])
        root_id = root_in(roots, contact_id)
        person = await whole_person(connection, workspace_id, root_id)
        held = {
            name: [_told(row) for row in await list_rows(connection, person, table)]
            for name, table in HELD.items()
        }
        note = note_of(dependencies, viewer, now, Verb.EXPORT_CONTACT, root_id)
        await write_all(connection, workspace_id, [note])
        about = {"format": FORMAT, "contactId": root_id, "exportedAt": instant_text(now)}
        return PersonExport(root_id, {**about, **held})

    return await dependencies.database.write(work, viewer.workspace_id)


def written(document: Mapping[str, Any]) -> bytes:
    """A document as the text of a file."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {_name(name): _value(value) for name, value in row.items() if name != "workspace_id"}


def _name(column: str) -> str:
    first, *others = column.split("_")
    return first + "".join(map(str.capitalize, others))


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant_text(value)
    return value.isoformat() if isinstance(value, date) else value
