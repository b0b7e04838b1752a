"""Journeys and the contacts enrolled in them: tables and queries."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, insert
from sqlalchemy import Table as SQLTable
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.domain.ids import Prefix
from trenza.storage.bulk import Writing, earliest, keeping_earliest
from trenza.storage.columns import Table, belongs_to_workspace, key, references, symbol


class Journey(Table, table=True):
    """An automation from attraction to after-sales."""

    __table_args__ = (belongs_to_workspace(), Index(None, "workspace_id", "created_at", "id"))

    workspace_id: str = key()
    id: str = key()
    name: str
    stage: str = symbol()
    created_at: datetime


class JourneyEnrollment(Table, table=True):
    """A contact's way through a journey, from the first interaction that names it."""

    __table_args__ = (
        belongs_to_workspace(),
        references("journey_id", "journey"),
        references("contact_id", "contact"),
        references("owner_id", "contact"),
        UniqueConstraint("workspace_id", "journey_id", "contact_id"),
        Index(None, "workspace_id", "owner_id", "enrolled_at", "id"),
        Index(None, "workspace_id", "journey_id", "enrolled_at", "id"),
    )

    workspace_id: str = key()
    id: str = key()
    journey_id: str = symbol()
    contact_id: str = symbol()
    owner_id: str = symbol()
    enrolled_at: datetime


JOURNEY: SQLTable = Journey.__table__
ENROLLMENT: SQLTable = JourneyEnrollment.__table__


async def insert_journey(connection: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Adds one journey."""
    await connection.execute(insert(JOURNEY), dict(row))


_KEY = ("journey_id", "contact_id")
_PUT = keeping_earliest(ENROLLMENT, "enrolled_at", _KEY)


def enrolling(steps: Iterable[Mapping[str, Any]], new_id: Callable[[Prefix], str]) -> Writing:
    """Notes the contacts that steps (rows of interactions) enrolled, each from its earliest step.

    The contacts are locked, so a step that arrives late can still turn out to be the first.
    """
    rows = [
        {
            "id": new_id(Prefix.JOURNEY_ENROLLMENT),
            "journey_id": step["journey_id"],
            "contact_id": step["contact_id"],
            "owner_id": step["owner_id"],
            "enrolled_at": step["occurred_at"],
        }
        for step in earliest(steps, "occurred_at", _KEY)
    ]
    return _PUT, rows
