"""The command line of the benchmark: `python -m tests.benchmarks`, or `make bench`."""

import argparse
import sys
from collections.abc import Callable, Sequence

from tests.benchmarks.answers import DifferentDataError
from tests.benchmarks.run import BESIDE, CONTESTS, DATABASES, Plan, run


def main(words: Sequence[str]) -> str:
    """Runs what the words of the command line ask for and returns the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--scale", type=float, default=1.0, help="1 is 200,000 contacts [1]")
    parser.add_argument("--seed", type=int, default=1, help="which world [1]")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of a slice [3]")
    parser.add_argument("--rounds", type=int, default=5, help="slices of each side [5]")
    parser.add_argument("--only", type=_among(CONTESTS), default=CONTESTS, help="such as Q1,M1")
    parser.add_argument(
        "--database",
        type=_among(DATABASES),
        default=DATABASES,
        help=f"one or more of {','.join(DATABASES)}",
    )
    parser.add_argument(
        "--without", type=_among(BESIDE), default=(), help=f"any of {','.join(BESIDE)}"
    )
    given = parser.parse_args(words)
    plan = Plan(
        scale=given.scale,
        seed=given.seed,
        seconds=given.seconds,
        rounds=given.rounds,
        only=given.only,
        databases=given.database,
        without=given.without,
    )
    return run(plan)


def _among(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    def chosen(text: str) -> tuple[str, ...]:
        words = tuple(text.split(","))
        if not set(words) <= set(known):
            raise argparse.ArgumentTypeError(f"choose among {','.join(known)}")
        return words

    return chosen


if __name__ == "__main__":
    try:
        sys.stdout.write(main(sys.argv[1:]) + "\n")
    except DifferentDataError as difference:
        sys.exit(str(difference))
