"""`trenza migrate`: brings a database to the newest schema."""

import click

from trenza.cli import options


@click.command()
@options.database
def migrate(database: str | None) -> None:
    """Bring the database to the newest schema; an SQLite file is made where it is missing."""
    from trenza.settings import load_settings
    from trenza.storage import readiness

    url = load_settings(database=database).database
    readiness.migrate(url)
    click.echo(f"{readiness.shown(url)} has the newest schema")
