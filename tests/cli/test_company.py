"""`trenza seed --demo`: the services tell the same story as the pure engine, on both databases."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from click.testing import Result
from sqlalchemy import select

from tests.cli.commands import failure, success
from tests.postgresql import PostgresqlServer
from tests.seed.replay import Replay, read_lines
from trenza.cli.opened import choose_workspace, on_database
from trenza.cli.timeline import BATCH_SPAN
from trenza.domain.access import ROLE_SCOPES, Role
from trenza.domain.ids import parse_id
from trenza.domain.metering.seat import seat_use
from trenza.services.access import authenticate
from trenza.services.balance import find_balance
from trenza.services.dependencies import Dependencies
from trenza.services.seat import find_seat_use
from trenza.services.statement import find_statement
from trenza.settings import load_settings
from trenza.storage import (
    Campaign,
    Contact,
    Interaction,
    InteractionzSession,
    Journey,
    LedgerEntry,
    QuarantinedInteraction,
    Ticket,
    UsageAlert,
)
from trenza.storage.columns import Table
from trenza.storage.workspace import WorkspaceSettings, find_workspace

T = TypeVar("T")

LAST = [line for line in read_lines("timeline.jsonl") if line["do"] == "recordInteraction"][-1]
TABLES = (Contact, Interaction, InteractionzSession, LedgerEntry, QuarantinedInteraction, Ticket)


@dataclass(frozen=True)
class Loaded:
    """A database with the company, and what loading it said."""

    url: str
    said: Result

    def rows(self, table: type[Table], *columns: str) -> list[tuple[Any, ...]]:
        """Columns of a whole table, ordered by them."""
        chosen = [table.__table__.c[name] for name in columns]

        async def work(dependencies: Dependencies) -> list[tuple[Any, ...]]:
            async with dependencies.database.across_workspaces().read() as connection:
                rows = await connection.execute(select(*chosen).order_by(*chosen))
                return [tuple(row) for row in rows]

        return on_database(load_settings(database=self.url), work)

    @property
    def at(self) -> datetime:
        """The moment of loading, which the arrival of the last report tells."""
        arrived = dict(self.rows(Interaction, "external_id", "recorded_at"))[LAST["externalId"]]
        moment: datetime = arrived - timedelta(microseconds=round(LAST["arrives"] * 1_000_000))
        return moment


@pytest.fixture(scope="module")
def loaded_sqlite(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    file = shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("company") / "trenza.db")
    url = f"sqlite+aiosqlite:///{file}"
    return Loaded(url, success("seed", "--demo", "--database", url))


@pytest.fixture(scope="module")
def loaded_postgresql(
    postgresql_server: PostgresqlServer, migrated_postgresql: str
) -> Iterator[Loaded]:
    name = f"trenza_test_{os.getpid()}_company"
    url = postgresql_server.create(name, template=migrated_postgresql)
    yield Loaded(url, success("seed", "--demo", "--database", url))
    postgresql_server.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def loaded(request: pytest.FixtureRequest) -> Loaded:
    company: Loaded = request.getfixturevalue(f"loaded_{request.param}")
    return company


def test_the_ledger_is_the_one_of_the_pure_engine(loaded: Loaded) -> None:
    expected = Replay(loaded.at)

    rows = loaded.rows(LedgerEntry, "sequence", "kind", "amount", "effective_at", "reason")
    interactions = loaded.rows(Interaction, "external_id")
    quarantined = loaded.rows(QuarantinedInteraction, "external_id")

    assert [row[2:] for row in rows if row[1] in ("DEBIT", "REVERSAL")] == [
        (row.amount, row.effective_at, row.reason) for row in expected.rows
    ]
    assert len(interactions) == len(expected.taken)
    assert sorted(quarantined) == sorted((line["externalId"],) for line in expected.quarantined)


def test_the_figures_are_those_of_the_pure_engine(loaded: Loaded) -> None:
    at = loaded.at
    expected = Replay(at)
    running = expected.running_balance()
    seats = seat_use(expected.seat_events, expected.sign_ins, expected.plan["seats"], at)

    async def work(dependencies: Dependencies) -> tuple[Any, Any, Any]:
        viewer = await choose_workspace(dependencies, None)
        async with dependencies.database.read(viewer.workspace_id) as connection:
            workspace = await find_workspace(connection, viewer.workspace_id)
            return (
                await find_balance(connection, workspace, at, at),
                await find_seat_use(connection, workspace, at),
                await find_statement(connection, workspace),
            )

    balance, used, statement = on_database(load_settings(database=loaded.url), work)
    figures = ("cycle", "granted", "consumed", "remaining", "overage", "lapsed")
    assert {name: getattr(balance, name) for name in figures} == {
        name: getattr(running, name) for name in figures
    }
    assert (used.used, used.included, used.over, used.invited, used.signed_in) == (
        seats.used,
        seats.included,
        seats.over,
        seats.invited,
        seats.signed_in,
    )
    assert seats.over == 1
    assert statement.cycle == expected.closed[-1]
    assert statement.adjustments.debits > 0


def test_what_is_kept_beside_the_interactions_is_there(loaded: Loaded) -> None:
    steps = [line["do"] for line in read_lines("timeline.jsonl")]

    assert len(loaded.rows(Ticket, "id")) == steps.count("openTicket")
    assert len(loaded.rows(Campaign, "id")) == steps.count("createCampaign")
    assert len(loaded.rows(Journey, "id")) == steps.count("createJourney")
    assert len(loaded.rows(Contact, "id")) >= 300
    alerts = loaded.rows(UsageAlert, "cycle_starts_at", "threshold_percent")
    assert [percent for _, percent in alerts] == [80, 100, 80]


def test_the_books_are_sound(loaded: Loaded) -> None:
    said = success("ledger", "verify", "--database", loaded.url).stdout

    assert said.endswith(": no difference\n")


def test_the_ledger_learns_of_each_report_when_it_arrives(loaded: Loaded) -> None:
    arrived = dict(loaded.rows(Interaction, "id", "recorded_at"))

    for cause_id, recorded_at in loaded.rows(LedgerEntry, "cause_id", "recorded_at"):
        if cause_id is not None:
            assert timedelta(0) <= recorded_at - arrived[cause_id] < timedelta(milliseconds=1)


def test_ids_carry_the_time_of_the_story(loaded: Loaded) -> None:
    for id, recorded_at in loaded.rows(Interaction, "id", "recorded_at"):
        made_at = datetime.fromtimestamp((parse_id(id)[1] >> 80) / 1000, UTC)
        assert abs(made_at - recorded_at) < 2 * BATCH_SPAN


def test_the_keys_are_printed_once_and_each_has_the_scopes_of_its_role(loaded: Loaded) -> None:
    lines = loaded.said.stdout.splitlines()
    keys = dict(line.split() for line in lines)

    async def work(dependencies: Dependencies) -> dict[str, frozenset[str]]:
        return {
            role: (await authenticate(dependencies, f"Bearer {key}")).scopes
            for role, key in keys.items()
        }

    scopes = on_database(load_settings(database=loaded.url), work)
    assert scopes == {role.lower(): ROLE_SCOPES[role] for role in Role}


def test_loading_again_changes_nothing(loaded: Loaded) -> None:
    before = [loaded.rows(table, *table.__table__.c.keys()[:4]) for table in TABLES]

    again = success("seed", "--demo", "--database", loaded.url)

    assert again.stdout.endswith(": nothing to do\n")
    assert again.stdout.startswith("Casa Tamandúa is there already, ws_")
    assert [loaded.rows(table, *table.__table__.c.keys()[:4]) for table in TABLES] == before


def test_a_company_that_was_loaded_in_part_is_refused(
    loaded_sqlite: Loaded, tmp_path: Path
) -> None:
    file = shutil.copy(loaded_sqlite.url.removeprefix("sqlite+aiosqlite:///"), tmp_path / "part.db")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DELETE FROM interaction WHERE external_id = ?", (LAST["externalId"],))
        connection.commit()

    line = failure("seed", "--demo", "--database", f"sqlite+aiosqlite:///{file}")

    assert line == "Casa Tamandúa was loaded in part: load it into an empty database"


def test_the_contract_began_two_cycles_before_the_running_one(loaded: Loaded) -> None:
    expected = Replay(loaded.at)

    async def work(dependencies: Dependencies) -> WorkspaceSettings:
        viewer = await choose_workspace(dependencies, None)
        async with dependencies.database.read(viewer.workspace_id) as connection:
            return await find_workspace(connection, viewer.workspace_id)

    workspace = on_database(load_settings(database=loaded.url), work)
    assert workspace.contract.anchor_day == expected.anchor_day
    assert workspace.contract.starts_at == expected.closed[0].starts_at
    assert (workspace.plan.code, workspace.plan.seats) == ("expert", 10)
    assert workspace.acceptance_horizon == timedelta(days=35)
