"""Writing what contacts have become, and keeping what they were."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from trenza.domain.access import Viewer
from trenza.domain.ids import Prefix
from trenza.services.dependencies import Dependencies
from trenza.storage.bulk import Writing
from trenza.storage.contact import STATE, describing
from trenza.storage.contact_history import Move, staging, superseding

TICK = timedelta(microseconds=1)

Rows = Mapping[str, Mapping[str, Any]]


def rewriting(
    dependencies: Dependencies, viewer: Viewer, now: datetime, before: Rows, after: Rows
) -> list[Writing]:
    """Writes contacts as they are `after`, by id, and keeps the states that this ends.

    Rows like those of `find_people`. What is not in `before` is new: it is written elsewhere, and
    only comes into its stage here.
    """
    over, rows, moves = [], [], []
    for id, row in sorted(after.items()):
        was, at = before.get(id), now
        if was is not None:
            at = was["from_at"]
            if any(was[name] != row[name] for name in STATE):
                # Later than the change before it, though the clock may not have moved since.
                at = max(now, was["from_at"] + TICK)
                over.append({**was, "until_at": at})
            rows.append({**row, "from_at": at})
        if row["stage"] != (None if was is None else was["stage"]):
            moves.append(Move(dependencies.new_id(Prefix.STAGE), id, row["stage"], at))
    return [superseding(over), describing(now, rows), *staging(viewer, moves)]
