"""The quarantine: reports that came too late to be taken by themselves, until they are admitted."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from trenza.domain.access import Verb, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.errors import Conflict, DomainError
from trenza.domain.ids import Prefix
from trenza.domain.instant import instant_text
from trenza.domain.interaction import InteractionKind, Lane
from trenza.services.activity import note_of
from trenza.services.batch import Batch
from trenza.services.dependencies import Dependencies
from trenza.services.reference import absent, require_form
from trenza.services.report import Answer, Arrival, Recorded, RecordInteraction, Report, check
from trenza.storage.bulk import write_all
from trenza.storage.claim import ClaimLock
from trenza.storage.engine import AsyncConnection
from trenza.storage.interaction import find_quarantined, mark_admitted, quarantine


async def keep_late(
    connection: AsyncConnection,
    dependencies: Dependencies,
    workspace_id: str,
    reports: Sequence[Report],
) -> None:
    """Keeps reports that were refused for being too late."""
    rows = [
        {
            "workspace_id": workspace_id,
            "id": dependencies.new_id(Prefix.QUARANTINE),
            "source": report.request.source,
            "external_id": report.request.external_id,
            "content_hash": report.content_hash,
            "occurred_at": report.request.occurred_at,
            "arrived_at": report.arrived_at,
            "request": to_record(report.request),
        }
        for report in reports
    ]
    await quarantine(connection, rows)


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
        "agentId": request.agent_id,
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
        agent_id=kept.get("agentId"),
    )


async def admit_interaction(
    dependencies: Dependencies, viewer: Viewer, quarantine_id: str
) -> Recorded:
    """Records an interaction that waits in quarantine, however old it is; again replays.

    Needs the scope `admin`. Raises NotFound for an unknown id, Conflict where nothing is left of
    what was reported, and what recording raises.
    """
    viewer.require(Verb.ADMIT_INTERACTION)
    require_form(quarantine_id, Prefix.QUARANTINE, "quarantineId")
    claims = ClaimLock()

    async def work(connection: AsyncConnection) -> tuple[Answer, bool]:
        workspace_id = viewer.workspace_id
        kept = await find_quarantined(connection, workspace_id, quarantine_id)
        if kept is None:
            raise absent("quarantineId")
        if kept["interaction_id"] is not None:
            return Recorded(kept["interaction_id"], replayed=True), False
        if kept["erased_at"] is not None:
            raise Conflict("what was reported is erased", path=("quarantineId",))
        now = dependencies.clock.now()
        report = Report.of(check(Arrival(from_record(kept["request"]), now)))
        report.admitted_as = dependencies.new_id(Prefix.INTERACTION)
        grown = await Batch(connection, dependencies, workspace_id, [report], claims).record()
        if isinstance(report.answer, Recorded):
            id = report.answer.interaction_id
            await mark_admitted(connection, workspace_id, quarantine_id, now, id)
            after = {"quarantineId": quarantine_id}
            note = note_of(dependencies, viewer, now, Verb.ADMIT_INTERACTION, id, None, after)
            await write_all(connection, workspace_id, [note])
        return report.settled(), grown

    answer, grown = await dependencies.database.write(work, viewer.workspace_id, claims)
    if grown:
        await dependencies.bell.ring(viewer.workspace_id)
    if isinstance(answer, DomainError):
        raise answer
    return answer
