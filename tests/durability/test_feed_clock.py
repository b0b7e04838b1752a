"""The balance feed on a clock that the test sets: what time alone does, and processes apart."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.world import World, a_world
from trenza.app import build_parts
from trenza.domain.access import Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.interaction import InteractionKind
from trenza.domain.metering.balance import GrantKind
from trenza.services.access import act_as_system
from trenza.services.balance_feed import BalanceEvent, follow_balance
from trenza.services.interaction import Recorded, RecordInteraction
from trenza.services.interactionz import GrantInteractionz, grant_interactionz
from trenza.settings import load_settings

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
CYCLE_ENDS = datetime(2026, 12, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SILENCE_S = 0.2

Events = AsyncGenerator[BalanceEvent, None]


class Paced:
    """Looks again soon, whatever the time on the clock that the test sets."""

    async def wait(self, seconds_max: float) -> None:
        """Sleeps for a moment of real time."""
        await asyncio.sleep(0.005)


@dataclass
class Watched:
    """A workspace of 100 credits a month, and who watches its balance."""

    world: World
    viewer: Viewer

    def follow(self, after: str | None = None, *, conflate: bool = False) -> Events:
        """The events from a cursor, or from a snapshot on."""
        parts = self.world.parts
        return follow_balance(parts.dependencies, self.viewer, Paced(), after, conflate=conflate)

    async def spend(self, name: str, ahead: timedelta = timedelta()) -> None:
        """Opens a session of somebody new, now or a moment ahead."""
        request = RecordInteraction(
            channel=ChannelKind.WEBCHAT,
            kind=InteractionKind.CUSTOMER_MESSAGE,
            occurred_at=self.world.clock.at + ahead,
            identity=(ChannelKind.WEBCHAT, name),
        )
        [answer] = await self.world.parts.recorder.record(self.viewer, [request])
        assert isinstance(answer, Recorded)

    async def grant(self, amount: int, effective_at: datetime, expires_at: datetime) -> None:
        """Gives credits as a courtesy."""
        request = GrantInteractionz(GrantKind.COURTESY, amount, expires_at, effective_at)
        await grant_interactionz(self.world.parts.dependencies, self.viewer, request)


@pytest.fixture
async def watched(database_url: str) -> AsyncIterator[Watched]:
    """A workspace whose cycle ends eleven days ahead."""
    async with a_world(database_url, START) as world:
        tenant = await world.tenant(zone="UTC", started_days_ago=19)
        yield Watched(world, await act_as_system(world.parts.dependencies, tenant.id))


async def told(events: Events) -> tuple[str, int, int, int]:
    """The next event: its kind and sequence, what was granted and what remains."""
    event = await asyncio.wait_for(anext(events), 5)
    return event.kind, event.sequence, event.balance.granted, event.balance.remaining


async def is_silent(events: Events) -> bool:
    """Whether nothing comes for a while; the feed has ended then."""
    try:
        await asyncio.wait_for(anext(events), SILENCE_S)
    except TimeoutError:
        return True
    return False


async def test_a_cycle_that_turns_is_told_once_by_the_clock(watched: Watched) -> None:
    events = watched.follow()
    assert await told(events) == ("SNAPSHOT", 0, 100, 100)
    await watched.spend("ana")
    assert await told(events) == ("CHANGE", 1, 100, 99)

    watched.world.clock.at = CYCLE_ENDS

    assert await told(events) == ("CLOCK", 1, 100, 100)
    await watched.spend("bea")
    assert await told(events) == ("CHANGE", 2, 100, 99)
    assert await is_silent(events)


async def test_a_grant_that_begins_and_lapses_is_told_by_the_clock(watched: Watched) -> None:
    events = watched.follow()
    assert await told(events) == ("SNAPSHOT", 0, 100, 100)
    await watched.grant(7, START + DAY, START + 2 * DAY)
    assert await told(events) == ("CHANGE", 1, 100, 100)

    watched.world.clock.at = START + DAY
    assert await told(events) == ("CLOCK", 1, 107, 107)
    watched.world.clock.at = START + 2 * DAY
    assert await told(events) == ("CLOCK", 1, 107, 100)
    watched.world.clock.at = START + 3 * DAY
    assert await is_silent(events)


async def test_what_time_did_to_a_client_that_was_away_is_told_when_it_resumes(
    watched: Watched,
) -> None:
    await watched.spend("ana")
    await watched.spend("bea")
    watched.world.clock.at = CYCLE_ENDS + DAY

    up_to_date = watched.follow("b2")
    behind = watched.follow("b1")

    assert await told(up_to_date) == ("CLOCK", 2, 100, 100)
    assert await is_silent(up_to_date)
    assert await told(behind) == ("CHANGE", 2, 100, 98)
    assert await told(behind) == ("CLOCK", 2, 100, 100)
    assert await is_silent(behind)


async def test_a_change_is_told_the_same_to_everybody_and_whenever(watched: Watched) -> None:
    live = watched.follow("b0")
    seen = []
    for number, ahead in enumerate([0, 240, 0, 120, 0]):
        watched.world.clock.at += timedelta(seconds=30)
        await watched.spend(f"p{number}", timedelta(seconds=ahead))
        seen.append(await asyncio.wait_for(anext(live), 5))
    watched.world.clock.at += DAY

    resumed = [watched.follow(f"b{sequence}") for sequence in range(5)]
    again = [await asyncio.wait_for(anext(events), 5) for events in resumed]

    assert again == seen
    assert [event.balance.consumed for event in seen] == [1, 2, 3, 4, 5]
    for events in (live, *resumed):
        await events.aclose()


async def test_what_another_process_wrote_is_found_without_any_bell(
    watched: Watched, database_url: str
) -> None:
    apart = build_parts(load_settings(database=database_url, pool_size=2), watched.world.clock)
    dependencies = watched.world.parts.dependencies
    workspace_id = watched.viewer.workspace_id
    with apart.bus.follow(workspace_id) as follower:
        events = follow_balance(apart.dependencies, watched.viewer, follower, None, conflate=False)
        assert await told(events) == ("SNAPSHOT", 0, 100, 100)
        hearing = asyncio.create_task(told(events))
        await asyncio.sleep(0.05)

        await watched.spend("ana")

        assert await asyncio.wait_for(hearing, 2.5) == ("CHANGE", 1, 100, 99)
        await events.aclose()
    await apart.bus.close()
    await apart.dependencies.database.close()
    assert dependencies.database is not apart.dependencies.database
