"""The rule: folding a contact's interactions into sessions and verdicts.

State per (workspace, contact): at most one open session per lane, and at most one open session
that nobody attends yet. The fold order depends on what the interactions say, never on arrival.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter

from trenza.domain.channel import ChannelKind
from trenza.domain.instant import instant_text
from trenza.domain.interaction import InteractionKind, Lane, SessionLane
from trenza.domain.metering.policy import RulePolicy

_SEPARATOR = "\x1f"
_SORTS_WITH_SEPARATOR = re.compile(f"[\\x00-{_SEPARATOR}]")
_LANE_DIGIT = {None: "0", Lane.BOT: "1", Lane.HUMAN: "2"}


class Outcome(StrEnum):
    """What an interaction cost: a credit, nothing because a session covers it, or nothing ever."""

    CHARGED = "CHARGED"
    COVERED = "COVERED"
    FREE = "FREE"


class RuleCode(StrEnum):
    """The closed catalogue of reasons for a verdict."""

    OPENED_BY_CUSTOMER = "OPENED_BY_CUSTOMER"
    OPENED_BY_HANDOFF = "OPENED_BY_HANDOFF"
    OPENED_BY_COMPANY = "OPENED_BY_COMPANY"
    OPENED_BY_TICKET_ACTION = "OPENED_BY_TICKET_ACTION"
    OPENED_BY_EXPERT_AGENT = "OPENED_BY_EXPERT_AGENT"
    OPENED_IN_SECOND_LANE = "OPENED_IN_SECOND_LANE"
    COVERED_BY_OPEN_SESSION = "COVERED_BY_OPEN_SESSION"
    COVERED_IN_LANE = "COVERED_IN_LANE"
    COVERED_BY_BINDING = "COVERED_BY_BINDING"
    FREE_CAMPAIGN_SEND = "FREE_CAMPAIGN_SEND"
    FREE_JOURNEY_SEND = "FREE_JOURNEY_SEND"
    FREE_AUTO_REPLY = "FREE_AUTO_REPLY"
    FREE_SURVEY = "FREE_SURVEY"
    FREE_TICKET_INTERNAL_ACTION = "FREE_TICKET_INTERNAL_ACTION"
    FREE_DELIVERY_STATUS = "FREE_DELIVERY_STATUS"
    FREE_CONSENT_CHANGE = "FREE_CONSENT_CHANGE"
    RETRACTED = "RETRACTED"


_OPENED_BY = {
    InteractionKind.CUSTOMER_MESSAGE: RuleCode.OPENED_BY_CUSTOMER,
    InteractionKind.HANDOFF: RuleCode.OPENED_BY_HANDOFF,
    InteractionKind.COMPANY_MESSAGE: RuleCode.OPENED_BY_COMPANY,
    InteractionKind.TICKET_PUBLIC_ACTION: RuleCode.OPENED_BY_TICKET_ACTION,
    InteractionKind.EXPERT_AGENT_ACTION: RuleCode.OPENED_BY_EXPERT_AGENT,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an interaction cost and why; every interaction has exactly one."""

    outcome: Outcome
    rule: RuleCode
    session_id: str | None = None
    session_opened_at: datetime | None = None


_FREE = {
    kind: Verdict(Outcome.FREE, RuleCode(f"FREE_{kind}"))
    for kind in InteractionKind
    if kind not in _OPENED_BY
}
_RETRACTED = Verdict(Outcome.FREE, RuleCode.RETRACTED)


@dataclass(frozen=True, slots=True)
class Event:
    """An interaction as metering sees it; `position` is its place in the fold order."""

    id: str
    occurred_at: datetime
    kind: InteractionKind
    lane: Lane | None
    channel: ChannelKind
    position: str
    retracted: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """A window `[opened_at, opened_at + window)` that one credit paid.

    `id` is the id of the interaction that opened it. `bound_position` is the position of the
    interaction that gave it its lane: of the opening one where it was opened in a lane, None
    while nobody has attended.
    """

    id: str
    opened_position: str
    opened_at: datetime
    lane: SessionLane
    bound_position: str | None
    channel: ChannelKind
    window: timedelta

    @property
    def expires_at(self) -> datetime:
        """The first instant that the session no longer covers."""
        return self.opened_at + self.window


State = tuple[Session, ...]
"""The sessions that may still be open, by position of opening."""

EMPTY: State = ()


@dataclass(frozen=True, slots=True)
class Fold:
    """What a fold found: the sessions by position, and the verdict of each interaction by id."""

    sessions: tuple[Session, ...]
    verdicts: Mapping[str, Verdict]
    state: State


@dataclass(frozen=True, slots=True)
class Step:
    """What one interaction did; `session` is the session that it opened or bound, if any."""

    state: State
    verdict: Verdict
    session: Session | None = None


def position_of(
    policy: RulePolicy,
    *,
    event_id: str,
    occurred_at: datetime,
    kind: InteractionKind,
    lane: Lane | None,
    source: str,
    external_id: str | None,
    content_hash: str,
) -> str:
    r"""The fold order as one text: comparing two of them byte by byte compares the interactions.

    Instant, kind, lane (BOT before HUMAN), source, external id; the hash of the content and the
    id decide only where there is no external id, which names one interaction per source. Raises
    ValueError for a source or external id that is empty or holds a control character below
    `\x20`: such a character would sort against the separator.
    """
    for name, text in (("source", source), ("external id", external_id)):
        if text is not None and (not text or _SORTS_WITH_SEPARATOR.search(text)):
            raise ValueError(f"the {name} is empty or holds a control character")
    rank = policy.rules[kind].rank
    head = f"{instant_text(occurred_at)}{rank:02d}{_LANE_DIGIT[lane]}{source}{_SEPARATOR}"
    if external_id is not None:
        return head + external_id
    return f"{head}{_SEPARATOR}{content_hash}{_SEPARATOR}{event_id}"


def make_event(
    policy: RulePolicy,
    *,
    event_id: str,
    occurred_at: datetime,
    kind: InteractionKind,
    lane: Lane | None,
    channel: ChannelKind,
    source: str,
    external_id: str | None,
    content_hash: str,
    retracted: bool = False,
) -> Event:
    """An event with its position worked out; `lane` is what `RulePolicy.lane_of` answered."""
    position = position_of(
        policy,
        event_id=event_id,
        occurred_at=occurred_at,
        kind=kind,
        lane=lane,
        source=source,
        external_id=external_id,
        content_hash=content_hash,
    )
    return Event(event_id, occurred_at, kind, lane, channel, position, retracted)


_OPENED = attrgetter("opened_position")


def open_at(sessions: Iterable[Session], position: str, instant: datetime) -> State:
    """The state just before a position, from current sessions.

    What was opened before the position and still covers the instant; a session that was bound
    only later is unbound again.
    """
    live = [s for s in sessions if s.opened_position < position and s.expires_at > instant]
    live.sort(key=_OPENED)
    return tuple([_as_of(session, position) for session in live])


def _as_of(session: Session, position: str) -> Session:
    if session.bound_position is None or session.bound_position < position:
        return session
    return unbound(session)


def unbound(session: Session) -> Session:
    """The session as it was before anybody attended."""
    return replace(session, lane=SessionLane.UNBOUND, bound_position=None)


def fold(policy: RulePolicy, events: Iterable[Event], state: State = EMPTY) -> Fold:
    """Fold interactions, given in order of position, from a state on."""
    sessions = {session.id: session for session in state}
    verdicts: dict[str, Verdict] = {}
    for event in events:
        step = take(policy, state, event)
        state = step.state
        verdicts[event.id] = step.verdict
        if step.session is not None:
            sessions[step.session.id] = step.session
    return Fold(tuple(sessions.values()), verdicts, state)


def take(policy: RulePolicy, state: State, event: Event) -> Step:
    """Fold one interaction: the rule itself (metering rules 1 to 4)."""
    if event.retracted:
        return Step(state, _RETRACTED)
    if not policy.rules[event.kind].charges:
        return Step(state, _FREE[event.kind])
    live = tuple([session for session in state if session.expires_at > event.occurred_at])
    if event.lane is None:
        if live:
            return Step(live, _covered(RuleCode.COVERED_BY_OPEN_SESSION, live[-1]))
        return _open(policy, live, event, SessionLane.UNBOUND)
    lane = SessionLane(event.lane)
    for session in live:
        if session.lane is lane:
            return Step(live, _covered(RuleCode.COVERED_IN_LANE, session))
    for session in live:
        if session.lane is SessionLane.UNBOUND:
            bound = replace(session, lane=lane, bound_position=event.position)
            after = tuple(bound if s is session else s for s in live)
            return Step(after, _covered(RuleCode.COVERED_BY_BINDING, bound), bound)
    return _open(policy, live, event, lane)


def _open(policy: RulePolicy, live: State, event: Event, lane: SessionLane) -> Step:
    session = Session(
        id=event.id,
        opened_position=event.position,
        opened_at=event.occurred_at,
        lane=lane,
        bound_position=None if lane is SessionLane.UNBOUND else event.position,
        channel=event.channel,
        window=policy.window,
    )
    rule = RuleCode.OPENED_IN_SECOND_LANE if live else _OPENED_BY[event.kind]
    verdict = Verdict(Outcome.CHARGED, rule, session.id, session.opened_at)
    return Step((*live, session), verdict, session)


def _covered(rule: RuleCode, session: Session) -> Verdict:
    return Verdict(Outcome.COVERED, rule, session.id, session.opened_at)
