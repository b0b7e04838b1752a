"""Counts the round trips to a database: statements, and on SQLite the hops that carry several."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from trenza.storage import bulk
from trenza.storage.engine import Database


class _Counting:
    """A driver's connection that notes what it is given."""

    def __init__(self, driver: Any, found: list[str]) -> None:
        self._driver = driver
        self._found = found

    def __getattr__(self, name: str) -> Any:
        given = getattr(self._driver, name)
        if name not in ("fetch", "execute", "copy_records_to_table", "_execute"):
            return given

        async def noted(what: Any, *arguments: Any, **options: Any) -> Any:
            self._found.append(what if isinstance(what, str) else what.__qualname__)
            return await given(what, *arguments, **options)

        return noted


@contextmanager
def counted_round_trips(database: Database) -> Iterator[list[str]]:
    """What is sent to the database meanwhile, but for what begins and ends transactions."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            found.append(statement)

    driver_of = bulk.driver_of

    def counting(connection: Any) -> Any:
        return _Counting(driver_of(connection), found)

    # Readers and writers of PostgreSQL share one pool, and so what listens to it.
    both = (database._readers.sync_engine, database._writers.sync_engine)
    engines = {id(engine.pool): engine for engine in both}.values()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "driver_of", counting)
        for engine in engines:
            event.listen(engine, "before_cursor_execute", note)
        try:
            yield found
        finally:
            for engine in engines:
                event.remove(engine, "before_cursor_execute", note)
