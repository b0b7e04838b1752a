"""Recording interactions: what is asked is checked, decided and written in one transaction.

Identified by (workspace, source, external id), an interaction has its effect once, for ever: the
same again is a replay, the same id with another content a conflict. The answer to either does
not depend on how late it comes.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from trenza.channels.address import normalise_address
from trenza.domain.access import Scope, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.errors import (
    BrokenInvariant,
    DomainError,
    IdempotencyConflict,
    InvalidInput,
    TooLate,
)
from trenza.domain.ids import Prefix
from trenza.domain.instant import instant_text
from trenza.domain.interaction import InteractionKind, Lane
from trenza.domain.metering.fold import Event, Verdict, make_event
from trenza.domain.metering.ledger import DebitReason
from trenza.domain.metering.policy import RulePolicy
from trenza.domain.text import clean
from trenza.services.dependencies import Dependencies
from trenza.services.reference import absent, require_form
from trenza.services.sessions import WorkingSet
from trenza.storage.campaign import CAMPAIGN, put_touches
from trenza.storage.contact import (
    CONTACT,
    Identity,
    NewContact,
    SeenIdentity,
    create_contacts,
    ensure_identities,
    find_owners,
    lock_roots,
)
from trenza.storage.engine import AsyncConnection
from trenza.storage.interaction import (
    Known,
    find_existing,
    find_interaction,
    find_known,
    find_quarantined,
    insert_interactions,
    judged_of,
    mark_admitted,
    mark_retracted,
    quarantine,
    verdict_columns,
)
from trenza.storage.journey import JOURNEY, put_enrollments
from trenza.storage.ticket import TICKET
from trenza.storage.workspace import WorkspaceSettings, find_workspace

SOURCE_LONGEST = 64
EXTERNAL_ID_LONGEST = 255
TEXT_LONGEST = 16_384
REASON_LONGEST = 500

PREFIXES = {
    "contactId": Prefix.CONTACT,
    "campaignId": Prefix.CAMPAIGN,
    "ticketId": Prefix.TICKET,
    "journeyId": Prefix.JOURNEY,
}
REFERENCED = {
    "contactId": CONTACT,
    "campaignId": CAMPAIGN,
    "ticketId": TICKET,
    "journeyId": JOURNEY,
}


@dataclass(frozen=True)
class RecordInteraction:
    """What is reported. Either `contact_id` or `identity` (channel, address) names the contact."""

    channel: ChannelKind
    kind: InteractionKind
    occurred_at: datetime
    source: str = "api"
    external_id: str | None = None
    contact_id: str | None = None
    identity: tuple[ChannelKind, str] | None = None
    actor: Lane | None = None
    text: str | None = None
    campaign_id: str | None = None
    ticket_id: str | None = None
    journey_id: str | None = None

    def references(self) -> dict[str, str]:
        """The ids that the report names, by the name of the input field."""
        named = {
            "contactId": self.contact_id,
            "campaignId": self.campaign_id,
            "ticketId": self.ticket_id,
            "journeyId": self.journey_id,
        }
        return {name: id for name, id in named.items() if id is not None}


@dataclass(frozen=True)
class Arrival:
    """A report with the instant at which it arrived."""

    request: RecordInteraction
    arrived_at: datetime


@dataclass(frozen=True)
class Recorded:
    """An interaction that stands: recorded now, or before and answered again."""

    interaction_id: str
    replayed: bool


Answer = Recorded | DomainError


@dataclass
class Item:
    """A checked report on its way through the transaction."""

    request: RecordInteraction
    arrived_at: datetime
    lane: Lane | None
    identity: Identity | None
    content_hash: str
    admitted_as: str | None = None
    contact_id: str = ""
    event: Event | None = None
    answer: Answer | None = None

    @property
    def key(self) -> tuple[str, str] | None:
        """What identifies the report, or nothing where the caller gave no id."""
        external_id = self.request.external_id
        return None if external_id is None else (self.request.source, external_id)

    @property
    def new_event(self) -> Event:
        """The event of an item that is new."""
        if self.event is None:
            raise BrokenInvariant("the report was not admitted")
        return self.event

    def settled(self) -> Answer:
        """The answer that the transaction gave."""
        if self.answer is None:
            raise BrokenInvariant("the report was not answered")
        return self.answer


async def record_interactions(
    dependencies: Dependencies, viewer: Viewer, arrivals: Sequence[Arrival]
) -> list[Answer]:
    """Records reports in the order given, each with its own answer, in one transaction.

    Equal to recording them one by one. Needs the scope `record`.
    """
    viewer.require(Scope.RECORD)

    async def work(connection: AsyncConnection) -> tuple[list[Answer], bool]:
        workspace = await find_workspace(connection, viewer.workspace_id)
        checked = [_checked(workspace.rules, arrival) for arrival in arrivals]
        items = [item for item in checked if isinstance(item, Item)]
        grown = await Batch(connection, dependencies, workspace).record(items)
        return [item.settled() if isinstance(item, Item) else item for item in checked], grown

    answers, grown = await dependencies.database.write(work)
    if grown:
        await dependencies.bell.ring(viewer.workspace_id)
    return answers


def _checked(policy: RulePolicy, arrival: Arrival) -> Item | DomainError:
    try:
        return check(policy, arrival)
    except DomainError as refusal:
        return refusal


def check(policy: RulePolicy, arrival: Arrival) -> Item:
    """What can be said of a report without looking anything up; raises InvalidInput, NotFound."""
    request = _cleaned(arrival.request)
    if (request.contact_id is None) == (request.identity is None):
        raise InvalidInput("give either contactId or identity", path=("contactId",))
    lane = policy.lane_of(request.kind, request.actor)
    identity = _identity_of(request)
    for name, id in request.references().items():
        require_form(id, PREFIXES[name], name)
    hashed = content_hash(request, lane, identity)
    return Item(
        request, arrival.arrived_at, lane, identity, hashed, contact_id=request.contact_id or ""
    )


def _cleaned(request: RecordInteraction) -> RecordInteraction:
    external_id, text = request.external_id, request.text
    if external_id is not None:
        external_id = clean(external_id, ("externalId",), EXTERNAL_ID_LONGEST)
    if text is not None:
        text = clean(text, ("text",), TEXT_LONGEST, multiline=True) if text.strip() else None
    source = clean(request.source, ("source",), SOURCE_LONGEST)
    return replace(request, source=source, external_id=external_id, text=text)


def _identity_of(request: RecordInteraction) -> Identity | None:
    if request.identity is None:
        return None
    channel, address = request.identity
    try:
        normalised = normalise_address(channel, address)
    except InvalidInput as refusal:
        raise InvalidInput(refusal.message, path=("identity", "address")) from None
    return Identity(channel, normalised.space, normalised.value)


def content_hash(request: RecordInteraction, lane: Lane | None, identity: Identity | None) -> str:
    """What a report says, hashed: equal for two spellings of the same instant or address."""
    said = [
        request.contact_id,
        identity.channel if identity else None,
        identity.address if identity else None,
        request.channel,
        request.kind,
        lane,
        instant_text(request.occurred_at),
        request.text,
        request.campaign_id,
        request.ticket_id,
        request.journey_id,
    ]
    return hashlib.blake2b(json.dumps(said).encode(), digest_size=16).hexdigest()


class Batch:
    """One transaction's reports, resolved and decided in a bounded number of statements."""

    def __init__(
        self, connection: AsyncConnection, dependencies: Dependencies, workspace: WorkspaceSettings
    ) -> None:
        self.connection = connection
        self.dependencies = dependencies
        self.workspace = workspace
        self.policy = workspace.rules

    async def record(self, items: Sequence[Item]) -> bool:
        """Answers every item and writes those that are new; whether the ledger has grown."""
        owners = await self._lock(items)
        # Only now: a report that another process has just recorded is seen under its lock.
        await self._resolve(items)
        fresh = [item for item in items if item.event is not None]
        if not fresh:
            return False
        now = self.dependencies.clock.now()
        await self._place(fresh, owners, now)
        working = WorkingSet(self.connection, self.dependencies, self.workspace, self.policy, now)
        events: dict[str, list[Event]] = {}
        for item in fresh:
            events.setdefault(owners[item.contact_id], []).append(item.new_event)
        await working.load(events)
        for item in fresh:
            owner_id = owners[item.contact_id]
            reason = DebitReason.LATE_INTERACTION
            await working.decide(owner_id, item.new_event, reason, item.arrived_at)
        rows = [self._row(item, owners, working.changes.verdicts) for item in fresh]
        await insert_interactions(self.connection, rows)
        await self._connect(rows)
        return bool(await working.write(known=(row["id"] for row in rows)))

    async def _resolve(self, items: Sequence[Item]) -> None:
        """Answers replays, conflicts and refusals; every item that is left gets its event."""
        missing = await self._missing(items)
        known = await find_known(
            self.connection, self.workspace.id, {item.key for item in items if item.key}
        )
        late: list[Item] = []
        for item in items:
            found = known.get(item.key) if item.key else None
            try:
                item.answer = self._admit(item, missing, found)
            except TooLate as refusal:
                item.answer = refusal
                if found is None:
                    late.append(item)
            except DomainError as refusal:
                item.answer = refusal
                continue
            if item.key and found is None:
                id = item.new_event.id if item.event else ""
                known[item.key] = Known(id, item.content_hash, quarantined=item.event is None)
        await quarantine(self.connection, [self._kept(item) for item in late])

    def _admit(self, item: Item, missing: set[str], found: Known | None) -> Recorded:
        request = item.request
        for name, id in request.references().items():
            if id in missing:
                raise absent(name)
        if found is not None and found.content_hash != item.content_hash:
            raise IdempotencyConflict(
                f"{request.source} has reported {request.external_id} before with another content",
                path=("externalId",),
            )
        if found is not None and not found.quarantined:
            return Recorded(found.id, replayed=True)
        if item.admitted_as is None:
            horizon = self.workspace.acceptance_horizon
            self.policy.require_timely(request.occurred_at, item.arrived_at, horizon)
        id = item.admitted_as or self.dependencies.new_id(Prefix.INTERACTION)
        item.event = make_event(
            self.policy,
            event_id=id,
            occurred_at=request.occurred_at,
            kind=request.kind,
            lane=item.lane,
            channel=request.channel,
            source=request.source,
            external_id=request.external_id,
            content_hash=item.content_hash,
        )
        return Recorded(id, replayed=False)

    async def _missing(self, items: Sequence[Item]) -> set[str]:
        """The ids that the reports name and the workspace does not have."""
        named: dict[str, set[str]] = {}
        for item in items:
            for name, id in item.request.references().items():
                named.setdefault(name, set()).add(id)
        missing: set[str] = set()
        for name, ids in named.items():
            table = REFERENCED[name]
            missing |= ids - await find_existing(self.connection, table, self.workspace.id, ids)
        return missing

    async def _lock(self, items: Sequence[Item]) -> dict[str, str]:
        """Finds the contact of each item, where there is one, and locks it; the root of each."""
        wanted = {item.identity.space_and_address for item in items if item.identity}
        holders = await find_owners(self.connection, self.workspace.id, wanted)
        for item in items:
            if item.identity is not None:
                item.contact_id = holders.get(item.identity.space_and_address, "")
        known = {item.contact_id for item in items if item.contact_id}
        return await lock_roots(self.connection, self.workspace.id, known)

    async def _place(self, fresh: Sequence[Item], owners: dict[str, str], now: datetime) -> None:
        """Makes the contacts that are missing, which adds them to the `owners`."""
        new: dict[tuple[str, str], NewContact] = {}
        seen: dict[Identity, SeenIdentity] = {}
        for item in fresh:
            if item.identity is None:
                continue
            if not item.contact_id:
                made = NewContact(self.dependencies.new_id(Prefix.CONTACT), [item.identity])
                item.contact_id = new.setdefault(item.identity.space_and_address, made).id
                owners[item.contact_id] = item.contact_id
            seen[item.identity] = SeenIdentity(
                item.identity, item.contact_id, owners[item.contact_id]
            )
        await create_contacts(self.connection, self.workspace.id, now, list(new.values()))
        await ensure_identities(self.connection, self.workspace.id, now, list(seen.values()))

    def _row(
        self, item: Item, owners: Mapping[str, str], verdicts: Mapping[str, Verdict]
    ) -> dict[str, Any]:
        request, event = item.request, item.new_event
        return {
            "workspace_id": self.workspace.id,
            "id": event.id,
            "contact_id": item.contact_id,
            "owner_id": owners[item.contact_id],
            "identity_channel": item.identity.channel if item.identity else None,
            "identity_address": item.identity.address if item.identity else None,
            "kind": request.kind,
            "channel": request.channel,
            "actor": item.lane,
            "occurred_at": request.occurred_at,
            "recorded_at": item.arrived_at,
            "position": event.position,
            "source": request.source,
            "external_id": request.external_id,
            "content_hash": item.content_hash,
            "text": request.text,
            "campaign_id": request.campaign_id,
            "journey_id": request.journey_id,
            "ticket_id": request.ticket_id,
            **verdict_columns(verdicts[event.id]),
        }

    def _kept(self, item: Item) -> dict[str, Any]:
        return {
            "workspace_id": self.workspace.id,
            "id": self.dependencies.new_id(Prefix.QUARANTINE),
            "source": item.request.source,
            "external_id": item.request.external_id,
            "content_hash": item.content_hash,
            "occurred_at": item.request.occurred_at,
            "arrived_at": item.arrived_at,
            "request": to_record(item.request),
        }

    async def _connect(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Notes the contacts that a campaign has touched or a journey has taken in."""
        sends = [
            row
            for row in rows
            if row["campaign_id"] and row["kind"] == InteractionKind.CAMPAIGN_SEND
        ]
        await put_touches(self.connection, sends, self.dependencies.new_id)
        steps = [row for row in rows if row["journey_id"]]
        await put_enrollments(self.connection, steps, self.dependencies.new_id)


def to_record(request: RecordInteraction) -> dict[str, str | None]:
    """A report as it is kept in quarantine; `from_record` reads it back."""
    identity = request.identity
    return {
        "channel": request.channel,
        "kind": request.kind,
        "occurredAt": instant_text(request.occurred_at),
        "source": request.source,
        "externalId": request.external_id,
        "contactId": request.contact_id,
        "identityChannel": identity[0] if identity else None,
        "identityAddress": identity[1] if identity else None,
        "actor": request.actor,
        "text": request.text,
        "campaignId": request.campaign_id,
        "ticketId": request.ticket_id,
        "journeyId": request.journey_id,
    }


def from_record(kept: Mapping[str, Any]) -> RecordInteraction:
    """The report that `to_record` wrote down."""
    channel, address = kept["identityChannel"], kept["identityAddress"]
    return RecordInteraction(
        channel=ChannelKind(kept["channel"]),
        kind=InteractionKind(kept["kind"]),
        occurred_at=datetime.fromisoformat(kept["occurredAt"]),
        source=kept["source"],
        external_id=kept["externalId"],
        contact_id=kept["contactId"],
        identity=(ChannelKind(channel), address) if channel else None,
        actor=Lane(kept["actor"]) if kept["actor"] else None,
        text=kept["text"],
        campaign_id=kept["campaignId"],
        ticket_id=kept["ticketId"],
        journey_id=kept["journeyId"],
    )


async def admit_interaction(
    dependencies: Dependencies, viewer: Viewer, quarantine_id: str
) -> Recorded:
    """Records an interaction that waits in quarantine, however old it is; again replays.

    Needs the scope `admin`. Raises NotFound for an unknown id, and what recording raises.
    """
    viewer.require(Scope.ADMIN)
    require_form(quarantine_id, Prefix.QUARANTINE, "quarantineId")

    async def work(connection: AsyncConnection) -> tuple[Answer, bool]:
        workspace = await find_workspace(connection, viewer.workspace_id)
        kept = await find_quarantined(connection, workspace.id, quarantine_id)
        if kept is None:
            raise absent("quarantineId")
        if kept["interaction_id"] is not None:
            return Recorded(kept["interaction_id"], replayed=True), False
        now = dependencies.clock.now()
        item = check(workspace.rules, Arrival(from_record(kept["request"]), now))
        item.admitted_as = dependencies.new_id(Prefix.INTERACTION)
        grown = await Batch(connection, dependencies, workspace).record([item])
        if isinstance(item.answer, Recorded):
            id = item.answer.interaction_id
            await mark_admitted(connection, workspace.id, quarantine_id, now, id)
        return item.settled(), grown

    answer, grown = await dependencies.database.write(work)
    if grown:
        await dependencies.bell.ring(viewer.workspace_id)
    if isinstance(answer, DomainError):
        raise answer
    return answer


async def retract_interaction(
    dependencies: Dependencies, viewer: Viewer, interaction_id: str, reason: str
) -> Recorded:
    """Takes an interaction out of the metering; it stays, with the reason; again replays.

    Needs the scope `admin`. Raises NotFound for an unknown id, InvalidInput for a bad reason.
    """
    viewer.require(Scope.ADMIN)
    said = clean(reason, ("reason",), REASON_LONGEST)
    require_form(interaction_id, Prefix.INTERACTION, "interactionId")

    async def work(connection: AsyncConnection) -> tuple[Recorded, bool]:
        workspace = await find_workspace(connection, viewer.workspace_id)
        found = await find_interaction(connection, workspace.id, interaction_id)
        if found is None:
            raise absent("interactionId")
        owners = await lock_roots(connection, workspace.id, {found["contact_id"]})
        row = await find_interaction(connection, workspace.id, interaction_id)
        if row is None or row["retracted_at"] is not None:
            return Recorded(interaction_id, replayed=True), False
        now = dependencies.clock.now()
        change = replace(judged_of(row).event, retracted=True)
        working = WorkingSet(connection, dependencies, workspace, workspace.rules, now)
        owner_id = owners[row["contact_id"]]
        await working.load({owner_id: [change]})
        await working.decide(owner_id, change, DebitReason.RETRACTION)
        await mark_retracted(connection, workspace.id, interaction_id, now, said)
        return Recorded(interaction_id, replayed=False), bool(await working.write())

    answer, grown = await dependencies.database.write(work)
    if grown:
        await dependencies.bell.ring(viewer.workspace_id)
    return answer
