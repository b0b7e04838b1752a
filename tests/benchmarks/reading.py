"""The contests of reading: everything about one contact, a page of contacts, the balance."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import cycle
from typing import Any

import orjson

from tests.benchmarks import queries
from tests.benchmarks.answers import DifferentDataError, require_same
from tests.benchmarks.contests import Contest, Contestants, Side
from tests.benchmarks.fill import Filled
from tests.benchmarks.load import Expected, ask, request
from tests.benchmarks.servers import Server
from tests.benchmarks.tenants import FEW, many_debits_of
from tests.benchmarks.world import Tenant, World

ASKED_ABOUT = 1_000
COMPARED = 25
PAGES = 40
CONNECTIONS = (1, 16, 64)
NODES = Expected(b'"nodes"')
KNOWN_BEFORE = timedelta(days=3)
FIGURES = Expected(b'"signedIn"')

Asked = Sequence[tuple[Server, Sequence[bytes]]]


async def contact_360(them: Contestants) -> Contest:
    """Q1: everything about one contact; who comes often is asked about often."""
    ids = _visited(them.world, them.filled)
    of_trenza = [them.ask_trenza(queries.CONTACT_360, {"id": id_}) for id_ in ids]
    asked: list[tuple[Server, list[bytes]]] = [(them.trenza, of_trenza)]
    if them.without_plan:
        asked.append((them.without_plan, of_trenza))
    if them.bypassing:
        asked.append((them.bypassing, of_trenza))
    asked.append((them.reference, [request("GET", f"/contacts/{id_}") for id_ in ids]))
    if them.postgraphile:
        document = queries.POSTGRAPHILE_CONTACT_360
        asked.append(
            (them.postgraphile, [them.ask_postgraphile(document, {"id": id_}) for id_ in ids])
        )
    return await _compared("Q1", "everything about one contact", asked)


def _visited(world: World, filled: Filled) -> list[str]:
    random = world.random("asked about")
    return random.choices(filled.visited, k=min(ASKED_ABOUT, len(filled.visited)))


async def contacts(them: Contestants) -> Contest:
    """Q2: fifty contacts with some of what they have, on the first pages of all."""
    ends = await _walk(them)
    cursors = [None, *(end["cursor"] for end in ends)]
    of_trenza = [them.ask_trenza(queries.CONTACTS, {"after": cursor}) for cursor in cursors]
    paths = ["/contacts", *(f"/contacts?after={_place_of(end)}" for end in ends)]
    asked: list[tuple[Server, list[bytes]]] = [(them.trenza, of_trenza)]
    if them.without_plan:
        asked.append((them.without_plan, of_trenza))
    if them.bypassing:
        asked.append((them.bypassing, of_trenza))
    asked.append((them.reference, [request("GET", path) for path in paths]))
    if them.postgraphile:
        asked.append((them.postgraphile, await _pages_of_postgraphile(them)))
    return await _compared("Q2", "a page of 50 contacts", asked)


def _place_of(end: dict[str, Any]) -> str:
    return f"{end['node']['createdAt']}~{end['node']['id']}"


async def _walk(them: Contestants) -> list[dict[str, Any]]:
    """The last edge of each page of contacts but the last one, as Trenza tells them."""
    ends: list[dict[str, Any]] = []
    after = None
    while len(ends) < PAGES - 1:
        asked = them.ask_trenza(queries.CURSORS, {"after": after})
        edges = orjson.loads(await ask(them.trenza.port, asked))["data"]["contacts"]["edges"]
        if len(edges) < queries.PAGE:
            break
        ends.append(edges[-1])
        after = edges[-1]["cursor"]
    return ends


async def _pages_of_postgraphile(them: Contestants) -> list[bytes]:
    if them.postgraphile is None:
        return []
    pages: list[bytes] = []
    after = None
    while len(pages) < PAGES:
        pages.append(them.ask_postgraphile(queries.POSTGRAPHILE_CONTACTS, {"after": after}))
        asked = them.ask_postgraphile(queries.POSTGRAPHILE_CURSORS, {"after": after})
        answer = orjson.loads(await ask(them.postgraphile.port, asked))
        edges = answer["data"]["contacts"]["edges"]
        if len(edges) < queries.PAGE:
            break
        after = edges[-1]["cursor"]
    return pages


async def _compared(name: str, title: str, asked: Asked) -> Contest:
    """The contest, once some answers of all sides were found to be the same data."""
    for number in range(min(COMPARED, *(len(samples) for _, samples in asked))):
        answers = {
            server.name: orjson.loads(await ask(server.port, samples[number]))
            for server, samples in asked
        }
        require_same(f"{name}, number {number},", answers)
    sides = [Side(server.name, server, cycle(samples), NODES) for server, samples in asked]
    return Contest(name, title, sides, CONNECTIONS)


async def balances(them: Contestants) -> list[Contest]:
    """Q3: balance and seat use where there are many debits, and where there are few.

    Once as known now, once as known `KNOWN_BEFORE` the end of the history.
    """
    few, many = Tenant.FEW_DEBITS, Tenant.MANY_DEBITS
    debits = {few: FEW, many: many_debits_of(them.world)}
    now = {tenant: them.ask_trenza(queries.BALANCE, {}, tenant) for tenant in debits}
    for tenant, count in debits.items():
        answer = orjson.loads(await ask(them.trenza.port, now[tenant]))
        consumed = answer["data"]["workspace"]["balance"]["consumed"]
        if consumed != count:
            raise DifferentDataError(f"Q3: {consumed} of {count} debits were consumed: {answer}")
    past = {"knownAt": (them.world.ends_at - KNOWN_BEFORE).isoformat()}
    before = {tenant: them.ask_trenza(queries.BALANCE, past, tenant) for tenant in debits}

    def contest(name: str, title: str, asked: dict[Tenant, bytes]) -> Contest:
        sides = [
            Side(f"{debits[tenant]:,} debits", them.trenza, cycle([asked[tenant]]), FIGURES)
            for tenant in (many, few)
        ]
        return Contest(name, title, sides, (1, 16))

    return [
        contest("Q3", "balance and seats, known now", now),
        contest("Q3", "balance and seats, known 3 days before", before),
    ]
