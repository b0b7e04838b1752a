"""A database with the world in it and the servers on it: the stage of the contests."""

import secrets
import sqlite3
import subprocess
import sys
from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import make_url

from tests.benchmarks.contests import Contestants
from tests.benchmarks.cpu import cpu_seconds_of, parent_of
from tests.benchmarks.fill import Filled
from tests.benchmarks.measure import DatabaseCpu
from tests.benchmarks.reference import postgraphile
from tests.benchmarks.reference.postgresql_statements import (
    PREPARED_FOR_POSTGRAPHILE,
    RECORD_FUNCTION,
)
from tests.benchmarks.servers import ROOT, Server, reference, running, trenza
from tests.benchmarks.world import Tenant, World
from trenza.cli.ledger import ledger
from trenza.settings import load_settings

QUIET = {"TRENZA_LOG_LEVEL": "warning"}
"""The hand-written servers write no log of requests either."""
PLAN_OFF = {"TRENZA_READ_PLAN": "off"}
GROWING = ("contact", "contact_identity", "interaction", "interactionz_session", "ledger_entry")
ANY_QUERY = "/graphql?query=%7B__typename%7D"
BYPASSER = "trenza_bypassing"
BYPASSING = f"""
DO $$ BEGIN CREATE ROLE {BYPASSER} LOGIN BYPASSRLS; EXCEPTION WHEN duplicate_object THEN END $$;
GRANT ALL ON ALL TABLES IN SCHEMA public TO {BYPASSER}
"""
"""Makes a user whom no policy holds for, and who cannot act as the role that serves."""
CHECKPOINT = "checkpoint"
"""The verb of `trenza ledger` that makes anew what the server keeps beside the ledger."""


@dataclass(frozen=True)
class Stage:
    """Who meets on a database, and how to tell what the database uses of the processor."""

    title: str
    them: Contestants
    database_cpu: DatabaseCpu
    versions: dict[str, str]


def keep_checkpoints(database_url: str) -> None:
    """Has Trenza keep of a loaded ledger what it would have kept had it written it itself."""
    if CHECKPOINT in ledger.commands:
        command = [sys.executable, "-m", "trenza.cli", "ledger", CHECKPOINT]
        subprocess.run([*command, "--database", database_url], cwd=ROOT, check=True)


@asynccontextmanager
async def on_postgresql(
    url: str, folder: Path, world: World, filled: Filled, *, beside: Collection[str]
) -> AsyncGenerator[Stage, None]:
    """The servers on a PostgreSQL database, which the world was loaded into."""
    dsn = url.replace("+asyncpg", "", 1)
    tenants = [world.workspace_ids[tenant] for tenant in (Tenant.MAIN, Tenant.OTHER)]
    async with AsyncExitStack() as stack:
        connection: Any = await asyncpg.connect(dsn)
        stack.push_async_callback(connection.close)
        await connection.execute(RECORD_FUNCTION)
        await connection.execute(PREPARED_FOR_POSTGRAPHILE)
        cluster = parent_of(await connection.fetchval("SELECT pg_backend_pid()"))
        version = (await connection.fetchval("SHOW server_version")).split()[0]

        async def count_rows(tenant: Tenant) -> dict[str, int]:
            return {
                table: await connection.fetchval(
                    _counting(table, "$1"), world.workspace_ids[tenant]
                )
                for table in GROWING
            }

        versions = {"PostgreSQL": version}
        graphile: Server | None = None
        node = postgraphile.find_node() if "postgraphile" in beside else None
        if node is not None:
            postgraphile.install(node)
            size = load_settings().pool_size
            words = postgraphile.command(node, dsn, size)
            log = folder / "postgraphile.log"
            serving = running("PostGraphile", words, log, postgraphile.PRODUCTION)
            graphile = stack.enter_context(serving)
            graphile.require_ready()
            versions |= {"node": postgraphile.version_of(node)}
            versions |= {"postgraphile": postgraphile.version()}
        bypassing: Server | None = None
        if "bypassing" in beside:
            await connection.execute(BYPASSING)
            words = trenza(str(make_url(url).set(username=BYPASSER).render_as_string(False)))
            log = folder / "bypassing.log"
            bypassing = stack.enter_context(running("Trenza, no policies", words, log, QUIET))
            bypassing.require_ready()
        by_hand = reference("postgresql", dsn, *tenants)
        them = Contestants(
            world=world,
            filled=filled,
            run=secrets.token_hex(4),
            count_rows=count_rows,
            **_servers(stack, url, folder, by_hand, plan_off="plan-off" in beside),
            postgraphile=graphile,
            bypassing=bypassing,
        )
        yield Stage("PostgreSQL", them, lambda: cpu_seconds_of(cluster), versions)


@asynccontextmanager
async def on_sqlite(
    file: Path, folder: Path, world: World, filled: Filled, *, plan_off: bool
) -> AsyncGenerator[Stage, None]:
    """The servers on a SQLite file, which the world was loaded into."""
    tenants = [world.workspace_ids[tenant] for tenant in (Tenant.MAIN, Tenant.OTHER)]

    async def count_rows(tenant: Tenant) -> dict[str, int]:
        with closing(sqlite3.connect(file)) as connection:
            of_workspace = (world.workspace_ids[tenant],)
            counted = (
                (table, connection.execute(_counting(table, "?"), of_workspace).fetchone()[0])
                for table in GROWING
            )
            return dict(counted)

    by_hand = reference("sqlite", str(file), *tenants)
    async with AsyncExitStack() as stack:
        them = Contestants(
            world=world,
            filled=filled,
            run=secrets.token_hex(4),
            count_rows=count_rows,
            **_servers(stack, url_of(file), folder, by_hand, plan_off=plan_off),
        )
        yield Stage("SQLite", them, lambda: 0.0, {"SQLite": sqlite3.sqlite_version})


def url_of(file: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite+aiosqlite:///{file}"


def _counting(table: str, mark: str) -> str:
    return f"SELECT count(*) FROM {table} WHERE workspace_id = {mark}"


def _servers(
    stack: AsyncExitStack, url: str, folder: Path, by_hand: Sequence[str], *, plan_off: bool
) -> dict[str, Server]:
    """Trenza, what was written by hand, and Trenza by its reference path where that is wanted."""

    def start(name: str, command: Sequence[str], **environment: str) -> Server:
        log = folder / f"{name}.log"
        return stack.enter_context(running(name, command, log, environment))

    servers = {
        "trenza": start("Trenza", trenza(url), **QUIET),
        "reference": start("written by hand", by_hand),
    }
    if plan_off:
        servers["without_plan"] = start("Trenza, plan off", trenza(url), **QUIET, **PLAN_OFF)
    for server in servers.values():
        server.require_ready()
    return servers
