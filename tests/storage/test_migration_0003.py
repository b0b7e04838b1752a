"""What the third migration makes of the users and keys that there were."""

from datetime import timedelta
from typing import Any

from tests.services.books import utc
from tests.storage.migrating import Rows, migrated
from trenza.storage import ApiKey, SeatEvent, SignIn, Workspace, WorkspaceUser

BEFORE = "0002"
NOON = utc(2026, 9, 10, 12)
HOUR = timedelta(hours=1)
KINDS = {
    "invited": ["INVITED", "INVITED"],
    "active": ["INVITED", "ACCEPTED"],
    "back": ["INVITED", "ACCEPTED", "DEACTIVATED", "REACTIVATED"],
    "gone": ["INVITED", "ACCEPTED", "DEACTIVATED"],
}


def rows_before() -> Rows:
    """A workspace with users of each standing, a key, and sign-ins of one of them."""
    workspace = {
        "name": "Cafetal",
        "zone": "UTC",
        "language": "ES",
        "policy": "2026-11",
        "acceptance_horizon_days": 35,
        "closing_grace_hours": 72,
        "alert_thresholds": [80],
        "created_at": NOON,
    }
    rows: list[tuple[Any, dict[str, Any]]] = [(Workspace, workspace)]
    for name, kinds in KINDS.items():
        user = {"id": f"user_{name}", "name": f"Ñ {name}", "email": f"{name}@example.com"}
        rows.append((WorkspaceUser, user | {"role": "AGENT", "created_at": NOON}))
        for n, kind in enumerate(kinds):
            event = {"id": f"seat_{name}_{n}", "user_id": user["id"], "kind": kind}
            rows.append((SeatEvent, event | {"at": NOON + n * HOUR}))
    key = {"id": "key_1", "name": "till", "secret_hash": "x", "scopes": ["read"]}
    rows.append((ApiKey, key | {"created_at": NOON}))
    for n in range(2):
        times = dict.fromkeys(("started_at", "last_activity_at"), NOON + n * HOUR)
        rows.append((SignIn, {"id": f"signin_{n}", "user_id": "user_active", **times}))
    return rows


async def test_users_stand_as_their_events_say_and_keys_stay_services(url_before: str) -> None:
    read = await migrated(url_before, rows_before())

    found = {row["id"].removeprefix("user_"): row for row in read["workspace_user"]}
    [key] = read["api_key"]
    assert {name: row["standing"] for name, row in found.items()} == {
        "invited": "INVITED",
        "active": "ACTIVE",
        "back": "ACTIVE",
        "gone": "DEACTIVATED",
    }
    assert found["invited"]["invited_at"] == NOON + HOUR
    assert {row["accepted_at"] for row in found.values()} == {None, NOON + HOUR}
    assert found["active"]["last_activity_at"] == NOON + HOUR
    assert found["gone"]["last_activity_at"] is None
    assert found["back"]["name_searchable"] == "n back\nback@example.com"
    assert (key["secret_hash"], key["user_id"], key["rotated_at"]) == ("x", None, None)
