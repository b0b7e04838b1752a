"""What a key may not read of an answer is refused before a mutation writes anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    visit,
)
from strawberry.extensions import SchemaExtension

from trenza.domain.access import Scope
from trenza.domain.errors import ErrorCode
from trenza.readplan.schema import DeclaredField


class ReadableAnswer(SchemaExtension):
    """Refuses a mutation whose answer asks for more than its key may read.

    Found only while the answer is put together, it would hide what had been written by then.
    """

    def on_validate(self) -> Iterator[None]:
        """Before the document is validated: a field that does not exist is passed over here."""
        execution = self.execution_context
        document, context = execution.graphql_document, execution.context
        if document is not None and context.key is not None:
            schema: Any = execution.schema
            errors = unreadable(schema.core, document, context.key.scopes)
            execution.pre_execution_errors = errors or execution.pre_execution_errors
        yield


def unreadable(
    schema: GraphQLSchema, document: DocumentNode, scopes: frozenset[Scope]
) -> list[GraphQLError]:
    """The fields of a document with mutations that need a scope which is not there."""
    operations = (
        node for node in document.definitions if isinstance(node, OperationDefinitionNode)
    )
    writes = any(node.operation is OperationType.MUTATION for node in operations)
    if Scope.READ in scopes or not writes:
        return []
    types = TypeInfo(schema)
    found = Unreadable(types, scopes)
    visit(document, TypeInfoVisitor(types, found))
    return found.errors


class Unreadable(Visitor):
    """Collects the fields that need a scope which is not there."""

    def __init__(self, types: TypeInfo, scopes: frozenset[Scope]) -> None:
        super().__init__()
        self._types = types
        self._scopes = scopes
        self.errors: list[GraphQLError] = []

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Looks at the declaration of a field."""
        found = self._types.get_field_def()
        declared = found.extensions.get("strawberry-definition") if found else None
        if not isinstance(declared, DeclaredField):
            return
        scope = declared.declaration.scope
        if scope is not None and scope not in self._scopes:
            message = f"`{node.name.value}` needs a key with the scope '{scope}'; nothing was done."
            self.errors.append(
                GraphQLError(message, node, extensions={"code": ErrorCode.FORBIDDEN})
            )
