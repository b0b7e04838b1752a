"""Everything that is held about one person, table by table: what is personal, and whose it is.

A person is a root with all that were merged into it. `PERSONAL` is the one list of the columns that
tell something of a person; a test holds every text and JSON column against it. Who was merged with
the person once and is so no more is their kin: its rows may repeat what it had of the person.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select, tuple_, union_all
from sqlalchemy import Table as SQLTable
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.domain.access import Verb
from trenza.storage.activity import ACTIVITY
from trenza.storage.campaign import TOUCH
from trenza.storage.consent import BLOCK, CONSENT
from trenza.storage.contact import ADDRESS, CONTACT, IDENTITY, STATE
from trenza.storage.contact_history import STAGE, VERSION
from trenza.storage.contact_list import LIST_MEMBER
from trenza.storage.identity_policy import BLOCKED
from trenza.storage.interaction import INTERACTION, QUARANTINE
from trenza.storage.journey import ENROLLMENT
from trenza.storage.ledger import LEDGER
from trenza.storage.merge import MERGE
from trenza.storage.session import SESSION
from trenza.storage.ticket import TICKET

PERSONAL: Mapping[str, frozenset[str]] = {
    "activity": frozenset({"before", "after"}),
    "blocked_address": frozenset({"address", "note"}),
    "consent_event": frozenset({"address", "external_id", "content_hash", "evidence"}),
    "contact": frozenset({*STATE, "name_searchable"}),
    "contact_address": frozenset({"address"}),
    "contact_identity": frozenset({"address"}),
    "contact_merge": frozenset({"filled"}),
    "contact_stage": frozenset({"stage"}),
    "contact_version": frozenset(STATE),
    "do_not_contact": frozenset({"address", "reason"}),
    "interaction": frozenset(
        "identity_address position external_id content_hash text retraction_reason".split()
    ),
    "interactionz_session": frozenset({"opened_position", "bound_position"}),
    "quarantined_interaction": frozenset({"external_id", "content_hash", "request"}),
    "ticket": frozenset({"subject"}),
}
"""The columns that tell something of a person, by table."""
AT_ONCE = 1_000


@dataclass(frozen=True)
class Person:
    """A person's contacts and addresses, and what else is found only by looking.

    `kin` are contacts of others that were merged with one of these once; `quarantined` the reports
    that wait, or waited, in quarantine.
    """

    workspace_id: str
    root_id: str
    members: tuple[str, ...]
    addresses: tuple[tuple[str, str], ...]
    kin: tuple[str, ...] = ()
    quarantined: tuple[str, ...] = ()

    def rows_of(self, table: SQLTable) -> ColumnElement[bool]:
        """The condition of the rows of a table that are about the person."""
        return and_(table.c.workspace_id == self.workspace_id, self._about(table))

    def _about(self, table: SQLTable) -> ColumnElement[bool]:
        if table is CONTACT:
            return CONTACT.c.id.in_(self.members)
        if table in (ADDRESS, BLOCKED):
            if not self.addresses:
                return false()
            return tuple_(table.c.space, table.c.address).in_(self.addresses)
        if table is LEDGER:
            return LEDGER.c.session_id.in_(self._ids(SESSION))
        if table is MERGE:
            return or_(MERGE.c.source_id.in_(self.members), MERGE.c.target_id.in_(self.members))
        if table is QUARANTINE:
            return QUARANTINE.c.id.in_(self.quarantined)
        if table is ACTIVITY:
            told = (CONTACT, INTERACTION, TICKET, CONSENT, BLOCK, MERGE, QUARANTINE)
            return ACTIVITY.c.subject_id.in_(union_all(*map(self._ids, told)))
        if "owner_id" in table.c:
            return table.c.owner_id == self.root_id
        return table.c.contact_id.in_(self.members)

    def _ids(self, table: SQLTable) -> Any:
        return select(table.c.id).where(self.rows_of(table))


HELD: Mapping[str, SQLTable] = {
    "contacts": CONTACT,
    "versions": VERSION,
    "stages": STAGE,
    "identities": IDENTITY,
    "addresses": ADDRESS,
    "blockedAddresses": BLOCKED,
    "consentEvents": CONSENT,
    "doNotContact": BLOCK,
    "listMemberships": LIST_MEMBER,
    "merges": MERGE,
    "interactions": INTERACTION,
    "quarantined": QUARANTINE,
    "sessions": SESSION,
    "debits": LEDGER,
    "tickets": TICKET,
    "campaignTouches": TOUCH,
    "journeyEnrollments": ENROLLMENT,
    "activity": ACTIVITY,
}
"""The tables with rows of a person, by what they are called in an export and a certificate."""


async def find_person(connection: AsyncConnection, workspace_id: str, root_id: str) -> Person:
    """A person by the root; what waits in quarantine is found by `list_quarantined`."""
    members = select(CONTACT.c.id).where(
        CONTACT.c.workspace_id == workspace_id, CONTACT.c.root_id == root_id
    )
    ids = tuple(sorted((await connection.execute(members)).scalars()))
    held = (
        select(IDENTITY.c.space, IDENTITY.c.address)
        .where(IDENTITY.c.workspace_id == workspace_id, IDENTITY.c.owner_id == root_id)
        .distinct()
    )
    addresses = sorted((space, address) for space, address in await connection.execute(held))
    kin = await find_kin(connection, workspace_id, ids)
    return Person(workspace_id, root_id, ids, tuple(addresses), tuple(sorted(kin - set(ids))))


async def find_kin(
    connection: AsyncConnection, workspace_id: str, contact_ids: Collection[str]
) -> set[str]:
    """Contacts with all that they were ever merged with, directly or by way of others."""
    known, found = set(contact_ids), set(contact_ids)
    while found:
        pairs: set[str] = set()
        for part in parts_of(sorted(found)):
            rows = await connection.execute(
                select(MERGE.c.source_id, MERGE.c.target_id).where(
                    MERGE.c.workspace_id == workspace_id,
                    or_(MERGE.c.source_id.in_(part), MERGE.c.target_id.in_(part)),
                )
            )
            pairs.update(id for row in rows for id in row)
        found = pairs - known
        known |= found
    return known


def parts_of(ids: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """A sequence in parts that a statement takes."""
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))


async def list_waiting(
    connection: AsyncConnection, workspace_id: str, after: str
) -> Sequence[Mapping[str, Any]]:
    """Reports in quarantine that still say what was reported, in order of their ids."""
    rows = await connection.execute(
        select(QUARANTINE)
        .where(
            QUARANTINE.c.workspace_id == workspace_id,
            QUARANTINE.c.erased_at.is_(None),
            QUARANTINE.c.id > after,
        )
        .order_by(QUARANTINE.c.id)
        .limit(AT_ONCE)
    )
    return [row._asdict() for row in rows]


async def list_rows(
    connection: AsyncConnection, person: Person, table: SQLTable
) -> list[dict[str, Any]]:
    """The rows of a table that are about a person, in the order of their keys."""
    rows = await connection.execute(
        select(table).where(person.rows_of(table)).order_by(*table.primary_key.columns)
    )
    return [row._asdict() for row in rows]


async def count_rows(connection: AsyncConnection, person: Person, table: SQLTable) -> int:
    """How many rows of a table are about a person."""
    counted = select(func.count()).select_from(table).where(person.rows_of(table))
    return (await connection.execute(counted)).scalar_one()


@dataclass(frozen=True)
class Kinship:
    """What rows of kin may repeat: their versions and log while merges stood that were undone."""

    merges: Sequence[Mapping[str, Any]]
    versions: Sequence[Mapping[str, Any]]
    activity: Sequence[Mapping[str, Any]]
    spans: Sequence[tuple[datetime, datetime]]
    """When the merges stood that were undone."""


async def find_kinship(connection: AsyncConnection, person: Person) -> Kinship:
    """What was written of kin while they were merged with anybody, and of blocked addresses."""
    kin = person.kin
    blocking = and_(
        ACTIVITY.c.subject_id == person.workspace_id,
        ACTIVITY.c.verb.in_([Verb.BLOCK_ADDRESS, Verb.UNBLOCK_ADDRESS]),
    )
    if not kin:
        return Kinship((), (), await _activity(connection, person, blocking), ())
    statement = select(MERGE).where(
        MERGE.c.workspace_id == person.workspace_id,
        or_(MERGE.c.source_id.in_(kin), MERGE.c.target_id.in_(kin)),
    )
    merges = [row._asdict() for row in await connection.execute(statement)]
    spans = [(each["merged_at"], each["unmerged_at"]) for each in merges if each["unmerged_at"]]
    during = or_(false(), *(_within(ACTIVITY.c.at, ACTIVITY.c.at, span) for span in spans))
    overlapping = or_(
        false(), *(_within(VERSION.c.from_at, VERSION.c.until_at, span) for span in spans)
    )
    versions = await connection.execute(
        select(VERSION).where(
            VERSION.c.workspace_id == person.workspace_id,
            VERSION.c.contact_id.in_(kin),
            overlapping,
        )
    )
    told = or_(blocking, and_(ACTIVITY.c.subject_id.in_(kin), during))
    activity = await _activity(connection, person, told)
    return Kinship(merges, [row._asdict() for row in versions], activity, spans)


def _within(
    begins: ColumnElement[Any], ends: ColumnElement[Any], span: tuple[datetime, datetime]
) -> ColumnElement[bool]:
    return and_(begins <= span[1], ends >= span[0])


async def _activity(
    connection: AsyncConnection, person: Person, told: ColumnElement[bool]
) -> list[Mapping[str, Any]]:
    columns = (ACTIVITY.c.id, ACTIVITY.c.before, ACTIVITY.c.after)
    rows = await connection.execute(
        select(*columns).where(ACTIVITY.c.workspace_id == person.workspace_id, told)
    )
    return [row._asdict() for row in rows]
