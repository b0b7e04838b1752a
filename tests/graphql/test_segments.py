"""Segments and lists through the API: asked, explained, kept, frozen, and refused."""

from datetime import timedelta
from typing import Any

import pytest

from tests.graphql.test_statements import statements
from tests.world import Client, Tenant, World, text_of
from trenza.domain.access import Scope
from trenza.domain.ids import Prefix, format_id

COUNT = {"operator": "GTE", "number": 2}
BUSY = {"interactions": {"count": COUNT, "period": {"lastDays": 7}}}
PREVIEW = """
query ($definition: SegmentDefinitionInput!, $first: Int, $after: String, $last: Int) {
  previewSegment(definition: $definition) {
    count
    members(first: $first, after: $after, last: $last) {
      totalCount
      pageInfo { hasNextPage hasPreviousPage endCursor }
      nodes { id displayName identities { address } segments { name } lists { nodes { name } } }
    }
  }
}
"""
EXPLAIN = """
query ($id: ID!, $contactId: ID!) {
  segment(id: $id) {
    explain(contactId: $contactId) {
      isMember
      groups { holds conditions { holds sentence(language: EN) } }
    }
  }
}
"""


def definition_of(*groups: list[dict[str, Any]]) -> dict[str, Any]:
    """A definition of groups of conditions."""
    return {"groups": [{"conditions": group} for group in groups]}


async def people_of(world: World, client: Client, count: int) -> list[str]:
    """So many contacts; the n-th has written n times in the last days. Their ids, oldest first."""
    for n in range(count):
        for time in range(n + 1):
            await client.record(
                channel="EMAIL",
                kind="CUSTOMER_MESSAGE",
                identity={"channel": "EMAIL", "address": f"p{n}@example.com"},
                occurredAt=text_of(world.clock.at - timedelta(hours=time)),
                externalId=f"{n}-{time}",
            )
        world.clock.advance(seconds=1)
    data = await client.run("{ contacts(first: 100) { nodes { id } } }")
    return [node["id"] for node in reversed(data["contacts"]["nodes"])]


async def segment_of(client: Client, definition: dict[str, Any], name: str = "Busy") -> str:
    """The id of a new segment."""
    made = await client.do(
        "createSegment",
        "CreateSegmentInput",
        "... on CreateSegmentPayload { segment { id } }",
        {"name": name, "definition": definition},
    )
    id: str = made["segment"]["id"]
    return id


async def list_of(client: Client, *contact_ids: str, name: str = "VIP") -> str:
    """The id of a new list with contacts in it."""
    on = "... on CreateListPayload { list { id } }"
    made = await client.do("createList", "CreateListInput", on, {"name": name})
    id: str = made["list"]["id"]
    given = {"listId": id, "contactIds": list(contact_ids)}
    await client.do("addToList", "AddToListInput", "", given)
    return id


async def test_a_definition_is_asked_page_by_page_without_being_kept(world: World) -> None:
    client = (await world.tenant()).admin
    ids = await people_of(world, client, 5)
    asked = {"definition": definition_of([BUSY])}

    first = (await client.run(PREVIEW, first=3, **asked))["previewSegment"]
    after = first["members"]["pageInfo"]["endCursor"]
    second = (await client.run(PREVIEW, first=3, after=after, **asked))["previewSegment"]
    last = (await client.run(PREVIEW, last=2, **asked))["previewSegment"]["members"]

    assert first["count"] == first["members"]["totalCount"] == 4
    pages = [[node["id"] for node in each["members"]["nodes"]] for each in (first, second)]
    assert pages == [[ids[4], ids[3], ids[2]], [ids[1]]]
    assert first["members"]["pageInfo"]["hasNextPage"] is True
    assert second["members"]["pageInfo"]["hasNextPage"] is False
    assert [node["id"] for node in last["nodes"]] == [ids[2], ids[1]]
    assert last["pageInfo"]["hasPreviousPage"] is True
    assert (await client.run("{ segments { totalCount } }"))["segments"]["totalCount"] == 0


async def test_relative_periods_count_back_from_the_instant_that_is_asked(world: World) -> None:
    client = (await world.tenant()).admin
    await people_of(world, client, 3)
    id = await segment_of(client, definition_of([BUSY]))
    document = "query ($id: ID!, $at: DateTime) { segment(id: $id) { count(at: $at) } }"
    world.clock.advance(days=30)

    now = await client.run(document, id=id)
    then = await client.run(document, id=id, at=text_of(world.clock.at - timedelta(days=30)))

    assert (now["segment"]["count"], then["segment"]["count"]) == (0, 2)


async def test_a_definition_is_read_back_in_the_shape_in_which_it_was_given(world: World) -> None:
    client = (await world.tenant()).admin
    list_id = await list_of(client)
    since = "2026-10-01T00:00:00.000000Z"
    definition = definition_of(
        [
            {"field": {"field": "CITY", "operator": "IN", "values": ["Lima", "Ñ"], "days": None}},
            {"list": {"listId": list_id, "has": False}},
        ],
        [
            {
                "interactions": {
                    "count": COUNT,
                    "period": {"lastDays": None, "since": since, "until": None},
                    "kinds": ["SURVEY"],
                    "channel": "EMAIL",
                    "direction": "OUTBOUND",
                }
            }
        ],
    )
    id = await segment_of(client, definition)

    data = await client.run(
        """query ($id: ID!) { segment(id: $id) { definition { groups { conditions {
          field { field operator values days }
          list { listId has }
          interactions {
            count { operator number } period { lastDays since until } kinds channel direction
          }
        } } } } }""",
        id=id,
    )

    groups = data["segment"]["definition"]["groups"]
    given = [
        {name: each for name, each in condition.items() if each is not None}
        for group in groups
        for condition in group["conditions"]
    ]
    assert given == [each for group in definition["groups"] for each in group["conditions"]]


async def test_an_explanation_tells_each_condition(world: World) -> None:
    client = (await world.tenant()).admin
    ids = await people_of(world, client, 2)
    list_id = await list_of(client, ids[0])
    in_list = {"list": {"listId": list_id}}
    id = await segment_of(client, definition_of([BUSY, in_list], [in_list]))

    one = (await client.run(EXPLAIN, id=id, contactId=ids[0]))["segment"]["explain"]
    other = (await client.run(EXPLAIN, id=id, contactId=ids[1]))["segment"]["explain"]
    absent = format_id(Prefix.CONTACT, 1)
    nobody = (await client.run(EXPLAIN, id=id, contactId=absent))["segment"]["explain"]

    busy, listed = "at least 2 interactions in the last 7 days", "is in the list «VIP»"
    assert one == {
        "isMember": True,
        "groups": [
            {
                "holds": False,
                "conditions": [
                    {"holds": False, "sentence": busy},
                    {"holds": True, "sentence": listed},
                ],
            },
            {"holds": True, "conditions": [{"holds": True, "sentence": listed}]},
        ],
    }
    assert other["isMember"] is False
    assert [group["holds"] for group in other["groups"]] == [False, False]
    assert nobody is None


async def test_a_merged_contact_belongs_as_what_it_became_and_is_counted_once(
    world: World,
) -> None:
    client = (await world.tenant()).admin
    ids = await people_of(world, client, 2)
    list_id = await list_of(client, *ids)
    id = await segment_of(client, definition_of([{"list": {"listId": list_id}}]))
    merge = {"sourceId": ids[0], "targetId": ids[1]}
    await client.do("mergeContacts", "MergeContactsInput", "", merge)
    document = """query ($id: ID!, $list: ID!) {
      segment(id: $id) { count members { nodes { id } } }
      list(id: $list) { count members { totalCount nodes { id } } }
      contacts(filter: {listId: $list}) { nodes { id lists { nodes { id } } segments { id } } }
      node(id: $list) { id }
    }"""

    found = await client.run(document, id=id, list=list_id)
    why = await client.run(EXPLAIN, id=id, contactId=ids[0])

    only = [{"id": ids[1]}]
    assert found["segment"] == {"count": 1, "members": {"nodes": only}}
    assert found["list"] == {"count": 1, "members": {"totalCount": 1, "nodes": only}}
    assert found["contacts"]["nodes"] == [
        {"id": ids[1], "lists": {"nodes": [{"id": list_id}]}, "segments": [{"id": id}]}
    ]
    assert found["node"] == {"id": list_id}
    assert why["segment"]["explain"]["isMember"] is True


async def test_every_id_that_is_put_in_or_taken_out_is_answered_for(world: World) -> None:
    client = (await world.tenant()).admin
    ids = await people_of(world, client, 2)
    list_id = await list_of(client, ids[0])
    absent = format_id(Prefix.CONTACT, 1)
    given = {"listId": list_id, "contactIds": [ids[1], ids[0], absent, "x", ids[1]]}

    added = await client.do(
        "addToList",
        "AddToListInput",
        "... on AddToListPayload { list { count } changes { contactId change } }",
        given,
    )
    removed = await client.do(
        "removeFromList",
        "RemoveFromListInput",
        "... on RemoveFromListPayload { list { count } changes { contactId change } }",
        given | {"contactIds": [ids[1], absent, ids[1]]},
    )

    assert added["list"]["count"] == 2
    assert [each["contactId"] for each in added["changes"]] == given["contactIds"]
    assert [each["change"] for each in added["changes"]] == [
        "ADDED",
        "ALREADY_IN",
        "NOT_FOUND",
        "NOT_FOUND",
        "ALREADY_IN",
    ]
    assert removed["list"]["count"] == 1
    assert [each["change"] for each in removed["changes"]] == ["REMOVED", "NOT_FOUND", "NOT_IN"]


async def test_a_frozen_list_stays_when_the_segment_changes_and_when_it_goes(world: World) -> None:
    client = (await world.tenant()).admin
    ids = await people_of(world, client, 3)
    id = await segment_of(client, definition_of([BUSY]))
    frozen = await client.do(
        "freezeSegment",
        "FreezeSegmentInput",
        "... on FreezeSegmentPayload { count list { id count members { nodes { id } } } }",
        {"segmentId": id, "name": "Busy in November"},
    )
    world.clock.advance(days=30)
    gone = await client.do(
        "deleteSegment",
        "DeleteSegmentInput",
        "... on DeleteSegmentPayload { id }",
        {"segmentId": id},
    )

    after = await client.run("{ lists { nodes { name count } } segments { totalCount } }")

    assert frozen["count"] == frozen["list"]["count"] == 2
    assert [node["id"] for node in frozen["list"]["members"]["nodes"]] == [ids[2], ids[1]]
    assert gone["id"] == id
    assert after["lists"]["nodes"] == [{"name": "Busy in November", "count": 2}]
    assert after["segments"]["totalCount"] == 0


async def test_a_list_that_a_segment_asks_about_cannot_be_removed(world: World) -> None:
    client = (await world.tenant()).admin
    ids = await people_of(world, client, 1)
    list_id = await list_of(client, ids[0])
    id = await segment_of(client, definition_of([{"list": {"listId": list_id}}]))
    on = "... on DeleteListPayload { id }"

    refused = await client.do("deleteList", "DeleteListInput", on, {"listId": list_id})
    await client.do("deleteSegment", "DeleteSegmentInput", "", {"segmentId": id})
    done = await client.do("deleteList", "DeleteListInput", on, {"listId": list_id})

    assert (refused["code"], refused["path"]) == ("CONFLICT", ["listId"])
    assert done["id"] == list_id
    assert (await client.run("{ contacts { totalCount } }"))["contacts"]["totalCount"] == 1


WRONG: list[tuple[Any, list[str]]] = [
    ({"groups": []}, ["groups"]),
    ({"groups": [{"conditions": []}]}, ["groups", "0", "conditions"]),
    (definition_of(*[[BUSY]] * 11), ["groups"]),
    (definition_of([BUSY] * 21), ["groups", "0", "conditions"]),
    (definition_of([BUSY, {}]), ["groups", "0", "conditions", "1"]),
    (definition_of([BUSY | {"tag": {"tag": "a"}}]), ["groups", "0", "conditions", "0"]),
    (
        definition_of([{"interactions": {"count": {"operator": "GT", "number": -1}}}]),
        ["groups", "0", "conditions", "0", "interactions", "count", "number"],
    ),
    (
        definition_of([{"interactions": {"count": COUNT, "period": {"lastDays": 0}}}]),
        ["groups", "0", "conditions", "0", "interactions", "period", "lastDays"],
    ),
    (
        definition_of([{"field": {"field": "CITY", "operator": "EQ", "values": ["\x00"]}}]),
        ["groups", "0", "conditions", "0", "field", "values", "0"],
    ),
    (
        definition_of([{"field": {"field": "CITY", "operator": "WITHIN_DAYS", "days": 3}}]),
        ["groups", "0", "conditions", "0", "field", "operator"],
    ),
    (
        definition_of([{"field": {"field": "STAGE", "operator": "EQ", "values": ["NONE"]}}]),
        ["groups", "0", "conditions", "0", "field", "values", "0"],
    ),
    (
        definition_of([{"customField": {"key": "a b", "operator": "EXISTS"}}]),
        ["groups", "0", "conditions", "0", "customField", "key"],
    ),
    (
        definition_of([{"customField": {"key": "a", "operator": "EQ", "number": 1e16}}]),
        ["groups", "0", "conditions", "0", "customField", "number"],
    ),
    (
        definition_of([BUSY], [BUSY, {"customField": {"key": "nothing", "operator": "EXISTS"}}]),
        ["groups", "1", "conditions", "1", "customField", "key"],
    ),
]


@pytest.mark.parametrize(("definition", "path"), WRONG, ids=[str(n) for n in range(len(WRONG))])
async def test_a_bad_definition_is_refused_with_the_path_to_it(
    world: World, definition: Any, path: list[str]
) -> None:
    client = (await world.tenant()).admin
    before = await world.dump()

    kept = await client.do(
        "createSegment", "CreateSegmentInput", "", {"name": "A", "definition": definition}
    )
    shown = await client.ask(PREVIEW, definition=definition)

    assert (kept["code"], kept["path"]) == ("INVALID_INPUT", ["definition", *path])
    [error] = shown["errors"]
    assert error["extensions"] == {"code": "INVALID_INPUT", "input": ["definition", *path]}
    assert await world.dump() == before


async def test_what_a_definition_names_has_to_be_there(world: World) -> None:
    first, second = await world.tenant("A"), await world.tenant("B")
    foreign = await list_of(second.admin)
    before = await world.dump()

    for id in (foreign, format_id(Prefix.LIST, 1), "x"):
        definition = definition_of([BUSY], [{"list": {"listId": id}}])
        refused = await first.admin.do(
            "createSegment", "CreateSegmentInput", "", {"name": "A", "definition": definition}
        )
        assert refused["code"] == "NOT_FOUND"
        assert refused["path"] == "definition groups 1 conditions 0 list listId".split()
    assert await world.dump() == before


async def test_names_are_taken_once_in_a_workspace(world: World) -> None:
    client = (await world.tenant()).admin
    await list_of(client, name="A")
    id = await segment_of(client, definition_of([BUSY]), "S")
    await segment_of(client, definition_of([BUSY]), "T")
    before = await world.dump()

    for mutation, type_, input in (
        ("createList", "CreateListInput", {"name": " A "}),
        ("freezeSegment", "FreezeSegmentInput", {"name": "A", "segmentId": id}),
        ("updateSegment", "UpdateSegmentInput", {"name": "T", "segmentId": id}),
    ):
        refused = await client.do(mutation, type_, "", input)
        assert (refused["code"], refused["path"]) == ("CONFLICT", ["name"]), mutation
    assert await world.dump() == before


BIRTHDAY = {"field": {"field": "BIRTHDAY", "operator": "WITHIN_DAYS", "days": 30}}
AILMENT = {"customField": {"key": "ailment", "operator": "EXISTS"}}


async def viewer_of(tenant: Tenant) -> Client:
    """Who may only read, and sees no personal field."""
    return await tenant.client(Scope.READ)


@pytest.mark.parametrize("hidden", [BIRTHDAY, AILMENT])
async def test_a_segment_tells_nothing_of_a_field_that_the_viewer_may_not_see(
    world: World, hidden: dict[str, Any]
) -> None:
    tenant = await world.tenant()
    ids = await people_of(world, tenant.admin, 1)
    ailment = {"key": "ailment", "name": "Ailment", "type": "STRING", "privacy": "SENSITIVE"}
    await tenant.admin.do("defineCustomField", "DefineCustomFieldInput", "", ailment)
    person = {
        "id": ids[0],
        "birthOn": "1990-12-01",
        "customFields": [{"key": "ailment", "value": "back pain"}],
    }
    await tenant.admin.do("upsertContact", "UpsertContactInput", "", person)
    id = await segment_of(tenant.admin, definition_of([hidden]))
    await segment_of(tenant.admin, definition_of([{"channel": {"channel": "EMAIL"}}]), "Open")
    viewer = await viewer_of(tenant)
    names = "{ contacts { nodes { segments { name } } } }"

    for field in (
        "count",
        "members { totalCount }",
        f'explain(contactId: "{ids[0]}") {{ isMember }}',
    ):
        answer = await viewer.ask(f'{{ segment(id: "{id}") {{ name {field} }} }}')
        assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
        assert list(answer["data"]["segment"].values()) == ["Busy", None]
    shown = await viewer.ask(PREVIEW, definition=definition_of([BUSY], [hidden]))
    seen = await viewer.run(names)
    by_admin = await tenant.admin.run(names)

    assert shown["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert shown["errors"][0]["extensions"]["input"][-1] == next(iter(hidden))
    assert seen["contacts"]["nodes"] == [{"segments": [{"name": "Open"}]}]
    assert by_admin["contacts"]["nodes"] == [{"segments": [{"name": "Busy"}, {"name": "Open"}]}]


async def test_a_segment_goes_on_when_its_field_is_archived(world: World) -> None:
    client = (await world.tenant()).admin
    ids = await people_of(world, client, 2)
    ailment = {"key": "ailment", "name": "Ailment", "type": "STRING", "privacy": "NORMAL"}
    await client.do("defineCustomField", "DefineCustomFieldInput", "", ailment)
    person = {"id": ids[0], "customFields": [{"key": "ailment", "value": "back pain"}]}
    await client.do("upsertContact", "UpsertContactInput", "", person)
    id = await segment_of(client, definition_of([AILMENT]))
    other = await segment_of(client, definition_of([BUSY]), "Other")

    await client.do("archiveCustomField", "ArchiveCustomFieldInput", "", {"key": "ailment"})
    found = await client.run(f'{{ segment(id: "{id}") {{ count members {{ nodes {{ id }} }} }} }}')
    given = {"segmentId": other, "definition": definition_of([AILMENT])}
    refused = await client.do("updateSegment", "UpdateSegmentInput", "", given)
    renamed = {"segmentId": id, "name": "Renamed"}
    kept = await client.do("updateSegment", "UpdateSegmentInput", "", renamed)

    assert found["segment"] == {"count": 1, "members": {"nodes": [{"id": ids[0]}]}}
    assert (refused["code"], refused["path"][-2:]) == ("INVALID_INPUT", ["customField", "key"])
    assert kept["__typename"] == "UpdateSegmentPayload"


async def test_a_workspace_sees_nothing_of_anothers_segments_and_lists(world: World) -> None:
    first, second = await world.tenant("A"), await world.tenant("B")
    ids = await people_of(world, second.admin, 2)
    list_id = await list_of(second.admin, *ids)
    segment_id = await segment_of(second.admin, definition_of([BUSY]))
    await people_of(world, first.admin, 1)
    in_list = definition_of([{"list": {"listId": list_id}}])

    found = await first.admin.run(
        "query ($list: ID!, $segment: ID!) { list(id: $list) { id } segment(id: $segment) { id } "
        "lists { totalCount } segments { totalCount } "
        "contacts(filter: {listId: $list}) { totalCount } }",
        list=list_id,
        segment=segment_id,
    )
    preview = await first.admin.run(PREVIEW, definition=in_list)
    refused = await first.admin.do(
        "addToList", "AddToListInput", "", {"listId": list_id, "contactIds": ids}
    )

    none = {"totalCount": 0}
    assert found == {
        "list": None,
        "segment": None,
        "lists": none,
        "segments": none,
        "contacts": none,
    }
    assert preview["previewSegment"]["count"] == 0
    assert refused["code"] == "NOT_FOUND"


async def test_what_members_bring_costs_the_same_for_2_and_for_20_of_them(world: World) -> None:
    client = (await world.tenant(interactionz=1_000)).admin
    await people_of(world, client, 21)
    definition = definition_of([BUSY])
    await segment_of(client, definition)
    costs = []

    for first in (2, 20):
        executed = world.parts.statements.executed
        with statements(world) as others:
            await client.run(PREVIEW, definition=definition, first=first)
        planned = world.parts.statements.executed - executed
        costs.append((planned, sum(each != "BEGIN" for each in others)))

    # Read back by one; the count, the page, and for all members at once the segments, and whose.
    assert costs[1] == costs[0] == (1, 4)


async def test_what_a_person_does_to_lists_and_segments_is_noted(world: World) -> None:
    client = (await world.tenant()).admin
    ids = await people_of(world, client, 1)
    list_id = await list_of(client, ids[0])
    await client.do("renameList", "RenameListInput", "", {"listId": list_id, "name": "Gold"})
    id = await segment_of(client, definition_of([BUSY]))
    await client.do("updateSegment", "UpdateSegmentInput", "", {"segmentId": id, "name": "B"})
    await client.do("freezeSegment", "FreezeSegmentInput", "", {"segmentId": id, "name": "F"})

    noted = await client.run("{ workspace { activity { nodes { verb subjectId before after } } } }")

    rows = noted["workspace"]["activity"]["nodes"][::-1]
    own = [row for row in rows if row["subjectId"] in (list_id, id)]
    assert [row["verb"] for row in own] == (
        "createList addToList renameList createSegment updateSegment freezeSegment".split()
    )
    assert (own[2]["before"], own[2]["after"]) == ({"name": "VIP"}, {"name": "Gold"})
