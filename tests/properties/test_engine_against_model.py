"""The engine, fed by arrival, against the reference model, which knows only the set.

Histories are small and dense in what is hard: equal instants, exactly 24 hours and a microsecond
beside, arrivals out of order, retractions.
"""

from bisect import bisect_left
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from tests.properties.reference_model import CHARGING, DAY, FREE, Bill, Touch, bill
from tests.properties.seeds import check_seeds
from tests.scale import scale
from trenza.domain.channel import ChannelKind
from trenza.domain.interaction import InteractionKind, Lane, SessionLane
from trenza.domain.metering.fold import Event, Session, Verdict, make_event
from trenza.domain.metering.ledger import DebitReason, draft_entries
from trenza.domain.metering.policy import POLICIES
from trenza.domain.metering.recut import Judged, Recut, recut, recut_all

POLICY = POLICIES["2026-11"]
HISTORIES = scale(100_000, 1_000_000)
MERGES = scale(10_000, 100_000)
EPOCH = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = DAY // 24
LANES = {
    "HANDOFF": ["BOT", "HUMAN"],
    "COMPANY_MESSAGE": ["BOT", "HUMAN"],
    "TICKET_PUBLIC_ACTION": ["BOT", "HUMAN"],
    "EXPERT_AGENT_ACTION": ["BOT"],
}
NAMES = ["a", "ab", "a ", "A", "é", "z", "~", "\U0001f600", "\uffee", "10", "9"]


def any_touches(random: Random, size: int) -> list[Touch]:
    """Interactions of one contact, each with another identity."""
    instants = [random.randrange(2 * DAY)]
    touches: dict[tuple[str, str], Touch] = {}
    while len(touches) < size:
        source, external_id = random.choice(NAMES[:3]), random.choice(NAMES)
        kind = random.choice(CHARGING) if random.random() < 0.85 else random.choice(FREE)
        instants.append(max(0, any_instant(random, random.choice(instants))))
        lane = random.choice(LANES.get(kind, [""]))
        touches[source, external_id] = Touch(instants[-1], kind, lane, source, external_id)
    return list(touches.values())


def any_instant(random: Random, near: int) -> int:
    """An instant in one of the places where windows go wrong, seen from another one."""
    match random.randrange(8):
        case 0 | 1:
            return near
        case 2:
            return near + DAY
        case 3:
            return near + DAY * random.choice([1, 2]) + random.choice([-1, 1])
        case 4:
            return near - DAY + random.choice([-1, 0, 1])
        case 5:
            return near + random.choice([-1, 1])
        case _:
            return near + random.randrange(-30, 31) * HOUR


def event_of(touch: Touch, name: str) -> Event:
    """The interaction as the engine sees it."""
    return make_event(
        POLICY,
        event_id=name,
        occurred_at=EPOCH + timedelta(microseconds=touch.instant),
        kind=InteractionKind(touch.kind),
        lane=Lane(touch.lane) if touch.lane else None,
        channel=ChannelKind.WHATSAPP,
        source=touch.source,
        external_id=touch.external_id,
        content_hash="",
    )


class Books:
    """What a database would hold of a contact: interactions, sessions, standing debits."""

    def __init__(self) -> None:
        self.judged: list[Judged] = []
        self.positions: list[str] = []
        self.sessions: dict[str, Session] = {}
        self.debited: set[str] = set()

    def arrive(self, event: Event, *, page: int) -> None:
        """Record an interaction that was not known, reading later ones page by page."""
        in_order = not self.positions or event.position > self.positions[-1]
        place = bisect_left(self.positions, event.position)
        cut = self._recut(event, self.judged[place:], page)
        self.positions.insert(place, event.position)
        self.judged.insert(place, Judged(event, None))
        self._write(cut, DebitReason.LATE_INTERACTION, arrived=event.id)
        if in_order and (cut.removed or len(cut.verdicts) != 1):
            raise AssertionError("an arrival in order changed what was settled")

    def retract(self, event: Event, *, page: int) -> None:
        """Take back an interaction that is known."""
        place = bisect_left(self.positions, event.position)
        gone = replace(event, retracted=True)
        cut = self._recut(gone, self.judged[place:], page)
        self.judged[place] = Judged(gone, None)
        self._write(cut, DebitReason.RETRACTION)

    def merge(self, other: "Books") -> None:
        """Take over the interactions and the sessions of another contact."""
        self.judged = sorted(self.judged + other.judged, key=lambda each: each.event.position)
        self.positions = [each.event.position for each in self.judged]
        self.debited |= other.debited
        self.sessions |= other.sessions
        self._write(recut_all(POLICY, self.sessions.values(), self.judged), DebitReason.MERGE)

    def _recut(self, change: Event, later: list[Judged], page: int) -> Recut:
        touched = [s for s in self.sessions.values() if s.expires_at > change.occurred_at]
        loaded = page
        while True:
            complete = loaded >= len(later)
            cut = recut(POLICY, touched, later[:loaded], change, complete=complete)
            if cut is not None:
                return cut
            if complete:
                raise AssertionError("the whole history was read and the engine asks for more")
            loaded *= 2

    def _write(self, cut: Recut, reason: DebitReason, arrived: str | None = None) -> None:
        for entry in draft_entries(cut, reason, arrived=arrived):
            if (entry.session_id in self.debited) is not (entry.amount == -1):
                raise AssertionError(f"a second debit, or a reversal of none: {entry}")
            self.debited ^= {entry.session_id}
        for session in cut.removed:
            del self.sessions[session.id]
        for session in (*cut.opened, *cut.altered):
            self.sessions[session.id] = session
        self.judged = [
            Judged(each.event, cut.verdicts.get(each.event.id, each.verdict))
            for each in self.judged
        ]


def any_arrival(random: Random, touches: list[Touch]) -> list[int]:
    """An order of arrival: as they occurred, with a few late, or any."""
    order = sorted(range(len(touches)), key=lambda number: touches[number].instant)
    if random.random() < 0.5:
        random.shuffle(order)
    else:
        for _ in range(random.randrange(3)):
            order.append(order.pop(random.randrange(len(order))))
    return order


def record(random: Random, touches: list[Touch], names: list[str]) -> tuple[Books, list[Touch]]:
    """Let the interactions arrive, and take some of them back on the way."""
    books = Books()
    events = [event_of(touch, name) for touch, name in zip(touches, names, strict=True)]
    arrived: list[int] = []
    settled = list(touches)
    for number in any_arrival(random, touches):
        books.arrive(events[number], page=random.randint(1, 4))
        arrived.append(number)
        if random.random() < 0.12:
            taken_back = random.choice(arrived)
            if not settled[taken_back].retracted:
                books.retract(events[taken_back], page=random.randint(1, 4))
                settled[taken_back] = settled[taken_back]._replace(retracted=True)
    return books, settled


def spoken(names: dict[Touch, str], expected: Bill) -> tuple[object, object]:
    """The model's answer with interactions as the engine names them."""
    sessions = {names[opener]: lane or "UNBOUND" for opener, lane in expected.sessions.items()}
    verdicts = {
        names[touch]: (outcome, names[opener] if opener else None)
        for touch, (outcome, opener) in expected.verdicts.items()
    }
    return sessions, verdicts


def answer(books: Books) -> tuple[object, object]:
    """The engine's answer in the same form."""
    sessions: dict[str, SessionLane] = {s.id: s.lane for s in books.sessions.values()}
    verdicts: dict[str, tuple[str, str | None]] = {}
    for each in books.judged:
        verdict: Verdict | None = each.verdict
        if verdict is None:
            raise AssertionError(f"{each.event} has no verdict")
        verdicts[each.event.id] = (verdict.outcome, verdict.session_id)
    return sessions, verdicts


def differences(books: Books, touches: list[Touch], names: list[str]) -> str | None:
    """What the books say otherwise than the model, or than themselves."""
    expected = spoken(dict(zip(touches, names, strict=True)), bill(touches))
    if answer(books) != expected:
        return f"the model says {expected}, the engine {answer(books)}"
    if books.debited != books.sessions.keys():
        return f"debits stand for {books.debited}, sessions are {set(books.sessions)}"
    return None


def play_history(seed: int) -> str | None:
    """Run the history of a seed and compare."""
    random = Random(seed)
    touches = any_touches(random, random.choice([2, 3, 4, 5, 6, 7, 8, 12]))
    names = [f"i{number}" for number in range(len(touches))]
    books, settled = record(random, touches, names)
    return differences(books, settled, names)


def play_merge(seed: int) -> str | None:
    """Run two histories, merge their contacts and compare with the model of the union."""
    random = Random(seed)
    touches = any_touches(random, random.randint(4, 12))
    half = len(touches) // 2
    names = [f"i{number}" for number in range(len(touches))]
    books, settled = record(random, touches[:half], names[:half])
    others, others_settled = record(random, touches[half:], names[half:])
    books.merge(others)
    return differences(books, settled + others_settled, names)


def test_every_order_of_arrival_gives_what_the_model_says() -> None:
    check_seeds(HISTORIES, play_history)


def test_a_merge_gives_what_the_model_says_of_the_union() -> None:
    check_seeds(MERGES, play_merge)
