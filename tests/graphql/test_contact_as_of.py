"""`contact(id:, at:)`: what was known of a person at an instant, and what is not told of it."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Boolean, Date, Integer, delete, insert, update
from sqlmodel.sql.sqltypes import UTCDateTime

from tests.graphql.fields import define, upsert, valued
from tests.graphql.test_privacy import CLASSES, ROLES, client_of
from tests.graphql.test_statements import statements
from tests.world import NOON, Client, Tenant, World, a_world, text_of
from trenza.domain.access import Scope
from trenza.graphql.contact import Contact, ContactAsOf
from trenza.graphql.merge import field_name
from trenza.readplan.fields import Column, Computed, One
from trenza.storage.columns import DOCUMENT
from trenza.storage.contact import ADDRESS, CONTACT, DESCRIPTION, IDENTITY, STATE
from trenza.storage.contact_history import VERSION

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
AS_OF = """
query ($id: ID!, $at: DateTime) {
  contact(id: $id, at: $at) {
    city stage tags updatedAt mergedAt mergedInto { id city } mergedFrom { id city }
    identities { address }
  }
}
"""
CONSENTS = """
query ($id: ID!, $at: DateTime, $of: DateTime) {
  contact(id: $id, at: $at) {
    consents(at: $of) { status inForce }
    identities { consents(at: $of) { status inForce } }
  }
}
"""
BESIDE = """
query ($id: ID!, $at: DateTime) {
  contact(id: $id, at: $at) { consents { status } identities { consents { status } } }
  later: contact(id: $id, at: "2026-11-20T12:30:00Z") { consents { status } }
  now: contact(id: $id) { consents { status } }
}
"""
PERSONAL = """
query ($id: ID!, $at: DateTime) {
  contact(id: $id, at: $at) { birthOn customFields { key value } }
}
"""
KEPT_AS_NOW = {"id", "created_at", "erased_at"}
"""Columns of a contact without a history: as of any instant they are what they are now."""
FROM_MERGES = {"merged_into_id", "merged_at"}
SINCE_WHEN = {"updated_at"}
VALUES: dict[Any, tuple[Any, Any]] = {
    Date: (date(1990, 1, 31), date(1977, 7, 7)),
    UTCDateTime: (NOON - HOUR, NOON),
    Integer: (1, 2),
    Boolean: (True, False),
}
"""What a column of a type that is not text holds first, and then."""


async def seen(client: Client, id: str, at: datetime | None) -> Any:
    """A contact as it was; the instant itself is the clock's where there is none."""
    return (await client.run(AS_OF, id=id, at=None if at is None else text_of(at)))["contact"]


def mail(name: str) -> dict[str, str]:
    """An address of somebody."""
    return {"channel": "EMAIL", "address": f"{name}@example.com"}


async def somebody(client: Client, name: str, **fields: Any) -> str:
    """The id of a new contact."""
    id: str = (await upsert(client, identities=[mail(name)], **fields))["contact"]["id"]
    return id


async def test_a_state_holds_from_its_change_until_before_the_next(world: World) -> None:
    client = (await world.tenant()).admin
    id = await somebody(client, "ana", city="Lima", tags=["a"])
    changed_at = world.clock.advance(hours=1)
    await upsert(client, id=id, city="Cusco", stage="SALE", identities=[mail("ana2")])
    world.clock.advance(hours=1)

    states = {
        at: await seen(client, id, at)
        for at in (NOON - TICK, NOON, changed_at - TICK, changed_at, changed_at + HOUR, None)
    }

    first, second = states[NOON], states[changed_at]
    assert states[NOON - TICK] is None
    assert (first["city"], first["stage"], first["tags"]) == ("Lima", None, ["a"])
    assert (first["updatedAt"], first["identities"]) == (
        text_of(NOON),
        [{"address": "ana@example.com"}],
    )
    assert states[changed_at - TICK] == first
    assert (second["city"], second["stage"], second["tags"]) == ("Cusco", "SALE", ["a"])
    assert second["updatedAt"] == text_of(changed_at)
    assert len(second["identities"]) == 2
    assert states[changed_at + HOUR] == states[None] == second


async def test_an_instant_to_come_is_refused_and_now_is_not(world: World) -> None:
    client = (await world.tenant()).admin
    id = await somebody(client, "ana", city="Lima")

    answer = await client.ask(AS_OF, id=id, at=text_of(NOON + TICK))

    assert answer["data"] == {"contact": None}
    [error] = answer["errors"]
    assert error["extensions"] == {"code": "INVALID_INPUT", "input": ["at"]}
    assert (await seen(client, id, NOON))["city"] == "Lima"


async def test_merged_contacts_are_apart_before_and_after(world: World) -> None:
    client = (await world.tenant()).admin
    ana = await somebody(client, "ana")
    eva = await somebody(client, "eva", city="Lima")
    merged_at = world.clock.advance(hours=1)
    await client.do("mergeContacts", "MergeContactsInput", "", {"sourceId": eva, "targetId": ana})
    unmerged_at = world.clock.advance(hours=1)
    await client.do("unmergeContact", "UnmergeContactInput", "", {"contactId": eva})
    world.clock.advance(hours=1)

    for apart in (merged_at - TICK, unmerged_at, None):
        one, other = await seen(client, ana, apart), await seen(client, eva, apart)
        assert (one["city"], one["mergedFrom"]) == (None, [])
        assert one["identities"] == [{"address": "ana@example.com"}]
        assert other["identities"] == [{"address": "eva@example.com"}]
        assert (other["city"], other["mergedInto"], other["mergedAt"]) == ("Lima", None, None)
    for together in (merged_at, unmerged_at - TICK):
        one, other = await seen(client, ana, together), await seen(client, eva, together)
        assert (one["city"], one["mergedFrom"]) == ("Lima", [{"id": eva, "city": "Lima"}])
        assert [each["address"] for each in one["identities"]] == [
            "ana@example.com",
            "eva@example.com",
        ]
        assert (other["mergedInto"], other["identities"]) == ({"id": ana, "city": "Lima"}, [])
        assert other["mergedAt"] == text_of(merged_at)


async def test_consent_is_judged_by_what_had_been_said_until_then(world: World) -> None:
    client = (await world.tenant()).admin
    id = await somebody(client, "ana")
    said = {"contactId": id, "purpose": "MARKETING", "channel": "EMAIL"}

    async def say(**given: Any) -> None:
        done = await client.do("setConsent", "SetConsentInput", "", said | given)
        assert done["__typename"] == "SetConsentPayload", done

    async def held(at: datetime, of: datetime | None = None) -> list[tuple[str, bool]]:
        given = {"at": text_of(at), "of": None if of is None else text_of(of)}
        found = (await client.run(CONSENTS, id=id, **given))["contact"]
        assert found["identities"] == [{"consents": found["consents"]}]
        return [(each["status"], each["inForce"]) for each in found["consents"]]

    await say(status="GRANTED", expiresAt=text_of(NOON + 5 * HOUR))
    world.clock.advance(hours=10)
    await say(status="DENIED", occurredAt=text_of(NOON + 2 * HOUR))
    told_at = world.clock.now()
    world.clock.advance(hours=10)

    assert await held(NOON) == [("GRANTED", True)]
    assert await held(NOON + 3 * HOUR) == [("GRANTED", True)]
    assert await held(NOON + 5 * HOUR - TICK) == [("GRANTED", True)]
    assert await held(NOON + 5 * HOUR) == [("GRANTED", False)]
    assert await held(told_at - TICK) == [("GRANTED", False)]
    assert await held(told_at) == [("DENIED", True)]
    # What holds at an instant by what was known at another.
    assert await held(told_at, of=NOON + HOUR) == [("GRANTED", True)]
    assert await held(told_at - TICK, of=NOON + 3 * HOUR) == [("GRANTED", True)]


async def test_what_was_erased_is_empty_at_any_instant(world: World) -> None:
    tenant = await world.tenant()
    id = await somebody(tenant.admin, "ana", city="Lima", tags=["a"], stage="SALE")
    world.clock.advance(hours=1)
    await upsert(tenant.admin, id=id, city="Cusco")
    erased_at = world.clock.advance(hours=1)
    await erase(tenant, id, erased_at)
    world.clock.advance(hours=1)

    document = "query ($id: ID!, $at: DateTime) { contact(id: $id, at: $at) { id erasedAt } }"
    for at in (NOON, NOON + HOUR, erased_at, None):
        found = await seen(tenant.admin, id, at)
        assert (found["city"], found["stage"], found["tags"]) == (None, None, [])
        assert found["identities"] == []
        given = {"id": id, "at": None if at is None else text_of(at)}
        assert (await tenant.admin.run(document, **given))["contact"] == {
            "id": id,
            "erasedAt": text_of(erased_at),
        }
    assert await seen(tenant.admin, id, NOON - TICK) is None


async def erase(tenant: Tenant, id: str, at: datetime) -> None:
    """What is left of a person after an erasure: the row with nothing in it."""
    empty = dict.fromkeys(DESCRIPTION) | {"tags": [], "custom": {}, "name_searchable": ""}

    async def work(connection: Any) -> None:
        for table in (VERSION, IDENTITY, ADDRESS):
            await connection.execute(delete(table).where(table.c.workspace_id == tenant.id))
        await connection.execute(
            update(CONTACT)
            .where(CONTACT.c.workspace_id == tenant.id, CONTACT.c.id == id)
            .values(erased_at=at, described_at=at, **empty)
        )

    database = tenant.world.parts.dependencies.database
    await database.across_workspaces().write(work)


@pytest.mark.parametrize("role", ROLES)
async def test_past_values_are_hidden_like_those_of_now(world: World, role: str) -> None:
    tenant = await world.tenant()
    for key, privacy in CLASSES.items():
        await define(tenant.admin, key, "STRING", privacy=privacy)
    values = valued(open="1", mild="2", dark="3")
    id = await somebody(tenant.admin, "ana", birthOn="1990-01-31", customFields=values)
    world.clock.advance(hours=1)
    gone = valued(open=None, mild=None, dark=None)
    await upsert(tenant.admin, id=id, birthOn=None, customFields=gone)
    client, sees = await client_of(tenant, role)

    answer = await client.ask(PERSONAL, id=id, at=text_of(NOON))

    found = answer["data"]["contact"]
    assert [each["key"] for each in found["customFields"]] == sorted(
        key for key, privacy in CLASSES.items() if privacy in sees
    )
    if "PERSONAL" in sees:
        assert (found["birthOn"], "errors" in answer) == ("1990-01-31", False)
    else:
        assert found["birthOn"] is None
        assert [each["extensions"] for each in answer["errors"]] == [{"code": "FORBIDDEN"}]
    for key, privacy in CLASSES.items():
        document = (
            "query ($id: ID!, $at: DateTime) { contact(id: $id, at: $at) "
            f'{{ customField(key: "{key}") {{ value }} }} }}'
        )
        answer = await client.ask(document, id=id, at=text_of(NOON))
        assert ("errors" in answer) is (privacy not in sees)
        assert (answer["data"]["contact"]["customField"] is None) is (privacy not in sees)


async def test_the_past_of_others_is_not_there(world: World) -> None:
    tenant, other = await world.tenant(), await world.tenant("Other")
    id = await somebody(tenant.admin, "ana", city="Lima")
    recorder = await tenant.client(Scope.RECORD)

    assert await seen(other.admin, id, NOON) is None
    assert await seen(tenant.admin, "contact_x", NOON) is None
    refused = await recorder.ask(AS_OF, id=id, at=text_of(NOON))
    assert [each["extensions"]["code"] for each in refused["errors"]] == ["FORBIDDEN"]
    assert refused["data"]["contact"] is None


async def test_a_past_contact_is_one_statement_and_its_consents_one_more(world: World) -> None:
    client = (await world.tenant()).admin
    ana = await somebody(client, "ana", city="Lima")
    for n in range(3):
        eva = await somebody(client, f"eva{n}")
        await upsert(client, id=eva, city="Cusco", identities=[mail(f"other{n}")])
        given = {"sourceId": eva, "targetId": ana}
        await client.do("mergeContacts", "MergeContactsInput", "", given)
    said = {"contactId": ana, "identity": mail("other2")}
    said |= {"purpose": "MARKETING", "status": "GRANTED"}
    await client.do("setConsent", "SetConsentInput", "", said)
    world.clock.advance(hours=1)
    await client.run(BESIDE, id=ana, at=text_of(NOON))
    executed, answered = world.parts.statements.executed, world.app.state.planner.answered

    with statements(world) as others:
        for document, cost in ((AS_OF, 1), (CONSENTS, 2), (BESIDE, 2)):
            found = await client.run(document, id=ana, at=text_of(NOON))
            assert len(found["contact"]["identities"]) == 7
            executed += cost
            assert world.parts.statements.executed == executed
    granted = [{"status": "GRANTED"}]
    assert [found[name]["consents"] for name in ("contact", "later", "now")] == [granted] * 3

    assert set(others) <= {"BEGIN"}
    assert world.app.state.planner.answered == answered + 3


def test_of_every_column_that_is_shown_it_is_said_whether_it_has_a_history() -> None:
    read: set[str] = set()
    for name, declaration in Contact.declared.items():
        if isinstance(declaration, Column):
            read.add(declaration.name or name)
        elif isinstance(declaration, One):
            read.add(declaration.key)
        elif isinstance(declaration, Computed):
            read.update(declaration.needs)

    unsaid = read - {*STATE, *KEPT_AS_NOW, *FROM_MERGES, *SINCE_WHEN}

    assert unsaid == set(), (
        "move it to ContactState in storage/contact.py, which keeps what it was, or name it in "
        "KEPT_AS_NOW: then contact(id:, at:) shows what it is now, whatever `at` says"
    )
    assert read - set(ContactAsOf.table.c.keys()) == set(), "storage/contact_as_of.py leaves it out"


def state(turn: int) -> dict[str, Any]:
    """A value for every column of a contact's state, another in each of two turns."""
    told: dict[str, Any] = {}
    for name in STATE:
        kind = CONTACT.c[name].type
        text = {} if kind is DOCUMENT else f"{name} {turn}"
        told[name] = VALUES[type(kind)][turn] if type(kind) in VALUES else text
    return {**told, "tags": [f"tag {turn}"], "stage": ("SALE", "AFTER_SALES")[turn]}


async def test_every_column_is_shown_as_it_was(world: World, database_url: str) -> None:
    tenant = await world.tenant()
    id = await somebody(tenant.admin, "ana")
    columns = {
        name: declaration.name or name
        for name, declaration in Contact.declared.items()
        if isinstance(declaration, Column)
    }
    asked = " ".join(map(field_name, columns))
    document = f"query ($id: ID!, $at: DateTime) {{ contact(id: $id, at: $at) {{ {asked} }} }}"
    first, second = state(0), state(1)

    version = {"contact_id": id, "workspace_id": tenant.id, "from_at": NOON}
    database = world.parts.dependencies.database.across_workspaces()

    async def write(statement: Any) -> None:
        await database.write(lambda connection: connection.execute(statement))

    await write(update(CONTACT).values(**first))
    before = (await tenant.admin.run(document, id=id))["contact"]
    changed_at = world.clock.advance(hours=1)
    await write(insert(VERSION).values(**first, **version, until_at=changed_at))
    of_now = {"described_at": changed_at, "updated_at": changed_at}
    await write(update(CONTACT).values(**second, **of_now))
    after = (await tenant.admin.run(document, id=id))["contact"]

    changed = {name for name in columns if before[field_name(name)] != after[field_name(name)]}
    assert {columns[name] for name in changed} == {*STATE, *SINCE_WHEN} & set(columns.values())
    async with a_world(database_url, world.clock.at, read_plan=False) as reference:
        for client in (tenant.admin, Client(reference.http, tenant.admin.key)):
            for at, told in ((NOON, before), (changed_at - TICK, before), (changed_at, after)):
                found = await client.run(document, id=id, at=text_of(at))
                assert found["contact"] == told, at
