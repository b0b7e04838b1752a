"""Credits through the API, with exact values: granted, burned, given back, closed."""

from datetime import timedelta
from typing import Any

from tests.graphql.reports import message
from tests.world import Client, World, text_of

BALANCE = """
query ($at: DateTime, $knownAt: DateTime) {
  workspace {
    balance(at: $at, knownAt: $knownAt) {
      granted consumed remaining overage lapsed cycleStartsAt cycleEndsAt
      grants { kind granted burned remaining lapsed effectiveAt expiresAt }
    }
  }
}
"""
RETRACTED = (
    "... on RetractInteractionPayload { replayed entries { amount reason sequence "
    "supersedes { sequence } session { state } } balance { consumed overage remaining } "
    "interaction { retractedAt retractionReason verdict { outcome ruleCode session { id } } } }"
)
NOVEMBER = "2026-11-01T05:00:00.000000Z"
DECEMBER = "2026-12-01T05:00:00.000000Z"
NEW_YEAR = "2027-01-01T00:00:00.000000Z"


async def figures(client: Client, **at: str) -> tuple[int, int, int, int]:
    """Granted, consumed, remaining and overage."""
    found = (await client.run(BALANCE, **at))["workspace"]["balance"]
    return found["granted"], found["consumed"], found["remaining"], found["overage"]


async def grant(client: Client, **input: Any) -> Any:
    fields = (
        "... on GrantInteractionzPayload { grant { id kind amount priority note sequence "
        "effectiveAt expiresAt recordedAt } balance { granted remaining } }"
    )
    given = {"kind": "PURCHASE", "amount": 5, "expiresAt": NEW_YEAR, **input}
    return await client.do("grantInteractionz", "GrantInteractionzInput", fields, given)


async def overspend(world: World) -> tuple[Client, Any, Any]:
    """A client whose plan of two met the messages a, b and c; what a and c were answered."""
    client = (await world.tenant(interactionz=2)).admin
    first = await message(world, client, "a")
    await message(world, client, "b")
    third = await message(world, client, "c")
    return client, first, third


async def buy_and_go_on(world: World, client: Client) -> str:
    """Buys five credits after a minute, burns one after another; when they were bought."""
    bought_at = text_of(world.clock.advance(minutes=1))
    await grant(client, note="Factura 7")
    world.clock.advance(minutes=1)
    await message(world, client, "d")
    return bought_at


async def retract(client: Client, made: Any) -> Any:
    """The answer to the retraction of a message that was a test."""
    given = {"interactionId": made["interaction"]["id"], "reason": "a test message"}
    return await client.do("retractInteraction", "RetractInteractionInput", RETRACTED, given)


async def test_messages_burn_the_plan_and_then_run_over(world: World) -> None:
    client, _, third = await overspend(world)

    assert third["balance"] == {"consumed": 3, "remaining": 0}
    assert third["cursor"] == "b3"
    assert await figures(client) == (2, 3, 0, 1)


PAID = """
{ workspace { debits { nodes {
  sequence amount grant { kind effectiveAt expiresAt grant { note } }
} } } }
"""


async def test_a_debit_tells_which_grant_paid_it(world: World) -> None:
    client, first, _ = await overspend(world)
    bought_at = await buy_and_go_on(world, client)
    plan = {"kind": "PLAN", "effectiveAt": NOVEMBER, "expiresAt": DECEMBER, "grant": None}
    bought = {
        "kind": "PURCHASE",
        "effectiveAt": bought_at,
        "expiresAt": NEW_YEAR,
        "grant": {"note": "Factura 7"},
    }

    async def paid() -> list[tuple[int, int, Any]]:
        nodes = (await client.run(PAID))["workspace"]["debits"]["nodes"]
        return [(node["sequence"], node["amount"], node["grant"]) for node in nodes[::-1]]

    told = [(1, 1, plan), (2, 1, plan), (3, 1, None), (5, 1, bought)]
    assert await paid() == told
    await retract(client, first)
    # What the plan no longer pays it has left for the one that was overage.
    told = [(1, 1, None), (2, 1, plan), (3, 1, plan), (5, 1, bought), (6, -1, None)]
    assert await paid() == told


async def test_a_grant_is_told_and_adds_to_what_remains(world: World) -> None:
    client, _, _ = await overspend(world)
    bought_at = text_of(world.clock.advance(minutes=1))

    bought = await grant(client, note="Factura 7")

    assert bought["grant"] | {"id": ""} == {
        "id": "",
        "kind": "PURCHASE",
        "amount": 5,
        "priority": 100,
        "note": "Factura 7",
        "sequence": 4,
        "effectiveAt": bought_at,
        "expiresAt": NEW_YEAR,
        "recordedAt": bought_at,
    }
    assert bought["balance"] == {"granted": 7, "remaining": 5}


async def test_the_balance_tells_what_was_burned_of_each_grant(world: World) -> None:
    client, _, _ = await overspend(world)
    bought_at = await buy_and_go_on(world, client)

    whole = (await client.run(BALANCE))["workspace"]["balance"]

    assert whole == {
        "granted": 7,
        "consumed": 4,
        "remaining": 4,
        "overage": 1,
        "lapsed": 0,
        "cycleStartsAt": NOVEMBER,
        "cycleEndsAt": DECEMBER,
        "grants": [
            {
                "kind": "PLAN",
                "granted": 2,
                "burned": 2,
                "remaining": 0,
                "lapsed": 0,
                "effectiveAt": NOVEMBER,
                "expiresAt": DECEMBER,
            },
            {
                "kind": "PURCHASE",
                "granted": 5,
                "burned": 1,
                "remaining": 4,
                "lapsed": 0,
                "effectiveAt": bought_at,
                "expiresAt": NEW_YEAR,
            },
        ],
    }


async def test_the_balance_is_told_as_of_any_instant(world: World) -> None:
    before = text_of(world.clock.at - timedelta(seconds=1))
    client, _, _ = await overspend(world)
    bought_at = await buy_and_go_on(world, client)

    assert await figures(client, at=before) == (2, 0, 2, 0)
    assert await figures(client, knownAt=before) == (2, 0, 2, 0)
    assert await figures(client, at=bought_at) == (7, 3, 5, 1)
    assert await figures(client, at=DECEMBER) == (6, 0, 6, 0)
    assert await figures(client, at=NEW_YEAR) == (6, 0, 2, 0)


async def test_a_retraction_gives_the_credit_back_once(world: World) -> None:
    client, first, _ = await overspend(world)
    await buy_and_go_on(world, client)

    done = await retract(client, first)
    again = await retract(client, first)

    assert done == {
        "__typename": "RetractInteractionPayload",
        "replayed": False,
        "entries": [
            {
                "amount": -1,
                "reason": "RETRACTION",
                "sequence": 6,
                "supersedes": {"sequence": 1},
                "session": {"state": "SUPERSEDED"},
            }
        ],
        "balance": {"consumed": 3, "overage": 0, "remaining": 4},
        "interaction": {
            "retractedAt": text_of(world.clock.at),
            "retractionReason": "a test message",
            "verdict": {"outcome": "FREE", "ruleCode": "RETRACTED", "session": None},
        },
    }
    assert again == done | {"replayed": True}


async def test_a_retracted_message_that_is_sent_again_stays_retracted(world: World) -> None:
    begun = text_of(world.clock.at)
    client, first, _ = await overspend(world)
    await buy_and_go_on(world, client)
    for _ in range(2):
        await retract(client, first)

    revived = await message(world, client, "a", occurredAt=begun)

    assert (revived["replayed"], revived["session"]) == (True, None)


async def test_thresholds_raise_one_alert_each(world: World) -> None:
    client = (await world.tenant(interactionz=5)).admin
    for name in "abcdefg":
        await message(world, client, name)

    found = await client.run(
        "{ workspace { alertThresholds alerts { totalCount nodes "
        "{ thresholdPercent quota consumed sequence cycleStartsAt raisedAt } } } }"
    )

    assert found["workspace"]["alertThresholds"] == [80, 100]
    common = {"quota": 5, "cycleStartsAt": NOVEMBER}
    nodes = found["workspace"]["alerts"]["nodes"]
    assert [{k: v for k, v in node.items() if k != "raisedAt"} for node in nodes] == [
        {"thresholdPercent": 100, "consumed": 5, "sequence": 5, **common},
        {"thresholdPercent": 80, "consumed": 4, "sequence": 4, **common},
    ]


async def test_every_grouping_of_usage_sums_to_the_total(world: World) -> None:
    client = (await world.tenant()).admin
    day = timedelta(days=1)
    await message(world, client, "a", channel="WHATSAPP")
    await message(world, client, "b", channel="WEBCHAT", occurredAt=text_of(world.clock.at - day))
    await message(world, client, "c", kind="COMPANY_MESSAGE", actor="BOT")
    await message(
        world,
        client,
        "d",
        kind="COMPANY_MESSAGE",
        actor="HUMAN",
        # 23:59:59 of the day before in Bogotá.
        occurredAt="2026-11-19T04:59:59Z",
    )
    document = (
        "query ($of: Date) { workspace { usage(cycleOf: $of) { total cycleStartsAt cycleEndsAt "
        "byChannel { channel credits } byLane { lane credits } byDay { day credits } } } }"
    )

    usage = (await client.run(document))["workspace"]["usage"]

    assert (usage["total"], usage["cycleStartsAt"], usage["cycleEndsAt"]) == (4, NOVEMBER, DECEMBER)
    spent = {
        name: {row[key]: row["credits"] for row in usage[name] if row["credits"]}
        for name, key in (("byChannel", "channel"), ("byLane", "lane"), ("byDay", "day"))
    }
    assert spent == {
        "byChannel": {"WHATSAPP": 1, "WEBCHAT": 1, "EMAIL": 2},
        "byLane": {"UNBOUND": 2, "BOT": 1, "HUMAN": 1},
        "byDay": {"2026-11-18": 1, "2026-11-19": 1, "2026-11-20": 2},
    }
    assert await client.run(document, of="2026-11-30") == {"workspace": {"usage": usage}}
    before = (await client.run(document, of="2026-10-31"))["workspace"]["usage"]
    assert (before["total"], before["cycleEndsAt"]) == (0, NOVEMBER)


CLOSED = (
    "... on CloseCyclePayload { replayed statement { cycleStartsAt cycleEndsAt granted consumed "
    "remaining lapsing overage adjustments text usage { total byDay { day credits } } } }"
)


async def close(client: Client, **input: Any) -> Any:
    return await client.do("closeCycle", "CloseCycleInput", CLOSED, input)


async def test_a_closed_cycle_stays_and_what_comes_later_is_an_adjustment(world: World) -> None:
    client = (await world.tenant()).admin
    await message(world, client, "a", occurredAt="2026-10-25T12:00:00Z")

    early = await close(client, cycleOf="2026-10-10")
    assert (early["__typename"], early["path"]) == ("Conflict", ["cycleOf"])
    starts = [(await close(client))["statement"]["cycleStartsAt"] for _ in range(2)]
    assert starts == ["2026-08-01T05:00:00.000000Z", "2026-09-01T05:00:00.000000Z"]
    october = await close(client, cycleOf="2026-10-31")
    statement = october["statement"]
    assert {k: statement[k] for k in ("granted", "consumed", "remaining", "lapsing")} == {
        "granted": 100,
        "consumed": 1,
        "remaining": 99,
        "lapsing": 99,
    }
    assert (statement["overage"], statement["adjustments"]) == (0, 0)
    assert statement["usage"]["total"] == 1
    days = {row["day"]: row["credits"] for row in statement["usage"]["byDay"] if row["credits"]}
    assert days == {"2026-10-25": 1}
    assert await close(client, cycleOf="2026-10-01") == october | {"replayed": True}
    running = await close(client)
    assert (running["__typename"], running["path"]) == ("Conflict", None)

    world.clock.advance(hours=1)
    late = await message(world, client, "b", occurredAt="2026-10-26T12:00:00Z")
    assert late["balance"] == {"consumed": 1, "remaining": 99}
    found = await client.run(
        "{ workspace { statement { text adjustments } past: statement(cycleOf: "
        '"2026-09-15") { consumed } open: statement(cycleOf: "2026-11-15") { text } '
        "debits(first: 1) { nodes { effectiveAt countsAt recordedAt reason sentence "
        "es: sentence(language: ES) pt: sentence(language: PT) en: sentence(language: EN) } } } }"
    )
    workspace = found["workspace"]
    assert workspace["statement"] == {"text": statement["text"], "adjustments": 1}
    assert (workspace["past"], workspace["open"]) == ({"consumed": 0}, None)
    [debit] = workspace["debits"]["nodes"]
    assert debit["effectiveAt"] == "2026-10-26T12:00:00.000000Z"
    assert debit["countsAt"] == debit["recordedAt"] == text_of(world.clock.at)
    assert debit["sentence"] == debit["es"]
    assert len({debit["es"], debit["pt"], debit["en"]}) == 3
