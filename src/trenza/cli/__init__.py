"""The command line: one file per verb, whatever is slow to import inside the commands."""

import sys

# Said before anything is imported that an older Python would not even read.
if sys.version_info < (3, 11):  # noqa: UP036 - a checkout can be run without being installed
    sys.exit(f"trenza: Python {sys.version.split()[0]} is too old: install 3.11 or newer")

import click

from trenza import __version__
from trenza.cli.contacts import contacts
from trenza.cli.demo import demo
from trenza.cli.erasure import erasure, retention
from trenza.cli.failures import Commands
from trenza.cli.keys import keys
from trenza.cli.ledger import ledger
from trenza.cli.migrate import migrate
from trenza.cli.schema import schema
from trenza.cli.seed import seed
from trenza.cli.serve import serve


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="trenza")
def main() -> None:
    """Channels, journeys, campaigns, tickets and 24-hour sessions in one graph.

    Every setting can also be given by the environment: TRENZA_DATABASE, TRENZA_PORT, ...
    """


for command in (demo, serve, migrate, seed, keys, contacts, schema, ledger, erasure, retention):
    main.add_command(command)
