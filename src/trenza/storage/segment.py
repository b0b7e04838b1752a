"""Segments: the table and its queries. What they ask of contacts is in `segment_condition`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Index,
    RowMapping,
    Select,
    UniqueConstraint,
    and_,
    case,
    delete,
    false,
    func,
    literal,
    null,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy import Table as SQLTable
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import Field

from trenza.domain.segment import (
    CampaignCondition,
    Condition,
    Definition,
    JourneyCondition,
    ListCondition,
)
from trenza.storage.bulk import Writing, bulk_insert
from trenza.storage.campaign import CAMPAIGN
from trenza.storage.columns import DOCUMENT, Table, belongs_to_workspace, key
from trenza.storage.contact import CONTACT
from trenza.storage.contact_list import LIST, LIST_MEMBER
from trenza.storage.journey import JOURNEY
from trenza.storage.segment_condition import IS_LIVE, Moment, Truth, Writer


class Segment(Table, table=True):
    """A definition, under a name that no other segment of the workspace has."""

    __table_args__ = (
        belongs_to_workspace(),
        UniqueConstraint("workspace_id", "name"),
        Index(None, "workspace_id", "created_at", "id"),
    )

    workspace_id: str = key()
    id: str = key()
    name: str
    definition: dict[str, Any] = Field(sa_type=DOCUMENT)
    created_at: datetime
    updated_at: datetime


SEGMENT: SQLTable = Segment.__table__
_NAMED: Mapping[type[Condition], tuple[SQLTable, str]] = MappingProxyType(
    {
        ListCondition: (LIST, "list_id"),
        CampaignCondition: (CAMPAIGN, "campaign_id"),
        JourneyCondition: (JOURNEY, "journey_id"),
    }
)
"""The tables of what conditions name by id."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A definition, and the moment that it is asked about."""

    definition: Definition
    moment: Moment


@dataclass(frozen=True)
class AskedPage:
    """The first members of a definition that lie beyond a key, in the order of columns."""

    asked: Asked
    beyond: Sequence[Truth]
    keys: Sequence[ColumnElement[Any]]
    is_descending: bool
    limit: int


def members_of(asked: Asked, dialect_name: str, *columns: ColumnElement[Any]) -> Select[Any]:
    """The members of a definition."""
    writer = Writer(asked.moment, dialect_name, is_joining=True)
    holds = writer.holds(asked.definition)
    return (
        select(*columns)
        .select_from(writer.source)
        .where(CONTACT.c.workspace_id == asked.moment.workspace_id, IS_LIVE, holds)
    )


async def count_segments(connection: AsyncConnection, asked: Sequence[Asked]) -> list[int]:
    """How many members each of the definitions has, in one statement."""
    name = connection.dialect.name
    counts = [members_of(each, name, func.count()).scalar_subquery() for each in asked]
    counted = select(*(count.label(f"n{n}") for n, count in enumerate(counts)))
    return list((await connection.execute(counted)).one())


async def find_pages(
    connection: AsyncConnection, pages: Sequence[AskedPage]
) -> list[list[tuple[Any, ...]]]:
    """The keys of the members of each page, in its order, in one statement."""
    name = connection.dialect.name
    parts = [
        select(
            literal(number).label("number"),
            members_of(page.asked, name, *page.keys)
            .where(*page.beyond)
            .order_by(*(each.desc() if page.is_descending else each.asc() for each in page.keys))
            .limit(page.limit)
            .subquery(),
        )
        for number, page in enumerate(pages)
    ]
    found: list[list[tuple[Any, ...]]] = [[] for _ in pages]
    for number, *keys in await connection.execute(union_all(*parts)):
        found[number].append(tuple(keys))
    for keys, page in zip(found, pages, strict=True):
        # What several selects bring is in no order of its own.
        keys.sort(reverse=page.is_descending)
    return found


async def judge_segments(
    connection: AsyncConnection, asked: Sequence[Asked], contact_ids: Collection[str]
) -> dict[str, list[bool]]:
    """Which of the definitions hold for each contact; one that can be no member is left out.

    All are asked about one moment.
    """
    moment = asked[0].moment
    writer = Writer(moment, connection.dialect.name)
    columns = [writer.holds(each.definition).label(f"h{n}") for n, each in enumerate(asked)]
    rows = await connection.execute(
        select(CONTACT.c.id, *columns).where(
            CONTACT.c.workspace_id == moment.workspace_id,
            CONTACT.c.id.in_(sorted(contact_ids)),
            IS_LIVE,
        )
    )
    return {id: list(map(bool, holds)) for id, *holds in rows}


@dataclass(frozen=True)
class Explained:
    """What holds of a definition for a contact: its conditions in order, and what they name."""

    is_live: bool
    holds: Sequence[bool]
    names: Sequence[str | None]


async def explain_segments(
    connection: AsyncConnection, asked: Sequence[Asked], contact_ids: Collection[str]
) -> dict[str, list[Explained]]:
    """Which conditions of each definition hold for each contact; of a merged one, for its root."""
    given = CONTACT.alias("given")
    held: list[ColumnElement[Any]] = []
    sizes: list[int] = []
    for each in asked:
        writer = Writer(each.moment, connection.dialect.name)
        conditions = [condition for _, condition in each.definition.conditions()]
        held += map(writer.condition, conditions)
        held += [_name_of(condition, each.moment) for condition in conditions]
        sizes.append(len(conditions))
    columns = [column.label(f"c{n}") for n, column in enumerate(held)]
    is_live = case((IS_LIVE, true()), else_=false()).label("is_live")
    root = and_(CONTACT.c.workspace_id == given.c.workspace_id, CONTACT.c.id == given.c.root_id)
    rows = await connection.execute(
        select(given.c.id, is_live, *columns)
        .select_from(given.join(CONTACT, root))
        .where(
            given.c.workspace_id == asked[0].moment.workspace_id,
            given.c.id.in_(sorted(contact_ids)),
        )
    )
    return {id: _explained(bool(live), cells, sizes) for id, live, *cells in rows}


def _explained(is_live: bool, cells: Sequence[Any], sizes: Sequence[int]) -> list[Explained]:
    found = []
    for size in sizes:
        own, cells = cells[: 2 * size], cells[2 * size :]
        found.append(Explained(is_live, list(map(bool, own[:size])), own[size:]))
    return found


def _name_of(condition: Condition, moment: Moment) -> ColumnElement[Any]:
    if type(condition) not in _NAMED:
        return null()
    table, attribute = _NAMED[type(condition)]
    id = getattr(condition, attribute)
    of_id = and_(table.c.workspace_id == moment.workspace_id, table.c.id == id)
    return select(table.c.name).where(of_id).scalar_subquery()


async def list_segments(connection: AsyncConnection, workspace_id: str) -> Sequence[RowMapping]:
    """Every segment, by name."""
    rows = await connection.execute(
        select(SEGMENT)
        .where(SEGMENT.c.workspace_id == workspace_id)
        .order_by(SEGMENT.c.name, SEGMENT.c.id)
    )
    return rows.mappings().all()


async def find_segment(
    connection: AsyncConnection, workspace_id: str, segment_id: str
) -> RowMapping | None:
    """A segment by id, locked."""
    rows = await connection.execute(
        select(SEGMENT)
        .where(SEGMENT.c.workspace_id == workspace_id, SEGMENT.c.id == segment_id)
        .with_for_update(key_share=True)
    )
    return rows.mappings().one_or_none()


_NEW_SEGMENTS = bulk_insert(SEGMENT)


def segmenting(row: Mapping[str, Any]) -> Writing:
    """Adds a segment; its definition is JSON text."""
    return _NEW_SEGMENTS, [row]


async def update_segment(
    connection: AsyncConnection, workspace_id: str, segment_id: str, values: Mapping[str, Any]
) -> None:
    """Changes columns of a segment."""
    await connection.execute(
        update(SEGMENT)
        .where(SEGMENT.c.workspace_id == workspace_id, SEGMENT.c.id == segment_id)
        .values(**values)
    )


async def delete_segment(connection: AsyncConnection, workspace_id: str, segment_id: str) -> None:
    """Removes a segment; lists that were frozen of it stay."""
    await connection.execute(
        delete(SEGMENT).where(SEGMENT.c.workspace_id == workspace_id, SEGMENT.c.id == segment_id)
    )


async def freeze_members(
    connection: AsyncConnection, asked: Asked, member: Mapping[str, Any]
) -> int:
    """Puts every member of a definition into the list that `member` names; answers how many.

    `member` are the columns that all rows share. The contacts are locked against a merge, which
    would else miss the new rows.
    """
    shared = [literal(value, LIST_MEMBER.c[name].type) for name, value in member.items()]
    columns = (CONTACT.c.workspace_id, CONTACT.c.id, CONTACT.c.id, *shared)
    found = members_of(asked, connection.dialect.name, *columns)
    source = found.with_for_update(read=True, of=CONTACT)
    names = ["workspace_id", "contact_id", "owner_id", *member]
    written = await connection.execute(LIST_MEMBER.insert().from_select(names, source))
    return written.rowcount
