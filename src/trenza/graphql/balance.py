"""The balance of a workspace, worked out on demand."""

from __future__ import annotations

from datetime import datetime

from trenza.domain.metering import balance as metering
from trenza.domain.metering.balance import GrantKind
from trenza.graphql.context import Context
from trenza.readplan.fields import column, figure, part
from trenza.readplan.reader import Row
from trenza.readplan.schema import Record, record


@record()
class GrantUse(Record):
    """What became of one grant within a cycle, in credits."""

    kind: GrantKind = column("Where the credits come from.")
    effective_at: datetime = column("From when they can be spent.")
    expires_at: datetime = column("When what is left of them lapses.")
    granted: int = column("What it brought into the cycle.")
    burned: int = column("What debits of the cycle took of it.")
    remaining: int = column("What can still be spent.")
    lapsed: int = column("What expired unspent.")


@record()
class InteractionzBalance(Record):
    """The credits of a cycle, worked out at that moment from the ledger."""

    at: datetime = column("The instant; what counts until then is in.")
    known_at: datetime = column("What was recorded until then is in.")
    cycle_starts_at: datetime = column("The cycle's first instant.")
    cycle_ends_at: datetime = column("The next cycle's first instant.")
    granted: int = column("Unspent when the cycle began, and what became spendable in it.")
    consumed: int = column("Debits that count in the cycle, net.")
    remaining: int = column("What can be spent at the instant.")
    overage: int = column("Debits of the cycle that no grant paid.")
    lapsed: int = column("What expired unspent in the cycle.")
    grants: list[GrantUse] = part("The same, grant by grant, in the order they burn.", "grants")


def balance_row(found: metering.Balance, known_at: datetime) -> Row:
    """The domain's figures as a row."""
    return {
        "at": found.at,
        "known_at": known_at,
        "cycle_starts_at": found.cycle.starts_at,
        "cycle_ends_at": found.cycle.ends_at,
        "granted": found.granted,
        "consumed": found.consumed,
        "remaining": found.remaining,
        "overage": found.overage,
        "lapsed": found.lapsed,
        "grants": [
            {
                "kind": use.grant.kind,
                "effective_at": use.grant.effective_at,
                "expires_at": use.grant.expires_at,
                "granted": use.granted,
                "burned": use.burned,
                "remaining": use.remaining,
                "lapsed": use.lapsed,
            }
            for use in found.grant_uses
        ],
    }


async def find_balance(
    operation: Context, at: datetime | None = None, known_at: datetime | None = None
) -> Row:
    """The balance at an instant, as known at another."""
    return balance_row(*await operation.figures.balance(at, known_at))


BALANCE_NOW = figure(find_balance, description="The balance now.")
