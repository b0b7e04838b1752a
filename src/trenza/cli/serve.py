"""`trenza serve`: serves a migrated database."""

import click

from trenza.cli import options


@click.command()
@options.host
@options.port
@options.database
def serve(host: str | None, port: str | None, database: str | None) -> None:
    """Serve the API and its pages until SIGTERM or Ctrl-C, which lose nothing."""
    from trenza.app import create_app
    from trenza.cli.listening import listen, run_until_told
    from trenza.cli.logs import set_up_logs
    from trenza.cli.opened import require_database, warn_unless_isolated
    from trenza.settings import load_settings

    settings = load_settings(host=host, port=port, database=database)
    set_up_logs(settings)
    require_database(settings)
    warn_unless_isolated(settings)
    with listen(settings.host, settings.port) as listener:
        run_until_told(create_app(settings), listener)
