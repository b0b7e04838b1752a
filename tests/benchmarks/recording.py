"""The contests of writing: interactions one by one, and in batches of 500."""

from collections.abc import Iterator
from typing import Any

import orjson

from tests.benchmarks import queries
from tests.benchmarks.answers import require_same
from tests.benchmarks.contests import Contest, Contestants, Side
from tests.benchmarks.load import Expected, ask, request
from tests.benchmarks.reports import Report, Reports
from tests.benchmarks.servers import Server
from tests.benchmarks.world import Tenant

BATCH = 500
RECORDED = b'"RecordInteractionPayload"'


async def record(them: Contestants) -> Contest:
    """M1: each report is a request, beside one that is decided by hand-written code."""
    rows: dict[str, Any] = {}
    answers: dict[str, Any] = {}
    for side, tenant in ((them.trenza, Tenant.MAIN), (them.reference, Tenant.OTHER)):
        people = them.kept_for_check(tenant, 0)
        reports = Reports(f"{them.run}-one", people, apart=len(people)).take(3 * len(people))
        before = await them.count_rows(tenant)
        as_asked = _one if tenant is Tenant.MAIN else _one_by_hand
        told = [orjson.loads(await ask(side.port, as_asked(them, each))) for each in reports]
        answers[side.name] = [_without_id(each["data"]["recordInteraction"]) for each in told]
        rows[side.name] = _grown(before, await them.count_rows(tenant))
    require_same("M1", answers)
    require_same("what M1 writes", rows)
    ours, theirs = them.reports[Tenant.MAIN], them.reports[Tenant.OTHER]
    once = Expected(RECORDED, 1)
    sides = [
        *(
            Side(each.name, each, (_one(them, next(ours)) for _ in _ever()), once)
            for each in _ours(them)
        ),
        Side(
            them.reference.name,
            them.reference,
            (_one_by_hand(them, next(theirs)) for _ in _ever()),
            once,
        ),
    ]
    return Contest("M1", "recordInteraction", sides, (16, 64))


async def record_batches(them: Contestants) -> Contest:
    """M2: 500 reports are a request, beside inserting the rows that come of them unasked."""
    rows: dict[str, Any] = {}
    for side, tenant in ((them.trenza, Tenant.MAIN), (them.reference, Tenant.OTHER)):
        people = them.kept_for_check(tenant, 1)
        reports = Reports(f"{them.run}-many", people, apart=len(people)).take(3 * len(people))
        before = await them.count_rows(tenant)
        asked = _many(them, reports) if tenant is Tenant.MAIN else _rows(reports)
        await ask(side.port, asked)
        rows[side.name] = _grown(before, await them.count_rows(tenant))
    require_same("what M2 writes", rows)
    ours, theirs = them.reports[Tenant.MAIN], them.reports[Tenant.OTHER]
    sides = [
        *(
            Side(
                each.name,
                each,
                (_many(them, ours.take(BATCH)) for _ in _ever()),
                Expected(RECORDED, BATCH),
                BATCH,
            )
            for each in _ours(them)
        ),
        Side(
            "raw bulk inserts",
            them.reference,
            (_rows(theirs.take(BATCH)) for _ in _ever()),
            Expected(b'"inserted":%d' % BATCH),
            BATCH,
        ),
    ]
    return Contest("M2", f"recordInteractions, {BATCH} at once", sides, (1, 4))


def _ours(them: Contestants) -> list[Server]:
    return [them.trenza, them.bypassing] if them.bypassing else [them.trenza]


def _ever() -> Iterator[None]:
    while True:
        yield


def _one(them: Contestants, report: Report) -> bytes:
    return them.ask_trenza(queries.RECORD, {"input": report.input})


def _one_by_hand(_: Contestants, report: Report) -> bytes:
    return request("POST", "/interactions", orjson.dumps(report.input))


def _many(them: Contestants, reports: list[Report]) -> bytes:
    return them.ask_trenza(queries.RECORD_BATCH, {"inputs": [each.input for each in reports]})


def _rows(reports: list[Report]) -> bytes:
    told = [
        {"input": each.input, "contactId": each.person.contact_id, "opens": each.opens}
        for each in reports
    ]
    return request("POST", "/rows", orjson.dumps(told))


def _without_id(recorded: dict[str, Any]) -> dict[str, Any]:
    """What was recorded; each makes ids of its own."""
    interaction = {**recorded["interaction"]}
    del interaction["id"]
    return {**recorded, "interaction": interaction}


def _grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {table: after[table] - before[table] for table in after}
