"""The migration that takes from opt-outs what hashed the message leaves other consent alone."""

from tests.storage.migrating import Rows, migrated
from tests.storage.test_migration_0008 import CONTACT, NOON, WORKSPACE
from trenza.storage import ConsentEvent, Contact, Workspace

BEFORE = "0009"
EVENT = {
    "contact_id": "contact_1",
    "owner_id": "contact_1",
    "channel": "EMAIL",
    "address": "ana@example.com",
    "purpose": "MARKETING",
    "status": "REVOKED",
    "content_hash": "of a word",
    "occurred_at": NOON,
    "recorded_at": NOON,
}
ROWS: Rows = [
    (Workspace, {**WORKSPACE, "retention_months": None}),
    (Contact, CONTACT),
    (ConsentEvent, {**EVENT, "id": "con_1", "source": "opt-out-word", "external_id": "int_1.0"}),
    (ConsentEvent, {**EVENT, "id": "con_2", "source": "form", "external_id": "1"}),
]


async def test_only_opt_outs_by_a_word_lose_their_hash(url_before: str) -> None:
    found = await migrated(url_before, ROWS)

    hashes = {row["id"]: row["content_hash"] for row in found["consent_event"]}
    assert hashes == {"con_1": "", "con_2": "of a word"}
