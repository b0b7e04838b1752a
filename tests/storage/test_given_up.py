"""What is given up half way leaves nothing to whoever takes the connection next."""

import asyncio
import gc
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from tests.storage.probes import OWN, fill
from trenza.storage.engine import AsyncConnection, Database

MOMENTS = 60
MOMENT_S = 0.0001
RENAME = text("UPDATE contact SET display_name = display_name || :more WHERE workspace_id = :id")
SLOW = {
    True: "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)"
    " SELECT count(*) FROM n",
    False: "SELECT pg_sleep(0.1)",
}
"""Something that takes a tenth of a second, by whether it is SQLite that does it."""


@pytest.fixture
def uncollected() -> Iterator[None]:
    """What is in a cycle stays for the whole test, as it does for minutes in a server."""
    gc.disable()
    yield
    gc.enable()


async def rename(connection: AsyncConnection, more: str) -> None:
    """Writes, so that the transaction has its lock."""
    await connection.execute(RENAME, {"more": more, "id": OWN})


async def name_of(database: Database) -> str:
    """What the contact is called."""
    async with database.read(OWN) as connection:
        found = await connection.execute(text("SELECT display_name FROM contact"))
        return str(found.scalar_one())


async def read(database: Database) -> None:
    """A read of some length."""
    async with database.read("ws_1") as connection:
        await connection.execute(text("SELECT 1"))


async def is_read_only(connection: AsyncConnection) -> tuple[str, str | None]:
    """What a transaction may do, and whose rows it sees."""
    asked = "SELECT current_setting('transaction_read_only'), current_setting('trenza.workspace')"
    may, sees = (await connection.execute(text(asked))).one()
    return may, sees


async def test_a_read_that_is_given_up_at_any_moment_ends(postgresql_url: str) -> None:
    database = Database(postgresql_url, pool_size=1)
    await read(database)

    found = set()
    for moment in range(MOMENTS):
        reading = asyncio.create_task(read(database))
        await asyncio.sleep(moment * MOMENT_S)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        found.add(await database.write(is_read_only, "ws_2"))

    assert found == {("off", "ws_2")}
    await database.close()


async def test_a_write_that_is_given_up_once_it_has_begun_comes_to_its_end(
    database_url: str, uncollected: None
) -> None:
    await fill(database_url)
    database = Database(database_url, pool_size=1)
    before = await name_of(database)
    begun = asyncio.Event()

    async def first(connection: AsyncConnection) -> None:
        await rename(connection, "1")
        begun.set()
        await connection.execute(text(SLOW[database.is_sqlite]))

    async def second(connection: AsyncConnection) -> None:
        await rename(connection, "2")

    writing = asyncio.create_task(database.write(first, OWN))
    await begun.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await asyncio.wait_for(database.write(second, OWN), timeout=10)

    assert await name_of(database) == f"{before}12"
    await database.close()


async def test_a_write_that_is_given_up_while_it_waits_is_taken_back(database_url: str) -> None:
    await fill(database_url)
    database = Database(database_url, pool_size=1)
    before = await name_of(database)
    begun, let = asyncio.Event(), asyncio.Event()

    async def first(connection: AsyncConnection) -> None:
        await rename(connection, "1")
        begun.set()
        await let.wait()

    async def second(connection: AsyncConnection) -> None:
        await rename(connection, "2")

    running = asyncio.create_task(database.write(first, OWN))
    await begun.wait()
    waiting = asyncio.create_task(database.write(second, OWN))
    await asyncio.sleep(0.01)
    waiting.cancel()
    let.set()
    await asyncio.gather(running, waiting, return_exceptions=True)

    assert waiting.cancelled()
    assert await name_of(database) == f"{before}1"
    await database.close()


async def test_closing_waits_for_what_is_being_written(database_url: str) -> None:
    await fill(database_url)
    database = Database(database_url)
    before = await name_of(database)
    begun = asyncio.Event()

    async def work(connection: AsyncConnection) -> None:
        await rename(connection, "1")
        begun.set()
        await connection.execute(text(SLOW[database.is_sqlite]))

    writing = asyncio.create_task(database.write(work, OWN))
    await begun.wait()
    writing.cancel()
    await database.close()

    again = Database(database_url)
    assert await name_of(again) == f"{before}1"
    await again.close()
