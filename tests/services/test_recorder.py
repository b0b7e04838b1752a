"""Group commit: who shares a transaction, and what becomes of the others when one fails."""

import asyncio
from collections.abc import Awaitable, Callable
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
from trenza.storage import Interaction
from trenza.storage.engine import AsyncConnection, Database

T = TypeVar("T")


class LosingAnswers(Database):
    """A database whose commits succeed while their answers are lost on the way."""

    async def write(self, work: Callable[[AsyncConnection], Awaitable[T]], workspace_id: str) -> T:
        """Commits, and says that the connection broke."""
        await super().write(work, workspace_id)
        raise ConnectionResetError("the connection broke")


def report(number: int) -> RecordInteraction:
    """A message of a person of its own, without an id at its source."""
    return RecordInteraction(
        channel=ChannelKind.EMAIL,
        kind=InteractionKind.CUSTOMER_MESSAGE,
        occurred_at=NOON,
        identity=(ChannelKind.EMAIL, f"person{number}@example.com"),
    )


async def count_interactions(books: Books) -> int:
    """How many interactions there are."""
    async with books.database.read(books.workspace_id) as connection:
        found = await connection.execute(select(func.count()).select_from(Interaction.__table__))
        return found.scalar_one()


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
