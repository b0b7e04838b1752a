"""Users as the API lists them, and what belongs to them."""

from datetime import timedelta
from typing import Any

from tests.world import Client, Tenant, World, text_of
from trenza.domain.access import Role

INVITE = "... on InviteUserPayload { user { id } }"


async def crew(world: World) -> tuple[Tenant, dict[str, str]]:
    """Users of each status: two active, one deactivated, one invited, one whose time is up."""
    tenant = await world.tenant()
    ids = {}
    given = {"email": "late@example.com", "name": "Tardío", "role": "AGENT"}
    invited = await tenant.admin.do("inviteUser", "InviteUserInput", INVITE, given)
    ids["late"] = invited["user"]["id"]
    world.clock.advance(days=8)
    for name, role in (("ana", Role.ADMIN), ("eva", Role.AGENT), ("gone", Role.AGENT)):
        _, ids[name] = await tenant.person(role, name)
    await tenant.admin.do("deactivateUser", "UserInput", "", {"userId": ids["gone"]})
    given = {"email": "new@example.com", "name": "Nuño", "role": "VIEWER"}
    invited = await tenant.admin.do("inviteUser", "InviteUserInput", INVITE, given)
    ids["new"] = invited["user"]["id"]
    world.clock.advance(seconds=1)
    return tenant, ids


async def listed(client: Client, **given: Any) -> list[str]:
    """The e-mail addresses, before the @, of the users that a filter lets through, in order."""
    document = (
        "query ($filter: UserFilter, $orderBy: UserOrder) { workspace { "
        "users(filter: $filter, orderBy: $orderBy) { totalCount nodes { email } } } }"
    )
    found = (await client.run(document, **given))["workspace"]["users"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["email"].partition("@")[0] for node in found["nodes"]]


async def test_users_are_filtered_by_how_they_stand_now(world: World) -> None:
    tenant, _ = await crew(world)
    by_status = {
        "ACTIVE": {"ana", "eva"},
        "DEACTIVATED": {"gone"},
        "INVITED": {"new"},
        "EXPIRED": {"late"},
    }

    for status, names in by_status.items():
        found = await listed(tenant.admin, filter={"status": status})
        assert set(found) == names, status

    world.clock.advance(days=7)
    assert await listed(tenant.admin, filter={"status": "INVITED"}) == []
    assert await listed(tenant.admin, filter={"status": "EXPIRED"}) == ["new", "late"]


async def test_the_status_of_a_filter_is_that_of_the_user(world: World) -> None:
    tenant, _ = await crew(world)
    document = "{ workspace { users { nodes { status } } } }"
    found = await tenant.admin.run(document)
    statuses = [node["status"] for node in found["workspace"]["users"]["nodes"]]

    for status in set(statuses):
        names = await listed(tenant.admin, filter={"status": status})
        assert len(names) == statuses.count(status)


async def test_users_are_filtered_by_role_name_and_group_and_ordered(world: World) -> None:
    tenant, ids = await crew(world)
    on = "... on GroupPayload { group { id members { totalCount nodes { id } } } }"
    made = await tenant.admin.do("createGroup", "CreateGroupInput", on, {"name": "Ventas"})
    given = {"groupId": made["group"]["id"], "userIds": [ids["new"], ids["ana"]]}
    grown = await tenant.admin.do("addGroupMembers", "GroupMembersInput", on, given)

    assert grown["group"]["members"]["totalCount"] == 2
    assert [node["id"] for node in grown["group"]["members"]["nodes"]] == [ids["ana"], ids["new"]]
    by_email = {"field": "EMAIL"}
    everybody = ["ana", "eva", "gone", "late", "new"]
    assert await listed(tenant.admin, orderBy=by_email) == everybody
    turned = await listed(tenant.admin, orderBy=by_email | {"direction": "DESC"})
    assert turned == everybody[::-1]
    assert await listed(tenant.admin, filter={"groupId": given["groupId"]}) == ["new", "ana"]
    assert await listed(tenant.admin, filter={"role": "VIEWER"}) == ["new"]
    assert await listed(tenant.admin, filter={"nameContains": "NUNO"}) == ["new"]
    assert await listed(tenant.admin, filter={"nameContains": "gone@"}) == ["gone"]
    assert await listed(tenant.admin, filter={"groupId": given["groupId"], "role": "ADMIN"}) == [
        "ana"
    ]


async def test_a_user_tells_of_invitation_activity_and_groups(world: World) -> None:
    tenant, ids = await crew(world)
    on = "... on GroupPayload { group { id } }"
    made = await tenant.admin.do("createGroup", "CreateGroupInput", on, {"name": "Ventas"})
    group_id = made["group"]["id"]
    given = {"groupId": group_id, "userIds": [ids["eva"]]}
    await tenant.admin.do("addGroupMembers", "GroupMembersInput", "", given)
    await tenant.admin.do("signIn", "UserInput", "", {"userId": ids["eva"]})
    signed_in = world.clock.at
    document = (
        "query ($id: ID!) { node(id: $id) { ... on User { status role invitedAt acceptedAt "
        "lastActivityAt groups { id name members { nodes { email } } } } } }"
    )

    eva = (await tenant.admin.run(document, id=ids["eva"]))["node"]
    new = (await tenant.admin.run(document, id=ids["new"]))["node"]

    assert eva["groups"] == [
        {"id": group_id, "name": "Ventas", "members": {"nodes": [{"email": "eva@example.com"}]}}
    ]
    assert eva["lastActivityAt"] == text_of(signed_in)
    assert eva["invitedAt"] < eva["acceptedAt"] < text_of(signed_in - timedelta(milliseconds=1))
    assert new == {
        "status": "INVITED",
        "role": "VIEWER",
        "invitedAt": new["invitedAt"],
        "acceptedAt": None,
        "lastActivityAt": None,
        "groups": [],
    }


async def test_a_key_of_the_api_opens_it_and_is_listed_without_its_secret(world: World) -> None:
    tenant, ids = await crew(world)
    on = "... on ApiKeySecretPayload { secret apiKey { id name scopes user { id } revokedAt } }"
    given = {"name": "desk", "scopes": ["READ", "RECORD"], "userId": ids["eva"]}
    made = await tenant.admin.do("createApiKey", "CreateApiKeyInput", on, given)
    client = Client(world.http, made["secret"])

    viewer = (await client.run("{ viewer { keyId name user { id } } }"))["viewer"]
    key_id = made["apiKey"]["id"]
    assert viewer == {"keyId": key_id, "name": "desk", "user": {"id": ids["eva"]}}
    rotated = await tenant.admin.do(
        "rotateApiKey",
        "RotateApiKeyInput",
        "... on ApiKeySecretPayload { secret apiKey { id rotatedAt formerSecretUntil } }",
        {"id": key_id},
    )
    assert rotated["apiKey"] == {
        "id": key_id,
        "rotatedAt": text_of(world.clock.at),
        "formerSecretUntil": text_of(world.clock.at + timedelta(hours=24)),
    }
    document = "{ workspace { apiKeys { nodes { name user { email } scopes } } } }"
    nodes = (await tenant.admin.run(document))["workspace"]["apiKeys"]["nodes"]
    [found] = [node for node in nodes if node["name"] == "desk"]
    assert found["user"] == {"email": "eva@example.com"}
    assert found["scopes"] == ["READ", "RECORD"]
    await tenant.admin.do("revokeApiKey", "RevokeApiKeyInput", "", {"id": key_id})
    world.clock.advance(seconds=2)
    for secret in (made["secret"], rotated["secret"]):
        response = await Client(world.http, secret).post({"query": "{ viewer { name } }"})
        assert response.status_code == 401
        assert "revoked" in response.text


async def test_a_key_of_a_user_without_a_seat_is_refused_and_says_why(world: World) -> None:
    tenant = await world.tenant()
    client, user_id = await tenant.person(Role.AGENT)
    await client.run("{ viewer { name } }")
    await tenant.admin.do("deactivateUser", "UserInput", "", {"userId": user_id})
    world.clock.advance(seconds=2)

    response = await client.post({"query": "{ viewer { name } }"})

    assert response.status_code == 401
    [error] = response.json()["errors"]
    assert error["message"] == "the key is of a user who is DEACTIVATED"
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
