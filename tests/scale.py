"""How much a test does: a part of it in the quick tier, all of it with TRENZA_TEST_SCALE=full."""

import os

FULL = os.environ.get("TRENZA_TEST_SCALE") == "full"


def scale(quick: int, full: int) -> int:
    """The size of a test in the tier that is running."""
    return full if FULL else quick
