"""The activity log: who changed what, when, from what to what. Rows are only ever added."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy import Table as SQLTable
from sqlmodel import Field

from trenza.domain.access import Verb, Viewer
from trenza.storage.bulk import Writing, bulk_insert
from trenza.storage.columns import DOCUMENT, Table, belongs_to_workspace, key, symbol


class Activity(Table, table=True):
    """One thing that was done to one subject, named by its global id.

    `before` and `after` hold what changed, by field; either is empty where there is none.
    """

    __table_args__ = (
        belongs_to_workspace(),
        Index(None, "workspace_id", "at", "id"),
        Index(None, "workspace_id", "subject_id", "at", "id"),
    )

    workspace_id: str = key()
    id: str = key()
    at: datetime
    verb: str = symbol()
    subject_id: str = symbol()
    key_id: str | None = symbol(default=None)
    user_id: str | None = symbol(default=None)
    before: dict[str, Any] | None = Field(default=None, sa_type=DOCUMENT)
    after: dict[str, Any] | None = Field(default=None, sa_type=DOCUMENT)


ACTIVITY: SQLTable = Activity.__table__
_NEW = bulk_insert(ACTIVITY)


def noted(
    viewer: Viewer,
    id: str,
    at: datetime,
    verb: Verb,
    subject_id: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The row of something that a viewer does; values are JSON, instants among them as text."""
    return {
        "id": id,
        "at": at,
        "verb": verb,
        "subject_id": subject_id,
        "key_id": viewer.key_id or None,
        "user_id": viewer.user_id,
        "before": None if before is None else json.dumps(before),
        "after": None if after is None else json.dumps(after),
    }


def noting(*rows: Mapping[str, Any]) -> Writing:
    """Adds rows that `noted` made; `write_all` writes them with what they tell of."""
    return _NEW, rows
