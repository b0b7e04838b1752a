"""The schema: the graph, its mutations and feeds, and how an operation is run."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext

from trenza.graphql import campaign, channel, contact, interaction, interactionz, journey, seat, ticket  # noqa: F401 - each declares its types
from trenza.graphql.errors import HANDLERS, presented
from trenza.graphql.mutations import Mutation
from trenza.graphql.query import Query
from trenza.graphql.scalars import SCALARS
from trenza.graphql.subscription import Subscription


class Schema(strawberry.Schema):
    """Runs each operation with a context, and so loaders, of its own."""

    async def execute(self, query: str | None, *args: Any, context_value: Any = None, **kwargs: Any) -> Any:
        """One operation; its errors as a client may see them."""
        context = context_value.for_operation()
        result = await super().execute(query, *args, context_value=context, **kwargs)
        if result.errors:
            result.errors = presented(result.errors, context.correlation_id)
        return result

    async def stream(self, query: str | None, *args: Any, context_value: Any = None, **kwargs: Any) -> Any:
        """One operation on a connection that stays."""
        context = context_value.for_operation()
        return await super().stream(query, *args, context_value=context, **kwargs)

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Logs nothing here: a client's mistakes are answered, ours are logged where masked."""


def build_schema() -> Schema:
    """The schema of the whole graph."""
    return Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
        exception_handlers=HANDLERS,
    )


def print_schema() -> str:
    """The schema as SDL, the contract with every client."""
    return build_schema().as_str() + "\n"
