"""What the tests of the API report and ask for: inputs that are right, to be made wrong."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tests.world import Client, World, text_of
from trenza.domain.access import Scope
from trenza.domain.ids import Prefix, format_id

RECORD = (
    "mutation ($input: RecordInteractionInput!) {\n"
    "  recordInteraction(input: $input) { __typename ... on UserError { code message path } }\n"
    "}"
)
EMAIL = {"channel": "EMAIL", "address": "ana@example.com"}


def report(world: World, **changes: Any) -> dict[str, Any]:
    """A report that is right, but for the changes; one changed to `...` is left out."""
    right = {
        "channel": "EMAIL",
        "kind": "CUSTOMER_MESSAGE",
        "occurredAt": text_of(world.clock.at),
        "externalId": "x1",
        "identity": EMAIL,
    }
    return {name: value for name, value in (right | changes).items() if value is not ...}


MUTATIONS: dict[str, tuple[str, dict[str, Any], Scope]] = {
    "recordInteraction": ("RecordInteractionInput!", {}, Scope.RECORD),
    "retractInteraction": (
        "RetractInteractionInput!",
        {"interactionId": "?int", "reason": "a mistake"},
        Scope.ADMIN,
    ),
    "admitInteraction": ("AdmitInteractionInput!", {"quarantineId": "?quarantine"}, Scope.ADMIN),
    "upsertContact": (
        "UpsertContactInput!",
        {"id": "?contact", "displayName": "Ana"},
        Scope.MANAGE,
    ),
    "mergeContacts": (
        "MergeContactsInput!",
        {"sourceId": "?contact", "targetId": "?contact"},
        Scope.MANAGE,
    ),
    "unmergeContact": ("UnmergeContactInput!", {"contactId": "?contact"}, Scope.MANAGE),
    "setIdentityPolicy": ("SetIdentityPolicyInput!", {"identitiesMax": 10}, Scope.ADMIN),
    "blockAddress": (
        "BlockAddressInput!",
        {"channel": "SMS", "address": "+525550000000", "note": "reception"},
        Scope.ADMIN,
    ),
    "unblockAddress": (
        "UnblockAddressInput!",
        {"channel": "SMS", "address": "+525550000000"},
        Scope.ADMIN,
    ),
    "defineCustomField": (
        "DefineCustomFieldInput!",
        {"key": "plan", "name": "Plan", "type": "STRING"},
        Scope.ADMIN,
    ),
    "archiveCustomField": ("ArchiveCustomFieldInput!", {"key": "plan"}, Scope.ADMIN),
    "createList": ("CreateListInput!", {"name": "VIP"}, Scope.MANAGE),
    "renameList": ("RenameListInput!", {"listId": "?list", "name": "VIP"}, Scope.MANAGE),
    "deleteList": ("DeleteListInput!", {"listId": "?list"}, Scope.MANAGE),
    "addToList": ("AddToListInput!", {"listId": "?list", "contactIds": []}, Scope.MANAGE),
    "removeFromList": ("RemoveFromListInput!", {"listId": "?list", "contactIds": []}, Scope.MANAGE),
    "createSegment": (
        "CreateSegmentInput!",
        {"name": "VIP", "definition": {"groups": [{"conditions": [{"tag": {"tag": "vip"}}]}]}},
        Scope.MANAGE,
    ),
    "updateSegment": ("UpdateSegmentInput!", {"segmentId": "?segment", "name": "A"}, Scope.MANAGE),
    "deleteSegment": ("DeleteSegmentInput!", {"segmentId": "?segment"}, Scope.MANAGE),
    "freezeSegment": ("FreezeSegmentInput!", {"segmentId": "?segment", "name": "A"}, Scope.MANAGE),
    "createCampaign": ("CreateCampaignInput!", {"name": "Black", "channel": "SMS"}, Scope.MANAGE),
    "createJourney": ("CreateJourneyInput!", {"name": "Hola", "stage": "SALE"}, Scope.MANAGE),
    "openTicket": ("OpenTicketInput!", {"contactId": "?contact", "subject": "?"}, Scope.MANAGE),
    "grantInteractionz": (
        "GrantInteractionzInput!",
        {"kind": "PURCHASE", "amount": 5, "expiresAt": "2027-01-01T00:00:00Z"},
        Scope.ADMIN,
    ),
    "closeCycle": ("CloseCycleInput!", {"cycleOf": "2026-09-15"}, Scope.ADMIN),
    "inviteUser": (
        "InviteUserInput!",
        {"email": "eva@example.com", "name": "Eva", "role": "AGENT"},
        Scope.ADMIN,
    ),
    "acceptInvitation": ("UserInput!", {"userId": "?user"}, Scope.ADMIN),
    "deactivateUser": ("UserInput!", {"userId": "?user"}, Scope.ADMIN),
    "reactivateUser": ("UserInput!", {"userId": "?user"}, Scope.ADMIN),
    "updateUser": ("UpdateUserInput!", {"userId": "?user", "name": "Eva"}, Scope.ADMIN),
    "changeUserRole": (
        "ChangeUserRoleInput!",
        {"userId": "?user", "role": "OPERATOR"},
        Scope.ADMIN,
    ),
    "createGroup": ("CreateGroupInput!", {"name": "Ventas"}, Scope.ADMIN),
    "renameGroup": ("RenameGroupInput!", {"groupId": "?group", "name": "Ventas"}, Scope.ADMIN),
    "addGroupMembers": (
        "GroupMembersInput!",
        {"groupId": "?group", "userIds": ["?user"]},
        Scope.ADMIN,
    ),
    "removeGroupMembers": (
        "GroupMembersInput!",
        {"groupId": "?group", "userIds": ["?user"]},
        Scope.ADMIN,
    ),
    "deleteGroup": ("DeleteGroupInput!", {"groupId": "?group"}, Scope.ADMIN),
    "createApiKey": (
        "CreateApiKeyInput!",
        {"name": "till", "scopes": ["ADMIN"], "userId": "?user"},
        Scope.ADMIN,
    ),
    "rotateApiKey": ("RotateApiKeyInput!", {"id": "?key"}, Scope.ADMIN),
    "revokeApiKey": ("RevokeApiKeyInput!", {"id": "?key"}, Scope.ADMIN),
    "signIn": ("UserInput!", {"userId": "?user"}, Scope.RECORD),
    "signOut": ("UserInput!", {"userId": "?user"}, Scope.RECORD),
    "setConsent": (
        "SetConsentInput!",
        {"contactId": "?contact", "purpose": "UTILITY", "status": "GRANTED", "channel": "EMAIL"},
        Scope.RECORD,
    ),
    "setDoNotContact": (
        "SetDoNotContactInput!",
        {"contactId": "?contact", "reason": "asked by phone"},
        Scope.RECORD,
    ),
    "liftDoNotContact": ("LiftDoNotContactInput!", {"doNotContactId": "?block"}, Scope.MANAGE),
    "setFrequencyCap": (
        "SetFrequencyCapInput!",
        {"purpose": "MARKETING", "touchesMax": 2, "periodHours": 24},
        Scope.ADMIN,
    ),
    "removeFrequencyCap": ("RemoveFrequencyCapInput!", {"frequencyCapId": "?cap"}, Scope.ADMIN),
    "setOptOutWords": (
        "SetOptOutWordsInput!",
        {"words": [{"language": "EN", "words": ["STOP"]}]},
        Scope.ADMIN,
    ),
    "eraseContact": (
        "EraseContactInput!",
        {"contactId": "?contact", "reason": "asked by mail"},
        Scope.ADMIN,
    ),
    "exportContact": ("ExportContactInput!", {"contactId": "?contact"}, Scope.ADMIN),
    "setRetention": ("SetRetentionInput!", {"months": 36}, Scope.ADMIN),
}
"""Each mutation with one input: its type, an example, and the scope that it needs."""


def example(
    world: World, mutation: str, number: int = 1, ids: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The example's input; `?contact` is the contact of `ids`, or one that nobody has."""
    given = MUTATIONS[mutation][1] or report(world)

    def made(value: Any) -> Any:
        if isinstance(value, list):
            return [made(each) for each in value]
        if isinstance(value, str) and value.startswith("?") and value != "?":
            prefix = value[1:]
            return ids[prefix] if ids else format_id(Prefix(prefix), number)
        return value

    return {name: made(value) for name, value in given.items()}


async def mutate(client: Client, mutation: str, input: Any) -> dict[str, Any]:
    """The whole answer to one mutation."""
    type_ = MUTATIONS[mutation][0]
    return await client.ask(
        f"mutation ($input: {type_}) {{ {mutation}(input: $input) "
        "{ __typename ... on UserError { code message path } } }",
        input=input,
    )


async def group_and_key(client: Client, user_id: str) -> tuple[str, str]:
    """Makes a group with a user in it, and a service's key; the ids of both."""
    group = await client.do(
        "createGroup",
        "CreateGroupInput",
        "... on GroupPayload { group { id } }",
        {"name": "Ventas"},
    )
    members = {"groupId": group["group"]["id"], "userIds": [user_id]}
    await client.do("addGroupMembers", "GroupMembersInput", "", members)
    key = await client.do(
        "createApiKey",
        "CreateApiKeyInput",
        "... on ApiKeySecretPayload { apiKey { id } }",
        {"name": "till", "scopes": ["READ"]},
    )
    return group["group"]["id"], key["apiKey"]["id"]


async def ids_of_everything(world: World, client: Client) -> dict[str, str]:
    """Makes one of everything in a workspace; the ids by their prefix."""
    made = await client.record("interaction { contact { id } }", **report(world))
    old = text_of(world.clock.at - timedelta(days=40))
    await client.record(**report(world, externalId="old", occurredAt=old))
    contact_id = made["interaction"]["contact"]["id"]
    kept = await client.run("{ workspace { id quarantine { nodes { id } } } }")
    campaign = await client.do(
        "createCampaign",
        "CreateCampaignInput",
        "... on CreateCampaignPayload { campaign { id } }",
        {"name": "Black", "channel": "EMAIL"},
    )
    journey = await client.do(
        "createJourney",
        "CreateJourneyInput",
        "... on CreateJourneyPayload { journey { id } }",
        {"name": "Hola", "stage": "SALE"},
    )
    ticket = await client.do(
        "openTicket",
        "OpenTicketInput",
        "... on OpenTicketPayload { ticket { id } }",
        {"contactId": contact_id, "subject": "A"},
    )
    user = await client.do(
        "inviteUser",
        "InviteUserInput",
        "... on InviteUserPayload { user { id } }",
        {"email": "eva@example.com", "name": "Eva", "role": "AGENT"},
    )
    grant = await client.do(
        "grantInteractionz",
        "GrantInteractionzInput",
        "... on GrantInteractionzPayload { grant { id } }",
        {"kind": "COURTESY", "amount": 1, "expiresAt": "2027-01-01T00:00:00Z"},
    )
    spoken = await speak_of_consent(client, contact_id)
    await client.record(
        **report(
            world,
            externalId="send",
            kind="CAMPAIGN_SEND",
            campaignId=campaign["campaign"]["id"],
            journeyId=journey["journey"]["id"],
        )
    )
    touched = await client.run(
        "query ($id: ID!) { contact(id: $id) { campaignTouches { nodes { id } } "
        "journeyEnrollments { nodes { id } } debits { nodes { id } } } }",
        id=contact_id,
    )
    hung = touched["contact"]
    return {
        "ws": kept["workspace"]["id"],
        "contact": contact_id,
        "int": made["interaction"]["id"],
        "ses": made["session"]["id"],
        "debit": hung["debits"]["nodes"][0]["id"],
        "quarantine": kept["workspace"]["quarantine"]["nodes"][0]["id"],
        "campaign": campaign["campaign"]["id"],
        "touch": hung["campaignTouches"]["nodes"][0]["id"],
        "journey": journey["journey"]["id"],
        "enrollment": hung["journeyEnrollments"]["nodes"][0]["id"],
        "ticket": ticket["ticket"]["id"],
        "user": user["user"]["id"],
        "grant": grant["grant"]["id"],
        **spoken,
        **await _ids_of_groupings(client, user["user"]["id"]),
    }


async def speak_of_consent(client: Client, contact_id: str) -> dict[str, str]:
    """What a contact said about consent, a block and a cap; the ids of the last two."""
    consent = {"contactId": contact_id, "purpose": "MARKETING", "status": "GRANTED"}
    await client.do("setConsent", "SetConsentInput", "", consent | {"channel": "EMAIL"})
    block = await client.do(
        "setDoNotContact",
        "SetDoNotContactInput",
        "... on DoNotContactPayload { doNotContact { id } }",
        {"contactId": contact_id, "reason": "A", "channel": "PUSH"},
    )
    cap = await client.do(
        "setFrequencyCap",
        "SetFrequencyCapInput",
        "... on SetFrequencyCapPayload { frequencyCap { id } }",
        {"purpose": "MARKETING", "touchesMax": 1, "periodHours": 24},
    )
    return {"block": block["doNotContact"]["id"], "cap": cap["frequencyCap"]["id"]}


NO_NODES = ("quarantine", "key", "block", "cap")
"""The prefixes of what has an id and is asked for by what it belongs to."""


async def _ids_of_groupings(client: Client, user_id: str) -> dict[str, str]:
    """Makes a group with a key, a segment and a list; their ids by their prefix."""
    group_id, key_id = await group_and_key(client, user_id)
    segment = await client.do(
        "createSegment",
        "CreateSegmentInput",
        "... on CreateSegmentPayload { segment { id } }",
        MUTATIONS["createSegment"][1],
    )
    made = await client.do(
        "createList", "CreateListInput", "... on CreateListPayload { list { id } }", {"name": "A"}
    )
    return {
        "group": group_id,
        "key": key_id,
        "segment": segment["segment"]["id"],
        "list": made["list"]["id"],
    }


async def message(world: World, client: Client, name: str, **changes: Any) -> Any:
    """A customer's e-mail of now, under the person's name."""
    identity = {"channel": "EMAIL", "address": f"{name}@example.com"}
    fields = "interaction { id contact { id } } cursor"
    given = {"externalId": name, "identity": identity, **changes}
    return await client.record(fields, **report(world, **given))
