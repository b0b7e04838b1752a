"""Campaigns: creating them. Whom a campaign touched follows from its recorded sends."""

from dataclasses import dataclass
from typing import Any

from trenza.domain.access import Verb, Viewer
from trenza.domain.channel import CHANNELS, ChannelKind
from trenza.domain.errors import InvalidInput
from trenza.domain.ids import Prefix
from trenza.domain.text import clean
from trenza.services.activity import note_of
from trenza.services.dependencies import Dependencies
from trenza.storage.bulk import write_all
from trenza.storage.campaign import insert_campaign
from trenza.storage.engine import AsyncConnection

NAME_LONGEST = 200
OBJECTIVE_LONGEST = 1000


@dataclass(frozen=True)
class CreateCampaign:
    """A mass send to plan."""

    name: str
    channel: ChannelKind
    objective: str | None = None


async def create_campaign(
    dependencies: Dependencies, viewer: Viewer, request: CreateCampaign
) -> str:
    """Creates a campaign and returns its id. Needs the scope `manage`.

    Raises InvalidInput for a bad text, and for a channel on which no mass send can be made.
    """
    viewer.require(Verb.CREATE_CAMPAIGN)
    name = clean(request.name, ("name",), NAME_LONGEST)
    objective = request.objective
    if objective is not None:
        objective = clean(objective, ("objective",), OBJECTIVE_LONGEST, multiline=True)
    if not CHANNELS[request.channel].mass_send:
        able = ", ".join(kind for kind, traits in CHANNELS.items() if traits.mass_send)
        raise InvalidInput(
            f"{request.channel} has no mass sends; {able} have them", path=("channel",)
        )
    campaign_id = dependencies.new_id(Prefix.CAMPAIGN)
    row: dict[str, Any] = {
        "workspace_id": viewer.workspace_id,
        "id": campaign_id,
        "name": name,
        "objective": objective,
        "channel": request.channel,
        "created_at": dependencies.clock.now(),
    }
    after = {name: row[name] for name in ("name", "objective", "channel")}
    note = note_of(
        dependencies, viewer, row["created_at"], Verb.CREATE_CAMPAIGN, campaign_id, None, after
    )

    async def work(connection: AsyncConnection) -> str:
        await insert_campaign(connection, row)
        await write_all(connection, viewer.workspace_id, [note])
        return campaign_id

    return await dependencies.database.write(work, viewer.workspace_id)
