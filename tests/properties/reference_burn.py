"""The balance on demand, once more, one credit at a time and sharing no code with the engine.

Instants are whole microseconds, periods half-open. Everything known is passed in: the caller leaves
out what was recorded later than the instant of knowledge it asks about.
"""

from typing import NamedTuple

COURTESY_PRIORITY = 100


class Gift(NamedTuple):
    """Credits given to a workspace; gifts burn in the order of these fields."""

    priority: int
    expires: int
    effective: int
    name: str
    amount: int


class Entry(NamedTuple):
    """A debit, or the reversal of the debit whose sequence number `reverses` says."""

    sequence: int
    counts: int
    reverses: int | None = None


class Figures(NamedTuple):
    """The answer for the cycle that holds the instant."""

    granted: int
    consumed: int
    remaining: int
    overage: int


def cycle_holding(cycles: list[tuple[int, int]], instant: int) -> tuple[int, int]:
    """The one cycle that holds an instant."""
    return next(cycle for cycle in cycles if cycle[0] <= instant < cycle[1])


def standing(
    gifts: list[Gift], entries: list[Entry], cycles: list[tuple[int, int]], at: int
) -> tuple[list[Gift], list[Entry]]:
    """Gifts and debits that stand at an instant, once each reversal was taken for what it is.

    In the cycle of its debit a reversal wipes the debit out; in a later one it is a courtesy of one
    credit until the end of that cycle.
    """
    known = {entry.sequence: entry for entry in entries if entry.counts <= at}
    wiped, courtesies = set(), []
    for reversal in known.values():
        if reversal.reverses is None:
            continue
        here = cycle_holding(cycles, reversal.counts)
        if cycle_holding(cycles, known[reversal.reverses].counts) == here:
            wiped.add(reversal.reverses)
        else:
            name = f"courtesy of {reversal.sequence}"
            courtesies.append(Gift(COURTESY_PRIORITY, here[1], reversal.counts, name, 1))
    debits = [e for e in known.values() if e.reverses is None and e.sequence not in wiped]
    return gifts + courtesies, sorted(debits, key=lambda e: (e.counts, e.sequence))


def figures(
    gifts: list[Gift], entries: list[Entry], cycles: list[tuple[int, int]], at: int
) -> Figures:
    """Burn debit by debit; then count."""
    begins, _ = cycle_holding(cycles, at)
    gifts, debits = standing(gifts, entries, cycles, at)
    left = {gift: gift.amount for gift in gifts}
    left_at_begin: dict[Gift, int] | None = None
    overage = 0
    for debit in debits:
        if debit.counts >= begins and left_at_begin is None:
            left_at_begin = dict(left)
        payers = [g for g in sorted(left) if g.effective <= debit.counts < g.expires and left[g]]
        if payers:
            left[payers[0]] -= 1
        elif debit.counts >= begins:
            overage += 1
    carried = sum(
        unburned
        for gift, unburned in (left if left_at_begin is None else left_at_begin).items()
        if gift.effective < begins < gift.expires
    )
    fresh = sum(gift.amount for gift in gifts if begins <= gift.effective <= at)
    return Figures(
        granted=carried + fresh,
        consumed=sum(debit.counts >= begins for debit in debits),
        remaining=sum(left[gift] for gift in gifts if gift.effective <= at < gift.expires),
        overage=overage,
    )
