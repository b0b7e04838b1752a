"""A small workspace made at random, row by row, to ask segments about."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.services.books import Books
from trenza.domain.channel import CHANNELS, ChannelKind
from trenza.domain.consent import (
    ConsentEvent,
    ConsentPurpose,
    ConsentStatus,
    ReachedIdentity,
    consents_at,
)
from trenza.domain.contact import LifecycleStage
from trenza.domain.ids import Prefix, session_id_of
from trenza.domain.instant import instant_text
from trenza.domain.interaction import InteractionKind, SessionLane
from trenza.domain.text import searchable
from trenza.domain.ticket import TicketStatus
from trenza.storage.campaign import CAMPAIGN, TOUCH
from trenza.storage.consent import CONSENT
from trenza.storage.contact import ADDRESS, CONTACT, IDENTITY
from trenza.storage.contact_list import LIST, LIST_MEMBER
from trenza.storage.interaction import INTERACTION
from trenza.storage.journey import ENROLLMENT, JOURNEY
from trenza.storage.ledger import LEDGER
from trenza.storage.session import SESSION
from trenza.storage.ticket import TICKET

Row = dict[str, Any]

TEXTS = ("Ñandú", "nandu", "50%", "a_b", "O'Brien", "ÁVILA", "x")
TAGS = ("vip", "Ñ'\"", "a b")
KEYS = ("size", "since", "vip", "code_9")
DAYS = ("2026-02-28", "2024-02-29", "2026-09-10", "1999-12-31")
BORN = "1990-02-28 1992-02-29 1980-12-31 1999-09-10 2000-09-12 2001-01-01 1970-03-01".split()
PEOPLE = 14
SPAN_DAYS = 12


@dataclass
class SegmentWorld:
    """The rows that were stored, by table, and when it is now."""

    at: datetime
    contacts: list[Row] = field(default_factory=list)
    identities: list[Row] = field(default_factory=list)
    interactions: list[Row] = field(default_factory=list)
    sessions: list[Row] = field(default_factory=list)
    entries: list[Row] = field(default_factory=list)
    tickets: list[Row] = field(default_factory=list)
    touches: list[Row] = field(default_factory=list)
    enrollments: list[Row] = field(default_factory=list)
    members: list[Row] = field(default_factory=list)
    consents: list[Row] = field(default_factory=list)
    named: dict[str, list[str]] = field(default_factory=dict)
    """The ids of lists, campaigns and journeys, by the noun."""

    def granted(self, owner_id: str) -> list[tuple[ReachedIdentity, ConsentPurpose]]:
        """The identities of a contact by which it has granted consent, and for what."""
        said = [
            ConsentEvent(
                row["id"],
                ReachedIdentity(row["channel"], row["address"]),
                row["purpose"],
                row["status"],
                row["occurred_at"],
                row["expires_at"],
                row["source"],
                row["external_id"],
            )
            for row in self.consents
            if row["owner_id"] == owner_id
        ]
        return [
            (consent.event.identity, consent.event.purpose)
            for consent in consents_at(said, self.at)
            if consent.in_force and consent.event.status is ConsentStatus.GRANTED
        ]


class Making:
    """Makes the rows of one world of a random source."""

    def __init__(self, books: Books, random: Random) -> None:
        self._books = books
        self._random = random
        self.world = SegmentWorld(books.clock.at)

    async def make(self) -> SegmentWorld:
        """A world that is stored."""
        await self._name()
        for n in range(PEOPLE):
            self.world.contacts.append(self._contact(n))
        self._merge()
        for contact in self.world.contacts:
            self._spend(contact)
        await self._store()
        return self.world

    def _id(self, prefix: Prefix) -> str:
        return self._books.dependencies.new_id(prefix)

    def _maybe(self, choices: Sequence[Any], share: float = 0.6) -> Any:
        return self._random.choice(choices) if self._random.random() < share else None

    def _instant(self) -> datetime:
        """Within the last days; often at a turn of days, as the edges of periods are."""
        whole = timedelta(days=self._random.randrange(SPAN_DAYS + 1))
        edge = self._random.choice([-1, 0, 0, 1, self._random.randrange(10**10)])
        return min(self.world.at, self.world.at - whole + timedelta(microseconds=edge))

    async def _name(self) -> None:
        at, shared = self.world.at, {"workspace_id": self._books.workspace_id}
        for noun, prefix, table, more in (
            ("list", Prefix.LIST, LIST, {"updated_at": at}),
            ("campaign", Prefix.CAMPAIGN, CAMPAIGN, {"channel": "EMAIL"}),
            ("journey", Prefix.JOURNEY, JOURNEY, {"stage": "SALE"}),
        ):
            ids = [self._id(prefix) for _ in range(2)]
            self.world.named[noun] = ids
            rows = [{"id": id, "name": id[-9:], "created_at": at} | more | shared for id in ids]
            await self._write([(table, rows)])

    def _contact(self, n: int) -> Row:
        random = self._random
        names = {name: self._maybe(TEXTS) for name in ("display_name", "first_name", "last_name")}
        custom = {key: self._custom() for key in KEYS if random.random() < 0.7}
        id = self._id(Prefix.CONTACT)
        created = self._instant()
        return {
            "workspace_id": self._books.workspace_id,
            "id": id,
            "root_id": id,
            "merged_into_id": None,
            "merged_at": None,
            **names,
            "name_searchable": searchable("\n".join(each for each in names.values() if each)),
            "birth_on": self._maybe([date.fromisoformat(each) for each in BORN]),
            "language": self._maybe(["es", "pt"]),
            "zone": self._maybe(["America/Bogota"]),
            "company": self._maybe(TEXTS),
            "department": self._maybe(TEXTS),
            "city": self._maybe(TEXTS),
            "country": self._maybe(["MX", "BR"]),
            "stage": self._maybe(list(LifecycleStage)),
            "origin": self._maybe(TEXTS),
            "tags": random.sample(TAGS, random.randrange(len(TAGS) + 1)),
            "custom": custom,
            "created_at": created,
            "updated_at": max(created, self._instant()),
            "erased_at": self.world.at if n == PEOPLE - 1 else None,
        }

    def _custom(self) -> Any:
        random = self._random
        return random.choice(
            [None, True, False, 0, 3, -2.5, 0.1, 10**12, *TEXTS, *DAYS, ["x"], {"x": 1}]
        )

    def _merge(self) -> None:
        """Two contacts are part of others: they own nothing themselves."""
        for source, target in ((0, 1), (2, 3)):
            root = self.world.contacts[target]["id"]
            merged = {"root_id": root, "merged_into_id": root, "merged_at": self.world.at}
            self.world.contacts[source] |= merged

    def _spend(self, contact: Row) -> None:
        """What one contact has; of a merged one, what its root owns."""
        random = self._random
        of = {
            "workspace_id": self._books.workspace_id,
            "contact_id": contact["id"],
            "owner_id": contact["root_id"],
        }
        for channel in random.sample(list(ChannelKind), random.randrange(3)):
            address = f"{channel}-{contact['id']}"
            space = CHANNELS[channel].address_space
            row = {"channel": channel, "address": address, "space": space}
            self.world.identities.append({**of, **row, "created_at": self.world.at})
        for _ in range(random.randrange(7)):
            self._interact(of)
        for status in random.sample(list(TicketStatus), random.randrange(4)):
            self.world.tickets.append(
                {
                    **of,
                    "id": self._id(Prefix.TICKET),
                    "number": len(self.world.tickets) + 1,
                    "subject": "A",
                    "visibility": "PUBLIC",
                    "status": status,
                    "opened_at": self._instant(),
                }
            )
        for campaign_id in random.sample(self.world.named["campaign"], random.randrange(2)):
            touch = {"id": self._id(Prefix.CAMPAIGN_TOUCH), "campaign_id": campaign_id}
            when = {"channel": "EMAIL", "touched_at": self.world.at}
            self.world.touches.append({**of, **touch, **when})
        for journey_id in random.sample(self.world.named["journey"], random.randrange(2)):
            step = {"id": self._id(Prefix.JOURNEY_ENROLLMENT), "journey_id": journey_id}
            self.world.enrollments.append({**of, **step, "enrolled_at": self.world.at})
        for _ in range(random.choice([0, 0, 3, 8])):
            self._consent(of)
        for list_id in random.sample(self.world.named["list"], random.randrange(3)):
            self.world.members.append({**of, "list_id": list_id, "added_at": self.world.at})

    def _consent(self, of: Row) -> None:
        """Something said about consent, often at the same instant as something else."""
        random = self._random
        at = self.world.at - timedelta(days=random.randrange(-1, 4))
        channel = random.choice(list(ChannelKind)[:2])
        ends = [None, self.world.at, at + timedelta(days=1), self.world.at + timedelta(days=9)]
        id = self._id(Prefix.CONSENT)
        self.world.consents.append(
            {
                **of,
                "id": id,
                "channel": channel,
                "address": f"{channel}-{of['contact_id']}",
                "purpose": random.choice(list(ConsentPurpose)[:2]),
                "status": random.choice([ConsentStatus.GRANTED, *ConsentStatus]),
                "source": "test",
                "external_id": id,
                "content_hash": "",
                "occurred_at": at,
                "recorded_at": at,
                "expires_at": random.choice(ends),
            }
        )

    def _interact(self, of: Row) -> None:
        random = self._random
        at, id = self._instant(), self._id(Prefix.INTERACTION)
        position = f"{instant_text(at)}01{id}"
        channel = random.choice([ChannelKind.EMAIL, ChannelKind.WHATSAPP])
        self.world.interactions.append(
            {
                **of,
                "id": id,
                "kind": random.choice(list(InteractionKind)[:8]),
                "channel": channel,
                "occurred_at": at,
                "recorded_at": at,
                "position": position,
                "source": "test",
                "content_hash": "",
                "outcome": "FREE",
                "rule_code": "FREE_SURVEY",
                "retracted_at": self._maybe([self.world.at], 0.15),
            }
        )
        if random.random() < 0.6:
            session_id = session_id_of(id)
            self.world.sessions.append(
                {
                    "workspace_id": of["workspace_id"],
                    "id": session_id,
                    "owner_id": of["owner_id"],
                    "channel": channel,
                    "lane": random.choice(list(SessionLane)),
                    "opened_at": at,
                    "expires_at": at + timedelta(hours=24),
                    "opened_position": position,
                    "superseded_at": self._maybe([self.world.at], 0.2),
                }
            )
            self._debit(session_id, at)

    def _debit(self, session_id: str, at: datetime) -> None:
        """A debit, and perhaps the reversal that counts later."""
        debit = self._entry("DEBIT", 1, session_id, at)
        if self._random.random() < 0.3:
            later = {"counts_at": self._instant(), "debit_counts_at": at}
            self._entry("REVERSAL", -1, session_id, at, supersedes=debit, **later)

    def _entry(self, kind: str, amount: int, session_id: str, at: datetime, **more: Any) -> int:
        sequence = len(self.world.entries) + 1
        row = {
            "workspace_id": self._books.workspace_id,
            "sequence": sequence,
            "id": self._id(Prefix.DEBIT),
            "kind": kind,
            "amount": amount,
            "effective_at": at,
            "recorded_at": self.world.at,
            "counts_at": at,
            "debit_counts_at": None,
            "reason": "OPENED",
            "session_id": session_id,
            "supersedes": None,
        }
        self.world.entries.append(row | more)
        return sequence

    async def _store(self) -> None:
        world = self.world
        addresses = [
            {name: row[name] for name in ("workspace_id", "space", "address", "contact_id")}
            for row in world.identities
        ]
        contacts = sorted(world.contacts, key=lambda row: row["id"] != row["root_id"])
        await self._write(
            [
                (CONTACT, contacts),
                (ADDRESS, addresses),
                (IDENTITY, world.identities),
                (INTERACTION, world.interactions),
                (SESSION, world.sessions),
                (LEDGER, world.entries),
                (TICKET, world.tickets),
                (TOUCH, world.touches),
                (ENROLLMENT, world.enrollments),
                (LIST_MEMBER, world.members),
                (CONSENT, world.consents),
            ]
        )

    async def _write(self, writings: Sequence[tuple[Any, Sequence[Row]]]) -> None:
        async def work(connection: AsyncConnection) -> None:
            for table, rows in writings:
                if rows:
                    await connection.execute(insert(table), list(rows))

        await self._books.database.write(work, self._books.workspace_id)


async def make_world(books: Books, random: Random) -> SegmentWorld:
    """A world of a random source, stored in the workspace of the books."""
    return await Making(books, random).make()
