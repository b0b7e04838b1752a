"""Options that several commands share; those left out come from the environment."""

import click

database = click.option(
    "--database",
    metavar="URL",
    help="sqlite+aiosqlite:///file or postgresql+asyncpg://user:password@host:port/name."
    " [TRENZA_DATABASE, else sqlite+aiosqlite:///trenza.db]",
)
host = click.option(
    "--host", metavar="ADDRESS", help="Where to listen. [TRENZA_HOST, else 127.0.0.1]"
)
port = click.option("--port", metavar="PORT", help="0 for any free one. [TRENZA_PORT, else 8000]")
workspace = click.option(
    "--workspace", metavar="ID", help="Needed where there are several workspaces."
)
