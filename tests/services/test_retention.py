"""What is older than a workspace keeps it becomes a skeleton; the books stay."""

from datetime import timedelta
from typing import Any

import pytest

from tests.services.office import Identity, Office, an_office
from tests.world import World, a_world
from trenza.domain.access import Role, Scope, Verb, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.consent import ConsentPurpose, ConsentStatus
from trenza.domain.erasure import ERASED
from trenza.domain.errors import Forbidden, IdempotencyConflict, InvalidInput, TooLate
from trenza.domain.interaction import InteractionKind, Lane
from trenza.services import retention
from trenza.services.consent import SetConsent, set_consent
from trenza.services.contact import UpsertContact, upsert_contact
from trenza.services.interaction import Recorded, retract_interaction
from trenza.services.merge import unmerge_contact
from trenza.services.quarantine import admit_interaction
from trenza.services.retention import apply_retention, set_retention
from trenza.services.ticket import OpenTicket, open_ticket
from trenza.storage import (
    Activity,
    ConsentEvent,
    Contact,
    ContactIdentity,
    ContactVersion,
    Interaction,
    QuarantinedInteraction,
    Ticket,
    Workspace,
)
from trenza.storage.ticket import TICKET

ANA: Identity = (ChannelKind.WHATSAPP, "+52 55 5012 3456")
LUZ: Identity = (ChannelKind.WEBCHAT, "luz-1")
STAY = ("ledger_entry", "ledger_head", "contact", "contact_identity", "consent_event")


async def a_life(desk: Office) -> str:
    """Somebody of long ago who still writes; what happened is of 40 days, 20 days and now."""
    ana = await desk.met(ANA, first_name="Ana", city="Puebla")
    for n in range(3):
        desk.world.clock.advance(hours=1)
        named = UpsertContact(id=ana, first_name=f"Ana {n}")
        await upsert_contact(desk.dependencies, desk.viewer, named)
        for name in ("b", "a"):
            await desk.record(f"{n}{name}", identity=ANA, text="hola")
        await desk.record(
            None, contact_id=ana, kind=InteractionKind.COMPANY_MESSAGE, actor=Lane.HUMAN
        )
        await desk.record(f"luz {n}", identity=LUZ, channel=ChannelKind.WEBCHAT, text="soy Luz")
        await open_ticket(desk.dependencies, desk.viewer, OpenTicket(ana, f"Mesa {n}"))
        late = desk.world.clock.at - timedelta(days=90)
        assert isinstance(await desk.report(f"late {n}", identity=ANA, occurred_at=late), TooLate)
        said = (ConsentPurpose.MARKETING, ConsentStatus.GRANTED, ChannelKind.WHATSAPP)
        await set_consent(desk.dependencies, desk.viewer, SetConsent(ana, *said))
        await _end(desk, n)
        desk.world.clock.advance(days=20)
    return ana


async def _end(desk: Office, number: int) -> None:
    """No mutation closes a ticket yet."""

    async def work(connection: Any) -> None:
        named = TICKET.c.subject == f"Mesa {number}"
        mine = TICKET.update().where(TICKET.c.workspace_id == desk.tenant.id, named)
        await connection.execute(mine.values(status="CLOSED"))

    await desk.dependencies.database.write(work, desk.tenant.id)


async def keep_a_month(desk: Office) -> None:
    await set_retention(desk.dependencies, desk.viewer, 1)


@pytest.mark.parametrize("at_once", [500, 2])
async def test_what_is_old_becomes_a_skeleton(
    database_url: str, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", at_once)
    async with a_world(database_url) as world:
        desk = await an_office(world)
        ana = await a_life(desk)
        await keep_a_month(desk)
        before = await world.dump()
        places = {row["id"]: row["position"] for row in await desk.rows(Interaction, owner_id=ana)}
        told: list[tuple[int, int]] = []

        done = await apply_retention(
            desk.dependencies, desk.tenant.id, lambda *counts: told.append(counts)
        )

        # Those of 60 and of 40 days ago.
        assert done.counts == {
            "interactions": 8,
            "quarantined": 2,
            "tickets": 2,
            "contactsWithVersions": 1,
            "merges": 0,
            "activity": done.counts["activity"],
        }
        assert told[-1] == (8, 8)
        after = await world.dump()
        assert {name: after[name] for name in STAY} == {name: before[name] for name in STAY}
        assert await desk.differences() == []
        rows = await desk.rows(Interaction, owner_id=ana)
        assert sum(row["erased_at"] is not None for row in rows) == 6
        assert {row["text"] for row in rows if row["erased_at"]} == {None}
        in_order = sorted(rows, key=lambda row: row["position"])
        assert [row["id"] for row in in_order] == sorted(places, key=lambda id: places[id])
        assert await seen_of(desk) == {"Mesa 2", "Ana 0", "Ana 1"} - {"Ana 0"}
        again = await apply_retention(desk.dependencies, desk.tenant.id)
        assert again.is_empty
        assert await world.dump() == after


async def test_no_hash_of_what_was_said_is_left(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk = await an_office(world)
        ana = await desk.met(ANA)
        said = await desk.record("1", identity=ANA, text="Baja, por favor")
        word = await desk.record("2", identity=ANA, text="¡Baja!")
        hashes = {row["id"]: row["content_hash"] for row in await desk.rows(Interaction)}
        await keep_a_month(desk)
        world.clock.advance(days=60)

        await apply_retention(desk.dependencies, desk.tenant.id)

        kept = await world.dump()
        for each in (said, word):
            assert hashes[each] not in repr(kept)
        [event] = await desk.rows(ConsentEvent, owner_id=ana)
        assert (event["status"], event["evidence"]) == ("REVOKED", word)


async def seen_of(desk: Office) -> set[str]:
    """Texts of tickets and former names that are left, and nothing of the old log."""
    cutoff = desk.world.clock.at - timedelta(days=31)
    for row in await desk.rows(Activity):
        if row["at"] < cutoff:
            assert row["before"] in (None, ERASED)
            assert row["after"] in (None, ERASED)
        else:
            assert ERASED not in (row["before"], row["after"])
    subjects = {row["subject"] for row in await desk.rows(Ticket)} - {""}
    return subjects | {row["first_name"] for row in await desk.rows(ContactVersion)}


async def test_it_goes_on_where_it_was_ended(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    async with a_world(database_url) as world:
        desk = await an_office(world)
        await a_life(desk)
        await keep_a_month(desk)

        class EndedError(Exception):
            """The machine was turned off."""

        def end(done: int, _: int) -> None:
            raise EndedError(done)

        ended = 0
        while ended < 10:
            try:
                await apply_retention(desk.dependencies, desk.tenant.id, end)
                break
            except EndedError:
                ended += 1
                assert await desk.differences() == []

        assert ended == 3
        erased = [row for row in await desk.rows(Interaction) if row["erased_at"]]
        assert len(erased) == 8
        assert (await apply_retention(desk.dependencies, desk.tenant.id)).is_empty


async def test_everything_goes_on_afterwards(database_url: str) -> None:
    """Replays, conflicts, late ones of the same instant, retractions, merges, an erasure."""
    async with a_world(database_url) as world:
        desk = await an_office(world)
        ana = await a_life(desk)
        await keep_a_month(desk)
        old = min(await desk.rows(Interaction, owner_id=ana), key=lambda row: row["position"])
        named = {"identity": ANA, "occurred_at": old["occurred_at"]}
        await apply_retention(desk.dependencies, desk.tenant.id)

        again = await desk.report(old["external_id"], **named, text="hola")
        assert again == Recorded(old["id"], replayed=True)
        other = await desk.report(old["external_id"], **named, text="adiós")
        assert isinstance(other, IdempotencyConflict)
        await _admit_late(desk, named)
        assert await desk.differences() == []
        await retract_interaction(desk.dependencies, desk.viewer, old["id"], "a test")
        luz = (await desk.rows(ContactIdentity, channel="WEBCHAT"))[0]["owner_id"]
        await desk.merge(luz, ana)
        assert await desk.differences() == []
        await apply_retention(desk.dependencies, desk.tenant.id)
        await unmerge_contact(desk.dependencies, desk.viewer, luz)
        assert await desk.differences() == []
        await desk.erase(ana)
        assert await desk.differences() == []
        assert "hola" not in repr(await world.dump())


async def _admit_late(desk: Office, named: dict[str, Any]) -> None:
    """Something of the very instant, source and kind of a skeleton comes late."""
    for external_id in ("00", "zz"):
        assert isinstance(await desk.report(external_id, **named, text="tarde"), TooLate)
    for row in await desk.rows(QuarantinedInteraction, erased_at=None):
        if row["external_id"] in ("00", "zz"):
            await admit_interaction(desk.dependencies, desk.viewer, row["id"])


async def test_superseded_sessions_of_kin_forget_external_ids_too(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk = await an_office(world)
        ana, luz = await desk.met(ANA), await desk.met(LUZ)
        await desk.record("of luz", identity=LUZ, channel=ChannelKind.WEBCHAT)
        world.clock.advance(hours=1)
        told = {"kind": InteractionKind.COMPANY_MESSAGE, "actor": Lane.BOT}
        await desk.record("secret-of-ana", identity=ANA, **told)
        await desk.merge(ana, luz)
        await unmerge_contact(desk.dependencies, desk.viewer, ana)
        world.clock.advance(days=40)
        await keep_a_month(desk)

        await apply_retention(desk.dependencies, desk.tenant.id)

        assert "secret-of-ana" not in repr(await world.dump())
        assert await desk.differences() == []


async def test_everything_is_kept_for_ever_where_nobody_says_how_long(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk = await an_office(world)
        await a_life(desk)
        assert [row["retention_months"] for row in await desk.rows(Workspace)] == [24]
        world.clock.advance(days=800)
        await set_retention(desk.dependencies, desk.viewer, None)
        before = await world.dump()

        done = await apply_retention(desk.dependencies, desk.tenant.id)

        assert (done.before, done.is_empty) == (None, True)
        assert await world.dump() == before


async def test_one_workspace_is_none_of_another(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk, other = await an_office(world), await an_office(world)
        await a_life(desk)
        await a_life(other)
        await keep_a_month(desk)

        await apply_retention(desk.dependencies, desk.tenant.id)

        assert {row["erased_at"] for row in await other.rows(Interaction)} == {None}
        assert await other.rows(ConsentEvent)
        assert await other.differences() == []
        assert await other.rows(Contact, erased_at=None)


@pytest.mark.parametrize("months", [0, -1, 1201])
async def test_bad_times_are_refused(sqlite_url: str, months: int) -> None:
    async with a_world(sqlite_url) as world:
        desk = await an_office(world)
        before = await world.dump()

        with pytest.raises(InvalidInput) as raised:
            await set_retention(desk.dependencies, desk.viewer, months)

        assert raised.value.path == ("months",)
        assert await world.dump() == before


async def test_setting_it_is_for_admins_and_noted_once(world_of: World) -> None:
    desk = await an_office(world_of)
    operator = Viewer(
        desk.tenant.id, "key_1", "x", frozenset(Scope), user_id="u", role=Role.OPERATOR
    )
    with pytest.raises(Forbidden):
        await set_retention(desk.dependencies, operator, 12)
    for _ in range(2):
        await set_retention(desk.dependencies, desk.viewer, 12)

    [row] = await desk.rows(Activity, verb=Verb.SET_RETENTION)
    assert (row["before"], row["after"]) == ({"retentionMonths": 24}, {"retentionMonths": 12})
    assert row["subject_id"] == desk.tenant.id


@pytest.fixture
async def world_of(database_url: str) -> Any:
    """A running app."""
    async with a_world(database_url) as world:
        yield world
