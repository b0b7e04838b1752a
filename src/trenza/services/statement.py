"""The statement of a closed cycle: composed once, kept as text, never changed by a byte.

What is learned later about the cycle counts in a later one and is shown beside it: statement and
adjustments together are the truth.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson

from trenza.domain.instant import instant_text
from trenza.domain.metering.balance import Balance, GrantUse
from trenza.domain.metering.cycle import Cycle
from trenza.services.balance import TICK, find_balance
from trenza.services.usage import Usage, instant_of, usage_at
from trenza.storage.asking import Source
from trenza.storage.engine import AsyncConnection
from trenza.storage.ledger import (
    Closing,
    Correction,
    find_corrected_closing,
    find_correction,
)
from trenza.storage.workspace import WorkspaceSettings


@dataclass(frozen=True, slots=True)
class Statement:
    """A closed cycle. `figures` is what `text`, the canonical JSON that was stored, says."""

    id: str
    cycle: Cycle
    recorded_at: datetime
    sequence: int
    text: str
    figures: Mapping[str, Any]
    adjustments: Correction


async def find_statement(
    source: Source, workspace: WorkspaceSettings, cycle_of: date | None = None
) -> Statement | None:
    """The statement of the closed cycle that holds a date, by default of the last closed one.

    None where that cycle is not closed. Raises InvalidInput with path ("cycleOf",) outside the
    years 1970 to 2199. In one statement of SQL.
    """
    at = None if cycle_of is None else instant_of(workspace, cycle_of)
    found = await find_corrected_closing(source, workspace.id, at)
    return None if found is None else _statement(*found)


async def statement_of(
    connection: AsyncConnection, workspace_id: str, closing: Closing
) -> Statement:
    """A closing with what was learned later about its cycle."""
    cycle = Cycle(closing.starts_at, closing.ends_at)
    return _statement(closing, await find_correction(connection, workspace_id, cycle))


def _statement(closing: Closing, correction: Correction) -> Statement:
    return Statement(
        id=closing.id,
        cycle=Cycle(closing.starts_at, closing.ends_at),
        recorded_at=closing.recorded_at,
        sequence=closing.sequence,
        text=closing.statement,
        figures=orjson.loads(closing.statement),
        adjustments=correction,
    )


async def compose_statement(
    connection: AsyncConnection, workspace: WorkspaceSettings, cycle: Cycle, known_at: datetime
) -> str:
    """The figures of a cycle in its last instant, as canonical JSON: sorted keys, no spaces."""
    at = cycle.ends_at - TICK
    balance = await find_balance(connection, workspace, at, known_at)
    usage = await usage_at(connection, workspace, cycle, at, known_at)
    figures = {
        "closedAt": instant_text(known_at),
        "cycleEndsAt": instant_text(cycle.ends_at),
        "cycleStartsAt": instant_text(cycle.starts_at),
        "plan": {"code": workspace.plan.code, "interactionz": workspace.quota_of(cycle)},
        "zone": workspace.zone.key,
        **_balance_figures(balance),
        **_usage_figures(usage),
    }
    return orjson.dumps(figures, option=orjson.OPT_SORT_KEYS).decode()


def _balance_figures(balance: Balance) -> dict[str, Any]:
    """`lapsing` is the part of `remaining` that ends with the cycle, `lapsed` what ended before."""
    ends_at = balance.cycle.ends_at
    lapsing = sum(use.remaining for use in balance.grant_uses if use.grant.expires_at <= ends_at)
    return {
        "granted": balance.granted,
        "consumed": balance.consumed,
        "remaining": balance.remaining,
        "lapsing": lapsing,
        "lapsed": balance.lapsed,
        "overage": balance.overage,
        "grants": [_grant_figures(use) for use in balance.grant_uses],
    }


def _grant_figures(use: GrantUse) -> dict[str, Any]:
    return {
        "id": use.grant.id,
        "kind": use.grant.kind,
        "effectiveAt": instant_text(use.grant.effective_at),
        "expiresAt": instant_text(use.grant.expires_at),
        "priority": use.grant.priority,
        "granted": use.granted,
        "burned": use.burned,
        "remaining": use.remaining,
        "lapsed": use.lapsed,
    }


def _usage_figures(usage: Usage) -> dict[str, Any]:
    return {
        "byChannel": {channel.value: credits_ for channel, credits_ in usage.by_channel.items()},
        "byLane": {lane.value: credits_ for lane, credits_ in usage.by_lane.items()},
        "byDay": {on.isoformat(): credits_ for on, credits_ in usage.by_day.items()},
    }
