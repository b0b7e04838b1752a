"""The statement of a closed cycle."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from trenza.domain.channel import ChannelKind
from trenza.domain.interaction import SessionLane
from trenza.graphql.context import Context
from trenza.graphql.usage import usage_row
from trenza.readplan.fields import column, part
from trenza.readplan.reader import Row
from trenza.readplan.schema import Record, record
from trenza.services import statement as service

if TYPE_CHECKING:
    from trenza.graphql.usage import Usage


@record()
class Statement(Record):
    """A closed cycle as it stays: never a byte of it changes."""

    cycle_starts_at: datetime = column("The cycle's first instant.")
    cycle_ends_at: datetime = column("The next cycle's first instant.")
    closed_at: datetime = column("When it was closed; what was known then is in.")
    granted: int = column("Credits that could be spent in it.")
    consumed: int = column("Credits spent.")
    remaining: int = column("Unspent in its last instant.")
    lapsing: int = column("The part of `remaining` that ended with it.")
    overage: int = column("Credits spent that no grant paid.")
    usage: Usage = part(
        "The credits in their groupings. Channels, lanes and days are as they were closed; what "
        "else they are attributed to follows what is known today.",
        "usage",
    )
    text: str = column("The statement itself, canonical JSON, as it was closed.")
    adjustments: int = column(
        "Net debits of sessions of this cycle that were learned after it was closed."
    )


def statement_row(found: service.Statement) -> Row:
    """The service's statement as a row."""
    figures = found.figures
    cycle = {"cycle_starts_at": found.cycle.starts_at, "cycle_ends_at": found.cycle.ends_at}
    usage = usage_row(
        found.cycle,
        figures["consumed"],
        {ChannelKind(name): credits for name, credits in figures["byChannel"].items()},
        {SessionLane(name): credits for name, credits in figures["byLane"].items()},
        {date.fromisoformat(day): credits for day, credits in figures["byDay"].items()},
        known_at=found.recorded_at,
        from_=found.cycle.starts_at,
        to=found.cycle.ends_at,
    )
    return {
        **cycle,
        "closed_at": found.recorded_at,
        "granted": figures["granted"],
        "consumed": figures["consumed"],
        "remaining": figures["remaining"],
        "lapsing": figures["lapsing"],
        "overage": figures["overage"],
        "usage": usage,
        "text": found.text,
        "adjustments": found.adjustments.net,
    }


async def find_statement(operation: Context, cycle_of: date | None) -> Row | None:
    """The statement of the cycle that holds a date; nothing where that cycle is not closed."""
    found = await operation.figures.statement(cycle_of)
    return None if found is None else statement_row(found)
