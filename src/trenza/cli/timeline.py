"""The demo company replayed: each step of its timeline through the services, at its own instant.

Interactions are recorded in batches, as a busy server does. Each has its own instant of arrival:
what it writes to the ledger was learned then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from trenza.domain.access import Role, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.consent import ConsentPurpose, ConsentStatus
from trenza.domain.contact import LifecycleStage
from trenza.domain.errors import DomainError, TooLate
from trenza.domain.interaction import InteractionKind, Lane, Language
from trenza.domain.metering.balance import GrantKind
from trenza.domain.ticket import TicketVisibility
from trenza.services.campaign import CreateCampaign, create_campaign
from trenza.services.consent import SetConsent, set_consent
from trenza.services.contact import UpsertContact, upsert_contacts
from trenza.services.dependencies import Dependencies
from trenza.services.do_not_contact import SetDoNotContact, set_do_not_contact
from trenza.services.frequency_cap import SetFrequencyCap, set_frequency_cap
from trenza.services.interaction import Arrival, RecordInteraction, record_interactions
from trenza.services.interactionz import (
    CloseCycle,
    GrantInteractionz,
    close_cycle,
    grant_interactionz,
)
from trenza.services.journey import CreateJourney, create_journey
from trenza.services.merge import MergeContacts, merge_contacts, unmerge_contact
from trenza.services.seat import (
    InviteUser,
    accept_invitation,
    deactivate_user,
    invite_user,
    reactivate_user,
    sign_in,
    sign_out,
)
from trenza.services.ticket import OpenTicket, open_ticket

Line = dict[str, Any]

TOLD_EVERY = 100
BATCH_MAX = 400
BATCH_SPAN = timedelta(days=1)
ON_USERS = {
    "acceptInvitation": accept_invitation,
    "deactivateUser": deactivate_user,
    "reactivateUser": reactivate_user,
    "signIn": sign_in,
    "signOut": sign_out,
}
ON_CONSENT = {"setConsent", "setDoNotContact", "setFrequencyCap"}
UNRELATED = {*ON_USERS, *ON_CONSENT, "openTicket", "createCampaign", "createJourney"}
"""Steps that change nothing for interactions that have arrived before them."""
FIELDS = {
    "firstName": "first_name",
    "lastName": "last_name",
    "language": "language",
    "timeZone": "time_zone",
    "company": "company",
    "city": "city",
    "country": "country",
    "stage": "stage",
    "origin": "origin",
    "department": "department",
    "tags": "tags",
}


@dataclass
class ReplayClock:
    """A clock that stands where the replay has put it."""

    at: datetime

    def now(self) -> datetime:
        """The instant of the step."""
        return self.at


def read_lines(file: Path) -> list[Line]:
    """The objects of a file of JSON lines."""
    return [orjson.loads(line) for line in file.read_bytes().splitlines()]


class Timeline:
    """A replay of the files of a folder into a workspace, relative to the moment of loading."""

    def __init__(
        self,
        folder: Path,
        dependencies: Dependencies,
        clock: ReplayClock,
        viewer: Viewer,
        zone: ZoneInfo,
        loaded_at: datetime,
    ) -> None:
        self.lines = read_lines(folder / "timeline.jsonl")
        self._people = {line["contact"]: line for line in read_lines(folder / "contacts.jsonl")}
        self._dependencies = dependencies
        self._clock = clock
        self._viewer = viewer
        self._zone = zone
        self._loaded_at = loaded_at
        self._ids: dict[tuple[str, str], str] = {}
        self._reports: list[tuple[Line, datetime]] = []
        self._arriving: list[Line] = []

    async def replay(self, tell: Callable[[int, int], None]) -> None:
        """Takes every step, and tells how many were taken, of how many."""
        for number, line in enumerate(self.lines, start=1):
            await self._take(line)
            if number % TOLD_EVERY == 0:
                tell(number, len(self.lines))
        await self._settle()
        tell(len(self.lines), len(self.lines))

    def _instant(self, seconds: float) -> datetime:
        """The instant of an offset of the files, exact to the microsecond."""
        return self._loaded_at + timedelta(microseconds=round(seconds * 1_000_000))

    async def _take(self, line: Line) -> None:
        """Takes a step; reports, and people who arrive, wait for others of their kind."""
        verb, at = line["do"], self._instant(line["arrives"])
        if verb == "upsertContact":
            self._arriving.append(line)
            return
        if verb == "recordInteraction":
            if not self._joins(at):
                await self._settle()
            self._reports.append((line, at))
            return
        if verb in UNRELATED:
            await self._write_contacts()
        else:
            await self._settle()
        self._clock.at = at
        await self._do(verb, line)

    def _joins(self, at: datetime) -> bool:
        """Whether what arrives at an instant belongs to the batch that waits."""
        waiting = self._reports
        return not waiting or (len(waiting) < BATCH_MAX and at - waiting[0][1] <= BATCH_SPAN)

    async def _settle(self) -> None:
        """Does what waits: first the people, whom the reports may be about."""
        await self._write_contacts()
        waiting, self._reports = self._reports, []
        if waiting:
            # Each row is learned when its report arrives: the clock only says when that began.
            self._clock.at = waiting[0][1]
            await self._record([Arrival(self._report(line), at) for line, at in waiting])

    async def _record(self, arrivals: list[Arrival]) -> None:
        """Records reports; those that come too late go to the quarantine, as the story wants."""
        for answer in await record_interactions(self._dependencies, self._viewer, arrivals):
            if isinstance(answer, DomainError) and not isinstance(answer, TooLate):
                raise answer

    async def _write_contacts(self) -> None:
        lines, self._arriving = self._arriving, []
        if not lines:
            return
        self._clock.at = self._instant(lines[0]["arrives"])
        keys = [line["contact"] for line in lines]
        requests = [_person(self._people[key]) for key in keys]
        answers = await upsert_contacts(self._dependencies, self._viewer, requests)
        for key, answer in zip(keys, answers, strict=True):
            if isinstance(answer, DomainError):
                raise answer
            self._ids["contact", key] = answer.contact_id

    def _id(self, noun: str, line: Line, name: str | None = None) -> str | None:
        """The id of what a line names by its key; None where it names nothing of the noun."""
        key = line.get(name or noun)
        return None if key is None else self._ids[noun, key]

    def _report(self, line: Line) -> RecordInteraction:
        identity = line.get("identity")
        return RecordInteraction(
            channel=ChannelKind(line["channel"]),
            kind=InteractionKind(line["kind"]),
            occurred_at=self._instant(line["at"]),
            source=line["source"],
            external_id=line["externalId"],
            contact_id=self._id("contact", line),
            identity=(ChannelKind(identity["channel"]), identity["address"]) if identity else None,
            actor=Lane(line["actor"]) if "actor" in line else None,
            text=line["text"],
            campaign_id=self._id("campaign", line),
            ticket_id=self._id("ticket", line),
            journey_id=self._id("journey", line),
            agent_id=self._id("user", line, "agent"),
        )

    async def _do(self, verb: str, line: Line) -> None:
        """Takes a step that stands by itself."""
        given = self._dependencies, self._viewer
        match verb:
            case "openTicket":
                self._ids["ticket", line["ref"]] = await open_ticket(*given, self._ticket(line))
            case "mergeContacts":
                source, target = line["source"], line["target"]
                ids = self._ids["contact", source], self._ids["contact", target]
                await merge_contacts(*given, MergeContacts(*ids))
            case "unmergeContact":
                await unmerge_contact(*given, self._ids["contact", line["contact"]])
            case "createCampaign":
                campaign = CreateCampaign(
                    line["name"], ChannelKind(line["channel"]), line["objective"]
                )
                self._ids["campaign", line["campaign"]] = await create_campaign(*given, campaign)
            case "createJourney":
                journey = CreateJourney(line["name"], LifecycleStage(line["stage"]))
                self._ids["journey", line["journey"]] = await create_journey(*given, journey)
            case "grantInteractionz":
                await grant_interactionz(*given, self._grant(line))
            case "closeCycle":
                day = self._instant(line["cycleOf"]).astimezone(self._zone).date()
                await close_cycle(*given, CloseCycle(day))
            case "inviteUser":
                invitation = InviteUser(line["email"], line["name"], Role(line["role"]))
                invited = await invite_user(*given, invitation)
                self._ids["user", line["user"]] = invited.user_id
            case "setConsent":
                await set_consent(*given, self._consent(line))
            case "setDoNotContact":
                block = SetDoNotContact(self._ids["contact", line["contact"]], line["reason"])
                await set_do_not_contact(*given, block)
            case "setFrequencyCap":
                purpose = ConsentPurpose(line["purpose"])
                cap = SetFrequencyCap(purpose, line["touchesMax"], line["periodHours"])
                await set_frequency_cap(*given, cap)
            case _:
                await ON_USERS[verb](*given, self._ids["user", line["user"]])

    def _ticket(self, line: Line) -> OpenTicket:
        return OpenTicket(
            contact_id=self._ids["contact", line["contact"]],
            subject=line["subject"],
            visibility=TicketVisibility(line["visibility"]),
            channel=ChannelKind(line["channel"]),
        )

    def _consent(self, line: Line) -> SetConsent:
        days = line.get("expiresAfterDays")
        return SetConsent(
            contact_id=self._ids["contact", line["contact"]],
            purpose=ConsentPurpose(line["purpose"]),
            status=ConsentStatus(line["status"]),
            channel=ChannelKind(line["channel"]),
            source=line["source"],
            evidence=line["evidence"],
            expires_at=None if days is None else self._clock.at + timedelta(days=days),
        )

    def _grant(self, line: Line) -> GrantInteractionz:
        return GrantInteractionz(
            kind=GrantKind(line["kind"]),
            amount=line["amount"],
            expires_at=self._clock.at + timedelta(days=line["expiresAfterDays"]),
            priority=line["priority"],
            note=line["note"],
        )


def _person(line: Line) -> UpsertContact:
    """A contact of the files, with those of its fields that they give."""
    fields = {column: line[name] for name, column in FIELDS.items() if name in line}
    if "language" in fields:
        fields["language"] = Language(fields["language"])
    if "stage" in fields:
        fields["stage"] = LifecycleStage(fields["stage"])
    fields["custom_fields"] = list(line.get("customFields", {}).items())
    identities = [(ChannelKind(each["channel"]), each["address"]) for each in line["identities"]]
    return UpsertContact(identities=identities, **fields)
