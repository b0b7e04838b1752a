"""Random cases by seed, so that each failure names the one that replays it."""

import os
from collections.abc import Callable
from random import SystemRandom


def check_seeds(count: int, difference: Callable[[int], str | None]) -> None:
    """Ask for the difference of `count` cases with neighbouring seeds; there must be none.

    The first seed is any, or the one that TRENZA_TEST_SEED gives.
    """
    first = any_seed()
    for seed in range(first, first + count):
        try:
            found = difference(seed)
        except Exception as error:
            error.add_note(f"replay it with TRENZA_TEST_SEED={seed}")
            raise
        assert found is None, f"{found}\nreplay it with TRENZA_TEST_SEED={seed}"


def any_seed() -> int:
    """Any seed, or the one that TRENZA_TEST_SEED gives."""
    return int(os.environ.get("TRENZA_TEST_SEED") or SystemRandom().randrange(2**48))
