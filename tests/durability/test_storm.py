"""Many connections at once on few contacts: the books end as if everything had come one by one."""

import asyncio
from collections.abc import Callable
from random import Random

import pytest

from tests.durability.audit import audit
from tests.durability.conftest import House, Serve
from tests.durability.traffic import (
    SOURCE,
    Connection,
    Input,
    Reports,
    connections,
    email_of,
    phone_of,
)
from tests.properties.seeds import any_seed
from tests.scale import scale
from trenza.app import SystemClock

CONNECTIONS = 32
REPORTS = scale(250, 10_000)
BATCHED = 0.1


class Storm:
    """Reports on their way through many connections, and what was answered to each."""

    def __init__(self, seed: int, people: int) -> None:
        self.random = Random(seed)
        self.people = people
        self.reports = Reports(self.random, people, SystemClock().now(), emails=True)
        self.answered: dict[str, set[str]] = {}
        self.recorded_first: list[str] = []

    def parcels(self) -> list[list[Input]]:
        """The work, a parcel for each request: singles, batches, and every fifth report again.

        Half of what comes again follows at once, and so mostly at the same time as the first.
        """
        parcels: list[list[Input]] = []
        repeated: list[list[Input]] = []
        while len(self.reports.made) < REPORTS:
            size = self.random.randint(2, 20) if self.random.random() < BATCHED else 1
            parcels.append(self.reports.batch(size))
            for report in parcels[-1]:
                if self.random.random() < 0.1:
                    parcels.append([report])
                elif self.random.random() < 0.11:
                    repeated.append([report])
        self.random.shuffle(repeated)
        for parcel in repeated:
            parcels.insert(self.random.randrange(len(parcels)), parcel)
        return parcels

    async def blow(self, opened: list[Connection]) -> None:
        """Sends everything, each connection one request after another, and merges meanwhile."""
        waiting = self.parcels()
        waiting.reverse()

        async def send(connection: Connection) -> None:
            while waiting:
                parcel = waiting.pop()
                answers = (
                    [await connection.record(parcel[0])]
                    if len(parcel) == 1
                    else await connection.record_all(parcel)
                )
                for report, answer in zip(parcel, answers, strict=True):
                    name, id = report["externalId"], answer["interaction"]["id"]
                    self.answered.setdefault(name, set()).add(id)
                    if not answer["replayed"]:
                        self.recorded_first.append(name)

        sending = [asyncio.create_task(send(connection)) for connection in opened[1:]]
        left = await self.merge(opened[0], lambda: bool(waiting))
        await asyncio.gather(*sending)
        # A short storm may be over before both contacts of anybody were known.
        for person in left:
            await self.merge_one(opened[0], person)

    async def merge(self, connection: Connection, is_blowing: Callable[[], bool]) -> list[int]:
        """Makes every second person's two contacts one, as soon as both are known; who is left."""
        left = list(range(0, self.people, 2))
        while left and is_blowing():
            person = left.pop(0)
            if not await self.merge_one(connection, person):
                left.append(person)
                await asyncio.sleep(0.01)
        return left

    async def merge_one(self, connection: Connection, person: int) -> bool:
        """Makes a person's two contacts one, if both are known."""
        phone = await connection.contact_id(phone_of(person))
        email = await connection.contact_id(email_of(person))
        if phone is None or email is None:
            return False
        pair = self.random.sample([phone, email], 2)
        assert await connection.merge(pair[0], pair[1]) == "MergeContactsPayload"
        return True


@pytest.mark.parametrize("people", [1, 40])
async def test_a_storm_of_reports_leaves_true_books(
    house: House, serve: Serve, people: int
) -> None:
    seed = any_seed()
    storm = Storm(seed, people)
    is_sqlite = house.dependencies.database.is_sqlite
    servers = [serve() for _ in range(1 if is_sqlite else 2)]

    async with connections([server.url for server in servers], house.key, CONNECTIONS) as opened:
        await storm.blow(opened)

    found = await audit(house.dependencies, house.tenant.id)
    names = [report["externalId"] for report in storm.reports.made]
    assert sorted(storm.recorded_first) == sorted(names), seed
    assert storm.answered == {name: {found.ids[SOURCE, name]} for name in names}, seed
    assert len(found.interactions) == len(names), seed
    assert any(contact["merged_into_id"] for contact in found.contacts), seed
