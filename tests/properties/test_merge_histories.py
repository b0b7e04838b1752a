"""Contacts that are written, merged, taken apart, met, taken back and erased in any order.

After every few steps what is stored is what the model says: who stands for whom, what is shown of
each, who holds what; the books are audited against the reference model of metering; nothing is left
of what was told of those who are erased.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from tests.durability.audit import audit, stored, touch_of
from tests.properties.merge_model import Model, Person
from tests.properties.seeds import any_seed
from tests.scale import scale
from tests.world import World, a_world
from trenza.channels.contact_file import FileFormat
from trenza.domain.access import Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.consent import ConsentPurpose, ConsentStatus
from trenza.domain.errors import Conflict
from trenza.domain.interaction import InteractionKind, Lane
from trenza.domain.merge import MergeDirection
from trenza.services.access import act_as_system
from trenza.services.consent import SetConsent, set_consent
from trenza.services.contact import UpsertContact, upsert_contacts
from trenza.services.contact_file import ContactFile, Imported, Problem, import_contacts
from trenza.services.erasure import EraseContact, erase_contact
from trenza.services.identity_policy import SetIdentityPolicy, set_identity_policy
from trenza.services.interaction import (
    Arrival,
    Recorded,
    RecordInteraction,
    record_interactions,
    retract_interaction,
)
from trenza.services.merge import MergeContacts, merge_contacts, unmerge_contact
from trenza.storage import ConsentEvent, ContactIdentity

HISTORIES = scale(3, 200)
STEPS = 40
COMPARED_EVERY = 5
HOUR = timedelta(hours=1)
START = datetime(2026, 11, 20, 12, tzinfo=UTC)
FIELDS = ("company", "city", "origin")
POOL = [
    *((c, ("PHONE", f"+52555012345{n}")) for c in ("WHATSAPP", "SMS", "RCS") for n in range(4)),
    *(("EMAIL", ("EMAIL", f"p{n}@example.com")) for n in range(4)),
    *(("WEBCHAT", ("WEBCHAT", f"visit-{n}")) for n in range(4)),
]
KINDS = [
    (InteractionKind.CUSTOMER_MESSAGE, None),
    (InteractionKind.COMPANY_MESSAGE, Lane.HUMAN),
    (InteractionKind.COMPANY_MESSAGE, Lane.BOT),
    (InteractionKind.AUTO_REPLY, None),
]


class History:
    """One workspace's life beside the model of it."""

    def __init__(self, world: World, viewer: Viewer, random: Random) -> None:
        self.world = world
        self.dependencies = world.parts.dependencies
        self.viewer = viewer
        self.random = random
        self.model = Model(random.choice(list(MergeDirection)))
        self.count = 0
        self.interactions: dict[str, str] = {}
        self.requests: dict[str, RecordInteraction] = {}

    async def begin(self) -> None:
        """Sets the direction that the model has."""
        rules = SetIdentityPolicy(direction=MergeDirection(self.model.direction))
        await set_identity_policy(self.dependencies, self.viewer, rules)

    async def step(self) -> None:
        """Something happens, after some time or none."""
        self.world.clock.at += self.random.choice([0, 1, 6, 20]) * timedelta(hours=1)
        happens = {
            self.upsert: 7,
            self.import_: 2,
            self.merge: 3,
            self.unmerge: 3,
            self.record: 8,
            self.retract: 1,
            self.return_: 1,
            self.consent: 2,
            self.erase: 1,
            self.resend: 2,
        }
        [chosen] = self.random.choices(list(happens), list(happens.values()))
        await chosen()

    def meet(self, contact_id: str) -> None:
        """Takes a new contact into the model."""
        if contact_id not in self.model.people:
            made = round(self.world.clock.at.timestamp())
            self.model.people[contact_id] = Person(contact_id, made)

    async def upsert(self) -> None:
        """Writes some contacts in one batch: what each names may lead to several."""
        batch = [
            (self.random.sample(POOL, self.random.randint(1, 3)), self.told())
            for _ in range(self.random.choice([1, 1, 3]))
        ]
        requests = [
            UpsertContact(
                identities=[(ChannelKind(channel), address) for channel, (_, address) in given],
                **told,  # type: ignore[arg-type]
            )
            for given, told in batch
        ]
        answers = await upsert_contacts(self.dependencies, self.viewer, requests)
        for (given, told), answer in zip(batch, answers, strict=True):
            assert not isinstance(answer, Exception), answer
            assert answer.created is (self.model.led_to(given) == [])
            if answer.created:
                self.meet(answer.contact_id)
                self.model.holders[given[0][1]] = answer.contact_id
            before = set(self.model.led_to(given))
            self.model.upsert(given, told)
            [root] = self.model.led_to(given)
            assert (answer.contact_id, set(answer.merged)) == (root, before - {root})

    async def import_(self) -> None:
        """Reads a file of one contact, and the same again, which changes nothing."""
        order = list(ChannelKind)
        chosen = self.random.sample(POOL, self.random.randint(1, 3))
        given = sorted(chosen, key=lambda each: order.index(ChannelKind(each[0])))
        told = self.told()
        row: dict[str, Any] = dict(told)
        for channel, (_, address) in given:
            row.setdefault(channel.lower(), []).append(address)
        known = self.model.led_to(given)

        first, second = await self.imported(row), await self.imported(row)

        assert (first.created, first.refused) == (int(not known), 0)
        assert (second.unchanged, second.rows) == (1, 1)
        if not known:
            channel, (_, address) = given[0]
            contact_id, _ = (await self.identities())[channel, address]
            self.meet(contact_id)
            self.model.holders[given[0][1]] = contact_id
        self.model.upsert(given, told)

    async def imported(self, row: dict[str, Any]) -> Imported:
        """What became of a file of one row."""
        file = ContactFile(lambda: BytesIO(json.dumps(row).encode()), FileFormat.JSON_LINES)
        return await import_contacts(self.dependencies, self.viewer, file, fail, lambda *_: None)

    def told(self) -> dict[str, str]:
        """Some fields with values that nobody had before."""
        self.count += 1
        return {name: f"{name} {self.count}." for name in FIELDS if self.random.random() < 0.4}

    async def merge(self) -> None:
        """Makes any two contacts one, where they are not."""
        if len(self.model.people) < 2:
            return
        source, target = self.random.sample(list(self.model.people), 2)
        goes, stays = self.model.root(source), self.model.root(target)
        try:
            await merge_contacts(self.dependencies, self.viewer, MergeContacts(source, target))
        except Conflict:
            assert goes == stays or any(map(self.model.is_erased, (goes, stays)))
        else:
            assert goes != stays
            assert not any(map(self.model.is_erased, (goes, stays)))
            self.model.links.append((goes, stays))

    async def unmerge(self) -> None:
        """Takes any contact out of the one that it was merged into, where it was."""
        sources = [source for source, _ in self.model.links]
        if sources:
            source = self.random.choice(sources)
            if self.model.is_erased(source):
                with pytest.raises(Conflict):
                    await unmerge_contact(self.dependencies, self.viewer, source)
                return
            await unmerge_contact(self.dependencies, self.viewer, source)
            self.model.unlink(source)
        elif self.model.people:
            with pytest.raises(Conflict):
                await unmerge_contact(self.dependencies, self.viewer, next(iter(self.model.people)))

    async def record(self) -> None:
        """Something happens to somebody, named by an address or by any id, perhaps late."""
        kind, actor = self.random.choice(KINDS)
        channel, (space, address) = self.random.choice(POOL)
        by_id = self.random.choice([None, *self.model.people])
        self.count += 1
        external_id = f"report {self.count}."
        request = RecordInteraction(
            channel=ChannelKind(channel),
            kind=kind,
            occurred_at=self.world.clock.at - self.random.choice([0, 1, 23, 24, 100]) * HOUR,
            external_id=external_id,
            contact_id=by_id,
            identity=None if by_id else (ChannelKind(channel), address),
            actor=actor,
        )
        arrival = Arrival(request, self.world.clock.at)
        [answer] = await record_interactions(self.dependencies, self.viewer, [arrival])
        if by_id is not None and self.model.is_erased(by_id):
            assert isinstance(answer, Conflict)
            return
        assert isinstance(answer, Recorded)
        self.interactions[answer.interaction_id] = external_id
        self.requests[answer.interaction_id] = request
        found = await stored(self.dependencies, self.viewer.workspace_id)
        [row] = [each for each in found.interactions if each["id"] == answer.interaction_id]
        self.meet(row["contact_id"])
        if by_id is None:
            holder = self.model.holders.setdefault((space, address), row["contact_id"])
            self.model.identities.setdefault((channel, address), holder)
        assert row["contact_id"] == (by_id or self.model.holders[space, address])
        self.model.touches[touch_of(row)] = row["contact_id"]
        self.model.people[row["contact_id"]].ever.add(external_id)

    async def retract(self) -> None:
        """Takes something back; it was there all the same."""
        if self.interactions:
            id = self.random.choice(list(self.interactions))
            await retract_interaction(self.dependencies, self.viewer, id, "a test")

    async def consent(self) -> None:
        """Somebody who can be reached allows something."""
        if not self.model.identities:
            return
        (channel, address), holder = self.random.choice(list(self.model.identities.items()))
        self.count += 1
        request = SetConsent(
            self.model.root(holder),
            ConsentPurpose.MARKETING,
            self.random.choice(list(ConsentStatus)),
            identity=(ChannelKind(channel), address),
            evidence=f"evidence {self.count}.",
        )
        await set_consent(self.dependencies, self.viewer, request)
        self.model.people[holder].ever.add(f"evidence {self.count}.")

    async def erase(self) -> None:
        """Erases anybody, by any id: no row of the ledger and no session is another one (I15)."""
        if not self.model.people:
            return
        contact_id = self.random.choice(list(self.model.people))
        was_erased = self.model.is_erased(contact_id)
        before = await stored(self.dependencies, self.viewer.workspace_id)
        request = EraseContact(contact_id, "asked by mail")
        done = await erase_contact(self.dependencies, self.viewer, request)
        assert (done.contact_id, done.replayed) == (self.model.root(contact_id), was_erased)
        self.model.erase(done.contact_id)
        after = await stored(self.dependencies, self.viewer.workspace_id)
        assert (after.ledger, after.head) == (before.ledger, before.head)
        places = {"opened_position", "bound_position"}
        assert [_but(row, places) for row in after.sessions] == [
            _but(row, places) for row in before.sessions
        ]

    async def resend(self) -> None:
        """A report is sent again, of somebody who is erased too: it is known (I2)."""
        if self.requests:
            id, request = self.random.choice(list(self.requests.items()))
            arrival = Arrival(request, self.world.clock.at)
            answers = await record_interactions(self.dependencies, self.viewer, [arrival])
            assert answers == [Recorded(id, replayed=True)]

    async def return_(self) -> None:
        """Two are made one and two again: all is as it was (I9)."""
        people = [id for id in self.model.people if not self.model.is_erased(id)]
        roots = sorted({self.model.root(id) for id in people})
        if len(roots) < 2:
            return
        source, target = self.random.sample(roots, 2)
        before = await self.picture()
        await merge_contacts(self.dependencies, self.viewer, MergeContacts(source, target))
        await unmerge_contact(self.dependencies, self.viewer, source)
        assert await self.picture() == before

    async def picture(self) -> dict[str, Any]:
        """All that a merge may change for a time, but for the ledger, which only grows."""
        found = await stored(self.dependencies, self.viewer.workspace_id)
        current = [row for row in found.sessions if row["superseded_at"] is None]
        # A merge and its undoing are changes too: when the last one was is not taken back.
        hidden = {"updated_at", "described_at"}
        return {
            "contacts": [
                {k: v for k, v in row.items() if k not in hidden} for row in found.contacts
            ],
            "interactions": found.interactions,
            "sessions": current,
            "identities": await self.identities(),
            "consents": await self.consents(),
            "net": found.net_debits,
        }

    async def consents(self) -> list[tuple[str, ...]]:
        """What was said about consent, and whose it is."""
        table = ConsentEvent.__table__
        async with self.dependencies.database.read(self.viewer.workspace_id) as connection:
            columns = (table.c.id, table.c.contact_id, table.c.owner_id, table.c.evidence)
            return sorted(tuple(row) for row in await connection.execute(select(*columns)))

    async def identities(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Who brought each identity and whose it is."""
        table = ContactIdentity.__table__
        async with self.dependencies.database.read(self.viewer.workspace_id) as connection:
            rows = await connection.execute(
                select(table.c.channel, table.c.address, table.c.contact_id, table.c.owner_id)
            )
            return {(row[0], row[1]): (row[2], row[3]) for row in rows}

    async def compare(self) -> None:
        """Fails where what is stored is not what the model says."""
        model = self.model
        found = await audit(self.dependencies, self.viewer.workspace_id, self.interactions)
        above = dict(model.links)
        assert {row["id"]: (row["root_id"], row["merged_into_id"]) for row in found.contacts} == {
            id: (model.root(id), above.get(id)) for id in model.people
        }
        shown = {
            row["id"]: {name: row[name] for name in FIELDS if row[name] is not None}
            for row in found.contacts
        }
        assert shown == {id: model.shown(id) for id in model.people}
        assert await self.identities() == {
            identity: (holder, model.root(holder)) for identity, holder in model.identities.items()
        }
        gone = {text for each in model.people.values() if each.erased for text in each.ever}
        if gone:
            left = repr(await self.world.dump())
            assert {text for text in gone if text in left} == set()


def fail(problem: Problem) -> None:
    """No row of these files has any."""
    raise AssertionError(problem)


def _but(row: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """A row without some columns."""
    return {name: value for name, value in row.items() if name not in names}


@pytest.mark.parametrize("number", range(HISTORIES))
async def test_any_history_of_merges_is_what_the_model_says(database_url: str, number: int) -> None:
    seed = any_seed()
    async with a_world(database_url, START) as world:
        tenant = await world.tenant(zone="UTC", interactionz=500, started_days_ago=150)
        viewer = await act_as_system(world.parts.dependencies, tenant.id)
        history = History(world, viewer, Random(seed))
        try:
            await history.begin()
            for step in range(1, STEPS + 1):
                await history.step()
                if step % COMPARED_EVERY == 0:
                    await history.compare()
        except Exception as error:
            error.add_note(f"replay it with TRENZA_TEST_SEED={seed}")
            raise
