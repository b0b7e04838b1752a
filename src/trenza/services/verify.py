"""Recomputing the books from the interactions, and every difference to what is stored.

What can be worked out is worked out anew: the sessions and verdicts of each contact by folding all
of its interactions, the ledger by its own rules, closings and alerts from the ledger. It reads one
state of the database, some contacts and some rows at a time.
"""

from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import timedelta
from typing import Any

import orjson

from trenza.domain.interaction import SessionLane
from trenza.domain.metering.cycle import Cycle
from trenza.services.checkpoint import verify_checkpoints
from trenza.services.dependencies import Dependencies
from trenza.services.difference import Difference
from trenza.services.statement import compose_statement
from trenza.services.verify_contacts import verify_contacts
from trenza.services.verify_entries import verify_entries
from trenza.storage.engine import AsyncConnection
from trenza.storage.verify import Row, count_books, count_changeable_lanes, find_beside
from trenza.storage.workspace import WorkspaceSettings, find_workspace

__all__ = ["Difference", "count_verified", "verify_ledger"]

COMMITTED_WITHIN = timedelta(hours=1)
"""What arrived that long before a closing may have been committed after it."""


async def verify_ledger(dependencies: Dependencies, workspace_id: str) -> list[Difference]:
    """Every difference between a workspace's books and what follows from its interactions.

    Raises NotFound for an unknown workspace.
    """
    async with dependencies.database.read(workspace_id) as connection:
        workspace = await find_workspace(connection, workspace_id)
        beside = await find_beside(connection, workspace_id)
        found = [each async for each in verify_contacts(connection, workspace)]
        found += [each async for each in verify_entries(connection, workspace, beside)]
        found += [each async for each in verify_checkpoints(connection, workspace_id)]
        found += [each async for each in verify_statements(connection, workspace, beside.closings)]
        return found


async def count_verified(dependencies: Dependencies, workspace_id: str) -> dict[str, int]:
    """How much there was to verify, by noun."""
    async with dependencies.database.read(workspace_id) as connection:
        return await count_books(connection, workspace_id)


async def verify_statements(
    connection: AsyncConnection, workspace: WorkspaceSettings, closings: Sequence[Row]
) -> AsyncGenerator[Difference, None]:
    """The statements that are not, byte for byte, what was known when their cycles were closed.

    The lane of a session can have changed since, where something arrived later: there the lanes
    are held to what they can have been.
    """
    for row in closings:
        cycle = Cycle(row["starts_at"], row["ends_at"])
        try:
            composed = await compose_statement(connection, workspace, cycle, row["recorded_at"])
        except ValueError as error:
            yield Difference(row["id"], "statement", "recomputable", error)
            continue
        if composed != row["statement"]:
            since = row["recorded_at"] - COMMITTED_WITHIN
            changeable = await count_changeable_lanes(connection, workspace.id, cycle, since)
            for difference in _differing(row, composed, changeable):
                yield difference


def _differing(row: Row, composed: str, changeable: dict[SessionLane, int]) -> Iterator[Difference]:
    """What differs in a statement, beside lanes that can have been as they are told."""
    figures: dict[str, Any] = orjson.loads(composed)
    try:
        told: dict[str, Any] = orjson.loads(row["statement"])
        if _can_have_been(told["byLane"], figures["byLane"], changeable):
            figures["byLane"] = told["byLane"]
    except (ValueError, KeyError, TypeError, AttributeError):
        yield Difference(row["id"], "statement", composed, row["statement"])
        return
    expected, found = dict(_single(figures)), dict(_single(told))
    unlike = [
        name
        for name in sorted(expected.keys() | found.keys())
        if expected.get(name) != found.get(name)
    ]
    for name in unlike:
        yield Difference(row["id"], name, expected.get(name), found.get(name))
    text = orjson.dumps(figures, option=orjson.OPT_SORT_KEYS).decode()
    if not unlike and text != row["statement"]:
        yield Difference(row["id"], "statement", text, row["statement"])


def _single(figures: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The figures by name, those of a grouping each by itself."""
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{key}", each) for key, each in value.items())
        else:
            yield name, value


def _can_have_been(
    told: dict[str, int], now: dict[str, int], changeable: dict[SessionLane, int]
) -> bool:
    """Whether credits can have moved from lane to lane until now, in sessions that changed."""
    return sum(told.values()) == sum(now.values()) and all(
        told.get(lane, 0) >= credits_ - changeable.get(SessionLane(lane), 0)
        for lane, credits_ in now.items()
    )
