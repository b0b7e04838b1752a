"""Giving credits and closing cycles, as an admin does."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tests.services.books import MICROSECOND, Books, open_books, utc
from trenza.domain.access import Scope
from trenza.domain.errors import Conflict, DomainError, Forbidden, InvalidInput
from trenza.domain.metering.balance import GrantKind
from trenza.services.interactionz import (
    CloseCycle,
    ClosedCycle,
    GrantInteractionz,
    close_cycle,
    grant_interactionz,
)
from trenza.storage import CycleClosing, InteractionzGrant, LedgerEntry, LedgerHead

PURCHASE = GrantInteractionz(
    GrantKind.PURCHASE, 100, expires_at=utc(2026, 12, 1), priority=50, note=" Factura 77 "
)


async def close(books: Books, cycle_of: date | None = None, **options: bool) -> ClosedCycle:
    return await close_cycle(books.dependencies, books.admin, CloseCycle(cycle_of, **options))


async def test_a_grant_is_a_row_of_the_ledger_and_one_of_the_grants(database_url: str) -> None:
    async with open_books(database_url) as books:
        books.clock.at = now = utc(2026, 9, 3, 10)

        granted = await grant_interactionz(books.dependencies, books.admin, PURCHASE)

        assert granted.grant.effective_at == now
        assert granted.note == "Factura 77"
        assert books.bell.rung == [books.workspace_id]
        [row] = await books.rows(
            InteractionzGrant,
            *("id", "kind", "amount", "effective_at", "expires_at"),
            *("priority", "note", "recorded_at", "sequence"),
        )
        purchase = (granted.grant.id, "PURCHASE", 100, now, utc(2026, 12, 1))
        assert row == (*purchase, 50, "Factura 77", now, 1)
        assert await books.rows(LedgerEntry, "sequence", "id", "kind", "amount", "counts_at") == [
            (1, granted.grant.id, "GRANT", 100, now)
        ]
        assert (await books.balance(now)).remaining == 110


async def test_a_grant_of_later_is_not_there_before(database_url: str) -> None:
    async with open_books(database_url) as books:
        later = replace(PURCHASE, effective_at=utc(2026, 10, 5), kind=GrantKind.COURTESY)

        await grant_interactionz(books.dependencies, books.admin, later)

        assert (await books.balance(utc(2026, 10, 5) - MICROSECOND)).granted == 10
        assert (await books.balance(utc(2026, 10, 5))).granted == 110


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"kind": GrantKind.PLAN}, "kind"),
        ({"amount": 0}, "amount"),
        ({"amount": 1_000_001}, "amount"),
        ({"priority": -1}, "priority"),
        ({"priority": 1001}, "priority"),
        ({"expires_at": utc(2026, 9, 1)}, "expiresAt"),
        ({"effective_at": utc(2026, 12, 1)}, "expiresAt"),
        ({"expires_at": utc(2200, 1, 1)}, "expiresAt"),
        ({"effective_at": utc(2026, 9, 1) - MICROSECOND}, "effectiveAt"),
        ({"note": "\x00"}, "note"),
    ],
)
async def test_a_grant_that_makes_no_sense_is_refused(
    database_url: str, change: dict[str, Any], path: str
) -> None:
    async with open_books(database_url) as books:
        with pytest.raises(InvalidInput) as refused:
            await grant_interactionz(books.dependencies, books.admin, replace(PURCHASE, **change))

        assert refused.value.path == (path,)
        await assert_nothing_written(books)


async def test_a_closed_cycle_is_given_nothing_more(database_url: str) -> None:
    async with open_books(database_url) as books:
        await books.close_until(utc(2026, 10, 1))
        books.clock.at = utc(2026, 10, 5)

        with pytest.raises(InvalidInput) as refused:
            await grant_interactionz(
                books.dependencies,
                books.admin,
                replace(PURCHASE, effective_at=utc(2026, 10, 1) - MICROSECOND),
            )

        assert refused.value.path == ("effectiveAt",)
        await assert_nothing_written(books)
        at_the_edge = replace(PURCHASE, effective_at=utc(2026, 10, 1))
        await grant_interactionz(books.dependencies, books.admin, at_the_edge)


@pytest.mark.parametrize("scope", sorted(set(Scope) - {Scope.ADMIN}))
async def test_the_books_are_for_admins(database_url: str, scope: Scope) -> None:
    async with open_books(database_url) as books:
        books.clock.at = utc(2026, 11, 1)
        viewer = replace(books.admin, scopes=frozenset({scope}))

        with pytest.raises(Forbidden):
            await grant_interactionz(books.dependencies, viewer, PURCHASE)
        with pytest.raises(Forbidden):
            await close_cycle(books.dependencies, viewer, CloseCycle())

        await assert_nothing_written(books)


async def test_a_cycle_closes_after_the_grace(database_url: str) -> None:
    async with open_books(database_url) as books:
        [debit] = await books.debit(utc(2026, 9, 5))
        books.clock.at = utc(2026, 10, 4) - MICROSECOND
        with pytest.raises(Conflict) as early:
            await close(books)
        assert "2026-10-04T00:00:00.000000Z" in early.value.message
        assert early.value.path == ()
        assert await books.rows(CycleClosing, "id") == []

        books.clock.at = utc(2026, 10, 4)
        closed = await close(books)

        assert not closed.replayed
        assert (closed.statement.cycle.starts_at, closed.statement.cycle.ends_at) == (
            utc(2026, 9, 1),
            utc(2026, 10, 1),
        )
        assert (closed.statement.sequence, closed.statement.recorded_at) == (2, utc(2026, 10, 4))
        assert await books.rows(LedgerHead, "sequence", "closed_until") == [(2, utc(2026, 10, 1))]
        assert await books.rows(LedgerEntry, "sequence", "id", "kind", "amount") == [
            (1, debit.id, "DEBIT", 1),
            (2, closed.statement.id, "CLOSING", 0),
        ]
        assert books.bell.rung == [books.workspace_id]


async def test_an_admin_may_close_right_after_the_end(database_url: str) -> None:
    async with open_books(database_url) as books:
        books.clock.at = utc(2026, 10, 1) - MICROSECOND
        with pytest.raises(Conflict):
            await close(books, without_grace=True)

        books.clock.at = utc(2026, 10, 1)
        closed = await close(books, without_grace=True)

        assert closed.statement.cycle.ends_at == utc(2026, 10, 1)


async def test_a_repeated_closing_answers_the_same_and_writes_nothing(database_url: str) -> None:
    async with open_books(database_url) as books:
        books.clock.at = utc(2026, 10, 10)
        first = await close(books, date(2026, 9, 1))
        books.clock.at = utc(2026, 10, 20)

        again = await close(books, date(2026, 9, 30))

        assert again == ClosedCycle(first.statement, replayed=True)
        assert await books.rows(LedgerHead, "sequence") == [(1,)]
        assert books.bell.rung == [books.workspace_id]


async def test_concurrent_closings_close_once(database_url: str) -> None:
    async with open_books(database_url) as books:
        books.clock.at = utc(2026, 10, 10)

        closed = await asyncio.gather(*(close(books, date(2026, 9, 9)) for _ in range(6)))

        assert sorted(each.replayed for each in closed) == [False] + [True] * 5
        assert {each.statement.text for each in closed} == {closed[0].statement.text}
        assert await books.rows(LedgerEntry, "sequence", "kind") == [(1, "CLOSING")]


async def test_cycles_close_in_order_also_empty_ones(database_url: str) -> None:
    async with open_books(database_url) as books:
        books.clock.at = utc(2026, 12, 10)
        with pytest.raises(Conflict) as refused:
            await close(books, date(2026, 10, 15))
        assert refused.value.path == ("cycleOf",)
        await assert_nothing_written(books)

        closed = [await close(books) for _ in range(3)]

        assert [each.statement.cycle.starts_at for each in closed] == [
            utc(2026, 9, 1),
            utc(2026, 10, 1),
            utc(2026, 11, 1),
        ]
        with pytest.raises(Conflict):
            await close(books)


@pytest.mark.parametrize(
    ("cycle_of", "error"),
    [
        (date(2026, 8, 31), Conflict),
        (date(2026, 12, 1), Conflict),
        (date(1969, 12, 31), InvalidInput),
        (date(2200, 1, 1), InvalidInput),
    ],
)
async def test_a_cycle_that_cannot_be_closed_is_refused(
    database_url: str, cycle_of: date, error: type[DomainError]
) -> None:
    async with open_books(database_url) as books:
        books.clock.at = utc(2026, 12, 10)

        with pytest.raises(error) as refused:
            await close(books, cycle_of)

        assert refused.value.path == ("cycleOf",)
        await assert_nothing_written(books)


async def test_a_debit_before_the_contract_makes_an_earlier_first_cycle(database_url: str) -> None:
    async with open_books(database_url) as books:
        await books.debit(utc(2026, 8, 20), now=utc(2026, 9, 2))
        books.clock.at = utc(2026, 10, 10)

        closed = await close(books)

        assert closed.statement.cycle.starts_at == utc(2026, 8, 1)
        assert (closed.statement.figures["granted"], closed.statement.figures["overage"]) == (0, 1)


async def test_a_date_is_one_of_the_workspaces_zone(database_url: str) -> None:
    async with open_books(database_url, zone="America/Mexico_City", anchor_day=15) as books:
        books.clock.at = utc(2026, 9, 15, 6) + timedelta(hours=72)

        closed = await close(books, date(2026, 9, 14))

        assert closed.statement.cycle.starts_at == utc(2026, 8, 15, 6)
        assert closed.statement.cycle.ends_at == utc(2026, 9, 15, 6)


async def assert_nothing_written(books: Books) -> None:
    assert await books.rows(LedgerEntry, "sequence") == []
    assert await books.rows(LedgerHead, "sequence") == [(0,)]
    assert await books.rows(InteractionzGrant, "id") == []
    assert await books.rows(CycleClosing, "id") == []
    assert books.bell.rung == []
