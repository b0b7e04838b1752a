"""The balance on demand: grants burnt by debits, worked out from the rows and never stored.

Debits burn, in order of `counts_at`, the grants live at that instant: by priority, earlier
expiry, earlier `effective_at`, id. What no live grant pays is overage of its cycle for good: what
is bought later pays later debits.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from heapq import heappop, heappush

from trenza.domain.errors import BrokenInvariant
from trenza.domain.ids import Prefix, format_id
from trenza.domain.metering.cycle import Cycle

DEFAULT_PRIORITY = 100
_EPOCH = datetime(1, 1, 1, tzinfo=UTC)


class GrantKind(StrEnum):
    """Where credits come from."""

    PLAN = "PLAN"
    PURCHASE = "PURCHASE"
    COURTESY = "COURTESY"


@dataclass(frozen=True, slots=True)
class Grant:
    """Credits given to a workspace, live in `[effective_at, expires_at)`.

    The lower priority burns first.
    """

    id: str
    kind: GrantKind
    amount: int
    effective_at: datetime
    expires_at: datetime
    priority: int = DEFAULT_PRIORITY

    @property
    def burn_order(self) -> tuple[int, datetime, datetime, str]:
        """The order in which live grants burn."""
        return self.priority, self.expires_at, self.effective_at, self.id


@dataclass(frozen=True, slots=True)
class DebitRun:
    """Debits, net of the reversals that count in their cycle, that count at one instant.

    One run may stand for all the debits of a stretch between two neighbouring `edges`: any
    instant of the stretch will do, since the same grants pay all of it.
    """

    counts_at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class BurntRun:
    """How a run was paid: credits by grant, in the order they burnt, and what none paid."""

    run: DebitRun
    paid: tuple[tuple[str, int], ...]
    overage: int


@dataclass(frozen=True, slots=True)
class Burn:
    """The runs in order of `counts_at`, each with what paid it."""

    runs: tuple[BurntRun, ...]

    def paid_by_grant(self) -> dict[str, int]:
        """The credits that each grant paid in all."""
        return _paid_by_grant(self.runs)


@dataclass(frozen=True, slots=True)
class GrantUse:
    """One grant within a cycle, in credits: granted = burned + remaining + lapsed."""

    grant: Grant
    granted: int
    burned: int
    remaining: int
    lapsed: int


@dataclass(frozen=True, slots=True)
class Balance:
    """The figures of a cycle at an instant, in credits.

    granted + overage = consumed + remaining + lapsed.
    """

    at: datetime
    cycle: Cycle
    granted: int
    consumed: int
    remaining: int
    overage: int
    lapsed: int
    grant_uses: tuple[GrantUse, ...]


def plan_grant(cycle: Cycle, amount: int) -> Grant:
    """The plan's quota of a cycle; its id follows from the cycle's start, it does not roll over."""
    micros = (cycle.starts_at - _EPOCH) // timedelta(microseconds=1)
    quota_id = format_id(Prefix.QUOTA, micros)
    return Grant(quota_id, GrantKind.PLAN, amount, cycle.starts_at, cycle.ends_at)


def courtesy_of_reversal(sequence: int, counts_at: datetime, cycle: Cycle) -> Grant:
    """The courtesy that a reversal is when it counts in a later cycle than its debit.

    One credit from `counts_at` to the end of that cycle. `sequence` is the reversal's.
    """
    refund_id = format_id(Prefix.REFUND, sequence)
    return Grant(refund_id, GrantKind.COURTESY, 1, counts_at, cycle.ends_at)


def edges(grants: Iterable[Grant], cycles: Iterable[Cycle], at: datetime) -> tuple[datetime, ...]:
    """The instants up to `at` at which the cycle or the set of live grants changes, in order.

    Between two neighbours, and from the last one to `at` (inclusive), debits may be counted
    together into one `DebitRun`.
    """
    found = {instant for grant in grants for instant in (grant.effective_at, grant.expires_at)}
    found.update(instant for cycle in cycles for instant in (cycle.starts_at, cycle.ends_at))
    return tuple(sorted(instant for instant in found if instant <= at))


def burn(grants: Iterable[Grant], runs: Iterable[DebitRun]) -> Burn:
    """Let the runs burn the grants; raises BrokenInvariant for a run of less than zero debits."""
    pending = sorted(grants, key=lambda grant: grant.effective_at, reverse=True)
    left = {grant.id: grant.amount for grant in pending}
    live: list[tuple[tuple[int, datetime, datetime, str], Grant]] = []
    burnt: list[BurntRun] = []
    for run in sorted(runs, key=lambda run: run.counts_at):
        if run.count < 0:
            raise BrokenInvariant("a stretch has more reversals than debits")
        while pending and pending[-1].effective_at <= run.counts_at:
            grant = pending.pop()
            heappush(live, (grant.burn_order, grant))
        burnt.append(_burn_run(run, live, left))
    return Burn(tuple(burnt))


def _burn_run(
    run: DebitRun,
    live: list[tuple[tuple[int, datetime, datetime, str], Grant]],
    left: dict[str, int],
) -> BurntRun:
    paid: list[tuple[str, int]] = []
    due = run.count
    while due and live:
        grant = live[0][1]
        share = min(due, left[grant.id])
        if grant.expires_at <= run.counts_at or share == 0:
            heappop(live)
            continue
        left[grant.id] -= share
        due -= share
        paid.append((grant.id, share))
    return BurntRun(run, tuple(paid), due)


def balance(
    cycle: Cycle, grants: Sequence[Grant], runs: Iterable[DebitRun], at: datetime
) -> Balance:
    """The balance of a cycle at an instant of it.

    `runs` are all debits since the beginning; those that count after `at` are left out. `at` may
    be the cycle's end: these are its closing figures, in which what expires with it has lapsed.
    """
    if not cycle.starts_at <= at <= cycle.ends_at:
        raise ValueError("the instant lies outside the cycle")
    counted = [run for run in runs if run.counts_at <= at and run.counts_at < cycle.ends_at]
    burnt = burn(grants, counted).runs
    before = _paid_by_grant(each for each in burnt if each.run.counts_at < cycle.starts_at)
    within = [each for each in burnt if each.run.counts_at >= cycle.starts_at]
    paid = _paid_by_grant(within)
    uses = tuple(
        _use_of(grant, grant.amount - before.get(grant.id, 0), paid.get(grant.id, 0), at)
        for grant in sorted(grants, key=lambda grant: grant.burn_order)
        if _is_of(grant, cycle, at)
    )
    return Balance(
        at=at,
        cycle=cycle,
        granted=sum(use.granted for use in uses),
        consumed=sum(each.run.count for each in within),
        remaining=sum(use.remaining for use in uses),
        overage=sum(each.overage for each in within),
        lapsed=sum(use.lapsed for use in uses),
        grant_uses=uses,
    )


def _is_of(grant: Grant, cycle: Cycle, at: datetime) -> bool:
    """Whether a grant was live in the cycle, up to the instant."""
    begun = grant.effective_at <= at and grant.effective_at < cycle.ends_at
    return begun and grant.expires_at > max(cycle.starts_at, grant.effective_at)


def _use_of(grant: Grant, granted: int, burned: int, at: datetime) -> GrantUse:
    unburned = granted - burned
    if grant.expires_at <= at:
        return GrantUse(grant, granted, burned, 0, unburned)
    return GrantUse(grant, granted, burned, unburned, 0)


def _paid_by_grant(runs: Iterable[BurntRun]) -> dict[str, int]:
    paid: dict[str, int] = {}
    for burnt in runs:
        for grant_id, credits_ in burnt.paid:
            paid[grant_id] = paid.get(grant_id, 0) + credits_
    return paid


def crossed(
    quota: int, thresholds_percent: Iterable[int], before: int, after: int
) -> tuple[int, ...]:
    """The thresholds of a quota that consumption reached by going from `before` to `after`.

    >>> crossed(500, (80, 100), before=399, after=400)
    (80,)
    """
    return tuple(
        percent
        for percent in sorted(thresholds_percent)
        if before * 100 < percent * quota <= after * 100
    )
