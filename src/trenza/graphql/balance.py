"""The balance, usage and statement of a workspace: figures worked out on demand."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from trenza.domain.channel import ChannelKind
from trenza.domain.interaction import SessionLane
from trenza.domain.metering import balance as metering
from trenza.domain.metering.balance import GrantKind
from trenza.readplan.schema import named
from trenza.services import usage as service


@named
@strawberry.type(description="What became of one grant within a cycle, in credits.")
class GrantUse:
    """What became of one grant within a cycle, in credits."""

    kind: GrantKind = strawberry.field(description="Where the credits come from.")
    effective_at: datetime = strawberry.field(description="From when they can be spent.")
    expires_at: datetime = strawberry.field(description="When what is left of them lapses.")
    granted: int = strawberry.field(description="What it brought into the cycle.")
    burned: int = strawberry.field(description="What debits of the cycle took of it.")
    remaining: int = strawberry.field(description="What can still be spent.")
    lapsed: int = strawberry.field(description="What expired unspent.")


@named
@strawberry.type(description="The credits of a cycle, worked out at that moment from the ledger.")
class InteractionzBalance:
    """The credits of a cycle, worked out at that moment from the ledger."""

    at: datetime = strawberry.field(description="The instant; what counts until then is in.")
    known_at: datetime = strawberry.field(description="What was recorded until then is in.")
    cycle_starts_at: datetime = strawberry.field(description="The cycle's first instant.")
    cycle_ends_at: datetime = strawberry.field(description="The next cycle's first instant.")
    granted: int = strawberry.field(
        description="Unspent when the cycle began, and what became spendable in it."
    )
    consumed: int = strawberry.field(description="Debits that count in the cycle, net.")
    remaining: int = strawberry.field(description="What can be spent at the instant.")
    overage: int = strawberry.field(description="Debits of the cycle that no grant paid.")
    lapsed: int = strawberry.field(description="What expired unspent in the cycle.")
    grants: list[GrantUse] = strawberry.field(
        description="The same, grant by grant, in the order they burn."
    )


def balance_of(found: metering.Balance, known_at: datetime) -> InteractionzBalance:
    """The domain's figures as the graph gives them."""
    return InteractionzBalance(
        at=found.at,
        known_at=known_at,
        cycle_starts_at=found.cycle.starts_at,
        cycle_ends_at=found.cycle.ends_at,
        granted=found.granted,
        consumed=found.consumed,
        remaining=found.remaining,
        overage=found.overage,
        lapsed=found.lapsed,
        grants=[
            GrantUse(
                kind=use.grant.kind,
                effective_at=use.grant.effective_at,
                expires_at=use.grant.expires_at,
                granted=use.granted,
                burned=use.burned,
                remaining=use.remaining,
                lapsed=use.lapsed,
            )
            for use in found.grant_uses
        ],
    )


@named
@strawberry.type(description="Credits of a channel.")
class ChannelUsage:
    """Credits of a channel."""

    channel: ChannelKind = strawberry.field(description="The channel that opened the sessions.")
    credits: int = strawberry.field(description="Debits less reversals.")


@named
@strawberry.type(description="Credits of a lane.")
class LaneUsage:
    """Credits of a lane."""

    lane: SessionLane = strawberry.field(description="Who attended in the sessions.")
    credits: int = strawberry.field(description="Debits less reversals.")


@named
@strawberry.type(description="Credits of a day.")
class DayUsage:
    """Credits of a day."""

    day: date = strawberry.field(description="The day, in the workspace's time zone.")
    credits: int = strawberry.field(description="Debits less reversals that count on it.")


@named
@strawberry.type(description="Credits of a cycle in three groupings; each sums to the total.")
class Usage:
    """Credits of a cycle in three groupings; each sums to the total."""

    cycle_starts_at: datetime = strawberry.field(description="The cycle's first instant.")
    cycle_ends_at: datetime = strawberry.field(description="The next cycle's first instant.")
    total: int = strawberry.field(description="Debits less reversals that count in the cycle.")
    by_channel: list[ChannelUsage] = strawberry.field(description="By channel.")
    by_lane: list[LaneUsage] = strawberry.field(description="By lane.")
    by_day: list[DayUsage] = strawberry.field(description="By day.")


def usage_of(found: service.Usage) -> Usage:
    """The service's figures as the graph gives them."""
    return Usage(
        cycle_starts_at=found.cycle.starts_at,
        cycle_ends_at=found.cycle.ends_at,
        total=found.consumed,
        by_channel=[ChannelUsage(channel=k, credits=n) for k, n in found.by_channel.items()],
        by_lane=[LaneUsage(lane=k, credits=n) for k, n in found.by_lane.items()],
        by_day=[DayUsage(day=k, credits=n) for k, n in found.by_day.items()],
    )
