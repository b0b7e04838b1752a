"""`trenza keys`: API keys of a workspace, for whoever runs the server."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from trenza.cli import options
from trenza.domain.access import Scope

if TYPE_CHECKING:
    from trenza.services.access import CreatedKey, ListedKey
    from trenza.services.dependencies import Dependencies


@click.group()
def keys() -> None:
    """API keys."""


@keys.command()
@click.option("--user", metavar="EMAIL", help="The user it is bound to; a service's otherwise.")
@click.option("--name", required=True, help="Whose key it is, to find it again.")
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What the key may be used for; give it once for each.",
)
@click.option("--expires-in-days", type=click.IntRange(1, 36_500), help="For ever otherwise.")
@options.workspace
@options.database
def create(
    user: str | None,
    name: str,
    scopes: Sequence[str],
    expires_in_days: int | None,
    workspace: str | None,
    database: str | None,
) -> None:
    """Make a key and print it, this once: only its hash is stored."""
    from trenza.cli.opened import choose_workspace, on_database, user_named
    from trenza.services.access import CreateKey, create_key
    from trenza.settings import load_settings

    settings = load_settings(database=database)

    async def work(dependencies: "Dependencies") -> "CreatedKey":
        viewer = await choose_workspace(dependencies, workspace)
        now = dependencies.clock.now()
        lasts = None if expires_in_days is None else timedelta(days=expires_in_days)
        request = CreateKey(
            name=name,
            scopes=[Scope(scope) for scope in scopes],
            environment=settings.environment,
            expires_at=None if lasts is None else now + lasts,
            user_id=None if user is None else await user_named(dependencies, viewer, user),
        )
        return await create_key(dependencies, viewer, request)

    created = on_database(settings, work)
    click.echo(f"{created.key_id} - keep the key, it is not shown again:", err=True)
    click.echo(created.text)


@keys.command("list")
@options.workspace
@options.database
def list_(workspace: str | None, database: str | None) -> None:
    """List the keys, the oldest first."""
    from trenza.cli.opened import choose_workspace, on_database
    from trenza.services.access import list_keys
    from trenza.settings import load_settings

    async def work(dependencies: "Dependencies") -> "tuple[list[ListedKey], datetime]":
        viewer = await choose_workspace(dependencies, workspace)
        return await list_keys(dependencies, viewer), dependencies.clock.now()

    found, now = on_database(load_settings(database=database), work)
    rows: list[tuple[str, ...]] = [("ID", "NAME", "USER", "SCOPES", "CREATED", "STATE")]
    rows += [_row_of(key, now) for key in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def _row_of(key: "ListedKey", now: datetime) -> tuple[str, ...]:
    scopes = " ".join(scope for scope in Scope if scope in key.scopes)
    created = f"{key.created_at:%Y-%m-%d}"
    return key.key_id, key.name, key.email or "-", scopes, created, _state_of(key, now)


def _state_of(key: "ListedKey", now: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at:%Y-%m-%d}"
    if key.expires_at is None:
        return "good"
    word = "expired" if key.expires_at <= now else "good until"
    return f"{word} {key.expires_at:%Y-%m-%d}"


@keys.command()
@click.argument("key_id", metavar="ID")
@click.option(
    "--grace-hours",
    default=24,
    show_default=True,
    type=click.IntRange(0, 168),
    help="How long the former secret is taken too.",
)
@options.workspace
@options.database
def rotate(key_id: str, grace_hours: int, workspace: str | None, database: str | None) -> None:
    """Give a key another secret and print it, this once; the former one ends after the grace."""
    from trenza.cli.opened import choose_workspace, on_database
    from trenza.services.access import RotateKey, rotate_key
    from trenza.settings import load_settings

    settings = load_settings(database=database)

    async def work(dependencies: "Dependencies") -> "CreatedKey":
        viewer = await choose_workspace(dependencies, workspace)
        request = RotateKey(key_id, settings.environment, timedelta(hours=grace_hours))
        return await rotate_key(dependencies, viewer, request)

    rotated = on_database(settings, work)
    click.echo(f"{rotated.key_id} - keep the key, it is not shown again:", err=True)
    click.echo(rotated.text)


@keys.command()
@click.argument("key_id", metavar="ID")
@options.workspace
@options.database
def revoke(key_id: str, workspace: str | None, database: str | None) -> None:
    """Revoke a key for good; within 5 seconds no server takes it any more."""
    from trenza.cli.opened import choose_workspace, on_database
    from trenza.services.access import revoke_key
    from trenza.settings import load_settings

    async def work(dependencies: "Dependencies") -> str:
        viewer = await choose_workspace(dependencies, workspace)
        return await revoke_key(dependencies, viewer, key_id)

    click.echo(f"{on_database(load_settings(database=database), work)} is revoked")
