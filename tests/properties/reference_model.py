"""The rules of metering once more, as plainly as possible and sharing no code with the engine.

It knows nothing of arrival: it sorts a contact's interactions and walks over them, keeping every
session ever opened. Instants are whole microseconds.
"""

from typing import NamedTuple

DAY = 24 * 60 * 60 * 1_000_000
CHARGING = (
    "CUSTOMER_MESSAGE HANDOFF COMPANY_MESSAGE TICKET_PUBLIC_ACTION EXPERT_AGENT_ACTION".split()
)
FREE = (
    "CAMPAIGN_SEND JOURNEY_SEND AUTO_REPLY SURVEY TICKET_INTERNAL_ACTION DELIVERY_STATUS"
    " CONSENT_CHANGE".split()
)
KINDS = CHARGING + FREE


class Touch(NamedTuple):
    """One interaction of a contact; `lane` is BOT, HUMAN or empty."""

    instant: int
    kind: str
    lane: str
    source: str
    external_id: str
    retracted: bool = False


class Bill(NamedTuple):
    """Sessions as opener -> lane ("" while unbound); verdicts as touch -> (outcome, opener)."""

    sessions: dict[Touch, str]
    verdicts: dict[Touch, tuple[str, Touch | None]]


def bill(touches: list[Touch]) -> Bill:
    """Judge the interactions of one contact, given in any order."""
    sessions: dict[Touch, str] = {}
    verdicts: dict[Touch, tuple[str, Touch | None]] = {}
    for touch in sorted(touches, key=lambda t: (t.instant, KINDS.index(t.kind), *t[2:5])):
        if touch.retracted or touch.kind in FREE:
            verdicts[touch] = ("FREE", None)
            continue
        running = [s for s in sessions if s.instant <= touch.instant < s.instant + DAY]
        if touch.kind != "CUSTOMER_MESSAGE":
            in_lane = [s for s in running if sessions[s] == touch.lane]
            running = in_lane or [s for s in running if not sessions[s]]
        if running:
            verdicts[touch] = ("COVERED", running[-1])
            if touch.lane:
                sessions[running[-1]] = touch.lane
        else:
            verdicts[touch] = ("CHARGED", touch)
            sessions[touch] = touch.lane
    return Bill(sessions, verdicts)
