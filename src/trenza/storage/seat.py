"""The people who use a workspace, what happened to their seats, sign-ins: tables and queries."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Index,
    Integer,
    RowMapping,
    Select,
    UniqueConstraint,
    and_,
    bindparam,
    insert,
    select,
    update,
)
from sqlalchemy import Table as SQLTable
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.domain.metering.seat import SIGNED_IN_AFTER_ACTIVITY_FOR, SeatEventKind
from trenza.domain.metering.seat import SeatEvent as Happened
from trenza.domain.metering.seat import SignIn as Presence
from trenza.storage.asking import Source, answers
from trenza.storage.bulk import Query, Row
from trenza.storage.columns import Table, belongs_to_workspace, key, references, symbol
from trenza.storage.dialect import RowsParameter


class WorkspaceUser(Table, table=True):
    """A person invited to the workspace."""

    __table_args__ = (belongs_to_workspace(), UniqueConstraint("workspace_id", "email"))

    workspace_id: str = key()
    id: str = key()
    name: str
    email: str = symbol()
    role: str = symbol()
    created_at: datetime


class SeatEvent(Table, table=True):
    """An invitation, acceptance, deactivation or reactivation; append-only."""

    __table_args__ = (
        belongs_to_workspace(),
        references("user_id", "workspace_user"),
        Index(None, "workspace_id", "user_id", "at"),
    )

    workspace_id: str = key()
    id: str = key()
    user_id: str = symbol()
    kind: str = symbol()
    at: datetime


class SignIn(Table, table=True):
    """The interval in which a user was signed in; open while `ended_at` is empty."""

    __table_args__ = (
        belongs_to_workspace(),
        references("user_id", "workspace_user"),
        Index(None, "workspace_id", "user_id", "started_at"),
        Index(None, "workspace_id", "last_activity_at"),
    )

    workspace_id: str = key()
    id: str = key()
    user_id: str = symbol()
    started_at: datetime
    last_activity_at: datetime
    ended_at: datetime | None = None


USER: SQLTable = WorkspaceUser.__table__
EVENT: SQLTable = SeatEvent.__table__
SIGN_IN: SQLTable = SignIn.__table__


async def lock_user(
    connection: AsyncConnection, workspace_id: str, user_id: str
) -> RowMapping | None:
    """One user by id, locked: whoever decides on a user's seat or sign-ins holds this lock."""
    return await _lock(connection, workspace_id, USER.c.id == user_id)


async def lock_user_by_email(
    connection: AsyncConnection, workspace_id: str, email: str
) -> RowMapping | None:
    """One user by the e-mail address, normalised; locked like `lock_user`."""
    return await _lock(connection, workspace_id, USER.c.email == email)


async def _lock(
    connection: AsyncConnection, workspace_id: str, condition: ColumnElement[bool]
) -> RowMapping | None:
    statement = (
        select(USER)
        .where(USER.c.workspace_id == workspace_id, condition)
        .with_for_update(key_share=True)
    )
    return (await connection.execute(statement)).mappings().one_or_none()


async def insert_user(connection: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Adds one user; the e-mail address is unique within the workspace."""
    await connection.execute(insert(USER), dict(row))


async def update_user(
    connection: AsyncConnection, workspace_id: str, user_id: str, fields: Mapping[str, Any]
) -> None:
    """Writes columns of one user."""
    await connection.execute(
        update(USER)
        .where(USER.c.workspace_id == workspace_id, USER.c.id == user_id)
        .values(**fields)
    )


async def insert_seat_event(
    connection: AsyncConnection, workspace_id: str, event_id: str, event: Happened
) -> None:
    """Appends what happened to a seat."""
    await connection.execute(
        insert(EVENT),
        {
            "workspace_id": workspace_id,
            "id": event_id,
            "user_id": event.user_id,
            "kind": event.kind,
            "at": event.at,
        },
    )


async def find_seat_events(
    connection: AsyncConnection, workspace_id: str, user_id: str
) -> list[Happened]:
    """What happened to the seat of one user, in order."""
    rows = await connection.execute(
        select(EVENT.c.user_id, EVENT.c.kind, EVENT.c.at)
        .where(EVENT.c.workspace_id == workspace_id, EVENT.c.user_id == user_id)
        .order_by(EVENT.c.at, EVENT.c.id)
    )
    return [Happened(row.user_id, SeatEventKind(row.kind), row.at) for row in rows]


@dataclass(frozen=True, slots=True)
class Attendance:
    """What happened to all seats, in order, and the sign-ins that may touch a period."""

    events: list[Happened]
    sign_ins: list[Presence]


UNTIL = RowsParameter("until", {"number": Integer(), "at": EVENT.c.at.type})
PERIODS = RowsParameter(
    "period",
    {"number": Integer(), "active_after": EVENT.c.at.type, "ends": EVENT.c.at.type},
)


def _events(dialect_name: str) -> Select[Any]:
    until = UNTIL.table(dialect_name)
    happened = and_(EVENT.c.workspace_id == bindparam("workspace_id"), EVENT.c.at <= until.c.at)
    return (
        select(until.c.number, EVENT.c.at, EVENT.c.id, EVENT.c.user_id, EVENT.c.kind)
        .select_from(until)
        .join(EVENT, happened)
    )


def _sign_ins(dialect_name: str) -> Select[Any]:
    period = PERIODS.table(dialect_name)
    touches = and_(
        SIGN_IN.c.workspace_id == bindparam("workspace_id"),
        SIGN_IN.c.last_activity_at > period.c.active_after,
        SIGN_IN.c.started_at <= period.c.ends,
    )
    columns = ("started_at", "id", "user_id", "last_activity_at", "ended_at")
    return (
        select(period.c.number, *(SIGN_IN.c[name] for name in columns))
        .select_from(period)
        .join(SIGN_IN, touches)
    )


_EVENTS = Query(_events, (UNTIL,))
_SIGN_INS = Query(_sign_ins, (PERIODS,))


async def list_seat_events(source: Source, workspace_id: str, until: datetime) -> list[Happened]:
    """What happened to the seats of all users up to and at an instant, in order."""
    [rows] = await answers(source, _EVENTS.of(workspace_id, [(0, until)]))
    return _happened(rows)


def _happened(rows: Iterable[Row]) -> list[Happened]:
    return [
        Happened(user_id, SeatEventKind(kind), at)
        for _, at, _, user_id, kind in sorted(rows, key=itemgetter(1, 2))
    ]


async def find_attendance(
    source: Source, workspace_id: str, begins: datetime, ends: datetime
) -> Attendance:
    """What seat figures of the period from `begins` up to and at `ends` are worked out from.

    No sign-in goes on for longer than 12 hours after its last activity, however it ended.
    """
    events, sign_ins = await answers(
        source,
        _EVENTS.of(workspace_id, [(0, ends)]),
        _SIGN_INS.of(workspace_id, [(0, begins - SIGNED_IN_AFTER_ACTIVITY_FOR, ends)]),
    )
    present = [
        Presence(user_id, started_at, last_activity_at, ended_at)
        for _, started_at, _, user_id, last_activity_at, ended_at in sorted(
            sign_ins, key=itemgetter(1, 2)
        )
    ]
    return Attendance(_happened(events), present)


async def find_open_sign_ins(
    connection: AsyncConnection, workspace_id: str, user_id: str, at: datetime
) -> list[str]:
    """The ids of a user's sign-ins that go on at an instant, oldest first."""
    rows = await connection.execute(
        select(SIGN_IN.c.id)
        .where(
            SIGN_IN.c.workspace_id == workspace_id,
            SIGN_IN.c.user_id == user_id,
            SIGN_IN.c.ended_at.is_(None),
            SIGN_IN.c.last_activity_at > at - SIGNED_IN_AFTER_ACTIVITY_FOR,
        )
        .order_by(SIGN_IN.c.started_at, SIGN_IN.c.id)
    )
    return list(rows.scalars())


async def insert_sign_in(
    connection: AsyncConnection, workspace_id: str, sign_in_id: str, user_id: str, at: datetime
) -> None:
    """Begins a sign-in."""
    await connection.execute(
        insert(SIGN_IN),
        {
            "workspace_id": workspace_id,
            "id": sign_in_id,
            "user_id": user_id,
            "started_at": at,
            "last_activity_at": at,
        },
    )


async def touch_sign_ins(
    connection: AsyncConnection,
    workspace_id: str,
    ids: Collection[str],
    at: datetime,
    *,
    end: bool = False,
) -> None:
    """Notes activity in sign-ins, and their end where that is what the activity was."""
    if ids:
        await connection.execute(
            update(SIGN_IN)
            .where(SIGN_IN.c.workspace_id == workspace_id, SIGN_IN.c.id.in_(sorted(ids)))
            .values(last_activity_at=at, **({"ended_at": at} if end else {}))
        )
