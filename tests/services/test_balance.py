"""The balance on demand, in exact figures: grants, reversals, payers, and what it costs."""

from datetime import datetime

import pytest

from tests.services.books import MICROSECOND, Books, open_books, utc
from trenza.domain.errors import InvalidInput
from trenza.domain.metering.balance import Balance, GrantKind
from trenza.services.balance import find_balances, find_payers
from trenza.services.ledger import AppendedEntry

FOREVER = utc(2199, 1, 1)


def figures(found: Balance) -> tuple[int, int, int, int, int]:
    return found.granted, found.consumed, found.remaining, found.overage, found.lapsed


async def test_the_quota_burns_then_debits_are_overage(database_url: str) -> None:
    async with open_books(database_url, quota=3) as books:
        hours = [utc(2026, 9, 5, hour) for hour in range(5)]
        await books.debit(*hours)

        assert figures(await books.balance(hours[0] - MICROSECOND)) == (3, 0, 3, 0, 0)
        assert figures(await books.balance(hours[0])) == (3, 1, 2, 0, 0)
        assert figures(await books.balance(hours[2])) == (3, 3, 0, 0, 0)
        found = await books.balance(utc(2026, 9, 30, 23, 59))
        assert figures(found) == (3, 5, 0, 2, 0)
        assert (found.cycle.starts_at, found.cycle.ends_at) == (utc(2026, 9, 1), utc(2026, 10, 1))
        assert figures(await books.balance(utc(2026, 10, 1))) == (3, 0, 3, 0, 0)
        assert figures(await books.balance(utc(2026, 8, 31))) == (0, 0, 0, 0, 0)


async def test_what_was_known_then_is_answered_again(database_url: str) -> None:
    async with open_books(database_url) as books:
        at = utc(2026, 9, 20)
        [first] = await books.debit(utc(2026, 9, 5))
        [late] = await books.debit(utc(2026, 9, 4), now=utc(2026, 9, 7))
        bought = await books.grant(GrantKind.PURCHASE, 5, at, utc(2026, 12, 1), now=utc(2026, 9, 8))
        [back] = await books.take_back(first, now=utc(2026, 9, 9))

        assert figures(await books.balance(at, first.recorded_at)) == (10, 1, 9, 0, 0)
        assert figures(await books.balance(at, late.recorded_at)) == (10, 2, 8, 0, 0)
        assert figures(await books.balance(at, bought.recorded_at)) == (15, 2, 13, 0, 0)
        assert figures(await books.balance(at, back.recorded_at)) == (15, 1, 14, 0, 0)
        assert figures(await books.balance(at - MICROSECOND)) == (10, 1, 9, 0, 0)


async def test_a_purchase_pays_later_debits_and_lives_across_cycles(database_url: str) -> None:
    async with open_books(database_url, quota=2) as books:
        await books.debit(*[utc(2026, 9, 5)] * 3)
        bought = await books.grant(
            GrantKind.PURCHASE, 4, utc(2026, 9, 6), utc(2026, 11, 20), now=utc(2026, 9, 6)
        )
        await books.debit(utc(2026, 9, 7))
        await books.debit(*[utc(2026, 10, 2)] * 3)

        assert figures(await books.balance(utc(2026, 9, 30))) == (6, 4, 3, 1, 0)
        october = await books.balance(utc(2026, 10, 3))
        assert figures(october) == (5, 3, 2, 0, 0)
        assert figures(await books.balance(utc(2026, 11, 20))) == (4, 0, 2, 0, 2)
        use = next(use for use in october.grant_uses if use.grant.id == bought.grant.id)
        assert (use.granted, use.burned, use.remaining, use.lapsed) == (3, 1, 2, 0)


async def test_a_grant_is_found_through_the_grants_that_it_overlapped(database_url: str) -> None:
    async with open_books(database_url, quota=0) as books:
        await books.grant(GrantKind.PURCHASE, 2, utc(2026, 9, 2), utc(2026, 10, 20))
        await books.grant(GrantKind.PURCHASE, 3, utc(2026, 10, 10), utc(2026, 11, 25))
        await books.grant(GrantKind.PURCHASE, 3, utc(2026, 11, 10), utc(2026, 12, 31))
        await books.debit(utc(2026, 9, 5))
        await books.debit(utc(2026, 10, 12), utc(2026, 10, 13), utc(2026, 10, 14))
        await books.debit(utc(2026, 11, 12), utc(2026, 11, 13))

        assert figures(await books.balance(utc(2026, 12, 5))) == (2, 0, 2, 0, 0)


async def test_a_debit_of_a_cycles_first_instant_burns_that_cycles_quota(database_url: str) -> None:
    async with open_books(database_url, quota=1) as books:
        await books.grant(GrantKind.PURCHASE, 1, utc(2026, 9, 10), utc(2026, 12, 1))
        await books.debit(utc(2026, 10, 1))

        assert figures(await books.balance(utc(2026, 11, 5))) == (2, 0, 2, 0, 0)


async def test_a_reversal_in_the_cycle_of_its_debit_takes_it_out(database_url: str) -> None:
    async with open_books(database_url, quota=1) as books:
        first, second = await books.debit(utc(2026, 9, 5), utc(2026, 9, 6))

        await books.take_back(first, now=utc(2026, 9, 8))

        assert figures(await books.balance(utc(2026, 9, 5))) == (1, 0, 1, 0, 0)
        assert figures(await books.balance(utc(2026, 9, 9))) == (1, 1, 0, 0, 0)
        assert await payers(books, first, second) == {2: (GrantKind.PLAN, utc(2026, 9, 1))}


async def test_a_reversal_in_a_later_cycle_is_a_courtesy_of_it(database_url: str) -> None:
    async with open_books(database_url, quota=1) as books:
        [old] = await books.debit(utc(2026, 9, 5))
        await books.close_until(utc(2026, 10, 1))
        paid, overage = await books.debit(utc(2026, 10, 2), utc(2026, 10, 3))
        [back] = await books.take_back(old, now=utc(2026, 10, 5))
        [later] = await books.debit(utc(2026, 10, 6))

        assert figures(await books.balance(utc(2026, 9, 30))) == (1, 1, 0, 0, 0)
        assert figures(await books.balance(back.counts_at)) == (2, 2, 1, 1, 0)
        assert figures(await books.balance(utc(2026, 10, 30))) == (2, 3, 0, 1, 0)
        assert await payers(books, old, paid, overage, later) == {
            old.sequence: (GrantKind.PLAN, utc(2026, 9, 1)),
            paid.sequence: (GrantKind.PLAN, utc(2026, 10, 1)),
            overage.sequence: None,
            later.sequence: (GrantKind.COURTESY, utc(2026, 10, 5)),
        }


async def test_an_adjustment_can_be_taken_back_in_its_cycle(database_url: str) -> None:
    async with open_books(database_url) as books:
        await books.close_until(utc(2026, 10, 1))
        [late] = await books.debit(utc(2026, 9, 5), now=utc(2026, 10, 2))
        [back] = await books.take_back(late, now=utc(2026, 10, 9))

        just_before = back.counts_at - MICROSECOND
        assert figures(await books.balance(just_before)) == (10, 1, 9, 0, 0)
        assert figures(await books.balance(back.counts_at)) == (10, 0, 10, 0, 0)
        paid_by_plan = {late.sequence: (GrantKind.PLAN, utc(2026, 10, 1))}
        assert await payers(books, late, at=just_before) == paid_by_plan
        assert await payers(books, late, at=back.counts_at) == {}


async def test_debits_of_one_instant_are_paid_in_order_of_sequence(database_url: str) -> None:
    async with open_books(database_url, quota=2) as books:
        bought = await books.grant(GrantKind.COURTESY, 1, utc(2026, 9, 2), utc(2026, 12, 1))
        debits = await books.debit(*[utc(2026, 9, 5)] * 5)
        await books.take_back(debits[0], now=utc(2026, 9, 6))

        found = await payers(books, *debits[1:], debits[0])

        plan = (GrantKind.PLAN, utc(2026, 9, 1))
        assert [found.get(debit.sequence, "none") for debit in debits] == [
            "none",
            plan,
            plan,
            (GrantKind.COURTESY, bought.grant.effective_at),
            None,
        ]


async def test_the_lower_priority_burns_first(database_url: str) -> None:
    async with open_books(database_url, quota=1) as books:
        await books.grant(GrantKind.PURCHASE, 1, utc(2026, 9, 2), utc(2027, 1, 1), priority=99)
        debits = await books.debit(utc(2026, 9, 5), utc(2026, 9, 6))

        assert [
            kind_and_start[0]
            for kind_and_start in (await payers(books, *debits)).values()
            if kind_and_start
        ] == [
            GrantKind.PURCHASE,
            GrantKind.PLAN,
        ]


async def test_the_plan_gives_only_while_the_contract_holds(database_url: str) -> None:
    async with open_books(
        database_url, starts_at=utc(2026, 9, 20), ends_at=utc(2026, 10, 10)
    ) as books:
        granted = [
            (await books.balance(at)).granted
            for at in (utc(2026, 8, 31), utc(2026, 9, 5), utc(2026, 10, 31), utc(2026, 11, 1))
        ]

        assert granted == [0, 10, 10, 0]


async def test_another_workspace_changes_nothing(database_url: str) -> None:
    async with (
        open_books(database_url) as mine,
        open_books(database_url, first_id=1000) as other,
    ):
        await mine.debit(utc(2026, 9, 5))
        await other.grant(GrantKind.PURCHASE, 5, utc(2026, 9, 2), utc(2026, 12, 1))
        await other.debit(utc(2026, 9, 6), utc(2026, 9, 7))

        assert figures(await mine.balance(utc(2026, 9, 9))) == (10, 1, 9, 0, 0)
        assert figures(await other.balance(utc(2026, 9, 9))) == (15, 2, 13, 0, 0)


@pytest.mark.parametrize("at", [utc(1969, 12, 31), utc(2200, 1, 1)])
async def test_an_instant_beyond_the_calendar_is_refused(database_url: str, at: datetime) -> None:
    async with open_books(database_url) as books:
        with pytest.raises(InvalidInput) as refused:
            await books.balance(at)

        assert refused.value.path == ("at",)


async def test_the_far_future_costs_no_more_than_today(database_url: str) -> None:
    async with open_books(database_url) as books:
        await books.grant(GrantKind.PURCHASE, 5, utc(2026, 9, 2), utc(2199, 12, 1))
        await books.debit(utc(2026, 9, 5))

        with books.counted_statements() as statements:
            found = await books.balance(utc(2199, 11, 30))

        assert figures(found) == (15, 0, 15, 0, 0)
        assert len(found.grant_uses) == 2
        assert len(statements) == 1 + 1


async def test_many_questions_take_as_many_statements_as_one(database_url: str) -> None:
    async with open_books(database_url) as books:
        await books.debit(*[utc(2026, 9, day) for day in range(2, 12)])
        asked = [(utc(2026, 9, day), FOREVER) for day in range(1, 31)]

        with books.counted_statements() as statements:
            async with books.database.read(books.workspace_id) as connection:
                found = await find_balances(connection, await books.settings(), asked)
                none = await find_balances(connection, await books.settings(), [])

        assert [each.remaining for each in found] == [10, *range(9, 0, -1), *[0] * 20]
        assert none == []
        assert len(statements) == 1 + 1 + 1


async def payers(
    books: Books, *entries: AppendedEntry, at: datetime = FOREVER
) -> dict[int, tuple[GrantKind, datetime] | None]:
    """Of the grant that paid each debit: its kind, and since when it was live."""
    async with books.database.read(books.workspace_id) as connection:
        workspace = await books.settings()
        counting = {entry.sequence: entry.counts_at for entry in entries}
        found = await find_payers(connection, workspace, FOREVER, counting, at, FOREVER)
        balances = await find_balances(
            connection, workspace, [(entry.counts_at, FOREVER) for entry in entries]
        )
    grants = {use.grant for each in balances for use in each.grant_uses}
    assert {grant for grant in found.values() if grant} <= grants
    return {
        sequence: None if grant is None else (grant.kind, grant.effective_at)
        for sequence, grant in found.items()
    }
