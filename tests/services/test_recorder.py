"""Group commit: who shares a transaction, and what becomes of the others when one fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeVar

import pytest
from sqlalchemy import func, select

from tests.services.books import Books, open_books
from tests.world import NOON
from trenza.domain.channel import ChannelKind
from trenza.domain.errors import Overloaded
from trenza.domain.interaction import InteractionKind
from trenza.services.dependencies import Dependencies
from trenza.services.interaction import Recorded, RecordInteraction
from trenza.services.recorder import Recorder
from trenza.storage import Interaction, LedgerEntry
from trenza.storage.claim import ClaimLock
from trenza.storage.engine import Database, Work

T = TypeVar("T")


class LosingAnswers(Database):
    """A database whose commits succeed while their answers are lost on the way."""

    async def write(self, work: Work[T], workspace_id: str, claims: ClaimLock | None = None) -> T:
        """Commits, and says that the connection broke."""
        await super().write(work, workspace_id, claims)
        raise ConnectionResetError("the connection broke")


class Held(Database):
    """A database whose transactions begin and then wait until they are let."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.begun = 0
        self.let = asyncio.Event()

    async def write(self, work: Work[T], workspace_id: str, claims: ClaimLock | None = None) -> T:
        """Notes that a transaction begins."""
        self.begun += 1
        await self.let.wait()
        return await super().write(work, workspace_id, claims)


@asynccontextmanager
async def held_recorder(books: Books) -> AsyncIterator[tuple[Recorder, Held]]:
    """A recorder on the database of the books, held."""
    held = Held(books.database.url)
    try:
        yield Recorder(replace(books.dependencies, database=held)), held
    finally:
        await held.close()


async def turn() -> None:
    """Lets a request get to the recorder, and its writer to the database: two turns of the loop."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def report(number: int, external_id: str | None = None) -> RecordInteraction:
    """A message of a person of its own, by default without an id at its source."""
    return RecordInteraction(
        channel=ChannelKind.EMAIL,
        kind=InteractionKind.CUSTOMER_MESSAGE,
        occurred_at=NOON,
        external_id=external_id,
        identity=(ChannelKind.EMAIL, f"person{number}@example.com"),
    )


async def count_interactions(books: Books) -> int:
    """How many interactions there are."""
    async with books.database.read(books.workspace_id) as connection:
        found = await connection.execute(select(func.count()).select_from(Interaction.__table__))
        return found.scalar_one()


async def list_sequences(books: Books) -> list[int]:
    """The sequences of the ledger, in order."""
    column = LedgerEntry.__table__.c.sequence
    async with books.database.read(books.workspace_id) as connection:
        return list((await connection.execute(select(column).order_by(column))).scalars())


async def test_reports_that_arrive_together_are_answered_each_to_who_asked(
    database_url: str,
) -> None:
    async with open_books(database_url, NOON) as books:
        recorder = Recorder(books.dependencies)

        answers = await asyncio.gather(
            *(recorder.record(books.admin, [report(number)]) for number in range(20))
        )

        ids = {answer.interaction_id for [answer] in answers if isinstance(answer, Recorded)}
        assert len(ids) == 20
        assert await count_interactions(books) == 20


async def test_a_lost_answer_of_a_commit_records_nothing_twice(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        losing = LosingAnswers(database_url)
        given = books.dependencies
        recorder = Recorder(Dependencies(losing, given.clock, given.new_id, given.bell, str))

        answers = await asyncio.gather(
            *(recorder.record(books.admin, [report(number)]) for number in range(3)),
            return_exceptions=True,
        )
        await losing.close()

        assert [type(answer) for answer in answers] == [ConnectionResetError] * 3
        assert await count_interactions(books) == 3


async def test_a_client_that_goes_away_does_not_take_its_report_back(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        recorder = Recorder(books.dependencies)
        asking = asyncio.create_task(recorder.record(books.admin, [report(1)]))
        await asyncio.sleep(0)

        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await recorder.drain()

        assert await count_interactions(books) == 1


async def test_what_waits_is_bounded_and_the_refused_may_come_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trenza.services.recorder.WAITING_MAX", 3)
    async with open_books(database_url, NOON) as books:
        recorder = Recorder(books.dependencies)

        answers = await asyncio.gather(
            *(recorder.record(books.admin, [report(number)]) for number in range(5)),
            return_exceptions=True,
        )
        again = await recorder.record(books.admin, [report(3)])

        refused = [answer for answer in answers if isinstance(answer, Overloaded)]
        assert [str(each) for each in refused] == [
            "3 reports are waiting to be recorded; try again a little later"
        ] * 2
        assert isinstance(again[0], Recorded)
        assert await count_interactions(books) == 4


async def test_a_lone_report_waits_for_nothing_and_those_behind_it_share_a_transaction(
    database_url: str,
) -> None:
    async with open_books(database_url, NOON) as books, held_recorder(books) as (recorder, held):
        asking = [asyncio.create_task(recorder.record(books.admin, [report(0)]))]
        await turn()
        assert held.begun == 1

        asking += [
            asyncio.create_task(recorder.record(books.admin, [report(number)]))
            for number in range(1, 21)
        ]
        await turn()
        assert held.begun == 1

        held.let.set()
        await asyncio.gather(*asking)

        assert held.begun == 2
        assert await count_interactions(books) == 21


async def test_the_first_to_come_back_waits_for_those_who_were_answered_with_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trenza.services.recorder.GATHERED_FOR_S", 60)
    async with open_books(database_url, NOON) as books, held_recorder(books) as (recorder, held):
        held.let.set()
        asked = (recorder.record(books.admin, [report(number)]) for number in range(4))
        await asyncio.gather(*asked)
        assert held.begun == 1

        asking = []
        begun = []
        for number in range(4, 8):
            asking.append(asyncio.create_task(recorder.record(books.admin, [report(number)])))
            await turn()
            await turn()
            begun.append(held.begun)
        await asyncio.gather(*asking)

        assert begun == [1, 1, 1, 2]
        assert held.begun == 2


async def test_nobody_waits_long_for_those_who_do_not_come_back(database_url: str) -> None:
    async with open_books(database_url, NOON) as books, held_recorder(books) as (recorder, held):
        held.let.set()
        asked = (recorder.record(books.admin, [report(number)]) for number in range(4))
        await asyncio.gather(*asked)

        for number in range(4, 6):
            await recorder.record(books.admin, [report(number)])

        assert held.begun == 3
        assert await count_interactions(books) == 6


async def test_a_whole_batch_is_decided_beside_the_one_that_runs_and_no_third(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trenza.services.recorder.BATCH_MAX", 3)
    async with open_books(database_url, NOON) as books, held_recorder(books) as (recorder, held):
        asking = []
        begun = []
        for number in range(10):
            asking.append(asyncio.create_task(recorder.record(books.admin, [report(number)])))
            await turn()
            begun.append(held.begun)
        assert begun == [1, 1, 1, 2, 2, 2, 2, 2, 2, 2]

        held.let.set()
        await asyncio.gather(*asking)
        await recorder.drain()

        assert held.begun == 4
        assert await count_interactions(books) == 10
        assert await list_sequences(books) == list(range(1, 11))


async def test_batches_that_run_at_once_record_the_same_reports_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trenza.services.recorder.BATCH_MAX", 3)
    async with open_books(database_url, NOON) as books:
        recorder = Recorder(books.dependencies)
        said = [report(number % 2, f"id-{number}") for number in range(3)]

        answers = await asyncio.gather(*(recorder.record(books.admin, said) for _ in range(4)))

        recorded = [[each for each in some if isinstance(each, Recorded)] for some in answers]
        assert sorted([each.replayed for each in some] for some in recorded) == [
            [False] * 3,
            *([True] * 3 for _ in range(3)),
        ]
        assert len({tuple(each.interaction_id for each in some) for some in recorded}) == 1
        assert await count_interactions(books) == 3
        assert await list_sequences(books) == [1, 2]
