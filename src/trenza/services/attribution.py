"""What the credits of a period went to: campaigns, journeys, agents, contacts; and one contact.

The credits are those of `services/usage.py`, so that each grouping sums to the same total.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import NamedTuple

from trenza.domain.channel import ChannelKind
from trenza.domain.errors import InvalidInput
from trenza.domain.interaction import SessionLane
from trenza.domain.metering.attribution import agent_of, cause_of
from trenza.domain.metering.cycle import Cycle
from trenza.services.usage import Frame, Period, ask_in_cycles
from trenza.storage.asking import Source
from trenza.storage.attribution import (
    ask_agents,
    ask_campaigns,
    ask_journeys,
    ask_owners,
    ask_served,
    attendances_of,
    causes_of,
    owner_shares_of,
    served_of,
)
from trenza.storage.bulk import Question, Row
from trenza.storage.workspace import WorkspaceSettings

TOP_MAX = 100
"""The most groups that are told one by one."""


class Grouping(Enum):
    """What credits are attributed to."""

    CAMPAIGN = "campaign"
    JOURNEY = "journey"
    AGENT = "agent"
    CONTACT = "contact"


class Share(NamedTuple):
    """The credits of one noun, by its id.

    Without an id they are those of none, or with `is_rest` of all beyond the first, together.
    """

    id: str | None
    credits: int
    is_rest: bool = False


class Wanted(NamedTuple):
    """The period or cycle that is asked about, and what was known."""

    cycle_of: date | None = None
    known_at: datetime | None = None
    period: Period | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """The credits that a person's sessions took; both groupings are complete and sum to `total`."""

    total: int
    by_channel: Mapping[ChannelKind, int]
    by_lane: Mapping[SessionLane, int]


def require_top(top: int) -> None:
    """Raises InvalidInput with path ("top",) unless so many groups can be told."""
    if not 1 <= top <= TOP_MAX:
        raise InvalidInput(f"`top` goes from 1 to {TOP_MAX}.", path=("top",))


async def find_shares(
    source: Source,
    workspace: WorkspaceSettings,
    now: datetime,
    wanted: Wanted,
    grouping: Grouping,
    top: int,
    *,
    kept: Sequence[Cycle] = (),
    or_later: bool = False,
) -> list[Share]:
    """The credits by what they are attributed to, the most first, then those of none and the rest.

    What has no credits is not there. In one statement, as `ask_in_cycles` says. Raises
    InvalidInput with path ("top",) outside 1 to 100.
    """
    require_top(top)

    def ask(frame: Frame) -> Question:
        return _asking(grouping, workspace.id, frame, top)

    given = (workspace, now, *wanted, ask)
    _, rows = await ask_in_cycles(source, *given, kept=kept, or_later=or_later)
    if grouping is Grouping.CONTACT:
        found = [Share(*each, is_rest=each.owner_id is None) for each in owner_shares_of(rows)]
        return sorted(found, key=_place)
    return _first(_GROUPED[grouping](rows), top)


async def find_cost(
    source: Source,
    workspace: WorkspaceSettings,
    now: datetime,
    wanted: Wanted,
    owner_id: str,
    *,
    kept: Sequence[Cycle] = (),
    or_later: bool = False,
) -> Cost:
    """What a root cost to serve, in one statement, as `ask_in_cycles` says."""

    def ask(frame: Frame) -> Question:
        return ask_served(workspace.id, frame.stretches(), owner_id)

    given = (workspace, now, *wanted, ask)
    _, rows = await ask_in_cycles(source, *given, kept=kept, or_later=or_later)
    by_channel: Counter[ChannelKind] = Counter()
    by_lane: Counter[SessionLane] = Counter()
    for each in served_of(rows):
        by_channel[each.channel] += each.credits
        by_lane[each.lane] += each.credits
    return Cost(
        by_lane.total(),
        {channel: by_channel[channel] for channel in ChannelKind},
        {lane: by_lane[lane] for lane in SessionLane},
    )


def _asking(grouping: Grouping, workspace_id: str, frame: Frame, top: int) -> Question:
    stretches = frame.stretches()
    match grouping:
        case Grouping.CAMPAIGN:
            return ask_campaigns(workspace_id, stretches)
        case Grouping.JOURNEY:
            return ask_journeys(workspace_id, stretches)
        case Grouping.AGENT:
            return ask_agents(workspace_id, stretches)
        case Grouping.CONTACT:
            return ask_owners(workspace_id, stretches, top)


def _by_cause(rows: Iterable[Row]) -> Counter[str | None]:
    found: Counter[str | None] = Counter()
    for each in causes_of(rows):
        found[cause_of(each.opened_by, each.own, each.sent)] += each.credits
    return found


def _by_agent(rows: Iterable[Row]) -> Counter[str | None]:
    found: Counter[str | None] = Counter()
    for each in attendances_of(rows):
        found[agent_of(each.opened_by, each.acted_first)] += each.credits
    return found


_GROUPED: Mapping[Grouping, Callable[[Iterable[Row]], Counter[str | None]]] = {
    Grouping.CAMPAIGN: _by_cause,
    Grouping.JOURNEY: _by_cause,
    Grouping.AGENT: _by_agent,
}


def _first(credits_by_id: Mapping[str | None, int], top: int) -> list[Share]:
    """The first groups by their credits, then what belongs to none, then the rest."""
    named = sorted((Share(id, n) for id, n in credits_by_id.items() if id and n), key=_place)
    none = Share(None, credits_by_id.get(None, 0))
    rest = Share(None, sum(each.credits for each in named[top:]), is_rest=True)
    return [*named[:top], *(each for each in (none, rest) if each.credits)]


def _place(share: Share) -> tuple[bool, bool, int, str]:
    return share.is_rest, share.id is None, -share.credits, share.id or ""
