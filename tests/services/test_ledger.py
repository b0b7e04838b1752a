"""Appending to the ledger: numbers, instants, adjustments, kept cycles, alerts."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.services.books import MICROSECOND, debit_of, open_books, reversal_of, utc
from trenza.domain.errors import BrokenInvariant, NotFound
from trenza.domain.metering.cycle import Cycle
from trenza.domain.metering.ledger import EntryKind
from trenza.services.ledger import LedgerDraft, append_entries
from trenza.storage import BillingCycle, LedgerEntry, LedgerHead, UsageAlert
from trenza.storage.ledger import LockedBooks, keep_cycles, lock_books, lock_head
from trenza.storage.workspace import find_workspace

NOON = utc(2026, 9, 10, 12)


async def test_rows_are_numbered_without_gap_and_recorded_strictly_later(database_url: str) -> None:
    async with open_books(database_url) as books:
        first = await books.debit(NOON, NOON)
        second = await books.debit(NOON - timedelta(hours=30), now=NOON)

        assert [entry.sequence for entry in first + second] == [1, 2, 3]
        assert [entry.recorded_at for entry in first + second] == [
            NOON,
            NOON + MICROSECOND,
            NOON + 2 * MICROSECOND,
        ]
        assert await books.rows(
            LedgerEntry, "sequence", "id", "kind", "amount", "recorded_at", "counts_at", "reason"
        ) == [
            (e.sequence, e.id, "DEBIT", 1, e.recorded_at, e.effective_at, "OPENED")
            for e in first + second
        ]
        assert await books.rows(LedgerHead, "sequence", "recorded_at", "closed_until") == [
            (3, NOON + 2 * MICROSECOND, None)
        ]


async def test_a_reversal_takes_back_the_standing_debit_of_its_session(database_url: str) -> None:
    async with open_books(database_url) as books:
        [debit] = await books.debit(NOON)

        [reversal] = await books.take_back(debit, now=NOON + timedelta(hours=1))
        [again] = await books.append(debit_of(debit.session_id or "", NOON), now=utc(2026, 9, 11))
        [last] = await books.take_back(again, now=utc(2026, 9, 12))

        assert (reversal.kind, reversal.amount, reversal.supersedes) == (EntryKind.REVERSAL, -1, 1)
        assert (reversal.counts_at, reversal.debit_counts_at) == (NOON, NOON)
        assert (again.sequence, again.supersedes, again.debit_counts_at) == (3, None, None)
        assert last.supersedes == 3


async def test_a_debit_of_the_same_call_can_be_taken_back(database_url: str) -> None:
    async with open_books(database_url) as books:
        [debit] = await books.debit(NOON)
        redo = debit_of(debit.session_id or "", NOON)

        entries = await books.append(
            reversal_of(debit), redo, reversal_of(debit), redo, now=NOON + timedelta(days=1)
        )

        assert [(e.sequence, e.amount, e.supersedes) for e in entries] == [
            (2, -1, 1),
            (3, 1, None),
            (4, -1, 3),
            (5, 1, None),
        ]


@pytest.mark.parametrize("already_debited", [False, True])
async def test_books_that_contradict_themselves_are_not_written(
    database_url: str, already_debited: bool
) -> None:
    async with open_books(database_url) as books:
        [session_id] = await books.open_sessions(NOON)
        draft = debit_of(session_id, NOON)
        wrong = (
            [draft, draft]
            if already_debited
            else [draft, LedgerDraft(EntryKind.REVERSAL, -1, NOON, session_id="ses_unknown")]
        )

        with pytest.raises(BrokenInvariant):
            await books.append(*wrong)

        assert await books.rows(LedgerEntry, "sequence") == []
        assert await books.rows(LedgerHead, "sequence") == [(0,)]


async def test_a_row_of_a_closed_cycle_counts_when_it_was_learned(database_url: str) -> None:
    async with open_books(database_url) as books:
        [timely] = await books.debit(NOON)
        await books.close_until(utc(2026, 10, 1))
        learned = utc(2026, 10, 5)

        [late] = await books.debit(NOON, now=learned)
        [reversal] = await books.take_back(timely, now=learned)
        [other] = await books.take_back(late, now=learned)

        assert late.counts_at == learned
        assert (reversal.counts_at, reversal.debit_counts_at) == (learned + MICROSECOND, NOON)
        assert (other.counts_at, other.debit_counts_at) == (learned + 2 * MICROSECOND, learned)


async def test_the_cycles_in_which_debits_count_are_kept_once(database_url: str) -> None:
    async with open_books(database_url, zone="America/Mexico_City", anchor_day=31) as books:
        await books.debit(utc(2026, 9, 20), utc(2026, 10, 20), utc(2026, 10, 21))
        await books.debit(utc(2026, 10, 22))

        assert await books.rows(BillingCycle, "starts_at", "ends_at") == [
            (utc(2026, 8, 31, 6), utc(2026, 9, 30, 6)),
            (utc(2026, 9, 30, 6), utc(2026, 10, 31, 6)),
        ]


async def test_a_threshold_raises_one_alert_in_each_cycle(database_url: str) -> None:
    async with open_books(database_url) as books:
        september = [NOON + timedelta(hours=hour) for hour in range(11)]

        await books.debit(*september[:7])
        assert await books.rows(UsageAlert, "threshold_percent") == []
        [eighth] = await books.debit(september[7])
        await books.take_back(eighth, now=september[7])
        await books.debit(*september[8:], now=utc(2026, 9, 20))
        await books.debit(utc(2026, 10, 2))

        assert await books.rows(
            UsageAlert, "sequence", "threshold_percent", "quota", "consumed", "cycle_starts_at"
        ) == [(8, 80, 10, 8, utc(2026, 9, 1)), (12, 100, 10, 10, utc(2026, 9, 1))]
        assert await books.rows(UsageAlert, "raised_at") == [
            (september[7],),
            (utc(2026, 9, 20) + 2 * MICROSECOND,),
        ]


async def test_one_call_raises_the_alerts_that_single_calls_would(database_url: str) -> None:
    async with open_books(database_url, quota=5) as books:
        hours = [NOON + timedelta(hours=hour) for hour in range(6)]

        await books.debit(*hours, utc(2026, 10, 1, 1))

        assert await books.rows(UsageAlert, "sequence", "threshold_percent", "consumed") == [
            (4, 80, 4),
            (5, 100, 5),
        ]


async def test_a_late_reversal_consumes_nothing_back(database_url: str) -> None:
    async with open_books(database_url, quota=5, alert_thresholds=[40]) as books:
        [old] = await books.debit(NOON)
        await books.debit(utc(2026, 10, 2))
        await books.close_until(utc(2026, 10, 1))

        [session_id] = await books.open_sessions(utc(2026, 10, 5))
        redo = debit_of(session_id, utc(2026, 10, 5))
        await books.append(reversal_of(old), redo, now=utc(2026, 10, 5))

        assert await books.rows(UsageAlert, "sequence", "consumed") == [(4, 2)]


@pytest.mark.parametrize("contract", [{"quota": 0}, {"ends_at": utc(2026, 9, 1)}])
async def test_without_a_quota_nothing_is_raised(
    database_url: str, contract: dict[str, Any]
) -> None:
    async with open_books(database_url, **contract) as books:
        await books.debit(NOON, NOON)

        assert await books.rows(UsageAlert, "id") == []


@pytest.mark.parametrize("size", [1, 40])
async def test_the_number_of_statements_does_not_depend_on_the_number_of_rows(
    database_url: str, size: int
) -> None:
    async with open_books(database_url, quota=1000) as books:
        old = await books.debit(*[NOON] * size)
        session_ids = await books.open_sessions(*[utc(2026, 9, 11)] * size)
        drafts = [reversal_of(entry) for entry in old]
        drafts += [debit_of(session_id, utc(2026, 9, 11)) for session_id in session_ids]

        with books.counted_statements() as statements:
            await books.append(*drafts, now=utc(2026, 9, 12))

        outside_of_append = 1
        of_append = 3
        assert len(statements) == outside_of_append + of_append, statements


async def test_concurrent_appends_leave_no_gap(database_url: str) -> None:
    async with open_books(database_url, quota=16, alert_thresholds=[50, 100]) as books:
        session_ids = await books.open_sessions(*[NOON] * 24)

        await asyncio.gather(
            *(books.append(debit_of(session_id, NOON), now=NOON) for session_id in session_ids)
        )

        rows = await books.rows(LedgerEntry, "sequence", "recorded_at")
        assert rows == [(n + 1, NOON + n * MICROSECOND) for n in range(24)]
        assert await books.rows(UsageAlert, "sequence", "threshold_percent", "consumed") == [
            (8, 50, 8),
            (16, 100, 16),
        ]


async def test_who_waits_for_the_ledger_sees_what_was_kept_meanwhile(database_url: str) -> None:
    async with open_books(database_url) as books:
        cycle = Cycle(utc(2026, 9, 1), utc(2026, 9, 20))
        settings, locked = await books.settings(), asyncio.Event()
        gift = LedgerDraft(EntryKind.GRANT, 1, NOON)

        async def keep(connection: AsyncConnection) -> None:
            await lock_head(connection, books.workspace_id)
            locked.set()
            # Time for the other to begin its statement and wait.
            await asyncio.sleep(0.2)
            await keep_cycles(connection, books.workspace_id, [cycle])
            await append_entries(connection, books.dependencies, settings, NOON, [gift])

        async def follow(connection: AsyncConnection) -> LockedBooks:
            return await lock_books(connection, books.workspace_id, ())

        async def wait() -> LockedBooks:
            await locked.wait()
            return await books.database.write(follow, books.workspace_id)

        _, found = await asyncio.gather(books.database.write(keep, books.workspace_id), wait())

        assert (found.head.sequence, found.cycles) == (1, [cycle])


async def test_a_workspace_is_read_with_its_contract_and_plan(database_url: str) -> None:
    async with open_books(database_url, zone="America/Sao_Paulo", anchor_day=15) as books:
        settings = await books.settings()

        assert settings.zone.key == "America/Sao_Paulo"
        assert settings.rules.name == "2026-11"
        assert settings.closing_grace == timedelta(hours=72)
        assert settings.acceptance_horizon == timedelta(days=35)
        assert settings.alert_thresholds == (80, 100)
        assert settings.contract.anchor_day == 15
        assert settings.contract.ends_at is None
        assert (settings.plan.code, settings.plan.seats) == ("expert", 10)
        async with books.database.read(books.workspace_id) as connection:
            with pytest.raises(NotFound):
                await find_workspace(connection, "ws_unknown")
