"""The queries of what credits are attributed to; `domain/metering/attribution.py` has the rules.

Whatever has a number is the answer to the stretches of that number: those of one question are
several, one in each cycle, and share it. An interaction that is gone leaves its credits with none.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    BigInteger,
    BindParameter,
    ColumnElement,
    FromClause,
    Integer,
    ScalarSelect,
    Select,
    Subquery,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
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
from trenza.storage.dialect import RowsParameter, days_before, place_in_text
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
SEPARATOR: ColumnElement[str] = literal_column("'\x01'", ID)
"""Between a place and what is there: no place holds anything that sorts before it."""


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


def _of_opening(name: str, session_id: ColumnElement[str]) -> ScalarSelect[Any]:
    """A column of the interaction that opened a session: looked up, where that is seldom."""
    return (
        select(OPENING.c[name])
        .where(_is_opening_of(session_id))
        .correlate_except(OPENING)
        .scalar_subquery()
    )


def _sessions_of(asked: CTE) -> CTE:
    """The debits and reversals of stretches, each with its session.

    Those that are superseded, too, belong to the root that their openings belong to today.
    """
    signed = signed_entries(asked)
    is_session = and_(SESSION.c.workspace_id == WORKSPACE, SESSION.c.id == signed.c.session_id)
    return (
        select(*signed.c, SESSION.c.opened_position, SESSION.c.owner_id)
        .join_from(signed, SESSION, is_session)
        .cte(f"{asked.name}_session")
        .prefix_with("MATERIALIZED")
    )


def _naming(each: CTE, name: str, days_before_first: int, days_after_last: int) -> CTE:
    """The interactions around sessions that name what the column is of, each with it as `named`."""
    first, last = (
        select(
            days_before(extreme(each.c.opened_position), literal_column(str(days), Integer()))
        ).scalar_subquery()
        for extreme, days in ((func.min, days_before_first), (func.max, -days_after_last - 1))
    )
    digits = func.substr(INTERACTION.c.id, len(Prefix.INTERACTION) + 1)
    opens = literal_column(f"'{Prefix.SESSION}'", ID) + digits
    columns = ("kind", "owner_id", "session_id", "position", "retracted_at")
    return (
        select(
            # Only of what has a type SQLite makes an index by itself.
            cast(opens, Text()).label("opens"),
            *(INTERACTION.c[key] for key in columns),
            INTERACTION.c[name].label("named"),
        )
        .where(
            INTERACTION.c.workspace_id == WORKSPACE,
            INTERACTION.c[name].is_not(None),
            INTERACTION.c.position >= first,
            INTERACTION.c.position < last,
        )
        .cte(f"{each.name}_naming")
        .prefix_with("MATERIALIZED")
    )


def _picked(
    each: CTE, naming: CTE, condition: ColumnElement[bool], extreme: Callable[[Any], Any]
) -> Subquery:
    """For each session the first or last of interactions by their order: what it names."""
    placed = naming.c.position + SEPARATOR + naming.c.named
    picked = (
        select(each.c.session_id, extreme(placed).label("placed"))
        .join_from(each, naming, condition)
        .group_by(each.c.session_id)
        .subquery(f"{each.name}_placed")
    )
    place = place_in_text(picked.c.placed, SEPARATOR)
    named = func.substr(picked.c.placed, place + 1)
    return select(picked.c.session_id, named.label("named")).subquery(f"{each.name}_picked")


def _causes(name: str, column: str, sends: InteractionKind) -> Query:
    """Sums credits by what opened sessions, what that names and what it may have answered."""
    asked = RowsParameter(name, STRETCH_COLUMNS)

    def build(dialect_name: str) -> Select[Any]:
        each = _sessions_of(asked.table(dialect_name))
        naming = _naming(each, column, ANSWERED_WITHIN_DAYS, 0)
        within = literal_column(str(ANSWERED_WITHIN_DAYS), Integer())
        may_answer = and_(
            naming.c.owner_id == each.c.owner_id,
            naming.c.kind == literal_column(f"'{sends}'", ID),
            naming.c.retracted_at.is_(None),
            naming.c.position < each.c.opened_position,
            naming.c.position >= days_before(each.c.opened_position, within),
        )
        own, sent = naming.alias(f"{each.name}_own"), _picked(each, naming, may_answer, func.max)
        # Where there is nothing to choose from, it does not matter what opened the session.
        matters = or_(own.c.named.is_not(None), sent.c.named.is_not(None))
        kind = case((matters, _of_opening("kind", each.c.session_id)), else_=None)
        return _summed(each, own, sent, kind.label("kind"))

    return Query(build, (asked,))


def _attendances(name: str) -> Query:
    """Sums credits by the agent who opened sessions, and the one who was first to attend."""
    asked = RowsParameter(name, STRETCH_COLUMNS)

    def build(dialect_name: str) -> Select[Any]:
        each = _sessions_of(asked.table(dialect_name))
        naming = _naming(each, "agent_id", 0, 1)
        acts = naming.c.session_id == each.c.session_id
        own = naming.alias(f"{each.name}_own")
        return _summed(each, own, _picked(each, naming, acts, func.min))

    return Query(build, (asked,))


def _summed(
    each: CTE, own: FromClause, other: Subquery, *beside: ColumnElement[Any]
) -> Select[Any]:
    """The credits of sessions by what their openings name and by what else was found of them."""
    found = (
        select(
            each.c.number,
            *beside,
            own.c.named.label("own"),
            other.c.named.label("other"),
            each.c.credits,
        )
        .select_from(each)
        .outerjoin(own, own.c.opens == each.c.session_id)
        .outerjoin(other, other.c.session_id == each.c.session_id)
        .subquery(f"{each.name}_found")
    )
    *groups, credits_ = found.c
    return select(*groups, func.sum(credits_).label("credits")).group_by(*groups)


_CAMPAIGNS = _causes("of_campaigns", "campaign_id", CAMPAIGN_SENDS)
_JOURNEYS = _causes("of_journeys", "journey_id", JOURNEY_SENDS)
_AGENTS = _attendances("of_agents")

_RANKED = RowsParameter("of_owners", {**STRETCH_COLUMNS, "top": Integer()})


def _by_owner(dialect_name: str) -> Select[Any]:
    """The roots with the most credits, and the sum of all others."""
    each = _sessions_of(_RANKED.table(dialect_name))
    summed = (
        select(
            each.c.number, each.c.top, each.c.owner_id, func.sum(each.c.credits).label("credits")
        )
        .group_by(each.c.number, each.c.top, each.c.owner_id)
        .subquery("owner_sum")
    )
    order = (summed.c.credits.desc(), summed.c.owner_id)
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
    """The debits and reversals of a person's sessions, those that are superseded too."""
    stretch = cut_stretches(_OWNED.table(dialect_name))
    owned = and_(SESSION.c.workspace_id == WORKSPACE, SESSION.c.owner_id == stretch.c.owner_id)
    is_debit, is_reversal = and_(*is_debit_of(stretch)), and_(*is_reversal_of(stretch))
    signed = case((is_debit, 1), (is_reversal, -1), else_=0)
    total = func.sum(signed)
    return (
        select(stretch.c.number, SESSION.c.channel, SESSION.c.lane, total.label("credits"))
        .select_from(stretch)
        .join(SESSION, owned)
        .join(
            LEDGER,
            and_(LEDGER.c.workspace_id == WORKSPACE, LEDGER.c.session_id == SESSION.c.id),
        )
        .group_by(stretch.c.number, SESSION.c.channel, SESSION.c.lane)
        .having(total != 0)
    )


_SERVED = Query(_by_channel_and_lane, (_OWNED,))
