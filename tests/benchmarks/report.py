"""The table that a run prints."""

import platform
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version

from tests.benchmarks.measure import Measured

HEAD = (
    "",
    "side",
    "conns",
    "per s",
    "ratio",
    "by cpu",
    "p50 ms",
    "p99 ms",
    "server us",
    "db us",
    "load us",
)
LIBRARIES = ("strawberry-graphql", "asyncpg", "aiosqlite", "uvicorn", "uvloop", "starlette")


def versions(**others: str) -> str:
    """What was measured with."""
    known = {"python": platform.python_version()}
    known |= {name: version(name) for name in LIBRARIES}
    return ", ".join(f"{name} {value}" for name, value in (known | others).items())


def say(text: str) -> None:
    """Tells how far the run is, beside its result."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def table(database: str, measured: Sequence[Measured]) -> str:
    """The figures of one database in Markdown.

    `per s` counts requests, for M2 interactions; so do the costs. `ratio` is Trenza's rate divided
    by that of the side, `by cpu` what it would be if the processor time of server and database
    were all that limits. For Q3 the sides are Trenza's own, where there is more and less.
    """
    rows = [HEAD, *_rows(measured)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(_aligned(row, widths)) + " |"
        for row in (rows[0], tuple("-" * width for width in widths), *rows[1:])
    ]
    return "\n".join([f"{database}:", "", *lines])


def _aligned(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for number, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield cell.ljust(width) if number < 2 else cell.rjust(width)


def _rows(measured: Sequence[Measured]) -> Iterator[tuple[str, ...]]:
    ours: Measured | None = None
    titled = ""
    for each in measured:
        if ours is None or (each.contest, each.connections) != (ours.contest, ours.connections):
            ours = each
        name = f"{each.contest.name} {each.contest.title}"
        yield (
            name if name != titled else "",
            each.side.name,
            str(each.connections),
            f"{each.rate:,.0f}" if each.rate >= 100 else f"{each.rate:,.1f}",
            "" if each is ours else f"{ours.rate / each.rate:.3g}",
            "" if each is ours else f"{each.all_cost_us / ours.all_cost_us:.3g}",
            f"{each.latency_ms(50):,.2f}",
            f"{each.latency_ms(99):,.2f}",
            f"{each.cost_us(each.server_cpu_s):,.0f}",
            f"{each.cost_us(each.database_cpu_s):,.0f}" if each.database_cpu_s else "-",
            f"{each.cost_us(each.load_cpu_s):,.0f}",
        )
        titled = name
