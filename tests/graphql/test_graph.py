"""What the graph tells and what its mutations do, with exact values."""

from datetime import timedelta
from typing import Any

from tests.graphql.reports import message
from tests.world import Client, World, text_of

INVITED = "... on InviteUserPayload { resent user { id name email role status } }"
SEATS = "... on UserPayload { user { status } seats { included used invited over signedIn } }"
SIGN_IN = "... on SignInPayload { signIn { startedAt lastActivityAt endedAt } user { name } }"
STAFF = """
query ($at: DateTime!, $from: DateTime!, $to: DateTime!, $id: ID!) {
  workspace {
    users { nodes { name status past: status(at: $at) signIns { totalCount } } }
    seats(at: $at) { at used signedIn peak: peakSignedIn(from: $from, to: $to) }
  }
  node(id: $id) { ... on User { signIns { nodes { startedAt endedAt } } } }
}
"""


async def invite(client: Client, name: str) -> Any:
    """The answer to the invitation of an agent."""
    given = {"email": f"{name}@Example.com", "name": name, "role": "AGENT"}
    return await client.do("inviteUser", "InviteUserInput", INVITED, given)


async def invite_staff(client: Client) -> tuple[str, str, str]:
    """The ids of Ana, Eva and one who will be late, all invited."""
    ana, eva, late = [(await invite(client, name))["user"]["id"] for name in ("ana", "eva", "late")]
    return ana, eva, late


async def happens(client: Client, verb: str, user_id: str) -> Any:
    """The user's status and the five figures of the seats, or the refusal and its path."""
    done = await client.do(verb, "UserInput", SEATS, {"userId": user_id})
    if done["__typename"] != "UserPayload":
        return done["__typename"], done["path"]
    return done["user"]["status"], tuple(done["seats"].values())


async def sign(client: Client, verb: str, user_id: str) -> Any:
    """The answer to a sign-in or a sign-out."""
    return await client.do(verb, "UserInput", SIGN_IN, {"userId": user_id})


async def work_a_day(world: World, client: Client, ana: str, eva: str) -> tuple[str, str, str]:
    """Both accept; when Ana signs in, when Eva does and Ana goes on, when Ana signs out."""
    world.clock.advance(minutes=1)
    for user_id in (ana, eva):
        await happens(client, "acceptInvitation", user_id)
    begun = text_of(world.clock.advance(hours=1))
    await sign(client, "signIn", ana)
    moved = text_of(world.clock.advance(hours=1))
    for user_id in (eva, ana):
        await sign(client, "signIn", user_id)
    ended = text_of(world.clock.advance(hours=1))
    await sign(client, "signOut", ana)
    return begun, moved, ended


async def test_an_invitation_is_told_and_can_be_sent_again(world: World) -> None:
    client = (await world.tenant(seats=1)).admin

    ana = await invite(client, "ana")
    again = await invite(client, "ana")

    assert ana["user"] | {"id": ""} == {
        "id": "",
        "name": "ana",
        "email": "ana@example.com",
        "role": "AGENT",
        "status": "INVITED",
    }
    assert (ana["resent"], again["resent"]) == (False, True)


async def test_an_accepted_invitation_takes_a_seat_once(world: World) -> None:
    client = (await world.tenant(seats=1)).admin
    ana, eva, _ = await invite_staff(client)
    world.clock.advance(minutes=1)

    assert await happens(client, "acceptInvitation", ana) == ("ACTIVE", (1, 1, 2, 0, 0))
    assert await happens(client, "acceptInvitation", eva) == ("ACTIVE", (1, 2, 1, 1, 0))
    assert await happens(client, "acceptInvitation", eva) == ("Conflict", ["userId"])
    assert (await invite(client, "eva"))["path"] == ["email"]


async def test_a_sign_in_goes_on_until_the_sign_out(world: World) -> None:
    client = (await world.tenant(seats=1)).admin
    ana, eva, late = await invite_staff(client)
    for user_id in (ana, eva):
        await happens(client, "acceptInvitation", user_id)

    begun = text_of(world.clock.advance(hours=1))
    first = await sign(client, "signIn", ana)
    moved = text_of(world.clock.advance(hours=1))
    await sign(client, "signIn", eva)
    continued = await sign(client, "signIn", ana)
    ended = text_of(world.clock.advance(hours=1))

    assert first["signIn"] == {"startedAt": begun, "lastActivityAt": begun, "endedAt": None}
    assert continued["signIn"] == {"startedAt": begun, "lastActivityAt": moved, "endedAt": None}
    assert (await sign(client, "signOut", ana))["signIn"]["endedAt"] == ended
    assert (await sign(client, "signOut", ana))["__typename"] == "Conflict"
    assert (await sign(client, "signIn", late))["__typename"] == "Conflict"


async def test_a_seat_is_freed_with_its_sign_in_and_taken_again(world: World) -> None:
    client = (await world.tenant(seats=1)).admin
    ana, eva, _ = await invite_staff(client)
    await work_a_day(world, client, ana, eva)

    assert await happens(client, "deactivateUser", eva) == ("DEACTIVATED", (1, 1, 1, 0, 0))
    world.clock.advance(minutes=1)
    assert await happens(client, "reactivateUser", eva) == ("ACTIVE", (1, 2, 1, 1, 0))


async def test_users_and_seats_are_told_as_of_any_instant(world: World) -> None:
    client = (await world.tenant(seats=1)).admin
    at = text_of(world.clock.at)
    ana, eva, late = await invite_staff(client)
    begun, moved, ended = await work_a_day(world, client, ana, eva)
    await happens(client, "deactivateUser", eva)
    world.clock.advance(minutes=1)
    await happens(client, "reactivateUser", eva)
    world.clock.advance(days=7)

    assert await happens(client, "acceptInvitation", late) == ("Conflict", ["userId"])
    found = await client.run(STAFF, at=moved, **{"from": at, "to": ended, "id": ana})

    assert found["workspace"]["seats"] == {"at": moved, "used": 2, "signedIn": 2, "peak": 2}
    assert found["workspace"]["users"]["nodes"] == [
        {"name": "late", "status": "EXPIRED", "past": "INVITED", "signIns": {"totalCount": 0}},
        {"name": "eva", "status": "ACTIVE", "past": "ACTIVE", "signIns": {"totalCount": 1}},
        {"name": "ana", "status": "ACTIVE", "past": "ACTIVE", "signIns": {"totalCount": 1}},
    ]
    assert found["node"]["signIns"]["nodes"] == [{"startedAt": begun, "endedAt": ended}]


async def test_a_peak_within_no_time_is_refused(world: World) -> None:
    client = (await world.tenant(seats=1)).admin
    document = "query ($t: DateTime!) { workspace { seats { peakSignedIn(from: $t, to: $t) } } }"

    empty = await client.ask(document, t=text_of(world.clock.at - timedelta(hours=1)))

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


MERGE = (
    "... on MergeContactsPayload { contact { id } merged { id mergedInto { id } } "
    "entries { amount reason supersedes { sequence } } balance { consumed remaining } }"
)
MERGED = """
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
"""


async def merge_twice(world: World, client: Client) -> tuple[str, str, Any, Any]:
    """The ids of two who wrote within a day, source and target, and what both merges answered."""
    one = await message(world, client, "a")
    two = await message(world, client, "b", occurredAt=text_of(world.clock.at - timedelta(hours=2)))
    source = one["interaction"]["contact"]["id"]
    target = two["interaction"]["contact"]["id"]
    input = {"sourceId": source, "targetId": target}
    merged = await client.do("mergeContacts", "MergeContactsInput", MERGE, input)
    again = await client.do("mergeContacts", "MergeContactsInput", MERGE, input)
    return source, target, merged, again


async def test_a_merge_gives_credits_back_once(world: World) -> None:
    client = (await world.tenant()).admin

    source, target, merged, again = await merge_twice(world, client)

    assert merged == {
        "__typename": "MergeContactsPayload",
        "contact": {"id": target},
        "merged": {"id": source, "mergedInto": {"id": target}},
        "entries": [{"amount": -1, "reason": "MERGE", "supersedes": {"sequence": 1}}],
        "balance": {"consumed": 1, "remaining": 99},
    }
    assert (again["__typename"], again["path"]) == ("Conflict", ["sourceId"])


async def test_a_merge_makes_one_of_two(world: World) -> None:
    client = (await world.tenant()).admin
    source, target, _, _ = await merge_twice(world, client)

    found = await client.run(MERGED, source=source, target=target)

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
    apart = {"mergeOnSharedIdentity": False}
    await client.do("setIdentityPolicy", "SetIdentityPolicyInput", "", apart)
    refused = await upsert(identities=[sms, other])
    assert (refused["code"], refused["path"]) == ("CONFLICT", ["identities", "1"])


CAMPAIGN = "... on CreateCampaignPayload { campaign { id name objective channel createdAt } }"
JOURNEY = "... on CreateJourneyPayload { journey { id name stage createdAt } }"
TICKET = (
    "... on OpenTicketPayload { ticket { id number subject visibility status channel "
    "openedAt contact { id } } }"
)
HAPPENED = """
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
"""


async def create_campaign(client: Client) -> Any:
    """A campaign by e-mail, its name with blanks around it."""
    given = {"name": " Black ", "channel": "EMAIL", "objective": "vender"}
    made = await client.do("createCampaign", "CreateCampaignInput", CAMPAIGN, given)
    return made["campaign"]


async def create_journey(client: Client) -> Any:
    """A journey of attraction."""
    given = {"name": "Bienvenida", "stage": "ATTRACTION"}
    return (await client.do("createJourney", "CreateJourneyInput", JOURNEY, given))["journey"]


async def send_campaign(world: World, client: Client) -> tuple[str, Any]:
    """The campaign's id, and the answer to its send to one contact within the journey."""
    campaign_id = (await create_campaign(client))["id"]
    journey_id = (await create_journey(client))["id"]
    ids = {"campaignId": campaign_id, "journeyId": journey_id}
    return campaign_id, await message(world, client, "a", kind="CAMPAIGN_SEND", **ids)


async def open_tickets(client: Client, contact_id: str) -> list[Any]:
    """Two tickets of a contact, the second one internal and by e-mail."""
    given = {"contactId": contact_id, "subject": "Factura"}
    changes: tuple[dict[str, str], ...] = ({}, {"visibility": "INTERNAL", "channel": "EMAIL"})
    made = [await client.do("openTicket", "OpenTicketInput", TICKET, given | c) for c in changes]
    return [each["ticket"] for each in made]


async def answer_after_a_send(world: World) -> tuple[str, Any]:
    """The id of a contact who got a send and an answer in a ticket, and what is told of it all."""
    client = (await world.tenant()).admin
    campaign_id, sent = await send_campaign(world, client)
    contact_id = sent["interaction"]["contact"]["id"]
    ticket_id = (await open_tickets(client, contact_id))[0]["id"]
    ids = {"contactId": contact_id, "ticketId": ticket_id, "campaignId": campaign_id}
    await message(world, client, "a2", kind="TICKET_PUBLIC_ACTION", identity=..., **ids)
    return contact_id, await client.run(HAPPENED, id=contact_id, ticket=ticket_id)


async def test_campaigns_and_journeys_are_created_as_told(world: World) -> None:
    client = (await world.tenant()).admin

    campaign = await create_campaign(client)
    journey = await create_journey(client)

    assert campaign | {"id": ""} == {
        "id": "",
        "name": "Black",
        "objective": "vender",
        "channel": "EMAIL",
        "createdAt": text_of(world.clock.at),
    }
    assert journey["stage"] == "ATTRACTION"


async def test_tickets_are_numbered_after_a_send_that_is_free(world: World) -> None:
    client = (await world.tenant()).admin
    at = text_of(world.clock.at)

    _, sent = await send_campaign(world, client)
    contact_id = sent["interaction"]["contact"]["id"]
    tickets = await open_tickets(client, contact_id)

    assert (sent["entries"], sent["session"]) == ([], None)
    common = {"subject": "Factura", "status": "NEW", "openedAt": at, "contact": {"id": contact_id}}
    assert [each | {"id": ""} for each in tickets] == [
        {"id": "", "number": 1, "visibility": "PUBLIC", "channel": None, **common},
        {"id": "", "number": 2, "visibility": "INTERNAL", "channel": "EMAIL", **common},
    ]


async def test_a_contact_leads_to_its_touches_enrollments_and_tickets(world: World) -> None:
    at = text_of(world.clock.at)

    contact_id, found = await answer_after_a_send(world)

    person, contact = {"id": contact_id}, found["contact"]
    assert contact["campaignTouches"]["nodes"] == [
        {"channel": "EMAIL", "touchedAt": at, "contact": person, "campaign": {"name": "Black"}}
    ]
    assert contact["journeyEnrollments"]["nodes"] == [
        {"enrolledAt": at, "contact": person, "journey": {"name": "Bienvenida"}}
    ]
    assert contact["tickets"]["nodes"] == [{"number": 2}, {"number": 1}]


async def test_a_contact_leads_to_its_interactions_and_their_verdicts(world: World) -> None:
    at = text_of(world.clock.at)

    _, found = await answer_after_a_send(world)

    assert found["contact"]["interactions"]["nodes"] == [
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


async def test_campaigns_journeys_and_tickets_lead_to_what_happened(world: World) -> None:
    _, found = await answer_after_a_send(world)

    del found["contact"]
    assert found == {
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
