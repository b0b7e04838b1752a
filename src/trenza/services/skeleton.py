"""Turning interactions into skeletons, which tell when and what, and no more who and what was said.

The order among all interactions of a person stays what it was, and so do sessions and verdicts.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from trenza.domain.erasure import keyed_hash, skeleton_positions
from trenza.domain.instant import INSTANT_LENGTH, instant_text
from trenza.services.dependencies import Dependencies
from trenza.storage.bulk import ask, write_all
from trenza.storage.contact import find_roots
from trenza.storage.engine import AsyncConnection
from trenza.storage.erasure import (
    EMPTIED_QUARANTINE,
    PLACED_SESSIONS,
    SKELETONS,
    TOLD_COLUMNS,
    TOLD_INTERACTIONS,
    list_places,
)
from trenza.storage.interaction import Stretch
from trenza.storage.person import find_kin
from trenza.storage.workspace import ASKED_SECRET, keep_secret

EXTERNAL_ID, CONTENT, ADDRESS = "external id", "content", "address"
LONGEST_WINDOW = timedelta(days=2)
"""A session that something bound was opened less than that before it."""
Row = Mapping[str, Any]


async def share_secret(
    connection: AsyncConnection, dependencies: Dependencies, workspace_id: str
) -> str:
    """The workspace's secret for hashes, which is made where there is none yet.

    Take it after the locks of contacts.
    """
    [[(secret,)]] = await ask(connection, ASKED_SECRET.of(workspace_id))
    if secret is None:
        await keep_secret(connection, workspace_id, dependencies.new_secret())
        # Another transaction may have been first.
        [[(secret,)]] = await ask(connection, ASKED_SECRET.of(workspace_id))
    return str(secret)


def hash_id(secret: str, external_id: str) -> str:
    """The external id of a skeleton."""
    return keyed_hash(secret, EXTERNAL_ID, external_id)


def hash_content(secret: str, content_hash: str) -> str:
    """The hash of what a skeleton once said."""
    return keyed_hash(secret, CONTENT, content_hash)


async def strip_interactions(
    connection: AsyncConnection,
    workspace_id: str,
    secret: str,
    stretches: Sequence[Stretch],
    now: datetime,
) -> int:
    """Makes skeletons of the interactions within stretches; how many that were not yet.

    The roots are locked. Stretches begin with an instant, and leave out none before them that is
    no skeleton.
    """
    [found] = await ask(
        connection,
        TOLD_INTERACTIONS.of(workspace_id, [(s.owner_id, s.begins, s.ends) for s in stretches]),
    )
    rows = [dict(zip(TOLD_COLUMNS, row, strict=True)) for row in found]
    told = [row for row in rows if row["erased_at"] is None]
    positions = dict(_positions(rows))
    skeletons = [
        {
            "id": row["id"],
            "position": positions[row["owner_id"], row["position"]],
            "identity_address": _hashed(secret, ADDRESS, row["identity_address"]),
            "external_id": _hashed(secret, EXTERNAL_ID, row["external_id"]),
            "content_hash": _hashed(secret, CONTENT, row["content_hash"]),
            "erased_at": now,
        }
        for row in told
    ]
    await write_all(connection, workspace_id, [(SKELETONS, skeletons)])
    moved = {old: new for (_, old), new in positions.items()}
    await _place_sessions(connection, workspace_id, stretches, moved)
    return len(told)


def _positions(rows: Iterable[Row]) -> Iterable[tuple[tuple[str, str], str]]:
    """The new position of each that becomes a skeleton, by owner and old position."""
    by_owner: dict[str, list[tuple[str, str, bool]]] = {}
    for row in rows:
        known = (row["id"], row["position"], row["erased_at"] is None)
        by_owner.setdefault(row["owner_id"], []).append(known)
    for owner_id, each in by_owner.items():
        for old, new in skeleton_positions(each).items():
            yield (owner_id, old), new


def _hashed(secret: str, what: str, text: str | None) -> str | None:
    return None if text is None else keyed_hash(secret, what, text)


async def _place_sessions(
    connection: AsyncConnection,
    workspace_id: str,
    stretches: Sequence[Stretch],
    moved: Mapping[str, str],
) -> None:
    """Rewrites where sessions were opened and bound, those of whoever was merged once too."""
    if not moved:
        return
    owner_ids = {each.owner_id for each in stretches}
    kin = await find_kin(connection, workspace_id, owner_ids)
    owner_ids.update((await find_roots(connection, workspace_id, kin - owner_ids)).values())
    first = datetime.fromisoformat(min(moved)[:INSTANT_LENGTH])
    begins = instant_text(first - LONGEST_WINDOW)
    placed = []
    for row in await list_places(connection, workspace_id, sorted(owner_ids), begins):
        opened, bound = row["opened_position"], row["bound_position"]
        if opened in moved or bound in moved:
            after = {
                "opened_position": moved.get(opened, opened),
                "bound_position": moved.get(bound, bound),
            }
            placed.append({"id": row["id"], **after})
    await write_all(connection, workspace_id, [(PLACED_SESSIONS, placed)])


async def empty_quarantine(
    connection: AsyncConnection,
    workspace_id: str,
    secret: str,
    rows: Iterable[Row],
    now: datetime,
) -> None:
    """Takes from reports in quarantine what was reported; sent again they are still known."""
    emptied = [
        {
            "id": row["id"],
            "external_id": _hashed(secret, EXTERNAL_ID, row["external_id"]),
            "content_hash": _hashed(secret, CONTENT, row["content_hash"]),
            "erased_at": now,
            "request": orjson.dumps({}).decode(),
        }
        for row in rows
    ]
    await write_all(connection, workspace_id, [(EMPTIED_QUARANTINE, emptied)])
