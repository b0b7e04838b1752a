"""Re-cutting: what a late or retracted interaction, a merge or an unmerge changes.

Current sessions are a function of the set of a contact's interactions. A change is folded from
its own place forward, and only until the new cut meets the old one: from there on everything
stays as it was.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from trenza.domain.errors import BrokenInvariant
from trenza.domain.interaction import SessionLane
from trenza.domain.metering.fold import (
    Event,
    Session,
    State,
    Step,
    Verdict,
    fold,
    open_at,
    take,
    unbound,
)
from trenza.domain.metering.policy import RulePolicy


@dataclass(frozen=True, slots=True)
class Judged:
    """A known interaction with the verdict that stands; None where it has none yet."""

    event: Event
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Recut:
    """The difference between the old cut and the new one, sessions by position of opening.

    `altered` sessions stay, with another lane or another interaction that bound them; they are
    given as they are now, and cost nothing. `verdicts` holds, by id of interaction, those that
    changed, and always that of the change itself.
    """

    opened: tuple[Session, ...]
    removed: tuple[Session, ...]
    altered: tuple[Session, ...]
    verdicts: Mapping[str, Verdict]


def recut(
    policy: RulePolicy,
    sessions: Iterable[Session],
    later: Sequence[Judged],
    change: Event,
    *,
    complete: bool,
) -> Recut | None:
    """Fold a change into a contact's cut; None where more has to be loaded to know.

    `change` is a new interaction, or a known one that is now retracted. `sessions` are the
    current ones that end after it, `later` the known interactions from its position on, in order,
    with a retracted one itself first among them. Both may stop anywhere, the sessions not before
    the interactions; `complete` says that nothing further exists. Where the old and the new cut
    have not met at the end of what was loaded, the answer is None: load more and ask again.

    In-order arrival meets at once and removes nothing (causality).
    """
    old_cut = sorted(sessions, key=lambda session: session.opened_position)
    walk = _with_change(later, change)
    old = new = open_at(old_cut, change.position, change.occurred_at)
    if not change.retracted:
        first = take(policy, new, change)
        if first.session is None or (complete and len(walk) == 1):
            return _of_one_step(change, first)
    history = _History(old_cut)
    cut = {session.id: session for session in new}
    verdicts: dict[str, Verdict] = {}
    for index, judged in enumerate(walk):
        event = judged.event
        old = history.after(old, event)
        step = take(policy, new, event)
        new = step.state
        if step.session is not None:
            cut[step.session.id] = step.session
        if index == 0 or step.verdict != judged.verdict:
            verdicts[event.id] = step.verdict
        until = walk[index + 1].event.occurred_at if index + 1 < len(walk) else event.occurred_at
        if _open_lanes(old, until) == _open_lanes(new, until):
            _keep_what_binds_later(cut, new, old_cut, until)
            break
    else:
        if not complete:
            return None
    span = [
        session
        for session in old_cut
        if session.id in cut or change.position <= session.opened_position <= event.position
    ]
    return _difference(span, cut.values(), verdicts)


def _of_one_step(change: Event, step: Step) -> Recut:
    """A change after which nothing differs: it touches no session, or nothing comes after it."""
    session, verdicts = step.session, {change.id: step.verdict}
    if session is None:
        return Recut((), (), (), verdicts)
    if session.id == change.id:
        return Recut((session,), (), (), verdicts)
    return Recut((), (), (session,), verdicts)


def recut_all(
    policy: RulePolicy, old_sessions: Iterable[Session], judged: Iterable[Judged]
) -> Recut:
    """Fold a contact's whole history, given in order, and compare with what stands.

    For a merge and an unmerge (the interactions and the sessions of both sides), and to verify.
    """
    known = list(judged)
    found = fold(policy, (each.event for each in known))
    changed = {
        each.event.id: found.verdicts[each.event.id]
        for each in known
        if found.verdicts[each.event.id] != each.verdict
    }
    return _difference(old_sessions, found.sessions, changed)


class _History:
    """The old cut, told forward: which session was opened or bound at which position."""

    def __init__(self, sessions: Iterable[Session]) -> None:
        self._opened: dict[str, Session] = {}
        self._bound: dict[str, Session] = {}
        for session in sessions:
            self._opened[session.opened_position] = session
            if session.bound_position not in (None, session.opened_position):
                self._bound[session.bound_position] = session

    def after(self, state: State, event: Event) -> State:
        """The old state after an event, from the one before it."""
        live = tuple(session for session in state if session.expires_at > event.occurred_at)
        opened = self._opened.get(event.position)
        if opened is not None:
            later_bound = opened.bound_position not in (None, opened.opened_position)
            return (*live, unbound(opened) if later_bound else opened)
        bound = self._bound.get(event.position)
        if bound is not None:
            return tuple(bound if session.id == bound.id else session for session in live)
        return live


def _with_change(later: Sequence[Judged], change: Event) -> list[Judged]:
    """The interactions to fold: the change first, in place of what it was where it was known."""
    if later and later[0].event.id == change.id:
        return [Judged(change, later[0].verdict), *later[1:]]
    if later and later[0].event.position <= change.position:
        raise BrokenInvariant("interactions before the change were given to be folded after it")
    return [Judged(change, None), *later]


def _open_lanes(state: State, instant: datetime) -> list[tuple[str, SessionLane]]:
    """All of a state that what follows can depend on."""
    return [(session.id, session.lane) for session in state if session.expires_at > instant]


def _keep_what_binds_later(
    cut: dict[str, Session], met: State, old_cut: Iterable[Session], instant: datetime
) -> None:
    """Where the cuts meet on an unbound session, what binds it later binds it as before."""
    stands = {session.id: session for session in old_cut}
    for session in met:
        if session.lane is SessionLane.UNBOUND and session.expires_at > instant:
            cut[session.id] = stands[session.id]


def _difference(
    old_sessions: Iterable[Session],
    new_sessions: Iterable[Session],
    verdicts: Mapping[str, Verdict],
) -> Recut:
    old = {session.id: session for session in old_sessions}
    new = {session.id: session for session in new_sessions}
    return Recut(
        opened=_by_position(session for session in new.values() if session.id not in old),
        removed=_by_position(session for session in old.values() if session.id not in new),
        altered=_by_position(
            session for session in new.values() if session.id in old and session != old[session.id]
        ),
        verdicts=verdicts,
    )


def _by_position(sessions: Iterable[Session]) -> tuple[Session, ...]:
    return tuple(sorted(sessions, key=lambda session: session.opened_position))
