"""The schema: the graph, its mutations and feeds, and how an operation is run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from functools import cache
from typing import Any

import strawberry
from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode
from strawberry.extensions import (
    DisableIntrospection,
    ParserCache,
    SchemaExtension,
    ValidationCache,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.graphql import OperationType

from trenza.graphql import (  # noqa: F401 - each declares its types
    access,
    activity,
    campaign,
    channel,
    consent,
    contact,
    contact_list,
    custom_field,
    erasure,
    group,
    interaction,
    interactionz,
    journey,
    merge,
    seat,
    segment,
    segment_input,
    ticket,
    timeline,
    workspace,
)
from trenza.graphql.errors import HANDLERS, presented
from trenza.graphql.mutations import Mutation
from trenza.graphql.permission import ReadableAnswer
from trenza.graphql.query import Query
from trenza.graphql.scalars import SCALARS
from trenza.graphql.subscription import Subscription
from trenza.readplan.inputs import read_by

DOCUMENTS_MAX = 512
"""How many documents are kept parsed and validated: clients send the same few again and again."""


DOCUMENT_LENGTH_MAX = 4096
"""Longer ones are read each time: they seldom come again, and would hold much memory."""


class ShortParserCache(ParserCache):
    """Keeps short documents parsed."""

    def on_parse(self) -> Iterator[None]:
        """Parses by itself, where the document is not long."""
        if len(self.execution_context.query or "") > DOCUMENT_LENGTH_MAX:
            return iter((None,))
        return super().on_parse()


class ShortValidationCache(ValidationCache):
    """Keeps what was found of short documents."""

    def on_validate(self) -> Iterator[None]:
        """Validates by itself, where the document is not long."""
        if len(self.execution_context.query or "") > DOCUMENT_LENGTH_MAX:
            return iter((None,))
        return super().on_validate()


class OneOperation(SchemaExtension):
    """Refuses a document of several operations that does not say which one to run."""

    def on_validate(self) -> Iterator[None]:
        """Found before anything runs: the first one might be a mutation that nobody meant."""
        context = self.execution_context
        document = context.graphql_document
        operations = (
            [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
            if document
            else []
        )
        if len(operations) > 1 and context.context.operation_name is None:
            message = "The document has several operations: say which one by `operationName`."
            context.pre_execution_errors = [GraphQLError(message, operations)]
        yield


class Schema(strawberry.Schema):
    """Runs each operation with a context, and so loaders, of its own."""

    async def execute(self, query: str | None, *given: Any, **options: Any) -> Any:
        """One operation; its errors as a client may see them."""
        options["context_value"] = context = options["context_value"].for_operation()
        context.operation_name = options.get("operation_name")
        # What is answered once cannot be followed: subscriptions come by `stream`.
        allowed = set(options.get("allowed_operation_types") or OperationType)
        options["allowed_operation_types"] = allowed - {OperationType.SUBSCRIPTION}
        result = await super().execute(query, *given, **options)
        if result.errors:
            result.errors = presented(result.errors, context.correlation_id)
        return result

    async def stream(self, query: str | None, *given: Any, **options: Any) -> Any:
        """One operation on a connection that stays."""
        options["context_value"] = context = options["context_value"].for_operation()
        context.operation_name = options.get("operation_name")
        results = await super().stream(query, *given, **options)
        return _as_presented(results, context.correlation_id)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        for each in self.schema_converter.type_map.values():
            definition = each.definition
            if isinstance(definition, StrawberryObjectDefinition) and definition.is_input:
                read_by(definition)

    @property
    def core(self) -> GraphQLSchema:
        """The schema as graphql-core sees it."""
        return self._schema

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Logs nothing here: a client's mistakes are answered, ours are logged where masked."""


async def _as_presented(results: Any, correlation_id: str) -> AsyncGenerator[Any, None]:
    async with aclosing(results):
        async for result in results:
            if result.errors:
                shown = presented(result.errors, correlation_id)
                result.errors = [_of_the_operation(error) for error in shown]
            yield result


def _of_the_operation(error: GraphQLError) -> GraphQLError:
    """The error without its class, by which a whole connection would be closed."""
    if error.original_error is None and type(error) is GraphQLError:
        return error
    return GraphQLError(
        error.message,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=error.extensions,
    )


@cache
def build_schema(*, introspection: bool = True) -> Schema:
    """The schema of the whole graph; without `introspection` clients cannot ask for it.

    Made once for all apps of a process, which takes a tenth of a second.
    """
    hiding = [] if introspection else [DisableIntrospection]
    return Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
        exception_handlers=HANDLERS,
        extensions=[
            *hiding,
            OneOperation,
            ReadableAnswer,
            lambda: ShortParserCache(DOCUMENTS_MAX),
            lambda: ShortValidationCache(DOCUMENTS_MAX),
        ],
    )


def print_schema() -> str:
    """The schema as SDL, the contract with every client."""
    return build_schema().as_str() + "\n"
