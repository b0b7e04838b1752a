"""Plans of documents, compiled once and kept, and an account of what they do not cover.

A plan is kept by the document, the name of the operation, and the shape of the variables: which
of them are there, and the values of those that decide what is selected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    parse,
    validate,
    visit,
)

from trenza.domain.access import Scope
from trenza.domain.errors import DomainError
from trenza.readplan.coercion import Variables
from trenza.readplan.dialect import PostgresJson, SqliteJson
from trenza.readplan.gathering import Gathering
from trenza.readplan.kept import Kept
from trenza.readplan.plan import Plan, compile_plan
from trenza.readplan.run import Run
from trenza.readplan.schema import DeclaredField, Operation
from trenza.readplan.selection import COST_MAX, Reading, UncoveredError
from trenza.readplan.shape import Probe, Shape, probes_of, shape_of
from trenza.readplan.written import ReferencePath, WrittenPlan, compile_written
from trenza.storage.engine import Database
from trenza.storage.statements import (
    StatementError,
    Statements,
    TooComplexError,
    UnfitStatementError,
)

DOCUMENT_LENGTH_MAX = 16_384
DOCUMENTS_WEIGHT_MAX = 1_000_000
"""How many characters all kept documents have; each takes some 150 bytes once it is parsed."""

PLANS_WEIGHT_MAX = 50_000
"""How many nodes the documents of all kept plans have; each takes some 2 kB of its plan."""

VALUES_PER_NODE = 20
"""How many values in the shape of variables take as much as a node of a document."""

LEAST_WEIGHT = 50

LOG = structlog.get_logger("trenza.readplan")

AnyPlan = Plan | WrittenPlan
Key = tuple["Document", Shape]


@dataclass(frozen=True)
class GraphQLRequest:
    """What a client asks: a document, the values of its variables, and which operation it is."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None


@dataclass(frozen=True, eq=False)
class Document:
    """A valid document with one of its operations."""

    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Variables
    scopes: frozenset[Scope]
    """What a key without `read` needs, whatever is skipped: nothing is written for it otherwise."""
    probes: Sequence[Probe]


class Planner:
    """Answers queries by their plans."""

    def __init__(self, schema: GraphQLSchema, database: Database, statements: Statements) -> None:
        self._schema = schema
        self._dialect = database.dialect
        self._json = SqliteJson() if database.is_sqlite else PostgresJson()
        self._statements = statements
        self._gathering = Gathering(statements, database.dialect)
        self._documents: Kept[Document | str] = Kept(DOCUMENTS_WEIGHT_MAX)
        self._plans: Kept[AnyPlan | str] = Kept(PLANS_WEIGHT_MAX)
        self.answered = 0
        self.missed: Counter[str] = Counter()

    async def answer(
        self, operation: Operation, request: GraphQLRequest, *, may_write: bool = True
    ) -> bytes | ExecutionResult | None:
        """The whole answer as JSON; nothing where no plan covers the operation.

        Whatever is wrong with a request is found by the reference path, which says so. What has
        errors is a mutation that was carried out, with the errors of the reference path.
        """
        name, variables = request.operation_name, request.variables or {}
        try:
            document, scopes = self._document(request.query, name), operation.viewer.scopes
            if document.operation.operation is OperationType.MUTATION and not may_write:
                raise UncoveredError("a mutation by GET")
            if Scope.READ not in scopes and not document.scopes <= scopes:
                raise UncoveredError("scopes")
            found = document.variables.coerced(variables)
            if isinstance(found, list):
                raise UncoveredError("variables")
            run = Run(operation, found)
            key = document, shape_of(document.probes, found.coerced)
            plan, is_new = self._plan(key, run)
            if not plan.scopes <= scopes:
                raise UncoveredError("scopes")
            if not plan.classes <= operation.viewer.sees:
                raise UncoveredError("privacy")
            answer = await self._answer(key, plan, run, is_new=is_new)
        except UncoveredError as uncovered:
            self.missed[str(uncovered)] += 1
            return None
        except (DomainError, GraphQLError):
            self.missed["refused"] += 1
            return None
        except StatementError as error:
            LOG.warning("plan_failed", operation=name, error=type(error.__cause__).__name__)
            self.missed["database"] += 1
            return None
        except Exception:
            # A mistake of ours, before anything was written: the loaders may know better.
            LOG.exception("plan_failed", operation=name)
            self.missed["mistake"] += 1
            return None
        self.answered += 1
        if isinstance(plan, WrittenPlan):
            # Nothing gives way from here on: it would be written once more.
            return await self._written(document, plan, run, variables)
        return answer

    async def _written(
        self, document: Document, plan: WrittenPlan, run: Run, variables: dict[str, Any]
    ) -> bytes | ExecutionResult:
        reference = ReferencePath(self._schema, document.operation, document.fragments, variables)
        try:
            result = await plan.answer(run, self._gathering, reference)
        finally:
            if run.awaited:
                await run.end()
        return result if result.errors else orjson.dumps({"data": result.data})

    async def _answer(self, key: Key, plan: AnyPlan, run: Run, *, is_new: bool) -> bytes | None:
        """The answer to a query; a mutation is rehearsed."""
        try:
            if isinstance(plan, WrittenPlan):
                await plan.rehearse(run, self._gathering)
                return None
            return await plan.answer(run, self._statements, self._gathering)
        except UnfitStatementError as refusal:
            is_ours = not isinstance(refusal, TooComplexError)
            reason = "wrong statement" if is_ours else "too complex"
            self._keep(key, reason)
            log = LOG.warning if is_ours else LOG.info
            name, error = _name_of(key[0].operation), type(refusal.__cause__).__name__
            log("plan_missed", reason=reason, operation=name, error=error)
            raise UncoveredError(reason) from refusal
        except (DomainError, GraphQLError):
            if is_new:
                self._plans.lose(key)
            raise
        finally:
            if run.awaited:
                await run.end()

    def log_use(self) -> None:
        """Says how many operations were answered by plans, and why others were not."""
        LOG.info("plans_used", answered=self.answered, missed=dict(self.missed))

    def _document(self, query: str, name: str | None) -> Document:
        if len(query) > DOCUMENT_LENGTH_MAX:
            # It would not be kept: what the loaders do is less than to read and to plan it anew.
            raise UncoveredError("too long")
        key = (query, name)
        found = self._documents.find(key)
        if found is None:
            found = self._read(query, name)
            if isinstance(found, str) and found != "subscription":
                LOG.info("plan_missed", reason=found, operation=name)
            self._documents.keep(key, found, LEAST_WEIGHT + len(query) + len(name or ""))
        if isinstance(found, str):
            raise UncoveredError(found)
        return found

    def _read(self, query: str, name: str | None) -> Document | str:
        try:
            document = parse(query)
        except GraphQLError:
            return "syntax"
        operations = [
            each for each in document.definitions if isinstance(each, OperationDefinitionNode)
        ]
        named = [each for each in operations if name is None or _name_of(each) == name]
        if len(named) != 1:
            return "which operation"
        if named[0].operation is OperationType.SUBSCRIPTION:
            return "subscription"
        if _count_fields(document) > COST_MAX:
            # To validate them takes long, and the reference path does that anyway.
            return "too many fields"
        if validate(self._schema, document):
            return "invalid"
        fragments = {
            each.name.value: each
            for each in document.definitions
            if isinstance(each, FragmentDefinitionNode)
        }
        asking = Asking(TypeInfo(self._schema))
        visit(document, TypeInfoVisitor(asking.types, asking))
        if asking.introspects:
            return "introspection"
        writes = any(each.operation is OperationType.MUTATION for each in operations)
        return Document(
            named[0],
            fragments,
            Variables(self._schema, named[0]),
            frozenset(asking.scopes if writes else ()),
            probes_of(document),
        )

    def _plan(self, key: Key, run: Run) -> tuple[AnyPlan, bool]:
        """The plan, and whether it was made just now."""
        found, document = self._plans.find(key), key[0]
        is_new = found is None
        if found is None:
            reading = Reading(self._schema, document.fragments, run.variables)
            found = self._compile(document, reading, run)
            if isinstance(found, str):
                LOG.info("plan_missed", reason=found, operation=_name_of(document.operation))
            self._keep(key, found, 0 if isinstance(found, str) else reading.nodes)
        if isinstance(found, str):
            raise UncoveredError(found)
        return found, is_new

    def _keep(self, key: Key, found: AnyPlan | str, nodes: int = 0) -> None:
        weight = LEAST_WEIGHT + nodes + key[1].size // VALUES_PER_NODE
        self._plans.keep(key, found, weight)

    def _compile(self, document: Document, reading: Reading, run: Run) -> AnyPlan | str:
        sets = [document.operation.selection_set]
        try:
            if document.operation.operation is OperationType.MUTATION:
                mutation = reading.written(self._schema.mutation_type, sets)
                return compile_written(mutation, self._json, self._dialect, run)
            selection = reading.selection(self._schema.query_type, sets)
            return compile_plan(selection, self._json, self._dialect, run)
        except UncoveredError as uncovered:
            return str(uncovered)
        except RecursionError:
            return "nested too deeply"


def _name_of(operation: OperationDefinitionNode) -> str | None:
    return operation.name.value if operation.name else None


def _count_fields(document: DocumentNode) -> int:
    """How many fields a document has, those of fragments once."""
    waiting: list[Any] = list(document.definitions)
    count = 0
    while waiting:
        below = getattr(waiting.pop(), "selection_set", None)
        if below is not None:
            count += len(below.selections)
            waiting += below.selections
    return count


class Asking(Visitor):
    """Collects what all fields of a document need, those that are skipped among them."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.types = types
        self.scopes: set[Scope] = set()
        self.introspects = False

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Looks at the declaration of a field."""
        self.introspects |= node.name.value in ("__schema", "__type")
        found = self.types.get_field_def()
        declared = found.extensions.get("strawberry-definition") if found else None
        if isinstance(declared, DeclaredField) and declared.declaration.scope is not None:
            self.scopes.add(declared.declaration.scope)
