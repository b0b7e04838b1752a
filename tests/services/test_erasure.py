"""Erasing a person: what goes, what stays, and what is answered afterwards."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from tests.services.office import Identity, Office, an_office
from tests.world import a_world
from trenza.domain.access import Privacy, Role, Scope, Verb, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.consent import ConsentPurpose, ConsentStatus
from trenza.domain.contact import LifecycleStage
from trenza.domain.custom_field import FieldType
from trenza.domain.erasure import ERASED, certificate_digest
from trenza.domain.errors import (
    Conflict,
    Forbidden,
    IdempotencyConflict,
    InvalidInput,
    NotFound,
    TooLate,
)
from trenza.domain.ids import session_id_of
from trenza.domain.interaction import InteractionKind, Lane
from trenza.services.consent import SetConsent, set_consent
from trenza.services.contact import UpsertContact, upsert_contact
from trenza.services.contact_list import (
    ChangeList,
    CreateList,
    ListChange,
    add_to_list,
    create_list,
)
from trenza.services.custom_field import DefineCustomField, define_custom_field
from trenza.services.do_not_contact import SetDoNotContact, set_do_not_contact
from trenza.services.erasure import EraseContact, erase_contact, preview_erasure
from trenza.services.interaction import Recorded, retract_interaction
from trenza.services.interactionz import CloseCycle, close_cycle
from trenza.services.merge import MergeContacts, merge_contacts, preview_merge, unmerge_contact
from trenza.services.quarantine import admit_interaction
from trenza.services.retention import apply_retention, set_retention
from trenza.services.ticket import OpenTicket, open_ticket
from trenza.storage import (
    Activity,
    Contact,
    ContactIdentity,
    ContactStage,
    CycleClosing,
    ErasureCertificate,
    Interaction,
    InteractionzSession,
    LedgerEntry,
    QuarantinedInteraction,
    Workspace,
)

HOUR = timedelta(hours=1)
COMPANY = InteractionKind.COMPANY_MESSAGE
ANA: Identity = (ChannelKind.WHATSAPP, "+52 55 5012 3456")
ANA_BY_MAIL: Identity = (ChannelKind.EMAIL, "ana@example.com")
LUZ: Identity = (ChannelKind.WEBCHAT, "luz-1")
ERASED_ALREADY = "the person was erased"


async def test_sums_stay_and_the_books_agree(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk = await an_office(world, interactionz=10)
        ana = await desk.met(ANA, ANA_BY_MAIL, first_name="Ana", city="Puebla")
        at = world.clock.at
        for n in range(4):
            await desk.record(f"z{9 - n}", identity=ANA, occurred_at=at, text="hola")
        await desk.record("a1", contact_id=ana, kind=COMPANY, actor=Lane.HUMAN)
        await desk.record(None, identity=ANA_BY_MAIL, channel=ChannelKind.EMAIL)
        await desk.record(None, identity=ANA_BY_MAIL, occurred_at=at)
        await desk.record(None, identity=LUZ, channel=ChannelKind.WEBCHAT)
        before = await world.dump()
        order = await in_order(desk, ana)

        erased = await desk.erase(ana)

        after = await world.dump()
        assert (erased.contact_id, erased.replayed) == (ana, False)
        assert await desk.differences() == []
        for table in ("ledger_entry", "ledger_head", "cycle_closing", "usage_alert"):
            assert after[table] == before[table]
        assert await in_order(desk, ana) == order
        skeletons = await desk.rows(Interaction, contact_id=ana)
        assert {row["erased_at"] for row in skeletons} == {world.clock.at}
        assert {row["text"] for row in skeletons} == {None}
        [shell] = await desk.rows(Contact, id=ana)
        assert (shell["first_name"], shell["city"], shell["name_searchable"]) == (None, None, "")
        assert shell["erased_at"] == world.clock.at
        assert await desk.rows(ContactIdentity, owner_id=ana) == []


async def in_order(desk: Office, contact_id: str) -> list[tuple[str, str, str | None]]:
    """A person's interactions in the order of the fold, each with what it cost."""
    rows = await desk.rows(Interaction, owner_id=contact_id)
    rows.sort(key=lambda row: row["position"])
    return [(row["id"], row["outcome"], row["session_id"]) for row in rows]


async def test_the_statement_of_a_closed_cycle_stays_byte_for_byte(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk = await an_office(world)
        ana = await desk.met(ANA)
        await desk.record("1", identity=ANA)
        world.clock.advance(days=20)
        await close_cycle(desk.dependencies, desk.viewer, CloseCycle(without_grace=True))
        [closing] = await desk.rows(CycleClosing)

        await desk.erase(ana)

        assert await desk.rows(CycleClosing) == [closing]
        assert await desk.differences() == []


async def test_what_is_sent_again_is_known_and_nothing_is_charged(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk = await an_office(world)
        ana = await desk.met(ANA)
        at = world.clock.at
        told = {"occurred_at": at, "text": "hola"}
        by_address = await desk.record("1", identity=ANA, **told)
        by_id = await desk.record("2", contact_id=ana, **told)
        await desk.erase(ana)
        before = await world.dump()
        world.clock.advance(hours=30)

        assert await desk.report("1", identity=ANA, **told) == Recorded(by_address, replayed=True)
        assert await desk.report("2", contact_id=ana, **told) == Recorded(by_id, replayed=True)
        other = await desk.report("1", identity=ANA, occurred_at=at, text="adiós")
        assert isinstance(other, IdempotencyConflict)

        assert await world.dump() == before


async def test_the_address_is_nobodys_afterwards(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk = await an_office(world)
        ana = await desk.met(ANA)
        await desk.record("1", identity=ANA)
        await desk.erase(ana)

        await desk.record("3", identity=ANA, text="soy yo")

        [identity] = await desk.rows(ContactIdentity)
        assert identity["owner_id"] != ana
        assert len(await desk.rows(LedgerEntry)) == 2
        assert await desk.met(ANA, first_name="Ana") == identity["owner_id"]
        assert await desk.differences() == []


async def test_all_that_were_merged_into_one_are_erased(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk = await an_office(world)
        ana, web = await desk.met(ANA, city="Puebla"), await desk.met(LUZ, last_name="Paz")
        await desk.record("1", identity=ANA)
        await desk.record("2", identity=LUZ, channel=ChannelKind.WEBCHAT)
        await desk.merge(web, ana)

        erased = await desk.erase(web)

        assert erased.contact_id == ana
        contacts = [row for row in await desk.rows(Contact) if row["erased_at"]]
        assert {row["id"] for row in contacts} == {ana, web}
        assert {row["last_name"] for row in contacts} == {None}
        assert await desk.differences() == []
        again = await desk.erase(web)
        assert (again.certificate_id, again.replayed) == (erased.certificate_id, True)
        assert len(await desk.rows(ErasureCertificate)) == 1


async def test_nothing_more_is_added_to_an_erased_person(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk = await an_office(world)
        ana, web, luz = await desk.met(ANA), await desk.met(ANA_BY_MAIL), await desk.met(LUZ)
        await desk.merge(web, ana)
        list_id = await create_list(desk.dependencies, desk.viewer, CreateList("Todos"))
        await desk.erase(ana)
        before = await world.dump()

        granted = (ConsentPurpose.MARKETING, ConsentStatus.GRANTED, ChannelKind.EMAIL)
        attempts: list[tuple[Callable[..., Awaitable[object]], object]] = [
            (upsert_contact, UpsertContact(id=ana, first_name="Ana")),
            (upsert_contact, UpsertContact(id=web, identities=[LUZ])),
            (merge_contacts, MergeContacts(ana, luz)),
            (merge_contacts, MergeContacts(luz, web)),
            (preview_merge, MergeContacts(luz, ana)),
            (unmerge_contact, web),
            (set_consent, SetConsent(web, *granted)),
            (set_do_not_contact, SetDoNotContact(ana, "no")),
            (open_ticket, OpenTicket(ana, "Ana escribe")),
        ]
        for attempt, request in attempts:
            with pytest.raises(Conflict, match=ERASED_ALREADY):
                await attempt(desk.dependencies, desk.viewer, request)
        refused = await desk.report("9", contact_id=web)
        assert isinstance(refused, Conflict)
        assert refused.path == ("contactId",)
        changes = ChangeList(list_id, [ana, web])
        done = await add_to_list(desk.dependencies, desk.viewer, changes)
        assert [change for _, change in done] == [ListChange.CONFLICT] * 2

        assert await world.dump() == before


async def test_it_may_be_retracted_and_others_go_on(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk = await an_office(world)
        ana = await desk.met(ANA)
        first = await desk.record("1", identity=ANA)
        second = await desk.record("2", identity=ANA)
        await desk.record("3", identity=LUZ, channel=ChannelKind.WEBCHAT)
        await desk.erase(ana)
        world.clock.advance(hours=1)

        await retract_interaction(desk.dependencies, desk.viewer, first, "of Ana, a test")
        late = world.clock.at - 3 * HOUR
        await desk.record("4", identity=LUZ, channel=ChannelKind.WEBCHAT, occurred_at=late)

        assert await desk.differences() == []
        current = await desk.rows(InteractionzSession, owner_id=ana, superseded_at=None)
        assert [row["id"] for row in current] == [session_id_of(second)]
        assert "of Ana" not in repr(await world.dump())


async def test_why_a_skeleton_was_retracted_goes_with_the_person(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk = await an_office(world)
        ana = await desk.met(ANA)
        first = await desk.record("1", identity=ANA)
        world.clock.advance(days=60)
        await set_retention(desk.dependencies, desk.viewer, 1)
        await apply_retention(desk.dependencies, desk.tenant.id)

        await retract_interaction(desk.dependencies, desk.viewer, first, "of Ana, a test")
        assert "of Ana" in repr(await desk.rows(Activity))
        assert "of Ana" not in repr(await desk.rows(Interaction))

        await desk.erase(ana)
        assert "of Ana" not in repr(await world.dump())


async def test_what_kin_had_of_the_person_goes_whatever_its_type(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk = await an_office(world)
        for key, type_ in (("salary", FieldType.NUMBER), ("flag", FieldType.BOOLEAN)):
            field = DefineCustomField(key, key, type_, Privacy.SENSITIVE)
            await define_custom_field(desk.dependencies, desk.viewer, field)
        ana = await desk.met(
            ANA,
            tags=["vip-of-ana"],
            custom_fields=[("salary", 9879855), ("flag", True)],
            stage=LifecycleStage.SALE,
        )
        luz = await desk.met(LUZ)
        world.clock.advance(hours=1)
        await desk.merge(ana, luz)
        world.clock.advance(hours=1)
        changed = UpsertContact(id=luz, tags=["own"], custom_fields=[("salary", 1)])
        await upsert_contact(desk.dependencies, desk.viewer, changed)
        world.clock.advance(hours=1)
        await unmerge_contact(desk.dependencies, desk.viewer, ana)
        world.clock.advance(hours=1)

        await desk.erase(ana)

        left = repr(await world.dump())
        assert [text for text in ("vip-of-ana", "9879855") if text in left] == []
        assert await desk.rows(ContactStage, stage="SALE") == []


async def test_what_waited_in_quarantine_is_emptied(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk = await an_office(world)
        ana = await desk.met(ANA)
        old = world.clock.at - timedelta(days=60)
        spelled = (ChannelKind.SMS, "+525550123456")
        for external_id, who in (("1", {"identity": spelled}), ("2", {"contact_id": ana})):
            assert isinstance(await desk.report(external_id, **who, occurred_at=old), TooLate)
        assert isinstance(await desk.report("3", identity=LUZ, occurred_at=old), TooLate)

        await desk.erase(ana)

        kept = await desk.rows(QuarantinedInteraction)
        assert [row["request"] == {} for row in kept] == [True, True, False]
        with pytest.raises(Conflict, match="erased"):
            await admit_interaction(desk.dependencies, desk.viewer, kept[0]["id"])
        again = await desk.report("1", identity=spelled, occurred_at=old)
        assert isinstance(again, TooLate)
        assert await desk.rows(QuarantinedInteraction) == kept


async def test_the_certificate_says_what_was_done(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk = await an_office(world)
        ana = await desk.met(ANA, ANA_BY_MAIL)
        await desk.record("1", identity=ANA)
        request = EraseContact(ana, "by mail")
        shown = await preview_erasure(desk.dependencies, desk.viewer, request)
        before = await world.dump()

        preview = await preview_erasure(desk.dependencies, desk.viewer, request)

        assert await world.dump() == before
        assert preview == shown
        erased = await desk.erase(ana, " By  mail ")
        [row] = await desk.rows(ErasureCertificate)
        assert (row["id"], row["contact_id"]) == (erased.certificate_id, ana)
        assert row["counts"] == preview.counts
        assert (row["counts"]["identities"], row["counts"]["interactions"]) == (2, 1)
        told = (row["id"], ana, row["erased_at"], row["reason"], row["counts"])
        assert row["digest"] == certificate_digest(*told)
        [noted] = await desk.rows(Activity, verb=Verb.ERASE_CONTACT)
        assert (noted["subject_id"], noted["after"]) == (ana, {"certificate": row["id"]})
        [written] = await desk.rows(Activity, verb=Verb.UPSERT_CONTACT)
        assert (written["before"], written["after"]) == (None, ERASED)


@pytest.mark.parametrize("reason", ["", " ", "x" * 201, "ANA paz wrote", "mail of ana@example.com"])
async def test_the_reason_names_nobody(sqlite_url: str, reason: str) -> None:
    async with a_world(sqlite_url) as world:
        desk = await an_office(world)
        ana = await desk.met(ANA_BY_MAIL, display_name="Ana Paz")
        before = await world.dump()

        with pytest.raises(InvalidInput) as raised:
            await desk.erase(ana, reason)
        with pytest.raises(InvalidInput):
            await preview_erasure(desk.dependencies, desk.viewer, EraseContact(ana, reason))

        assert raised.value.path == ("reason",)
        assert await world.dump() == before


async def test_it_is_for_admins_and_for_who_is_there(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk, other = await an_office(world), await an_office(world)
        ana, theirs = await desk.met(ANA), await other.met(ANA)
        operator = Viewer(
            desk.tenant.id, "key_1", "x", frozenset(Scope), user_id="u", role=Role.OPERATOR
        )
        before = await world.dump()
        with pytest.raises(Forbidden):
            await erase_contact(desk.dependencies, operator, EraseContact(ana, "x"))
        with pytest.raises(Forbidden):
            await preview_erasure(desk.dependencies, operator, EraseContact(ana, "x"))
        for unknown in (theirs, "x"):
            with pytest.raises(NotFound):
                await desk.erase(unknown)
            with pytest.raises(NotFound):
                await preview_erasure(desk.dependencies, desk.viewer, EraseContact(unknown, "x"))
        assert await world.dump() == before
        assert {row["erasure_secret"] for row in await desk.rows(Workspace)} == {None}


async def test_reports_that_come_during_an_erasure_are_of_nobody_who_is_erased(
    database_url: str,
) -> None:
    """Each is of before, and becomes a skeleton, or of after, and of a new contact."""
    async with a_world(database_url) as world:
        for _ in range(4):
            # Each time the first erasure of a workspace, which makes its secret.
            desk = await an_office(world)
            ana = await desk.met(ANA)
            at = world.clock.at
            known = [await desk.record(f"{n}", identity=ANA, occurred_at=at) for n in range(4)]

            answers = await asyncio.gather(
                desk.erase(ana),
                *(desk.report(f"{n}", identity=ANA, occurred_at=at) for n in range(4)),
                *(desk.report(f"new {n}", identity=ANA, occurred_at=at) for n in range(8)),
                *(desk.met(ANA, city=f"City {n}") for n in range(3)),
            )

            assert answers[1:5] == [Recorded(id, replayed=True) for id in known]
            assert all(isinstance(each, Recorded) for each in answers[5:13])
            rows = await desk.rows(Interaction)
            assert len(rows) == 12
            assert {row["contact_id"] for row in rows if row["erased_at"] is None} <= {
                row["id"] for row in await desk.rows(Contact, erased_at=None)
            }
            assert all(row["erased_at"] for row in rows if row["contact_id"] == ana)
            [shell] = await desk.rows(Contact, id=ana)
            assert (shell["erased_at"], shell["city"]) == (at, None)
            assert await desk.differences() == []


async def test_what_kin_had_of_the_person_goes_and_what_is_theirs_stays(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk = await an_office(world)
        ana, luz = await desk.met(ANA, city="Puebla", tags=["vip"]), await desk.met(LUZ)
        world.clock.advance(hours=1)
        await desk.merge(ana, luz)
        world.clock.advance(hours=1)
        await desk.met(LUZ, (ChannelKind.SMS, ANA[1]), company="Luz y Sombra")
        await desk.record("1", identity=ANA, kind=COMPANY, actor=Lane.HUMAN)
        await desk.record("2", identity=LUZ, channel=ChannelKind.WEBCHAT)
        world.clock.advance(hours=1)
        await unmerge_contact(desk.dependencies, desk.viewer, ana)

        await desk.erase(ana)

        dump = repr(await world.dump())
        assert "5550123456" not in dump
        assert "Puebla" not in dump
        assert "vip" not in dump
        [kept] = await desk.rows(Contact, id=luz)
        assert kept["company"] == "Luz y Sombra"
        assert [row["channel"] for row in await desk.rows(ContactIdentity)] == ["WEBCHAT"]
        assert await desk.differences() == []
