"""The queries of what credits are attributed to; `domain/metering/attribution.py` has the rules.

Whatever has a number is the answer to the stretches of that number: those of one question are
several, one in each cycle, and share it. An interaction that is gone leaves its credits with none.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
)

from trenza.domain.channel import ChannelKind
from trenza.domain.ids import Prefix
from trenza.domain.interaction import InteractionKind, SessionLane
from trenza.domain.metering.attribution import (
    ANSWERED_WITHIN_DAYS,
    CAMPAIGN_SENDS,
    JOURNEY_SENDS,
)
from trenza.storage.bulk import Query, Question, Row
from trenza.storage.columns import ID
from trenza.storage.dialect import RowsParameter, days_before
from trenza.storage.interaction import INTERACTION
from trenza.storage.interactionz import InteractionzSession, LedgerEntry
from trenza.storage.usage import (
    STRETCH_COLUMNS,
    Stretch,
    cut_stretches,
    is_debit_of,
    is_reversal_of,
    signed_entries,
)

LEDGER = LedgerEntry.__table__
SESSION = InteractionzSession.__table__
OPENING = INTERACTION.alias("opening")
WORKSPACE: BindParameter[Any] = bindparam("workspace_id")


class Cause(NamedTuple):
    """Credits of sessions that are alike in what opened them and in what it may have answered."""

    opened_by: InteractionKind | None
    own: str | None
    sent: str | None
    credits: int


class Attendance(NamedTuple):
    """Credits of sessions with the same agents: of the opening, and of the first who attended."""

    opened_by: str | None
    acted_first: str | None
    credits: int


class OwnerShare(NamedTuple):
    """Credits of a root; without one those of all that are not among the first."""

    owner_id: str | None
    credits: int


class Served(NamedTuple):
    """Credits of one person on one channel and in one lane."""

    channel: ChannelKind
    lane: SessionLane
    credits: int


def ask_campaigns(workspace_id: str, stretches: Sequence[Stretch]) -> Question:
    """Asks for what campaigns depend on; `causes_of` reads the answer."""
    return _CAMPAIGNS.of(workspace_id, _rows(stretches))


def ask_journeys(workspace_id: str, stretches: Sequence[Stretch]) -> Question:
    """Asks for what journeys depend on; `causes_of` reads the answer."""
    return _JOURNEYS.of(workspace_id, _rows(stretches))


def ask_agents(workspace_id: str, stretches: Sequence[Stretch]) -> Question:
    """Asks for what agents depend on; `attendances_of` reads the answer."""
    return _AGENTS.of(workspace_id, _rows(stretches))


def ask_owners(workspace_id: str, stretches: Sequence[Stretch], top: int) -> Question:
    """Asks for the `top` roots by credits, and the rest in one; `owner_shares_of` reads it."""
    return _OWNERS.of(workspace_id, _rows(stretches, top))


def ask_served(workspace_id: str, stretches: Sequence[Stretch], owner_id: str) -> Question:
    """Asks for the credits of a root by channel and lane; `served_of` reads the answer."""
    return _SERVED.of(workspace_id, _rows(stretches, owner_id))


def causes_of(rows: Iterable[Row]) -> list[Cause]:
    """What campaigns or journeys depend on."""
    return [
        Cause(None if kind is None else InteractionKind(kind), own, sent, credits_)
        for _, kind, own, sent, credits_ in rows
    ]


def attendances_of(rows: Iterable[Row]) -> list[Attendance]:
    """What agents depend on."""
    return [Attendance(*cells) for _, *cells in rows]


def owner_shares_of(rows: Iterable[Row]) -> list[OwnerShare]:
    """The first roots, and the rest."""
    return [OwnerShare(*cells) for _, *cells in rows]


def served_of(rows: Iterable[Row]) -> list[Served]:
    """The credits of a root by channel and lane."""
    return [
        Served(ChannelKind(channel), SessionLane(lane), credits_)
        for _, channel, lane, credits_ in rows
    ]


def _rows(stretches: Sequence[Stretch], *beside: object) -> list[tuple[Any, ...]]:
    return [(0, *astuple(stretch), *beside) for stretch in stretches]


def _is_opening_of(session_id: ColumnElement[str]) -> ColumnElement[bool]:
    """A session goes by the id of the interaction that opened it, with another prefix."""
    digits = func.substr(session_id, len(Prefix.SESSION) + 1)
    own = literal_column(f"'{Prefix.INTERACTION}'", ID) + digits
    return and_(OPENING.c.workspace_id == WORKSPACE, OPENING.c.id == own)


def _sent_before(kind: InteractionKind, name: str) -> ScalarSelect[Any]:
    """The newest campaign or journey, by its column, that an opening may answer."""
    sent = INTERACTION.alias("sent")
    since = days_before(OPENING.c.position, literal_column(str(ANSWERED_WITHIN_DAYS), Integer()))
    return (
        select(sent.c[name])
        .where(
            sent.c.workspace_id == WORKSPACE,
            sent.c.owner_id == OPENING.c.owner_id,
            sent.c.position < OPENING.c.position,
            sent.c.position >= since,
            sent.c.kind == literal_column(f"'{kind}'", ID),
            sent.c[name].is_not(None),
            sent.c.retracted_at.is_(None),
        )
        .order_by(sent.c.position.desc())
        .limit(1)
        .correlate(OPENING)
        .scalar_subquery()
    )


def _acted_first(signed: Subquery) -> ScalarSelect[Any]:
    """The agent of the first interaction of a session that names one."""
    act = INTERACTION.alias("act")
    return (
        select(act.c.agent_id)
        .where(
            act.c.workspace_id == WORKSPACE,
            act.c.session_id == signed.c.session_id,
            act.c.agent_id.is_not(None),
        )
        .order_by(act.c.position)
        .limit(1)
        .correlate(signed)
        .scalar_subquery()
    )


def _query(name: str, columns: Callable[[Subquery], Sequence[ColumnElement[Any]]]) -> Query:
    """Sums the credits of stretches by columns that depend on the opening of each session."""
    asked = RowsParameter(name, STRETCH_COLUMNS)

    def build(dialect_name: str) -> Select[Any]:
        signed = signed_entries(asked.table(dialect_name))
        each = (
            select(signed.c.number, *columns(signed), signed.c.credits)
            .outerjoin_from(signed, OPENING, _is_opening_of(signed.c.session_id))
            .subquery("each")
        )
        *groups, credits_ = each.c
        return select(*groups, func.sum(credits_).label("credits")).group_by(*groups)

    return Query(build, (asked,))


_CAMPAIGNS = _query(
    "of_campaigns",
    lambda _: (
        OPENING.c.kind,
        OPENING.c.campaign_id.label("own"),
        _sent_before(CAMPAIGN_SENDS, "campaign_id").label("sent"),
    ),
)
_JOURNEYS = _query(
    "of_journeys",
    lambda _: (
        OPENING.c.kind,
        OPENING.c.journey_id.label("own"),
        _sent_before(JOURNEY_SENDS, "journey_id").label("sent"),
    ),
)
_AGENTS = _query(
    "of_agents",
    lambda signed: (
        OPENING.c.agent_id.label("opened_by"),
        _acted_first(signed).label("acted_first"),
    ),
)

_RANKED = RowsParameter("of_owners", {**STRETCH_COLUMNS, "top": Integer()})


def _by_owner(dialect_name: str) -> Select[Any]:
    """Roots as they are now, also of what they were debited before a merge."""
    signed = signed_entries(_RANKED.table(dialect_name))
    summed = (
        select(
            signed.c.number,
            signed.c.top,
            OPENING.c.owner_id,
            func.sum(signed.c.credits).label("credits"),
        )
        .outerjoin_from(signed, OPENING, _is_opening_of(signed.c.session_id))
        .group_by(signed.c.number, signed.c.top, OPENING.c.owner_id)
        .subquery("owner_sum")
    )
    order = (summed.c.owner_id.is_(None), summed.c.credits.desc(), summed.c.owner_id)
    place = func.row_number().over(partition_by=summed.c.number, order_by=order)
    ranked = select(*summed.c, place.label("place")).subquery("ranked_owner")
    first = case((ranked.c.place <= ranked.c.top, ranked.c.owner_id), else_=None)
    named = select(ranked.c.number, first.label("owner_id"), ranked.c.credits).subquery(
        "named_owner"
    )
    total = func.sum(named.c.credits)
    return (
        select(named.c.number, named.c.owner_id, cast(total, BigInteger()).label("credits"))
        .group_by(named.c.number, named.c.owner_id)
        .having(total != 0)
    )


_OWNERS = Query(_by_owner, (_RANKED,))

_OWNED = RowsParameter("of_owner", {**STRETCH_COLUMNS, "owner_id": ID})


def _by_channel_and_lane(dialect_name: str) -> Select[Any]:
    """From a person's interactions to the sessions that they opened, and their debits."""
    stretch = cut_stretches(_OWNED.table(dialect_name))
    opened = and_(OPENING.c.workspace_id == WORKSPACE, OPENING.c.owner_id == stretch.c.owner_id)
    digits = func.substr(OPENING.c.id, len(Prefix.INTERACTION) + 1)
    session_id = literal_column(f"'{Prefix.SESSION}'", ID) + digits
    sessions = and_(SESSION.c.workspace_id == WORKSPACE, SESSION.c.id == session_id)
    is_debit, is_reversal = and_(*is_debit_of(stretch)), and_(*is_reversal_of(stretch))
    signed = case((is_debit, 1), (is_reversal, -1), else_=0)
    total = func.sum(signed)
    return (
        select(stretch.c.number, SESSION.c.channel, SESSION.c.lane, total.label("credits"))
        .select_from(stretch)
        .join(OPENING, opened)
        .join(SESSION, sessions)
        .join(
            LEDGER,
            and_(LEDGER.c.workspace_id == WORKSPACE, LEDGER.c.session_id == SESSION.c.id),
        )
        .group_by(stretch.c.number, SESSION.c.channel, SESSION.c.lane)
        .having(total != 0)
    )


_SERVED = Query(_by_channel_and_lane, (_OWNED,))
