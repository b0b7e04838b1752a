"""`trenza erasure`, `trenza retention`: what is erased leaves the files, what is old the rows."""

from typing import TYPE_CHECKING

import click

from trenza.cli import options
from trenza.cli.failures import Failure

if TYPE_CHECKING:
    from trenza.services.dependencies import Dependencies
    from trenza.services.retention import Retained
    from trenza.storage.founding import WorkspaceName

only = click.option("--workspace", metavar="ID", help="Only this one; otherwise all of them.")


@click.group()
def erasure() -> None:
    """What is erased."""


@erasure.command()
@options.database
def scrub(database: str | None) -> None:
    """Write the tables anew, so that nothing that was deleted is left in the files.

    Each table is locked while it is written. For all workspaces; certificates say when.
    """
    from trenza.cli.opened import on_database
    from trenza.settings import load_settings

    on_database(load_settings(database=database), scrub_and_tell)


async def scrub_and_tell(dependencies: "Dependencies") -> None:
    """Scrubs the files of the database; raises Failure where something may be left in them."""
    from trenza.cli.opened import chosen_workspaces
    from trenza.services.scrub import scrub_database
    from trenza.storage.scrub import NotScrubbedError

    every = [each.id for each in await chosen_workspaces(dependencies, None)]
    try:
        count = await scrub_database(dependencies, every)
    except NotScrubbedError as error:
        raise Failure(f"{error}; then run: trenza erasure scrub") from error
    certificates = "1 certificate says" if count == 1 else f"{count} certificates say"
    click.echo(f"the files are scrubbed; {certificates} so now", err=True)


@click.command()
@only
@click.option("--no-scrub", is_flag=True, help="Leave the files to a later trenza erasure scrub.")
@options.database
def retention(workspace: str | None, no_scrub: bool, database: str | None) -> None:
    """Make skeletons of what is older than a workspace keeps it, then scrub the files."""
    from trenza.cli.opened import chosen_workspaces, on_database
    from trenza.settings import load_settings

    async def work(dependencies: "Dependencies") -> None:
        done = [
            await _retain(dependencies, each)
            for each in await chosen_workspaces(dependencies, workspace)
        ]
        if not no_scrub and not all(each.is_empty for each in done):
            await scrub_and_tell(dependencies)

    on_database(load_settings(database=database), work)


async def _retain(dependencies: "Dependencies", workspace: "WorkspaceName") -> "Retained":
    from trenza.cli.progress import shown_progress
    from trenza.services.retention import apply_retention

    with shown_progress(f"retention of {workspace.name}") as tell:
        done = await apply_retention(dependencies, workspace.id, tell)
    told = ", ".join(f"{count} {name}" for name, count in done.counts.items() if count)
    until = "for ever" if done.before is None else f"since {done.before:%Y-%m-%d}"
    click.echo(f"{workspace.id} ({workspace.name}): kept {until}: {told or 'nothing to clear'}")
    return done
