"""What the demo's story must contain, whenever it is loaded. `seed/README.md` tells it."""

import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise

import pytest

from tests.seed.replay import DEMO, Line, Replay, read_lines
from trenza.domain.channel import CHANNELS, ChannelKind
from trenza.domain.metering.balance import GrantKind, crossed
from trenza.domain.metering.fold import RuleCode
from trenza.domain.metering.ledger import DebitReason
from trenza.domain.metering.seat import SeatStatus, peak_signed_in, seat_use, status_of

DAY_SECONDS = 86_400
MOMENTS = (
    datetime(2026, 11, 22, 19, tzinfo=UTC),
    # One minute before and after midnight in the workspace's zone.
    datetime(2026, 12, 9, 5, 59, tzinfo=UTC),
    datetime(2026, 12, 9, 6, 1, tzinfo=UTC),
    # The closed cycle has 28 days; the anchor is the last of the month.
    datetime(2027, 3, 25, 15, tzinfo=UTC),
    datetime(2027, 8, 18, 12, tzinfo=UTC),
    datetime(2028, 3, 1, 18, tzinfo=UTC),
)


@cache
def replay_at(loaded_at: datetime) -> Replay:
    """The story, loaded once at each moment."""
    return Replay(loaded_at)


@pytest.fixture
def replay() -> Replay:
    """The story, loaded at the first of the moments."""
    return replay_at(MOMENTS[0])


@pytest.fixture(scope="module")
def interactions() -> list[Line]:
    """Every delivery of an interaction."""
    return [line for line in read_lines("timeline.jsonl") if line["do"] == "recordInteraction"]


@pytest.mark.parametrize("loaded_at", MOMENTS, ids=str)
def test_the_running_cycle_has_passed_80_percent_of_the_quota_and_not_all_of_it(
    loaded_at: datetime,
) -> None:
    replay = replay_at(loaded_at)

    running = replay.running_balance()
    thresholds = replay.workspace["workspace"]["alert_thresholds"]
    passed = crossed(replay.plan["interactionz"], thresholds, 0, running.consumed)
    assert 410 <= running.consumed <= 480
    assert passed == (80,)
    assert running.overage == 0
    assert running.cycle.starts_at == replay.closed[-1].ends_at
    assert loaded_at - timedelta(days=19) < running.cycle.starts_at
    assert running.cycle.starts_at <= loaded_at - timedelta(days=18)


@pytest.mark.parametrize("loaded_at", MOMENTS, ids=str)
def test_the_set_up_cycle_and_the_one_after_it_were_closed_in_order_after_the_grace(
    loaded_at: datetime,
) -> None:
    replay = replay_at(loaded_at)

    closings = [x for x in read_lines("timeline.jsonl") if x["do"] == "closeCycle"]
    set_up, closed = replay.closed
    grace = timedelta(hours=replay.workspace["workspace"]["closing_grace_hours"])
    invited_at = min(event.at for event in replay.seat_events)
    first = replay.instant(min(x["at"] for x in read_lines("timeline.jsonl") if "at" in x))
    assert set_up.starts_at <= invited_at
    assert set_up.ends_at == closed.starts_at < first
    for closing, cycle in zip(closings, replay.closed, strict=True):
        assert replay.instant(closing["arrives"]) >= cycle.ends_at + grace


def test_the_closed_cycle_went_over_its_quota_until_a_purchase_came(replay: Replay) -> None:
    closed = replay.closed[-1]

    balance = replay.balance(closed, closed.ends_at)
    assert balance.consumed > 500
    assert 5 <= balance.overage <= 40
    purchase = next(u for u in balance.grant_uses if u.grant.kind is GrantKind.PURCHASE)
    reserve = next(u for u in balance.grant_uses if u.grant.kind is GrantKind.COURTESY)
    assert 0 < purchase.burned < purchase.granted
    assert (reserve.burned, reserve.lapsed) == (0, reserve.granted)


def test_late_interactions_adjust_the_closed_cycle(replay: Replay) -> None:
    adjustments = [row for row in replay.rows if row.counts_at != row.effective_at]

    assert Counter((row.amount, row.reason) for row in adjustments) == {
        (1, DebitReason.OPENED): 1,
        (1, DebitReason.LATE_INTERACTION): 2,
        (-1, DebitReason.LATE_INTERACTION): 1,
        (-1, DebitReason.MERGE): 1,
    }
    assert {replay.cycle_at(row.effective_at) for row in adjustments} == {replay.closed[-1]}
    assert {replay.cycle_at(row.counts_at) for row in adjustments} == {
        replay.cycle_at(replay.loaded_at)
    }


def test_late_interactions_and_merges_give_credits_back(replay: Replay) -> None:
    reversals = Counter(row.reason for row in replay.rows if row.amount < 0)

    assert reversals[DebitReason.LATE_INTERACTION] >= 5
    assert reversals[DebitReason.MERGE] == 2
    steps = Counter(line["do"] for line in read_lines("timeline.jsonl"))
    assert (steps["mergeContacts"], steps["unmergeContact"]) == (3, 1)


def test_interactions_come_late_twice_and_too_late(
    replay: Replay, interactions: list[Line]
) -> None:
    hours_late = [(x["arrives"] - x["at"]) / 3600 for x in interactions]

    assert len(replay.taken) >= 3000
    assert 40 <= len(replay.repeated) <= 200
    assert len(replay.quarantined) == 3
    assert sum(hours > 1 for hours in hours_late) >= 30
    assert sum(hours > 24 for hours in hours_late) >= 10
    assert sum(hours < 0 for hours in hours_late) >= 3


def test_every_rule_of_the_catalogue_but_retraction_is_to_be_seen(replay: Replay) -> None:
    seen = {verdict.rule for verdict in replay.verdicts.values()}

    assert set(RuleCode) - seen == {RuleCode.RETRACTED}


def test_agents_write_on_every_channel_that_people_attend(interactions: list[Line]) -> None:
    written_by_people = {
        x["channel"]
        for x in interactions
        if x["kind"] == "COMPANY_MESSAGE" and x["actor"] == "HUMAN"
    }
    attended = {channel for channel in ChannelKind if CHANNELS[channel].conversational}

    assert attended | {ChannelKind.EMAIL} <= written_by_people | {ChannelKind.SMS}


def test_agents_attend_who_were_there_by_then(replay: Replay, interactions: list[Line]) -> None:
    named = [x for x in interactions if "agent" in x]
    first = {event.user_id: event.at for event in reversed(replay.seat_events)}

    # Whatever a person writes names the agent; what a bot does names nobody.
    human = [x for x in interactions if x["kind"] == "COMPANY_MESSAGE" and x["actor"] == "HUMAN"]
    assert all("agent" in x for x in human)
    assert not [x for x in named if x.get("actor") == "BOT"]
    assert len({x["agent"] for x in named}) == 8
    assert all(first[x["agent"]] < replay.instant(x["at"]) for x in named)


def test_the_campaign_reaches_150_and_some_reply_opt_out_or_stay_silent(
    interactions: list[Line],
) -> None:
    about: defaultdict[str, set[str]] = defaultdict(set)
    for x in interactions:
        if x.get("campaign") == "semana-del-descanso":
            about[x["contact"]].add(x["kind"])
    replied = [kinds for kinds in about.values() if "CUSTOMER_MESSAGE" in kinds]

    assert len(about) == 150
    assert all({"CAMPAIGN_SEND", "DELIVERY_STATUS"} <= kinds for kinds in about.values())
    assert 25 <= len(replied) <= 60
    assert sum("COMPANY_MESSAGE" in kinds for kinds in replied) >= 15
    assert sum(
        kinds == {"CAMPAIGN_SEND", "DELIVERY_STATUS", "CUSTOMER_MESSAGE"} for kinds in replied
    )
    assert sum("CONSENT_CHANGE" in kinds for kinds in about.values()) >= 5


def test_journeys_reach_people_by_mail_and_by_push(interactions: list[Line]) -> None:
    steps = Counter(x["channel"] for x in interactions if x["kind"] == "JOURNEY_SEND")

    assert steps["EMAIL"] >= 20
    assert steps["PUSH"] >= 20


def test_bots_hand_over_and_conversations_last_longer_than_a_day(
    interactions: list[Line],
) -> None:
    handed = {x["contact"] for x in interactions if x["kind"] == "HANDOFF"}
    instants: defaultdict[str, list[float]] = defaultdict(list)
    for x in interactions:
        if "contact" in x:
            instants[x["contact"]].append(x["at"])
    gaps = [b - a for theirs in instants.values() for a, b in pairwise(sorted(theirs))]

    assert len(handed) >= 50
    assert sum(0.7 * DAY_SECONDS < gap < 1.3 * DAY_SECONDS for gap in gaps) >= 10
    assert 0 in gaps


def test_tickets_last_a_week_with_public_actions_days_apart(interactions: list[Line]) -> None:
    actions: defaultdict[str, list[float]] = defaultdict(list)
    for x in interactions:
        if x["kind"] == "TICKET_PUBLIC_ACTION":
            actions[x["ticket"]].append(x["at"])
    opened = [line for line in read_lines("timeline.jsonl") if line["do"] == "openTicket"]

    assert {ticket["visibility"] for ticket in opened} == {"PUBLIC", "INTERNAL"}
    assert sum(max(each) - min(each) >= 6 * DAY_SECONDS for each in actions.values()) >= 15


def test_one_person_comes_by_webchat_and_by_whatsapp_within_a_day(
    interactions: list[Line],
) -> None:
    webchats = {
        (x["contact"], x["at"])
        for x in interactions
        if x["channel"] == "WEBCHAT" and "contact" in x
    }
    followed = {
        x["contact"]
        for x in interactions
        if x["channel"] == "WHATSAPP" and "contact" in x
        for contact, at in webchats
        if x["contact"] == contact and 0 < x["at"] - at < DAY_SECONDS
    }

    assert len(followed) >= 5


def test_some_people_are_known_by_an_address_alone(interactions: list[Line]) -> None:
    named = [x["identity"] for x in interactions if "identity" in x]
    owned = [i for contact in read_lines("contacts.jsonl") for i in contact["identities"]]

    assert len({i["address"] for i in named if i not in owned}) == 5
    assert len({i["address"] for i in named if i in owned}) == 1


@pytest.mark.parametrize("loaded_at", MOMENTS, ids=str)
def test_one_seat_too_many_is_used_while_others_wait_or_have_gone(loaded_at: datetime) -> None:
    replay = replay_at(loaded_at)

    use = seat_use(replay.seat_events, replay.sign_ins, replay.plan["seats"], replay.loaded_at)
    users = {event.user_id for event in replay.seat_events}
    statuses = Counter(
        status_of([e for e in replay.seat_events if e.user_id == user], replay.loaded_at)
        for user in users
    )
    assert (use.used, use.over, use.invited) == (11, 1, 1)
    assert statuses == {
        SeatStatus.ACTIVE: 11,
        SeatStatus.INVITED: 1,
        SeatStatus.EXPIRED: 1,
        SeatStatus.DEACTIVATED: 1,
    }
    assert 1 <= use.signed_in <= 11


def test_people_sign_in_on_working_days_some_twice_and_some_never_sign_out(
    replay: Replay,
) -> None:
    month_ago = replay.loaded_at - timedelta(days=31)
    sign_ins = replay.sign_ins
    forgotten = [s for s in sign_ins if s.ended_at is None and s.ends_at < replay.loaded_at]

    assert len(sign_ins) >= 200
    assert len(forgotten) >= 5
    assert replay.second_sign_ins >= 10
    assert peak_signed_in(replay.seat_events, sign_ins, month_ago, replay.loaded_at) == 11


def test_the_people_whom_the_page_points_at_are_there(interactions: list[Line]) -> None:
    page = (DEMO.parent / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-Z_]+) \| (\S+) \|", page, re.MULTILINE)
    asked = re.findall(r'contactByIdentity\(channel: ([A-Z_]+), address: "([^"]+)"\)', page)
    contacts = {
        (identity["channel"], identity["address"]): contact["contact"]
        for contact in read_lines("contacts.jsonl")
        for identity in contact["identities"]
    }

    assert len(rows) == 13
    assert set(asked) <= set(rows) <= contacts.keys()
    heard_of = {x["contact"] for x in interactions if "contact" in x}
    for line in read_lines("timeline.jsonl"):
        if line["do"] in ("setConsent", "mergeContacts"):
            heard_of.add(line.get("contact", line.get("target")))
    assert {contacts[address] for address in rows} <= heard_of


def test_the_page_tells_of_these_people_what_the_ledger_says(replay: Replay) -> None:
    def rows_of(channel: str, address: str) -> list[tuple[int, DebitReason]]:
        contact = replay.owner_of(channel, address)
        return [(row.amount, row.reason) for row in replay.rows if row.contact == contact]

    late = DebitReason.LATE_INTERACTION
    for phone in ("+56900007734", "+526700006365"):
        assert rows_of("WHATSAPP", phone)[-3:] == [(-1, late), (1, late), (1, late)]
    assert rows_of("WEBCHAT", "visit-1434f90c").count((1, DebitReason.OPENED)) >= 2
    assert (-1, DebitReason.MERGE) in rows_of("WEBCHAT", "visit-638f96f1")
    assert (-1, DebitReason.MERGE) in rows_of("INSTAGRAM", "17800000021968386")
    assert (1, DebitReason.OPENED) in rows_of("INSTAGRAM", "17800000021228713")
