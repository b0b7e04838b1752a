"""Checkpoints: when they are made, what they cost, and that a false one is found."""

from datetime import timedelta

import pytest
from sqlalchemy import ColumnElement, select, update

from tests.services.books import Books, open_books, utc
from trenza.domain.metering.cycle import Cycle
from trenza.services import checkpoint
from trenza.services.checkpoint import rebuild_checkpoints, verify_checkpoints
from trenza.storage.checkpoint import CHECKPOINT, delete_checkpoints, list_checkpoints
from trenza.storage.debits import count_consumed
from trenza.storage.engine import AsyncConnection

FOREVER = utc(2199, 1, 1)
SEPTEMBER = Cycle(utc(2026, 9, 1), utc(2026, 10, 1))
OCTOBER = Cycle(utc(2026, 10, 1), utc(2026, 11, 1))


@pytest.fixture(autouse=True)
def every_four_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints every four rows of the ledger."""
    monkeypatch.setattr(checkpoint, "ROWS", 4)
    monkeypatch.setattr(checkpoint, "CAUGHT_UP_AT_MOST", 8)


async def covered(books: Books) -> list[int]:
    """The last rows that the checkpoints cover."""
    async with books.database.read(books.workspace_id) as connection:
        return await list_checkpoints(connection, books.workspace_id)


async def drop(books: Books) -> None:
    """Drops all checkpoints."""

    async def work(connection: AsyncConnection) -> None:
        await delete_checkpoints(connection, books.workspace_id)

    await books.database.write(work, books.workspace_id)


async def consumed(books: Books) -> list[int]:
    """What September and October consumed, as known in the end."""
    async with books.database.read(books.workspace_id) as connection:
        cycles = [SEPTEMBER, OCTOBER]
        return await count_consumed(connection, books.workspace_id, cycles, FOREVER)


async def test_a_checkpoint_is_made_where_the_ledger_passes_its_rows(database_url: str) -> None:
    async with open_books(database_url) as books:
        await books.debit(*[utc(2026, 9, 5)] * 3)
        before = await covered(books)
        await books.debit(utc(2026, 9, 6))
        at_four = await covered(books)
        await books.debit(*[utc(2026, 9, 7)] * 11)

        assert (before, at_four, await covered(books)) == ([], [4], [4, 12])


async def test_a_checkpoint_says_the_totals_that_its_rows_changed(database_url: str) -> None:
    async with open_books(database_url) as books:
        [first, *_] = await books.debit(utc(2026, 9, 5, 7, 31), utc(2026, 9, 5, 7, 38))
        await books.debit(utc(2026, 9, 6, 7, 31), utc(2026, 10, 2, 0, 5))
        await books.take_back(first, now=utc(2026, 10, 2, 1))
        await books.debit(*[utc(2026, 10, 2, 0, 5)] * 3)

        totals = select(CHECKPOINT.c.period, CHECKPOINT.c.net).where(
            CHECKPOINT.c.workspace_id == books.workspace_id, CHECKPOINT.c.sequence == 8
        )
        async with books.database.read(books.workspace_id) as connection:
            found = {row.period: row.net for row in await connection.execute(totals)}

        assert found == {
            "": 6,
            "2026": 6,
            "2026-09": 2,
            "2026-09-05": 1,
            "2026-09-05 07": 1,
            "2026-09-05 07:3": 1,
            "2026-09-05 07:31": 0,
            "2026-10": 4,
            "2026-10-02": 4,
            "2026-10-02 00": 4,
            "2026-10-02 00:0": 4,
            "2026-10-02 00:05": 4,
        }


async def test_an_append_costs_two_more_statements_at_a_checkpoint(database_url: str) -> None:
    async with open_books(database_url, quota=1_000) as books:
        await books.debit(utc(2026, 9, 5))
        costs = []
        for count in (1, 1, 1, 9):
            with books.counted_statements() as statements:
                await books.debit(*[utc(2026, 9, 6)] * count)
            costs.append(len(statements))

        assert costs == [costs[0], costs[0], costs[0] + 2, costs[0] + 2]


async def test_appends_catch_up_some_rows_at_a_time(database_url: str) -> None:
    async with open_books(database_url) as books:
        await books.debit(*[utc(2026, 9, 5)] * 30)
        await drop(books)

        reached = []
        for _ in range(4):
            await books.debit(*[utc(2026, 9, 6)] * 4)
            reached.append(await covered(books))
        await rebuild_checkpoints(books.dependencies, books.workspace_id)

        assert reached == [[12], [12, 24], [12, 24, 36], [12, 24, 36, 44]]
        assert await covered(books) == list(range(4, 45, 4))


async def test_consumption_is_the_same_with_and_without_checkpoints(database_url: str) -> None:
    async with open_books(database_url) as books:
        debits = await books.debit(*[utc(2026, 9, 5) + timedelta(hours=n) for n in range(9)])
        await books.close_until(utc(2026, 10, 1))
        [late] = await books.debit(utc(2026, 9, 30), now=utc(2026, 10, 4))
        await books.debit(utc(2026, 10, 4), utc(2026, 10, 5))
        await books.take_back(debits[0], late, now=utc(2026, 10, 6))

        with_all = await consumed(books)
        await drop(books)

        assert (with_all, await consumed(books)) == ([9, 2], [9, 2])


@pytest.mark.parametrize(
    ("says", "where", "finds"),
    [
        ({"net": 7}, CHECKPOINT.c.period == "2026-09", {"net of 2026-09": (4, 7)}),
        ({"net": 0}, CHECKPOINT.c.period == "", {"net of all of time": (4, 0)}),
        (
            {"period": "2026-10"},
            CHECKPOINT.c.period == "2026-09",
            {"net of 2026-09": (4, None)},
        ),
        (
            {"recorded_at": utc(2026, 9, 1)},
            CHECKPOINT.c.period == "2026-09-05",
            {"net of 2026-09-05": (8, None)},
        ),
    ],
)
async def test_a_false_total_is_found(
    database_url: str, says: dict[str, object], where: ColumnElement[bool], finds: dict[str, object]
) -> None:
    async with open_books(database_url) as books:
        await books.debit(*[utc(2026, 9, 5)] * 4)

        async def found() -> dict[str, object]:
            async with books.database.read(books.workspace_id) as connection:
                return {
                    each.what: (each.expected, each.found)
                    async for each in verify_checkpoints(connection, books.workspace_id)
                }

        sound = await found()

        async def falsify(connection: AsyncConnection) -> None:
            await connection.execute(update(CHECKPOINT).where(where).values(**says))

        await books.database.write(falsify, books.workspace_id)

        assert sound == {}
        assert await found() == finds


async def test_a_row_too_many_is_found(database_url: str) -> None:
    async with open_books(database_url) as books:
        await books.debit(*[utc(2026, 9, 5)] * 4)

        async def add(connection: AsyncConnection) -> None:
            row = select(CHECKPOINT).where(CHECKPOINT.c.period == "2026")
            [found] = (await connection.execute(row)).mappings()
            await connection.execute(CHECKPOINT.insert().values({**found, "period": "2027"}))

        await books.database.write(add, books.workspace_id)

        async with books.database.read(books.workspace_id) as connection:
            found = [each async for each in verify_checkpoints(connection, books.workspace_id)]
        assert [(each.what, each.expected, each.found) for each in found] == [("rows", 7, 8)]
