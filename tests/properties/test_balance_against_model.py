"""The balance on demand against the reference model, on small universes dense in ties.

A cycle lasts some dozens of microseconds, so that grants, debits, reversals and the instants asked
about meet each other's edges all the time.
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

from tests.properties.reference_burn import Entry, Figures, Gift, cycle_holding, figures
from tests.properties.seeds import check_seeds
from tests.scale import scale
from trenza.domain.metering.balance import (
    DebitRun,
    Grant,
    GrantKind,
    balance,
    courtesy_of_reversal,
    edges,
    plan_grant,
)
from trenza.domain.metering.cycle import Cycle

CASES = scale(6_000, 200_000)
EPOCH = datetime(2026, 11, 1, tzinfo=UTC)


def instant(number: int) -> datetime:
    """The instant of a number of microseconds."""
    return EPOCH + timedelta(microseconds=number)


def any_cycles(random: Random) -> list[tuple[int, int]]:
    """Two to four cycles without a gap."""
    bounds = [0]
    for _ in range(random.randint(2, 4)):
        bounds.append(bounds[-1] + random.randint(20, 60))
    return list(pairwise(bounds))


def any_gifts(random: Random, cycles: list[tuple[int, int]]) -> list[Gift]:
    """A quota for each cycle, and purchases and courtesies across them."""
    edges_of_cycles = sorted({edge for cycle in cycles for edge in cycle})
    quota = random.randint(0, 4)
    gifts = [Gift(100, end, start, f"quota {start}", quota) for start, end in cycles]
    for number in range(random.randint(0, 5)):
        start = random.choice([random.choice(edges_of_cycles), random.randrange(cycles[-1][1])])
        end = random.choice([*edges_of_cycles, start + random.randint(1, 90)])
        priority = random.choice([50, 100, 100, 150])
        if start < end:
            gifts.append(Gift(priority, end, start, f"gift {number}", random.randint(1, 4)))
    return gifts


def any_entries(random: Random, gifts: list[Gift], cycles: list[tuple[int, int]]) -> list[Entry]:
    """Debits, and reversals of some of them, in the same cycle or in a later one."""
    last = cycles[-1][1]
    edges_of_gifts = [edge for gift in gifts for edge in (gift.effective, gift.expires - 1)]
    entries: list[Entry] = []
    for _ in range(random.randint(0, 14)):
        counts = random.choice(
            [random.randrange(last), min(random.choice(edges_of_gifts), last - 1)]
        )
        entries.append(Entry(len(entries) + 1, counts))
        if random.random() < 0.3:
            later = random.choice([counts, random.randrange(counts, last)])
            entries.append(Entry(len(entries) + 1, later, reverses=len(entries)))
    return entries


def engine_figures(
    random: Random,
    gifts: list[Gift],
    entries: list[Entry],
    cycles: list[tuple[int, int]],
    at: int,
) -> Figures:
    """The engine's answer, from debits counted together over stretches between edges."""
    kept = [Cycle(instant(start), instant(end)) for start, end in cycles]
    grants = [grant_of(gift) for gift in gifts]
    debits: list[int] = []
    taken_back = {e.reverses: e for e in entries if e.reverses is not None and e.counts <= at}
    for entry in entries:
        reversal = taken_back.get(entry.sequence)
        if entry.reverses is not None or entry.counts > at:
            continue
        if reversal is None:
            debits.append(entry.counts)
            continue
        here = cycle_holding(cycles, reversal.counts)
        if cycle_holding(cycles, entry.counts) != here:
            debits.append(entry.counts)
            cycle = kept[cycles.index(here)]
            grants.append(courtesy_of_reversal(reversal.sequence, instant(reversal.counts), cycle))
    runs = runs_of(random, [instant(d) for d in debits], edges(grants, kept, instant(at)))
    found = balance(kept[cycles.index(cycle_holding(cycles, at))], grants, runs, instant(at))
    if found.granted + found.overage != found.consumed + found.remaining + found.lapsed:
        raise AssertionError("granted + overage is not consumed + remaining + lapsed")
    return Figures(found.granted, found.consumed, found.remaining, found.overage)


def grant_of(gift: Gift) -> Grant:
    """A gift as the engine is given it: a quota is derived from its cycle."""
    live = instant(gift.effective), instant(gift.expires)
    if gift.name.startswith("quota"):
        return plan_grant(Cycle(*live), gift.amount)
    return Grant(gift.name, GrantKind.PURCHASE, gift.amount, *live, gift.priority)


def runs_of(
    random: Random, debits: list[datetime], at_edges: tuple[datetime, ...]
) -> list[DebitRun]:
    """The debits one by one, or those of a stretch in one run at any instant of theirs."""
    runs = [DebitRun(debit, 1) for debit in debits]
    if random.random() < 0.5:
        stretches: dict[int, list[datetime]] = {}
        for debit in debits:
            stretches.setdefault(sum(edge <= debit for edge in at_edges), []).append(debit)
        runs = [DebitRun(random.choice(some), len(some)) for some in stretches.values()]
    random.shuffle(runs)
    return runs


def difference(seed: int) -> str | None:
    """Ask both about the case of a seed at some instants; say where they part."""
    random = Random(seed)
    cycles = any_cycles(random)
    gifts = any_gifts(random, cycles)
    entries = any_entries(random, gifts, cycles)
    last = cycles[-1][1]
    asked = [random.randrange(last), random.choice(cycles)[0], last - 1]
    asked += [entry.counts for entry in entries[:3]]
    for at in asked:
        expected = figures(gifts, entries, cycles, at)
        found = engine_figures(random, gifts, entries, cycles, at)
        if found != expected:
            return f"at {at} the model says {expected}, the engine {found}"
    return None


def test_the_balance_at_any_instant_is_what_the_model_says() -> None:
    check_seeds(CASES, difference)
