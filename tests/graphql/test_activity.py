"""The activity log: every mutation but reports and sign-ins leaves its trace, once."""

import ast
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.graphql.reports import MUTATIONS, ids_of_everything, report
from tests.round_trips import counted_round_trips
from tests.world import Client, World, text_of
from trenza.domain.access import Role
from trenza.storage import activity as storage
from trenza.storage.sight import EMPTIED

LOG = """
query ($filter: ActivityFilter, $first: Int, $after: String) {
  workspace {
    activity(filter: $filter, first: $first, after: $after) {
      totalCount
      pageInfo { endCursor hasNextPage }
      nodes {
        at verb subjectId before after
        subject { __typename id }
        user { id }
        key { id name }
      }
    }
  }
}
"""
LOGS_OF_THEIR_OWN = {"recordInteraction", "recordInteractions", "signIn", "signOut"}


async def log_of(client: Client, **given: Any) -> list[dict[str, Any]]:
    """The entries of the log, latest first."""
    found = (await client.run(LOG, first=100, **given))["workspace"]["activity"]
    assert found["totalCount"] == len(found["nodes"])
    nodes: list[dict[str, Any]] = found["nodes"]
    return nodes


def told(entry: dict[str, Any]) -> tuple[str, Any, Any]:
    """What an entry says was done, and what changed by it."""
    return entry["verb"], entry["before"], entry["after"]


def grouping(ids: dict[str, str]) -> list[tuple[str, dict[str, Any]]]:
    """What is done to a list and to a segment."""
    listed = {"listId": ids["list"]}
    segment = {"segmentId": ids["segment"]}
    return [
        ("renameList", listed | {"name": "B"}),
        ("addToList", listed | {"contactIds": [ids["contact"]]}),
        ("removeFromList", listed | {"contactIds": [ids["contact"]]}),
        ("deleteList", listed),
        ("updateSegment", segment | {"name": "B"}),
        ("freezeSegment", segment | {"name": "C"}),
        ("deleteSegment", segment),
    ]


async def do_everything(world: World, client: Client) -> dict[str, str]:
    """Every mutation once, on things that are there; the ids by their prefix."""
    ids = await ids_of_everything(world, client)
    user, group, key = {"userId": ids["user"]}, ids["group"], {"id": ids["key"]}
    world.clock.advance(seconds=1)
    other = await client.do(
        "upsertContact",
        "UpsertContactInput",
        "... on UpsertContactPayload { contact { id } }",
        {"identities": [{"channel": "EMAIL", "address": "otra@example.com"}], "firstName": "Ana"},
    )
    merge = {"sourceId": other["contact"]["id"], "targetId": ids["contact"]}
    gone = await client.do(
        "upsertContact",
        "UpsertContactInput",
        "... on UpsertContactPayload { contact { id } }",
        {"identities": [{"channel": "WEBCHAT", "address": "gone"}]},
    )
    forgotten = {"contactId": gone["contact"]["id"]}
    steps: Sequence[tuple[str, dict[str, Any]]] = [
        ("mergeContacts", merge),
        ("retractInteraction", {"interactionId": ids["int"], "reason": "a mistake"}),
        ("admitInteraction", {"quarantineId": ids["quarantine"]}),
        ("acceptInvitation", user),
        ("signIn", user),
        ("signOut", user),
        ("updateUser", user | {"name": "Eva Luna"}),
        ("changeUserRole", user | {"role": "OPERATOR"}),
        ("deactivateUser", user),
        ("reactivateUser", user),
        ("renameGroup", {"groupId": group, "name": "Soporte"}),
        ("removeGroupMembers", {"groupId": group, "userIds": [ids["user"]]}),
        ("deleteGroup", {"groupId": group}),
        ("rotateApiKey", key),
        ("revokeApiKey", key),
        ("closeCycle", {}),
        *grouping(ids),
        ("liftDoNotContact", {"doNotContactId": ids["block"]}),
        ("removeFrequencyCap", {"frequencyCapId": ids["cap"]}),
        ("setOptOutWords", MUTATIONS["setOptOutWords"][1]),
        ("defineCustomField", MUTATIONS["defineCustomField"][1]),
        ("archiveCustomField", MUTATIONS["archiveCustomField"][1]),
        ("unmergeContact", {"contactId": other["contact"]["id"]}),
        ("setIdentityPolicy", MUTATIONS["setIdentityPolicy"][1]),
        ("blockAddress", MUTATIONS["blockAddress"][1]),
        ("unblockAddress", MUTATIONS["unblockAddress"][1]),
        ("exportContact", forgotten),
        ("eraseContact", forgotten | {"reason": "asked by mail"}),
        ("setRetention", MUTATIONS["setRetention"][1]),
    ]
    for mutation, given in steps:
        world.clock.advance(seconds=1)
        type_ = MUTATIONS[mutation][0].removesuffix("!")
        done = await client.do(mutation, type_, "", given)
        assert "code" not in done, (mutation, done)
    return ids | {"other": other["contact"]["id"]}


async def test_every_mutation_is_in_the_log_by_its_name(world: World) -> None:
    tenant = await world.tenant()
    ids = await do_everything(world, tenant.admin)

    log = await log_of(tenant.admin)

    assert {entry["verb"] for entry in log} == set(MUTATIONS) - LOGS_OF_THEIR_OWN
    assert [entry["at"] for entry in log] == sorted((e["at"] for e in log), reverse=True)
    key = (await tenant.admin.run("{ viewer { keyId name } }"))["viewer"]
    # The first key was made by the test itself, which holds none.
    made_by_hand = log.pop()
    assert (made_by_hand["verb"], made_by_hand["key"]) == ("createApiKey", None)
    assert all(entry["key"] == {"id": key["keyId"], "name": key["name"]} for entry in log)
    assert all(entry["user"] is None for entry in log)
    by_verb = {entry["verb"]: entry for entry in log}
    assert told(by_verb["updateUser"])[1:] == ({"name": "Eva"}, {"name": "Eva Luna"})
    assert told(by_verb["changeUserRole"])[1:] == ({"role": "AGENT"}, {"role": "OPERATOR"})
    assert told(by_verb["deactivateUser"])[1:] == ({"status": "ACTIVE"}, {"status": "DEACTIVATED"})
    assert by_verb["retractInteraction"]["after"] == {"reason": "a mistake"}
    assert by_verb["admitInteraction"]["after"] == {"quarantineId": ids["quarantine"]}
    assert by_verb["grantInteractionz"]["after"]["amount"] == 1


async def test_the_subject_is_what_it_was_done_to(world: World) -> None:
    tenant = await world.tenant()
    ids = await do_everything(world, tenant.admin)

    log = await log_of(tenant.admin)

    types = {entry["verb"]: (entry["subject"] or {}).get("__typename") for entry in log}
    assert types == {
        "upsertContact": "Contact",
        "mergeContacts": "Contact",
        "retractInteraction": "Interaction",
        "admitInteraction": "Interaction",
        "createCampaign": "Campaign",
        "createJourney": "Journey",
        "openTicket": "Ticket",
        "grantInteractionz": "InteractionzGrant",
        "closeCycle": "Workspace",
        **dict.fromkeys(["inviteUser", "acceptInvitation", "updateUser"], "User"),
        **dict.fromkeys(["changeUserRole", "deactivateUser", "reactivateUser"], "User"),
        **dict.fromkeys(["createGroup", "renameGroup", "deleteGroup"]),
        **dict.fromkeys(["addGroupMembers", "removeGroupMembers"]),
        **dict.fromkeys(["createApiKey", "rotateApiKey", "revokeApiKey"]),
        **dict.fromkeys(["createList", "renameList", "addToList", "removeFromList", "deleteList"]),
        **dict.fromkeys(["createSegment", "updateSegment", "freezeSegment", "deleteSegment"]),
        **dict.fromkeys(["setConsent", "setDoNotContact", "liftDoNotContact"], "Contact"),
        **dict.fromkeys(["setFrequencyCap", "removeFrequencyCap"]),
        **dict.fromkeys(["defineCustomField", "archiveCustomField"]),
        **dict.fromkeys(["setOptOutWords", "setIdentityPolicy"], "Workspace"),
        **dict.fromkeys(["blockAddress", "unblockAddress"], "Workspace"),
        **dict.fromkeys(["unmergeContact", "eraseContact", "exportContact"], "Contact"),
        "setRetention": "Workspace",
    }
    assert all(e["subject"] is None or e["subject"]["id"] == e["subjectId"] for e in log)
    merged = await log_of(tenant.admin, filter={"subjectId": ids["other"]})
    assert list(map(told, merged)) == [
        ("unmergeContact", {"mergedIntoId": ids["contact"]}, None),
        ("mergeContacts", None, {"mergedIntoId": ids["contact"], "reason": "MANUAL"}),
        (
            "upsertContact",
            None,
            {
                "firstName": "Ana",
                "displayName": "Ana",
                "identities": [{"channel": "EMAIL", "address": "otra@example.com"}],
            },
        ),
    ]


async def test_a_contact_is_told_by_what_changed(world: World) -> None:
    client = (await world.tenant()).admin
    on = "... on UpsertContactPayload { contact { id } }"
    who = {"identities": [{"channel": "EMAIL", "address": "ana@example.com"}]}
    made = await client.do("upsertContact", "UpsertContactInput", on, who | {"city": "Cali"})
    id = made["contact"]["id"]
    changes = {"city": None, "birthOn": "1990-02-28", "timeZone": "America/Bogota"}
    for given in (changes, changes, {"stage": "SALE"}):
        world.clock.advance(seconds=1)
        await client.do("upsertContact", "UpsertContactInput", "", who | given)

    log = await log_of(client, filter={"subjectId": id})

    assert list(map(told, log)) == [
        ("upsertContact", {"stage": None}, {"stage": "SALE"}),
        (
            "upsertContact",
            {"city": "Cali", "birthOn": None, "timeZone": None},
            {"city": None, "birthOn": "1990-02-28", "timeZone": "America/Bogota"},
        ),
        ("upsertContact", None, {"city": "Cali", "identities": who["identities"]}),
    ]


async def test_what_changes_nothing_leaves_no_trace(world: World) -> None:
    client = (await world.tenant()).admin
    ids = await do_everything(world, client)
    before = await log_of(client)
    world.clock.advance(seconds=1)

    for mutation, given in (
        ("retractInteraction", {"interactionId": ids["int"], "reason": "again"}),
        ("admitInteraction", {"quarantineId": ids["quarantine"]}),
        ("closeCycle", {"cycleOf": "2026-08-25"}),
        ("updateUser", {"userId": ids["user"], "name": "Eva Luna"}),
        ("changeUserRole", {"userId": ids["user"], "role": "OPERATOR"}),
        ("revokeApiKey", {"id": ids["key"]}),
        ("upsertContact", {"id": ids["contact"]}),
    ):
        type_ = MUTATIONS[mutation][0].removesuffix("!")
        done = await client.do(mutation, type_, "", given)
        assert "code" not in done, (mutation, done)
    await client.record(**report(world, externalId="new"))
    for mutation in ("acceptInvitation", "reactivateUser"):
        refused = await client.do(mutation, "UserInput", "", {"userId": ids["user"]})
        assert refused["code"] == "CONFLICT"

    assert await log_of(client) == before


async def test_the_log_is_filtered_and_paged(world: World) -> None:
    tenant = await world.tenant()
    began = world.clock.at
    person, user_id = await tenant.person(Role.OPERATOR)
    names = [f"c{n}" for n in range(5)]
    for name in names:
        world.clock.advance(seconds=1)
        given = {"name": name, "channel": "EMAIL"}
        await person.do("createCampaign", "CreateCampaignInput", "", given)
    key_id = (await person.run("{ viewer { keyId } }"))["viewer"]["keyId"]

    async def shown(**filter: Any) -> list[Any]:
        found = await log_of(tenant.admin, filter=filter)
        return [each["after"]["name"] for each in found if each["verb"] == "createCampaign"]

    assert await shown(userId=user_id) == names[::-1]
    assert await shown(keyId=key_id, verb="createCampaign") == names[::-1]
    assert await shown(verb="createJourney") == []
    last = world.clock.at
    period = {
        "from": text_of(last - timedelta(seconds=2)),
        "before": text_of(last),
    }
    assert await shown(**period) == ["c3", "c2"]
    assert await shown(before=text_of(began)) == []
    assert {
        each["user"]["id"] for each in await log_of(tenant.admin, filter={"userId": user_id})
    } == {user_id}
    paged: list[str] = []
    after = None
    while True:
        asked: dict[str, Any] = {"first": 2, "after": after, "filter": {"userId": user_id}}
        page = (await tenant.admin.run(LOG, **asked))["workspace"]["activity"]
        paged += [node["after"]["name"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert paged == names[::-1]


async def test_the_log_with_its_subjects_is_one_statement(world: World) -> None:
    tenant = await world.tenant()
    await do_everything(world, tenant.admin)
    document = """{ workspace { activity(first: 100) { nodes { verb before after subject {
      id ... on Contact { displayName } ... on User { email groups { name } }
      ... on Ticket { number contact { displayName } }
    } user { name } key { name } } } } }"""
    await tenant.admin.run(document)

    with counted_round_trips(world.parts.dependencies.database) as found:
        answered = world.app.state.planner.answered
        await tenant.admin.run(document)

    assert world.app.state.planner.answered == answered + 1
    assert len(found) <= 1


ERASING = {"storage/erasure.py", "storage/person.py", "storage/retention.py"}
"""Where entries are emptied of what they tell; the database lets nothing else change."""


def test_the_log_is_never_changed() -> None:
    """No code updates it or deletes from it: its own module and those that erase name it alone."""
    source = Path(storage.__file__)
    root = source.parents[1]
    naming = {
        str(file.relative_to(root))
        for file in root.rglob("*.py")
        if "migrations" not in file.parts
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        and node.module == "trenza.storage.activity"
        and {each.name for each in node.names} & {"ACTIVITY", "Activity"}
    }
    called = {
        node.func.id
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }

    reading = {"graphql/activity.py", "graphql/workspace.py", "storage/__init__.py"}
    assert naming == reading | ERASING
    assert EMPTIED["activity"] == ("before", "after")
    assert "bulk_insert" in called
    assert not called & {"update", "delete", "BulkWrite", "keeping_earliest", "text"}
