"""The settings of a workspace, remembered for a moment."""

import pytest
from sqlalchemy import update

from tests.world import World, a_world
from trenza import storage
from trenza.domain.errors import NotFound


async def rename(world: World, workspace_id: str, zone: str) -> None:
    async def work(connection: object) -> None:
        table = storage.Workspace.__table__
        statement = update(table).where(table.c.workspace_id == workspace_id).values(zone=zone)
        await connection.execute(statement)  # type: ignore[attr-defined]

    await world.parts.dependencies.database.write(work, workspace_id)


async def test_settings_are_read_again_after_two_seconds(database_url: str) -> None:
    async with a_world(database_url) as world:
        tenant = await world.tenant(zone="America/Bogota")
        memory = world.parts.memory
        first = await memory.settings_of(tenant.id)
        await rename(world, tenant.id, "America/Lima")

        world.clock.advance(seconds=1.9)
        soon = await memory.settings_of(tenant.id)
        world.clock.advance(seconds=0.1)
        later = await memory.settings_of(tenant.id)

        assert soon is first
        assert str(first.zone) == "America/Bogota"
        assert str(later.zone) == "America/Lima"


async def test_a_workspace_that_is_not_there_is_not_remembered(sqlite_url: str) -> None:
    async with a_world(sqlite_url) as world:
        for _ in range(2):
            with pytest.raises(NotFound):
                await world.parts.memory.settings_of("ws_00000000000000000000000000")
