"""Reading rows back by their ids, all that are asked for in one turn of the loop together.

Requests that were written in one transaction are answered in one turn, and what they ask for is
then read by one statement for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect

from trenza.domain.errors import BrokenInvariant
from trenza.readplan.run import ReadBack, Run
from trenza.readplan.selection import Selection
from trenza.readplan.statement import Statement, rows_parameters
from trenza.storage.statements import Statements

Asked = tuple[Sequence[str], asyncio.Future[list[bytes]]]
"""The ids of rows, and where their JSON is waited for."""


class Gathering:
    """Reads rows by id, those of the same statement that are asked for in one turn together."""

    def __init__(self, statements: Statements, dialect: Dialect) -> None:
        self._statements = statements
        self._dialect = dialect
        self._waiting: dict[tuple[Statement, Hashable], list[Asked]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def texts(self, statement: Statement, run: Run, ids: Sequence[str]) -> list[bytes]:
        """The JSON of each row."""
        key = (statement, run.workspace_id if statement.is_shared else run)
        loop = asyncio.get_running_loop()
        if key not in self._waiting:
            self._waiting[key] = []
            loop.call_soon(self._start, key, run)
        answer: asyncio.Future[list[bytes]] = loop.create_future()
        self._waiting[key].append((ids, answer))
        return await answer

    def _start(self, key: tuple[Statement, Hashable], run: Run) -> None:
        task = asyncio.ensure_future(self._answer(key[0], run, self._waiting.pop(key)))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _answer(self, statement: Statement, run: Run, waiting: list[Asked]) -> None:
        try:
            texts = iter(await self.read(statement, run, [id for ids, _ in waiting for id in ids]))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is answered to who asked
            for _, answer in waiting:
                if not answer.cancelled():
                    answer.set_exception(error)
            return
        for ids, answer in waiting:
            own = [next(texts) for _ in ids]
            if not answer.cancelled():
                answer.set_result(own)

    async def read(self, statement: Statement, run: Run, ids: Sequence[str]) -> list[bytes]:
        """The JSON of each row, by a statement for these alone."""
        unique = list(dict.fromkeys(ids))
        parameters = self.parameters(statement, run, unique)
        rows = await self._statements.fetch(statement.text, parameters, run.workspace_id)
        found = {row[0]: row[1] for row in rows}
        if len(found) != len(unique):
            raise BrokenInvariant("rows that are known to be there were not found")
        return [found[id] for id in ids]

    def parameters(self, statement: Statement, run: Run, ids: Sequence[str]) -> list[Any]:
        """The values of a statement that reads these rows; raises DomainError."""
        run.rows = rows_parameters(self._dialect, ids)
        return statement.parameters(run)


def read_back_of(
    statements: Mapping[Selection, Statement], run: Run, gathering: Gathering
) -> ReadBack:
    """What reads back the rows that functions find in a run."""

    async def read_back(selection: Selection, ids: Sequence[str]) -> Sequence[bytes]:
        return await gathering.texts(statements[selection], run, ids) if ids else []

    return read_back
