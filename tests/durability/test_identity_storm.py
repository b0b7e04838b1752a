"""Many writers at once on identities that overlap: each address has one live owner in the end."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from random import Random

import pytest
from sqlalchemy import select

from tests.durability.audit import audit
from tests.durability.conftest import House
from tests.properties.seeds import any_seed
from tests.scale import scale
from trenza.domain.access import Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.errors import Conflict, DomainError
from trenza.domain.interaction import InteractionKind
from trenza.services.access import act_as_system
from trenza.services.contact import UpsertContact, Upserted, upsert_contact
from trenza.services.interaction import Arrival, RecordInteraction, record_interactions
from trenza.services.merge import unmerge_contact
from trenza.storage import ContactAddress, ContactIdentity
from trenza.storage.engine import Database

WRITERS = 32
ROUNDS = scale(2, 40)
Identity = tuple[ChannelKind, str]


@pytest.fixture
async def house(house: House) -> AsyncIterator[House]:
    """The house with a connection for each writer."""
    database = Database(house.database_url, pool_size=WRITERS)
    house.world.parts = replace(
        house.world.parts, dependencies=replace(house.dependencies, database=database)
    )
    yield house
    await database.close()


def pool(size: int) -> list[Identity]:
    """Phones on two channels, e-mails and ids, so that a phone's owner is found by either."""
    found: list[Identity] = []
    for n in range(size):
        phone = f"+5255{10_000_000 + n}"
        found += [(ChannelKind.WHATSAPP, phone), (ChannelKind.SMS, phone)]
        found += [(ChannelKind.EMAIL, f"p{n}@example.com"), (ChannelKind.WEBCHAT, f"visit-{n}")]
    return found


def address_of(identity: Identity) -> tuple[str, str]:
    """Where an identity is unique, and its address."""
    channel, address = identity
    is_phone = channel in (ChannelKind.WHATSAPP, ChannelKind.SMS)
    return ("PHONE" if is_phone else channel), address


def components(groups: Sequence[Sequence[Identity]]) -> set[frozenset[tuple[str, str]]]:
    """The addresses that were named together, directly or by way of others."""
    found: list[set[tuple[str, str]]] = []
    for group in groups:
        joined = {address_of(each) for each in group}
        for part in [part for part in found if part & joined]:
            found.remove(part)
            joined |= part
        found.append(joined)
    return set(map(frozenset, found))


async def report(house: House, viewer: Viewer, number: int, identity: Identity) -> None:
    """Records a message of the one who has an identity."""
    now = house.dependencies.clock.now()
    request = RecordInteraction(
        channel=identity[0],
        kind=InteractionKind.CUSTOMER_MESSAGE,
        occurred_at=now,
        external_id=f"m{number}",
        identity=identity,
    )
    await record_interactions(house.dependencies, viewer, [Arrival(request, now)])


async def owners(house: House) -> dict[str, set[tuple[str, str]]]:
    """The addresses of each live contact, each of which has one holder."""
    address, identity = ContactAddress.__table__, ContactIdentity.__table__
    async with house.dependencies.database.read(house.tenant.id) as connection:
        held = (await connection.execute(select(address.c.space, address.c.address))).all()
        rows = await connection.execute(
            select(identity.c.space, identity.c.address, identity.c.owner_id)
        )
        found: dict[str, set[tuple[str, str]]] = {}
        for space, value, owner_id in rows:
            found.setdefault(owner_id, set()).add((space, value))
    assert len(held) == len(set(held)) == sum(map(len, found.values()))
    return found


@pytest.mark.parametrize("size", [3, 12])
async def test_overlapping_upserts_end_as_the_connected_components(house: House, size: int) -> None:
    seed = any_seed()
    random = Random(seed)
    viewer = await act_as_system(house.dependencies, house.tenant.id)
    identities, groups = pool(size), list[Sequence[Identity]]()
    for _ in range(ROUNDS):
        storm = [random.sample(identities, random.randint(1, 3)) for _ in range(WRITERS)]
        reported = random.sample(identities, 6)
        answers = await asyncio.gather(
            *(
                upsert_contact(house.dependencies, viewer, UpsertContact(identities=group))
                for group in storm
            ),
            *(report(house, viewer, len(groups) + n, each) for n, each in enumerate(reported)),
        )
        groups += [*storm, *([each] for each in reported)]
        assert all(isinstance(each, Upserted) for each in answers[:WRITERS])

    found = await audit(house.dependencies, house.tenant.id)

    assert set(map(frozenset, (await owners(house)).values())) == components(groups), seed
    live = [row for row in found.contacts if row["merged_into_id"] is None]
    assert len(live) == len(components(groups)), seed


async def test_merges_unmerges_and_reports_at_once_leave_true_books(house: House) -> None:
    seed = any_seed()
    random = Random(seed)
    viewer = await act_as_system(house.dependencies, house.tenant.id)
    identities = pool(3)

    async def unmerge(contact_id: str) -> None:
        try:
            await unmerge_contact(house.dependencies, viewer, contact_id)
        except Conflict:
            return

    for turn in range(ROUNDS * 2):
        ids = [row["id"] for row in (await audit(house.dependencies, viewer.workspace_id)).contacts]
        work = [
            *(unmerge(each) for each in ids),
            *(report(house, viewer, 1000 * turn + n, random.choice(identities)) for n in range(8)),
            *(
                upsert_contact(
                    house.dependencies,
                    viewer,
                    UpsertContact(identities=random.sample(identities, 2)),
                )
                for _ in range(8)
            ),
        ]
        random.shuffle(work)
        answers = await asyncio.gather(*work, return_exceptions=True)
        unexpected = [e for e in answers if isinstance(e, Exception)]
        assert [e for e in unexpected if not isinstance(e, DomainError)] == [], seed

    await audit(house.dependencies, viewer.workspace_id)
    await owners(house)
