"""`trenza ledger`: the books, checked, and what makes them fast to read."""

from typing import TYPE_CHECKING

import click

from trenza.cli import options
from trenza.cli.failures import Failure

if TYPE_CHECKING:
    from trenza.services.dependencies import Dependencies


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
        from trenza.cli.opened import chosen_workspaces
        from trenza.services.checkpoint import rebuild_checkpoints

        for each in await chosen_workspaces(dependencies, workspace):
            covered = await rebuild_checkpoints(dependencies, each.id)
            click.echo(f"{each.id} ({each.name}): {covered} ledger rows covered")

    on_database(load_settings(database=database), work)


async def _verify(dependencies: "Dependencies", workspace_id: str | None) -> int:
    """Prints the differences of a workspace, or of all, and returns how many there are."""
    from trenza.cli.opened import chosen_workspaces
    from trenza.services.verify import count_verified, verify_ledger

    chosen = await chosen_workspaces(dependencies, workspace_id)
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
