"""Random histories through the services on real databases, against the models.

Reports come late, twice and in batches; interactions are retracted and admitted, contacts merged,
in any order. The books are audited every few steps.
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from sqlalchemy import select

from tests.durability.audit import EPOCH, Stored, audit, stored
from tests.properties import reference_burn as reference
from tests.properties.seeds import any_seed
from tests.scale import scale
from tests.world import Tenant, World, a_world
from trenza.domain.access import Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.errors import Conflict, TooLate
from trenza.domain.interaction import InteractionKind, Lane
from trenza.domain.metering.balance import plan_grant
from trenza.domain.metering.cycle import Cycle
from trenza.services.access import act_as_system
from trenza.services.balance import Moment, find_balances
from trenza.services.interaction import (
    Arrival,
    Recorded,
    RecordInteraction,
    record_interactions,
    retract_interaction,
)
from trenza.services.merge import MergeContacts, merge_contacts
from trenza.services.quarantine import admit_interaction
from trenza.storage import QuarantinedInteraction
from trenza.storage.workspace import find_workspace

HISTORIES = scale(4, 300)
STEPS = 40
AUDITED_EVERY = 10
MOMENTS = 20
PEOPLE = 4
QUOTA = 8
START = datetime(2026, 11, 20, 12, tzinfo=UTC)
MONTHS = [datetime(2026, month, 1, tzinfo=UTC) for month in range(6, 13)] + [
    datetime(2027, month, 1, tzinfo=UTC) for month in range(1, 4)
]
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
LANED = {
    InteractionKind.HANDOFF: (Lane.BOT, Lane.HUMAN),
    InteractionKind.COMPANY_MESSAGE: (Lane.BOT, Lane.HUMAN),
    InteractionKind.TICKET_PUBLIC_ACTION: (Lane.BOT, Lane.HUMAN, None),
}


class History:
    """One workspace's life, and what was answered in it."""

    def __init__(self, world: World, viewer: Viewer, random: Random) -> None:
        self.world = world
        self.dependencies = world.parts.dependencies
        self.viewer = viewer
        self.random = random
        self.sent: list[RecordInteraction] = []
        self.answered: dict[str, str] = {}

    def report(self, occurred_at: datetime | None = None) -> RecordInteraction:
        """A report of anybody, mostly near another one in what is hard: ties, whole days."""
        kind = self.random.choice(list(InteractionKind)[:7])
        address = f"p{self.random.randrange(PEOPLE)}"
        made = RecordInteraction(
            channel=self.random.choice(list(ChannelKind)),
            kind=kind,
            occurred_at=occurred_at or self.moment(),
            source=self.random.choice(["a", "b"]),
            external_id=f"r{len(self.sent)}",
            identity=(ChannelKind.WEBCHAT, address),
            actor=self.random.choice(LANED.get(kind, (None,))),
        )
        self.sent.append(made)
        return made

    def moment(self) -> datetime:
        """An instant before now; now and then one beyond the acceptance horizon."""
        now = self.world.clock.at
        if self.random.random() < 0.08:
            return now - timedelta(days=self.random.randint(36, 45))
        near = self.random.choice(self.sent).occurred_at if self.sent else now
        offset = self.random.choice([-2, -1, 0, 0, 1, 2]) * DAY + self.random.randint(-1, 1) * TICK
        if self.random.random() < 0.3:
            offset = -self.random.randint(0, 30) * timedelta(hours=6)
            near = now
        return min(now, max(now - 34 * DAY, near + offset))

    async def record(self, reports: list[RecordInteraction]) -> None:
        """Records a batch; whoever was answered before gets the same answer, as a replay."""
        arrivals = [Arrival(report, self.world.clock.at) for report in reports]
        answers = await record_interactions(self.dependencies, self.viewer, arrivals)
        for report, answer in zip(reports, answers, strict=True):
            name = str(report.external_id)
            if isinstance(answer, TooLate):
                assert name not in self.answered
                continue
            assert isinstance(answer, Recorded), answer
            assert answer.replayed is (name in self.answered)
            assert self.answered.setdefault(name, answer.interaction_id) == answer.interaction_id

    async def step(self) -> None:
        """Something happens, after some time or none."""
        self.world.clock.at += self.random.choice([0, 1, 6, 20]) * timedelta(hours=1)
        choices = [self.record_some, self.record_again, self.retract, self.admit, self.merge]
        [happens] = self.random.choices(choices, [12, 3, 2, 2, 1])
        await happens()

    async def record_some(self) -> None:
        """New reports, some of them twice in the batch."""
        reports = [self.report() for _ in range(self.random.choice([1, 1, 2, 6]))]
        await self.record([*reports, *self.random.sample(reports, self.random.randint(0, 1))])

    async def record_again(self) -> None:
        """A report that came before, with its spelling changed and its content not."""
        if self.sent:
            report = self.random.choice(self.sent)
            shifted = report.occurred_at.astimezone(None)
            await self.record([report._replace(occurred_at=shifted)])

    async def retract(self) -> None:
        """Takes back any interaction, perhaps one that was taken back before."""
        if self.answered:
            id = self.random.choice(list(self.answered.values()))
            await retract_interaction(self.dependencies, self.viewer, id, "a test")

    async def admit(self) -> None:
        """Lets in one that came too late, perhaps again."""
        table = QuarantinedInteraction.__table__
        async with self.dependencies.database.read(self.viewer.workspace_id) as connection:
            statement = select(table.c.id, table.c.external_id).order_by(table.c.id)
            rows = (await connection.execute(statement)).all()
        if rows:
            kept = self.random.choice(rows)
            answer = await admit_interaction(self.dependencies, self.viewer, kept.id)
            assert answer.replayed is (kept.external_id in self.answered)
            self.answered[kept.external_id] = answer.interaction_id

    async def merge(self) -> None:
        """Makes two contacts one, where they are not."""
        found = await stored(self.dependencies, self.viewer.workspace_id)
        if len(found.contacts) > 1:
            source, target = self.random.sample([row["id"] for row in found.contacts], 2)
            try:
                await merge_contacts(self.dependencies, self.viewer, MergeContacts(source, target))
            except Conflict:
                assert root_of(found, source) == root_of(found, target)

    async def balances_differ(self, found: Stored) -> str | None:
        """What the service answers otherwise than the burn model, at random moments."""
        known = [row["recorded_at"] for row in found.ledger] or [START]
        moments = [
            Moment(
                START + timedelta(hours=self.random.randint(-24 * 50, 24 * 40)),
                self.random.choice(known),
            )
            for _ in range(MOMENTS)
        ]
        async with self.dependencies.database.read(self.viewer.workspace_id) as connection:
            workspace = await find_workspace(connection, self.viewer.workspace_id)
            answers = await find_balances(connection, workspace, moments)
        for moment, answer in zip(moments, answers, strict=True):
            expected = figures(found, moment)
            told = (answer.granted, answer.consumed, answer.remaining, answer.overage)
            if told != expected:
                return f"at {moment} the service says {told}, the model {expected}"
        return None


def root_of(found: Stored, contact_id: str) -> str:
    """The contact that one has become part of."""
    merged_into = {row["id"]: row["merged_into_id"] for row in found.contacts}
    while merged_into[contact_id] is not None:
        contact_id = merged_into[contact_id]
    return contact_id


def micros(at: datetime) -> int:
    return (at - EPOCH) // TICK


def figures(found: Stored, moment: Moment) -> tuple[int, ...]:
    """What the burn model says at a moment."""
    cycles = [(micros(start), micros(end)) for start, end in pairwise(MONTHS)]
    gifts = [
        reference.Gift(100, micros(end), micros(start), plan_grant(Cycle(start, end), 0).id, QUOTA)
        for start, end in pairwise(MONTHS)
    ]
    entries = [
        reference.Entry(row["sequence"], micros(row["counts_at"]), row["supersedes"])
        for row in found.ledger
        if row["recorded_at"] <= moment.known_at
    ]
    return tuple(reference.figures(gifts, entries, cycles, micros(moment.at)))


async def founded(world: World) -> tuple[Tenant, Viewer]:
    """A workspace whose contract is older than anything that happens."""
    tenant = await world.tenant(zone="UTC", interactionz=QUOTA, started_days_ago=150)
    return tenant, await act_as_system(world.parts.dependencies, tenant.id)


@pytest.mark.parametrize("number", range(HISTORIES))
async def test_any_history_leaves_true_books(database_url: str, number: int) -> None:
    seed = any_seed()
    async with a_world(database_url, START) as world:
        _, viewer = await founded(world)
        history = History(world, viewer, Random(seed))
        try:
            for step in range(1, STEPS + 1):
                await history.step()
                if step % AUDITED_EVERY == 0:
                    found = await audit(history.dependencies, viewer.workspace_id)
                    names = {row["external_id"]: row["id"] for row in found.interactions}
                    assert names == history.answered
            assert await history.balances_differ(found) is None
        except Exception as error:
            error.add_note(f"replay it with TRENZA_TEST_SEED={seed}")
            raise


@pytest.mark.parametrize("number", range(scale(1, 50)))
async def test_arrival_in_order_takes_nothing_back(database_url: str, number: int) -> None:
    seed = any_seed()
    random = Random(seed)
    async with a_world(database_url, START) as world:
        _, viewer = await founded(world)
        history = History(world, viewer, random)
        for _ in range(60):
            world.clock.at += random.choice([TICK, timedelta(hours=5), DAY, DAY - TICK])
            await history.record([history.report(world.clock.at)])

        found = await audit(history.dependencies, viewer.workspace_id)

    assert found.reversals == [], seed
    assert found.net_debits == len(found.ledger) > 0, seed
