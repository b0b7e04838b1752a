"""Questions that are asked at the same time, answered by one statement past SQLAlchemy."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection

from trenza.domain.errors import BrokenInvariant
from trenza.storage.bulk import Query, Question, Row, ask, fused_queries
from trenza.storage.statements import Statements

Answers = list[list[Row]]


@dataclass(frozen=True, slots=True)
class _Part:
    """The rows of a question among those of all that ask the same: `[first, end)`."""

    query: Query
    first: int
    end: int


class Together:
    """Asks what is asked of it in one turn of the loop as one statement, of one workspace.

    A query with a table of rows is asked once for the rows of all who ask it. The rows are
    numbered in their first column, and so is each row of the answer, by the row that it is for; a
    row without a number is for all. Each asker sees the numbers that it gave, from 0.
    """

    def __init__(self, statements: Statements, dialect: Dialect) -> None:
        self._statements = statements
        self._dialect = dialect
        self._waiting: list[tuple[Sequence[Question], asyncio.Future[Answers]]] = []
        self._running: set[asyncio.Task[None]] = set()

    async def ask(self, *questions: Question) -> Answers:
        """The rows that answer each question, in any order; raises StatementError."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._start)
        answer: asyncio.Future[Answers] = loop.create_future()
        self._waiting.append((questions, answer))
        return await answer

    def _start(self) -> None:
        waiting, self._waiting = self._waiting, []
        task = asyncio.ensure_future(self._answer(waiting))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _answer(
        self, waiting: Sequence[tuple[Sequence[Question], asyncio.Future[Answers]]]
    ) -> None:
        rows: dict[Query, list[Row]] = {}
        places = [[_add(rows, question) for question in asked] for asked, _ in waiting]
        try:
            found = await self._fetch(waiting[0][0][0].workspace_id, rows)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is answered to who asked
            for _, answer in waiting:
                if not answer.cancelled():
                    answer.set_exception(error)
            return
        for (_, answer), parts in zip(waiting, places, strict=True):
            if not answer.cancelled():
                answer.set_result([_share(found[part.query], part) for part in parts])

    async def _fetch(
        self, workspace_id: str, rows: Mapping[Query, Sequence[Row]]
    ) -> dict[Query, list[Row]]:
        queries = tuple(rows)
        values: dict[str, Any] = {}
        for query in queries:
            tables = [rows[query]] if query.parameters else []
            values |= query.of(workspace_id, *tables).values(self._dialect)
        if len(queries) == 1:
            [only] = queries
            text = only.text(self._dialect)
            fetched = await self._statements.fetch(text.text, text.arguments(values))
            return {only: text.read(fetched)}
        fused = fused_queries(self._dialect, queries)
        fetched = await self._statements.fetch(fused.text.text, fused.text.arguments(values))
        found: dict[Query, list[Row]] = {query: [] for query in queries}
        for row in fused.text.read(fetched):
            found[queries[row[0]]].append(fused.cells[row[0]](row))
        return found


def _add(rows: dict[Query, list[Row]], question: Question) -> _Part:
    """Puts a question's rows after those of the others that ask the same."""
    if len(question.query.parameters) > 1:
        raise BrokenInvariant("a question that is asked together has one table of rows")
    known = rows.setdefault(question.query, [])
    first = len(known)
    for number, *cells in question.tables[0] if question.tables else ():
        known.append((first + number, *cells))
    return _Part(question.query, first, len(known))


def _share(found: list[Row], part: _Part) -> list[Row]:
    """The rows of an answer that are for one question."""
    if not part.query.parameters:
        return found
    return [
        row if row[0] is None else (row[0] - part.first, *row[1:])
        for row in found
        if row[0] is None or part.first <= row[0] < part.end
    ]


Source = AsyncConnection | Together
"""What answers questions: a connection, each call by itself, or all that ask at the same time."""


async def answers(source: Source, *questions: Question) -> Answers:
    """The rows that answer each question, in any order, in one round trip."""
    if isinstance(source, Together):
        return await source.ask(*questions)
    return await ask(source, *questions)
