"""Writing contacts: whom a request means, what it changes, and two that become one."""

import asyncio
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import literal, select

from tests.services.books import Books, open_books, utc
from trenza.domain.access import Scope, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.contact import LifecycleStage
from trenza.domain.errors import Conflict, DomainError, Forbidden, InvalidInput, NotFound
from trenza.domain.ids import Prefix
from trenza.domain.interaction import InteractionKind, Lane, Language
from trenza.domain.metering.ledger import DebitReason
from trenza.services.campaign import CreateCampaign, create_campaign
from trenza.services.contact import UpsertContact, Upserted, upsert_contact, upsert_contacts
from trenza.services.identity_policy import SetIdentityPolicy, set_identity_policy
from trenza.services.interaction import Arrival, RecordInteraction, record_interactions
from trenza.services.merge import MergeContacts, merge_contacts
from trenza.services.ticket import OpenTicket, open_ticket
from trenza.storage import (
    CampaignTouch,
    Contact,
    ContactAddress,
    ContactIdentity,
    Interaction,
    InteractionzSession,
    LedgerEntry,
    Ticket,
)
from trenza.storage.columns import Table
from trenza.storage.contact import CONTACT, has_address

NOON = utc(2026, 9, 10, 12)
ANA = (ChannelKind.WHATSAPP, "+52 55 5012 3456")
ANA_BY_SMS = (ChannelKind.SMS, "+52 1 55 5012 3456")
ANA_BY_MAIL = (ChannelKind.EMAIL, "Ana@Example.com")
LUIS = (ChannelKind.WEBCHAT, "luis-7")


async def upsert(books: Books, **request: Any) -> Upserted:
    return await upsert_contact(books.dependencies, books.admin, UpsertContact(**request))


async def merge(books: Books, source: str, target: str) -> Any:
    return await merge_contacts(books.dependencies, books.admin, MergeContacts(source, target))


async def contact(books: Books, contact_id: str) -> dict[str, Any]:
    columns = list(Contact.__table__.c.keys())
    rows = [dict(zip(columns, row, strict=True)) for row in await books.rows(Contact, *columns)]
    return next(row for row in rows if row["id"] == contact_id)


async def identities(books: Books) -> list[tuple[Any, ...]]:
    return list(await books.rows(ContactIdentity, "channel", "address", "contact_id", "owner_id"))


async def everything(books: Books) -> list[Any]:
    return [
        await books.rows(table, *table.__table__.c.keys())
        for table in (Contact, ContactAddress, ContactIdentity)
    ]


async def record(books: Books, *items: tuple[Any, ...]) -> None:
    """Records (hours after noon, contact id, kind, actor) one by one, each as it occurs."""
    for hours, contact_id, kind, actor in items:
        at = NOON + timedelta(hours=hours)
        books.clock.at = max(at, books.clock.at)
        request = RecordInteraction(
            channel=ChannelKind.WEBCHAT,
            kind=kind,
            occurred_at=at,
            contact_id=contact_id,
            actor=actor,
        )
        [answer] = await record_interactions(
            books.dependencies, books.admin, [Arrival(request, books.clock.at)]
        )
        assert not isinstance(answer, DomainError)


async def test_an_unknown_identity_makes_a_contact_with_all_that_is_said(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        written = await upsert(
            books,
            identities=[ANA, ANA_BY_MAIL],
            first_name=" Ana ",
            last_name="Souza",
            birth_on=date(1990, 2, 28),
            language=Language.PT,
            time_zone="America/Sao_Paulo",
            company="Padaria Lua",
            city="Recife",
            country="BR",
            stage=LifecycleStage.CONVERSION,
            origin="website",
        )

        assert written.created
        row = await contact(books, written.contact_id)
        assert row == {
            "workspace_id": books.workspace_id,
            "id": written.contact_id,
            "root_id": written.contact_id,
            "merged_into_id": None,
            "merged_at": None,
            "name_searchable": "ana souza\nana\nsouza",
            "display_name": "Ana Souza",
            "first_name": "Ana",
            "last_name": "Souza",
            "birth_on": date(1990, 2, 28),
            "language": "PT",
            "zone": "America/Sao_Paulo",
            "company": "Padaria Lua",
            "city": "Recife",
            "country": "BR",
            "stage": "CONVERSION",
            "origin": "website",
            "created_at": NOON,
            "updated_at": NOON,
            "erased_at": None,
            "department": None,
            "tags": [],
            "custom": {},
            "assigned_user_id": None,
            "assigned_group_id": None,
            "described_at": None,
        }
        me = written.contact_id
        assert await identities(books) == [
            ("EMAIL", "ana@example.com", me, me),
            ("WHATSAPP", "+525550123456", me, me),
        ]
        assert await books.rows(ContactAddress, "space", "address", "contact_id") == [
            ("EMAIL", "ana@example.com", me),
            ("PHONE", "+525550123456", me),
        ]


async def test_a_phone_is_one_person_on_every_channel_of_phones(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        first = await upsert(books, identities=[ANA])
        second = await upsert(books, identities=[ANA_BY_SMS, ANA_BY_MAIL])

        assert second == Upserted(first.contact_id, created=False)
        assert [row[:2] for row in await identities(books)] == [
            ("EMAIL", "ana@example.com"),
            ("SMS", "+525550123456"),
            ("WHATSAPP", "+525550123456"),
        ]
        assert len(await books.rows(ContactAddress, "address")) == 2


async def test_what_is_not_said_stays_and_null_empties(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        me = (await upsert(books, identities=[ANA], company="Lua", city="Recife")).contact_id
        books.clock.at += timedelta(hours=1)

        again = await upsert(books, id=me, company=None, origin="fair")

        row = await contact(books, me)
        assert again == Upserted(me, created=False)
        assert (row["company"], row["city"], row["origin"]) == (None, "Recife", "fair")
        assert (row["created_at"], row["updated_at"]) == (NOON, NOON + timedelta(hours=1))


async def test_a_request_that_changes_nothing_leaves_no_trace(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        me = (await upsert(books, identities=[ANA], first_name="Ana")).contact_id
        before = await everything(books)
        books.clock.at += timedelta(hours=1)

        again = await upsert(books, id=me, identities=[ANA, ANA], first_name="Ana", city=None)

        assert again == Upserted(me, created=False)
        assert await everything(books) == before


async def test_the_display_name_follows_the_names_until_it_is_given(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        me = (await upsert(books, identities=[ANA], last_name="Souza")).contact_id
        shown = [(await contact(books, me))["display_name"]]

        for fields in (
            {"first_name": "Ana"},
            {"display_name": "Aninha"},
            {"last_name": "Lima"},
            {"display_name": None},
            {"first_name": None, "last_name": None},
        ):
            await upsert(books, id=me, **fields)
            shown.append((await contact(books, me))["display_name"])

        assert shown == ["Souza", "Ana Souza", "Aninha", "Aninha", "Ana Lima", None]


async def test_an_identity_of_another_contact_conflicts_and_is_named(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana = (await upsert(books, identities=[ANA])).contact_id
        await upsert(books, identities=[LUIS])
        apart = SetIdentityPolicy(merge_on_shared_identity=False)
        await set_identity_policy(books.dependencies, books.admin, apart)
        before = await everything(books)
        push = (ChannelKind.PUSH, "device-1")

        for request, place in (
            ({"id": ana, "identities": [push, LUIS], "city": "Lima"}, "1"),
            ({"identities": [push, ANA_BY_SMS, LUIS], "city": "Lima"}, "2"),
        ):
            with pytest.raises(Conflict) as refused:
                await upsert(books, **request)
            assert refused.value.path == ("identities", place)

        assert await everything(books) == before


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        ({}, ("identities",)),
        ({"identities": [(ChannelKind.PUSH, f"d{i}") for i in range(51)]}, ("identities",)),
        ({"identities": [ANA, (ChannelKind.SMS, "12")]}, ("identities", "1", "address")),
        ({"identities": [ANA], "first_name": "  "}, ("firstName",)),
        ({"identities": [ANA], "last_name": "x" * 201}, ("lastName",)),
        ({"identities": [ANA], "display_name": "a\x00b"}, ("displayName",)),
        ({"identities": [ANA], "company": "\ud83d"}, ("company",)),
        ({"identities": [ANA], "time_zone": "America/Atlantis"}, ("timeZone",)),
        ({"identities": [ANA], "time_zone": "../etc/passwd"}, ("timeZone",)),
        ({"identities": [ANA], "country": "mx"}, ("country",)),
        ({"identities": [ANA], "birth_on": date(2026, 9, 12)}, ("birthOn",)),
    ],
)
async def test_bad_values_are_refused_with_their_path(
    database_url: str, request_: dict[str, Any], path: tuple[str, ...]
) -> None:
    async with open_books(database_url, NOON) as books:
        before = await everything(books)

        with pytest.raises(InvalidInput) as refused:
            await upsert(books, **request_)

        assert refused.value.path == path
        assert await everything(books) == before


async def test_ids_that_are_foreign_absent_or_malformed_answer_the_same(database_url: str) -> None:
    async with (
        open_books(database_url, NOON) as books,
        open_books(database_url, NOON, first_id=1000) as neighbour,
    ):
        absent = books.dependencies.new_id(Prefix.CONTACT)
        answers = set()

        for given in (neighbour.contact_id, absent, "contact_1", "ticket_" + "0" * 26, "\x00"):
            with pytest.raises(NotFound) as refused:
                await upsert(books, id=given, first_name="Eva")
            answers.add((refused.value.message, refused.value.path))
            for source, target, name in (
                (given, books.contact_id, "sourceId"),
                (books.contact_id, given, "targetId"),
            ):
                with pytest.raises(NotFound) as refused:
                    await merge(books, source, target)
                assert refused.value.path == (name,)

        assert len(answers) == 1
        assert (await contact(neighbour, neighbour.contact_id))["first_name"] is None


async def test_a_workspace_does_not_see_the_identities_of_another(database_url: str) -> None:
    async with (
        open_books(database_url, NOON) as books,
        open_books(database_url, NOON, first_id=1000) as neighbour,
    ):
        theirs = await upsert(neighbour, identities=[ANA])
        ours = await upsert(books, identities=[ANA])

        assert (theirs.created, ours.created) == (True, True)
        assert ours.contact_id != theirs.contact_id


async def test_writing_contacts_needs_the_scope_manage(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        agent = Viewer(books.workspace_id, "key_3", "a", frozenset(Scope) - {Scope.MANAGE})
        before = await everything(books)

        with pytest.raises(Forbidden):
            await upsert_contact(books.dependencies, agent, UpsertContact(identities=[ANA]))
        with pytest.raises(Forbidden):
            await merge_contacts(books.dependencies, agent, MergeContacts("a", "b"))

        assert await everything(books) == before


async def test_a_contact_has_at_most_50_identities(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        devices = [(ChannelKind.PUSH, f"device-{index:02d}") for index in range(51)]
        me = (await upsert(books, identities=devices[:49])).contact_id
        other = (await upsert(books, identities=[ANA, ANA_BY_SMS])).contact_id
        before = await everything(books)

        with pytest.raises(Conflict) as refused:
            await upsert(books, id=me, identities=devices[49:])
        assert refused.value.path == ("identities",)
        with pytest.raises(Conflict) as refused:
            await merge(books, other, me)
        assert refused.value.path == ("sourceId",)

        assert await everything(books) == before
        await upsert(books, id=me, identities=devices[:50])
        assert len(await identities(books)) == 52


async def test_of_many_contacts_each_has_its_own_answer_in_order(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        answers = await upsert_contacts(
            books.dependencies,
            books.admin,
            [
                UpsertContact(identities=[ANA], first_name="Ana"),
                UpsertContact(identities=[LUIS], country="Peru"),
                UpsertContact(identities=[ANA_BY_SMS], last_name="Souza"),
                UpsertContact(id="contact_1"),
                UpsertContact(identities=[LUIS], first_name="Luis"),
                UpsertContact(identities=[ANA, (ChannelKind.EMAIL, "nobody")]),
            ],
        )

        kinds = [getattr(answer, "created", type(answer)) for answer in answers]
        assert kinds == [True, InvalidInput, False, NotFound, True, InvalidInput]
        assert len(await books.rows(Contact, "id")) == 3
        names = {row[0] for row in await books.rows(Contact, "display_name")}
        assert names == {None, "Ana Souza", "Luis"}


async def test_writers_of_one_identity_make_one_contact(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        answers = await asyncio.gather(
            *(
                upsert(books, identities=[ANA, (ChannelKind.PUSH, f"device-{index:02d}")])
                for index in range(16)
            )
        )

        assert len({answer.contact_id for answer in answers}) == 1
        assert [answer.created for answer in answers].count(True) == 1
        assert len(await identities(books)) == 17
        assert len(await books.rows(Contact, "id")) == 2


async def test_the_statements_of_a_write_do_not_grow_with_its_identities(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        costs = []
        for size in (2, 40):
            devices = [(ChannelKind.PUSH, f"{size}-{index}") for index in range(size)]
            with books.counted_statements() as creating:
                me = (await upsert(books, identities=devices[: size // 2])).contact_id
            with books.counted_statements() as adding:
                await upsert(books, id=me, identities=devices, city="Lima")
            costs.append((len(creating), len(adding)))

        assert costs == [(2, 5)] * 2


async def test_a_merge_links_and_keeps_what_was_recorded_for_whom(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana = (await upsert(books, identities=[ANA], first_name="Ana")).contact_id
        anna = (await upsert(books, identities=[ANA_BY_MAIL], first_name="Anna")).contact_id
        books.clock.at += timedelta(hours=1)
        updated = books.clock.at

        merged = await merge(books, anna, ana)

        assert (merged.contact_id, merged.merged_id, list(merged.entries)) == (ana, anna, [])
        source, target = await contact(books, anna), await contact(books, ana)
        assert (source["root_id"], source["merged_into_id"], source["merged_at"]) == (
            ana,
            ana,
            updated,
        )
        assert (source["first_name"], target["first_name"]) == ("Anna", "Ana")
        assert (target["root_id"], target["merged_into_id"], target["updated_at"]) == (
            ana,
            None,
            NOON,
        )
        assert await identities(books) == [
            ("EMAIL", "ana@example.com", anna, ana),
            ("WHATSAPP", "+525550123456", ana, ana),
        ]
        assert books.bell.rung == []


async def test_a_merged_id_and_its_identities_lead_to_the_root(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        first, second, third = [
            (await upsert(books, identities=[(ChannelKind.PUSH, name)])).contact_id
            for name in ("one", "two", "three")
        ]
        await merge(books, first, second)
        await merge(books, first, third)

        by_id = await upsert(books, id=first, city="Lima", identities=[LUIS])
        by_identity = await upsert(books, identities=[(ChannelKind.PUSH, "two")])

        assert by_id == by_identity == Upserted(third, created=False)
        assert [(await contact(books, each))["root_id"] for each in (first, second)] == [third] * 2
        merged_into = await books.rows(Contact, "id", "merged_into_id")
        assert merged_into[1:] == [(first, second), (second, third), (third, None)]
        assert (await contact(books, third))["city"] == "Lima"
        assert await identities(books) == [
            ("PUSH", "one", first, third),
            ("PUSH", "three", third, third),
            ("PUSH", "two", second, third),
            ("WEBCHAT", "luis-7", third, third),
        ]
        async with books.database.read(books.workspace_id) as connection:
            found = [
                await connection.scalar(
                    select(CONTACT.c.id).where(
                        CONTACT.c.workspace_id == books.workspace_id,
                        has_address(literal("PUSH"), literal(address)),
                    )
                )
                for address in ("one", "two", "three", "four")
            ]
        assert found == [third, third, third, None]
        with pytest.raises(Conflict) as refused:
            await merge(books, second, first)
        assert refused.value.path == ("sourceId",)


async def test_a_merge_returns_the_credits_of_sessions_that_collapse(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana = (await upsert(books, identities=[ANA])).contact_id
        anna = (await upsert(books, identities=[ANA_BY_MAIL])).contact_id
        customer, company = InteractionKind.CUSTOMER_MESSAGE, InteractionKind.COMPANY_MESSAGE
        await record(
            books,
            (0, ana, customer, None),
            (2, anna, customer, None),
            (3, anna, company, Lane.HUMAN),
            (25, ana, customer, None),
            (27, anna, customer, None),
        )
        books.bell.rung.clear()
        books.clock.at = merged_at = NOON + timedelta(hours=30)

        merged = await merge(books, anna, ana)

        # Together: one session at 0 that the answer at 3 binds, and one at 25.
        assert [(e.amount, e.reason, e.effective_at) for e in merged.entries] == [
            (-1, DebitReason.MERGE, NOON + timedelta(hours=2)),
            (-1, DebitReason.MERGE, NOON + timedelta(hours=27)),
        ]
        assert merged.entries[0].recorded_at == merged_at
        assert await books.rows(LedgerEntry, "sequence", "amount", "supersedes") == [
            (1, 1, None),
            (2, 1, None),
            (3, 1, None),
            (4, 1, None),
            (5, -1, 2),
            (6, -1, 4),
        ]
        sessions = await books.rows(
            InteractionzSession, "opened_at", "owner_id", "lane", "superseded_at"
        )
        assert sessions == [
            (NOON, ana, "HUMAN", None),
            (NOON + timedelta(hours=2), ana, "HUMAN", merged_at),
            (NOON + timedelta(hours=25), ana, "UNBOUND", None),
            (NOON + timedelta(hours=27), ana, "UNBOUND", merged_at),
        ]
        assert await books.rows(
            Interaction, "occurred_at", "contact_id", "owner_id", "outcome"
        ) == [
            (NOON, ana, ana, "CHARGED"),
            (NOON + timedelta(hours=2), anna, ana, "COVERED"),
            (NOON + timedelta(hours=3), anna, ana, "COVERED"),
            (NOON + timedelta(hours=25), ana, ana, "CHARGED"),
            (NOON + timedelta(hours=27), anna, ana, "COVERED"),
        ]
        assert books.bell.rung == [books.workspace_id]


async def test_merges_and_writes_at_once_end_in_one_contact(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ids = [
            (await upsert(books, identities=[(ChannelKind.PUSH, f"d{index}")])).contact_id
            for index in range(4)
        ]

        async def attempt(source: str, target: str) -> bool:
            try:
                await merge(books, source, target)
            except Conflict:
                return False
            return True

        # The pairs connect all four, however they go: three of the merges find two to join.
        pairs = [*pairwise(ids), *pairwise(reversed(ids))]
        writes = [
            upsert(books, identities=[(ChannelKind.PUSH, f"d{index}")], city=f"city {index}")
            for index in range(4)
        ]
        outcomes = await asyncio.gather(*(attempt(*pair) for pair in pairs), *writes)

        assert outcomes.count(True) == 3
        roots = {row["root_id"] for row in [await contact(books, each) for each in ids]}
        assert len(roots) == 1
        [root] = roots
        assert (await contact(books, root))["merged_into_id"] is None
        assert {row[3] for row in await identities(books)} == {root}
        assert {row[2] for row in await identities(books)} == set(ids)


async def test_what_hangs_from_a_contact_goes_to_the_root_with_it(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana = (await upsert(books, identities=[ANA])).contact_id
        anna = (await upsert(books, identities=[ANA_BY_MAIL])).contact_id
        campaign = await create_campaign(
            books.dependencies, books.admin, CreateCampaign("Black Friday", ChannelKind.EMAIL)
        )
        await open_ticket(books.dependencies, books.admin, OpenTicket(anna, "Broken leg"))
        send = RecordInteraction(
            ChannelKind.EMAIL,
            InteractionKind.CAMPAIGN_SEND,
            NOON,
            contact_id=anna,
            campaign_id=campaign,
        )
        await record_interactions(books.dependencies, books.admin, [Arrival(send, NOON)])

        await merge(books, anna, ana)

        tables: list[type[Table]] = [Ticket, CampaignTouch, Interaction]
        for table in tables:
            assert await books.rows(table, "contact_id", "owner_id") == [(anna, ana)]
