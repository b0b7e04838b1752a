"""The balance on demand of random books, against the model that shares no code with it."""

from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from sqlalchemy import delete, func, select

from tests.properties import reference_burn as reference
from tests.scale import scale
from tests.services.books import MICROSECOND, Books, Bought, open_books, utc
from trenza.domain.metering.balance import GrantKind, plan_grant
from trenza.domain.metering.cycle import Cycle
from trenza.domain.metering.ledger import EntryKind
from trenza.services import checkpoint
from trenza.services.balance import EARLIEST, Moment, find_balances, find_payers
from trenza.services.ledger import AppendedEntry
from trenza.storage.checkpoint import CHECKPOINT
from trenza.storage.engine import AsyncConnection

FOREVER = utc(2199, 1, 1)


class History:
    """Random books over four months, and what the reference model makes of them."""

    def __init__(self, books: Books, random: Random, quota: int) -> None:
        self.books = books
        self.random = random
        self.now = utc(2026, 9, 1)
        self.closed_until = utc(2026, 9, 1)
        self.entries: list[AppendedEntry] = []
        self.bought: list[Bought] = []
        months = [utc(2026, month, 1) for month in range(8, 13)] + [
            utc(2027, 1, 1),
            utc(2027, 2, 1),
        ]
        self.cycles = [(micros(start), micros(end)) for start, end in pairwise(months)]
        self.quotas = [
            reference.Gift(
                100, micros(end), micros(start), plan_grant(Cycle(start, end), 0).id, quota
            )
            for start, end in pairwise(months[1:])
        ]

    async def live(self) -> None:
        """One thing happens after another until the year is over."""
        steps = [self.debit, self.debit, self.debit_late, self.take_back, self.grant, self.close]
        while self.now < utc(2027, 1, 1):
            await self.random.choice(steps)()
            self.now += timedelta(hours=self.random.choice([0, 7, 40, 60]))

    async def debit(self) -> None:
        self.entries += await self.books.debit(*[self.now] * self.random.randint(1, 3))

    async def debit_late(self) -> None:
        effective_at = self.now - timedelta(days=self.random.randint(1, 30))
        self.entries += await self.books.debit(effective_at, now=self.now)

    async def take_back(self) -> None:
        superseded = {entry.supersedes for entry in self.entries}
        standing = [
            entry
            for entry in self.entries
            if entry.kind is EntryKind.DEBIT and entry.sequence not in superseded
        ]
        if standing:
            chosen = self.random.choice(standing[-8:])
            self.entries += await self.books.take_back(chosen, now=self.now)

    async def grant(self) -> None:
        begins = max(self.closed_until, self.now + timedelta(days=self.random.randint(-9, 9)))
        self.bought.append(
            await self.books.grant(
                self.random.choice([GrantKind.PURCHASE, GrantKind.COURTESY]),
                self.random.randint(1, 4),
                begins,
                begins + timedelta(days=self.random.choice([1, 20, 50, 90])),
                priority=self.random.choice([50, 100, 150]),
                now=self.now,
            )
        )

    async def close(self) -> None:
        month_later = (self.closed_until + timedelta(days=40)).replace(day=1)
        if self.now >= month_later:
            self.closed_until = month_later
            await self.books.close_until(month_later)

    def moment(self) -> Moment:
        """Any instant, by the knowledge of any instant."""
        hours = self.random.randint(-48, 24 * 130)
        known_at = self.random.choice([FOREVER, *(e.recorded_at for e in self.entries)])
        return Moment(utc(2026, 9, 1) + timedelta(hours=hours), known_at)

    def known(self, moment: Moment) -> tuple[list[reference.Gift], list[reference.Entry]]:
        gifts = [
            reference.Gift(
                grant.priority,
                micros(grant.expires_at),
                micros(grant.effective_at),
                grant.id,
                grant.amount,
            )
            for grant in (each.grant for each in self.bought if each.recorded_at <= moment.known_at)
        ]
        entries = [
            reference.Entry(entry.sequence, micros(entry.counts_at), entry.supersedes)
            for entry in self.entries
            if entry.recorded_at <= moment.known_at
        ]
        return self.quotas + gifts, entries

    def figures(self, moment: Moment) -> tuple[int, ...]:
        """What the reference model answers at a moment."""
        return tuple(reference.figures(*self.known(moment), self.cycles, micros(moment.at)))

    def payers(self, moment: Moment) -> dict[int, str | None]:
        """Which gift paid each debit that stands at a moment, one debit after another."""
        gifts, debits = reference.standing(*self.known(moment), self.cycles, micros(moment.at))
        left = {gift: gift.amount for gift in gifts}
        found: dict[int, str | None] = {}
        for debit in debits:
            live = [g for g in sorted(left) if g.effective <= debit.counts < g.expires and left[g]]
            found[debit.sequence] = live[0].name if live else None
            if live:
                left[live[0]] -= 1
        return found


def micros(at: datetime) -> int:
    return (at - utc(1970, 1, 1)) // MICROSECOND


def without_courtesies(payers_: dict[int, str | None]) -> dict[int, str | None]:
    """The payers, courtesies of reversals by one name: engine and model call them differently."""
    return {
        sequence: "courtesy" if name and name.startswith(("courtesy", "refund")) else name
        for sequence, name in payers_.items()
    }


async def answers(books: Books, moments: list[Moment]) -> list[tuple[int, ...]]:
    """What the books answer at moments."""
    async with books.database.read(books.workspace_id) as connection:
        found = await find_balances(connection, await books.settings(), moments)
    return [(each.granted, each.consumed, each.remaining, each.overage) for each in found]


async def count_checkpoints(books: Books) -> int:
    """How many rows the workspace's checkpoints have."""
    async with books.database.read(books.workspace_id) as connection:
        statement = select(func.count()).where(CHECKPOINT.c.workspace_id == books.workspace_id)
        return (await connection.execute(statement)).scalar_one()


async def drop_checkpoints(books: Books, since: datetime) -> None:
    """Deletes the checkpoints made since an instant."""

    async def work(connection: AsyncConnection) -> None:
        await connection.execute(
            delete(CHECKPOINT).where(
                CHECKPOINT.c.workspace_id == books.workspace_id, CHECKPOINT.c.recorded_at >= since
            )
        )

    await books.database.write(work, books.workspace_id)


@pytest.mark.parametrize("seed", range(scale(5, 100)))
async def test_random_books_equal_the_reference_model(
    database_url: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(seed)
    quota = random.choice([0, 2, 5])
    monkeypatch.setattr(checkpoint, "ROWS", random.randint(1, 20))
    async with open_books(database_url, quota=quota) as books:
        history = History(books, random, quota)
        await history.live()
        moments = [history.moment() for _ in range(40)]

        kept = await count_checkpoints(books)
        found = await answers(books, moments)
        async with books.database.read(books.workspace_id) as connection:
            workspace = await books.settings()
            counting = {entry.sequence: entry.counts_at for entry in history.entries}
            paid = [
                await find_payers(connection, workspace, history.now, counting, *moment)
                for moment in moments[:5]
            ]

    assert kept > 0
    for moment, each in zip(moments, found, strict=True):
        assert each == history.figures(moment), (seed, moment)
    for moment, each_paid in zip(moments, paid, strict=False):
        expected = without_courtesies(history.payers(moment))
        named = {
            sequence: None if grant is None else grant.id for sequence, grant in each_paid.items()
        }
        assert without_courtesies(named) == expected, (seed, moment)


@pytest.mark.parametrize("seed", range(scale(5, 100)))
async def test_checkpoints_change_no_answer(
    database_url: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(seed)
    monkeypatch.setattr(checkpoint, "ROWS", random.randint(1, 20))
    async with open_books(database_url, quota=3) as books:
        history = History(books, random, 3)
        await history.live()
        moments = [history.moment() for _ in range(40)]
        found: dict[str, list[tuple[int, ...]]] = {}
        expected: dict[str, list[tuple[int, ...]]] = {}

        async def ask(when: str) -> None:
            found[when] = await answers(books, moments)
            expected[when] = [history.figures(moment) for moment in moments]

        await ask("as written")
        await drop_checkpoints(books, random.choice(history.entries).recorded_at)
        await ask("the newest dropped")
        await history.debit()
        await ask("and some appended")
        await drop_checkpoints(books, EARLIEST)
        none = await count_checkpoints(books)
        await ask("all dropped")
        monkeypatch.setattr(checkpoint, "ROWS", random.randint(1, 20))
        await history.debit()
        await ask("caught up by appending")
        await checkpoint.rebuild_checkpoints(books.dependencies, books.workspace_id)
        rebuilt = await count_checkpoints(books)
        await ask("rebuilt")

    assert (none, rebuilt > 0) == (0, True)
    for when, each in expected.items():
        assert found[when] == each, (seed, when)
