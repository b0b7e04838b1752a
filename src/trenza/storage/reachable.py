"""How contacts can be reached and what speaks against it: all that verdicts on them depend on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, Select, and_, bindparam, or_, select
from sqlalchemy import Table as SQLTable

from trenza.domain.channel import ChannelKind
from trenza.domain.consent import (
    ConsentEvent,
    ConsentPurpose,
    ConsentStatus,
    ContactFacts,
    DoNotContact,
    FrequencyCap,
    ReachedIdentity,
    Touch,
)
from trenza.domain.instant import TICK, instant_text
from trenza.domain.interaction import InteractionKind
from trenza.storage.asking import Source, answers
from trenza.storage.bulk import Query, Row
from trenza.storage.columns import ID
from trenza.storage.consent import BLOCK, CAP, CONSENT, EVENT_COLUMNS
from trenza.storage.contact import CONTACT, IDENTITY
from trenza.storage.contact_as_of import SAID
from trenza.storage.dialect import RowsParameter
from trenza.storage.interaction import INTERACTION

SPANS = RowsParameter("span", {"number": Integer(), "owner_id": ID, "begins": ID, "ends": ID})
SENDS = (InteractionKind.CAMPAIGN_SEND, InteractionKind.JOURNEY_SEND)
"""What counts as a touch. A `campaign_touch` is the first of these: it is not counted again."""


def _owned(table: SQLTable, *columns: str, owner: str = "owner_id") -> Query:
    """A query of the rows of some owners; its parameter is its own, to be asked with others.

    Owners are numbered, and each row begins with the number of its owner.
    """
    parameter = RowsParameter(f"owner_in_{table.name}", {"number": Integer(), "id": ID})

    def build(dialect_name: str) -> Select[Any]:
        owners = parameter.table(dialect_name)
        belongs = and_(
            table.c.workspace_id == bindparam("workspace_id"), table.c[owner] == owners.c.id
        )
        chosen = (table.c[name] for name in (owner, *columns))
        return select(owners.c.number, *chosen).select_from(owners).join(table, belongs)

    return Query(build, (parameter,))


def _sends_within(dialect_name: str) -> Select[Any]:
    span = SPANS.table(dialect_name)
    within = and_(
        INTERACTION.c.workspace_id == bindparam("workspace_id"),
        INTERACTION.c.owner_id == span.c.owner_id,
        INTERACTION.c.position >= span.c.begins,
        INTERACTION.c.position < span.c.ends,
        # Not IN: how many there are is told to the driver only when SQLAlchemy executes.
        or_(*(INTERACTION.c.kind == str(kind) for kind in SENDS)),
        INTERACTION.c.retracted_at.is_(None),
    )
    columns = (INTERACTION.c.owner_id, INTERACTION.c.channel, INTERACTION.c.occurred_at)
    return select(span.c.number, *columns).select_from(span).join(INTERACTION, within)


_ERASED = _owned(CONTACT, "erased_at", owner="id")
_IDENTITIES = _owned(IDENTITY, "channel", "address", "contact_id")
_EVENTS = _owned(CONSENT, *EVENT_COLUMNS)
_BLOCKS = _owned(BLOCK, "channel", "address", "reason", "starts_at", "ends_at", "lifted_at")
_CAPS = Query(
    lambda _: select(CAP.c.channel, CAP.c.purpose, CAP.c.touches_max, CAP.c.period_hours).where(
        CAP.c.workspace_id == bindparam("workspace_id")
    )
)
_SENDS = Query(_sends_within, (SPANS,))


@dataclass(frozen=True, slots=True)
class HeldIdentity:
    """An identity, and the contact that holds it."""

    identity: ReachedIdentity
    contact_id: str


async def find_held(
    source: Source, workspace_id: str, owner_ids: Collection[str]
) -> dict[str, list[HeldIdentity]]:
    """The identities of each root, each with the contact that holds it, in their order."""
    found: dict[str, list[HeldIdentity]] = {owner_id: [] for owner_id in owner_ids}
    [rows] = await answers(source, _IDENTITIES.of(workspace_id, _cells(owner_ids)))
    for _, owner_id, channel, address, contact_id in sorted(rows):
        identity = ReachedIdentity(ChannelKind(channel), address)
        found[owner_id].append(HeldIdentity(identity, contact_id))
    return found


async def find_events(
    source: Source, workspace_id: str, owner_ids: Collection[str]
) -> dict[str, list[ConsentEvent]]:
    """What was said about the consent of each root."""
    [rows] = await answers(source, _EVENTS.of(workspace_id, _cells(owner_ids)))
    return _events_by_owner(owner_ids, rows)


async def find_events_as_of(
    source: Source, workspace_id: str, asked: Sequence[tuple[str, datetime]]
) -> list[list[ConsentEvent]]:
    """What had been said until an instant about the consent of a root of that instant, for each."""
    [rows] = await answers(source, SAID.of(workspace_id, _numbered(asked)))
    found: list[list[ConsentEvent]] = [[] for _ in asked]
    for number, *cells in rows:
        found[number].append(_event(cells))
    return found


def _numbered(asked: Sequence[tuple[str, datetime]]) -> list[tuple[int, str, datetime]]:
    return [(number, id, at) for number, (id, at) in enumerate(asked)]


@dataclass
class _Found:
    """What is gathered for one contact."""

    identities: list[ReachedIdentity] = field(default_factory=list)
    blocks: list[DoNotContact] = field(default_factory=list)
    touches: list[Touch] = field(default_factory=list)
    erased_at: datetime | None = None


async def find_facts(
    source: Source, workspace_id: str, instants: Mapping[str, Collection[datetime]]
) -> dict[str, ContactFacts]:
    """What verdicts on roots at some instants depend on.

    One round trip, and one more for the sends where the workspace has caps.
    """
    found = {owner_id: _Found() for owner_id in instants}
    owners = _cells(instants)
    erased, identities, events, blocks, caps = await answers(
        source,
        _ERASED.of(workspace_id, owners),
        _IDENTITIES.of(workspace_id, owners),
        _EVENTS.of(workspace_id, owners),
        _BLOCKS.of(workspace_id, owners),
        _CAPS.of(workspace_id),
    )
    for _, owner_id, erased_at in erased:
        found[owner_id].erased_at = erased_at
    for _, owner_id, channel, address, _ in identities:
        found[owner_id].identities.append(ReachedIdentity(ChannelKind(channel), address))
    for _, owner_id, *block in blocks:
        found[owner_id].blocks.append(_block(*block))
    limits = [_cap(*cap) for cap in caps]
    if limits:
        longest = max(cap.period for cap in limits)
        spans = [
            (number, owner_id, instant_text(min(ats) - longest), instant_text(max(ats) + TICK))
            for number, (owner_id, ats) in enumerate(sorted(instants.items()))
        ]
        [sends] = await answers(source, _SENDS.of(workspace_id, spans))
        for _, owner_id, channel, at in sends:
            found[owner_id].touches.append(Touch(ChannelKind(channel), at))
    said = _events_by_owner(instants, events)
    return {
        owner_id: ContactFacts(
            sorted(each.identities),
            said[owner_id],
            sorted(each.blocks, key=lambda block: (block.starts_at, block.reason)),
            sorted(limits, key=lambda cap: (cap.period, cap.channel or "")),
            each.touches,
            each.erased_at,
        )
        for owner_id, each in found.items()
    }


def _events_by_owner(owner_ids: Collection[str], rows: list[Row]) -> dict[str, list[ConsentEvent]]:
    found: dict[str, list[ConsentEvent]] = {owner_id: [] for owner_id in owner_ids}
    for _, owner_id, *cells in rows:
        found[owner_id].append(_event(cells))
    return found


def _event(cells: Sequence[Any]) -> ConsentEvent:
    row = dict(zip(EVENT_COLUMNS, cells, strict=True))
    identity = ReachedIdentity(ChannelKind(row.pop("channel")), row.pop("address"))
    purpose, status = ConsentPurpose(row.pop("purpose")), ConsentStatus(row.pop("status"))
    return ConsentEvent(identity=identity, purpose=purpose, status=status, **row)


def _block(
    channel: str | None,
    address: str | None,
    reason: str,
    starts_at: datetime,
    ends_at: datetime | None,
    lifted_at: datetime | None,
) -> DoNotContact:
    """A block until it ends or was lifted, whichever comes first."""
    ended = [at for at in (ends_at, lifted_at) if at is not None]
    kind = ChannelKind(channel) if channel else None
    return DoNotContact(kind, address, reason, starts_at, min(ended, default=None))


def _cap(channel: str | None, purpose: str, touches_max: int, period_hours: int) -> FrequencyCap:
    kind = ChannelKind(channel) if channel else None
    return FrequencyCap(kind, ConsentPurpose(purpose), touches_max, timedelta(hours=period_hours))


def _cells(ids: Collection[str]) -> list[tuple[int, str]]:
    return list(enumerate(sorted(set(ids))))
