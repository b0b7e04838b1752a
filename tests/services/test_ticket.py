"""Opening tickets, each under a number of its own."""

import asyncio
from typing import Any

import pytest

from tests.services.books import Books, open_books, utc
from trenza.domain.access import Scope, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.errors import Forbidden, InvalidInput, NotFound
from trenza.domain.ids import Prefix
from trenza.domain.ticket import TicketVisibility
from trenza.services.ticket import OpenTicket, open_ticket
from trenza.storage import Interaction, LedgerEntry, Ticket

NOON = utc(2026, 9, 10, 12)


async def open_one(books: Books, **request: Any) -> str:
    asked = OpenTicket(**{"contact_id": books.contact_id, "subject": "Broken leg", **request})
    return await open_ticket(books.dependencies, books.admin, asked)


async def test_a_ticket_begins_new_and_public_and_costs_nothing(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        first = await open_one(books, subject=" Broken leg ")
        second = await open_one(
            books, visibility=TicketVisibility.INTERNAL, channel=ChannelKind.EMAIL
        )

        columns = ("number", "id", "contact_id", "owner_id", "subject", "visibility", "status")
        mine = books.contact_id
        assert await books.rows(Ticket, *columns, "channel", "opened_at") == [
            (1, first, mine, mine, "Broken leg", "PUBLIC", "NEW", None, NOON),
            (2, second, mine, mine, "Broken leg", "INTERNAL", "NEW", "EMAIL", NOON),
        ]
        assert await books.rows(Interaction, "id") == []
        assert await books.rows(LedgerEntry, "id") == []


async def test_tickets_opened_at_once_get_numbers_without_gap(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        await asyncio.gather(*(open_one(books, subject=f"ticket {n}") for n in range(24)))

        numbers = [number for (number,) in await books.rows(Ticket, "number")]
        assert numbers == list(range(1, 25))


async def test_each_workspace_counts_its_own_tickets(database_url: str) -> None:
    async with (
        open_books(database_url, NOON) as books,
        open_books(database_url, NOON, first_id=1000) as neighbour,
    ):
        for each in (books, books, neighbour):
            await open_one(each)

        assert await books.rows(Ticket, "workspace_id", "number") == [
            (books.workspace_id, 1),
            (books.workspace_id, 2),
            (neighbour.workspace_id, 1),
        ]


async def test_contacts_that_are_foreign_absent_or_malformed_answer_the_same(
    database_url: str,
) -> None:
    async with (
        open_books(database_url, NOON) as books,
        open_books(database_url, NOON, first_id=1000) as neighbour,
    ):
        absent = books.dependencies.new_id(Prefix.CONTACT)
        answers = set()

        for given in (neighbour.contact_id, absent, "contact_1", ""):
            with pytest.raises(NotFound) as refused:
                await open_one(books, contact_id=given)
            answers.add((refused.value.message, refused.value.path))

        assert answers == {("contactId names nothing in this workspace", ("contactId",))}
        assert await books.rows(Ticket, "id") == []


@pytest.mark.parametrize("subject", ["", " ", "x" * 201, "a\x1fb"])
async def test_a_bad_subject_is_refused(database_url: str, subject: str) -> None:
    async with open_books(database_url, NOON) as books:
        with pytest.raises(InvalidInput) as refused:
            await open_one(books, subject=subject)

        assert refused.value.path == ("subject",)
        assert await books.rows(Ticket, "id") == []


async def test_opening_a_ticket_needs_the_scope_manage(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        agent = Viewer(books.workspace_id, "key_3", "a", frozenset(Scope) - {Scope.MANAGE})

        with pytest.raises(Forbidden):
            await open_ticket(books.dependencies, agent, OpenTicket(books.contact_id, "Broken"))

        assert await books.rows(Ticket, "id") == []
