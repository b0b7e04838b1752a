"""kill -9 in the middle of writes: what was acknowledged is there, a retry costs nothing more."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from tests.durability.audit import audit, stored
from tests.durability.conftest import House, Serve
from tests.durability.traffic import SOURCE, Connection, Input, Reports, connections
from tests.properties.seeds import any_seed
from tests.scale import scale
from trenza.app import SystemClock

KILLS = scale(4, 200)
CONNECTIONS = 12
AUDITED_EVERY = 20


@dataclass
class Writers:
    """Connections that write until the server is gone, and what it had acknowledged by then."""

    reports: Reports
    sent: list[Input] = field(default_factory=list)
    acknowledged: dict[str, str] = field(default_factory=dict)
    retracted: set[str] = field(default_factory=set)

    async def write(self, connection: Connection) -> None:
        """Sends singles, batches and retractions until the connection breaks."""
        with suppress(httpx.TransportError):
            while True:
                dice = self.reports.random.random()
                if dice < 0.1 and self.acknowledged:
                    await self.retract(connection)
                else:
                    await self.report(connection, 1 if dice < 0.8 else 7)

    async def report(self, connection: Connection, size: int) -> None:
        """One request with so many reports."""
        parcel = self.reports.batch(size)
        self.sent += parcel
        self.note(parcel, await send(connection, parcel))

    async def retract(self, connection: Connection) -> None:
        """Takes back an interaction that was acknowledged."""
        id = self.reports.random.choice(list(self.acknowledged.values()))
        await connection.retract(id)
        self.retracted.add(id)

    async def repeat(self, connection: Connection) -> None:
        """Sends again what was sent since the last kill, whether it was answered or not."""
        for start in range(0, len(self.sent), 50):
            parcel = self.sent[start : start + 50]
            self.note(parcel, await connection.record_all(parcel))

    def note(self, parcel: Sequence[Input], answers: Sequence[Mapping[str, Any]]) -> None:
        """Remembers answers; whoever was answered before is answered the same, as a replay."""
        for report, answer in zip(parcel, answers, strict=True):
            name, id = report["externalId"], answer["interaction"]["id"]
            assert self.acknowledged.get(name, id) == id
            assert answer["replayed"] or name not in self.acknowledged
            self.acknowledged[name] = id


async def send(connection: Connection, parcel: Sequence[Input]) -> list[Mapping[str, Any]]:
    """One request with one report or with several."""
    if len(parcel) == 1:
        return [await connection.record(parcel[0])]
    return await connection.record_all(parcel)


async def test_what_was_acknowledged_survives_every_kill(house: House, serve: Serve) -> None:
    seed = any_seed()
    random = Random(seed)
    writers = Writers(Reports(random, people=scale(6, 60), now=SystemClock().now()))
    server = serve()

    for kill in range(1, KILLS + 1):
        writers.sent.clear()
        async with connections([server.url], house.key, CONNECTIONS) as opened:
            writing = [asyncio.create_task(writers.write(each)) for each in opened]
            await asyncio.sleep(random.choice([0.02, 0.1, 0.3]) * random.random() + 0.05)
            server.kill()
            await asyncio.gather(*writing)
        server.start()

        async with connections([server.url], house.key, 2) as (one, other):
            await writers.repeat(one)
            settled = await stored(house.dependencies, house.tenant.id)
            await writers.repeat(other)
            again = await stored(house.dependencies, house.tenant.id)
        assert again.ledger == settled.ledger, (seed, kill)
        assert again.ids == {(SOURCE, name): id for name, id in writers.acknowledged.items()}, (
            seed,
            kill,
        )
        retracted = {row["id"] for row in again.interactions if row["retracted_at"] is not None}
        assert retracted >= writers.retracted, (seed, kill)
        if kill % AUDITED_EVERY == 0 or kill == KILLS:
            await audit(house.dependencies, house.tenant.id)
    assert len(writers.acknowledged) > 10 * KILLS, seed
