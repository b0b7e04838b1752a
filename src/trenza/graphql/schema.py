"""The schema: the graph, its mutations and feeds, and how an operation is run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

import strawberry
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types.graphql import OperationType

from trenza.graphql import (  # noqa: F401 - each declares its types
    campaign,
    channel,
    contact,
    interaction,
    interactionz,
    journey,
    seat,
    ticket,
)
from trenza.graphql.errors import HANDLERS, presented
from trenza.graphql.mutations import Mutation
from trenza.graphql.query import Query
from trenza.graphql.scalars import SCALARS
from trenza.graphql.subscription import Subscription

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


class Schema(strawberry.Schema):
    """Runs each operation with a context, and so loaders, of its own."""

    async def execute(self, query: str | None, *given: Any, **options: Any) -> Any:
        """One operation; its errors as a client may see them."""
        options["context_value"] = context = options["context_value"].for_operation()
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
        results = await super().stream(query, *given, **options)
        return _as_presented(results, context.correlation_id)

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Logs nothing here: a client's mistakes are answered, ours are logged where masked."""


async def _as_presented(results: Any, correlation_id: str) -> AsyncGenerator[Any, None]:
    async with aclosing(results):
        async for result in results:
            if result.errors:
                result.errors = presented(result.errors, correlation_id)
            yield result


def build_schema() -> Schema:
    """The schema of the whole graph."""
    return Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
        exception_handlers=HANDLERS,
        extensions=[
            lambda: ShortParserCache(DOCUMENTS_MAX),
            lambda: ShortValidationCache(DOCUMENTS_MAX),
        ],
    )


def print_schema() -> str:
    """The schema as SDL, the contract with every client."""
    return build_schema().as_str() + "\n"
