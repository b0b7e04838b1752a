"""Campaigns and the contacts that they touched: tables and queries."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, insert
from sqlalchemy import Table as SQLTable
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.domain.ids import Prefix
from trenza.storage.bulk import Writing, earliest, keeping_earliest
from trenza.storage.columns import Table, belongs_to_workspace, key, references, symbol


class Campaign(Table, table=True):
    """A mass send."""

    __table_args__ = (belongs_to_workspace(), Index(None, "workspace_id", "created_at", "id"))

    workspace_id: str = key()
    id: str = key()
    name: str
    objective: str | None = None
    channel: str = symbol()
    created_at: datetime


class CampaignTouch(Table, table=True):
    """The first send of a campaign to a contact."""

    __table_args__ = (
        belongs_to_workspace(),
        references("campaign_id", "campaign"),
        references("contact_id", "contact"),
        references("owner_id", "contact"),
        UniqueConstraint("workspace_id", "campaign_id", "contact_id"),
        Index(None, "workspace_id", "owner_id", "touched_at", "id"),
        Index(None, "workspace_id", "campaign_id", "touched_at", "id"),
    )

    workspace_id: str = key()
    id: str = key()
    campaign_id: str = symbol()
    contact_id: str = symbol()
    owner_id: str = symbol()
    channel: str = symbol()
    touched_at: datetime


CAMPAIGN: SQLTable = Campaign.__table__
TOUCH: SQLTable = CampaignTouch.__table__


async def insert_campaign(connection: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Adds one campaign."""
    await connection.execute(insert(CAMPAIGN), dict(row))


_KEY = ("campaign_id", "contact_id")
_PUT = keeping_earliest(TOUCH, "touched_at", _KEY, ["channel"])


def touching(sends: Iterable[Mapping[str, Any]], new_id: Callable[[Prefix], str]) -> Writing:
    """Notes the contacts that sends (rows of interactions) touched, each from its earliest send.

    The contacts are locked, so a send that arrives late can still turn out to be the first.
    """
    rows = [
        {
            "id": new_id(Prefix.CAMPAIGN_TOUCH),
            "campaign_id": send["campaign_id"],
            "contact_id": send["contact_id"],
            "owner_id": send["owner_id"],
            "channel": send["channel"],
            "touched_at": send["occurred_at"],
        }
        for send in earliest(sends, "occurred_at", _KEY)
    ]
    return _PUT, rows
