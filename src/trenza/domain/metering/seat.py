"""Seats: who uses one, and how many people are signed in at once, from events and intervals.

A user counts from accepting the invitation until deactivation. Simultaneous use is a second
figure. Both are worked out for any instant; nobody is refused for lack of a seat. Intervals are
half-open.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain

from trenza.domain.errors import InvalidInput

INVITATION_LASTS_FOR = timedelta(days=7)
SIGNED_IN_AFTER_ACTIVITY_FOR = timedelta(hours=12)

_Interval = tuple[datetime, datetime]


class SeatEventKind(StrEnum):
    """What happens to a user's right to use the workspace."""

    INVITED = "INVITED"
    ACCEPTED = "ACCEPTED"
    DEACTIVATED = "DEACTIVATED"
    REACTIVATED = "REACTIVATED"


class SeatStatus(StrEnum):
    """How a user stands; only ACTIVE uses a seat."""

    INVITED = "INVITED"
    EXPIRED = "EXPIRED"
    ACTIVE = "ACTIVE"
    DEACTIVATED = "DEACTIVATED"


@dataclass(frozen=True, slots=True)
class SeatEvent:
    """One change of a user's seat."""

    user_id: str
    kind: SeatEventKind
    at: datetime


@dataclass(frozen=True, slots=True)
class SignIn:
    """A time that a user is signed in; without `ended_at`, until 12 hours after its last activity.

    >>> from datetime import UTC
    >>> nine = datetime(2026, 11, 22, 9, tzinfo=UTC)
    >>> SignIn("user_1", nine, nine, None).ends_at.hour
    21
    """

    user_id: str
    started_at: datetime
    last_activity_at: datetime
    ended_at: datetime | None

    @property
    def ends_at(self) -> datetime:
        """The first instant at which the user is no longer signed in."""
        if self.ended_at is not None:
            return self.ended_at
        return self.last_activity_at + SIGNED_IN_AFTER_ACTIVITY_FOR


@dataclass(frozen=True, slots=True)
class SeatUse:
    """The figures of a workspace at an instant, in users."""

    at: datetime
    included: int
    used: int
    invited: int
    over: int
    signed_in: int


def status_of(events: Iterable[SeatEvent], at: datetime) -> SeatStatus | None:
    """How one user stands at an instant, from the user's events; None before the first of them.

    The last event up to the instant decides (events of one instant in the order given). An
    invitation that nobody accepted expires after 7 days.
    """
    past = [event for event in events if event.at <= at]
    if not past:
        return None
    last = max(enumerate(past), key=lambda numbered: (numbered[1].at, numbered[0]))[1]
    match last.kind:
        case SeatEventKind.INVITED:
            expired = at >= last.at + INVITATION_LASTS_FOR
            return SeatStatus.EXPIRED if expired else SeatStatus.INVITED
        case SeatEventKind.DEACTIVATED:
            return SeatStatus.DEACTIVATED
        case SeatEventKind.ACCEPTED | SeatEventKind.REACTIVATED:
            return SeatStatus.ACTIVE


def seat_use(
    events: Iterable[SeatEvent], sign_ins: Iterable[SignIn], included: int, at: datetime
) -> SeatUse:
    """The seat figures of a workspace at an instant, from the events of all its users."""
    statuses = {user: status_of(theirs, at) for user, theirs in _by_user(events).items()}
    active = {user for user, status in statuses.items() if status is SeatStatus.ACTIVE}
    signed_in = {s.user_id for s in sign_ins if s.started_at <= at < s.ends_at} & active
    return SeatUse(
        at=at,
        included=included,
        used=len(active),
        invited=sum(status is SeatStatus.INVITED for status in statuses.values()),
        over=max(0, len(active) - included),
        signed_in=len(signed_in),
    )


def peak_signed_in(
    events: Iterable[SeatEvent], sign_ins: Iterable[SignIn], from_: datetime, to: datetime
) -> int:
    """The most active users that were signed in at one instant of `[from_, to)`.

    Raises InvalidInput with path ("to",) where the period is empty.
    """
    if from_ >= to:
        raise InvalidInput("to must be later than from", path=("to",))
    active = {user: _active(theirs, to) for user, theirs in _by_user(events).items()}
    signed: dict[str, list[_Interval]] = {}
    for each in sign_ins:
        if each.user_id in active:
            signed.setdefault(each.user_id, []).append((each.started_at, each.ends_at))
    steps = []
    for user, intervals in signed.items():
        for start, end in _shared(_united(intervals), active[user]):
            if max(start, from_) < min(end, to):
                steps += [(max(start, from_), 1), (min(end, to), -1)]
    # At one instant, who leaves (-1) sorts before who comes: intervals are half-open.
    count = peak = 0
    for _, change in sorted(steps):
        count += change
        peak = max(peak, count)
    return peak


def _by_user(events: Iterable[SeatEvent]) -> Mapping[str, list[SeatEvent]]:
    users: dict[str, list[SeatEvent]] = {}
    for event in events:
        users.setdefault(event.user_id, []).append(event)
    return users


def _active(events: Iterable[SeatEvent], until: datetime) -> list[_Interval]:
    """The intervals in which one user is active, in order, as far as `until`."""
    ordered = sorted(events, key=lambda event: event.at)
    ends = chain((event.at for event in ordered[1:]), (until,))
    return [
        (event.at, end)
        for event, end in zip(ordered, ends, strict=True)
        if event.kind in (SeatEventKind.ACCEPTED, SeatEventKind.REACTIVATED) and event.at < end
    ]


def _united(intervals: Iterable[_Interval]) -> list[_Interval]:
    """The intervals in order, with those that overlap or touch made one."""
    united: list[_Interval] = []
    for start, end in sorted(intervals):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], end))
        elif start < end:
            united.append((start, end))
    return united


def _shared(left: list[_Interval], right: list[_Interval]) -> list[_Interval]:
    """What two ordered lists of disjoint intervals have in common."""
    shared: list[_Interval] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if start < end:
            shared.append((start, end))
        if left[i][1] <= right[j][1]:
            i += 1
        else:
            j += 1
    return shared
