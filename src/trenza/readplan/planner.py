"""Plans of documents, compiled once and kept, and an account of what they do not cover.

A plan is kept by the document, the name of the operation, and the shape of the variables: which
of them are there, and the values of those that decide what is selected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    parse,
    validate,
    visit,
)
from graphql.execution.values import VariableValues

from trenza.domain import ids
from trenza.domain.access import Scope
from trenza.domain.errors import DomainError
from trenza.readplan.coercion import Variables
from trenza.readplan.dialect import PostgresJson, SqliteJson
from trenza.readplan.gathering import Gathering
from trenza.readplan.kept import Kept
from trenza.readplan.plan import Plan, compile_plan
from trenza.readplan.run import Run
from trenza.readplan.schema import DeclaredField, Operation
from trenza.readplan.selection import Reading, UncoveredError
from trenza.readplan.written import FailedWriteError, WrittenPlan, compile_written
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

LEAST_WEIGHT = 50

LOG = structlog.get_logger("trenza.readplan")

AnyPlan = Plan | WrittenPlan
Probe = Callable[[Mapping[str, Any]], Hashable]


@dataclass(frozen=True, eq=False)
class Document:
    """A valid document with one of its operations."""

    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Variables
    scopes: frozenset[Scope]
    """What a key without `read` needs, whatever is skipped: nothing is written for it otherwise."""
    probes: tuple[Probe, ...]

    def shape_of(self, variables: VariableValues) -> Hashable:
        """What of the variables decides how the operation is answered."""
        coerced = variables.coerced
        return tuple(probe(coerced) for probe in self.probes)


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
        self, operation: Operation, query: str, variables: dict[str, Any] | None, name: str | None
    ) -> bytes | None:
        """The whole answer to a query as JSON; nothing where its plan does not cover it.

        Whatever is wrong with a request is found by the reference path, which says so. Raises
        FailedWriteError for a mutation that may have written something.
        """
        try:
            document, scopes = self._document(query, name), operation.viewer.scopes
            if Scope.READ not in scopes and not document.scopes <= scopes:
                raise UncoveredError("scopes")
            found = document.variables.coerced(variables or {})
            if isinstance(found, list):
                raise UncoveredError("variables")
            run = Run(operation, found)
            plan = self._plan(document, run)
            if not plan.scopes <= scopes:
                raise UncoveredError("scopes")
            if not plan.classes <= operation.viewer.sees:
                raise UncoveredError("privacy")
            answer = await self._answer(document, plan, run)
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
        except FailedWriteError:
            raise
        except Exception:
            # A mistake of ours, before anything was written: the loaders may know better.
            LOG.exception("plan_failed", operation=name)
            self.missed["mistake"] += 1
            return None
        self.answered += 1
        return answer

    async def _answer(self, document: Document, plan: AnyPlan, run: Run) -> bytes:
        try:
            if isinstance(plan, WrittenPlan):
                await plan.rehearse(run, self._gathering)
                return await plan.answer(run, self._gathering)
            return await plan.answer(run, self._statements, self._gathering)
        except UnfitStatementError as refusal:
            is_ours = not isinstance(refusal, TooComplexError)
            reason = "wrong statement" if is_ours else "too complex"
            key = (document, document.shape_of(run.variables))
            self._plans.keep(key, reason, LEAST_WEIGHT)
            log = LOG.warning if is_ours else LOG.info
            name, error = _name_of(document.operation), type(refusal.__cause__).__name__
            log("plan_missed", reason=reason, operation=name, error=error)
            raise UncoveredError(reason) from refusal
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
            tuple(_probes(document)),
        )

    def _plan(self, document: Document, run: Run) -> AnyPlan:
        key = (document, document.shape_of(run.variables))
        found = self._plans.find(key)
        if found is None:
            reading = Reading(self._schema, document.fragments, run.variables)
            found = self._compile(document, reading, run)
            if isinstance(found, str):
                LOG.info("plan_missed", reason=found, operation=_name_of(document.operation))
            weight = LEAST_WEIGHT if isinstance(found, str) else LEAST_WEIGHT + reading.nodes
            self._plans.keep(key, found, weight)
        if isinstance(found, str):
            raise UncoveredError(found)
        return found

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


def _probes(document: DocumentNode) -> Iterator[Probe]:
    found = Probing()
    visit(document, found)
    yield from found.probes.values()


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


class Probing(Visitor):
    """Collects what has to be looked at in the variables of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.probes: dict[tuple[str, str], Probe] = {}

    def enter_variable(
        self, node: VariableNode, _key: Any, parent: Any, _path: Any, ancestors: list[Any]
    ) -> None:
        """A variable where it is used, or where it is declared, which changes nothing."""
        around = [*ancestors, parent]
        within = [each for each in around if isinstance(each, ArgumentNode)]
        # What a mutation is given decides nothing of how its answer is read.
        if not within or within[-1].name.value in ("input", "inputs"):
            return
        is_directive = any(isinstance(each, DirectiveNode) for each in around)
        self._add(node.name.value, within[-1].name.value, is_directive)

    def _add(self, name: str, argument: str, is_directive: bool) -> None:
        look = shape_of
        if is_directive or argument == "orderBy":
            look = frozen
        elif argument in ("id", "ids"):
            look = prefix_of
        self.probes[name, look.__name__] = lambda coerced: look(coerced.get(name))


def shape_of(value: Any) -> Hashable:
    """Which parts of a value are there, and of what kind each is."""
    if isinstance(value, dict):
        present = (key for key, each in value.items() if each is not None)
        return tuple((key, shape_of(value[key])) for key in sorted(present))
    if isinstance(value, list):
        inside = map(shape_of, value)
        has_objects = any(isinstance(each, dict) for each in value)
        return tuple(inside) if has_objects else frozenset(inside)
    if isinstance(value, bool):
        return "truth"
    return "number" if isinstance(value, int | float) else value is not None


def frozen(value: Any) -> Hashable:
    """The value itself."""
    return tuple(sorted(value.items())) if isinstance(value, dict) else value


def prefix_of(value: Any) -> Hashable:
    """The prefix of an id, or the different ones of several."""
    if isinstance(value, list):
        return tuple(dict.fromkeys(prefix_of(each) for each in value))
    if not isinstance(value, str):
        return None
    try:
        return ids.prefix_of(value)
    except ValueError:
        return None
