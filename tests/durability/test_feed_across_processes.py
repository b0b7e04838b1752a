"""What one process writes is told by another: promptly by notifications, soon without them."""

import asyncio
import time

import pytest

from tests.durability.conftest import House, Serve
from tests.durability.feed import Feed, following
from tests.durability.traffic import Connection, connections
from tests.postgresql import PostgresqlServer
from trenza.app import SystemClock
from trenza.domain.instant import instant_text

WRITES = 5
TOLD_WITHIN_S = 1.0
TOLD_WITHOUT_BELL_WITHIN_S = 3.0
CUT_NOTIFICATIONS = """
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE query ILIKE '%trenza_ledger%' AND pid <> pg_backend_pid()
"""


async def record(connection: Connection, name: str) -> None:
    """Opens a session of somebody new."""
    await connection.record(
        {
            "identity": {"channel": "WEBCHAT", "address": name},
            "channel": "WEBCHAT",
            "kind": "CUSTOMER_MESSAGE",
            "occurredAt": instant_text(SystemClock().now()),
        }
    )


async def seconds_until_told(connection: Connection, feed: Feed, name: str) -> float:
    """How long after the answer to a report a subscriber elsewhere hears of it."""
    await record(connection, name)
    answered_at = time.monotonic()
    event = await feed.event()
    assert event["kind"] == "CHANGE"
    return time.monotonic() - answered_at


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_subscriber_hears_at_once_of_what_another_process_writes(
    house: House, serve: Serve, postgresql_server: PostgresqlServer
) -> None:
    writer, reader = serve(), serve()
    async with (
        connections([writer.url], house.key, 1) as [connection],
        following(reader.socket_url, house.key) as feed,
    ):
        await feed.event()
        before = [await seconds_until_told(connection, feed, f"a{n}") for n in range(WRITES)]
        await asyncio.to_thread(postgresql_server.execute, CUT_NOTIFICATIONS)
        cut = [await seconds_until_told(connection, feed, f"b{n}") for n in range(WRITES)]

    assert max(before) < TOLD_WITHIN_S
    assert max(cut) < TOLD_WITHOUT_BELL_WITHIN_S
