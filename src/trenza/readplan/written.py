"""The answer to a mutation: what it wrote is read back, all rows of a kind in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import isawaitable
from typing import Any

import orjson
import structlog
from graphql import (
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    execute,
)
from sqlalchemy import Dialect

from trenza.domain.access import Privacy, Scope
from trenza.domain.errors import BrokenInvariant, DomainError
from trenza.readplan import fields
from trenza.readplan.dialect import JsonDialect
from trenza.readplan.filling import Encode, Fill, Shape, encoder_of, filler_of, shaper_of
from trenza.readplan.gathering import Gathering, read_back_of
from trenza.readplan.plan import (
    check_all,
    checked_of,
    classes_of,
    fields_of,
    scopes_of,
    statements_of_found,
)
from trenza.readplan.run import Run
from trenza.readplan.schema import CarriedOut, Record, Stored, in_full
from trenza.readplan.selection import Field, Selection, UncoveredError
from trenza.readplan.statement import Statement, Writer
from trenza.storage.statements import StatementError

LOG = structlog.get_logger("trenza.readplan")


@dataclass(frozen=True)
class ReferencePath:
    """How graphql-core answers one field of a mutation that was carried out before."""

    schema: GraphQLSchema
    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: dict[str, Any]
    """As the client gave them."""

    async def show(self, field: Field, outcome: Any, run: Run) -> ExecutionResult:
        """The answer to an operation of this field alone, whose write is not made again."""
        selected = SelectionSetNode(selections=tuple(field.nodes))
        operation = replace(self.operation, selection_set=selected)
        run.operation.renew()
        result = execute(
            self.schema,
            DocumentNode(definitions=(operation, *self.fragments.values())),
            root_value=CarriedOut(outcome),
            context_value=run.operation,
            variable_values=self.variables,
        )
        return await result if isawaitable(result) else result


@dataclass(frozen=True)
class Kind:
    """How the objects of one type in the answer are made: read back by id, or of their row."""

    shape: Shape
    statement: Statement | None
    fill: Fill | None
    beside: Sequence[tuple[str, str, Encode]]

    def finished(self, text: bytes, stored: Stored, run: Run) -> Any:
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
        """Writes; answers what came of it, an exception too: it must not be run again."""
        try:
            given = in_full(self.declaration, run.given(self.field), run.operation)
            return await self.declaration.function(run.operation, **given)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is shown in its place
            return error

    async def show(self, outcome: Any, run: Run, gathering: Gathering) -> Any:
        """Reads back what the client wants to see of what was written; raises what was raised."""
        if isinstance(outcome, Exception):
            raise outcome
        many = outcome if isinstance(outcome, list) else [outcome]
        shown = await self._shown(many, run, gathering)
        await run.settle()
        return shown if isinstance(outcome, list) else shown[0]

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
    asking: Sequence[Field]
    """Every field in the answer that is a connection, or is given what variables hold."""
    classes: frozenset[Privacy]
    checked: Sequence[Field]
    """Fields whose arguments may be refused to who asks."""
    found: Mapping[Selection, Statement]
    """What reads back the rows that functions find."""
    is_rehearsed: bool = False

    async def rehearse(self, run: Run, gathering: Gathering) -> None:
        """Sees before anything is written that the answer can be read; reads nothing, once.

        Raises StatementError, and DomainError or GraphQLError for what is asked for in vain below
        what is written.
        """
        await check_all(self.checked, run)
        for each in self.written:
            run.given(each.field)
        for field in self.asking:
            run.check(field)
        kinds = [kind for each in self.written for kind in each.kinds.values()]
        for statement in (*(kind.statement for kind in kinds), *self.found.values()):
            if statement is not None and not self.is_rehearsed:
                await gathering.read(statement, run, [])
            elif statement is not None and not statement.is_shared:
                gathering.parameters(statement, run, [])
        self.is_rehearsed = True

    async def answer(
        self, run: Run, gathering: Gathering, reference: ReferencePath
    ) -> ExecutionResult:
        """The whole answer, when everything is committed; its data is for orjson to write.

        A field that cannot be shown, in whatever part, is shown by the reference path, whose
        errors are those of its answer; as there, a field without data is the last.
        """
        run.read_back = read_back_of(self.found, run, gathering)
        data: dict[str, Any] = {}
        errors: list[GraphQLError] = []
        for each in self.written:
            outcome = await each.write(run)
            try:
                data[each.field.key] = await each.show(outcome, run, gathering)
            except Exception as error:  # noqa: BLE001 - the reference path says what it is
                if error is not outcome:
                    _log(error, each.field)
                await run.end()
                result = await reference.show(each.field, outcome, run)
                errors += result.errors or ()
                if result.data is None:
                    return ExecutionResult(None, errors)
                data |= result.data
        return ExecutionResult(data, errors or None)


def _log(error: Exception, field: Field) -> None:
    """Says that a plan failed, unless it was for what the client asked."""
    if isinstance(error, StatementError):
        LOG.warning("plan_failed", field=field.name, error=type(error.__cause__).__name__)
    elif not isinstance(error, DomainError | GraphQLError):
        LOG.error("plan_failed", field=field.name, exc_info=error)


def compile_written(
    selected: Sequence[Field], json: JsonDialect, dialect: Dialect, run: Run
) -> WrittenPlan:
    """The plan of a mutation's fields; raises UncoveredError."""
    written: list[WrittenField] = []
    scopes: set[Scope] = set()
    asking: list[Field] = []
    classes: set[Privacy] = set()
    checked: list[Field] = []
    found: dict[Selection, Statement] = {}
    for field in selected:
        if not isinstance(field.declaration, fields.Write):
            raise UncoveredError(f"{field.name} has a resolver")
        kinds = {
            typename: _kind_of(below, Writer(json, dialect, run))
            for typename, below in field.below.items()
        }
        for below in field.below.values():
            scopes |= scopes_of(below)
            classes |= classes_of(below)
            checked += checked_of(below)
            found |= statements_of_found(below, json, dialect, run)
            asking += [
                each for each in fields_of(below) if each.page or each.arguments.fixed is None
            ]
        written.append(WrittenField(field, field.declaration, kinds))
    return WrittenPlan(written, frozenset(scopes), asking, frozenset(classes), checked, found)


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
