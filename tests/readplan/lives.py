"""Two companies whose lives interleave, A B A B, made through GraphQL as any client would."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import update

from tests.readplan.values import TAGS, Known
from tests.world import ADMIN, NOON, Client, Tenant, World, text_of
from trenza.domain.access import Scope
from trenza.domain.ids import Prefix, format_id
from trenza.domain.ticket import TicketStatus
from trenza.storage.ticket import TICKET

BEGINNING = NOON - timedelta(days=50)
TURNS = 25
ODD_TEXTS = (
    "%_/",
    'O\'Brien "la jefa" \\ \\u0041',
    "Ñandú Ávila-Çelik",
    "👩🏽‍🚀 e\u0301 \u2028 ﷽",
    "{}[],:null",
    "x" * 90,
    "a",
    "</script><!-- ${jndi} %s {0}",
    "日本語 עברית",
)
LINES = "line one\nline\ttwo\r\n" * 60
ADDRESSES = (
    ("EMAIL", "persona{n}@example.com"),
    ("WHATSAPP", "+5730012345{n:02}"),
    ("INSTAGRAM", "ig'\"\\{n}"),
    ("FACEBOOK_MESSENGER", "fb-ñ-{n}"),
    ("WEBCHAT", "web{n}"),
    ("PUSH", "%_{n}"),
)
STAGES = ("ATTRACTION", "CONVERSION", "SALE", "SERVICE", "AFTER_SALES", None)
KINDS = (
    ("CUSTOMER_MESSAGE", None),
    ("COMPANY_MESSAGE", "HUMAN"),
    ("HANDOFF", "HUMAN"),
    ("COMPANY_MESSAGE", "BOT"),
    ("AUTO_REPLY", None),
    ("DELIVERY_STATUS", None),
    ("SURVEY", None),
)
PEOPLE = 7
RECORD = (
    "mutation ($inputs: [RecordInteractionInput!]!) { recordInteractions(inputs: $inputs) { "
    "... on RecordInteractionPayload { interaction { id } } ... on UserError { code message } } }"
)


@dataclass
class Life:
    """One company and the ids of what it made."""

    tenant: Tenant
    random: Random
    contacts: list[str]
    campaigns: list[str]
    journeys: list[str]
    tickets: list[str]
    users: list[str]
    interactions: list[str]
    groups: list[str]
    keys: list[str]
    number: int
    count: int = 0

    async def do(self, verb: str, fields: str, **input: Any) -> Any:
        """A mutation by its name, which also names its input and its payload; it must succeed."""
        name = verb[0].upper() + verb[1:]
        type_ = "UserInput" if list(input) == ["userId"] else f"{name}Input"
        on = f"... on {name}Payload {{ {fields} }}" if fields else ""
        done = await self.tenant.admin.do(verb, type_, on, input)
        assert "code" not in done, (verb, input, done)
        return done

    async def record(self, *reports: dict[str, Any]) -> None:
        """Reports interactions under new external ids; some come too late."""
        numbers = range(self.count, self.count + len(reports))
        self.count += len(reports)
        inputs = [each | {"externalId": f"n{n}"} for n, each in zip(numbers, reports, strict=True)]
        data = await self.tenant.admin.run(RECORD, inputs=inputs)
        results = data["recordInteractions"]
        assert all(each.get("code", "TOO_LATE") == "TOO_LATE" for each in results), results
        self.interactions += [each["interaction"]["id"] for each in results if "code" not in each]


async def live(world: World) -> tuple[Life, Life]:
    """Everything that happens to both, in turns."""
    world.clock.at = BEGINNING
    lives = [await _found(world, name, n) for n, name in enumerate(("Café Ñ", "Café Ñ"))]
    for number, life in enumerate(lives):
        await _invite(life)
        await _define(life, number)
    for person in range(PEOPLE):
        for life in lives:
            await _meet(life, person)
        world.clock.advance(minutes=1)
    for turn in range(TURNS):
        for life in lives:
            await _spend(world, life, turn)
        world.clock.advance(days=2)
    for life in lives:
        await _settle(world, life)
    world.clock.at = NOON + timedelta(hours=1)
    return lives[0], lives[1]


async def _found(world: World, name: str, seed: int) -> Life:
    tenant = await world.tenant(name, seats=1, interactionz=30, started_days_ago=1)
    await tenant.client(Scope.READ)
    await tenant.client(Scope.RECORD)
    return Life(tenant, Random(seed), [], [], [], [], [], [], [], [], seed)


async def _invite(life: Life) -> None:
    for n, channel in enumerate(("EMAIL", "WHATSAPP")):
        name = ODD_TEXTS[n]
        made = await life.do("createCampaign", "campaign { id }", name=name, channel=channel)
        life.campaigns.append(made["campaign"]["id"])
        made = await life.do("createJourney", "journey { id }", name=name, stage=STAGES[n])
        life.journeys.append(made["journey"]["id"])
    for role in ("ADMIN", "OPERATOR", "AGENT", "VIEWER"):
        email = f"{role.lower()}@example.com"
        made = await life.do("inviteUser", "user { id }", email=email, name=ODD_TEXTS[2], role=role)
        life.users.append(made["user"]["id"])
    for user in life.users[:3]:
        await life.do("acceptInvitation", "", userId=user)
    await life.do("deactivateUser", "", userId=life.users[2])
    await _group(life)


async def _group(life: Life) -> None:
    """Groups, an empty one among them, and keys: of a service, of a user, rotated and revoked."""
    admin = life.tenant.admin
    given: dict[str, Any]
    for name in (ODD_TEXTS[0], ODD_TEXTS[1], ODD_TEXTS[2]):
        on = "... on GroupPayload { group { id } }"
        made = await admin.do("createGroup", "CreateGroupInput", on, {"name": name})
        life.groups.append(made["group"]["id"])
    for n, group_id in enumerate(life.groups[:2]):
        given = {"groupId": group_id, "userIds": life.users[n:]}
        await admin.do("addGroupMembers", "GroupMembersInput", "", given)
    given = {"groupId": life.groups[0], "userIds": life.users[3:]}
    await admin.do("removeGroupMembers", "GroupMembersInput", "", given)
    on = "... on ApiKeySecretPayload { apiKey { id } secret }"
    for name, user in ((ODD_TEXTS[3], life.users[0]), (ODD_TEXTS[4], None), ("x", None)):
        given = {"name": name, "scopes": ["READ", "MANAGE"], "userId": user}
        made = await admin.do("createApiKey", "CreateApiKeyInput", on, given)
        life.keys.append(made["apiKey"]["id"])
        if user is not None:
            client = Client(admin.http, made["secret"])
            person = {"identities": [{"channel": "EMAIL", "address": "persona0@example.com"}]}
            await client.do("upsertContact", "UpsertContactInput", "", person)
    await admin.do("rotateApiKey", "RotateApiKeyInput", "", {"id": life.keys[1]})
    await admin.do("revokeApiKey", "RevokeApiKeyInput", "", {"id": life.keys[2]})


async def _define(life: Life, number: int) -> None:
    """Custom fields; one key is a number to one company, a text to the other."""
    shared = ("NUMBER", "STRING")[number]
    fields = {
        "shared": (shared, "NORMAL"),
        "size": ("NUMBER", "NORMAL"),
        "nick": ("STRING", "PERSONAL"),
        "since": ("DATE", "NORMAL"),
        "member": ("BOOLEAN", "NORMAL"),
        "plan": ("ENUM", "SENSITIVE"),
        "old": ("STRING", "NORMAL"),
    }
    for key, (type_, privacy) in fields.items():
        await life.do(
            "defineCustomField",
            "",
            key=key,
            name=ODD_TEXTS[number],
            type=type_,
            privacy=privacy,
            options=list(ODD_TEXTS[:3]) if type_ == "ENUM" else None,
        )


def _kept_of(life: Life, person: int) -> dict[str, Any]:
    """What is kept of a person beside names: nothing of the first one, more and more of others."""
    is_number = life.number == 0
    values = {
        "size": (0, -1.5, 40, 40.25, 1e-7)[person % 5],
        "shared": (1.5, 10, 9)[person % 3] if is_number else ("10", "9", ODD_TEXTS[1])[person % 3],
        "nick": ODD_TEXTS[person % 5],
        "since": f"20{person:02}-01-31",
        "member": person % 2 == 0,
        "plan": ODD_TEXTS[person % 3],
        "old": "x",
    }
    kept = list(values.items())[: person + 1] if person else []
    return {
        "tags": list(TAGS[: person % 5]),
        "department": ODD_TEXTS[person] if person % 2 else None,
        "assignedUserId": life.users[person % 2] if person % 3 else None,
        "assignedGroupId": life.groups[person % 2] if person % 4 == 1 else None,
        "customFields": [{"key": key, "value": value} for key, value in kept],
    }


async def _meet(life: Life, person: int) -> None:
    identities = [
        {"channel": channel, "address": address.format(n=person)}
        for n, (channel, address) in enumerate(ADDRESSES)
        if n == 0 or (n + person) % 3 == 0
    ]
    odd = ODD_TEXTS[person % len(ODD_TEXTS)]
    fields: dict[str, Any] = {
        "displayName": odd,
        "firstName": ODD_TEXTS[person - 1],
        "lastName": "Pérez",
        "birthOn": "1999-12-31",
        "language": ("ES", "PT", "EN")[person % 3],
        "timeZone": "America/Bogota",
        "company": ODD_TEXTS[person - 2],
        "city": "São Paulo",
        "country": ("CO", "BR")[person % 2],
        "stage": STAGES[person % len(STAGES)],
        "origin": ODD_TEXTS[person - 3],
    }
    given = {name: value for n, (name, value) in enumerate(fields.items()) if n <= person * 2}
    given |= _kept_of(life, person)
    made = await life.do("upsertContact", "contact { id }", identities=identities, **given)
    life.contacts.append(made["contact"]["id"])


async def _spend(world: World, life: Life, turn: int) -> None:
    """A turn of two days: touches, some of them late; in some sends, tickets and sign-ins."""
    now, random = world.clock.at, life.random
    await life.record(*(_touch(now, life) for _ in range(3 if turn % 5 else 5)))
    if turn % 4 == 0:
        await _send(now, life, "CAMPAIGN_SEND", campaignId=random.choice(life.campaigns))
        await _send(now, life, "JOURNEY_SEND", journeyId=random.choice(life.journeys))
    if turn % 2:
        await _attend(now, life)
    if turn % 5 == 2:
        user = life.users[turn % 2]
        await life.do("signIn", "", userId=user)
        if turn % 2:
            await life.do("signOut", "", userId=user)


def _touch(now: datetime, life: Life) -> dict[str, Any]:
    random = life.random
    kind, actor = random.choice(KINDS)
    late = timedelta(hours=random.choice([0, 0, 1, 20, 40, 200]))
    at = now - late - timedelta(microseconds=random.randrange(10**6))
    agents = [*life.users, None]
    return {
        "channel": random.choice(["EMAIL", "WHATSAPP", "WEBCHAT"]),
        "contactId": random.choice(life.contacts),
        "kind": kind,
        "actor": actor,
        "agentId": agents[at.microsecond % len(agents)] if actor == "HUMAN" else None,
        "occurredAt": text_of(at),
        "text": random.choice([None, LINES, *ODD_TEXTS]),
    }


async def _send(now: datetime, life: Life, kind: str, **of: str) -> None:
    sent = {"channel": "EMAIL", "kind": kind, "occurredAt": text_of(now), **of}
    people = life.random.sample(life.contacts, 3)
    await life.record(*(sent | {"contactId": contact_id} for contact_id in people))


async def _attend(now: datetime, life: Life) -> None:
    contact_id = life.random.choice(life.contacts)
    subject = life.random.choice(ODD_TEXTS[:5])
    channel = life.random.choice([None, "EMAIL"])
    made = await life.do(
        "openTicket", "ticket { id }", contactId=contact_id, subject=subject, channel=channel
    )
    life.tickets.append(made["ticket"]["id"])
    await life.record(
        {
            "channel": "EMAIL",
            "contactId": contact_id,
            "kind": "TICKET_PUBLIC_ACTION",
            "ticketId": life.tickets[-1],
            "agentId": life.users[0],
            "occurredAt": text_of(now),
        }
    )


async def _settle(world: World, life: Life) -> None:
    """Merges, retractions, a closed cycle, grants, what came too late, every state of a ticket."""
    now = world.clock.at
    first, second, third = life.contacts[:3]
    await life.do("archiveCustomField", "", key="old")
    for stage in ("SALE", None, "SERVICE"):
        await life.do("upsertContact", "", id=life.contacts[-1], stage=stage, addTags=["x"])
    await life.do("mergeContacts", "", sourceId=second, targetId=first)
    await life.do("mergeContacts", "", sourceId=third, targetId=life.contacts[3])
    await _share(world, life)
    for interaction_id in life.interactions[4:60:9]:
        await life.do("retractInteraction", "", interactionId=interaction_id, reason=ODD_TEXTS[1])
    expires = text_of(now + timedelta(days=60))
    for kind, note in (("COURTESY", ODD_TEXTS[3]), ("PURCHASE", None)):
        await life.do("grantInteractionz", "", kind=kind, amount=5, expiresAt=expires, note=note)
    for day in ("2026-09-30", "2026-10-15"):
        await life.do("closeCycle", "", cycleOf=day, withoutGrace=True)
    old = (text_of(now - timedelta(days=days)) for days in (2, 21, 36, 39, 41))
    message = {"channel": "EMAIL", "contactId": first, "kind": "CUSTOMER_MESSAGE"}
    await life.record(*(message | {"occurredAt": at, "text": ODD_TEXTS[4]} for at in old))
    kept = await life.tenant.admin.run("{ workspace { quarantine { nodes { id } } } }")
    waiting = [node["id"] for node in kept["workspace"]["quarantine"]["nodes"]]
    assert len(waiting) > 1
    await life.do("admitInteraction", "", quarantineId=waiting[0])
    await _speak_of_consent(now, life)
    await _move_tickets(world, life)
    await _list_and_divide(life)
    await _forget(now, life)


async def _forget(now: datetime, life: Life) -> None:
    """People who are erased, one with a merged contact and a history; another time for keeping."""
    for n, address in enumerate(("olvido@example.com", "olvida@example.com")):
        given = {"identities": [{"channel": "EMAIL", "address": address}], "city": ODD_TEXTS[n]}
        made = await life.do("upsertContact", "contact { id }", **given)
        contact_id = made["contact"]["id"]
        if n:
            told = {"channel": "EMAIL", "contactId": contact_id, "occurredAt": text_of(now)}
            await life.record(told | {"kind": "CUSTOMER_MESSAGE", "text": ODD_TEXTS[n]})
            on = "... on OpenTicketPayload { ticket { id } }"
            ticket = {"contactId": contact_id, "subject": ODD_TEXTS[n]}
            await life.tenant.admin.do("openTicket", "OpenTicketInput", on, ticket)
            web = [{"channel": "WEBCHAT", "address": "olvida"}]
            other = await life.do("upsertContact", "contact { id }", identities=web)
            other_id = other["contact"]["id"]
            await life.do("mergeContacts", "", sourceId=other_id, targetId=contact_id)
        await life.do("eraseContact", "", contactId=contact_id, reason=ODD_TEXTS[1])
    await life.do("setRetention", "", months=36)


async def _list_and_divide(life: Life) -> None:
    """Lists, one with a person under two ids; segments of many kinds of conditions."""
    lists: list[str] = []
    for n, people in enumerate((life.contacts[:2], life.contacts[2:6], [])):
        made = await life.do("createList", "list { id }", name=ODD_TEXTS[n])
        lists.append(made["list"]["id"])
        await life.do("addToList", "changes { change }", listId=lists[n], contactIds=people)
    of_lists = ({"list": {"listId": id, "has": n == 0}} for n, id in enumerate(lists))
    touched = {"campaign": {"campaignId": life.campaigns[0]}}
    wrote = {"count": {"operator": "GTE", "number": 2}, "period": {"lastDays": 21}}
    spent = {"count": {"operator": "LT", "number": 4}, "period": {"since": text_of(BEGINNING)}}
    country = {"field": "COUNTRY", "operator": "NEQ", "values": ["BR"]}
    definitions: list[list[list[dict[str, Any]]]] = [
        *([[condition]] for condition in of_lists),
        [[touched, {"field": country}], [{"interactions": wrote}]],
        [[{"spend": spent}, {"sessions": wrote}, {"journey": {"journeyId": life.journeys[1]}}]],
        [
            [
                {"customField": {"key": "size", "operator": "ABSENT"}},
                {"channel": {"channel": "PUSH"}},
            ]
        ],
    ]
    for n, groups in enumerate(definitions):
        definition = {"groups": [{"conditions": conditions} for conditions in groups]}
        name = ODD_TEXTS[n]
        made = await life.do("createSegment", "segment { id }", name=name, definition=definition)
        segment_id = made["segment"]["id"]
        if n % 2:
            await life.do("freezeSegment", "count", segmentId=segment_id, name=f"{name} {n}")


async def _speak_of_consent(now: datetime, life: Life) -> None:
    """What people allowed and refused, in time and late, by form and by word; blocks and caps."""
    for n, contact_id in enumerate(life.contacts * 3):
        ago = timedelta(days=life.random.randrange(60))
        expires = [None, text_of(now + timedelta(days=1)), text_of(now - ago / 2)][n % 3]
        await life.do(
            "setConsent",
            "",
            contactId=contact_id,
            identity={"channel": "EMAIL", "address": _mail(n % PEOPLE)},
            purpose=("MARKETING", "UTILITY")[n % 2],
            status=life.random.choice(["GRANTED", "GRANTED", "DENIED", "REVOKED"]),
            source=ODD_TEXTS[1],
            evidence=life.random.choice([None, *ODD_TEXTS]),
            occurredAt=text_of(now - ago - timedelta(hours=1)),
            expiresAt=expires,
        )
    word = {"channel": "EMAIL", "kind": "CUSTOMER_MESSAGE", "occurredAt": text_of(now)}
    who = {"identity": {"channel": "EMAIL", "address": _mail(5)}}
    await life.record(word | who | {"text": "¡Baja!"})
    for n, contact_id in enumerate(life.contacts[3:6]):
        block = {"contactId": contact_id, "reason": ODD_TEXTS[n]}
        channel = ("EMAIL", None, "SMS")[n]
        ends = [None, text_of(now + timedelta(hours=9))][n % 2]
        on = "... on DoNotContactPayload { doNotContact { id } }"
        given = block | {"channel": channel, "startsAt": text_of(now), "endsAt": ends}
        await life.tenant.admin.do("setDoNotContact", "SetDoNotContactInput", on, given)
    for channel, hours in (("EMAIL", 24 * 30), (None, 24 * 40)):
        await life.do(
            "setFrequencyCap",
            "",
            channel=channel,
            purpose="MARKETING",
            touchesMax=2,
            periodHours=hours,
        )


def _mail(person: int) -> str:
    return ADDRESSES[0][1].format(n=person)


async def _share(world: World, life: Life) -> None:
    """Merges that were undone, one that identities made, rules of its own, blocked addresses."""
    again, other = life.contacts[4:6]
    for stays in (other, life.contacts[0], other):
        world.clock.advance(minutes=2)
        await life.do("mergeContacts", "", sourceId=again, targetId=stays)
        world.clock.advance(minutes=2)
        await life.do("unmergeContact", "", contactId=again)
    limits = [{"space": "PUSH", "most": 3}]
    rules = {"priority": ["EMAIL"], "spaceLimits": limits, "direction": "NEWEST_STAYS"}
    await life.do("setIdentityPolicy", "", **rules)
    mails = [{"channel": "EMAIL", "address": ADDRESSES[0][1].format(n=n)} for n in (4, 6)]
    await life.do("upsertContact", "", identities=mails)
    for channel, address in ADDRESSES[1:4]:
        note = life.random.choice([None, *ODD_TEXTS])
        await life.do("blockAddress", "", channel=channel, address=address.format(n=50), note=note)


async def _move_tickets(world: World, life: Life) -> None:
    """No mutation moves a ticket yet."""
    states = list(TicketStatus)

    async def work(connection: Any) -> None:
        for n, ticket_id in enumerate(life.tickets):
            await connection.execute(
                update(TICKET)
                .where(TICKET.c.workspace_id == life.tenant.id, TICKET.c.id == ticket_id)
                .values(status=states[n % len(states)])
            )

    await world.parts.dependencies.database.write(work, life.tenant.id)


async def known_to(client: Client, foreign: Sequence[str]) -> Known:
    """What a client finds out by asking: ids and cursors of everything."""
    ids = [found async for found in _ids(client)]
    absent = [format_id(prefix, 1) for prefix in Prefix]
    malformed = ["", "x", "contact_", "contact_!", "ñ", "\\'\"", ids[0].upper(), ids[0] + "0"]
    malformed += ["\x00", ids[0] + "\x00"]
    instants = [text_of(BEGINNING + timedelta(hours=29 * n, minutes=n)) for n in range(10, 40, 3)]
    return Known(
        ids=ids,
        strange_ids=[*foreign, *absent, *malformed],
        cursors={name: found async for name, found in _cursors(client, ids)},
        addresses=[
            (channel, address.format(n=n)) for channel, address in ADDRESSES for n in range(4)
        ],
        instants=[
            *instants,
            *(text_of(NOON + timedelta(minutes=n)) for n in (0, 8, 10, 13, 17, 30)),
            "2026-11-20T10:00:00.123456-05:00",
        ],
        dates=["2026-10-15", "2026-11-01", "2026-11-20"],
        custom=await _custom(client),
    )


async def _custom(client: Client) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    people = await client.run("{ contacts { nodes { customFields { key value } } } }")
    for person in people["contacts"]["nodes"]:
        for each in person["customFields"]:
            found.setdefault(each["key"], []).append(each["value"])
    return found


LISTS_OF_QUERY = ("contacts", "campaigns", "journeys", "tickets", "lists", "segments")
LISTS = {
    "Workspace": [
        *"interactions sessions debits grants alerts quarantine".split(),
        *"users groups apiKeys activity blockedAddresses erasures".split(),
    ],
    "Contact": (
        "interactions sessions debits tickets campaignTouches journeyEnrollments timeline "
        "stageHistory consentEvents lists merges"
    ).split(),
    "Campaign": ["touches", "interactions"],
    "Journey": ["enrollments", "interactions"],
    "InteractionzSession": ["interactions"],
    "Ticket": ["interactions"],
    "User": ["signIns"],
    "ContactList": ["members"],
    "Segment": ["members"],
    "AgentGroup": ["members"],
}
ORDERS = tuple(
    f"{field} {direction}{key}"
    for field, key in (
        ("CREATED_AT", ""),
        ("UPDATED_AT", ""),
        ("CUSTOM_FIELD", " size"),
        ("CUSTOM_FIELD", " nick"),
        ("CUSTOM_FIELD", " shared"),
    )
    for direction in ("ASC", "DESC")
)
USER_ORDERS = tuple(
    f"{field} {direction}" for field in ("CREATED_AT", "EMAIL") for direction in ("ASC", "DESC")
)


async def _ids(client: Client) -> AsyncIterator[str]:
    root = " ".join(f"{name}(first: 5) {{ nodes {{ id }} }}" for name in LISTS_OF_QUERY)
    named = (name for name in LISTS["Workspace"] if name != "blockedAddresses")
    inner = " ".join(f"{name}(first: 6) {{ nodes {{ id }} }}" for name in named)
    contact = "campaignTouches(first: 2) { nodes { id } } journeyEnrollments { nodes { id } }"
    data = await client.run(f"{{ {root} workspace {{ id {inner} }} }}")
    workspace = data.pop("workspace")
    yield workspace.pop("id")
    for connection in (*data.values(), *workspace.values()):
        for node in connection["nodes"]:
            yield node["id"]
    merged = "mergedFrom { id } merges(first: 3) { nodes { id } }"
    stages = "stageHistory(first: 2) { nodes { id } }"
    people = await client.run(f"{{ contacts {{ nodes {{ {contact} {merged} {stages} }} }} }}")
    for person in people["contacts"]["nodes"]:
        hung = (
            *person["campaignTouches"]["nodes"],
            *person["mergedFrom"],
            *person["stageHistory"]["nodes"],
            *person["merges"]["nodes"],
        )
        for node in (*hung, *person["journeyEnrollments"]["nodes"]):
            yield node["id"]


async def _cursors(client: Client, ids: Sequence[str]) -> AsyncIterator[tuple[str, list[str]]]:
    for name in LISTS_OF_QUERY:
        data = await client.run(f"{{ found: {name} {{ edges {{ cursor }} }} }}")
        yield f"Query.{name}", [edge["cursor"] for edge in data["found"]["edges"]]
    for order in ORDERS:
        field, direction, *key = order.split()
        named = f', key: "{key[0]}"' if key else ""
        by = f"{{field: {field}, direction: {direction}{named}}}"
        data = await client.run(f"{{ contacts(orderBy: {by}) {{ edges {{ cursor }} }} }}")
        yield f"Query.contacts {order}", [edge["cursor"] for edge in data["contacts"]["edges"]]
    for order in USER_ORDERS:
        field, direction = order.split()
        by = f"{{field: {field}, direction: {direction}}}"
        data = await client.run(
            f"{{ workspace {{ users(orderBy: {by}) {{ edges {{ cursor }} }} }} }}"
        )
        yield (
            f"Workspace.users {order}",
            [edge["cursor"] for edge in data["workspace"]["users"]["edges"]],
        )
    for owner, names in LISTS.items():
        for name in names:
            document = (
                f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {owner} "
                f"{{ found: {name}(first: 4) {{ edges {{ cursor }} }} }} }} }}"
            )
            data = await client.run(document, ids=ids[:100])
            found = [node["found"]["edges"] for node in data["nodes"] if node and "found" in node]
            yield f"{owner}.{name}", [edge["cursor"] for edges in found for edge in edges]


def keys_of(life: Life) -> dict[str, str]:
    """The keys of a company's clients, by what they may do."""
    clients = life.tenant._clients
    wanted = {"admin": ADMIN, "reader": {Scope.READ}, "recorder": {Scope.RECORD}}
    return {name: clients[frozenset(scopes)].key or "" for name, scopes in wanted.items()}
