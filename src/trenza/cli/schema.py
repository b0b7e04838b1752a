"""`trenza schema`: the contract with every client, printed and compared."""

import difflib

import click

from trenza.cli.failures import Failure


@click.group()
def schema() -> None:
    """The GraphQL schema."""


@schema.command("print")
def print_() -> None:
    """Print the schema as SDL."""
    from trenza.graphql.schema import print_schema

    click.echo(print_schema(), nl=False)


@schema.command()
def check() -> None:
    """Compare the schema with the committed one and show the difference."""
    from trenza import resources
    from trenza.graphql.schema import print_schema

    file = resources.printed_schema()
    if not file.is_file():
        raise Failure(f"there is no {file}: run this in a checkout, after make schema")
    committed = file.read_text(encoding="utf-8").splitlines(keepends=True)
    printed = print_schema().splitlines(keepends=True)
    name = f"{file.parent.name}/{file.name}"
    difference = list(difflib.unified_diff(committed, printed, name, "as the code declares it"))
    if difference:
        click.echo("".join(difference), nl=False)
        raise Failure(f"{name} is not what the code declares: run: make schema")
    click.echo(f"{name} is what the code declares")
