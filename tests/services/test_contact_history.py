"""What contacts were: rebuilt at any instant from the row and what was superseded."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from tests.graphql.test_statements import statements
from tests.properties.seeds import any_seed
from tests.services.books import utc
from tests.world import World, a_world
from trenza.domain.access import Scope, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.contact import LifecycleStage
from trenza.domain.custom_field import FieldType
from trenza.services.contact import UpsertContact, upsert_contact, upsert_contacts
from trenza.services.custom_field import DefineCustomField, define_custom_field
from trenza.storage.contact import CONTACT, STATE
from trenza.storage.contact_history import STAGE, VERSION

NOON = utc(2026, 11, 20, 12)
CHANGES = 40
ORDERS = {"contact_version": ("contact_id", "until_at"), "contact_stage": ("contact_id", "from_at")}


@pytest.fixture
async def world(database_url: str) -> Any:
    """A world on each of the two databases."""
    async with a_world(database_url, NOON) as found:
        yield found


async def viewer_in(world: World) -> Viewer:
    """Somebody who may do everything in a new workspace."""
    tenant = await world.tenant()
    return Viewer(tenant.id, "key_1", "test", frozenset(Scope), user_id="user_1")


async def rows_of(world: World, table: Any, workspace_id: str) -> list[dict[str, Any]]:
    """Every row of a table in a workspace, those of a contact in the order of time."""
    async with world.parts.dependencies.database.read(workspace_id) as connection:
        found = await connection.execute(
            select(table)
            .where(table.c.workspace_id == workspace_id)
            .order_by(*(table.c[name] for name in ORDERS.get(table.name, ("id",))))
        )
        return [row._asdict() for row in found]


def request(number: int, **fields: Any) -> UpsertContact:
    """What is said of the person of a number."""
    return UpsertContact(identities=[(ChannelKind.PUSH, f"p{number}")], **fields)


def state_of(row: dict[str, Any]) -> dict[str, Any]:
    """What describes a contact, of a row of either table."""
    return {name: row[name] for name in STATE}


async def test_every_state_is_found_again_at_its_instants(world: World) -> None:
    viewer, given = await viewer_in(world), world.parts.dependencies
    random = Random(any_seed())
    await define_custom_field(given, viewer, DefineCustomField("size", "Size", FieldType.NUMBER))
    known: list[tuple[datetime, dict[str, Any]]] = []
    for _ in range(CHANGES):
        fields: dict[str, Any] = {
            "company": random.choice(["Uno", "Dos", None]),
            "department": random.choice(["Ventas", None]),
            "birth_on": random.choice([utc(1990, 1, 31).date(), None]),
            "stage": random.choice([*LifecycleStage, None]),
            "tags": random.sample(["a", "b", "c"], random.randrange(3)),
            "custom_fields": [("size", random.choice([1, 2.5, None]))],
        }
        chosen = random.sample(list(fields), random.randrange(len(fields)))
        await upsert_contact(given, viewer, request(1, **{name: fields[name] for name in chosen}))
        [row] = await rows_of(world, CONTACT, viewer.workspace_id)
        # Several changes at one instant of the clock follow one another by a microsecond.
        known.append((row["described_at"] or row["created_at"], state_of(row)))
        world.clock.at += timedelta(seconds=random.choice([0, 0, 1, 3600]))

    versions = await rows_of(world, VERSION, viewer.workspace_id)
    [row] = await rows_of(world, CONTACT, viewer.workspace_id)
    assert len(versions) == len({at for at, _ in known}) - 1
    for at, state in known:
        found = [each for each in versions if each["from_at"] <= at < each["until_at"]]
        assert [state_of(each) for each in found or [row]] == [state]
    edges = [each["until_at"] for each in versions]
    assert [each["from_at"] for each in versions] == [row["created_at"], *edges[:-1]]
    assert (row["described_at"] or row["created_at"]) == [row["created_at"], *edges][-1]
    check_stages(await rows_of(world, STAGE, viewer.workspace_id), known)


def check_stages(
    stages: Sequence[dict[str, Any]], known: Sequence[tuple[datetime, dict[str, Any]]]
) -> None:
    """The stages are those of the states, without a gap, by whoever changed them."""
    expected: list[tuple[str | None, datetime]] = []
    for at, state in dict(known).items():
        before = expected[-1][0] if expected else None
        if state["stage"] != before:
            expected.append((state["stage"], at))
    assert [(each["stage"], each["from_at"]) for each in stages] == expected
    ends = [*(at for _, at in expected[1:]), None]
    assert [each["until_at"] for each in stages] == ends if expected else not stages
    assert {each["user_id"] for each in stages} <= {"user_1"}


async def test_a_new_contact_and_one_that_stays_leave_nothing(world: World) -> None:
    viewer, given = await viewer_in(world), world.parts.dependencies
    for _ in range(2):
        await upsert_contact(given, viewer, request(1, company="Uno", tags=["a"]))
    mail = [(ChannelKind.PUSH, "p1"), (ChannelKind.EMAIL, "ana@example.com")]
    await upsert_contact(given, viewer, UpsertContact(identities=mail))

    assert await rows_of(world, VERSION, viewer.workspace_id) == []
    assert await rows_of(world, STAGE, viewer.workspace_id) == []


async def test_a_change_with_its_history_is_one_round_trip(world: World) -> None:
    viewer, given = await viewer_in(world), world.parts.dependencies
    new = [request(n, stage=LifecycleStage.SALE) for n in range(40)]
    await upsert_contacts(given, viewer, new)

    costs = []
    for people in (1, 40):
        changes = [
            request(n, company=f"C{people}", stage=LifecycleStage(stage), tags=[f"t{people}"])
            for n in range(people)
            for stage in [("SERVICE" if people == 1 else "AFTER_SALES")]
        ]
        with statements(world) as found:
            await upsert_contacts(given, viewer, changes)
        costs.append(len(found))

    # Who holds the addresses, the lock, identities and states; then everything that is written.
    assert costs == [5, 5]
    assert len(await rows_of(world, VERSION, viewer.workspace_id)) == 41
