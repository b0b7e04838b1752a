"""The answer to a mutation: what it wrote is read back, all rows of a kind in one statement.

Requests that were written in one transaction are answered in one turn of the loop, and what they
ask for is then read together: one statement for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import GraphQLError, located_error
from sqlalchemy import Dialect

from trenza.domain.access import Scope
from trenza.domain.errors import BrokenInvariant, DomainError
from trenza.readplan import fields
from trenza.readplan.dialect import JsonDialect
from trenza.readplan.filling import Encode, Fill, Shape, encoder_of, filler_of, shaper_of
from trenza.readplan.plan import fields_of, scopes_of
from trenza.readplan.run import Run
from trenza.readplan.schema import Record, Stored, in_full
from trenza.readplan.selection import Field, Selection, UncoveredError
from trenza.readplan.statement import Statement, Writer, rows_parameters
from trenza.storage.statements import Statements

Asked = tuple[Sequence[str], asyncio.Future[list[str]]]
"""The ids of rows, and where their JSON is waited for."""


class FailedWriteError(Exception):
    """A field of a mutation failed, perhaps after it wrote: it must not be run again."""

    def __init__(self, error: GraphQLError) -> None:
        super().__init__(error.message)
        self.error = error


class Gathering:
    """Reads rows by id, those of the same statement that are asked for in one turn together."""

    def __init__(self, statements: Statements, dialect: Dialect) -> None:
        self._statements = statements
        self._dialect = dialect
        self._waiting: dict[tuple[Statement, str], list[Asked]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def texts(self, statement: Statement, run: Run, ids: Sequence[str]) -> list[str]:
        """The JSON of each row."""
        if not statement.is_shared:
            return await self.read(statement, run, ids)
        key = (statement, run.workspace_id)
        loop = asyncio.get_running_loop()
        if key not in self._waiting:
            self._waiting[key] = []
            loop.call_soon(self._start, key, run)
        answer: asyncio.Future[list[str]] = loop.create_future()
        self._waiting[key].append((ids, answer))
        return await answer

    def _start(self, key: tuple[Statement, str], run: Run) -> None:
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

    async def read(self, statement: Statement, run: Run, ids: Sequence[str]) -> list[str]:
        """The JSON of each row, by a statement for these alone."""
        unique = list(dict.fromkeys(ids))
        parameters = self.parameters(statement, run, unique)
        rows = await self._statements.fetch(statement.text, parameters, run.workspace_id)
        found = {row[0]: row[1] for row in rows}
        if len(found) != len(unique):
            raise BrokenInvariant("what was written was not found")
        return [found[id] for id in ids]

    def parameters(self, statement: Statement, run: Run, ids: Sequence[str]) -> list[Any]:
        """The values of a statement that reads these rows; raises DomainError."""
        run.rows = rows_parameters(self._dialect, ids)
        return statement.parameters(run)


@dataclass(frozen=True)
class Kind:
    """How the objects of one type in the answer are made: read back by id, or of their row."""

    shape: Shape
    statement: Statement | None
    fill: Fill | None
    beside: Sequence[tuple[str, str, Encode]]

    def finished(self, text: str, stored: Stored, run: Run) -> Any:
        """The object of a row that was read back, with what was known of it beside."""
        if self.fill is None and not self.beside:
            return orjson.Fragment(text)
        found: dict[str, Any] = orjson.loads(text)
        for key, name, encode in self.beside:
            found[key] = encode(stored.beside[name])
        if self.fill is not None:
            self.fill(found, run)
        return found


@dataclass(frozen=True)
class WrittenField:
    """One field of a mutation: what writes, and how what it answers is shown."""

    field: Field
    declaration: fields.Write
    kinds: Mapping[str, Kind]

    async def write(self, run: Run) -> Any:
        """Writes; where it raises a DomainError nothing was written."""
        given = in_full(self.declaration, run.given(self.field), run.operation)
        return await self.declaration.function(run.operation, **given)

    async def show(self, found: Any, run: Run, gathering: Gathering) -> Any:
        """Reads back what the client wants to see of what was written."""
        many = found if isinstance(found, list) else [found]
        shown = await self._shown(many, run, gathering)
        return shown if isinstance(found, list) else shown[0]

    async def _shown(self, found: Sequence[Any], run: Run, gathering: Gathering) -> list[Any]:
        shown: list[Any] = [None] * len(found)
        for typename, kind in self.kinds.items():
            stored = [
                (n, each)
                for n, each in enumerate(found)
                if isinstance(each, Stored) and each.cls.__name__ == typename
            ]
            if kind.statement is not None and stored:
                ids = [each.id for _, each in stored]
                texts = await gathering.texts(kind.statement, run, ids)
                for (n, each), text in zip(stored, texts, strict=True):
                    shown[n] = kind.finished(text, each, run)
        for n, each in enumerate(found):
            if isinstance(each, Record):
                shown[n] = self.kinds[type(each).__name__].shape(each.row, run)
        return shown


@dataclass
class WrittenPlan:
    """How a mutation is answered: its fields one after another."""

    written: Sequence[WrittenField]
    scopes: frozenset[Scope]
    paged: Sequence[Field]
    """Every connection in the answer."""
    is_rehearsed: bool = False

    async def rehearse(self, run: Run, gathering: Gathering) -> None:
        """Sees before anything is written that the answer can be read; reads nothing, once.

        Raises StatementError, and DomainError for what is asked for in vain below what is written.
        """
        for field in self.paged:
            run.window(field)
        kinds = [kind for each in self.written for kind in each.kinds.values()]
        for statement in (kind.statement for kind in kinds):
            if statement is not None and not self.is_rehearsed:
                await gathering.read(statement, run, [])
            elif statement is not None and not statement.is_shared:
                gathering.parameters(statement, run, [])
        self.is_rehearsed = True

    async def answer(self, run: Run, gathering: Gathering) -> bytes:
        """The whole answer as JSON, when everything is committed."""
        found: dict[str, Any] = {}
        for each in self.written:
            field, is_written = each.field, bool(found)
            try:
                written = await each.write(run)
                is_written = True
                found[field.key] = await each.show(written, run, gathering)
                await run.settle()
            except Exception as error:
                if isinstance(error, DomainError) and not is_written:
                    raise
                raise FailedWriteError(located_error(error, field.nodes, [field.key])) from error
        return orjson.dumps({"data": found})


def compile_written(
    selected: Sequence[Field], json: JsonDialect, dialect: Dialect, run: Run
) -> WrittenPlan:
    """The plan of a mutation's fields; raises UncoveredError."""
    written: list[WrittenField] = []
    scopes: set[Scope] = set()
    paged: list[Field] = []
    for field in selected:
        if not isinstance(field.declaration, fields.Write):
            raise UncoveredError(f"{field.name} has a resolver")
        kinds = {
            typename: _kind_of(below, Writer(json, dialect, run))
            for typename, below in field.below.items()
        }
        for below in field.below.values():
            scopes |= scopes_of(below)
            paged += [each for each in fields_of(below) if each.page]
        written.append(WrittenField(field, field.declaration, kinds))
    return WrittenPlan(written, frozenset(scopes), paged)


def _kind_of(selection: Selection, writer: Writer) -> Kind:
    if selection.cls.table is None:
        return Kind(shaper_of(selection), None, None, ())
    beside = [
        (field.key, field.name, encoder_of(field.type))
        for field in selection.fields
        if isinstance(field.declaration, fields.Beside)
    ]
    statement = writer.rows(selection)
    return Kind(_not_of_a_row, statement, filler_of(selection), beside)


def _not_of_a_row(row: Mapping[str, Any], run: Run) -> dict[str, Any]:
    raise BrokenInvariant(f"{sorted(row)} of {run.workspace_id} has to be read back by its id")
