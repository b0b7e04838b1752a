"""What is given up half way leaves nothing to whoever takes the connection next."""

import asyncio

from sqlalchemy import text

from trenza.storage.engine import AsyncConnection, Database

MOMENTS = 60
MOMENT_S = 0.0001


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
