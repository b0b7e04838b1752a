"""The balance against a model that takes one debit after the other."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trenza.domain.errors import BrokenInvariant
from trenza.domain.ids import Prefix, has_prefix
from trenza.domain.metering.balance import (
    Balance,
    DebitRun,
    Grant,
    GrantKind,
    GrantUse,
    balance,
    burn,
    courtesy_of_reversal,
    crossed,
    edges,
    plan_grant,
)
from trenza.domain.metering.cycle import Cycle

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
CYCLES = tuple(Cycle(START + n * 30 * DAY, START + (n + 1) * 30 * DAY) for n in range(3))


def day(number: float) -> datetime:
    return START + number * DAY


def a_grant(name: str, amount: int, begins: float, ends: float, priority: int = 100) -> Grant:
    return Grant(name, GrantKind.PURCHASE, amount, day(begins), day(ends), priority)


def naive_payers(grants: list[Grant], debits: list[datetime]) -> list[str | None]:
    """Which grant pays each debit, None for overage; debits in order of `counts_at`."""
    left = {grant.id: grant.amount for grant in grants}
    payers: list[str | None] = []
    for at in debits:
        live = [g for g in grants if g.effective_at <= at < g.expires_at and left[g.id] > 0]
        live.sort(key=lambda g: (g.priority, g.expires_at, g.effective_at, g.id))
        payers.append(live[0].id if live else None)
        if live:
            left[live[0].id] -= 1
    return payers


def in_runs(grants: list[Grant], debits: list[datetime], at: datetime) -> list[DebitRun]:
    """The debits counted together between neighbouring edges, as storage counts them."""
    runs: dict[datetime, int] = {}
    for debit in debits:
        if debit <= at:
            begun = [edge for edge in edges(grants, CYCLES, at) if edge <= debit]
            stretch = max(begun, default=day(-1000))
            runs[stretch] = runs.get(stretch, 0) + 1
    return [DebitRun(stretch, count) for stretch, count in runs.items()]


days = st.integers(-5, 95)
grant_lists = st.lists(
    st.tuples(st.integers(0, 6), days, st.integers(0, 60), st.sampled_from((50, 100))),
    max_size=7,
).map(
    lambda drawn: [
        a_grant(f"g{number}", amount, begins, begins + lasts, priority)
        for number, (amount, begins, lasts, priority) in enumerate(drawn)
    ]
)
debit_lists = st.lists(st.integers(-10, 190).map(lambda half: day(half / 2)), max_size=40)


@given(grant_lists, debit_lists, st.integers(0, 179).map(lambda half: day(half / 2)))
@settings(max_examples=400)
def test_the_balance_is_that_of_paying_one_debit_after_the_other(
    grants: list[Grant], debits: list[datetime], at: datetime
) -> None:
    debits = sorted(debit for debit in debits if debit <= at)
    cycle = next(cycle for cycle in CYCLES if cycle.holds(at))
    payers = naive_payers(grants, debits)
    inside = [n for n, debit in enumerate(debits) if debit >= cycle.starts_at]

    found = balance(cycle, grants, in_runs(grants, debits, at), at)

    def unburned(grant: Grant, upto: int) -> int:
        return grant.amount - payers[:upto].count(grant.id)

    first = inside[0] if inside else len(debits)
    of_cycle = [
        grant
        for grant in grants
        if grant.effective_at <= at and max(cycle.starts_at, grant.effective_at) < grant.expires_at
    ]
    live = [grant for grant in of_cycle if grant.expires_at > at]
    lapsed = [grant for grant in of_cycle if grant.expires_at <= at]
    assert (found.granted, found.consumed, found.overage, found.remaining, found.lapsed) == (
        sum(unburned(grant, first) for grant in of_cycle),
        len(inside),
        [payers[n] for n in inside].count(None),
        sum(unburned(grant, len(debits)) for grant in live),
        sum(unburned(grant, len(debits)) for grant in lapsed),
    )
    assert {use.grant.id: use.burned for use in found.grant_uses} == {
        grant.id: [payers[n] for n in inside].count(grant.id) for grant in of_cycle
    }
    assert found.granted + found.overage == found.consumed + found.remaining + found.lapsed


@given(grant_lists, debit_lists)
def test_a_burn_names_who_paid_each_debit(grants: list[Grant], debits: list[datetime]) -> None:
    debits.sort()

    found = burn(grants, [DebitRun(debit, 1) for debit in debits])

    assert [burnt.paid[0][0] if burnt.paid else None for burnt in found.runs] == naive_payers(
        grants, debits
    )
    assert all(burnt.overage + sum(n for _, n in burnt.paid) == 1 for burnt in found.runs)


def test_one_run_is_split_over_grants_in_burn_order_and_the_rest_is_overage() -> None:
    grants = [
        a_grant("b", 2, 0, 10),
        a_grant("a", 2, 0, 10),
        a_grant("late", 2, 1, 10),
        a_grant("longer", 2, 0, 11),
        a_grant("first", 1, 0, 90, priority=1),
        a_grant("not yet", 9, 3, 10),
        a_grant("gone", 9, 0, 2),
    ]

    found = burn(grants, [DebitRun(day(2), 10)])

    assert found.runs[0].paid == (("first", 1), ("a", 2), ("b", 2), ("late", 2), ("longer", 2))
    assert found.runs[0].overage == 1
    assert found.paid_by_grant() == {"first": 1, "a": 2, "b": 2, "late": 2, "longer": 2}


def test_what_is_bought_later_does_not_pay_earlier_debits() -> None:
    grants = [plan_grant(CYCLES[0], 2), a_grant("bought", 10, 5, 60)]
    runs = [DebitRun(day(1), 3), DebitRun(day(6), 1)]

    found = balance(CYCLES[0], grants, runs, day(7))

    assert (found.granted, found.consumed, found.remaining, found.overage) == (12, 4, 9, 1)


def test_overage_stays_with_the_cycle_that_made_it() -> None:
    grants = [plan_grant(cycle, 2) for cycle in CYCLES]

    found = balance(CYCLES[1], grants, [DebitRun(day(1), 5), DebitRun(day(31), 1)], day(40))

    assert (found.granted, found.consumed, found.remaining, found.overage) == (2, 1, 1, 0)


def test_the_plan_does_not_roll_over_and_a_purchase_does() -> None:
    grants = [plan_grant(cycle, 10) for cycle in CYCLES] + [a_grant("bought", 5, 1, 60)]
    runs = [DebitRun(day(2), 12)]

    closing = balance(CYCLES[0], grants, runs, CYCLES[0].ends_at)
    opening = balance(CYCLES[1], grants, runs, CYCLES[1].starts_at)

    assert (closing.granted, closing.consumed, closing.remaining, closing.lapsed) == (15, 12, 3, 0)
    assert (opening.granted, opening.consumed, opening.remaining, opening.lapsed) == (13, 0, 13, 0)


def test_closing_figures_show_what_lapsed_with_the_cycle() -> None:
    plan = plan_grant(CYCLES[0], 10)
    runs = [DebitRun(day(2), 4), DebitRun(CYCLES[0].ends_at, 1)]

    assert balance(CYCLES[0], [plan], runs, CYCLES[0].ends_at) == Balance(
        at=CYCLES[0].ends_at,
        cycle=CYCLES[0],
        granted=10,
        consumed=4,
        remaining=0,
        overage=0,
        lapsed=6,
        grant_uses=(GrantUse(plan, 10, 4, 0, 6),),
    )


def test_a_debit_and_a_grant_of_the_instant_asked_for_count() -> None:
    found = balance(CYCLES[0], [a_grant("g", 3, 5, 9)], [DebitRun(day(5), 1)], day(5))

    assert (found.granted, found.consumed, found.remaining) == (3, 1, 2)


def test_a_grant_that_is_never_live_gives_nothing() -> None:
    found = balance(CYCLES[0], [a_grant("empty", 5, 3, 3), a_grant("past", 5, 4, 2)], [], day(6))

    assert (found.granted, found.remaining, found.lapsed, found.grant_uses) == (0, 0, 0, ())


def test_a_late_reversal_is_a_courtesy_until_the_end_of_its_cycle() -> None:
    courtesy = courtesy_of_reversal(7, day(35), CYCLES[1])

    assert (courtesy.amount, courtesy.kind, courtesy.priority) == (1, GrantKind.COURTESY, 100)
    assert (courtesy.effective_at, courtesy.expires_at) == (day(35), day(60))
    assert has_prefix(courtesy.id, Prefix.REFUND)
    grants = [plan_grant(CYCLES[1], 2), courtesy]
    found = balance(CYCLES[1], grants, [DebitRun(day(1), 1), DebitRun(day(36), 3)], day(37))
    assert (found.granted, found.consumed, found.remaining, found.overage) == (3, 3, 0, 0)


def test_the_id_of_a_plan_grant_follows_from_its_cycle() -> None:
    ids = {plan_grant(cycle, amount).id for cycle in CYCLES for amount in (1, 2)}

    assert len(ids) == len(CYCLES)
    assert all(has_prefix(each, Prefix.QUOTA) for each in ids)


def test_edges_are_where_grants_and_cycles_begin_and_end() -> None:
    grants = [a_grant("a", 1, 3, 40), a_grant("b", 1, 3, 50)]

    assert edges(grants, CYCLES[:1], day(40)) == (day(0), day(3), day(30), day(40))


def test_more_reversals_than_debits_break_the_books() -> None:
    with pytest.raises(BrokenInvariant):
        burn([], [DebitRun(START, -1)])


@pytest.mark.parametrize("at", [day(-1), day(30.5)])
def test_a_balance_is_asked_for_an_instant_of_its_cycle(at: datetime) -> None:
    with pytest.raises(ValueError, match="outside"):
        balance(CYCLES[0], [], [], at)


@pytest.mark.parametrize(
    ("before", "after", "reached"),
    [
        (0, 399, ()),
        (399, 400, (80,)),
        (400, 401, ()),
        (399, 500, (80, 100)),
        (499, 600, (100,)),
        (450, 380, ()),
        (380, 400, (80,)),
    ],
)
def test_a_threshold_is_crossed_by_reaching_it(
    before: int, after: int, reached: tuple[int, ...]
) -> None:
    assert crossed(500, (100, 80), before, after) == reached


def test_a_threshold_between_two_credits_is_crossed_by_the_next_whole_one() -> None:
    assert crossed(7, (80,), 4, 5) == ()
    assert crossed(7, (80,), 5, 6) == (80,)
