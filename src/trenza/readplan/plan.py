"""An operation compiled: one statement, and what makes the answer's bytes of what it brings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Dialect, Text
from sqlalchemy.sql.elements import ColumnElement

from trenza.domain.access import Privacy, Scope
from trenza.readplan import fields
from trenza.readplan.dialect import JsonDialect
from trenza.readplan.filling import Fill, filler_of, fills_of, value_of
from trenza.readplan.gathering import Gathering, read_back_of
from trenza.readplan.run import Run
from trenza.readplan.selection import Field, Selection, UncoveredError
from trenza.readplan.statement import Statement, Writer, ids_given
from trenza.storage.statements import Statements

Texts = Sequence[bytes]
Step = Callable[[dict[str, Any], Texts, Run], None]


@dataclass(frozen=True)
class Plan:
    """How one operation is answered, for variables of one shape."""

    statement: Statement | None
    steps: Sequence[Step]
    scopes: frozenset[Scope]
    unread: Sequence[Field]
    """Connections of which no row is read: nothing else looks at what they are asked for."""
    classes: frozenset[Privacy]
    checked: Sequence[Field]
    """Fields whose arguments may be refused to who asks."""
    found: Mapping[Selection, Statement]
    """What reads back the rows that functions find."""

    async def answer(self, run: Run, statements: Statements, gathering: Gathering) -> bytes:
        """The whole answer as JSON; raises DomainError for arguments that are refused."""
        if self.checked:
            await check_all(self.checked, run)
        for field in self.unread:
            run.check(field)
        if self.found:
            run.read_back = read_back_of(self.found, run, gathering)
        texts: Texts = ()
        if self.statement is not None:
            parameters = self.statement.parameters(run)
            [texts] = await statements.fetch(self.statement.text, parameters, run.workspace_id)
            if None in texts:
                raise UncoveredError("a row is missing")
        found: dict[str, Any] = {}
        for step in self.steps:
            step(found, texts, run)
        if run.awaited:
            await run.settle()
        return orjson.dumps({"data": found})


def compile_plan(selection: Selection, json: JsonDialect, dialect: Dialect, run: Run) -> Plan:
    """The plan of a query's selection, for variables of the shape that those of `run` have.

    Raises UncoveredError.
    """
    writer = Writer(json, dialect, run)
    steps = _steps_of(selection, writer)
    unread = [each for each in fields_of(selection) if each.page and not each.page.has_rows]
    return Plan(
        writer.finish(),
        steps,
        scopes_of(selection),
        unread,
        classes_of(selection),
        checked_of(selection),
        statements_of_found(selection, json, dialect, run),
    )


def classes_of(selection: Selection) -> frozenset[Privacy]:
    """How much the fields of a selection tell of a person."""
    found = fields_of(selection)
    return frozenset(each.declaration.privacy for each in found if each.declaration is not None)


def checked_of(selection: Selection) -> list[Field]:
    """The fields of a selection whose arguments may be refused to who asks."""
    return [
        each
        for each in fields_of(selection)
        if each.declaration is not None and each.declaration.check is not None
    ]


async def check_all(checked: Sequence[Field], run: Run) -> None:
    """Raises DomainError where a field is refused to the operation, whatever rows there are."""
    for field in checked:
        if field.declaration is not None and field.declaration.check is not None:
            checking = field.declaration.check(run.operation, run.given(field))
            if checking is not None:
                await checking


def statements_of_found(
    selection: Selection, json: JsonDialect, dialect: Dialect, run: Run
) -> dict[Selection, Statement]:
    """What reads back rows that functions find or point to, by what is selected of them."""
    sought = [
        below
        for field in fields_of(selection)
        if isinstance(field.declaration, fields.Found) and field.page
        for below in field.page.selections()
    ]
    sought += [
        below
        for field in fields_of(selection)
        if isinstance(field.declaration, fields.Figure)
        for each in field.below.values()
        for below in _pointed_to(each)
    ]
    return {below: Writer(json, dialect, run).rows(below) for below in sought}


def _pointed_to(selection: Selection) -> Iterator[Selection]:
    """What is selected of the rows that a row which was worked out points to."""
    for field in selection.fields:
        if isinstance(field.declaration, fields.One):
            yield field.selection
        elif isinstance(field.declaration, fields.Part):
            yield from _pointed_to(field.selection)


def scopes_of(selection: Selection) -> frozenset[Scope]:
    """Every scope that the fields of a selection need."""
    found: set[Scope] = set()
    for field in fields_of(selection):
        if field.declaration is not None and field.declaration.scope is not None:
            found.add(field.declaration.scope)
    return frozenset(found)


def fields_of(selection: Selection) -> list[Field]:
    """Every declared field of a selection, at any depth."""
    found: list[Field] = []
    waiting = [selection]
    while waiting:
        for field in waiting.pop().fields:
            found.append(field)
            waiting += field.below.values()
            waiting += field.page.selections() if field.page else ()
    return found


def _steps_of(selection: Selection, writer: Writer) -> list[Step]:
    """What puts each response key of the query, or of a part of it, into the answer."""
    steps: list[Step] = []
    for field in selection.fields:
        match field.declaration:
            case fields.Part(name=None):
                steps.append(_part(field.key, _steps_of(field.selection, writer)))
            case fields.Global() as declaration if "ids" in declaration.arguments:
                steps.append(_rows_by_id(field, writer))
            case fields.One() | fields.Many() | fields.Global() | fields.Lookup():
                steps.append(_related(field, writer))
            case _:
                steps.append(_worked_out(field, selection))
    return steps


def _part(key: str, steps: Sequence[Step]) -> Step:
    def step(found: dict[str, Any], texts: Texts, run: Run) -> None:
        inner = found[key] = {}
        for each in steps:
            each(inner, texts, run)

    return step


def _worked_out(field: Field, selection: Selection) -> Step:
    """A field of the operation itself, without the database."""
    put = value_of(field, selection)
    return lambda found, _, run: put(found, run.operation.root, run)


def _related(field: Field, writer: Writer) -> Step:
    number = writer.add(writer.relation(field, _key_of_root(writer)))
    key = field.key
    fill = fills_of(field)
    if fill is None:
        return lambda found, texts, run: found.__setitem__(key, orjson.Fragment(texts[number]))

    def step(found: dict[str, Any], texts: Texts, run: Run) -> None:
        found[key] = orjson.loads(texts[number])
        fill(found, run)

    return step


def _key_of_root(writer: Writer) -> Callable[[str], ColumnElement[Any]]:
    return lambda name: writer.bind(lambda run: run.operation.root[name], Text())


def _rows_by_id(field: Field, writer: Writer) -> Step:
    """The rows of `ids`, of several types, in the order of the ids."""
    numbers = {
        typename: writer.add(writer.ids_of(field, typename))
        for typename in writer.types_asked_for(field)
    }
    fillers = {typename: filler_of(field.below[typename]) for typename in numbers}

    def step(found: dict[str, Any], texts: Texts, run: Run) -> None:
        by_id: dict[str, Any] = {}
        for typename, number in numbers.items():
            pairs = orjson.loads(texts[number])
            _fill_each([row for _, row in pairs], fillers[typename], run)
            by_id.update(pairs)
        found[field.key] = [by_id.get(id) for id in ids_given(field, run)]

    return step


def _fill_each(rows: Sequence[dict[str, Any]], fill: Fill | None, run: Run) -> None:
    if fill is not None:
        for row in rows:
            fill(row, run)
