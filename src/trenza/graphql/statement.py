"""The statement of a closed cycle."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from trenza.domain.channel import ChannelKind
from trenza.domain.interaction import SessionLane
from trenza.graphql.balance import ChannelUsage, DayUsage, LaneUsage, Usage
from trenza.readplan.schema import named
from trenza.services import statement as service


@named
@strawberry.type(description="A closed cycle as it stays: never a byte of it changes.")
class Statement:
    """A closed cycle as it stays: never a byte of it changes."""

    cycle_starts_at: datetime = strawberry.field(description="The cycle's first instant.")
    cycle_ends_at: datetime = strawberry.field(description="The next cycle's first instant.")
    closed_at: datetime = strawberry.field(
        description="When it was closed; what was known then is in."
    )
    granted: int = strawberry.field(description="Credits that could be spent in it.")
    consumed: int = strawberry.field(description="Credits spent.")
    remaining: int = strawberry.field(description="Unspent in its last instant.")
    lapsing: int = strawberry.field(description="The part of `remaining` that ended with it.")
    overage: int = strawberry.field(description="Credits spent that no grant paid.")
    usage: Usage = strawberry.field(description="The credits by channel, lane and day.")
    text: str = strawberry.field(
        description="The statement itself, canonical JSON, as it was closed."
    )
    adjustments: int = strawberry.field(
        description="Net debits of sessions of this cycle that were learned after it was closed."
    )


def statement_of(found: service.Statement) -> Statement:
    """The service's statement as the graph gives it."""
    figures = found.figures
    usage = Usage(
        cycle_starts_at=found.cycle.starts_at,
        cycle_ends_at=found.cycle.ends_at,
        total=figures["consumed"],
        by_channel=[
            ChannelUsage(channel=ChannelKind(name), credits=credits)
            for name, credits in figures["byChannel"].items()
        ],
        by_lane=[
            LaneUsage(lane=SessionLane(name), credits=credits)
            for name, credits in figures["byLane"].items()
        ],
        by_day=[
            DayUsage(day=date.fromisoformat(day), credits=credits)
            for day, credits in figures["byDay"].items()
        ],
    )
    return Statement(
        cycle_starts_at=found.cycle.starts_at,
        cycle_ends_at=found.cycle.ends_at,
        closed_at=found.recorded_at,
        granted=figures["granted"],
        consumed=figures["consumed"],
        remaining=figures["remaining"],
        lapsing=figures["lapsing"],
        overage=figures["overage"],
        usage=usage,
        text=found.text,
        adjustments=found.adjustments.net,
    )
