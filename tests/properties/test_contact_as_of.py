"""Contacts as they were: what is answered of an instant is what was answered at it.

A workspace lives through writes, merges and their undoing, and consent that is told in time and
late. Before and at each change everybody is looked at; in the end each of these looks is asked for
by its instant, from plans and from the reference path.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from tests.properties.seeds import any_seed
from tests.scale import scale
from tests.world import Client, World, a_world, text_of
from trenza.domain.access import Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.consent import ConsentPurpose, ConsentStatus
from trenza.domain.contact import LifecycleStage
from trenza.domain.custom_field import FieldType
from trenza.domain.errors import Conflict
from trenza.services.access import act_as_system
from trenza.services.consent import SetConsent, set_consent
from trenza.services.contact import UpsertContact, upsert_contact
from trenza.services.custom_field import DefineCustomField, define_custom_field
from trenza.services.merge import MergeContacts, merge_contacts, unmerge_contact
from trenza.storage.reachable import find_held

HISTORIES = scale(2, 100)
STEPS = 30
START = datetime(2026, 11, 20, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
AT_ONCE = 2
POOL = [
    *((channel, f"+52555012345{n}") for channel in ("WHATSAPP", "SMS") for n in range(4)),
    *(("EMAIL", f"p{n}@example.com") for n in range(4)),
    *(("WEBCHAT", f"visit-{n}") for n in range(4)),
]
FRAGMENT = """
fragment Person on Contact {
  id displayName firstName lastName birthOn language timeZone company city country stage origin
  department tags customFields { key name type value privacy } size: customField(key: "size") {
    value
  }
  assignedUser { id } assignedGroup { id } createdAt mergedAt erasedAt
  identities { channel address createdAt consents { purpose status inForce since expiresAt } }
  consents { channel address purpose status inForce since expiresAt source evidence }
  mergedInto { id company tags mergedInto { id city } identities { address } }
  mergedFrom { id stage mergedAt mergedInto { id } mergedFrom { id consents { status } } }
}
"""
NOW = "query ($ids: [ID!]!) { nodes(ids: $ids) { ...Person } }" + FRAGMENT


def as_of(count: int) -> str:
    """A document that asks for several contacts, each as of an instant of its own."""
    numbers = range(count)
    declared = ", ".join(f"$id{n}: ID!, $at{n}: DateTime" for n in numbers)
    asked = " ".join(f"c{n}: contact(id: $id{n}, at: $at{n}) {{ ...Person }}" for n in numbers)
    return f"query ({declared}) {{ {asked} }} {FRAGMENT}"


Look = tuple[str, datetime, Any]
"""Whom was looked at, when, and what was seen: nothing before there was such a contact."""


class History:
    """One workspace's life, and all that was seen of it."""

    def __init__(self, world: World, client: Client, viewer: Viewer, random: Random) -> None:
        self.world = world
        self.client = client
        self.dependencies = world.parts.dependencies
        self.viewer = viewer
        self.random = random
        self.people: list[str] = []
        self.looks: list[Look] = []
        self.count = 0

    async def step(self) -> None:
        """Something happens, once the instant before has been looked at."""
        passed = self.random.choice([HOUR / 60, HOUR, 6 * HOUR, 20 * HOUR])
        self.world.clock.at += passed - TICK
        await self.look()
        self.world.clock.at += TICK
        happens = [self.upsert, self.merge, self.unmerge, self.speak]
        [chosen] = self.random.choices(happens, [8, 4, 3, 6])
        await chosen()
        await self.look()

    async def look(self) -> None:
        """Sees everybody as they are now."""
        at = self.world.clock.at
        if self.people:
            found = (await self.client.run(NOW, ids=self.people))["nodes"]
            self.looks += [(id, at, seen) for id, seen in zip(self.people, found, strict=True)]

    async def upsert(self) -> None:
        """Writes a contact, or several that its identities lead to and that become one."""
        random = self.random
        self.count += 1
        fields: dict[str, Any] = {
            "first_name": random.choice([f"Ana {self.count}", None]),
            "company": random.choice([f"Uno {self.count}", "Dos", None]),
            "birth_on": random.choice([START.date(), None]),
            "stage": random.choice([*LifecycleStage, None]),
            "city": random.choice([f"Lima {self.count}", None]),
            "tags": random.sample(["a", "b", "c", "ñ"], random.randrange(4)),
            "custom_fields": [("size", random.choice([1, 2.5, None]))],
        }
        chosen = random.sample(list(fields), random.randrange(len(fields)))
        identities = random.sample(POOL, random.choice([1, 1, 2, 3]))
        request = UpsertContact(
            identities=[(ChannelKind(channel), address) for channel, address in identities],
            **{name: fields[name] for name in chosen},
        )
        answer = await upsert_contact(self.dependencies, self.viewer, request)
        if answer.created:
            self.looks.append((answer.contact_id, self.world.clock.at - TICK, None))
            self.people.append(answer.contact_id)

    async def merge(self) -> None:
        """Makes any two contacts one, where they are not."""
        if len(self.people) > 1:
            source, target = self.random.sample(self.people, 2)
            pair = MergeContacts(source, target)
            try:
                await merge_contacts(self.dependencies, self.viewer, pair)
            except Conflict:
                await self.upsert()

    async def unmerge(self) -> None:
        """Takes somebody out of the contact that they were merged into."""
        merged = [id for id, seen in self.seen().items() if seen["mergedInto"]]
        if merged:
            chosen = self.random.choice(merged)
            await unmerge_contact(self.dependencies, self.viewer, chosen)

    async def speak(self) -> None:
        """Somebody allows or refuses something, now or some time ago, for a time or for good."""
        roots = [id for id, seen in self.seen().items() if not seen["mergedInto"]]
        if not roots:
            return
        random, root_id = self.random, self.random.choice(roots)
        database = self.dependencies.database
        async with database.read(self.viewer.workspace_id) as connection:
            held = await find_held(connection, self.viewer.workspace_id, [root_id])
        said_at = self.world.clock.at - random.choice([0, 0, 1, 30]) * HOUR
        lasts = random.choice([None, HOUR, 40 * HOUR])
        request = SetConsent(
            root_id,
            random.choice([ConsentPurpose.MARKETING, ConsentPurpose.UTILITY]),
            random.choice(list(ConsentStatus)),
            identity=random.choice(held[root_id]).identity,
            occurred_at=said_at,
            expires_at=None if lasts is None else said_at + lasts,
        )
        await set_consent(self.dependencies, self.viewer, request)

    def seen(self) -> dict[str, Any]:
        """Everybody as they were seen last."""
        return {id: seen for id, _, seen in self.looks if seen is not None}


async def check(client: Client, looks: Sequence[Look]) -> None:
    """Fails where what is answered of an instant is not what was answered at it."""
    for first in range(0, len(looks), AT_ONCE):
        asked = looks[first : first + AT_ONCE]
        given: dict[str, str] = {}
        for n, (id, at, _) in enumerate(asked):
            given |= {f"id{n}": id, f"at{n}": text_of(at)}
        found = await client.run(as_of(len(asked)), **given)
        for n, (id, at, seen) in enumerate(asked):
            assert found[f"c{n}"] == seen, (id, text_of(at))


@pytest.mark.parametrize("number", range(HISTORIES))
async def test_what_was_seen_at_an_instant_is_seen_of_it(database_url: str, number: int) -> None:
    seed = any_seed()
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(a_world(database_url, START))
        tenant = await world.tenant(zone="UTC", started_days_ago=150)
        viewer = await act_as_system(world.parts.dependencies, tenant.id)
        size = DefineCustomField("size", "Size", FieldType.NUMBER)
        await define_custom_field(world.parts.dependencies, viewer, size)
        history = History(world, tenant.admin, viewer, Random(seed))
        try:
            for _ in range(STEPS):
                await history.step()
            world.clock.at += timedelta(days=9)
            reference = await stack.enter_async_context(
                a_world(database_url, world.clock.at, read_plan=False)
            )
            answered = world.app.state.planner.answered
            await check(tenant.admin, history.looks)
            assert world.app.state.planner.answered - answered >= len(history.looks) / AT_ONCE
            await check(Client(reference.http, tenant.admin.key), history.looks)
        except Exception as error:
            error.add_note(f"replay it with TRENZA_TEST_SEED={seed}")
            raise
