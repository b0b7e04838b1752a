"""Usage of a cycle by channel, lane and day: every grouping sums to what the balance says."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest

from tests.services.books import Books, open_books, utc
from trenza.domain.channel import ChannelKind
from trenza.domain.errors import InvalidInput
from trenza.domain.interaction import SessionLane
from trenza.services.usage import Usage, find_usage

Key = TypeVar("Key")


async def usage(
    books: Books, now: datetime, cycle_of: date | None = None, known_at: datetime | None = None
) -> Usage:
    workspace = await books.settings()
    async with books.database.read() as connection:
        return await find_usage(connection, workspace, now, cycle_of, known_at)


def used(groups: Mapping[Key, int]) -> dict[Key, int]:
    return {key: credits_ for key, credits_ in groups.items() if credits_}


async def test_usage_groups_the_running_cycle(database_url: str) -> None:
    async with open_books(database_url, zone="America/Bogota") as books:
        await books.debit(utc(2026, 9, 2, 4), utc(2026, 9, 2, 5))
        await books.debit(utc(2026, 9, 3, 20), channel=ChannelKind.EMAIL, lane=SessionLane.HUMAN)
        await books.debit(utc(2026, 9, 3, 21), channel=ChannelKind.EMAIL, lane=SessionLane.BOT)
        await books.debit(utc(2026, 10, 2), now=utc(2026, 10, 2))
        now = utc(2026, 9, 4, 12)

        found = await usage(books, now)

        assert found.cycle.starts_at == utc(2026, 9, 1, 5)
        assert (found.at, found.consumed) == (now, 4)
        assert used(found.by_channel) == {ChannelKind.WHATSAPP: 2, ChannelKind.EMAIL: 2}
        assert used(found.by_lane) == {
            SessionLane.UNBOUND: 2,
            SessionLane.HUMAN: 1,
            SessionLane.BOT: 1,
        }
        assert found.by_day == {
            date(2026, 9, 1): 1,
            date(2026, 9, 2): 1,
            date(2026, 9, 3): 2,
            date(2026, 9, 4): 0,
        }
        assert set(found.by_channel) == set(ChannelKind)


async def test_a_cycle_is_found_by_a_date_and_complete(database_url: str) -> None:
    async with open_books(database_url) as books:
        await books.debit(utc(2026, 9, 30, 23), utc(2026, 10, 1))

        found = await usage(books, utc(2026, 12, 1), date(2026, 9, 7))
        coming = await usage(books, utc(2026, 9, 30, 12))

        assert (found.consumed, len(found.by_day)) == (1, 30)
        assert found.by_day[date(2026, 9, 30)] == 1
        assert (coming.consumed, coming.by_day[date(2026, 9, 30)]) == (0, 0)


async def test_a_cycle_to_come_is_empty(database_url: str) -> None:
    async with open_books(database_url) as books:
        found = await usage(books, utc(2026, 9, 5), date(2027, 2, 1))

        assert (found.consumed, found.by_day) == (0, {})
        assert found.cycle.starts_at == utc(2027, 2, 1)


async def test_a_reversal_is_taken_from_the_day_of_its_debit(database_url: str) -> None:
    async with open_books(database_url) as books:
        first, _ = await books.debit(utc(2026, 9, 2), utc(2026, 9, 3))
        [back] = await books.take_back(first, now=utc(2026, 9, 10))

        before = await usage(books, utc(2026, 9, 20), known_at=utc(2026, 9, 9))
        after = await usage(books, utc(2026, 9, 20), known_at=back.recorded_at)

        assert (before.consumed, after.consumed) == (2, 1)
        assert used(before.by_day) == {date(2026, 9, 2): 1, date(2026, 9, 3): 1}
        assert used(after.by_day) == {date(2026, 9, 3): 1}


async def test_adjustments_count_where_the_balance_counts_them(database_url: str) -> None:
    async with open_books(database_url) as books:
        [old] = await books.debit(utc(2026, 9, 5))
        await books.close_until(utc(2026, 10, 1))
        await books.debit(utc(2026, 9, 6), now=utc(2026, 10, 2))
        [late] = await books.debit(utc(2026, 9, 7), now=utc(2026, 10, 3))
        await books.take_back(old, late, now=utc(2026, 10, 8))

        september = await usage(books, utc(2026, 10, 20), date(2026, 9, 1))
        october = await usage(books, utc(2026, 10, 20))
        then = await usage(books, utc(2026, 10, 5), known_at=utc(2026, 10, 20))

        assert used(september.by_day) == {date(2026, 9, 5): 1}
        assert used(october.by_day) == {date(2026, 10, 2): 1}
        assert october.consumed == (await books.balance(utc(2026, 10, 20))).consumed == 1
        assert used(then.by_day) == {date(2026, 10, 2): 1, date(2026, 10, 3): 1}
        assert october.by_lane[SessionLane.UNBOUND] == 1
        assert october.by_channel[ChannelKind.WHATSAPP] == 1


@pytest.mark.parametrize("size", [1, 30])
async def test_usage_takes_one_statement(database_url: str, size: int) -> None:
    async with open_books(database_url) as books:
        days = [utc(2026, 9, 1) + timedelta(days=day) for day in range(size)]
        await books.debit(*days)
        workspace = await books.settings()

        with books.counted_statements() as statements:
            async with books.database.read() as connection:
                found = await find_usage(connection, workspace, utc(2026, 9, 30, 12))

        assert found.consumed == size
        assert len(statements) == 1


@pytest.mark.parametrize("cycle_of", [date(1969, 12, 31), date(2200, 1, 1), date.max, date.min])
async def test_a_date_beyond_the_calendar_is_refused(database_url: str, cycle_of: date) -> None:
    async with open_books(database_url) as books:
        with pytest.raises(InvalidInput) as refused:
            await usage(books, utc(2026, 9, 5), cycle_of)

        assert refused.value.path == ("cycleOf",)


async def test_a_cycle_that_was_kept_otherwise_is_asked_for_again(database_url: str) -> None:
    async with open_books(database_url, zone="America/Bogota") as books:
        await books.debit(utc(2026, 9, 2), utc(2026, 9, 9))
        workspace = replace(await books.settings(), zone=ZoneInfo("UTC"))
        now = utc(2026, 9, 30, 12)

        with books.counted_statements() as statements:
            async with books.database.read() as connection:
                guessed = await find_usage(connection, workspace, now)
                kept = [guessed.cycle]
                known = await find_usage(connection, workspace, now, kept=kept)

        assert guessed == known
        assert guessed.cycle.starts_at == utc(2026, 9, 1, 5)
        assert guessed.consumed == 2
        assert len(statements) == 2 + 1


async def test_now_is_never_before_the_last_row_of_the_ledger(database_url: str) -> None:
    async with open_books(database_url) as books:
        await books.debit(utc(2026, 9, 2), now=utc(2026, 9, 3))
        workspace = await books.settings()

        async with books.database.read() as connection:
            exact = await find_usage(connection, workspace, utc(2026, 9, 1, 12))
            later = await find_usage(connection, workspace, utc(2026, 9, 1, 12), or_later=True)

        assert (exact.at, exact.consumed) == (utc(2026, 9, 1, 12), 0)
        assert (later.at >= utc(2026, 9, 3), later.consumed) == (True, 1)
