"""Journeys: creating them. Who is enrolled follows from the interactions that name a journey."""

from dataclasses import dataclass
from typing import Any

from trenza.domain.access import Verb, Viewer
from trenza.domain.contact import LifecycleStage
from trenza.domain.ids import Prefix
from trenza.domain.text import clean
from trenza.services.activity import note_of
from trenza.services.dependencies import Dependencies
from trenza.storage.bulk import write_all
from trenza.storage.engine import AsyncConnection
from trenza.storage.journey import insert_journey

NAME_LONGEST = 200


@dataclass(frozen=True)
class CreateJourney:
    """An automation to plan, and the stage of the life cycle that it serves."""

    name: str
    stage: LifecycleStage


async def create_journey(dependencies: Dependencies, viewer: Viewer, request: CreateJourney) -> str:
    """Creates a journey and returns its id. Needs the scope `manage`.

    Raises InvalidInput for a bad name.
    """
    viewer.require(Verb.CREATE_JOURNEY)
    journey_id = dependencies.new_id(Prefix.JOURNEY)
    row: dict[str, Any] = {
        "workspace_id": viewer.workspace_id,
        "id": journey_id,
        "name": clean(request.name, ("name",), NAME_LONGEST),
        "stage": request.stage,
        "created_at": dependencies.clock.now(),
    }
    after = {name: row[name] for name in ("name", "stage")}
    note = note_of(
        dependencies, viewer, row["created_at"], Verb.CREATE_JOURNEY, journey_id, None, after
    )

    async def work(connection: AsyncConnection) -> str:
        await insert_journey(connection, row)
        await write_all(connection, viewer.workspace_id, [note])
        return journey_id

    return await dependencies.database.write(work, viewer.workspace_id)
