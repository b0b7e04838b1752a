"""The benchmark runs from end to end; how fast anything is, is not asked here."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvloop

from tests.benchmarks.answers import DifferentDataError, require_same
from tests.benchmarks.fill import Filled, fill
from tests.benchmarks.run import BESIDE, CONTESTS, Plan, run
from tests.benchmarks.sinks import postgresql_sink, sqlite_sink
from tests.benchmarks.world import Tenant, World
from tests.postgresql import PostgresqlServer
from trenza.cli.opened import on_database
from trenza.services.dependencies import Dependencies
from trenza.services.verify import Difference, verify_ledger
from trenza.settings import load_settings

WORLD = World(scale=0.001, seed=7, ends_at=datetime(2026, 11, 20, tzinfo=UTC))


def sqlite_file_of(url: str) -> Path:
    return Path(url.partition(":///")[2])


async def load(url: str) -> Filled:
    if url.startswith("sqlite"):
        sink_of = sqlite_sink(str(sqlite_file_of(url)))
    else:
        sink_of = postgresql_sink(url.replace("+asyncpg", "", 1))
    async with sink_of as sink:
        return await fill([sink], WORLD)


def test_every_contest_is_run_on_both_databases(postgresql_server: PostgresqlServer) -> None:
    plan = Plan(
        scale=0.001,
        seed=1,
        seconds=0.05,
        rounds=1,
        without=BESIDE,
        connections=(1,),
        postgresql=postgresql_server,
    )

    told = run(plan)

    for contest in (*CONTESTS, "S1", "S2"):
        times = {"Q3": 4, "S": 0}.get(contest, 2)
        assert told.count(f"| {contest} ") == times, told
    assert told.count("| written by hand ") == 2 * 5
    assert "PostgreSQL 1" in told


def test_the_world_is_what_its_books_say(database_url: str) -> None:
    async def verify(dependencies: Dependencies) -> list[list[Difference]]:
        ids = [WORLD.workspace_ids[tenant] for tenant in (Tenant.MAIN, Tenant.OTHER)]
        return [await verify_ledger(dependencies, id_) for id_ in ids]

    filled = uvloop.run(load(database_url))

    assert filled.counts["interaction"] > 800
    assert on_database(load_settings(database=database_url), verify) == [[], []]


def test_a_seed_makes_the_same_world_again(sqlite_url: str, tmp_path: Path) -> None:
    again = tmp_path / "again.db"
    again.write_bytes(sqlite_file_of(sqlite_url).read_bytes())

    first = uvloop.run(load(sqlite_url))
    second = uvloop.run(load(f"sqlite+aiosqlite:///{again}"))

    assert first == second
    dumps = []
    for file in (sqlite_file_of(sqlite_url), again):
        with closing(sqlite3.connect(file)) as connection:
            dumps.append(list(connection.iterdump()))
    assert dumps[0] == dumps[1]
    assert sum('INSERT INTO "interaction"' in line for line in dumps[0]) > 500


def test_answers_that_are_not_the_same_data_stop_the_run() -> None:
    by_trenza = {"interactions": {"nodes": [{"id": "int_1", "verdict": {"outcome": "FREE"}}]}}
    by_hand = {"interactions": [{"outcome": "CHARGED", "id": "int_1"}]}

    with pytest.raises(DifferentDataError, match="Q1 is not the same data") as raised:
        require_same("Q1", {"Trenza": by_trenza, "by hand": by_hand})

    assert '-      "outcome": "FREE"' in str(raised.value)
    assert '+      "outcome": "CHARGED"' in str(raised.value)
