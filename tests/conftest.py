"""Databases for the tests: real SQLite in a file, real PostgreSQL, both migrated once and copied.

With TRENZA_TEST_POSTGRESQL_URL (postgresql+asyncpg://…, a role that may create databases) the
tests use that server instead of starting one.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.demo_server import running_demo
from tests.postgresql import PostgresqlServer, running_postgresql
from tests.postgresql_shelf import Shelf
from tests.scale import FULL

hypothesis.settings.register_profile("trenza", deadline=None, print_blob=True)
hypothesis.settings.load_profile("trenza")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests out of the quick tier."""
    if FULL:
        return
    long = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The one event loop that Trenza runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
def loaded_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demo that was loaded and has stopped, to be copied."""
    data = tmp_path_factory.mktemp("demo")
    with running_demo(data):
        pass
    (data / "server.log").unlink()
    return data


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server, started by the first test that needs it."""
    given = os.environ.get("TRENZA_TEST_POSTGRESQL_URL")
    if given:
        yield PostgresqlServer(given)
    else:
        with running_postgresql() as server:
            yield server


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: PostgresqlServer) -> Iterator[str]:
    """The name of a database with the newest schema and no rows, to be copied."""
    from trenza.storage.migrate import upgrade

    name = f"trenza_test_{os.getpid()}_template"
    upgrade(postgresql_server.create(name))
    yield name
    postgresql_server.drop(name)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the newest schema and no rows, to be copied."""
    from trenza.storage.migrate import upgrade

    file = tmp_path_factory.mktemp("migrated") / "trenza.sqlite3"
    upgrade(f"sqlite+aiosqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgresql_shelf(
    postgresql_server: PostgresqlServer, migrated_postgresql: str
) -> Iterator[Shelf]:
    """Migrated, empty databases that tests use one after another."""
    shelf = Shelf(postgresql_server, migrated_postgresql)
    yield shelf
    shelf.close()


@pytest.fixture
def postgresql_url(postgresql_server: PostgresqlServer, postgresql_shelf: Shelf) -> Iterator[str]:
    """The URL of a migrated, empty PostgreSQL database of the test's own."""
    name = postgresql_shelf.take()
    yield postgresql_server.url_of(name)
    postgresql_shelf.give_back(name)


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """The URL of a migrated, empty SQLite database of the test's own."""
    return f"sqlite+aiosqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'trenza.sqlite3')}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated, empty database; the test runs once on SQLite, once on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url
