"""The databases that the other tests stand on: migrated, empty, and nobody else's."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool


async def _run(url: str, statement: str) -> list[tuple[object, ...]]:
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.begin() as connection:
        result = await connection.execute(text(statement))
        rows = [tuple(row) for row in result] if result.returns_rows else []
    await engine.dispose()
    return rows


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_a_test_has_a_migrated_database_of_its_own(database_url: str, turn: str) -> None:
    assert await _run(database_url, "SELECT count(*) FROM workspace") == [(0,)]
    assert await _run(database_url, "SELECT count(*) FROM alembic_version") == [(1,)]

    await _run(database_url, f"CREATE TABLE left_by_a_test AS SELECT '{turn}' AS turn")

    assert await _run(database_url, "SELECT turn FROM left_by_a_test") == [(turn,)]


async def test_postgresql_is_a_real_one(postgresql_url: str) -> None:
    ((version,),) = await _run(postgresql_url, "SHOW server_version_num")

    assert int(str(version)) >= 160000
