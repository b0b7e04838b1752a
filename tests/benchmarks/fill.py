"""Loads the world into empty, migrated databases: in bulk, in waves, each in the order of time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from operator import itemgetter
from typing import Protocol

from tests.benchmarks.person import Person
from tests.benchmarks.tenants import (
    FEW,
    bare_openings,
    debits_of,
    head_of,
    many_debits_of,
    settings_of,
)
from tests.benchmarks.world import Row, Tenant, World

WAVE = 20_000
"""So many contacts are loaded at once, so that the rows of one lie apart as in real life."""
DEBITS_AT_ONCE = 50_000
ORDER = {
    "interaction": itemgetter("recorded_at"),
    "interactionz_session": itemgetter("opened_at"),
    "ticket": itemgetter("opened_at"),
}


class Sink(Protocol):
    """A database that takes rows in bulk; see `sinks.py`."""

    async def put(self, table: str, rows: Sequence[Row]) -> None:
        """Adds rows, all with the same columns in the same order."""
        ...


@dataclass(frozen=True)
class Addressed:
    """A contact that the writes can be about."""

    contact_id: str
    phone: str


@dataclass
class Filled:
    """What was loaded, and whom to ask about."""

    counts: dict[str, int] = field(default_factory=dict)
    visited: list[str] = field(default_factory=list)
    """Contacts of the first workspace, each once for every session that they had."""
    quiet: dict[Tenant, list[Addressed]] = field(default_factory=dict)
    """By workspace, the contacts without an open session."""

    def add(self, person: Person) -> None:
        """Notes a contact that was loaded."""
        sessions = person.rows["interactionz_session"]
        if person.tenant is Tenant.MAIN:
            self.visited += [person.id] * len(sessions)
        if person.is_quiet:
            one = Addressed(person.id, person.phone)
            self.quiet.setdefault(person.tenant, []).append(one)


async def fill(sinks: Sequence[Sink], world: World) -> Filled:
    """Loads the whole world, the same into each database."""
    filled = Filled()

    async def put(table: str, rows: list[Row]) -> None:
        if rows:
            for sink in sinks:
                await sink.put(table, rows)
            filled.counts[table] = filled.counts.get(table, 0) + len(rows)

    for table, rows in _settings(world).items():
        await put(table, rows)
    openings: dict[Tenant, list[Row]] = {tenant: [] for tenant in world.campaigns}
    people = (Person(world, number) for number in range(world.contacts))
    while wave := list(islice(people, WAVE)):
        for table in wave[0].rows:
            rows = list(chain.from_iterable(person.rows[table] for person in wave))
            await put(table, sorted(rows, key=ORDER[table]) if table in ORDER else rows)
        for person in wave:
            filled.add(person)
            openings[person.tenant] += person.openings
    for tenant, counted in _ledgers(world, openings):
        last: Row | None = None
        debits = debits_of(world, tenant, counted)
        while some := list(islice(debits, DEBITS_AT_ONCE)):
            await put("ledger_entry", some)
            last = some[-1]
        await put("ledger_head", [head_of(world, tenant, last)])
    return filled


def _settings(world: World) -> dict[str, list[Row]]:
    tables: dict[str, list[Row]] = {}
    for tenant in Tenant:
        for table, row in settings_of(world, tenant):
            tables.setdefault(table, []).append(row)
    return tables


def _ledgers(
    world: World, openings: dict[Tenant, list[Row]]
) -> Iterator[tuple[Tenant, Iterable[Row]]]:
    for tenant, of_tenant in openings.items():
        yield tenant, sorted(of_tenant, key=itemgetter("recorded_at"))
    yield Tenant.FEW_DEBITS, bare_openings(world, Tenant.FEW_DEBITS, FEW)
    many = many_debits_of(world)
    yield Tenant.MANY_DEBITS, bare_openings(world, Tenant.MANY_DEBITS, many)
