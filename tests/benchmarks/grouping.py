"""The contests of segments: how many belong to one, and all of them put into a list."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count, cycle
from typing import Any
from urllib.parse import urlencode

import orjson

from tests.benchmarks.answers import require_same
from tests.benchmarks.contests import Contest, Contestants, Side
from tests.benchmarks.load import Expected, ask, request
from tests.benchmarks.world import Tenant
from trenza.domain.instant import TICK, instant_text

DAYS = 7
DEFINITION: dict[str, Any] = {
    "groups": [
        {
            "conditions": [
                {"field": {"field": "COUNTRY", "operator": "EQ", "values": ["MX"]}},
                {"field": {"field": "STAGE", "operator": "IN", "values": ["SALE", "SERVICE"]}},
                {
                    "interactions": {
                        "count": {"operator": "GTE", "number": 2},
                        "kinds": ["CUSTOMER_MESSAGE"],
                        "period": {"lastDays": DAYS},
                    }
                },
            ]
        }
    ]
}
COUNT = """
query Count($definition: SegmentDefinitionInput!, $at: DateTime) {
  previewSegment(definition: $definition) { count(at: $at) }
}
"""
CREATE = """
mutation Create($input: CreateSegmentInput!) {
  createSegment(input: $input) { ... on CreateSegmentPayload { segment { id } } }
}
"""
FREEZE = """
mutation Freeze($input: FreezeSegmentInput!) {
  freezeSegment(input: $input) { ... on FreezeSegmentPayload { count } }
}
"""
ANSWERED = Expected(b'"count"')
ONE_AT_A_TIME = (1,)


async def segments(them: Contestants) -> list[Contest]:
    """S1 and S2: membership of the contacts of the first workspace, counted and frozen."""
    members = sum(them.world.tenant_of(n) is Tenant.MAIN for n in range(them.world.contacts))
    return [
        await _counting(them, f"segment membership of {members:,} contacts, counted"),
        await _freezing(them, f"segment membership of {members:,} contacts, frozen to a list"),
    ]


async def _counting(them: Contestants, title: str) -> Contest:
    at = them.world.ends_at
    variables = {"definition": DEFINITION, "at": instant_text(at)}
    asked = them.ask_trenza(COUNT, variables)
    period = {"since": instant_text(at - timedelta(days=DAYS)), "until": instant_text(at + TICK)}
    by_hand = request("GET", f"/segment?{urlencode(period)}")
    sides = [(them.trenza, asked), (them.reference, by_hand)]
    answers = {each.name: orjson.loads(await ask(each.port, asks)) for each, asks in sides}
    require_same("S1", answers)
    return Contest(
        "S1",
        title,
        [Side(each.name, each, cycle([asks]), ANSWERED) for each, asks in sides],
        ONE_AT_A_TIME,
    )


async def _freezing(them: Contestants, title: str) -> Contest:
    """Each request makes a list, so that a run makes as many as it measures."""
    given = {"input": {"name": f"Busy {them.run}", "definition": DEFINITION}}
    made = orjson.loads(await ask(them.trenza.port, them.ask_trenza(CREATE, given)))
    segment_id = made["data"]["createSegment"]["segment"]["id"]

    def by_trenza() -> Iterator[bytes]:
        for n in count():
            named = {"segmentId": segment_id, "name": f"Busy {them.run} {n}"}
            yield them.ask_trenza(FREEZE, {"input": named})

    def by_hand() -> Iterator[bytes]:
        for n in count():
            words = urlencode({"days": DAYS, "name": f"{them.run}-{n}"})
            yield request("POST", f"/segment?{words}", b"{}")

    sides = [(them.trenza, by_trenza()), (them.reference, by_hand())]
    answers = {each.name: orjson.loads(await ask(each.port, next(asks))) for each, asks in sides}
    require_same("S2", answers)
    return Contest(
        "S2",
        title,
        [Side(each.name, each, asks, ANSWERED) for each, asks in sides],
        ONE_AT_A_TIME,
    )
