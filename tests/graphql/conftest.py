"""Worlds for the tests of the API: an empty one for each test, on both databases."""

from collections.abc import AsyncIterator

import pytest

from tests.world import World, a_world


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """A running app on an empty database; the test runs on SQLite and on PostgreSQL."""
    async with a_world(database_url) as world:
        yield world
