"""`trenza seed`: a first workspace, and nothing where there is one."""

from datetime import UTC, datetime, time, timedelta

from tests.cli.commands import success
from trenza.app import SystemClock
from trenza.cli.opened import choose_workspace, on_database
from trenza.domain.access import Scope
from trenza.domain.metering.balance import Balance
from trenza.domain.metering.cycle import Cycle
from trenza.services.access import authenticate
from trenza.services.balance import find_balance
from trenza.services.dependencies import Dependencies
from trenza.settings import load_settings
from trenza.storage.founding import WorkspaceName, list_workspaces
from trenza.storage.workspace import WorkspaceSettings, find_workspace


def first_workspace(url: str) -> tuple[WorkspaceSettings, Balance]:
    """The only workspace of a database and its balance of now."""

    async def work(dependencies: Dependencies) -> tuple[WorkspaceSettings, Balance]:
        viewer = await choose_workspace(dependencies, None)
        now = dependencies.clock.now()
        async with dependencies.database.read(viewer.workspace_id) as connection:
            workspace = await find_workspace(connection, viewer.workspace_id)
            return workspace, await find_balance(connection, workspace, now, now)

    return on_database(load_settings(database=url), work)


def test_the_first_workspace_is_empty_and_on_the_starter_plan(database_url: str) -> None:
    today = SystemClock().now().date()

    success("seed", "--database", database_url)
    workspace, balance = first_workspace(database_url)

    midnight = datetime.combine(today, time(), UTC)
    assert (workspace.plan.code, workspace.plan.seats, workspace.plan.interactionz) == (
        "starter",
        1,
        100,
    )
    assert (workspace.zone.key, workspace.alert_thresholds) == ("UTC", (80, 100))
    assert (workspace.contract.anchor_day, workspace.contract.starts_at) == (today.day, midnight)
    assert (balance.granted, balance.consumed, balance.remaining) == (100, 0, 100)
    assert balance.cycle == Cycle(midnight, balance.cycle.ends_at)
    assert timedelta(days=28) <= balance.cycle.ends_at - midnight <= timedelta(days=31)
    assert success("ledger", "verify", "--database", database_url).stdout.endswith(
        "0 contacts, 0 interactions, 0 sessions, 0 ledger rows, 0 closed cycles: no difference\n"
    )


def test_its_admin_gets_a_key_that_may_do_everything(database_url: str) -> None:
    made = success("seed", "--database", database_url)
    [key] = made.stdout.splitlines()

    async def work(dependencies: Dependencies) -> frozenset[Scope]:
        return (await authenticate(dependencies, f"Bearer {key}")).scopes

    assert on_database(load_settings(database=database_url), work) == set(Scope)
    assert key not in made.stderr


def test_seeding_again_changes_nothing(database_url: str) -> None:
    success("seed", "--database", database_url)
    [before] = workspaces(database_url)

    again = success("seed", "--database", database_url)

    assert workspaces(database_url) == [before]
    assert again.stdout == (
        f"there is a workspace already, {before.id} ({before.name}): nothing to do\n"
    )


def workspaces(url: str) -> list[WorkspaceName]:
    """The workspaces of a database."""

    async def work(dependencies: Dependencies) -> list[WorkspaceName]:
        async with dependencies.database.across_workspaces().read() as connection:
            return await list_workspaces(connection)

    return on_database(load_settings(database=url), work)
