"""A database as it was before a migration, for the tests of what the migration keeps."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command

from tests.postgresql import PostgresqlServer
from trenza.storage.migrate import config_of


@pytest.fixture(params=["sqlite", "postgresql"])
def url_before(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without rows at the revision that the test's module calls `BEFORE`."""
    before: str = request.module.BEFORE
    server: PostgresqlServer | None = None
    name = f"trenza_test_{os.getpid()}_at_{before}"
    url = f"sqlite+aiosqlite:///{tmp_path / 'before.db'}"
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        url = server.create(name)
    command.upgrade(config_of(url), before)
    yield url
    if server is not None:
        server.drop(name)
