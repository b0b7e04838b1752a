"""One transaction's reports: resolved, decided and written in a bounded number of statements."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from trenza.domain.errors import DomainError, IdempotencyConflict, TooLate
from trenza.domain.ids import Prefix
from trenza.domain.interaction import InteractionKind
from trenza.domain.metering.fold import Event, Verdict, make_event
from trenza.domain.metering.ledger import DebitReason
from trenza.services.dependencies import Dependencies
from trenza.services.opt_out import revoking
from trenza.services.recut import WorkingSet
from trenza.services.reference import absent, erased
from trenza.services.report import Recorded, Report
from trenza.services.skeleton import hash_content, hash_id
from trenza.storage.bulk import Writing, ask, write_all
from trenza.storage.campaign import CAMPAIGN, touching
from trenza.storage.claim import ClaimLock, NotAloneError
from trenza.storage.contact import (
    LOCKED_CONTACTS,
    Identity,
    NewContact,
    SeenIdentity,
    creating,
    locked_contacts_of,
    meeting,
    settled_roots,
)
from trenza.storage.engine import AsyncConnection
from trenza.storage.interaction import (
    KNOWN,
    NEW_INTERACTIONS,
    Known,
    existing_in,
    find_known,
    known_of,
    verdict_columns,
)
from trenza.storage.journey import JOURNEY, enrolling
from trenza.storage.seat import USER
from trenza.storage.ticket import TICKET
from trenza.storage.workspace import ASKED_SECRET, ASKED_SETTINGS, WorkspaceSettings, workspace_of

REFERENCED = {"campaignId": CAMPAIGN, "ticketId": TICKET, "journeyId": JOURNEY, "agentId": USER}


class Batch:
    """The reports that one transaction decides on.

    Afterwards every report has its answer; `late` are those that the quarantine is to keep.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        dependencies: Dependencies,
        workspace_id: str,
        reports: Sequence[Report],
        claims: ClaimLock,
    ) -> None:
        self.late: list[Report] = []
        self._claims = claims
        self._connection = connection
        self._dependencies = dependencies
        self._workspace_id = workspace_id
        self._reports = reports
        self._roots: dict[str, str] = {}
        self._erased: Collection[str] = ()
        self._secret: str | None = None
        self._met: Collection[Identity] = ()

    async def record(self) -> bool:
        """Answers every report and writes those that are new; whether the ledger has grown.

        Raises NotAloneError, before anything is written, where others may take one of the ids that
        the quarantine is to keep: the two tables have no unique key in common.
        """
        if not self._reports:
            return False
        workspace, missing = await self._lock()
        now = self._dependencies.clock.now()
        working = WorkingSet(self._connection, self._dependencies, workspace, now)
        # Only now: a report that another process has just recorded is seen under its lock.
        fresh = await self._resolve(missing, working)
        if not self._claims.alone and any(report.key for report in self.late):
            raise NotAloneError
        if not fresh:
            return False
        writings = self._place(fresh, working, now)
        for report in fresh:
            owner_id, event = self._roots[report.contact_id], report.new_event
            reason = DebitReason.LATE_INTERACTION
            await working.decide(owner_id, event, reason, report.arrived_at)
        verdicts = working.changes.verdicts
        rows = [self._row(report, verdicts[report.new_event.id]) for report in fresh]
        writings += [(NEW_INTERACTIONS, rows), *self._connections(rows)]
        writings += await revoking(self._connection, self._dependencies, workspace, now, rows)
        writings += working.writings(known=[row["id"] for row in rows])
        await write_all(self._connection, self._workspace_id, writings)
        return bool(await working.append(first=True))

    async def _lock(self) -> tuple[WorkspaceSettings, set[str]]:
        """Finds the contact of each report and locks its root.

        The workspace's settings, and the ids in reports that nobody has.
        """
        reports, workspace_id = self._reports, self._workspace_id
        identities = {each.identity for each in reports if each.identity}
        named: dict[str, set[str]] = {name: set() for name in ("contactId", *REFERENCED)}
        for report in reports:
            for name, id in report.references.items():
                named[name].add(id)
        contact_ids = named.pop("contactId")
        settings, found, *existing = await ask(
            self._connection,
            ASKED_SETTINGS.of(workspace_id),
            LOCKED_CONTACTS.of(workspace_id, sorted(identities), _cells(contact_ids)),
            *(
                existing_in(REFERENCED[name]).of(workspace_id, _cells(ids))
                for name, ids in named.items()
            ),
        )
        locked = locked_contacts_of(found)
        self._roots, self._erased = await settled_roots(self._connection, workspace_id, locked)
        # An address of a person that was erased while the lock was waited for is nobody's.
        holders = {address: id for address, id in locked.holders.items() if not self._is_erased(id)}
        self._met = {each for each in locked.met if each.space_and_address in holders}
        for report in reports:
            if report.identity is not None:
                report.contact_id = holders.get(report.identity.space_and_address, "")
        missing = contact_ids.difference(self._roots)
        for ids, rows in zip(named.values(), existing, strict=True):
            missing |= ids.difference(id for (id,) in rows)
        return workspace_of(settings), missing

    def _is_erased(self, contact_id: str) -> bool:
        return self._roots[contact_id] in self._erased

    def _is_erased_contact(self, report: Report) -> bool:
        return bool(report.contact_id) and self._is_erased(report.contact_id)

    async def _resolve(self, missing: set[str], working: WorkingSet) -> list[Report]:
        """Answers replays, conflicts and refusals, and loads what the new ones can touch."""
        events: dict[str, list[Event]] = {}
        for report in self._reports:
            self._propose(report, working.workspace, missing)
            if report.event is not None and report.contact_id:
                events.setdefault(self._roots[report.contact_id], []).append(report.event)
        keys = {each.key for each in self._reports if each.key is not None}
        self._secret = working.workspace.erasure_secret
        asked = [
            KNOWN.of(self._workspace_id, sorted(keys | self._hashed(keys).keys())),
            *working.questions(events),
        ]
        if self._secret is None:
            # The first erasure of the workspace may have come after its settings were read.
            asked.append(ASKED_SECRET.of(self._workspace_id))
        rows, sessions, judged, *secrets = await ask(self._connection, *asked)
        working.learn(sessions, judged)
        known = known_of(rows)
        if secrets and secrets[0][0][0] is not None:
            self._secret = secrets[0][0][0]
            hashed = sorted(self._hashed(keys))
            known |= await find_known(self._connection, self._workspace_id, hashed)
        for hashed_key, key in self._hashed(keys).items():
            if hashed_key in known:
                known[key] = known[hashed_key]
        return [report for report in self._reports if self._is_fresh(report, known)]

    def _hashed(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, str]]:
        """The keys under which skeletons of reports are known, with the keys of the reports."""
        if self._secret is None:
            return {}
        return {(source, hash_id(self._secret, id)): (source, id) for source, id in keys}

    def _propose(self, report: Report, workspace: WorkspaceSettings, missing: set[str]) -> None:
        """Gives a report its event, or what refuses it."""
        request, policy = report.request, workspace.rules
        report.judge(policy)
        if report.answer is not None:
            return
        for name, id in report.references.items():
            if id in missing:
                report.answer = absent(name)
                return
        if self._is_erased_contact(report):
            report.refusal = erased("contactId")
            return
        if report.admitted_as is None:
            horizon = workspace.acceptance_horizon
            try:
                policy.require_timely(request.occurred_at, report.arrived_at, horizon)
            except DomainError as refusal:
                report.refusal = refusal
                return
        report.event = make_event(
            policy,
            event_id=report.admitted_as or self._dependencies.new_id(Prefix.INTERACTION),
            occurred_at=request.occurred_at,
            kind=request.kind,
            lane=report.lane,
            channel=request.channel,
            source=request.source,
            external_id=request.external_id,
            content_hash=report.content_hash,
        )

    def _is_fresh(self, report: Report, known: dict[tuple[str, str], Known]) -> bool:
        """Answers a report, given what is known under the ids of reports, which it joins."""
        if report.answer is not None:
            return False
        found = known.get(report.key) if report.key else None
        if found is not None and not self._says(found, report):
            request = report.request
            report.answer = IdempotencyConflict(
                f"{request.source} has reported {request.external_id} before with another content",
                path=("externalId",),
            )
            return False
        if found is not None and not found.quarantined:
            report.answer = Recorded(found.id, replayed=True)
            return False
        if report.refusal is not None:
            report.answer = report.refusal
            if found is None and isinstance(report.refusal, TooLate):
                self.late.append(report)
                if report.key:
                    known[report.key] = Known("", report.content_hash, quarantined=True)
            return False
        id = report.new_event.id
        report.answer = Recorded(id, replayed=False)
        if report.key:
            known[report.key] = Known(id, report.content_hash, quarantined=False)
        return True

    def _says(self, known: Known, report: Report) -> bool:
        """Whether what is known is what a report says."""
        said, secret = report.content_hash, self._secret
        return known.content_hash == said or (
            secret is not None and known.content_hash == hash_content(secret, said)
        )

    def _place(self, fresh: Sequence[Report], working: WorkingSet, now: datetime) -> list[Writing]:
        """Makes the contacts that are missing, and notes by which identities they were met."""
        new: dict[tuple[str, str], NewContact] = {}
        seen: dict[Identity, SeenIdentity] = {}
        for report in fresh:
            identity = report.identity
            if identity is None:
                continue
            if not report.contact_id:
                made = new.get(identity.space_and_address)
                if made is None:
                    made = NewContact(self._dependencies.new_id(Prefix.CONTACT), [identity])
                    new[identity.space_and_address] = made
                    self._roots[made.id] = made.id
                    working.begin(made.id)
                report.contact_id = made.id
            root_id = self._roots[report.contact_id]
            if identity not in self._met:
                seen[identity] = SeenIdentity(identity, report.contact_id, root_id)
        return [*creating(now, list(new.values())), meeting(now, list(seen.values()))]

    def _row(self, report: Report, verdict: Verdict) -> dict[str, Any]:
        request, event, identity = report.request, report.new_event, report.identity
        return {
            "id": event.id,
            "contact_id": report.contact_id,
            "owner_id": self._roots[report.contact_id],
            "identity_channel": identity.channel if identity else None,
            "identity_address": identity.address if identity else None,
            "kind": request.kind,
            "channel": request.channel,
            "actor": report.lane,
            "occurred_at": request.occurred_at,
            "recorded_at": report.arrived_at,
            "position": event.position,
            "source": request.source,
            "external_id": request.external_id,
            "content_hash": report.content_hash,
            "text": request.text,
            "campaign_id": request.campaign_id,
            "journey_id": request.journey_id,
            "ticket_id": request.ticket_id,
            "agent_id": request.agent_id,
            **verdict_columns(verdict),
        }

    def _connections(self, rows: Sequence[Mapping[str, Any]]) -> Iterable[Writing]:
        """The contacts that a campaign has touched or a journey has taken in."""
        new_id = self._dependencies.new_id
        send = InteractionKind.CAMPAIGN_SEND
        yield touching((row for row in rows if row["campaign_id"] and row["kind"] is send), new_id)
        yield enrolling((row for row in rows if row["journey_id"]), new_id)


def _cells(ids: Iterable[str]) -> list[tuple[str]]:
    return [(id,) for id in sorted(ids)]
