"""What the graph tells and what its mutations do, with exact values."""

from datetime import timedelta
from typing import Any

from tests.graphql.reports import message
from tests.world import World, text_of


async def test_seats_are_counted_from_what_happens(world: World) -> None:
    client = (await world.tenant(seats=1)).admin
    at = world.clock.at

    async def invite(name: str) -> Any:
        return await client.do(
            "inviteUser",
            "InviteUserInput",
            "... on InviteUserPayload { resent user { id name email role status } }",
            {"email": f"{name}@Example.com", "name": name, "role": "AGENT"},
        )

    async def happens(verb: str, user_id: str) -> Any:
        fields = (
            "... on UserPayload { user { status } seats { included used invited over signedIn } }"
        )
        done = await client.do(verb, "UserInput", fields, {"userId": user_id})
        if done["__typename"] != "UserPayload":
            return done["__typename"], done["path"]
        seats = done["seats"]
        return done["user"]["status"], tuple(seats.values())

    async def sign(verb: str, user_id: str) -> Any:
        fields = (
            "... on SignInPayload { signIn { startedAt lastActivityAt endedAt } user { name } }"
        )
        return await client.do(verb, "UserInput", fields, {"userId": user_id})

    ana = await invite("ana")
    assert ana["user"] | {"id": ""} == {
        "id": "",
        "name": "ana",
        "email": "ana@example.com",
        "role": "AGENT",
        "status": "INVITED",
    }
    assert (ana["resent"], (await invite("ana"))["resent"]) == (False, True)
    eva = (await invite("eva"))["user"]["id"]
    late = (await invite("late"))["user"]["id"]
    ana_id = ana["user"]["id"]
    world.clock.advance(minutes=1)
    assert await happens("acceptInvitation", ana_id) == ("ACTIVE", (1, 1, 2, 0, 0))
    assert await happens("acceptInvitation", eva) == ("ACTIVE", (1, 2, 1, 1, 0))
    assert await happens("acceptInvitation", eva) == ("Conflict", ["userId"])
    assert (await invite("eva"))["path"] == ["email"]
    begun = text_of(world.clock.advance(hours=1))
    first = await sign("signIn", ana_id)
    assert first["signIn"] == {"startedAt": begun, "lastActivityAt": begun, "endedAt": None}
    moved = text_of(world.clock.advance(hours=1))
    await sign("signIn", eva)
    continued = await sign("signIn", ana_id)
    assert continued["signIn"] == {"startedAt": begun, "lastActivityAt": moved, "endedAt": None}
    ended = text_of(world.clock.advance(hours=1))
    assert (await sign("signOut", ana_id))["signIn"]["endedAt"] == ended
    assert (await sign("signOut", ana_id))["__typename"] == "Conflict"
    assert (await sign("signIn", late))["__typename"] == "Conflict"
    assert await happens("deactivateUser", eva) == ("DEACTIVATED", (1, 1, 1, 0, 0))
    world.clock.advance(minutes=1)
    assert await happens("reactivateUser", eva) == ("ACTIVE", (1, 2, 1, 1, 0))
    world.clock.advance(days=7)
    assert await happens("acceptInvitation", late) == ("Conflict", ["userId"])

    found = await client.run(
        """
        query ($at: DateTime!, $from: DateTime!, $to: DateTime!, $id: ID!) {
          workspace {
            users { nodes { name status past: status(at: $at) signIns { totalCount } } }
            seats(at: $at) { at used signedIn peak: peakSignedIn(from: $from, to: $to) }
          }
          node(id: $id) { ... on User { signIns { nodes { startedAt endedAt } } } }
        }
        """,
        at=moved,
        **{"from": text_of(at), "to": ended, "id": ana_id},
    )
    assert found["workspace"]["seats"] == {"at": moved, "used": 2, "signedIn": 2, "peak": 2}
    assert found["workspace"]["users"]["nodes"] == [
        {"name": "late", "status": "EXPIRED", "past": "INVITED", "signIns": {"totalCount": 0}},
        {"name": "eva", "status": "ACTIVE", "past": "ACTIVE", "signIns": {"totalCount": 1}},
        {"name": "ana", "status": "ACTIVE", "past": "ACTIVE", "signIns": {"totalCount": 1}},
    ]
    assert found["node"]["signIns"]["nodes"] == [{"startedAt": begun, "endedAt": ended}]
    empty = await client.ask(
        "query ($t: DateTime!) { workspace { seats { peakSignedIn(from: $t, to: $t) } } }", t=moved
    )
    assert empty["errors"][0]["extensions"] == {"code": "INVALID_INPUT", "input": ["to"]}


QUARANTINE = (
    "query ($waiting: Boolean) { workspace { quarantine(waiting: $waiting) { totalCount nodes { id "
    "source externalId occurredAt arrivedAt admittedAt request interaction { id } } } } }"
)


async def test_what_came_too_late_is_kept_and_admitted_once(world: World) -> None:
    client = (await world.tenant()).admin
    old = text_of(world.clock.at - timedelta(days=40))
    refused = await message(world, client, "a", occurredAt=old, text="hola")
    again = await message(world, client, "a", occurredAt=old, text="hola")
    assert (refused["code"], again["code"]) == ("TOO_LATE", "TOO_LATE")
    listed = (await client.run(QUARANTINE, waiting=True))["workspace"]["quarantine"]
    assert listed["totalCount"] == 1
    [kept] = listed["nodes"]
    assert (kept["externalId"], kept["occurredAt"], kept["admittedAt"]) == ("a", old, None)
    assert kept["request"]["text"] == "hola"
    assert (await client.run(QUARANTINE, waiting=False))["workspace"]["quarantine"]["nodes"] == []

    world.clock.advance(hours=1)
    fields = (
        "... on RecordInteractionPayload { replayed interaction { id occurredAt text } "
        "entries { amount effectiveAt countsAt } }"
    )
    input = {"quarantineId": kept["id"]}
    admitted = await client.do("admitInteraction", "AdmitInteractionInput", fields, input)
    repeated = await client.do("admitInteraction", "AdmitInteractionInput", fields, input)

    assert admitted["interaction"] | {"id": ""} == {"id": "", "occurredAt": old, "text": "hola"}
    assert admitted["entries"] == [{"amount": 1, "effectiveAt": old, "countsAt": old}]
    assert repeated == admitted | {"replayed": True}
    assert (await client.run(QUARANTINE, waiting=True))["workspace"]["quarantine"]["nodes"] == []
    [kept] = (await client.run(QUARANTINE))["workspace"]["quarantine"]["nodes"]
    assert kept["admittedAt"] == text_of(world.clock.at)
    assert kept["interaction"]["id"] == admitted["interaction"]["id"]
    replayed = await message(world, client, "a", occurredAt=old, text="hola")
    assert (replayed["replayed"], replayed["interaction"]["id"]) == (
        True,
        admitted["interaction"]["id"],
    )


async def test_a_merge_makes_one_of_two_and_gives_credits_back(world: World) -> None:
    client = (await world.tenant()).admin
    one = await message(world, client, "a")
    two = await message(world, client, "b", occurredAt=text_of(world.clock.at - timedelta(hours=2)))
    source = one["interaction"]["contact"]["id"]
    target = two["interaction"]["contact"]["id"]
    input = {"sourceId": source, "targetId": target}
    fields = (
        "... on MergeContactsPayload { contact { id } merged { id mergedInto { id } } "
        "entries { amount reason supersedes { sequence } } balance { consumed remaining } }"
    )

    merged = await client.do("mergeContacts", "MergeContactsInput", fields, input)
    again = await client.do("mergeContacts", "MergeContactsInput", fields, input)

    assert merged == {
        "__typename": "MergeContactsPayload",
        "contact": {"id": target},
        "merged": {"id": source, "mergedInto": {"id": target}},
        "entries": [{"amount": -1, "reason": "MERGE", "supersedes": {"sequence": 1}}],
        "balance": {"consumed": 1, "remaining": 99},
    }
    assert (again["__typename"], again["path"]) == ("Conflict", ["sourceId"])
    found = await client.run(
        """
        query ($source: ID!, $target: ID!) {
          contacts { totalCount nodes { id } }
          contactByIdentity(channel: EMAIL, address: "a@example.com") { id }
          source: contact(id: $source) { id mergedInto { id } mergedAt identities { address } }
          target: contact(id: $target) {
            identities { address } mergedFrom { id } mergedInto { id }
            interactions { nodes { contact { id } recordedFor { id } verdict { ruleCode } } }
            sessions { totalCount }
            debits { nodes { amount } }
          }
        }
        """,
        source=source,
        target=target,
    )
    assert found == {
        "contacts": {"totalCount": 1, "nodes": [{"id": target}]},
        "contactByIdentity": {"id": target},
        "source": {
            "id": source,
            "mergedInto": {"id": target},
            "mergedAt": text_of(world.clock.at),
            "identities": [],
        },
        "target": {
            "identities": [{"address": "a@example.com"}, {"address": "b@example.com"}],
            "mergedFrom": [{"id": source}],
            "mergedInto": None,
            "interactions": {
                "nodes": [
                    {
                        "contact": {"id": target},
                        "recordedFor": {"id": source},
                        "verdict": {"ruleCode": "COVERED_BY_OPEN_SESSION"},
                    },
                    {
                        "contact": {"id": target},
                        "recordedFor": {"id": target},
                        "verdict": {"ruleCode": "OPENED_BY_CUSTOMER"},
                    },
                ]
            },
            "sessions": {"totalCount": 1},
            "debits": {"nodes": [{"amount": -1}, {"amount": 1}, {"amount": 1}]},
        },
    }


async def test_a_contact_is_written_field_by_field(world: World) -> None:
    client = (await world.tenant()).admin
    told = {
        "firstName": "Ana",
        "lastName": "Sol",
        "birthOn": "1990-02-28",
        "language": "PT",
        "timeZone": "America/Sao_Paulo",
        "company": "Sol Ltda",
        "city": "São Paulo",
        "country": "BR",
        "stage": "ATTRACTION",
        "origin": "feria",
    }
    fields = (
        "... on UpsertContactPayload { created contact { id displayName createdAt updatedAt "
        f"erasedAt {' '.join(told)} identities {{ channel address createdAt }} }} }}"
    )

    async def upsert(**input: Any) -> Any:
        return await client.do("upsertContact", "UpsertContactInput", fields, input)

    began = text_of(world.clock.at)
    phone = {"channel": "WHATSAPP", "address": "+55 11 8765-4321"}
    made = await upsert(identities=[phone], **told)
    assert made["created"]
    contact = made["contact"]
    assert contact == told | {
        "id": contact["id"],
        "displayName": "Ana Sol",
        "createdAt": began,
        "updatedAt": began,
        "erasedAt": None,
        "identities": [{"channel": "WHATSAPP", "address": "+5511987654321", "createdAt": began}],
    }
    later = text_of(world.clock.advance(hours=1))
    sms = {"channel": "SMS", "address": "+5511987654321"}
    changed = await upsert(identities=[sms], company=None, lastName="Luz")
    assert not changed["created"]
    assert changed["contact"] | {"identities": []} == contact | {
        "company": None,
        "lastName": "Luz",
        "displayName": "Ana Luz",
        "updatedAt": later,
        "identities": [],
    }
    assert [each["channel"] for each in changed["contact"]["identities"]] == ["SMS", "WHATSAPP"]
    world.clock.advance(hours=1)
    same = await upsert(id=contact["id"], lastName="Luz")
    assert same["contact"] == changed["contact"]
    other = {"channel": "EMAIL", "address": "other@example.com"}
    await upsert(identities=[other])
    refused = await upsert(identities=[sms, other])
    assert (refused["code"], refused["path"]) == ("CONFLICT", ["identities", "1"])


async def test_campaigns_journeys_and_tickets_lead_to_what_happened(world: World) -> None:
    client = (await world.tenant()).admin
    at = text_of(world.clock.at)
    campaign = await client.do(
        "createCampaign",
        "CreateCampaignInput",
        "... on CreateCampaignPayload { campaign { id name objective channel createdAt } }",
        {"name": " Black ", "channel": "EMAIL", "objective": "vender"},
    )
    assert campaign["campaign"] | {"id": ""} == {
        "id": "",
        "name": "Black",
        "objective": "vender",
        "channel": "EMAIL",
        "createdAt": at,
    }
    journey = await client.do(
        "createJourney",
        "CreateJourneyInput",
        "... on CreateJourneyPayload { journey { id name stage createdAt } }",
        {"name": "Bienvenida", "stage": "ATTRACTION"},
    )
    assert journey["journey"]["stage"] == "ATTRACTION"
    ids = {"campaignId": campaign["campaign"]["id"], "journeyId": journey["journey"]["id"]}
    sent = await message(world, client, "a", kind="CAMPAIGN_SEND", **ids)
    assert (sent["entries"], sent["session"]) == ([], None)
    contact_id = sent["interaction"]["contact"]["id"]
    tickets = [
        await client.do(
            "openTicket",
            "OpenTicketInput",
            "... on OpenTicketPayload { ticket { id number subject visibility status channel "
            "openedAt contact { id } } }",
            {"contactId": contact_id, "subject": "Factura", **more},
        )
        for more in ({}, {"visibility": "INTERNAL", "channel": "EMAIL"})
    ]
    common = {"subject": "Factura", "status": "NEW", "openedAt": at, "contact": {"id": contact_id}}
    assert [each["ticket"] | {"id": ""} for each in tickets] == [
        {"id": "", "number": 1, "visibility": "PUBLIC", "channel": None, **common},
        {"id": "", "number": 2, "visibility": "INTERNAL", "channel": "EMAIL", **common},
    ]
    ticket_id = tickets[0]["ticket"]["id"]
    await message(
        world,
        client,
        "a2",
        kind="TICKET_PUBLIC_ACTION",
        identity=...,
        contactId=contact_id,
        ticketId=ticket_id,
        campaignId=ids["campaignId"],
    )

    found = await client.run(
        """
        query ($id: ID!, $ticket: ID!) {
          contact(id: $id) {
            campaignTouches { nodes { channel touchedAt contact { id } campaign { name } } }
            journeyEnrollments { nodes { enrolledAt contact { id } journey { name } } }
            tickets { nodes { number } }
            interactions {
              nodes {
                kind actor source externalId campaign { name } journey { name } ticket { number }
                verdict { outcome ruleCode session { lane openedAt expiresAt channel } }
              }
            }
          }
          campaigns { nodes { name touches { totalCount } interactions { totalCount } } }
          journeys { nodes { name enrollments { totalCount } interactions { totalCount } } }
          tickets { nodes { number } }
          node(id: $ticket) { ... on Ticket { interactions { nodes { kind } } } }
        }
        """,
        id=contact_id,
        ticket=ticket_id,
    )
    person = {"id": contact_id}
    assert found == {
        "contact": {
            "campaignTouches": {
                "nodes": [
                    {
                        "channel": "EMAIL",
                        "touchedAt": at,
                        "contact": person,
                        "campaign": {"name": "Black"},
                    }
                ]
            },
            "journeyEnrollments": {
                "nodes": [{"enrolledAt": at, "contact": person, "journey": {"name": "Bienvenida"}}]
            },
            "tickets": {"nodes": [{"number": 2}, {"number": 1}]},
            "interactions": {
                "nodes": [
                    {
                        "kind": "CAMPAIGN_SEND",
                        "actor": None,
                        "source": "api",
                        "externalId": "a",
                        "campaign": {"name": "Black"},
                        "journey": {"name": "Bienvenida"},
                        "ticket": None,
                        "verdict": {
                            "outcome": "FREE",
                            "ruleCode": "FREE_CAMPAIGN_SEND",
                            "session": None,
                        },
                    },
                    {
                        "kind": "TICKET_PUBLIC_ACTION",
                        "actor": "HUMAN",
                        "source": "api",
                        "externalId": "a2",
                        "campaign": {"name": "Black"},
                        "journey": None,
                        "ticket": {"number": 1},
                        "verdict": {
                            "outcome": "CHARGED",
                            "ruleCode": "OPENED_BY_TICKET_ACTION",
                            "session": {
                                "lane": "HUMAN",
                                "openedAt": at,
                                "expiresAt": text_of(world.clock.at + timedelta(days=1)),
                                "channel": "EMAIL",
                            },
                        },
                    },
                ]
            },
        },
        "campaigns": {
            "nodes": [
                {"name": "Black", "touches": {"totalCount": 1}, "interactions": {"totalCount": 2}}
            ]
        },
        "journeys": {
            "nodes": [
                {
                    "name": "Bienvenida",
                    "enrollments": {"totalCount": 1},
                    "interactions": {"totalCount": 1},
                }
            ]
        },
        "tickets": {"nodes": [{"number": 2}, {"number": 1}]},
        "node": {"interactions": {"nodes": [{"kind": "TICKET_PUBLIC_ACTION"}]}},
    }


async def test_sessions_are_open_within_their_window(world: World) -> None:
    client = (await world.tenant()).admin
    made = await message(world, client, "a")
    contact_id = made["interaction"]["contact"]["id"]
    opened, ends = world.clock.at, world.clock.at + timedelta(days=1)
    tick = timedelta(microseconds=1)
    document = """
    query ($id: ID!, $at: DateTime!) {
      contact(id: $id) { sessions(openAt: $at) { totalCount } }
      workspace {
        sessions(openAt: $at) { totalCount }
        all: sessions { nodes { state(at: $at) interactions { totalCount } } }
      }
    }
    """

    for at, count, state in (
        (opened - tick, 0, "EXPIRED"),
        (opened, 1, "OPEN"),
        (ends - tick, 1, "OPEN"),
        (ends, 0, "EXPIRED"),
    ):
        found = await client.run(document, id=contact_id, at=text_of(at))
        assert found["contact"]["sessions"]["totalCount"] == count
        assert found["workspace"]["sessions"]["totalCount"] == count
        [session] = found["workspace"]["all"]["nodes"]
        assert session == {"state": state, "interactions": {"totalCount": 1}}


async def test_the_workspace_tells_its_terms_and_the_channels(world: World) -> None:
    tenant = await world.tenant(seats=3, interactionz=250, anchor_day=7)

    found = await tenant.admin.run(
        """
        { workspace {
            id name timeZone language rulePolicy acceptanceHorizonDays
            contract { id status anchorDay startsAt endsAt
                       plan { id code name seats interactionz sample } }
            plans { code }
            channels { kind massSend attendance conversational replyWindowHours
                       name es: name(language: ES) }
        } }
        """
    )

    workspace = found["workspace"]
    channels = {each.pop("kind"): each for each in workspace.pop("channels")}
    assert workspace == {
        "id": tenant.id,
        "name": "Cafetal",
        "timeZone": "America/Bogota",
        "language": "ES",
        "rulePolicy": "2026-11",
        "acceptanceHorizonDays": 35,
        "contract": {
            "id": tenant.contract_id,
            "status": "ACTIVE",
            "anchorDay": 7,
            "startsAt": text_of(world.clock.at - timedelta(days=90)),
            "endsAt": None,
            "plan": {
                "id": tenant.plan_id,
                "code": "starter",
                "name": "Starter",
                "seats": 3,
                "interactionz": 250,
                "sample": False,
            },
        },
        "plans": [{"code": "starter"}],
    }
    assert len(channels) == 8
    assert {kind for kind, each in channels.items() if each["massSend"]} == {
        "WHATSAPP",
        "SMS",
        "RCS",
        "EMAIL",
        "PUSH",
    }
    windows = {k: v["replyWindowHours"] for k, v in channels.items() if v["replyWindowHours"]}
    assert windows == {"WHATSAPP": 24, "FACEBOOK_MESSENGER": 24, "INSTAGRAM": 24}
    assert channels["PUSH"]["attendance"] == "NONE"
