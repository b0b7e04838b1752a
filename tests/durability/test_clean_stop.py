"""SIGTERM in the middle of requests: each is answered or refused, nothing answered is lost."""

import asyncio
from random import Random

import httpx

from tests.durability.audit import audit
from tests.durability.conftest import House, Serve
from tests.durability.feed import following
from tests.durability.traffic import SOURCE, Connection, Reports, connections
from tests.properties.seeds import any_seed
from trenza.app import SystemClock

IN_FLIGHT = 200
STOPS_WITHIN_S = 10


async def test_a_clean_stop_loses_nothing(house: House, serve: Serve) -> None:
    seed = any_seed()
    reports = Reports(Random(seed), 40, SystemClock().now())
    server = serve()
    acknowledged: dict[tuple[str, str], str] = {}
    refused: list[str] = []

    async def report(connection: Connection) -> None:
        sent = reports.next()
        try:
            answer = await connection.record(sent)
        except httpx.TransportError:
            refused.append(sent["externalId"])
        else:
            acknowledged[SOURCE, sent["externalId"]] = answer["interaction"]["id"]

    async with (
        connections([server.url], house.key, IN_FLIGHT) as opened,
        following(server.socket_url, house.key) as feed,
    ):
        await feed.event()
        sending = [asyncio.create_task(report(connection)) for connection in opened]
        await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
        server.terminate()
        await asyncio.gather(*sending)
        exit_code = await asyncio.to_thread(server.wait, STOPS_WITHIN_S)
        close_code = await feed.closed(seconds_max=1)

    found = await audit(house.dependencies, house.tenant.id)
    assert exit_code == 0
    assert close_code in (1001, 1012)
    assert len(acknowledged) + len(refused) == IN_FLIGHT
    assert {key: found.ids.get(key) for key in acknowledged} == acknowledged, seed
