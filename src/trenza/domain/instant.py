"""Instants as text: one fixed form, which sorts as the instants do."""

from datetime import UTC, datetime, timedelta

INSTANT_LENGTH = 27
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""Instants lie in `[EARLIEST, LATEST)`."""
TICK = timedelta(microseconds=1)
"""The smallest step between two instants."""


def instant_text(at: datetime) -> str:
    """Print an aware instant in UTC with microseconds, always 27 characters long.

    Raises ValueError for a datetime without an offset.

    >>> instant_text(datetime(2026, 11, 22, 10, tzinfo=UTC))
    '2026-11-22T10:00:00.000000Z'
    """
    if at.tzinfo is not UTC:
        if at.utcoffset() is None:
            raise ValueError("an instant needs an offset")
        at = at.astimezone(UTC)
    return at.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
