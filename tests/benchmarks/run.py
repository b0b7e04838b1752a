"""A whole run: a world, the databases that hold it, the contests on each, the tables."""

import tempfile
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from tests.benchmarks import grouping, reading, recording
from tests.benchmarks.contests import Contest, Contestants
from tests.benchmarks.fill import Filled, fill
from tests.benchmarks.measure import Measured, measure
from tests.benchmarks.report import say, table, versions
from tests.benchmarks.sinks import postgresql_sink, sqlite_sink
from tests.benchmarks.stages import Stage, keep_checkpoints, on_postgresql, on_sqlite, url_of
from tests.benchmarks.world import World
from tests.postgresql import PostgresqlServer, running_postgresql
from trenza.storage.migrate import upgrade

CONTESTS = ("Q1", "Q2", "Q3", "S", "M1", "M2")
DATABASES = ("postgresql", "sqlite")
BESIDE = ("plan-off", "bypassing", "postgraphile")
"""Whom a run can do without."""
POSTGRESQL_DATABASE = "trenza_benchmark"
# As it runs in earnest: what was committed is on the disk, and the world fits the cache.
IN_EARNEST = {
    "max_connections": "200",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
}


@dataclass(frozen=True)
class Plan:
    """How much to measure, of what, on what.

    `connections` are those of every contest instead of its own; `postgresql` is a server to use
    instead of one of its own.
    """

    scale: float
    seed: int
    seconds: float
    rounds: int
    only: Sequence[str] = CONTESTS
    databases: Sequence[str] = DATABASES
    without: Sequence[str] = ()
    connections: Sequence[int] | None = None
    postgresql: PostgresqlServer | None = None


def run(plan: Plan) -> str:
    """Measures what the plan says and returns the tables; raises DifferentDataError."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)  # noqa: TID251
    world = World(plan.scale, plan.seed, midnight)
    told: list[str] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trenza-bench-")))
        urls = {name: _database(name, plan, folder, stack) for name in plan.databases}
        say(f"loading {world.contacts:,} contacts into {' and '.join(urls)}")
        filled = uvloop.run(_load(list(urls.values()), world))
        for name, url in urls.items():
            keep_checkpoints(url)
            told.append(uvloop.run(_compete(plan, name, url, folder, world, filled)))
        rows = ", ".join(f"{count:,} {name}" for name, count in filled.counts.items())
    return "\n\n".join([*told, f"seed {plan.seed}, scale {plan.scale:g}: {rows}"])


def _database(name: str, plan: Plan, folder: Path, stack: ExitStack) -> str:
    """The URL of an empty, migrated database, which is gone with the stack."""
    if name == "sqlite":
        url = url_of(folder / "trenza.db")
    else:
        given = plan.postgresql
        started = nullcontext(given) if given else running_postgresql(IN_EARNEST)
        server = stack.enter_context(started)
        stack.callback(server.drop, POSTGRESQL_DATABASE)
        url = server.create(POSTGRESQL_DATABASE)
    upgrade(url)
    return url


def _file_of(url: str) -> Path:
    return Path(url.partition(":///")[2])


async def _load(urls: Sequence[str], world: World) -> Filled:
    async with AsyncExitStack() as stack:
        sinks = [
            await stack.enter_async_context(
                sqlite_sink(str(_file_of(url)))
                if url.startswith("sqlite")
                else postgresql_sink(url.replace("+asyncpg", "", 1))
            )
            for url in urls
        ]
        return await fill(sinks, world)


async def _compete(
    plan: Plan, name: str, url: str, folder: Path, world: World, filled: Filled
) -> str:
    """The table of one database."""
    stage_of: AbstractAsyncContextManager[Stage]
    plan_off = "plan-off" not in plan.without
    if name == "sqlite":
        stage_of = on_sqlite(_file_of(url), folder, world, filled, plan_off=plan_off)
    else:
        beside = {name for name in BESIDE if name not in plan.without}
        stage_of = on_postgresql(url, folder, world, filled, beside=beside)
    measured: list[Measured] = []
    async with stage_of as stage:
        for contest in await _contests(stage.them, plan.only):
            say(f"{stage.title}: {contest.name} {contest.title}")
            connections = plan.connections or contest.connections
            measured += await measure(
                contest, connections, plan.seconds, plan.rounds, stage.database_cpu
            )
        return f"{table(stage.title, measured)}\n\n{versions(**stage.versions)}"


async def _contests(them: Contestants, wanted: Sequence[str]) -> list[Contest]:
    """The contests that are wanted, each found fair; what writes comes last."""
    found: list[Contest] = []
    if "Q1" in wanted:
        found.append(await reading.contact_360(them))
    if "Q2" in wanted:
        found.append(await reading.contacts(them))
    if "Q3" in wanted:
        found += await reading.balances(them)
    if "S" in wanted:
        found += await grouping.segments(them)
    if "M1" in wanted:
        found.append(await recording.record(them))
    if "M2" in wanted:
        found.append(await recording.record_batches(them))
    return found
