"""The migration that lets interactions name an agent keeps every row, and what refers to it."""

from tests.services.books import utc
from tests.storage.migrating import Rows, migrated
from trenza.storage import Contact, Interaction, InteractionzSession, LedgerEntry, Workspace

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
ROWS: Rows = [
    (Workspace, WORKSPACE),
    (Contact, CONTACT),
    (Interaction, INTERACTION),
    (InteractionzSession, SESSION),
    (LedgerEntry, DEBIT),
]


async def test_interactions_stay_and_name_nobody(url_before: str) -> None:
    after = await migrated(url_before, ROWS)

    [found], [debit] = after["interaction"], after["ledger_entry"]
    assert {name: found[name] for name in INTERACTION} == INTERACTION
    assert (found["agent_id"], debit["cause_id"]) == (None, "int_1")
