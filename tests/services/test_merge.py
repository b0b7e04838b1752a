"""Merging by hand and by what is shared, looking at a merge first, and undoing it."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import SQLModel

from tests.services.books import Books, open_books, utc
from trenza.domain.access import Scope, Verb, Viewer
from trenza.domain.channel import AddressSpace, ChannelKind
from trenza.domain.consent import ConsentPurpose, ConsentStatus
from trenza.domain.errors import Conflict, DomainError, Forbidden, InvalidInput, NotFound
from trenza.domain.ids import Prefix
from trenza.domain.interaction import InteractionKind, Lane
from trenza.domain.merge import DEFAULT_POLICY, FieldConflict, MergeDirection, Protection
from trenza.domain.metering.ledger import DebitReason
from trenza.services.consent import SetConsent, set_consent
from trenza.services.contact import UpsertContact, Upserted, upsert_contact, upsert_contacts
from trenza.services.contact_list import ChangeList, CreateList, add_to_list, create_list
from trenza.services.do_not_contact import SetDoNotContact, set_do_not_contact
from trenza.services.identity_policy import (
    BlockAddress,
    SetIdentityPolicy,
    block_address,
    set_identity_policy,
    unblock_address,
)
from trenza.services.interaction import Arrival, RecordInteraction, record_interactions
from trenza.services.interactionz import CloseCycle, close_cycle
from trenza.services.merge import MergeContacts, merge_contacts, preview_merge, unmerge_contact
from trenza.services.ticket import OpenTicket, open_ticket
from trenza.services.verify import verify_ledger
from trenza.storage import (
    Activity,
    BlockedAddress,
    ConsentEvent,
    Contact,
    ContactIdentity,
    ContactListMember,
    ContactMerge,
    DoNotContact,
    Interaction,
    InteractionzSession,
    LedgerEntry,
    Ticket,
    WorkspaceIdentityPolicy,
)
from trenza.storage.columns import Table
from trenza.storage.engine import AsyncConnection
from trenza.storage.merge import OWNED

NOON = utc(2026, 9, 10, 12)
HOUR = timedelta(hours=1)
CUSTOMER, COMPANY = InteractionKind.CUSTOMER_MESSAGE, InteractionKind.COMPANY_MESSAGE
Identity = tuple[ChannelKind, str]
ANA: Identity = (ChannelKind.WHATSAPP, "+52 55 5012 3456")
ANA_BY_MAIL: Identity = (ChannelKind.EMAIL, "ana@example.com")
ANA_ON_THE_WEB: Identity = (ChannelKind.WEBCHAT, "visit-1")
SWITCHBOARD: Identity = (ChannelKind.SMS, "+52 55 5000 0000")
EVERYTHING: tuple[type[Table], ...] = (
    Contact,
    ContactIdentity,
    ContactMerge,
    Interaction,
    InteractionzSession,
    LedgerEntry,
    Ticket,
    ConsentEvent,
    DoNotContact,
    ContactListMember,
    Activity,
)


async def upsert(books: Books, *identities: Identity, **fields: Any) -> Upserted:
    request = UpsertContact(identities=identities, **fields)
    return await upsert_contact(books.dependencies, books.admin, request)


async def made(books: Books, *identities: Identity, **fields: Any) -> str:
    """A contact that is made an hour after what came before."""
    books.clock.at += HOUR
    written = await upsert(books, *identities, **fields)
    assert written.created
    return written.contact_id


async def merge(books: Books, source: str, target: str, *, by_policy: bool = False) -> Any:
    request = MergeContacts(source, target, by_policy)
    return await merge_contacts(books.dependencies, books.admin, request)


async def unmerge(books: Books, contact_id: str) -> Any:
    return await unmerge_contact(books.dependencies, books.admin, contact_id)


async def policy(books: Books, **rules: Any) -> None:
    await set_identity_policy(books.dependencies, books.admin, SetIdentityPolicy(**rules))


async def block(books: Books, identity: Identity) -> None:
    await block_address(books.dependencies, books.admin, BlockAddress(*identity))


async def record(books: Books, identity: Identity, kind: InteractionKind = CUSTOMER) -> None:
    request = RecordInteraction(
        channel=identity[0],
        kind=kind,
        occurred_at=books.clock.at,
        identity=identity,
        actor=Lane.HUMAN if kind is COMPANY else None,
    )
    arrival = Arrival(request, books.clock.at)
    [answer] = await record_interactions(books.dependencies, books.admin, [arrival])
    assert not isinstance(answer, DomainError), answer


async def contact(books: Books, contact_id: str) -> dict[str, Any]:
    columns = [c.name for c in Contact.__table__.c if c.name not in ("tags", "custom")]
    rows = [dict(zip(columns, row, strict=True)) for row in await books.rows(Contact, *columns)]
    return next(row for row in rows if row["id"] == contact_id)


async def describe(books: Books, contact_id: str, **columns: Any) -> None:
    """Writes what no mutation writes yet."""

    async def work(connection: AsyncConnection) -> None:
        table = Contact.__table__
        await connection.execute(update(table).where(table.c.id == contact_id).values(**columns))

    await books.database.write(work, books.workspace_id)


async def documents(books: Books, contact_id: str) -> tuple[list[str], dict[str, Any]]:
    """The tags and the custom fields of a contact."""
    async with books.database.read(books.workspace_id) as connection:
        table = Contact.__table__
        rows = await connection.execute(table.select().where(table.c.id == contact_id))
        row = rows.mappings().one()
        return row["tags"], row["custom"]


async def everything(books: Books, *but: type[Table]) -> list[Any]:
    """Every row of every table that merging can touch."""
    return [
        sorted(map(repr, await books.rows(table, *keys_of(table))))
        for table in EVERYTHING
        if table not in but
    ]


def keys_of(table: type[Table]) -> list[str]:
    """Columns that can be ordered on both databases."""
    documents = {"tags", "custom", "filled", "before", "after"}
    # Since when a contact is as it is: a merge and an unmerge are changes, and history tells them.
    return [c.name for c in table.__table__.c if c.name not in {*documents, "described_at"}]


async def say_and_list(books: Books, contact_id: str) -> None:
    """Consent, a block and a place in a list, of a contact that is reached by mail."""
    said = (ConsentPurpose.MARKETING, ConsentStatus.GRANTED, ANA_BY_MAIL[0])
    await set_consent(books.dependencies, books.admin, SetConsent(contact_id, *said))
    block = SetDoNotContact(contact_id, "on holiday", identity=ANA_BY_MAIL)
    await set_do_not_contact(books.dependencies, books.admin, block)
    list_id = await create_list(books.dependencies, books.admin, CreateList("Guests"))
    await add_to_list(books.dependencies, books.admin, ChangeList(list_id, [contact_id]))


def test_whatever_has_an_owner_is_handed_over() -> None:
    owned = {t.name for t in SQLModel.metadata.sorted_tables if "owner_id" in t.c}

    assert {table.name for table in OWNED} == owned


async def test_the_one_that_stays_gains_what_it_lacks_and_the_other_keeps_it(
    database_url: str,
) -> None:
    async with open_books(database_url, NOON) as books:
        ana = await made(books, ANA, first_name="Ana", city="Lima")
        anna = await made(
            books, ANA_BY_MAIL, city="Cusco", birth_on=date(1990, 2, 28), company="Lua"
        )
        await describe(books, ana, tags=["vip"], custom={"size": 38})
        await describe(
            books,
            anna,
            tags=["new", "vip"],
            custom={"size": 40, "red": False, "no": None},
            department="Sales",
            assigned_user_id="user_1",
        )
        before = await contact(books, anna)
        books.clock.at += HOUR

        merged = await merge(books, anna, ana)

        assert (merged.contact_id, merged.merged_id) == (ana, anna)
        row = await contact(books, ana)
        assert (row["first_name"], row["city"], row["company"]) == ("Ana", "Lima", "Lua")
        assert (row["birth_on"], row["department"]) == (date(1990, 2, 28), "Sales")
        assert (row["assigned_user_id"], row["updated_at"]) == ("user_1", books.clock.at)
        assert await documents(books, ana) == (["vip", "new"], {"size": 38, "red": False})
        linked = {"root_id": ana, "merged_into_id": ana, "merged_at": books.clock.at}
        assert await contact(books, anna) == before | linked


async def test_an_unmerge_gives_back_exactly_what_was(database_url: str) -> None:
    async with open_books(database_url, NOON, quota=100) as books:
        ana = await made(books, ANA, first_name="Ana")
        anna = await made(books, ANA_BY_MAIL, city="Cusco")
        await describe(books, anna, tags=["new"], custom={"size": 40})
        await open_ticket(books.dependencies, books.admin, OpenTicket(anna, "A chair"))
        await say_and_list(books, anna)
        for hours, who in ((0, ANA), (2, ANA_BY_MAIL), (30, ANA_BY_MAIL), (31, ANA)):
            books.clock.at = NOON + 5 * HOUR + hours * HOUR
            await record(books, who)
        await describe(books, ana, updated_at=books.clock.at)
        before = await everything(books, LedgerEntry, ContactMerge, Activity, InteractionzSession)
        current = await books.rows(InteractionzSession, "id", "owner_id", "superseded_at")

        merged = await merge(books, anna, ana)
        undone = await unmerge(books, anna)

        assert [(e.amount, e.reason) for e in merged.entries] == [(-1, DebitReason.MERGE)] * 2
        assert [(e.amount, e.reason) for e in undone.entries] == [(1, DebitReason.UNMERGE)] * 2
        assert (undone.contact_id, undone.left_id) == (anna, ana)
        assert (
            await everything(books, LedgerEntry, ContactMerge, Activity, InteractionzSession)
            == before
        )
        assert await books.rows(InteractionzSession, "id", "owner_id", "superseded_at") == current
        assert await documents(books, ana) == ([], {})
        assert sum(row[0] for row in await books.rows(LedgerEntry, "amount")) == 4
        assert await verify_ledger(books.dependencies, books.workspace_id) == []


async def test_what_was_changed_since_stays_with_the_one_it_was_said_of(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana = await made(books, ANA)
        anna = await made(books, ANA_BY_MAIL, city="Cusco", company="Lua")
        await merge(books, anna, ana)
        await upsert(books, ANA_BY_MAIL, ANA_ON_THE_WEB, city="Quito", origin="fair")

        await unmerge(books, anna)

        row, other = await contact(books, ana), await contact(books, anna)
        assert (row["city"], row["company"], row["origin"]) == ("Quito", None, "fair")
        assert (other["city"], other["company"], other["origin"]) == ("Cusco", "Lua", None)
        assert await books.rows(ContactIdentity, "channel", "owner_id") == [
            ("EMAIL", anna),
            ("WEBCHAT", ana),
            ("WHATSAPP", ana),
        ]


async def test_what_came_since_belongs_to_who_holds_the_address(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana, anna = await made(books, ANA), await made(books, ANA_BY_MAIL)
        await merge(books, anna, ana)
        books.clock.at += HOUR
        await record(books, ANA_BY_MAIL)
        books.clock.at += HOUR
        await record(books, ANA, COMPANY)
        by_id = RecordInteraction(ChannelKind.PUSH, CUSTOMER, books.clock.at, contact_id=anna)
        arrival = Arrival(by_id, books.clock.at)
        await record_interactions(books.dependencies, books.admin, [arrival])

        undone = await unmerge(books, anna)

        assert await books.rows(Interaction, "channel", "contact_id", "owner_id") == [
            ("EMAIL", anna, anna),
            ("PUSH", anna, anna),
            ("WHATSAPP", ana, ana),
        ]
        assert [(e.amount, e.reason) for e in undone.entries] == [(1, DebitReason.UNMERGE)]
        assert await verify_ledger(books.dependencies, books.workspace_id) == []


async def test_a_chain_comes_apart_at_either_link(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        a = await made(books, ANA, city="Lima")
        b = await made(books, ANA_BY_MAIL, company="Lua")
        c = await made(books, ANA_ON_THE_WEB)
        await merge(books, a, b)
        await merge(books, b, c)

        await unmerge(books, b)
        apart = [(await contact(books, each))["root_id"] for each in (a, b, c)]
        fields = [(await contact(books, each))["city"] for each in (a, b, c)]
        await merge(books, b, c)
        await unmerge(books, a)

        assert (apart, fields) == ([b, b, c], ["Lima", "Lima", None])
        rows = [await contact(books, each) for each in (a, b, c)]
        assert [row["root_id"] for row in rows] == [a, c, c]
        assert [(row["city"], row["company"]) for row in rows] == [
            ("Lima", None),
            (None, "Lua"),
            (None, "Lua"),
        ]
        history = await books.rows(ContactMerge, "source_id", "target_id", "reason")
        assert history == [(a, b, "MANUAL"), (b, c, "MANUAL"), (b, c, "MANUAL")]
        standing = await books.rows(ContactMerge, "unmerged_at", "source_id")
        assert [source for at, source in standing if at is None] == [b]


async def test_only_what_is_merged_can_be_unmerged(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana, anna = await made(books, ANA), await made(books, ANA_BY_MAIL)
        await merge(books, anna, ana)
        before = await everything(books)
        agent = Viewer(books.workspace_id, "key_3", "a", frozenset(Scope) - {Scope.MANAGE})

        with pytest.raises(Conflict) as refused:
            await unmerge(books, ana)
        assert refused.value.path == ("contactId",)
        for absent in ("contact_1", books.dependencies.new_id(Prefix.CONTACT)):
            with pytest.raises(NotFound):
                await unmerge(books, absent)
        with pytest.raises(Forbidden):
            await unmerge_contact(books.dependencies, agent, anna)

        assert await everything(books) == before


async def test_a_preview_says_what_the_merge_then_does_and_writes_nothing(
    database_url: str,
) -> None:
    async with open_books(database_url, NOON, quota=100) as books:
        ana = await made(books, ANA, city="Lima")
        anna = await made(books, ANA_BY_MAIL, city="Cusco", company="Lua")
        for identity in (ANA, ANA_BY_MAIL, ANA_BY_MAIL):
            books.clock.at += HOUR
            await record(books, identity)
        before = await everything(books)
        request = MergeContacts(anna, ana)

        preview = await preview_merge(books.dependencies, books.admin, request)

        assert await everything(books) == before
        assert preview.conflicts == [FieldConflict("city", "Lima", "Cusco")]
        assert preview.fills == ["company"]
        assert [each.channel for each in preview.identities] == ["EMAIL", "WHATSAPP"]
        assert preview.protections == []
        merged = await merge(books, anna, ana)
        assert (preview.contact_id, preview.merged_id) == (merged.contact_id, merged.merged_id)
        shown = [(e.amount, e.effective_at, e.reason) for e in preview.entries]
        assert shown == [(e.amount, e.effective_at, e.reason) for e in merged.entries]
        assert list(preview.collapsing) == [e.session_id for e in merged.entries if e.amount < 0]
        assert len(shown) == 1


async def test_shared_identities_make_contacts_one_by_priority_and_direction(
    database_url: str,
) -> None:
    for direction, stays in (
        (MergeDirection.OLDEST_STAYS, 0),
        (MergeDirection.NEWEST_STAYS, 2),
        (MergeDirection.MOST_INTERACTIONS_STAYS, 1),
    ):
        first_id = 1000 * (stays + 1)
        async with open_books(database_url, NOON, first_id=first_id) as books:
            await policy(books, direction=direction)
            ids = [await made(books, each) for each in (ANA, ANA_BY_MAIL, ANA_ON_THE_WEB)]
            await record(books, ANA_BY_MAIL)
            books.bell.rung.clear()

            written = await upsert(books, ANA_ON_THE_WEB, ANA, ANA_BY_MAIL, city="Lima")

            others = {each for each in ids if each != ids[stays]}
            assert (written.contact_id, written.created) == (ids[stays], False)
            assert set(written.merged) == others
            assert (await contact(books, ids[stays]))["city"] == "Lima"
            own = await books.rows(ContactMerge, "workspace_id", "source_id", "reason")
            reasons = [row[1:] for row in own if row[0] == books.workspace_id]
            assert sorted(reasons) == sorted((each, "SHARED_IDENTITY") for each in others)


async def test_a_batch_ends_as_one_by_one_does(database_url: str) -> None:
    requests = [
        UpsertContact(identities=[ANA], city="Lima"),
        UpsertContact(identities=[ANA_BY_MAIL], city="Cusco", company="Lua"),
        UpsertContact(identities=[ANA_ON_THE_WEB, (ChannelKind.PUSH, "d1")]),
        UpsertContact(identities=[ANA_BY_MAIL, (ChannelKind.PUSH, "d1")], origin="fair"),
        UpsertContact(identities=[(ChannelKind.PUSH, "d1"), ANA], first_name="Ana"),
        UpsertContact(identities=[(ChannelKind.PUSH, "d1"), (ChannelKind.PUSH, "d2")]),
    ]
    pictures = []
    for at_once, first_id in ((True, 1000), (False, 5000)):
        async with open_books(database_url, NOON, first_id=first_id) as books:
            batches = [requests] if at_once else [[each] for each in requests]
            answers: list[Upserted] = []
            for batch in batches:
                for each in await upsert_contacts(books.dependencies, books.admin, batch):
                    assert isinstance(each, Upserted), each
                    answers.append(each)
            names = {each.contact_id: n for n, each in enumerate(answers) if each.created}
            rows = await books.rows(
                Contact, "workspace_id", "id", "root_id", "city", "company", "origin", "first_name"
            )
            merges = await books.rows(ContactMerge, "workspace_id", "source_id", "target_id")
            owned = await books.rows(ContactIdentity, "workspace_id", "address", "owner_id")
            mine = [
                tuple(names.get(cell, cell) for cell in row[1:])
                for row in (*rows, *merges, *owned)
                if row[0] == books.workspace_id and row[1] != books.contact_id
            ]
            told = [(names[each.contact_id], each.created, len(each.merged)) for each in answers]
            pictures.append((told, mine))

    assert pictures[0] == pictures[1]
    assert pictures[0][0][-1] == (0, False, 0)


async def test_limits_protect_contacts_and_are_named(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        other = (ChannelKind.EMAIL, "anna@example.com")
        ana, anna = await made(books, ANA, ANA_BY_MAIL), await made(books, ANA_ON_THE_WEB, other)
        await policy(books, space_limits=[(AddressSpace.EMAIL, 1)], identities_max=3)
        before = await everything(books)
        protections = [Protection(None, 3, 4), Protection(AddressSpace.EMAIL, 1, 2)]

        preview = await preview_merge(books.dependencies, books.admin, MergeContacts(anna, ana))
        assert preview.protections == protections
        for refused_by in (
            merge(books, anna, ana),
            upsert(books, ANA, ANA_ON_THE_WEB),
        ):
            with pytest.raises(Conflict) as refused:
                await refused_by
            assert refused.value.message == protections[0].message
        with pytest.raises(Conflict) as refused:
            await upsert(books, ANA, (ChannelKind.EMAIL, "a3@example.com"))
        assert refused.value.message == protections[1].message
        assert await everything(books) == before

        await policy(books, identities_max=1)
        assert (await upsert(books, ANA, city="Lima")).contact_id == ana


async def test_a_blocked_address_finds_merges_and_identifies_nobody(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        holder = await made(books, SWITCHBOARD)
        await block(books, SWITCHBOARD)
        await block(books, SWITCHBOARD)
        same = (ChannelKind.WHATSAPP, "+52 55 5000 0000")

        ana = await upsert(books, ANA, same, city="Lima")
        with pytest.raises(Conflict) as refused:
            await upsert(books, same)

        assert ana.created
        assert [(each.channel, each.address) for each in ana.ignored] == [
            ("WHATSAPP", "+525550000000")
        ]
        assert refused.value.path == ("identities",)
        assert await books.rows(ContactIdentity, "channel", "owner_id") == [
            ("SMS", holder),
            ("WHATSAPP", ana.contact_id),
        ]
        assert len(await books.rows(BlockedAddress, "address")) == 1
        await unblock_address(books.dependencies, books.admin, *same)
        assert (await upsert(books, ANA, same)).merged == (ana.contact_id,)
        with pytest.raises(NotFound):
            await unblock_address(books.dependencies, books.admin, *same)


async def test_what_comes_from_a_blocked_address_is_recorded(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        holder = await made(books, SWITCHBOARD)
        unheld = (ChannelKind.SMS, "+52 55 5000 0001")
        for each in (SWITCHBOARD, unheld):
            await block(books, each)
            await record(books, each)
            await record(books, each)

        [(by_holder,), _, (one,), (other,)] = sorted(
            await books.rows(Interaction, "contact_id"), key=lambda row: row[0] != holder
        )
        assert (by_holder, one) == (holder, other)
        assert one != holder


async def test_the_policy_is_kept_and_only_changes_are_noted(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        rules = SetIdentityPolicy(
            priority=[AddressSpace.EMAIL], space_limits=[(AddressSpace.PUSH, 5)]
        )
        first = await set_identity_policy(books.dependencies, books.admin, rules)
        again = await set_identity_policy(books.dependencies, books.admin, rules)

        assert first == again
        assert first.priority[:2] == (AddressSpace.EMAIL, AddressSpace.PHONE)
        assert set(first.priority) == set(AddressSpace)
        assert first.direction == DEFAULT_POLICY.direction
        assert await books.rows(Activity, "verb", "subject_id") == [
            (Verb.SET_IDENTITY_POLICY, books.workspace_id)
        ]


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        ({"identities_max": 0}, "identitiesMax"),
        ({"identities_max": 51}, "identitiesMax"),
        ({"space_limits": [(AddressSpace.PUSH, 0)]}, "spaceLimits"),
        ({"space_limits": [(AddressSpace.PUSH, 1), (AddressSpace.PUSH, 2)]}, "spaceLimits"),
        ({"priority": [AddressSpace.PUSH, AddressSpace.PUSH]}, "priority"),
    ],
)
async def test_bad_rules_are_refused(database_url: str, rules: dict[str, Any], path: str) -> None:
    async with open_books(database_url, NOON) as books:
        with pytest.raises(InvalidInput) as refused:
            await policy(books, **rules)

        assert refused.value.path == (path,)
        assert await books.rows(WorkspaceIdentityPolicy, "direction") == []


async def test_rules_are_for_admins(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        operator = Viewer(books.workspace_id, "key_3", "a", frozenset(Scope) - {Scope.ADMIN})
        given = books.dependencies, operator
        for refused in (
            set_identity_policy(*given, SetIdentityPolicy()),
            block_address(*given, BlockAddress(*SWITCHBOARD)),
            unblock_address(*given, *SWITCHBOARD),
        ):
            with pytest.raises(Forbidden):
                await refused
        assert await books.rows(BlockedAddress, "address") == []


async def test_every_merge_and_unmerge_is_in_the_activity_log(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana, anna = await made(books, ANA), await made(books, ANA_BY_MAIL)
        await merge(books, ana, anna, by_policy=True)
        await unmerge(books, anna)
        await upsert(books, ANA, ANA_BY_MAIL)

        rows = await books.rows(Activity, "id", "verb", "subject_id", "key_id")
        told = [row[1:] for row in rows if row[1] != Verb.UPSERT_CONTACT]
        assert told == [
            (verb, subject, "key_1")
            for verb in (Verb.MERGE_CONTACTS, Verb.UNMERGE_CONTACT, Verb.MERGE_CONTACTS)
            for subject in (anna, ana)
        ]
        async with books.database.read(books.workspace_id) as connection:
            found = await connection.execute(
                Activity.__table__.select().order_by(Activity.__table__.c.id)
            )
            after = [row.after for row in found if row.verb == Verb.MERGE_CONTACTS]
        assert after[0] == {"mergedIntoId": ana, "reason": "MANUAL"}
        assert after[1] == {"mergedFromId": anna, "reason": "MANUAL"}


async def test_the_statements_of_a_merge_do_not_grow_with_what_is_merged(database_url: str) -> None:
    async with open_books(database_url, NOON, quota=1_000_000) as books:
        costs = []
        for size in (1, 12):
            ids = []
            for side in "ab":
                devices = [(ChannelKind.PUSH, f"{side}-{size}-{n}") for n in range(size)]
                ids.append(await made(books, *devices, city=f"city {side}"))
                for device in devices:
                    await record(books, device)
            with books.counted_statements() as merging:
                await merge(books, *ids)
            with books.counted_statements() as unmerging:
                await unmerge(books, ids[0])
            extra = [(ChannelKind.EMAIL, f"{size}-{n}@example.com") for n in range(size)]
            for each in extra:
                await made(books, each)
            with books.counted_statements() as upserting:
                await upsert(books, (ChannelKind.PUSH, f"a-{size}-0"), *extra)
            costs.append((len(merging), len(unmerging), len(upserting)))

        assert costs[0] == costs[1]


async def test_an_unmerge_after_a_closing_leaves_the_statement_and_the_books_true(
    database_url: str,
) -> None:
    async with open_books(database_url, NOON, quota=100) as books:
        ana, anna = await made(books, ANA), await made(books, ANA_BY_MAIL)
        await record(books, ANA)
        books.clock.at += HOUR
        await record(books, ANA_BY_MAIL)
        books.clock.at += HOUR
        await record(books, ANA_BY_MAIL, COMPANY)
        await merge(books, anna, ana)
        books.clock.at = utc(2026, 10, 5)
        await close_cycle(books.dependencies, books.admin, CloseCycle())

        undone = await unmerge(books, anna)

        assert [(e.amount, e.counts_at == e.recorded_at) for e in undone.entries] == [(1, True)]
        assert await verify_ledger(books.dependencies, books.workspace_id) == []
