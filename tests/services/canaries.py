"""A person of whom every column that can tell something of a person tells something.

Each text is one that nobody else has, so that a copy of it is found wherever it is left.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import SQLModel

from tests.services.office import Identity, Office
from trenza.domain.access import Privacy, Role
from trenza.domain.channel import ChannelKind
from trenza.domain.consent import ConsentPurpose, ConsentStatus
from trenza.domain.contact import LifecycleStage
from trenza.domain.custom_field import FieldType
from trenza.domain.erasure import texts_in
from trenza.domain.errors import TooLate
from trenza.domain.interaction import InteractionKind, Lane, Language
from trenza.services.consent import SetConsent, set_consent
from trenza.services.contact import UpsertContact, upsert_contact, upsert_contacts
from trenza.services.contact_list import ChangeList, CreateList, add_to_list, create_list
from trenza.services.custom_field import DefineCustomField, define_custom_field
from trenza.services.do_not_contact import SetDoNotContact, set_do_not_contact
from trenza.services.erasure import whole_person
from trenza.services.group import create_group
from trenza.services.identity_policy import BlockAddress, block_address
from trenza.services.interaction import retract_interaction
from trenza.services.merge import unmerge_contact
from trenza.services.ticket import OpenTicket, open_ticket
from trenza.storage.person import HELD, PERSONAL, list_rows

MARK = "zqcanary"
DIGITS = "5550987654"
PHONE: Identity = (ChannelKind.WHATSAPP, f"+52 {DIGITS}")
SAME_PHONE: Identity = (ChannelKind.SMS, f"+52{DIGITS}")
MAIL: Identity = (ChannelKind.EMAIL, f"{MARK}mail@example.com")
WEB: Identity = (ChannelKind.WEBCHAT, f"{MARK}web")
OTHER: Identity = (ChannelKind.PUSH, f"{MARK}device")
KIN: Identity = (ChannelKind.WEBCHAT, "a-relative")
WORDS = frozenset(
    "birth_on language zone country stage assigned_user_id assigned_group_id content_hash".split()
)
"""Columns that hold no text of one's own: a word of few, a date, an id or a hash."""
CROWD = 300


@dataclass(frozen=True)
class Planted:
    """The person, somebody who was merged with the person once, and another who never was."""

    contact_id: str
    kin_id: str
    texts: frozenset[str]
    """All that must be gone: what has the mark, and hashes of what was said."""


async def plant(desk: Office) -> Planted:
    """Has everything happen to a person, among a crowd of others."""
    await crowd(desk, 0)
    contact_id, kin_id = await _meet(desk)
    await _speak(desk, contact_id)
    await _attend(desk, contact_id)
    await crowd(desk, CROWD)
    return Planted(contact_id, kin_id, frozenset([t async for t in _found(desk, contact_id)]))


async def crowd(desk: Office, first: int) -> None:
    """Others, each with a message, so that rows fill pages and indexes split."""
    numbers = range(first, first + CROWD)
    people = [
        UpsertContact(
            identities=[(ChannelKind.EMAIL, f"n{n}@example.com"), (ChannelKind.WEBCHAT, f"w{n}")],
            first_name=f"Name {n}",
            company=f"Company {n % 7}",
        )
        for n in numbers
    ]
    await upsert_contacts(desk.dependencies, desk.viewer, people)
    for n in numbers[::3]:
        await desk.record(f"crowd-{n}", identity=(ChannelKind.EMAIL, f"n{n}@example.com"), text="x")


async def _meet(desk: Office) -> tuple[str, str]:
    """The person: two contacts that became one, with kin that were one with it for a while."""
    for key in ("shoe", "nick"):
        field = DefineCustomField(key, key, FieldType.STRING, Privacy.SENSITIVE)
        await define_custom_field(desk.dependencies, desk.viewer, field)
    contact_id = await desk.met(
        PHONE,
        MAIL,
        first_name=f"{MARK}first",
        last_name=f"{MARK.upper()}LAST",
        birth_on=date(1931, 2, 3),
        language=Language.PT,
        time_zone="Antarctica/Troll",
        company=f"{MARK}company",
        country="AQ",
        stage=LifecycleStage.SALE,
        custom_fields=[("shoe", f"{MARK}shoe")],
    )
    desk.clock.advance(hours=1)
    named = UpsertContact(id=contact_id, display_name=f"{MARK}display", first_name=f"{MARK}second")
    await upsert_contact(desk.dependencies, desk.viewer, named)
    kin_id = await desk.met(KIN, first_name="Relative")
    desk.clock.advance(hours=1)
    await desk.merge(contact_id, kin_id)
    desk.clock.advance(hours=1)
    # The kin's log and history now tell of the person's address and fields.
    await desk.met(KIN, SAME_PHONE, last_name="Other")
    await desk.record(
        f"{MARK}together", identity=PHONE, kind=InteractionKind.COMPANY_MESSAGE, actor=Lane.HUMAN
    )
    await desk.record("kin-message", identity=KIN, channel=ChannelKind.WEBCHAT)
    desk.clock.advance(hours=1)
    await unmerge_contact(desk.dependencies, desk.viewer, contact_id)
    desk.clock.advance(hours=1)
    await desk.merge(await _second(desk), contact_id)
    return contact_id, kin_id


async def _second(desk: Office) -> str:
    return await desk.met(
        WEB,
        OTHER,
        city=f"{MARK}city",
        department=f"{MARK}department",
        origin=f"{MARK}origin",
        tags=[f"{MARK}tag"],
        custom_fields=[("nick", f"{MARK}nick")],
    )


async def _speak(desk: Office, contact_id: str) -> None:
    """Messages: by address and by id, one retracted, two too late; and what was allowed."""
    at = desk.clock.at
    for n, identity in enumerate((PHONE, MAIL, WEB, PHONE)):
        told = {"identity": identity, "channel": identity[0], "text": f"{MARK}said {n}"}
        await desk.record(f"{MARK}message{n}", occurred_at=at - timedelta(hours=30 * n), **told)
    taken = await desk.record(f"{MARK}taken", contact_id=contact_id, text=f"{MARK}back")
    await retract_interaction(desk.dependencies, desk.viewer, taken, f"{MARK}retracted")
    ways: tuple[dict[str, Any], ...] = ({"identity": SAME_PHONE}, {"contact_id": contact_id})
    for n, named in enumerate(ways):
        early = {"occurred_at": at - timedelta(days=50), "text": f"{MARK}late {n}"}
        assert isinstance(await desk.report(f"{MARK}late{n}", **named, **early), TooLate)
    consent = SetConsent(
        contact_id,
        ConsentPurpose.MARKETING,
        ConsentStatus.GRANTED,
        identity=MAIL,
        external_id=f"{MARK}consent",
        evidence=f"{MARK}evidence",
    )
    await set_consent(desk.dependencies, desk.viewer, consent)
    block = SetDoNotContact(contact_id, f"{MARK}reason", identity=MAIL)
    await set_do_not_contact(desk.dependencies, desk.viewer, block)


async def _attend(desk: Office, contact_id: str) -> None:
    """A ticket, a list, somebody who looks after the person, an address that is blocked."""
    _, user_id = await desk.tenant.person(Role.AGENT)
    group_id = await create_group(desk.dependencies, desk.viewer, "Everybody")
    for told in (
        UpsertContact(contact_id, assigned_user_id=user_id, assigned_group_id=group_id),
        UpsertContact(contact_id, last_name=f"{MARK}last"),
    ):
        desk.clock.advance(hours=1)
        await upsert_contact(desk.dependencies, desk.viewer, told)
    ticket = OpenTicket(contact_id, f"{MARK}subject")
    await open_ticket(desk.dependencies, desk.viewer, ticket)
    list_id = await create_list(desk.dependencies, desk.viewer, CreateList("Everybody"))
    await add_to_list(desk.dependencies, desk.viewer, ChangeList(list_id, [contact_id]))
    blocked = BlockAddress(*OTHER, f"{MARK}note")
    await block_address(desk.dependencies, desk.viewer, blocked)


async def _found(desk: Office, contact_id: str) -> Any:
    """The texts of the person's rows, as they are stored."""
    for table, column, value in [each async for each in stored(desk, contact_id)]:
        for text in texts_in(value):
            if is_canary(text) or (table, column) in HASHES:
                yield text


HASHES = {
    ("interaction", "content_hash"),
    ("quarantined_interaction", "content_hash"),
    ("consent_event", "content_hash"),
}


def is_canary(text: str) -> bool:
    """Whether a text is the person's own."""
    return MARK in text.lower() or DIGITS in text


async def stored(desk: Office, contact_id: str) -> Any:
    """Every value of a personal column in a row of a person: table, column, value."""
    database = desk.dependencies.database
    async with database.read(desk.tenant.id) as connection:
        person = await whole_person(connection, desk.tenant.id, contact_id)
        for table in HELD.values():
            for row in await list_rows(connection, person, table):
                for column in PERSONAL.get(table.name, ()):
                    yield table.name, column, row[column]


async def leftovers(desk: Office, texts: frozenset[str]) -> list[str]:
    """Where in any row of any table one of the texts still stands, or anything with the mark."""
    left = []
    async with desk.dependencies.database.across_workspaces().read() as connection:
        for table in SQLModel.metadata.sorted_tables:
            for row in await connection.execute(select(table)):
                said = " ".join(_texts(row))
                if is_canary(said) or any(text in said for text in texts):
                    left.append(f"{table.name}: {said}")
    return left


def _texts(row: Any) -> Iterator[str]:
    for value in row:
        yield from texts_in(value)
