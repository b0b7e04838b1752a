"""Erasure: the certificates, and the statements that leave nothing of a person but a skeleton."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Index,
    Select,
    Update,
    and_,
    bindparam,
    delete,
    null,
    select,
    update,
)
from sqlalchemy import Table as SQLTable
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import Field

from trenza.domain.erasure import ERASED
from trenza.storage.activity import ACTIVITY
from trenza.storage.bulk import BulkWrite, Cells, Query, Writing, bulk_insert
from trenza.storage.columns import (
    DOCUMENT,
    Table,
    belongs_to_workspace,
    key,
    references,
    symbol,
)
from trenza.storage.consent import BLOCK, CONSENT
from trenza.storage.contact import ADDRESS, ASSIGNED, CONTACT, DESCRIPTION, IDENTITY
from trenza.storage.contact_history import STAGE, VERSION
from trenza.storage.contact_list import LIST_MEMBER
from trenza.storage.identity_policy import BLOCKED
from trenza.storage.interaction import INTERACTION, QUARANTINE, STRETCHES
from trenza.storage.merge import MERGE
from trenza.storage.person import Person, parts_of
from trenza.storage.session import SESSION
from trenza.storage.ticket import TICKET


class ErasureCertificate(Table, table=True):
    """That a person was erased: when, by whom, why, and how many rows of what. Only ever added.

    `scrubbed_at` is set later, when what was deleted is gone from the files as well.
    """

    __table_args__ = (
        belongs_to_workspace(),
        references("contact_id", "contact"),
        Index(None, "workspace_id", "erased_at", "id"),
    )

    workspace_id: str = key()
    id: str = key()
    contact_id: str = symbol()
    erased_at: datetime
    reason: str
    key_id: str | None = symbol(default=None)
    user_id: str | None = symbol(default=None)
    counts: dict[str, int] = Field(sa_type=DOCUMENT)
    digest: str = symbol()
    scrubbed_at: datetime | None = None


CERTIFICATE: SQLTable = ErasureCertificate.__table__
_NEW_CERTIFICATES = bulk_insert(CERTIFICATE)
_DELETED = (LIST_MEMBER, CONSENT, BLOCK, VERSION, STAGE, IDENTITY, ADDRESS, BLOCKED)
"""Of which nothing stays. Identities go before the addresses that they refer to."""


def certifying(row: Mapping[str, Any]) -> Writing:
    """Adds a certificate."""
    return _NEW_CERTIFICATES, [row]


async def find_certificate(
    connection: AsyncConnection, workspace_id: str, contact_id: str
) -> Mapping[str, Any] | None:
    """The certificate of a person's erasure, by the contact that stood for the person."""
    statement = select(CERTIFICATE).where(
        CERTIFICATE.c.workspace_id == workspace_id, CERTIFICATE.c.contact_id == contact_id
    )
    found = (await connection.execute(statement)).mappings().first()
    return None if found is None else dict(found)


async def mark_scrubbed(
    connection: AsyncConnection, workspace_id: str, begun_at: datetime, at: datetime
) -> int:
    """Notes on the certificates of before a scrub when it was done; how many there were."""
    done = await connection.execute(
        update(CERTIFICATE)
        .where(
            CERTIFICATE.c.workspace_id == workspace_id,
            CERTIFICATE.c.erased_at <= begun_at,
            CERTIFICATE.c.scrubbed_at.is_(None),
        )
        .values(scrubbed_at=at)
    )
    return done.rowcount


async def clear_activity(
    connection: AsyncConnection, workspace_id: str, which: ColumnElement[bool]
) -> int:
    """Takes from entries of the log what changed; who did what, and when, stays."""
    cleared = 0
    for column in (ACTIVITY.c.before, ACTIVITY.c.after):
        done = await connection.execute(
            update(ACTIVITY)
            .where(ACTIVITY.c.workspace_id == workspace_id, which, column.is_not(None))
            .values({column.name: dict(ERASED)})
        )
        cleared += done.rowcount
    return cleared


async def clear_activities(
    connection: AsyncConnection, workspace_id: str, ids: Collection[str]
) -> None:
    """The same for entries by their ids."""
    for part in parts_of(sorted(ids)):
        await clear_activity(connection, workspace_id, ACTIVITY.c.id.in_(part))


async def clear_person(connection: AsyncConnection, person: Person, at: datetime) -> None:
    """Deletes or empties all rows of a person but for interactions, sessions and quarantine."""
    # First: whose an entry is, rows tell that are deleted below.
    await clear_activity(connection, person.workspace_id, person.rows_of(ACTIVITY))
    for table in _DELETED:
        await connection.execute(delete(table).where(person.rows_of(table)))
    # Of what became a skeleton before, and was retracted since.
    retracted = and_(person.rows_of(INTERACTION), INTERACTION.c.retraction_reason.is_not(None))
    await connection.execute(update(INTERACTION).where(retracted).values(retraction_reason=None))
    await connection.execute(update(TICKET).where(person.rows_of(TICKET)).values(subject=""))
    await connection.execute(update(MERGE).where(person.rows_of(MERGE)).values(filled={}))
    await connection.execute(
        update(CONTACT)
        .where(person.rows_of(CONTACT))
        .values(
            **dict.fromkeys((*DESCRIPTION, *ASSIGNED)),
            name_searchable="",
            tags=[],
            custom={},
            described_at=None,
            updated_at=at,
            erased_at=at,
        )
    )


async def rewrite_kin(
    connection: AsyncConnection,
    workspace_id: str,
    versions: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]],
    filled: Mapping[str, Mapping[str, Any]],
) -> None:
    """Writes versions of kin (the row, its columns as they become), and what merges filled."""
    for row, columns in versions:
        await connection.execute(
            update(VERSION)
            .where(
                VERSION.c.workspace_id == workspace_id,
                VERSION.c.contact_id == row["contact_id"],
                VERSION.c.until_at == row["until_at"],
            )
            .values(**columns)
        )
    for merge_id, fields in filled.items():
        await connection.execute(
            update(MERGE)
            .where(MERGE.c.workspace_id == workspace_id, MERGE.c.id == merge_id)
            .values(filled=dict(fields))
        )


async def forget_stages(
    connection: AsyncConnection,
    person: Person,
    spans: Iterable[tuple[datetime, datetime]],
    stages: Collection[str],
) -> None:
    """Deletes of kin the stages that they were in while merges stood."""
    for begins, ends in spans if stages else ():
        await connection.execute(
            delete(STAGE).where(
                STAGE.c.workspace_id == person.workspace_id,
                STAGE.c.contact_id.in_(person.kin),
                STAGE.c.stage.in_(stages),
                STAGE.c.from_at.between(begins, ends),
            )
        )


TOLD_COLUMNS = (
    "id",
    "owner_id",
    "position",
    "identity_address",
    "external_id",
    "content_hash",
    "erased_at",
)


def _told_within(dialect_name: str) -> Select[Any]:
    stretch = STRETCHES.table(dialect_name)
    within = and_(
        INTERACTION.c.workspace_id == bindparam("workspace_id"),
        INTERACTION.c.owner_id == stretch.c.owner_id,
        INTERACTION.c.position >= stretch.c.begins,
        INTERACTION.c.position < stretch.c.ends,
    )
    columns = (INTERACTION.c[name] for name in TOLD_COLUMNS)
    return select(*columns).select_from(stretch).join(INTERACTION, within)


TOLD_INTERACTIONS = Query(_told_within, (STRETCHES,))
"""What becomes a skeleton, and what is one, within stretches: rows of `TOLD_COLUMNS`."""

_SKELETON = ("position", "identity_address", "external_id", "content_hash", "erased_at")


def _strip(_: str, cells: Cells, __: Any) -> Update:
    return (
        update(INTERACTION)
        .where(INTERACTION.c.workspace_id == cells["workspace_id"], INTERACTION.c.id == cells["id"])
        .values(
            {name: cells[name] for name in _SKELETON}
            | {"text": null(), "retraction_reason": null()}
        )
    )


SKELETONS = BulkWrite({name: INTERACTION.c[name].type for name in ("id", *_SKELETON)}, _strip)
"""Turns interactions into skeletons: what is left of each, with the ids."""

_PLACES = ("opened_position", "bound_position")


def _place(_: str, cells: Cells, __: Any) -> Update:
    return (
        update(SESSION)
        .where(SESSION.c.workspace_id == cells["workspace_id"], SESSION.c.id == cells["id"])
        .values({name: cells[name] for name in _PLACES})
    )


PLACED_SESSIONS = BulkWrite({name: SESSION.c[name].type for name in ("id", *_PLACES)}, _place)
"""Writes where sessions were opened and bound, after interactions have other positions."""


async def list_places(
    connection: AsyncConnection, workspace_id: str, owner_ids: Sequence[str], begins: str
) -> list[dict[str, Any]]:
    """Where the sessions of owners were opened and bound: those opened from a position on."""
    found: list[dict[str, Any]] = []
    for part in parts_of(owner_ids):
        rows = await connection.execute(
            select(SESSION.c.id, *(SESSION.c[name] for name in _PLACES)).where(
                SESSION.c.workspace_id == workspace_id,
                SESSION.c.owner_id.in_(part),
                SESSION.c.opened_position >= begins,
            )
        )
        found += [row._asdict() for row in rows]
    return found


_KEPT = ("external_id", "content_hash", "erased_at")


def _empty(_: str, cells: Cells, __: Any) -> Update:
    return (
        update(QUARANTINE)
        .where(QUARANTINE.c.workspace_id == cells["workspace_id"], QUARANTINE.c.id == cells["id"])
        .values({name: cells[name] for name in (*_KEPT, "request")})
    )


EMPTIED_QUARANTINE = BulkWrite(
    {name: QUARANTINE.c[name].type for name in ("id", *_KEPT, "request")}, _empty
)
"""Takes from reports in quarantine what was reported; `request` is JSON as text."""
