"""Answers against plain data: both ways could be wrong together, a list in Python is not."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.world import NOON, Client, a_world, text_of

HOUR = timedelta(hours=1)


@dataclass
class Told:
    """An interaction as it was reported."""

    kind: str
    at: datetime
    text: str | None
    ticket: "Request | None" = None
    id: str = ""


@dataclass
class Request:
    """A ticket as it was opened; its number is that of its place among all."""

    subject: str
    number: int
    id: str = ""


@dataclass
class Person:
    """A contact with what happened, in the order in which it happened."""

    name: str
    country: str | None
    email: str
    told: list[Told] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    id: str = ""


def customer(hours_ago: int, text: str | None) -> Told:
    """What a customer wrote; it opens a session of 24 hours unless one is open."""
    return Told("CUSTOMER_MESSAGE", NOON - hours_ago * HOUR, text)


def people() -> list[Person]:
    """The whole world."""
    refund, invoice = Request('O\'Brien "\\"', 1), Request("%_/", 2)
    return [
        Person("Ana", "CO", "ana@example.com", [customer(60, "hola"), customer(2, "😀")]),
        Person(
            "Bruno %_/",
            "BR",
            "bruno@example.com",
            [
                customer(50, None),
                customer(40, "x"),
                Told("TICKET_PUBLIC_ACTION", NOON - 1 * HOUR, None, invoice),
            ],
            [refund, invoice],
        ),
        Person('Çelik \\ "q"', None, "celik@example.com"),
    ]


@dataclass
class Model:
    """The people, and what follows from them by the rules in the words of the README."""

    people: list[Person]

    @property
    def newest_first(self) -> list[Person]:
        """As the list of contacts has them."""
        return self.people[::-1]

    def sessions(self, person: Person) -> list[list[Told]]:
        """What each session covers: 24 hours from what opened it."""
        found: list[list[Told]] = []
        for told in person.told:
            if not found or told.at >= found[-1][0].at + 24 * HOUR:
                found.append([])
            found[-1].append(told)
        return found

    def credits(self) -> int:
        """One for each session."""
        return sum(len(self.sessions(person)) for person in self.people)


@dataclass
class Small:
    """The world of the model behind an app."""

    client: Client
    model: Model
    planner: Any

    async def expect(self, document: str, expected: Any, **variables: Any) -> None:
        """The data of the answer, by a plan."""
        answered = self.planner.answered
        assert await self.client.run(document, **variables) == expected
        assert self.planner.answered == answered + 1


@pytest.fixture
async def small(database_url: str) -> AsyncIterator[Small]:
    """The model's people, reported through GraphQL, beside a company that looks the same."""
    async with a_world(database_url, NOON - 70 * HOUR) as world:
        tenants = [await world.tenant(), await world.tenant()]
        companies = [(tenant.admin, people()) for tenant in tenants]
        for number in range(3):
            for client, persons in companies:
                await meet(client, persons[number])
            world.clock.advance(minutes=1)
        world.clock.at = NOON
        for number in range(3):
            for client, persons in companies:
                await tell(client, persons[number])
        client, persons = companies[0]
        yield Small(client, Model(persons), world.app.state.planner)


async def meet(client: Client, person: Person) -> None:
    """Makes the contact."""
    made = await client.do(
        "upsertContact",
        "UpsertContactInput",
        "... on UpsertContactPayload { contact { id } }",
        {
            "displayName": person.name,
            "country": person.country,
            "identities": [{"channel": "EMAIL", "address": person.email}],
        },
    )
    person.id = made["contact"]["id"]


async def tell(client: Client, person: Person) -> None:
    """Opens the tickets and reports what happened."""
    for ticket in person.asked:
        made = await client.do(
            "openTicket",
            "OpenTicketInput",
            "... on OpenTicketPayload { ticket { id } }",
            {"contactId": person.id, "subject": ticket.subject},
        )
        ticket.id = made["ticket"]["id"]
    for told in person.told:
        made = await client.record(
            channel="EMAIL",
            kind=told.kind,
            contactId=person.id,
            text=told.text,
            occurredAt=text_of(told.at),
            ticketId=told.ticket and told.ticket.id,
        )
        told.id = made["interaction"]["id"]


def page(items: Sequence[Any], first: int, after: int = 0) -> tuple[list[Any], bool]:
    """The items of a page and whether there are more."""
    return list(items[after : after + first]), len(items) > after + first


async def test_people_with_their_addresses(small: Small) -> None:
    await small.expect(
        "{ contacts { totalCount nodes { id displayName country identities { address } } } }",
        {
            "contacts": {
                "totalCount": 3,
                "nodes": [
                    {
                        "id": person.id,
                        "displayName": person.name,
                        "country": person.country,
                        "identities": [{"address": person.email}],
                    }
                    for person in small.model.newest_first
                ],
            }
        },
    )


@pytest.mark.parametrize("first", [1, 2, 3, 4])
async def test_people_page_by_page(small: Small, first: int) -> None:
    document = (
        "query ($first: Int, $after: String) { contacts(first: $first, after: $after) "
        "{ nodes { displayName } pageInfo { hasNextPage hasPreviousPage endCursor } } }"
    )
    everybody, place, after = small.model.newest_first, 0, None
    while True:
        data = await small.client.run(document, first=first, after=after)
        expected, has_more = page(everybody, first, place)
        found = data["contacts"]
        assert [node["displayName"] for node in found["nodes"]] == [p.name for p in expected]
        assert found["pageInfo"]["hasNextPage"] is has_more
        assert found["pageInfo"]["hasPreviousPage"] is (place > 0)
        place, after = place + first, found["pageInfo"]["endCursor"]
        if not has_more:
            break
    assert small.planner.answered >= -(-3 // first)


@pytest.mark.parametrize("last", [1, 2, 3, 20])
async def test_the_last_people(small: Small, last: int) -> None:
    expected = small.model.newest_first[-last:]
    await small.expect(
        "query ($n: Int) { contacts(last: $n) { nodes { id } pageInfo { hasPreviousPage } } }",
        {
            "contacts": {
                "nodes": [{"id": person.id} for person in expected],
                "pageInfo": {"hasPreviousPage": last < 3},
            }
        },
        n=last,
    )


@pytest.mark.parametrize("part", ["%_/", "\\", '"q"', "bRUNO", "celik", "a", "_"])
async def test_people_by_a_part_of_their_names(small: Small, part: str) -> None:
    def plain(text: str) -> str:
        return text.lower().replace("ç", "c")

    found = [p for p in small.model.newest_first if plain(part) in plain(p.name)]
    await small.expect(
        "query ($f: ContactFilter) { contacts(filter: $f) { totalCount nodes { id } } }",
        {"contacts": {"totalCount": len(found), "nodes": [{"id": p.id} for p in found]}},
        f={"nameContains": part},
    )


async def test_people_by_country_the_other_way_round(small: Small) -> None:
    for country in ("CO", "BR", "MX"):
        found = [p for p in small.model.people if p.country == country]
        await small.expect(
            "query ($c: String!) { contacts(filter: {country: $c}, orderBy: {field: CREATED_AT}) "
            "{ nodes { displayName } } }",
            {"contacts": {"nodes": [{"displayName": p.name} for p in found]}},
            c=country,
        )


async def test_what_happened_with_its_tickets(small: Small) -> None:
    for person in small.model.people:
        await small.expect(
            "query ($id: ID!) { contact(id: $id) { interactions(first: 2) { totalCount nodes "
            "{ id kind occurredAt text contact { displayName } ticket { number subject } } } } }",
            {
                "contact": {
                    "interactions": {
                        "totalCount": len(person.told),
                        "nodes": [
                            {
                                "id": told.id,
                                "kind": told.kind,
                                "occurredAt": text_of(told.at),
                                "text": told.text,
                                "contact": {"displayName": person.name},
                                "ticket": told.ticket
                                and {
                                    "number": told.ticket.number,
                                    "subject": told.ticket.subject,
                                },
                            }
                            for told in person.told[::-1][:2]
                        ],
                    }
                }
            },
            id=person.id,
        )


async def test_sessions_and_what_they_cover(small: Small) -> None:
    for person in small.model.people:
        await small.expect(
            "query ($id: ID!) { node(id: $id) { ... on Contact { sessions { nodes { openedAt "
            "expiresAt state entries { amount } interactions { nodes { id } } } } } } }",
            {
                "node": {
                    "sessions": {
                        "nodes": [
                            {
                                "openedAt": text_of(covered[0].at),
                                "expiresAt": text_of(covered[0].at + 24 * HOUR),
                                "state": "OPEN" if covered[0].at + 24 * HOUR > NOON else "EXPIRED",
                                "entries": [{"amount": 1}],
                                "interactions": {"nodes": [{"id": told.id} for told in covered]},
                            }
                            for covered in small.model.sessions(person)[::-1]
                        ]
                    }
                }
            },
            id=person.id,
        )


async def test_tickets_with_who_asks(small: Small) -> None:
    asked = [(t, person) for person in small.model.people for t in person.asked][::-1]
    await small.expect(
        "{ tickets(open: true) { nodes { number subject contact { id } "
        "interactions { totalCount } } } none: tickets(open: false) { totalCount } }",
        {
            "tickets": {
                "nodes": [
                    {
                        "number": ticket.number,
                        "subject": ticket.subject,
                        "contact": {"id": person.id},
                        "interactions": {
                            "totalCount": sum(told.ticket is ticket for told in person.told)
                        },
                    }
                    for ticket, person in asked
                ]
            },
            "none": {"totalCount": 0},
        },
    )


async def test_several_things_by_their_ids(small: Small) -> None:
    ana, bruno, _ = small.model.people
    ids = [ana.told[0].id, bruno.id, "nothing", bruno.asked[0].id, ana.told[0].id, ana.id]
    told = {"__typename": "Interaction", "text": ana.told[0].text}
    await small.expect(
        "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename ... on Contact { displayName } "
        "... on Interaction { text } ... on Ticket { subject } } }",
        {
            "nodes": [
                told,
                {"__typename": "Contact", "displayName": bruno.name},
                None,
                {"__typename": "Ticket", "subject": bruno.asked[0].subject},
                told,
                {"__typename": "Contact", "displayName": ana.name},
            ]
        },
        ids=ids,
    )


async def test_one_document_for_ids_of_different_types(small: Small) -> None:
    ana, bruno, _ = small.model.people
    document = "query ($a: ID!, $b: ID!) { nodes(ids: [$a, $b]) { id __typename } }"
    for one, other in (
        ((ana.id, "Contact"), (bruno.id, "Contact")),
        ((ana.told[0].id, "Interaction"), (bruno.asked[0].id, "Ticket")),
        ((bruno.asked[1].id, "Ticket"), (ana.id, "Contact")),
    ):
        expected = [{"id": id, "__typename": name} for id, name in (one, other)]
        await small.expect(document, {"nodes": expected}, a=one[0], b=other[0])


async def test_a_person_by_an_address(small: Small) -> None:
    document = (
        "query ($a: String!) { contactByIdentity(channel: EMAIL, address: $a) { displayName } }"
    )
    for person in small.model.people:
        expected = {"contactByIdentity": {"displayName": person.name}}
        await small.expect(document, expected, a=f" {person.email.upper()} ")
    await small.expect(document, {"contactByIdentity": None}, a="nobody@example.com")


async def test_the_credits_that_are_spent(small: Small) -> None:
    spent = small.model.credits()
    await small.expect(
        "{ workspace { balance { granted consumed remaining } usage { total } "
        "debits { totalCount } sessions { totalCount } } }",
        {
            "workspace": {
                "balance": {"granted": 100, "consumed": spent, "remaining": 100 - spent},
                "usage": {"total": spent},
                "debits": {"totalCount": spent},
                "sessions": {"totalCount": spent},
            }
        },
    )


async def test_what_is_left_out_and_what_is_said_twice(small: Small) -> None:
    document = (
        "query ($yes: Boolean!, $no: Boolean = false) { people: contacts(first: 1) { nodes { id "
        "id displayName @skip(if: $yes) country @include(if: $no) } nodes { name: displayName } } "
        "all: contacts { totalCount __typename } ...Also @skip(if: $no) }\n"
        "fragment Also on Query { people: contacts(first: 1) { nodes { ... on Node { id } } } }"
    )
    newest = small.model.newest_first[0]
    for yes in (True, False):
        expected = {"id": newest.id, "displayName": newest.name, "name": newest.name}
        if yes:
            del expected["displayName"]
        await small.expect(
            document,
            {
                "people": {"nodes": [expected]},
                "all": {"totalCount": 3, "__typename": "ContactConnection"},
            },
            yes=yes,
        )
