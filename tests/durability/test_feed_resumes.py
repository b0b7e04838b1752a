"""The balance feed over real sockets: every change once, through disconnects, kills, slowness."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from itertools import accumulate
from random import Random

import httpx
from websockets.exceptions import WebSocketException

from tests.durability.audit import Stored, audit, stored
from tests.durability.conftest import House, Serve
from tests.durability.feed import Message, connected, following
from tests.durability.traffic import Connection, Reports, connections
from tests.properties.seeds import any_seed
from tests.scale import scale
from trenza.app import SystemClock

RESUMES = scale(30, 1_000)
KILLS = scale(1, 20)
SLOW_ROWS = scale(300, 1_000)
SLOW_READERS = 4


@asynccontextmanager
async def writing(url: str, key: str, reports: Reports) -> AsyncGenerator[None, None]:
    """Meanwhile three connections write reports and grants, whatever happens to the server."""
    is_over = asyncio.Event()

    async def write(connection: Connection) -> None:
        while not is_over.is_set():
            with suppress(httpx.TransportError):
                if reports.random.random() < 0.05:
                    await connection.grant(3, reports.now + timedelta(days=90))
                await connection.record(reports.next())
            await asyncio.sleep(0.01 * reports.random.random())

    async with connections([url], key, 3) as opened:
        writers = [asyncio.create_task(write(connection)) for connection in opened]
        try:
            yield
        finally:
            is_over.set()
            await asyncio.gather(*writers)


async def read_some(socket_url: str, key: str, random: Random, events: list[Message]) -> None:
    """Goes on after the last event, reads a few more, and leaves in one way or another."""
    async with following(socket_url, key, events[-1]["cursor"]) as feed:
        for _ in range(random.randint(0, 5)):
            events.append(await feed.event())  # noqa: PERF401 - kept where the next one fails
        match random.randrange(3):
            case 0:
                feed.drop()
            case 1:
                await feed.say("complete", id="1")


def is_told_truly(found: Stored, events: list[Message]) -> bool:
    """Whether events are the ledger's rows in sequence, each with what was spent by then.

    All rows count in the running cycle.
    """
    amounts = [row["amount"] if row["session_id"] else 0 for row in found.ledger]
    spent = [0, *accumulate(amounts)]
    expected = [
        (
            "CHANGE",
            row["sequence"],
            spent[row["sequence"]],
            {"sequence": row["sequence"], "amount": row["amount"]} if row["session_id"] else None,
        )
        for row in found.ledger
    ]
    told = [(e["kind"], e["sequence"], e["balance"]["consumed"], e["entry"]) for e in events]
    return told == expected[len(expected) - len(told) :]


async def test_a_client_that_resumes_again_and_again_has_every_change_once(
    house: House, serve: Serve
) -> None:
    seed = any_seed()
    random = Random(seed)
    server = serve()
    async with following(server.socket_url, house.key) as feed:
        events = [await feed.event()]

    killed_at = set(random.sample(range(RESUMES), KILLS))
    async with writing(server.url, house.key, Reports(random, 400, SystemClock().now())):
        for resume in range(RESUMES):
            reading = asyncio.create_task(read_some(server.socket_url, house.key, random, events))
            if resume in killed_at:
                await asyncio.sleep(0.1 * random.random())
                server.kill()
                with suppress(WebSocketException, OSError):
                    await reading
                server.start()
            else:
                await reading
    found = await audit(house.dependencies, house.tenant.id)
    async with following(server.socket_url, house.key, events[-1]["cursor"]) as feed:
        if events[-1]["sequence"] < found.head["sequence"]:
            events += await feed.events_until(found.head["sequence"])

    snapshot, *changes = events
    assert (snapshot["kind"], snapshot["sequence"], snapshot["cursor"]) == ("SNAPSHOT", 0, "b0")
    assert [e["sequence"] for e in changes] == list(range(1, found.head["sequence"] + 1)), seed
    assert is_told_truly(found, changes), seed
    assert len(changes) > RESUMES, seed


async def record_rows(connection: Connection, people: Callable[[], int], rows: int) -> None:
    """Opens a session of somebody new for each row of the ledger."""
    now = SystemClock().now()
    await connection.record_all(
        [
            {
                "identity": {"channel": "WEBCHAT", "address": f"visitor-{people()}"},
                "channel": "WEBCHAT",
                "kind": "CUSTOMER_MESSAGE",
                "occurredAt": now.isoformat(),
            }
            for _ in range(rows)
        ]
    )


async def test_conflating_tells_the_newest_of_each_commit_only(house: House, serve: Serve) -> None:
    server = serve()
    people = iter(range(1_000_000)).__next__

    async with (
        connections([server.url], house.key, 1) as [connection],
        following(server.socket_url, house.key, conflate=True) as feed,
        following(server.socket_url, house.key, conflate=False) as other,
    ):
        snapshot = await feed.event()
        await other.event()
        for _ in range(5):
            await record_rows(connection, people, 20)
        told = await feed.events_until(100)
        every = await other.events_until(100)

    sequences = [event["sequence"] for event in told]
    assert snapshot["sequence"] == 0
    assert sequences == sorted(set(sequences))
    assert set(sequences) <= {20, 40, 60, 80, 100}
    assert [event["balance"]["consumed"] for event in told] == sequences
    assert [event["sequence"] for event in every] == list(range(1, 101))


async def test_slow_readers_hold_up_nobody_and_miss_nothing(house: House, serve: Serve) -> None:
    server = serve(TRENZA_POOL_SIZE="2")
    people = iter(range(1_000_000)).__next__
    async with (
        AsyncExitStack() as stack,
        connections([server.url], house.key, 1) as [connection],
        following(server.socket_url, house.key) as brisk,
    ):
        await brisk.event()
        slow = []
        for _ in range(SLOW_READERS):
            narrow = socket.create_connection(("127.0.0.1", server.port))
            narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            reader = connected(server.socket_url, sock=narrow, max_queue=1, compression=None)
            slow.append(await stack.enter_async_context(reader))
        for feed in slow:
            await feed.begin(house.key)
            await feed.follow("b0")
        for _ in range(SLOW_ROWS // 100):
            await record_rows(connection, people, 100)

        every = await brisk.events_until(SLOW_ROWS)
        late = [await feed.events_until(SLOW_ROWS) for feed in slow]

    found = await stored(house.dependencies, house.tenant.id)
    assert is_told_truly(found, every)
    assert [each == every for each in late] == [True] * SLOW_READERS
