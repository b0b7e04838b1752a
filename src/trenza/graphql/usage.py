"""The usage of a workspace in all its groupings, and what a contact costs to serve."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from trenza.domain.access import Scope
from trenza.domain.channel import ChannelKind
from trenza.domain.interaction import SessionLane
from trenza.domain.metering.cycle import Cycle
from trenza.graphql.context import Context
from trenza.readplan.fields import Argument, column, figure, one, part
from trenza.readplan.reader import Row
from trenza.readplan.schema import Record, record
from trenza.services import usage as service
from trenza.services.attribution import Grouping, Wanted

if TYPE_CHECKING:
    from trenza.graphql.campaign import Campaign
    from trenza.graphql.contact import Contact
    from trenza.graphql.journey import Journey
    from trenza.graphql.seat import User

CREDITS = "Debits less reversals."
REST = "Whether these are the credits of all those beyond `top`, together."
TOP = {"top": Argument("int", "How many are told one by one: 1 to 100.", value=20)}
ASKED = ("cycle_of", "known_at", "from_", "to")
"""What a usage was asked for: its arguments, which its row repeats."""


@record()
class ChannelUsage(Record):
    """Credits of a channel."""

    channel: ChannelKind = column("The channel that opened the sessions.")
    credits: int = column(CREDITS)


@record()
class LaneUsage(Record):
    """Credits of a lane."""

    lane: SessionLane = column("Who attended in the sessions.")
    credits: int = column(CREDITS)


@record()
class DayUsage(Record):
    """Credits of a day."""

    day: date = column("The day, in the workspace's time zone.")
    credits: int = column("Debits less reversals that count on it.")


@record()
class CampaignUsage(Record):
    """Credits of a campaign: of sessions that it opened, and of answers to its sends."""

    campaign: Campaign | None = one("The campaign; null for none, and for the rest.", "id")
    is_rest: bool = column(REST)
    credits: int = column(CREDITS)


@record()
class JourneyUsage(Record):
    """Credits of a journey: of sessions that it opened, and of answers to its sends."""

    journey: Journey | None = one("The journey; null for none, and for the rest.", "id")
    is_rest: bool = column(REST)
    credits: int = column(CREDITS)


@record()
class AgentUsage(Record):
    """Credits of an agent: of sessions that the agent opened or was the first to attend."""

    agent: User | None = one("The agent; null for none, and for the rest.", "id")
    is_rest: bool = column(REST)
    credits: int = column(CREDITS)


@record()
class ContactUsage(Record):
    """Credits of a contact with all that was merged into it."""

    contact: Contact | None = one("The contact; null for the rest.", "id")
    is_rest: bool = column(REST)
    credits: int = column(CREDITS)


async def _shares(
    operation: Context,
    cycle_of: date | None,
    known_at: datetime | None,
    from_: datetime | None,
    to: datetime | None,
    top: int,
    *,
    grouping: Grouping,
) -> list[Row]:
    """The shares of a grouping as rows."""
    wanted = Wanted(cycle_of, known_at, service.period_of(from_, to, cycle_of))
    found = await operation.figures.shares(wanted, grouping, top)
    return [share._asdict() for share in found]


def _by(grouping: Grouping, description: str) -> Any:
    """Declares a grouping that is asked at the same time as the usage that it belongs to."""
    return figure(
        partial(_shares, grouping=grouping), *ASKED, description=description, arguments=TOP
    )


@record()
class Usage(Record):
    """Credits of a cycle or period in several groupings; each sums to the total."""

    cycle_starts_at: datetime = column("The first instant of the cycle, the first one of a period.")
    cycle_ends_at: datetime = column("The end of the cycle, the last one of a period.")
    total: int = column("Debits less reversals that count in the cycle or period.")
    by_channel: list[ChannelUsage] = part("By channel.", "by_channel")
    by_lane: list[LaneUsage] = part("By lane.", "by_lane")
    by_day: list[DayUsage] = part("By day.", "by_day")
    by_campaign: list[CampaignUsage] = _by(
        Grouping.CAMPAIGN,
        "By campaign, the most first: the one that the opening of a session names, or whose send "
        "a customer's message answered within 72 hours.",
    )
    by_journey: list[JourneyUsage] = _by(
        Grouping.JOURNEY,
        "By journey, the most first: the one that the opening of a session names, or whose send "
        "a customer's message answered within 72 hours.",
    )
    by_agent: list[AgentUsage] = _by(
        Grouping.AGENT,
        "By agent, the most first: who opened a session, or else was the first to attend in it.",
    )
    by_contact: list[ContactUsage] = _by(
        Grouping.CONTACT,
        "By contact, the most first: the person whom a session belongs to today, after merges.",
    )


def usage_row(
    cycle: Cycle,
    total: int,
    by_channel: Mapping[ChannelKind, int],
    by_lane: Mapping[SessionLane, int],
    by_day: Mapping[date, int],
    **asked: date | datetime | None,
) -> Row:
    """A usage as a row, with what it was asked for, `ASKED`."""
    return {
        "cycle_starts_at": cycle.starts_at,
        "cycle_ends_at": cycle.ends_at,
        "total": total,
        "by_channel": _channel_rows(by_channel),
        "by_lane": _lane_rows(by_lane),
        "by_day": [{"day": k, "credits": n} for k, n in by_day.items()],
        **dict.fromkeys(ASKED),
        **asked,
    }


def _channel_rows(credits_: Mapping[ChannelKind, int]) -> list[Row]:
    return [{"channel": k, "credits": n} for k, n in credits_.items()]


def _lane_rows(credits_: Mapping[SessionLane, int]) -> list[Row]:
    return [{"lane": k, "credits": n} for k, n in credits_.items()]


async def find_usage(
    operation: Context,
    cycle_of: date | None,
    known_at: datetime | None,
    from_: datetime | None,
    to: datetime | None,
) -> Row:
    """The usage of a period or of the cycle that holds a date, as known at an instant."""
    period = service.period_of(from_, to, cycle_of)
    found = await operation.figures.usage(cycle_of, known_at, period)
    return usage_row(
        found.cycle,
        found.consumed,
        found.by_channel,
        found.by_lane,
        found.by_day,
        cycle_of=cycle_of,
        known_at=found.known_at,
        from_=from_,
        to=to,
    )


@record()
class ServingCost(Record):
    """The credits that a person's sessions took; each grouping sums to the total."""

    total: int = column(CREDITS)
    by_channel: list[ChannelUsage] = part("By channel.", "by_channel")
    by_lane: list[LaneUsage] = part("By lane.", "by_lane")


async def find_cost_to_serve(
    operation: Context, id: str, from_: datetime | None, to: datetime | None
) -> Row:
    """The credits of the sessions of a person, all that was merged into them among it."""
    found = await operation.figures.cost(id, service.period_of(from_, to, None))
    return {
        "total": found.total,
        "by_channel": _channel_rows(found.by_channel),
        "by_lane": _lane_rows(found.by_lane),
    }


PERIOD = {
    "from_": Argument("datetime | None", "From when; with `to`, in place of the running cycle."),
    "to": Argument("datetime | None", "Until when, itself not included."),
}
COST_TO_SERVE = figure(
    find_cost_to_serve,
    "id",
    description=(
        "The credits that serving the person took in the running cycle, or in any period of at "
        "most 400 days: what `usage` says of the contact."
    ),
    arguments=PERIOD,
    scope=Scope.READ,
)
