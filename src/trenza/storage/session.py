"""Queries of the sessions: the current cut of contacts, and writing what a re-cut changed."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    select,
    update,
)

from trenza.domain.channel import ChannelKind
from trenza.domain.ids import opening_interaction_id_of, session_id_of
from trenza.domain.interaction import SessionLane
from trenza.domain.metering.fold import Session
from trenza.storage.bulk import BulkWrite, Cells, Query, Row, bulk_insert
from trenza.storage.columns import ID
from trenza.storage.dialect import RowsParameter
from trenza.storage.interaction import IDS
from trenza.storage.interactionz import InteractionzSession, LedgerEntry

SESSION: Table = InteractionzSession.__table__
LEDGER: Table = LedgerEntry.__table__

CUT_COLUMNS = (
    "id",
    "owner_id",
    "opened_position",
    "opened_at",
    "expires_at",
    "lane",
    "bound_position",
    "channel",
)
OWNERS = RowsParameter("owner", {"owner_id": ID, "after": SESSION.c.expires_at.type})

SESSION_OF_ENTRY = and_(
    SESSION.c.workspace_id == LEDGER.c.workspace_id, SESSION.c.id == LEDGER.c.session_id
)
"""How a row of the ledger finds its session."""


def open_at(at: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition of a session whose window covers an instant."""
    return and_(SESSION.c.opened_at <= at, SESSION.c.expires_at > at)


def _current_after(dialect_name: str) -> Select[Any]:
    owner = OWNERS.table(dialect_name)
    belongs = and_(
        SESSION.c.workspace_id == bindparam("workspace_id"),
        SESSION.c.owner_id == owner.c.owner_id,
        SESSION.c.expires_at > owner.c.after,
    )
    return (
        select(*(SESSION.c[name] for name in CUT_COLUMNS))
        .select_from(owner)
        .join(SESSION, belongs)
        .where(SESSION.c.superseded_at.is_(None))
    )


CURRENT_SESSIONS = Query(_current_after, (OWNERS,))
"""The current sessions of contacts that end after each contact's instant, in any order."""


def sessions_by_owner(rows: Iterable[Row]) -> Iterator[tuple[str, Session]]:
    """What `CURRENT_SESSIONS` found, each with its owner, in order of opening."""
    for row in sorted(rows, key=itemgetter(CUT_COLUMNS.index("opened_position"))):
        yield row[1], session_of(dict(zip(CUT_COLUMNS, row, strict=True)))


def session_of(row: Mapping[str, Any] | RowMapping) -> Session:
    """A session's row as metering sees it: under the id of the interaction that opened it."""
    return Session(
        id=opening_interaction_id_of(row["id"]),
        opened_position=row["opened_position"],
        opened_at=row["opened_at"],
        lane=SessionLane[row["lane"]],
        bound_position=row["bound_position"],
        channel=ChannelKind[row["channel"]],
        window=row["expires_at"] - row["opened_at"],
    )


def _as_current(statement: Any) -> Any:
    new = statement.excluded
    changing = ("owner_id", "lane", "bound_position", "superseded_at")
    return statement.on_conflict_do_update(
        index_elements=["workspace_id", "id"], set_={name: new[name] for name in changing}
    )


PUT_SESSIONS = bulk_insert(SESSION, on_conflict=_as_current)
"""Writes sessions: new ones, and known ones as they are now."""


def session_row(owner_id: str, session: Session, superseded_at: datetime | None) -> dict[str, Any]:
    """A session as a row."""
    return {
        "id": session_id_of(session.id),
        "owner_id": owner_id,
        "channel": session.channel,
        "lane": session.lane,
        "opened_at": session.opened_at,
        "expires_at": session.expires_at,
        "opened_position": session.opened_position,
        "bound_position": session.bound_position,
        "superseded_at": superseded_at,
    }


def _supersede(_: str, cells: Cells, __: Any) -> Update:
    return (
        update(SESSION)
        .where(SESSION.c.workspace_id == cells["workspace_id"], SESSION.c.id == cells["id"])
        .values(superseded_at=cells["superseded_at"])
    )


SUPERSEDED_SESSIONS = BulkWrite(
    {name: SESSION.c[name].type for name in ("id", "superseded_at")}, _supersede
)
"""Marks sessions that no longer stand; they are kept for the debits that they explain."""


def _standing(dialect_name: str) -> Select[Any]:
    wanted = IDS.table(dialect_name)
    reversal = LEDGER.alias("reversal")
    debits = and_(
        LEDGER.c.workspace_id == bindparam("workspace_id"),
        LEDGER.c.session_id == wanted.c.id,
        LEDGER.c.amount > 0,
    )
    takes_back = and_(
        reversal.c.workspace_id == bindparam("workspace_id"),
        reversal.c.supersedes == LEDGER.c.sequence,
    )
    return (
        select(LEDGER.c.session_id, LEDGER.c.sequence, LEDGER.c.counts_at)
        .select_from(wanted)
        .join(LEDGER, debits)
        .outerjoin(reversal, takes_back)
        .where(reversal.c.sequence.is_(None))
    )


STANDING_DEBITS = Query(_standing, (IDS,))
"""The debit that stands for each session, the one without a reversal; its place and instant."""
