"""Random histories, and their usage in random periods against the model of it.

Campaigns and journeys send, agents attend; reports come late and twice, are retracted and
admitted, cycles are closed, contacts merged and taken apart. Every grouping sums to the total.
"""

from collections import Counter
from datetime import datetime, timedelta
from random import Random

import pytest

from tests.durability.audit import audit
from tests.properties.seeds import any_seed
from tests.properties.test_storage_histories import MONTHS, START, History, founded
from tests.properties.usage_model import Model, Spent, first
from tests.scale import scale
from tests.world import World, a_world
from trenza.domain.access import Role, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.contact import LifecycleStage
from trenza.domain.errors import Conflict
from trenza.domain.interaction import InteractionKind, Lane
from trenza.services.attribution import Grouping, Share, Wanted, find_cost, find_shares
from trenza.services.campaign import CreateCampaign, create_campaign
from trenza.services.interaction import RecordInteraction
from trenza.services.interactionz import CloseCycle, close_cycle
from trenza.services.journey import CreateJourney, create_journey
from trenza.services.merge import unmerge_contact
from trenza.services.seat import InviteUser, invite_user
from trenza.services.usage import Period, find_usage
from trenza.storage.workspace import find_workspace

HISTORIES = scale(3, 150)
STEPS = 60
PERIODS = 6
NAMES = 3
NOUN = {
    Grouping.CAMPAIGN: "campaign",
    Grouping.JOURNEY: "journey",
    Grouping.AGENT: "agent",
    Grouping.CONTACT: "contact",
}


class Attended(History):
    """A life with campaigns, journeys and agents, whose cycles are closed."""

    def __init__(self, world: World, viewer: Viewer, random: Random) -> None:
        super().__init__(world, viewer, random)
        self.campaigns: list[str] = []
        self.journeys: list[str] = []
        self.agents: list[str] = []

    async def begin(self) -> None:
        """Makes what reports will name."""
        given = self.dependencies, self.viewer
        for n in range(NAMES):
            campaign = CreateCampaign(f"C{n}", ChannelKind.EMAIL)
            self.campaigns.append(await create_campaign(*given, campaign))
            journey = CreateJourney(f"J{n}", LifecycleStage.SALE)
            self.journeys.append(await create_journey(*given, journey))
            invited = await invite_user(*given, InviteUser(f"a{n}@example.com", "A", Role.AGENT))
            self.agents.append(invited.user_id)

    def report(self, occurred_at: datetime | None = None) -> RecordInteraction:
        """A report that names what it may name, or does not; half of them are sends or answers."""
        made = super().report(occurred_at)
        sends = (InteractionKind.CAMPAIGN_SEND, InteractionKind.JOURNEY_SEND)
        kinds = (*sends, InteractionKind.CUSTOMER_MESSAGE)
        if self.random.random() < 0.5:
            made = made._replace(kind=self.random.choice(kinds), actor=None)
        if made.kind in sends or self.random.random() < 0.1:
            if self.random.random() < 0.5:
                made = made._replace(campaign_id=self.random.choice(self.campaigns))
            else:
                made = made._replace(journey_id=self.random.choice(self.journeys))
        is_human = made.actor is Lane.HUMAN or (
            made.kind is InteractionKind.TICKET_PUBLIC_ACTION and made.actor is None
        )
        if is_human and self.random.random() < 0.6:
            made = made._replace(agent_id=self.random.choice(self.agents))
        self.sent[-1] = made
        return made

    async def step(self) -> None:
        """Something happens; now and then merges are undone and cycles closed."""
        await super().step()
        if self.random.random() < 0.1:
            await self.unmerge()
        if self.random.random() < 0.05:
            await self.close()

    async def unmerge(self) -> None:
        """Takes a contact out of what it was merged into."""
        found = await audit(self.dependencies, self.viewer.workspace_id)
        merged = [row["id"] for row in found.contacts if row["merged_into_id"] is not None]
        if merged:
            await unmerge_contact(self.dependencies, self.viewer, self.random.choice(merged))

    async def close(self) -> None:
        """Closes the next cycle, where it is over: what comes later is an adjustment."""
        try:
            await close_cycle(self.dependencies, self.viewer, CloseCycle())
        except Conflict:
            assert self.world.clock.at < MONTHS[-1]

    def period(self) -> Period:
        """Any period; whole days are common, and the ends of cycles among them."""
        ends = [
            START + timedelta(days=self.random.randint(-50, 40))
            if self.random.random() < 0.7
            else self.random.choice(MONTHS)
            for _ in range(2)
        ]
        begins, ends_at = min(ends), max(ends) + timedelta(hours=self.random.randint(1, 30))
        return Period(begins, ends_at)


class Asked:
    """What the services say of periods, beside what the model says."""

    def __init__(self, history: Attended, model: Model) -> None:
        self.history = history
        self.model = model

    async def compare(self, period: Period, known_at: datetime) -> int:
        """Compares all groupings of a period and tells its total."""
        history, now = self.history, self.history.world.clock.at + timedelta(days=1)
        expected = self.model.spent(*period, known_at)
        wanted = Wanted(known_at=known_at, period=period)
        top = history.random.choice([1, 2, 100])
        async with history.dependencies.database.read(history.viewer.workspace_id) as connection:
            workspace = await find_workspace(connection, history.viewer.workspace_id)
            usage = await find_usage(connection, workspace, now, known_at=known_at, period=period)
            total = usage.consumed
            assert total == len(expected)
            assert _told(usage.by_channel) == Counter(each.channel for each in expected)
            assert _told(usage.by_lane) == Counter(each.lane for each in expected)
            assert sum(usage.by_day.values()) == total
            for grouping, noun in NOUN.items():
                asked = (workspace, now, wanted, grouping, top)
                found = await find_shares(connection, *asked)
                assert found == [Share(*each) for each in first(_by(noun, expected), top)]
                assert sum(each.credits for each in found) == total
            for contact in {row["id"] for row in self.model.contacts}:
                own = [each for each in expected if each.contact == contact]
                cost = await find_cost(connection, workspace, now, wanted, contact)
                assert cost.total == len(own)
                assert _told(cost.by_channel) == Counter(each.channel for each in own)
                assert _told(cost.by_lane) == Counter(each.lane for each in own)
        return total


def _by(noun: str, spent: list[Spent]) -> Counter[str | None]:
    return Counter(getattr(each, noun) for each in spent)


def _told(credits_: object) -> Counter[str]:
    assert isinstance(credits_, dict)
    return Counter({str(key): n for key, n in credits_.items() if n})


@pytest.mark.parametrize("number", range(HISTORIES))
async def test_every_grouping_is_what_the_model_says(database_url: str, number: int) -> None:
    seed = any_seed()
    random = Random(seed)
    async with a_world(database_url, START) as world:
        _, viewer = await founded(world)
        history = Attended(world, viewer, random)
        try:
            await history.begin()
            for _ in range(STEPS):
                await history.step()
            found = await audit(history.dependencies, viewer.workspace_id)
            model = Model(found.contacts, found.interactions, found.sessions, found.ledger, MONTHS)
            known = [row["recorded_at"] for row in found.ledger]
            asked = Asked(history, model)
            for _ in range(PERIODS):
                period = history.period()
                known_at = random.choice([known[-1], random.choice(known)])
                total = await asked.compare(period, known_at)
                cut = period.starts_at + random.random() * (period.ends_at - period.starts_at)
                parts = [Period(period.starts_at, cut), Period(cut, period.ends_at)]
                assert total == sum([await asked.compare(part, known_at) for part in parts])
        except Exception as error:
            error.add_note(f"replay it with TRENZA_TEST_SEED={seed}")
            raise
