"""`trenza seed`: a first workspace, empty, or that of the demo company."""

from typing import TYPE_CHECKING

import click

from trenza.cli import options

if TYPE_CHECKING:
    from trenza.cli.timeline import ReplayClock
    from trenza.services.dependencies import Dependencies

NAME = "Workspace"


@click.command()
@options.database
@click.option("--demo", is_flag=True, help="Load the demo company with its weeks instead.")
def seed(database: str | None, demo: bool) -> None:
    """Make a first workspace, on the Starter plan, with an admin key; where there is none."""
    from trenza.app import SystemClock
    from trenza.cli.opened import on_database
    from trenza.cli.timeline import ReplayClock
    from trenza.settings import load_settings

    settings = load_settings(database=database)
    clock = ReplayClock(SystemClock().now())

    async def work(dependencies: "Dependencies") -> None:
        if demo:
            await _seed_company(dependencies, clock, settings.environment)
        else:
            await _seed_empty(dependencies, settings.environment)

    on_database(settings, work, clock)


async def _seed_empty(dependencies: "Dependencies", environment: str) -> None:
    """Founds a workspace whose first cycle began today at midnight, UTC."""
    from datetime import UTC, datetime, time
    from zoneinfo import ZoneInfo

    from trenza.cli.company import catalogue
    from trenza.domain.access import Scope
    from trenza.domain.interaction import Language
    from trenza.services.access import CreateKey, act_as_system, create_key
    from trenza.services.founding import FoundWorkspace, found_workspace
    from trenza.storage.founding import list_workspaces

    async with dependencies.database.across_workspaces().read() as connection:
        known = await list_workspaces(connection)
    if known:
        click.echo(f"there is a workspace already, {known[0].id} ({known[0].name}): nothing to do")
        return
    today = dependencies.clock.now().date()
    request = FoundWorkspace(
        name=NAME,
        plans=catalogue(),
        plan_code="starter",
        anchor_day=today.day,
        starts_at=datetime.combine(today, time(), UTC),
        zone=ZoneInfo("UTC"),
        language=Language.ES,
    )
    workspace_id = await found_workspace(dependencies, request)
    viewer = await act_as_system(dependencies, workspace_id)
    key = await create_key(dependencies, viewer, CreateKey("admin", list(Scope), environment))
    click.echo(f"{workspace_id} - keep the key of its admin, it is not shown again:", err=True)
    click.echo(key.text)


async def _seed_company(
    dependencies: "Dependencies", clock: "ReplayClock", environment: str
) -> None:
    from trenza.cli.company import describe, find_company, is_whole, load_company, make_keys
    from trenza.cli.failures import Failure
    from trenza.cli.progress import shown_progress
    from trenza.services.access import act_as_system

    name = describe()["workspace"]["name"]
    known = await find_company(dependencies)
    if known is not None:
        if not await is_whole(dependencies, known):
            raise Failure(f"{name} was loaded in part: load it into an empty database")
        click.echo(f"{name} is there already, {known}: nothing to do")
        return
    with shown_progress(f"loading {name}") as tell:
        workspace_id = await load_company(dependencies, clock, tell)
    viewer = await act_as_system(dependencies, workspace_id)
    click.echo(f"{workspace_id} - keep the keys, they are not shown again:", err=True)
    for role, key in (await make_keys(dependencies, viewer, environment)).items():
        click.echo(f"{role:8} {key.text}")
