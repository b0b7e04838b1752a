"""The statement of a closed cycle: its figures, that it never changes, what is learned later."""

from datetime import date

import orjson
import pytest

from tests.services.books import MICROSECOND, Books, open_books, utc
from trenza.domain.channel import ChannelKind
from trenza.domain.errors import InvalidInput
from trenza.domain.interaction import SessionLane
from trenza.domain.metering.balance import GrantKind, plan_grant
from trenza.domain.metering.cycle import Cycle
from trenza.services.interactionz import CloseCycle, close_cycle
from trenza.services.statement import Statement, find_statement
from trenza.storage import CycleClosing
from trenza.storage.ledger import Correction

SEPTEMBER = Cycle(utc(2026, 9, 1), utc(2026, 10, 1))


async def statement(books: Books, cycle_of: date | None = None) -> Statement | None:
    workspace = await books.settings()
    async with books.database.read(books.workspace_id) as connection:
        return await find_statement(connection, workspace, cycle_of)


async def close_september(books: Books) -> Statement:
    books.clock.at = utc(2026, 10, 4)
    return (await close_cycle(books.dependencies, books.admin, CloseCycle())).statement


async def test_a_statement_says_everything_about_its_cycle(database_url: str) -> None:
    async with open_books(database_url, quota=2) as books:
        bought = await books.grant(GrantKind.PURCHASE, 5, utc(2026, 9, 10), utc(2026, 11, 1))
        short = await books.grant(GrantKind.COURTESY, 1, utc(2026, 9, 3), utc(2026, 9, 5))
        await books.debit(*[utc(2026, 9, 9)] * 3, channel=ChannelKind.SMS, lane=SessionLane.BOT)
        await books.debit(utc(2026, 10, 1) - MICROSECOND)

        closed = await close_september(books)

        by_channel = dict.fromkeys((str(channel) for channel in ChannelKind), 0)
        by_day = {f"2026-09-{day:02d}": 0 for day in range(1, 31)}
        assert closed.figures == {
            "cycleStartsAt": "2026-09-01T00:00:00.000000Z",
            "cycleEndsAt": "2026-10-01T00:00:00.000000Z",
            "closedAt": "2026-10-04T00:00:00.000000Z",
            "zone": "UTC",
            "plan": {"code": "expert", "interactionz": 2},
            "granted": 8,
            "consumed": 4,
            "remaining": 4,
            "lapsing": 0,
            "lapsed": 1,
            "overage": 1,
            "byChannel": by_channel | {"SMS": 3, "WHATSAPP": 1},
            "byLane": {"UNBOUND": 1, "BOT": 3, "HUMAN": 0},
            "byDay": by_day | {"2026-09-09": 3, "2026-09-30": 1},
            "grants": [
                _use(short.grant.id, "COURTESY", "03", "2026-09-05", (1, 0, 0, 1)),
                _use(plan_grant(SEPTEMBER, 2).id, "PLAN", "01", "2026-10-01", (2, 2, 0, 0)),
                _use(bought.grant.id, "PURCHASE", "10", "2026-11-01", (5, 1, 4, 0)),
            ],
        }
        assert closed.text == orjson.dumps(closed.figures, option=orjson.OPT_SORT_KEYS).decode()


def _use(
    grant_id: str, kind: str, day: str, expires_on: str, credits_: tuple[int, int, int, int]
) -> dict[str, object]:
    names = ("granted", "burned", "remaining", "lapsed")
    return {
        "id": grant_id,
        "kind": kind,
        "effectiveAt": f"2026-09-{day}T00:00:00.000000Z",
        "expiresAt": f"{expires_on}T00:00:00.000000Z",
        "priority": 100,
        **dict(zip(names, credits_, strict=True)),
    }


async def test_what_the_plan_leaves_lapses_with_the_cycle(database_url: str) -> None:
    async with open_books(database_url) as books:
        await books.grant(GrantKind.PURCHASE, 5, utc(2026, 9, 10), utc(2026, 11, 1))
        await books.debit(utc(2026, 9, 12))

        figures = (await close_september(books)).figures

        assert (figures["remaining"], figures["lapsing"], figures["lapsed"]) == (14, 9, 0)


async def test_later_knowledge_stands_beside_the_statement(database_url: str) -> None:
    async with open_books(database_url) as books:
        first, _ = await books.debit(utc(2026, 9, 5), utc(2026, 9, 6))
        closed = await close_september(books)
        assert closed.adjustments == Correction(0, 0)

        await books.debit(utc(2026, 9, 7), utc(2026, 9, 8), now=utc(2026, 10, 5))
        [late] = await books.debit(utc(2026, 9, 9), now=utc(2026, 10, 5))
        await books.take_back(first, late, now=utc(2026, 10, 6))
        await books.debit(utc(2026, 10, 7))
        found = await statement(books)

        assert found is not None
        assert found.text == closed.text
        assert found.adjustments == Correction(debits=3, reversals=2)
        assert found.adjustments.net == 1
        assert await books.rows(CycleClosing, "statement") == [(closed.text,)]
        balance = await books.balance(utc(2026, 9, 30), closed.recorded_at)
        assert (balance.consumed, balance.granted) == (2, 10)
        assert await books.balance(utc(2026, 9, 30)) == balance


async def test_a_statement_is_found_by_any_date_of_its_cycle(database_url: str) -> None:
    async with open_books(database_url) as books:
        assert await statement(books) is None
        closed = await close_september(books)

        assert await statement(books, date(2026, 9, 1)) == closed
        assert await statement(books, date(2026, 9, 30)) == closed
        assert await statement(books, date(2026, 8, 31)) is None
        assert await statement(books, date(2026, 10, 1)) is None
        with pytest.raises(InvalidInput):
            await statement(books, date.max)
