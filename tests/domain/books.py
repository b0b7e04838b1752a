"""A contact's books, kept in memory as storage keeps them: each arrival re-cuts a loaded part."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import strategies as st

from trenza.domain.channel import ChannelKind
from trenza.domain.interaction import InteractionKind, Lane
from trenza.domain.metering.fold import Event, Session, Verdict, fold, make_event
from trenza.domain.metering.ledger import DebitReason, Entry, draft_entries
from trenza.domain.metering.policy import DEFAULT_POLICY as POLICY
from trenza.domain.metering.recut import Judged, Recut, recut

START = datetime(2026, 11, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)

_CHARGING_WITH_LANE = (
    (InteractionKind.HANDOFF, Lane.BOT),
    (InteractionKind.HANDOFF, Lane.HUMAN),
    (InteractionKind.COMPANY_MESSAGE, Lane.BOT),
    (InteractionKind.COMPANY_MESSAGE, Lane.HUMAN),
    (InteractionKind.TICKET_PUBLIC_ACTION, Lane.HUMAN),
    (InteractionKind.EXPERT_AGENT_ACTION, Lane.BOT),
)
_WITHOUT_LANE = (
    (InteractionKind.CUSTOMER_MESSAGE, None),
    (InteractionKind.CAMPAIGN_SEND, None),
    (InteractionKind.CONSENT_CHANGE, None),
)


def an_event(
    name: str,
    at: datetime = START,
    kind: InteractionKind = InteractionKind.CUSTOMER_MESSAGE,
    lane: Lane | None = None,
    *,
    source: str = "api",
    external_id: str | None = None,
    content_hash: str = "00",
    channel: ChannelKind = ChannelKind.WHATSAPP,
) -> Event:
    """An event with its place worked out."""
    return make_event(
        POLICY,
        event_id=name,
        occurred_at=at,
        kind=kind,
        lane=lane,
        channel=channel,
        source=source,
        external_id=external_id,
        content_hash=content_hash,
    )


@st.composite
def histories(draw: st.DrawFn, max_size: int = 14) -> list[Event]:
    """Events in order of arrival, dense in ties, in exact 24 hours and in a microsecond off."""
    instants = st.builds(
        lambda hours, ticks: START + hours * HOUR + ticks * TICK,
        st.sampled_from((0, 0, 1, 6, 12, 24, 24, 25, 30, 36, 48, 49, 72, 96)),
        st.sampled_from((-1, 0, 0, 0, 1)),
    )
    kinds = st.sampled_from(_CHARGING_WITH_LANE + _WITHOUT_LANE[:1] * 5 + _WITHOUT_LANE)
    drawn = draw(
        st.lists(
            st.tuples(instants, kinds, st.sampled_from("ab"), st.booleans()), max_size=max_size
        )
    )
    return [
        an_event(
            f"e{number}",
            at,
            kind,
            lane,
            source=source,
            external_id=f"x{number}" if named else None,
            content_hash=f"{number % 3}",
        )
        for number, (at, (kind, lane), source, named) in enumerate(drawn)
    ]


class Books:
    """Sessions, verdicts and ledger rows of one contact; `page` is how many events a load gives."""

    def __init__(self, page: int = 1000) -> None:
        self.page = page
        self.sessions: dict[str, Session] = {}
        self.judged: dict[str, Judged] = {}
        self.entries: list[Entry] = []
        self._debit_sequences: dict[str, int] = {}

    def record(self, events: Iterable[Event]) -> None:
        """Take events in the order given; one that is known already changes nothing."""
        for event in events:
            if event.id not in self.judged:
                self.change(event, DebitReason.LATE_INTERACTION, arrived=event.id)

    def change(self, event: Event, reason: DebitReason, *, arrived: str | None = None) -> Recut:
        """Re-cut for a new or retracted event, loading as much as is asked for, and book it."""
        found = next(answer for answer in self._answers(event) if answer is not None)
        known = self.judged.get(event.id)
        self.judged[event.id] = Judged(event, known.verdict if known else None)
        self.book(found, reason, arrived=arrived)
        return found

    def _answers(self, event: Event) -> Iterator[Recut | None]:
        known = self.in_order()
        later = [judged for judged in known if judged.event.position >= event.position]
        for loaded in count(self.page, self.page):
            part, complete = later[:loaded], loaded >= len(later)
            until = "~" if complete or not part else part[-1].event.position
            sessions = [
                session
                for session in self.sessions.values()
                if session.expires_at > event.occurred_at and session.opened_position <= until
            ]
            yield recut(POLICY, sessions, part, event, complete=complete)

    def book(self, found: Recut, reason: DebitReason, *, arrived: str | None = None) -> None:
        """Apply a difference, as one transaction would."""
        for entry in draft_entries(found, reason, arrived=arrived):
            self.entries.append(entry)
            if entry.amount == 1:
                self._debit_sequences[entry.session_id] = len(self.entries)
            else:
                del self._debit_sequences[entry.session_id]
        for session in found.removed:
            del self.sessions[session.id]
        for session in found.opened + found.altered:
            self.sessions[session.id] = session
        for event_id, verdict in found.verdicts.items():
            self.judged[event_id] = Judged(self.judged[event_id].event, verdict)

    def in_order(self) -> list[Judged]:
        """All known events by position."""
        return sorted(self.judged.values(), key=lambda judged: judged.event.position)

    def net_debits(self) -> int:
        """Debits minus reversals."""
        return sum(entry.amount for entry in self.entries)


def assert_true_to_the_set(books: Books) -> None:
    """The books must be those of the sorted set of their events, whatever came before."""
    known = books.in_order()
    truth = fold(POLICY, [judged.event for judged in known])
    assert _by_position(books.sessions.values()) == _by_position(truth.sessions)
    assert verdicts_of(known) == truth.verdicts
    assert books.net_debits() == len(truth.sessions)


def verdicts_of(judged: Sequence[Judged]) -> dict[str, Verdict | None]:
    """The verdict that stands, by id of event."""
    return {each.event.id: each.verdict for each in judged}


def _by_position(sessions: Iterable[Session]) -> list[Session]:
    return sorted(sessions, key=lambda session: session.opened_position)
