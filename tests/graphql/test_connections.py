"""Pages of connections: filter, order, both directions, stable while rows are inserted."""

from datetime import timedelta
from typing import Any

from tests.graphql.reports import report
from tests.world import Client, World, a_world, text_of

PAGE = """
query ($first: Int, $after: String, $last: Int, $before: String, $order: ContactOrder,
       $filter: ContactFilter) {
  contacts(first: $first, after: $after, last: $last, before: $before, orderBy: $order,
           filter: $filter) {
    totalCount
    edges { cursor node { displayName } }
    nodes { displayName }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
UPSERTED = "... on UpsertContactPayload { contact { id } created }"


async def person(client: Client, name: str, **fields: Any) -> str:
    """A new contact; its id."""
    identity = {"channel": "EMAIL", "address": f"{name.replace(' ', '.')}@example.com"}
    made = await client.do(
        "upsertContact",
        "UpsertContactInput",
        UPSERTED,
        {"identities": [identity], "displayName": name, **fields},
    )
    assert made["created"]
    id: str = made["contact"]["id"]
    return id


async def page(client: Client, **arguments: Any) -> dict[str, Any]:
    """One page of the contacts."""
    found: dict[str, Any] = (await client.run(PAGE, **arguments))["contacts"]
    assert [edge["node"] for edge in found["edges"]] == found["nodes"]
    cursors = [edge["cursor"] for edge in found["edges"]]
    assert found["pageInfo"]["startCursor"] == (cursors[0] if cursors else None)
    assert found["pageInfo"]["endCursor"] == (cursors[-1] if cursors else None)
    return found


def names(found: dict[str, Any]) -> str:
    return "".join(node["displayName"] for node in found["nodes"])


def beyond(found: dict[str, Any]) -> tuple[bool, bool]:
    """Whether there is more before, and after."""
    return found["pageInfo"]["hasPreviousPage"], found["pageInfo"]["hasNextPage"]


async def test_forward_and_backward_pages_are_the_list(world: World) -> None:
    client = (await world.tenant()).admin
    for name in "gfedcba":
        # Some share an instant: the id decides between them.
        world.clock.advance(seconds=0 if name in "ec" else 1)
        await person(client, name)

    assert names(await page(client)) == "abcdefg"
    first = await page(client, first=3)
    assert (names(first), beyond(first), first["totalCount"]) == ("abc", (False, True), 7)
    await person(client, "z")
    second = await page(client, first=3, after=first["pageInfo"]["endCursor"])
    assert (names(second), beyond(second), second["totalCount"]) == ("def", (True, True), 8)
    third = await page(client, first=3, after=second["pageInfo"]["endCursor"])
    assert (names(third), beyond(third)) == ("g", (True, False))
    none = await page(client, first=3, after=third["pageInfo"]["endCursor"])
    assert (names(none), beyond(none)) == ("", (True, False))
    last = await page(client, last=3)
    assert (names(last), beyond(last)) == ("efg", (True, False))
    middle = await page(client, last=3, before=last["pageInfo"]["startCursor"])
    assert (names(middle), beyond(middle)) == ("bcd", (True, True))
    rest = await page(client, last=3, before=middle["pageInfo"]["startCursor"])
    # Both at one instant; the newer id comes first.
    assert (sorted(names(rest)), beyond(rest)) == (["a", "z"], (False, True))
    between = await page(
        client, after=first["pageInfo"]["startCursor"], before=last["pageInfo"]["startCursor"]
    )
    assert names(between) == "bcd"


async def test_a_wrong_page_is_refused(world: World) -> None:
    client = (await world.tenant()).admin
    await person(client, "a")
    other = await client.run("{ workspace { plans { id } } contacts { edges { cursor } } }")
    await client.record(**report(world))
    cursor = await client.run("{ workspace { interactions { edges { cursor } } } }")
    foreign = cursor["workspace"]["interactions"]["edges"][0]["cursor"]

    wrong: list[tuple[dict[str, Any], str]] = [
        ({"first": 0}, "first"),
        ({"first": -1}, "first"),
        ({"first": 101}, "first"),
        ({"last": 0}, "last"),
        ({"last": 101}, "last"),
        ({"first": 1, "last": 1}, "last"),
        *(({name: text}, name) for name in ("after", "before") for text in ("", "x", "é", foreign)),
        ({"after": other["contacts"]["edges"][0]["cursor"][:-4]}, "after"),
        ({"after": "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwiYSJd"}, "after"),
        ({"after": "WyIyMDI2LTExLTIwVDEyOjAwOjAwWiIsImFcdTAwMDAiXQ"}, "after"),
    ]
    for arguments, blamed in wrong:
        answer = await client.ask(PAGE, **arguments)
        assert answer["data"] is None, arguments
        [error] = answer["errors"]
        assert error["extensions"] == {"code": "INVALID_INPUT", "input": [blamed]}, arguments
        assert error["path"] == ["contacts"]


async def test_beyond_a_row_of_another_workspace_there_is_nothing(database_url: str) -> None:
    document = (
        "query ($after: String, $before: String) { workspace { "
        "interactions(after: $after, before: $before) { edges { cursor } } } }"
    )
    for read_plan in (True, False):
        async with a_world(database_url, read_plan=read_plan) as world:
            own, other = (await world.tenant()).admin, (await world.tenant()).admin
            cursors = []
            for client in (own, other):
                await client.record(**report(world))
                edges = (await client.run(document))["workspace"]["interactions"]["edges"]
                cursors += [edge["cursor"] for edge in edges]

            assert len(cursors) == 2
            for side in ("after", "before"):
                found = await own.run(document, **{side: cursors[1]})
                assert found == {"workspace": {"interactions": {"edges": []}}}


async def test_contacts_are_filtered_and_ordered(world: World) -> None:
    client = (await world.tenant()).admin
    begun = world.clock.at
    await person(client, "Ana Sol", stage="SALE", country="CO")
    world.clock.advance(hours=1)
    await person(client, "Beto 100%", stage="SALE", country="MX")
    world.clock.advance(hours=1)
    third = await person(client, "Carla_Ñ", stage="SERVICE", country="CO", firstName="Carolina")
    phone = {"channel": "WHATSAPP", "address": "+57 300 1234567"}
    await client.do(
        "upsertContact", "UpsertContactInput", UPSERTED, {"id": third, "identities": [phone]}
    )
    world.clock.advance(hours=1)
    await client.do(
        "upsertContact",
        "UpsertContactInput",
        UPSERTED,
        {
            "identities": [{"channel": "EMAIL", "address": "ana.sol@example.com"}],
            "city": "Cali",
        },
    )

    async def matching(**wanted: Any) -> list[str]:
        found = await page(client, filter=wanted)
        assert found["totalCount"] == len(found["nodes"])
        return [node["displayName"][0] for node in found["nodes"]]

    assert await matching() == ["C", "B", "A"]
    assert await matching(stage="SALE") == ["B", "A"]
    assert await matching(country="CO") == ["C", "A"]
    assert await matching(country="CO", stage="SALE") == ["A"]
    assert await matching(channel="WHATSAPP") == ["C"]
    assert await matching(channel="SMS") == []
    assert await matching(nameContains="an") == ["A"]
    assert await matching(nameContains="CAROLINA") == ["C"]
    assert await matching(nameContains="%") == ["B"]
    assert await matching(nameContains="_") == ["C"]
    assert await matching(nameContains="a' OR '1'='1") == []
    hour = text_of(begun + timedelta(hours=1))
    assert await matching(createdFrom=hour) == ["C", "B"]
    assert await matching(createdBefore=hour) == ["A"]
    for field, direction, expected in (
        ("CREATED_AT", "ASC", "ABC"),
        ("CREATED_AT", "DESC", "CBA"),
        ("UPDATED_AT", "ASC", "BCA"),
        ("UPDATED_AT", "DESC", "ACB"),
    ):
        order = {"field": field, "direction": direction}
        found = ""
        after = None
        for _ in expected:
            one = await page(client, order=order, first=1, after=after)
            found += names(one)[0]
            after = one["pageInfo"]["endCursor"]
        assert found == expected, order


async def test_each_parent_has_its_own_page(world: World) -> None:
    """Many parents are answered by one statement, and each page is cut for its parent."""
    client = (await world.tenant()).admin
    for name, count in (("a", 5), ("b", 1), ("c", 3)):
        await person(client, name)
        for number in range(count):
            await client.record(
                **report(
                    world,
                    externalId=f"{name}{number}",
                    identity={"channel": "EMAIL", "address": f"{name}@example.com"},
                    occurredAt=text_of(world.clock.at - timedelta(hours=number)),
                    text=f"{name}{number}",
                )
            )
    document = """
    query ($first: Int, $last: Int) {
      contacts(orderBy: {field: CREATED_AT}) {
        nodes {
          interactions(first: $first, last: $last) {
            totalCount nodes { text } pageInfo { hasNextPage hasPreviousPage }
          }
        }
      }
    }
    """

    async def texts(**size: int) -> list[tuple[int, list[str], bool, bool]]:
        found = await client.run(document, **size)
        pages = [node["interactions"] for node in found["contacts"]["nodes"]]
        return [
            (
                each["totalCount"],
                [node["text"] for node in each["nodes"]],
                each["pageInfo"]["hasPreviousPage"],
                each["pageInfo"]["hasNextPage"],
            )
            for each in pages
        ]

    assert await texts(first=2) == [
        (5, ["a0", "a1"], False, True),
        (1, ["b0"], False, False),
        (3, ["c0", "c1"], False, True),
    ]
    assert await texts(last=2) == [
        (5, ["a3", "a4"], True, False),
        (1, ["b0"], False, False),
        (3, ["c1", "c2"], True, False),
    ]


async def test_every_list_can_be_walked_from_either_end(world: World) -> None:
    """Its cursors are taken back, whatever orders it."""
    client = (await world.tenant(interactionz=3)).admin
    for number in range(3):
        world.clock.advance(minutes=1)
        await populate(world, client, number)
    lists = [
        "campaigns",
        "journeys",
        "tickets",
        *(
            f"workspace {{ {each}"
            for each in (
                "interactions",
                "sessions",
                "debits",
                "grants",
                "alerts",
                "users",
                "quarantine",
            )
        ),
    ]
    for each in lists:
        close = " }" if "{" in each else ""

        async def walk(arguments: str, each: str = each, close: str = close) -> dict[str, Any]:
            document = (
                f"{{ {each}({arguments}) {{ nodes {{ id }} totalCount "
                f"pageInfo {{ endCursor startCursor }} }}{close} }}"
            )
            found = await client.run(document)
            name = each.rpartition("{")[2].strip()
            result: dict[str, Any] = (found.get("workspace") or found)[name]
            return result

        whole = await walk("first: 100")
        ids = [node["id"] for node in whole["nodes"]]
        assert len(ids) == len(set(ids)) == whole["totalCount"] >= 2, each
        forward: list[str] = []
        backward: list[str] = []
        after = before = ""
        for _ in ids:
            one = await walk(f"first: 1 {after}")
            forward += [node["id"] for node in one["nodes"]]
            after = f'after: "{one["pageInfo"]["endCursor"]}"'
            one = await walk(f"last: 1 {before}")
            backward += [node["id"] for node in one["nodes"]]
            before = f'before: "{one["pageInfo"]["startCursor"]}"'
        assert forward == ids, each
        assert backward == ids[::-1], each


async def populate(world: World, client: Client, number: int) -> None:
    """One more row in every list."""
    identity = {"channel": "EMAIL", "address": f"p{number}@example.com"}
    made = await client.record(
        "interaction { contact { id } }",
        **report(world, externalId=f"x{number}", identity=identity),
    )
    old = text_of(world.clock.at - timedelta(days=40))
    await client.record(**report(world, externalId=f"old{number}", occurredAt=old))
    contact_id = made["interaction"]["contact"]["id"]
    inputs: list[tuple[str, str, dict[str, Any]]] = [
        ("createCampaign", "CreateCampaignInput", {"name": f"C{number}", "channel": "SMS"}),
        ("createJourney", "CreateJourneyInput", {"name": f"J{number}", "stage": "SALE"}),
        ("openTicket", "OpenTicketInput", {"contactId": contact_id, "subject": f"T{number}"}),
        (
            "inviteUser",
            "InviteUserInput",
            {"email": f"u{number}@example.com", "name": "U", "role": "AGENT"},
        ),
        (
            "grantInteractionz",
            "GrantInteractionzInput",
            {"kind": "COURTESY", "amount": 1, "expiresAt": "2027-01-01T00:00:00Z"},
        ),
    ]
    for mutation, type_, input in inputs:
        done = await client.do(mutation, type_, "", input)
        assert "code" not in done, done
