"""Late, retracted, merged: the books follow the set of events, never their arrival."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.books import (
    HOUR,
    START,
    Books,
    an_event,
    assert_true_to_the_set,
    histories,
    verdicts_of,
)
from trenza.domain.errors import BrokenInvariant
from trenza.domain.interaction import InteractionKind, Lane, SessionLane
from trenza.domain.metering.fold import Event, RuleCode, Session, fold
from trenza.domain.metering.ledger import DebitReason, Entry, draft_entries
from trenza.domain.metering.policy import DEFAULT_POLICY as POLICY
from trenza.domain.metering.recut import Judged, Recut, recut, recut_all

COMPANY = InteractionKind.COMPANY_MESSAGE


@given(histories(), st.integers(1, 4), st.data())
@settings(max_examples=300)
def test_any_order_with_repeats_and_retractions_ends_in_the_same_books(
    events: list[Event], page: int, data: st.DataObject
) -> None:
    books = Books(page)
    for event in events:
        before = books.in_order()
        sessions = list(books.sessions.values())
        incremental = books.change(event, DebitReason.LATE_INTERACTION, arrived=event.id)
        everything = sorted([*before, Judged(event, None)], key=lambda each: each.event.position)
        assert incremental == recut_all(POLICY, sessions, everything)
        books.record([event])
    assert_true_to_the_set(books)

    retracted = (
        data.draw(st.lists(st.sampled_from(events), unique_by=lambda e: e.id)) if events else []
    )
    for event in retracted:
        known = [
            Judged(replace(each.event, retracted=True), each.verdict)
            if each.event.id == event.id
            else each
            for each in books.in_order()
        ]
        sessions = list(books.sessions.values())
        found = books.change(replace(event, retracted=True), DebitReason.RETRACTION)
        assert found == recut_all(POLICY, sessions, known)
        assert found.verdicts[event.id].rule is RuleCode.RETRACTED
        assert_true_to_the_set(books)


@given(histories())
@settings(max_examples=200)
def test_arrival_in_order_only_ever_opens(events: list[Event]) -> None:
    books = Books()
    for event in sorted(events, key=lambda event: event.position):
        found = books.change(event, DebitReason.LATE_INTERACTION, arrived=event.id)
        assert found.removed == ()
        assert set(found.verdicts) == {event.id}

    assert {entry.reason for entry in books.entries} <= {DebitReason.OPENED}


@given(histories(), st.data())
@settings(max_examples=200)
def test_a_merge_folds_the_union_and_its_undoing_gives_back_the_net(
    events: list[Event], data: st.DataObject
) -> None:
    on_left = {event.id: data.draw(st.booleans()) for event in events}
    left, right = Books(), Books()
    left.record([event for event in events if on_left[event.id]])
    right.record([event for event in events if not on_left[event.id]])
    both = left.sessions | right.sessions
    known = sorted(left.in_order() + right.in_order(), key=lambda each: each.event.position)

    merged = recut_all(POLICY, both.values(), known)

    union = _applied(merged, both)
    judged_of_union = [
        Judged(each.event, merged.verdicts.get(each.event.id, each.verdict)) for each in known
    ]
    truth = fold(POLICY, [each.event for each in known])
    assert union == {s.id: s for s in truth.sessions}
    assert verdicts_of(judged_of_union) == truth.verdicts
    entries = draft_entries(merged, DebitReason.MERGE)
    assert sum(entry.amount for entry in entries) == len(union) - len(both)

    for side, books in ((True, left), (False, right)):
        mine = {key: s for key, s in union.items() if on_left[key] is side}
        judged = [each for each in judged_of_union if on_left[each.event.id] is side]
        parted = recut_all(POLICY, mine.values(), judged)
        assert _applied(parted, mine) == books.sessions
        verdicts = verdicts_of(judged) | dict(parted.verdicts)
        assert verdicts == verdicts_of(books.in_order())


def _applied(found: Recut, sessions: dict[str, Session]) -> dict[str, Session]:
    removed = {s.id for s in found.removed}
    kept = {key: s for key, s in sessions.items() if key not in removed}
    return kept | {s.id: s for s in found.opened + found.altered}


def test_a_late_first_message_takes_back_what_it_now_covers() -> None:
    books = Books()
    first, second = an_event("first"), an_event("second", START + HOUR)
    after = an_event("after", START + 24 * HOUR + HOUR / 2)
    books.record([second, after])

    books.record([first])

    assert [(e.session_id, e.amount, e.reason) for e in books.entries] == [
        ("second", 1, DebitReason.OPENED),
        ("second", -1, DebitReason.LATE_INTERACTION),
        ("first", 1, DebitReason.LATE_INTERACTION),
        ("after", 1, DebitReason.LATE_INTERACTION),
    ]
    assert books.entries[1].effective_at == START + HOUR
    assert_true_to_the_set(books)


def test_a_late_event_that_stands_alone_is_an_ordinary_opening() -> None:
    books = Books()
    books.record([an_event("later", START + 48 * HOUR)])

    books.record([an_event("late")])

    assert [entry.reason for entry in books.entries] == [DebitReason.OPENED] * 2


def test_binding_earlier_alters_the_session_and_writes_no_row() -> None:
    books = Books()
    asks = an_event("asks")
    answers = an_event("answers", START + 2 * HOUR, COMPANY, Lane.HUMAN)
    earlier = an_event("earlier", START + HOUR, COMPANY, Lane.HUMAN)
    books.record([asks, answers])

    found = books.change(earlier, DebitReason.LATE_INTERACTION, arrived="earlier")

    assert (found.opened, found.removed) == ((), ())
    assert [(s.id, s.lane, s.bound_position) for s in found.altered] == [
        ("asks", SessionLane.HUMAN, earlier.position)
    ]
    assert {key: verdict.rule for key, verdict in found.verdicts.items()} == {
        "earlier": RuleCode.COVERED_BY_BINDING,
        "answers": RuleCode.COVERED_IN_LANE,
    }
    assert len(books.entries) == 1


def test_a_session_that_another_lane_takes_leaves_its_own_to_be_paid() -> None:
    books = Books()
    human = an_event("human", START + 2 * HOUR, COMPANY, Lane.HUMAN)
    books.record([an_event("asks"), human])

    books.record([an_event("bot", START + HOUR, COMPANY, Lane.BOT)])

    assert [(e.session_id, e.amount, e.reason) for e in books.entries[1:]] == [
        ("human", 1, DebitReason.LATE_INTERACTION)
    ]
    assert_true_to_the_set(books)


def test_what_changes_nothing_needs_nothing_loaded() -> None:
    books = Books()
    books.record([an_event("asks"), an_event("asks again", START + 23 * HOUR)])
    late = an_event("late", START + HOUR)

    found = recut(POLICY, books.sessions.values(), (), late, complete=False)

    assert found is not None
    assert set(found.verdicts) == {"late"}
    assert found.verdicts["late"].session_id == "asks"


def test_where_the_cuts_have_not_met_more_is_asked_for() -> None:
    books = Books()
    second = an_event("second", START + HOUR)
    books.record([second, an_event("third", START + 24 * HOUR)])
    first = an_event("first")
    known = books.in_order()

    assert recut(POLICY, books.sessions.values(), (), first, complete=False) is None
    assert recut(POLICY, books.sessions.values(), known[:1], first, complete=False) is None
    found = recut(POLICY, books.sessions.values(), known, first, complete=True)

    assert found is not None
    assert [s.id for s in found.removed] == ["second"]
    assert [s.id for s in found.opened] == ["first", "third"]


def test_a_recut_stops_where_the_cuts_meet() -> None:
    books = Books()
    far = [an_event(f"far{n}", START + n * 48 * HOUR) for n in range(1, 50)]
    books.record(far)
    untouchable = [Judged(each.event, None) for each in books.in_order()]

    found = recut(POLICY, books.sessions.values(), untouchable, an_event("late"), complete=True)

    assert found is not None
    assert set(found.verdicts) == {"late"}


def test_retracting_the_opening_moves_the_session_to_the_next() -> None:
    books = Books()
    opening = an_event("opening")
    books.record([opening, an_event("next", START + HOUR)])

    books.change(replace(opening, retracted=True), DebitReason.RETRACTION)

    assert [(e.session_id, e.amount, e.reason) for e in books.entries[1:]] == [
        ("opening", -1, DebitReason.RETRACTION),
        ("next", 1, DebitReason.RETRACTION),
    ]


def test_retracting_again_answers_the_same_and_changes_nothing() -> None:
    books = Books()
    gone = replace(an_event("gone"), retracted=True)
    books.record([an_event("gone"), an_event("next", START + HOUR)])
    first = books.change(gone, DebitReason.RETRACTION)

    again = books.change(gone, DebitReason.RETRACTION)

    assert again == Recut((), (), (), {"gone": first.verdicts["gone"]})
    assert len(books.entries) == 3


def test_events_of_before_the_change_are_refused() -> None:
    early = Judged(an_event("early"), None)

    with pytest.raises(BrokenInvariant):
        recut(POLICY, (), [early], an_event("late", START + HOUR), complete=True)


def test_reversals_come_before_debits_each_by_position() -> None:
    books = Books()
    books.record([an_event(f"e{n}", START + n * 48 * HOUR) for n in (3, 1, 2, 0)])
    at = sorted(books.sessions.values(), key=lambda s: s.opened_position)

    entries = draft_entries(Recut((at[0], at[2]), (at[1], at[3]), (), {}), DebitReason.MERGE)

    assert entries == (
        Entry(-1, at[1].opened_at, DebitReason.MERGE, "e1", at[1].opened_position),
        Entry(-1, at[3].opened_at, DebitReason.MERGE, "e3", at[3].opened_position),
        Entry(1, at[0].opened_at, DebitReason.MERGE, "e0", at[0].opened_position),
        Entry(1, at[2].opened_at, DebitReason.MERGE, "e2", at[2].opened_position),
    )
