"""Merges over GraphQL: looked at first, undone, told; and the rules for shared identities."""

from typing import Any

from sqlalchemy import update

from tests.graphql.fields import define, upsert, valued
from tests.graphql.reports import message
from tests.world import Client, World
from trenza.domain.access import Role, Scope
from trenza.storage.contact import CONTACT

PREVIEW = """
... on MergePreview {
  contact { id } merged { id mergedInto { id } }
  conflicts { field kept dropped } fills identities { channel address }
  collapsing { id lane } creditsBack
  entries { amount effectiveAt openedBy { id } } protections { space allowed count message }
}
"""
MERGE = "... on MergeContactsPayload { contact { id } merged { id } entries { amount reason } }"
UNMERGE = """
... on UnmergeContactPayload {
  contact { id mergedInto { id } } left { id mergedFrom { id } city } entries { amount reason }
  balance { consumed }
}
"""
HISTORY = """
query ($id: ID!) {
  contact(id: $id) {
    merges {
      totalCount
      nodes {
        source { id } target { id } reason filled mergedAt mergedByKeyId mergedBy { id }
        unmergedAt unmergedByKeyId unmergedBy { id }
      }
    }
  }
}
"""
UPSERT = """
... on UpsertContactPayload {
  contact { id } created merged { id mergedInto { id } } ignored { channel address }
}
"""
POLICY = """
{
  workspace {
    identityPolicy {
      mergeOnSharedIdentity direction priority identitiesMax spaceLimits { space most }
    }
    blockedAddresses { totalCount nodes { space address note blockedAt } }
  }
}
"""


def mail(name: str) -> dict[str, str]:
    return {"channel": "EMAIL", "address": f"{name}@example.com"}


async def two_who_wrote(world: World, client: Client) -> tuple[str, str]:
    """The ids of two contacts who wrote within a day, and live in different cities."""
    ids = []
    for name, city in (("a", "Lima"), ("b", "Cusco")):
        wrote = await message(world, client, name)
        ids.append(wrote["interaction"]["contact"]["id"])
        origin = "fair" if name == "a" else None
        input = {"identities": [mail(name)], "city": city, "origin": origin}
        await client.do("upsertContact", "UpsertContactInput", "", input)
        world.clock.advance(hours=1)
    return ids[0], ids[1]


async def merge(client: Client, source: str, target: str, **options: Any) -> Any:
    input = {"sourceId": source, "targetId": target, **options}
    return await client.do("mergeContacts", "MergeContactsInput", MERGE + PREVIEW, input)


async def test_a_dry_run_tells_what_a_merge_would_do_and_writes_nothing(world: World) -> None:
    client = (await world.tenant()).admin
    first, second = await two_who_wrote(world, client)
    before = await world.dump()

    shown = await merge(client, first, second, dryRun=True)

    assert await world.dump() == before
    [collapsing], [entry] = shown["collapsing"], shown["entries"]
    assert collapsing["lane"] == "UNBOUND"
    assert entry["amount"] == -1
    assert entry["openedBy"]["id"].split("_")[1] == collapsing["id"].split("_")[1]
    assert shown | {"collapsing": [], "entries": []} == {
        "__typename": "MergePreview",
        "contact": {"id": second},
        "merged": {"id": first, "mergedInto": None},
        "conflicts": [{"field": "city", "kept": "Cusco", "dropped": "Lima"}],
        "fills": ["origin"],
        "identities": [mail("a"), mail("b")],
        "collapsing": [],
        "creditsBack": 1,
        "entries": [],
        "protections": [],
    }
    by_policy = await merge(client, first, second, dryRun=True, byPolicy=True)
    assert (by_policy["contact"]["id"], by_policy["merged"]["id"]) == (first, second)


async def test_a_merge_is_undone_and_both_are_in_the_history(world: World) -> None:
    tenant = await world.tenant()
    client = tenant.admin
    first, second = await two_who_wrote(world, client)
    merged = await merge(client, first, second)
    world.clock.advance(hours=1)

    undone = await client.do("unmergeContact", "UnmergeContactInput", UNMERGE, {"contactId": first})
    again = await client.do("unmergeContact", "UnmergeContactInput", "", {"contactId": first})

    assert merged["entries"] == [{"amount": -1, "reason": "MERGE"}]
    assert undone == {
        "__typename": "UnmergeContactPayload",
        "contact": {"id": first, "mergedInto": None},
        "left": {"id": second, "mergedFrom": [], "city": "Cusco"},
        "entries": [{"amount": 1, "reason": "UNMERGE"}],
        "balance": {"consumed": 2},
    }
    assert (again["__typename"], again["path"]) == ("Conflict", ["contactId"])
    for id in (first, second):
        history = (await client.run(HISTORY, id=id))["contact"]["merges"]
        [told] = history["nodes"]
        assert history["totalCount"] == 1
        assert (told["source"]["id"], told["target"]["id"]) == (first, second)
        assert (told["reason"], told["filled"]) == ("MANUAL", ["origin"])
        assert told["mergedAt"] < told["unmergedAt"]
        assert told["mergedByKeyId"] == told["unmergedByKeyId"]
        assert (told["mergedBy"], told["unmergedBy"]) == (None, None)


async def test_fields_that_somebody_may_not_see_are_not_named(world: World) -> None:
    tenant = await world.tenant()
    for key, privacy in (("size", "NORMAL"), ("nick", "PERSONAL"), ("ailment", "SENSITIVE")):
        await define(tenant.admin, key, "STRING", privacy=privacy)
    known: dict[str, Any] = {
        "customFields": valued(size="1", nick="2", ailment="3"),
        "birthOn": "1990-01-31",
    }
    goes, stays = [
        (await upsert(tenant.admin, identities=[mail(name)], **given))["contact"]["id"]
        for name, given in (("a", known), ("b", {}))
    ]
    viewer, agent, operator = [
        (await tenant.person(role))[0] for role in (Role.VIEWER, Role.AGENT, Role.OPERATOR)
    ]
    all_ = ["birthOn", "custom.ailment", "custom.nick", "custom.size"]
    personal = [name for name in all_ if name != "custom.ailment"]

    for client, seen in ((tenant.admin, all_), (operator, personal)):
        assert (await merge(client, goes, stays, dryRun=True))["fills"] == seen
    await merge(operator, goes, stays)
    told = [
        (await client.run(HISTORY, id=stays))["contact"]["merges"]["nodes"][0]["filled"]
        for client in (tenant.admin, operator, agent, viewer)
    ]

    assert told == [all_, personal, personal, ["custom.size"]]


async def test_what_is_shared_merges_and_what_is_blocked_is_ignored(world: World) -> None:
    client = (await world.tenant()).admin
    first, second = await two_who_wrote(world, client)
    switchboard = {"channel": "SMS", "address": "+52 55 5000 0000"}
    blocked = await client.do(
        "blockAddress",
        "BlockAddressInput",
        "... on BlockAddressPayload { space address }",
        switchboard | {"note": "reception"},
    )

    identities = [mail("a"), switchboard, mail("b")]
    written = await client.do(
        "upsertContact", "UpsertContactInput", UPSERT, {"identities": identities}
    )

    assert blocked == {
        "__typename": "BlockAddressPayload",
        "space": "PHONE",
        "address": "+525550000000",
    }
    assert written == {
        "__typename": "UpsertContactPayload",
        "contact": {"id": first},
        "created": False,
        "merged": [{"id": second, "mergedInto": {"id": first}}],
        "ignored": [{"channel": "SMS", "address": "+525550000000"}],
    }


async def test_the_rules_are_set_and_protect(world: World) -> None:
    client = (await world.tenant()).admin
    first, second = await two_who_wrote(world, client)
    defaults = (await client.run(POLICY))["workspace"]["identityPolicy"]
    set_ = await client.do(
        "setIdentityPolicy",
        "SetIdentityPolicyInput",
        "... on SetIdentityPolicyPayload { identityPolicy { direction identitiesMax } }",
        {
            "direction": "NEWEST_STAYS",
            "priority": ["EMAIL"],
            "spaceLimits": [{"space": "EMAIL", "most": 1}],
        },
    )
    await client.do(
        "blockAddress", "BlockAddressInput", "", {"channel": "PUSH", "address": "kiosk"}
    )

    refused = await merge(client, first, second)
    shown = await merge(client, first, second, dryRun=True)
    found = (await client.run(POLICY))["workspace"]

    assert defaults == {
        "mergeOnSharedIdentity": True,
        "direction": "OLDEST_STAYS",
        "priority": "PHONE EMAIL FACEBOOK_MESSENGER INSTAGRAM WEBCHAT PUSH".split(),
        "identitiesMax": 50,
        "spaceLimits": [],
    }
    assert set_["identityPolicy"] == {"direction": "NEWEST_STAYS", "identitiesMax": 50}
    message_ = "a contact has at most 1 addresses of EMAIL, this would be 2"
    assert (refused["__typename"], refused["message"]) == ("Conflict", message_)
    assert shown["protections"] == [
        {"space": "EMAIL", "allowed": 1, "count": 2, "message": message_}
    ]
    assert found["identityPolicy"]["priority"][:2] == ["EMAIL", "PHONE"]
    assert found["identityPolicy"]["spaceLimits"] == [{"space": "EMAIL", "most": 1}]
    [blocked] = found["blockedAddresses"]["nodes"]
    assert (blocked["space"], blocked["address"], blocked["note"]) == ("PUSH", "kiosk", None)


async def test_custom_fields_are_told_to_those_who_see_sensitive_ones(world: World) -> None:
    tenant = await world.tenant()
    first, second = await two_who_wrote(world, tenant.admin)

    async def work(connection: Any) -> None:
        for id, size in ((first, 38), (second, 40)):
            row = update(CONTACT).where(CONTACT.c.id == id)
            await connection.execute(row.values(custom={"size": size}))

    await world.parts.dependencies.database.write(work, tenant.id)
    operator = await tenant.client(Scope.READ, Scope.RECORD, Scope.MANAGE)

    seen = (await merge(tenant.admin, first, second, dryRun=True))["conflicts"]
    hidden = (await merge(operator, first, second, dryRun=True))["conflicts"]

    assert seen[1] == {"field": "custom.size", "kept": "40", "dropped": "38"}
    assert hidden == [seen[0], {"field": "custom.size", "kept": None, "dropped": None}]
