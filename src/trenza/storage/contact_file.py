"""What files of contacts need of the database: users by address, and contacts page by page."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.storage.contact import CONTACT, STATE
from trenza.storage.contact_list import LIST, in_list
from trenza.storage.seat import USER
from trenza.storage.segment import Asked, members_of
from trenza.storage.segment_condition import IS_LIVE


async def find_user_ids(connection: AsyncConnection, workspace_id: str) -> dict[str, str]:
    """The id of every user of a workspace by the e-mail address."""
    of_workspace = USER.c.workspace_id == workspace_id
    rows = await connection.execute(select(USER.c.email, USER.c.id).where(of_workspace))
    return {row.email: row.id for row in rows}


async def has_list(connection: AsyncConnection, workspace_id: str, list_id: str) -> bool:
    """Whether a workspace has a list."""
    found = select(LIST.c.id).where(LIST.c.workspace_id == workspace_id, LIST.c.id == list_id)
    return (await connection.execute(found)).first() is not None


async def find_page(
    connection: AsyncConnection,
    workspace_id: str,
    narrowed: str | Asked | None,
    after: str,
    limit: int,
) -> Sequence[Mapping[str, Any]]:
    """The live contacts that follow an id, in the order of ids, with their `STATE`.

    They are those of a list, named by its id, of a segment's definition, or all.
    """
    columns = [CONTACT.c[name] for name in ("id", *STATE)]
    if isinstance(narrowed, Asked):
        found: Select[Any] = members_of(narrowed, connection.dialect.name, *columns)
    else:
        found = select(*columns).where(CONTACT.c.workspace_id == workspace_id, IS_LIVE)
    if isinstance(narrowed, str):
        found = found.where(in_list(CONTACT)(literal(narrowed)))
    found = found.where(CONTACT.c.id > after).order_by(CONTACT.c.id).limit(limit)
    rows: Sequence[Mapping[str, Any]] = (await connection.execute(found)).mappings().all()
    return rows
