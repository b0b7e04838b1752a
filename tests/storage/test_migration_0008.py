"""The migration that lets interactions name an agent keeps every row, and what refers to it."""

import asyncio
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.services.books import utc
from trenza.storage import Contact, Interaction, InteractionzSession, LedgerEntry, Workspace
from trenza.storage.migrate import upgrade

BEFORE = "0007"
NOON = utc(2026, 9, 10, 12)
WORKSPACE = {
    "name": "Cafetal",
    "zone": "UTC",
    "language": "ES",
    "policy": "2026-11",
    "acceptance_horizon_days": 35,
    "closing_grace_hours": 72,
    "alert_thresholds": [80],
    "created_at": NOON,
}
CONTACT = {
    "id": "contact_1",
    "root_id": "contact_1",
    "created_at": NOON,
    "updated_at": NOON,
    "tags": [],
    "name_searchable": "",
}
INTERACTION = {
    "id": "int_1",
    "contact_id": "contact_1",
    "owner_id": "contact_1",
    "kind": "CUSTOMER_MESSAGE",
    "channel": "EMAIL",
    "occurred_at": NOON,
    "recorded_at": NOON,
    "position": "p",
    "source": "api",
    "external_id": "é",
    "content_hash": "x",
    "text": "Ñandú",
    "outcome": "CHARGED",
    "rule_code": "OPENED_BY_CUSTOMER",
    "session_id": "ses_1",
    "session_opened_at": NOON,
}
SESSION = {
    "id": "ses_1",
    "owner_id": "contact_1",
    "channel": "EMAIL",
    "lane": "UNBOUND",
    "opened_at": NOON,
    "expires_at": NOON,
    "opened_position": "p",
}
DEBIT = {
    "sequence": 1,
    "id": "debit_1",
    "kind": "DEBIT",
    "amount": 1,
    "effective_at": NOON,
    "recorded_at": NOON,
    "counts_at": NOON,
    "reason": "OPENED",
    "session_id": "ses_1",
    "cause_id": "int_1",
}
ROWS: list[tuple[Any, dict[str, Any]]] = [
    (Workspace, WORKSPACE),
    (Contact, CONTACT),
    (Interaction, INTERACTION),
    (InteractionzSession, SESSION),
    (LedgerEntry, DEBIT),
]


async def test_interactions_stay_and_name_nobody(url_before: str) -> None:
    engine = create_async_engine(url_before, poolclass=NullPool)
    async with engine.begin() as connection:
        for table, row in ROWS:
            values = {"workspace_id": "ws_1", **row}
            columns = (sa.column(name, table.__table__.c[name].type) for name in values)
            before = sa.table(table.__table__.name, *columns)
            await connection.execute(sa.insert(before).values(**values))
    await engine.dispose()

    # It has an event loop of its own.
    await asyncio.to_thread(upgrade, url_before)

    # The owner of the tables is held to the policies too, where there are any.
    engine = create_async_engine(url_before, poolclass=NullPool)
    async with engine.connect() as connection:
        broken = []
        if "sqlite" in url_before:
            broken = list(await connection.execute(sa.text("PRAGMA foreign_key_check")))
        else:
            await connection.execute(sa.text("SET trenza.across_workspaces = 'on'"))
        [found] = (await connection.execute(sa.select(Interaction.__table__))).mappings()
        [debit] = (await connection.execute(sa.select(LedgerEntry.__table__))).mappings()
    await engine.dispose()
    assert {name: found[name] for name in INTERACTION} == INTERACTION
    assert (found["agent_id"], debit["cause_id"], broken) == (None, "int_1", [])
