"""What a batch costs: a handful of round trips, however many reports it has."""

from datetime import timedelta

from sqlalchemy import event

from tests.services.books import Books, open_books
from tests.world import NOON
from trenza.domain.channel import ChannelKind
from trenza.domain.interaction import InteractionKind, Lane
from trenza.services.interaction import (
    Arrival,
    Recorded,
    RecordInteraction,
    record_interactions,
)
from trenza.storage.dialect import IS_DISTRIBUTED

DISTRIBUTED = {IS_DISTRIBUTED: True}


def reports(people: int, name: str) -> list[Arrival]:
    """A question, the answer to it, and one that comes late, of each of some people."""
    kinds = [
        (InteractionKind.CUSTOMER_MESSAGE, None, 2.0),
        (InteractionKind.COMPANY_MESSAGE, Lane.HUMAN, 1.0),
        (InteractionKind.CUSTOMER_MESSAGE, None, 20.0),
    ]
    return [
        Arrival(
            RecordInteraction(
                channel=ChannelKind.EMAIL,
                kind=kind,
                occurred_at=NOON - timedelta(hours=hours),
                external_id=f"{name}-{person}-{hours}",
                identity=(ChannelKind.EMAIL, f"{name}{person}@example.com"),
                actor=actor,
            ),
            NOON,
        )
        for person in range(people)
        for kind, actor, hours in kinds
    ]


async def count_round_trips(books: Books, arrivals: list[Arrival]) -> int:
    """What recording a batch costs; every report of it stands afterwards."""
    with books.counted_statements() as found:
        answers = await record_interactions(books.dependencies, books.admin, arrivals)
    assert all(isinstance(answer, Recorded) for answer in answers)
    return len(found)


async def test_distributed_tables_are_written_by_a_statement_each(postgresql_url: str) -> None:
    async with open_books(postgresql_url, NOON - timedelta(days=3), quota=100_000) as books:
        books.clock.at = NOON
        engine = books.database._writers.sync_engine
        # The first debits of a cycle keep the cycle: once.
        await count_round_trips(books, reports(1, "first"))
        together = await count_round_trips(books, reports(1, "together"))

        event.listen(engine, "checkout", lambda _, record, __: record.info.update(DISTRIBUTED))
        apart = await count_round_trips(books, reports(1, "apart"))
        again = await count_round_trips(books, reports(1, "apart"))

        assert (together, again) == (5, 2)
        assert apart > together


async def test_a_batch_costs_the_same_for_1_and_for_80_people(database_url: str) -> None:
    async with open_books(database_url, NOON - timedelta(days=3), quota=100_000) as books:
        books.clock.at = NOON
        # The first debits of a cycle keep the cycle: once.
        await count_round_trips(books, reports(1, "first"))

        few, many = reports(1, "few"), reports(80, "many")
        fresh = [await count_round_trips(books, batch) for batch in (few, many)]
        again = [await count_round_trips(books, batch) for batch in (few, many)]

        # What is asked or written together is one.
        assert fresh == [5, 5]
        assert again == [2, 2]
