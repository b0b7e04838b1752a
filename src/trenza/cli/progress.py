"""A line on standard error that shows how far something long has come."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

Tell = Callable[[int, int], None]


@contextmanager
def shown_progress(label: str) -> Iterator[Tell]:
    """A function to tell what was done, of how much; a bar where a person watches."""
    with click.progressbar(length=100, label=label, file=sys.stderr) as bar:

        def tell(done: int, of: int) -> None:
            bar.update(done * 100 // of - bar.pos)

        yield tell
