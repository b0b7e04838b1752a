"""A workspace of its own for each test, on a database that real server processes serve."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.processes import ServerProcess, running_server
from tests.world import Tenant, World, a_world
from trenza.app import SystemClock
from trenza.services.dependencies import Dependencies

Serve = Callable[..., ServerProcess]


@dataclass
class House:
    """A workspace with an admin's key, and this process's own view of its database."""

    database_url: str
    world: World
    tenant: Tenant
    key: str

    @property
    def dependencies(self) -> Dependencies:
        """What reads the database beside the servers."""
        return self.world.parts.dependencies


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    """A workspace whose running cycle began 25 days ago and ends days ahead."""
    now = SystemClock().now()
    async with a_world(database_url, now) as world:
        anchor_day = (now - timedelta(days=25)).day
        tenant = await world.tenant(zone="UTC", interactionz=500, anchor_day=anchor_day)
        key, _ = await tenant.key()
        yield House(database_url, world, tenant, key)


@pytest.fixture
def serve(database_url: str, tmp_path: Path) -> Iterator[Serve]:
    """Starts servers on the test's database, which are gone after it."""
    with ExitStack() as servers:

        def start(**settings: str) -> ServerProcess:
            log = tmp_path / f"server-{len(list(tmp_path.glob('server-*')))}.log"
            return servers.enter_context(running_server(database_url, log, **settings))

        yield start
