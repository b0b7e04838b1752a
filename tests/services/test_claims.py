"""What one alone can have, claimed by two at once: an address, the id of a report."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from tests.services.books import Books, open_books
from tests.world import NOON
from trenza.domain.channel import ChannelKind
from trenza.domain.errors import IdempotencyConflict, TooLate
from trenza.domain.interaction import InteractionKind
from trenza.services.batch import Batch
from trenza.services.dependencies import Dependencies
from trenza.services.interaction import Arrival, Recorded, RecordInteraction, record_interactions
from trenza.services.verify import verify_ledger
from trenza.storage.bulk import as_database_error
from trenza.storage.engine import RETRIES_MAX, Database, may_stand

PEOPLE = RETRIES_MAX + 2
LONG_AGO = NOON - timedelta(days=40)
Between = Callable[[], Awaitable[Any]]


def report(person: int, external_id: str, **changes: Any) -> Arrival:
    """A message of a person, which arrived at noon."""
    request = RecordInteraction(
        channel=ChannelKind.EMAIL,
        kind=InteractionKind.CUSTOMER_MESSAGE,
        occurred_at=NOON,
        external_id=external_id,
        identity=(ChannelKind.EMAIL, f"person{person}@example.com"),
    )
    return Arrival(request._replace(**changes), NOON)


@asynccontextmanager
async def another_process(books: Books) -> AsyncIterator[Dependencies]:
    """What another process has on the same database."""
    database = Database(books.database.url)
    try:
        yield replace(books.dependencies, database=database)
    finally:
        await database.close()


def do_between(monkeypatch: pytest.MonkeyPatch, books: Books, between: Between) -> list[bool]:
    """Does something whenever reports of the books are resolved and not yet written.

    It is waited for unless it waits for them. Says of each time whether the books were alone.
    """
    resolve, times = Batch._resolve, list[bool]()

    async def beset(batch: Batch, *given: Any) -> Any:
        found = await resolve(batch, *given)
        if batch._dependencies is books.dependencies:
            times.append(batch._claims.alone)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(between())), 0.2)
        return found

    monkeypatch.setattr(Batch, "_resolve", beset)
    return times


async def test_who_loses_an_address_is_decided_again_and_loses_no_other(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time it is decided another address is taken first."""
    async with open_books(database_url, NOON) as books, another_process(books) as other:

        async def take_another() -> None:
            taken = report(len(times), f"taken {len(times)}")
            await record_interactions(other, books.admin, [taken])

        times = do_between(monkeypatch, books, take_another)

        reports = [report(person, f"own {person}") for person in range(PEOPLE)]
        answers = await record_interactions(books.dependencies, books.admin, reports)

        assert [type(each) for each in answers] == [Recorded] * PEOPLE
        assert times == ([True] if books.database.is_sqlite else [False, True])


@pytest.mark.parametrize("own_is_late", [False, True])
async def test_an_id_stands_as_an_interaction_or_in_quarantine(
    database_url: str, monkeypatch: pytest.MonkeyPatch, own_is_late: bool
) -> None:
    """One report is in time and the other is not, and nothing but the id is the same."""
    late, timely = report(1, "x", occurred_at=LONG_AGO), report(2, "x")
    own, others = (late, timely) if own_is_late else (timely, late)
    async with open_books(database_url, NOON) as books, another_process(books) as other:
        beside: list[asyncio.Future[Any]] = []

        async def report_it_too() -> None:
            if not beside:
                reported = record_interactions(other, books.admin, [others])
                beside.append(asyncio.ensure_future(reported))
            await beside[0]

        do_between(monkeypatch, books, report_it_too)

        answers = [
            *await record_interactions(books.dependencies, books.admin, [own]),
            *await beside[0],
        ]

        stands = {type(each) for each in answers} - {IdempotencyConflict}
        assert len(stands) == 1
        assert stands <= {Recorded, TooLate}
        assert sum(isinstance(each, IdempotencyConflict) for each in answers) == 1
        assert await verify_ledger(books.dependencies, books.workspace_id) == []


@pytest.mark.parametrize(
    ("error", "stands"),
    [
        (asyncpg.DeadlockDetectedError("x"), False),
        (asyncpg.UniqueViolationError("x"), False),
        (sqlite3.OperationalError("database is locked"), False),
        (sqlite3.OperationalError("disk I/O error"), True),
        (asyncpg.ConnectionDoesNotExistError("x"), True),
    ],
    ids=str,
)
def test_what_the_database_took_back_does_not_stand(error: Exception, stands: bool) -> None:
    assert may_stand(as_database_error(error)) is stands
