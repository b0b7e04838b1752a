"""What contacts were: each state that was superseded, and the stages that they went through.

The contact's own row is its newest state: a contact that never changed has no row here.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Index, Update, update
from sqlalchemy import Table as SQLTable
from sqlmodel import Field

from trenza.domain.access import Viewer
from trenza.storage.bulk import BulkWrite, Cells, Writing, bulk_insert
from trenza.storage.columns import Table, belongs_to_workspace, key, references, symbol
from trenza.storage.contact import DOCUMENTS, STATE, ContactState


class ContactVersion(ContactState, table=True):
    """What described a contact from an instant until another, when it was changed.

    The changes of one contact have instants of their own: no two end at the same.
    """

    __table_args__ = (belongs_to_workspace(), references("contact_id", "contact"))

    workspace_id: str = key()
    contact_id: str = key()
    until_at: datetime = Field(primary_key=True)
    from_at: datetime


class ContactStage(Table, table=True):
    """A stage in which a contact stood, or none, from an instant on; open while it stands there."""

    __table_args__ = (
        belongs_to_workspace(),
        references("contact_id", "contact"),
        Index(None, "workspace_id", "contact_id", "from_at"),
    )

    workspace_id: str = key()
    id: str = key()
    contact_id: str = symbol()
    from_at: datetime
    until_at: datetime | None = None
    stage: str | None = symbol(default=None)
    key_id: str | None = symbol(default=None)
    user_id: str | None = symbol(default=None)


VERSION: SQLTable = ContactVersion.__table__
STAGE: SQLTable = ContactStage.__table__
_NEW_VERSIONS = bulk_insert(VERSION)
_NEW_STAGES = bulk_insert(STAGE)


def superseding(states: Iterable[Mapping[str, Any]]) -> Writing:
    """Keeps states of contacts that are over: rows of `STATE`, with `id`, `from_at`, `until_at`."""
    rows = [
        {
            **{name: state[name] for name in STATE},
            **{name: json.dumps(state[name]) for name in DOCUMENTS},
            "contact_id": state["id"],
            "from_at": state["from_at"],
            "until_at": state["until_at"],
        }
        for state in states
    ]
    return _NEW_VERSIONS, rows


def _leave(_: str, cells: Cells, __: Any) -> Update:
    return (
        update(STAGE)
        .where(
            STAGE.c.workspace_id == cells["workspace_id"],
            STAGE.c.contact_id == cells["contact_id"],
            STAGE.c.until_at.is_(None),
        )
        .values(until_at=cells["until_at"])
    )


_LEFT_STAGES = BulkWrite({name: STAGE.c[name].type for name in ("contact_id", "until_at")}, _leave)


@dataclass(frozen=True)
class Move:
    """A contact that comes into a stage, or out of all, at an instant; `id` becomes its row's."""

    id: str
    contact_id: str
    stage: str | None
    at: datetime


def staging(viewer: Viewer, moves: Sequence[Move]) -> list[Writing]:
    """Puts contacts into other stages than those where they stand."""
    left = [{"contact_id": each.contact_id, "until_at": each.at} for each in moves]
    entered = [
        {
            "id": each.id,
            "contact_id": each.contact_id,
            "from_at": each.at,
            "until_at": None,
            "stage": each.stage,
            "key_id": viewer.key_id or None,
            "user_id": viewer.user_id,
        }
        for each in moves
    ]
    return [(_LEFT_STAGES, left), (_NEW_STAGES, entered)]
