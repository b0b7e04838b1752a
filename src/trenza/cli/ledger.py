"""`trenza ledger`: the books, checked, and what makes them fast to read."""

from typing import TYPE_CHECKING

import click

from trenza.cli import options
from trenza.cli.failures import Failure

if TYPE_CHECKING:
    from trenza.services.dependencies import Dependencies
    from trenza.storage.founding import WorkspaceName


@click.group()
def ledger() -> None:
    """The ledger."""


@ledger.command()
@click.option("--workspace", metavar="ID", help="Only this one; otherwise all of them.")
@options.database
def verify(workspace: str | None, database: str | None) -> None:
    """Recompute everything from the interactions and print every difference."""
    from trenza.cli.opened import on_database
    from trenza.settings import load_settings

    async def work(dependencies: "Dependencies") -> int:
        return await _verify(dependencies, workspace)

    found = on_database(load_settings(database=database), work)
    if found:
        raise Failure(f"{found} {'difference' if found == 1 else 'differences'}")


@ledger.command()
@click.option("--workspace", metavar="ID", help="Only this one; otherwise all of them.")
@options.database
def checkpoint(workspace: str | None, database: str | None) -> None:
    """Make the checkpoints of balances anew: no answer changes, only what it costs."""
    from trenza.cli.opened import on_database
    from trenza.settings import load_settings

    async def work(dependencies: "Dependencies") -> None:
        from trenza.services.checkpoint import rebuild_checkpoints

        for each in await _chosen(dependencies, workspace):
            covered = await rebuild_checkpoints(dependencies, each.id)
            click.echo(f"{each.id} ({each.name}): {covered} ledger rows covered")

    on_database(load_settings(database=database), work)


async def _chosen(dependencies: "Dependencies", workspace_id: str | None) -> "list[WorkspaceName]":
    """The workspace of an id, or all; raises Failure where there is none of that id."""
    from trenza.storage.founding import list_workspaces

    async with dependencies.database.across_workspaces().read() as connection:
        known = await list_workspaces(connection)
    chosen = [each for each in known if workspace_id in (None, each.id)]
    if workspace_id is not None and not chosen:
        raise Failure(f"there is no workspace {workspace_id}")
    return chosen


async def _verify(dependencies: "Dependencies", workspace_id: str | None) -> int:
    """Prints the differences of a workspace, or of all, and returns how many there are."""
    from trenza.services.verify import count_verified, verify_ledger

    chosen = await _chosen(dependencies, workspace_id)
    if not chosen:
        click.echo("there is no workspace, and so no difference")
    total = 0
    for each in chosen:
        differences = await verify_ledger(dependencies, each.id)
        for difference in differences:
            click.echo(f"{each.id} {difference}")
        if not differences:
            counts = await count_verified(dependencies, each.id)
            told = ", ".join(f"{count} {noun}" for noun, count in counts.items())
            click.echo(f"{each.id} ({each.name}): {told}: no difference")
        total += len(differences)
    return total
