"""Mutations of API keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

from trenza.domain.access import Scope
from trenza.graphql import errors
from trenza.graphql.context import Info
from trenza.readplan.fields import column, one
from trenza.readplan.schema import Record, record, view
from trenza.services.access import (
    GRACE_DEFAULT,
    CreateKey,
    RotateKey,
    create_key,
    revoke_key,
    rotate_key,
)

if TYPE_CHECKING:
    from trenza.graphql.access import ApiKey


@strawberry.input(description="A key to make.")
class CreateApiKeyInput:
    """A key to make."""

    name: str = strawberry.field(description="Whose key it is, up to 200 characters.")
    scopes: list[Scope] = strawberry.field(
        description="What it may be used for; none that the key that makes it does not have."
    )
    expires_at: datetime | None = strawberry.field(
        default=None, description="From when it is refused; for ever good when omitted."
    )
    user_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The active user that it is bound to; a service's key when omitted.",
    )


@strawberry.input(description="A key that gets another secret.")
class RotateApiKeyInput:
    """A key that gets another secret."""

    id: strawberry.ID = strawberry.field(description="The key.")
    grace_seconds: int = strawberry.field(
        default=int(GRACE_DEFAULT.total_seconds()),
        description="How long the former secret is taken too: 0 to 604,800 seconds.",
    )


@strawberry.input(description="A key to revoke.")
class RevokeApiKeyInput:
    """A key to revoke."""

    id: strawberry.ID = strawberry.field(description="The key.")


@record()
class ApiKeySecretPayload(Record):
    """The key with its new secret."""

    api_key: ApiKey = one("The key.", "id", scope=None)
    secret: str = column("What a client sends as `Authorization: Bearer`. Shown this once.")


@record()
class RevokeApiKeyPayload(Record):
    """A key that is revoked."""

    api_key: ApiKey = one("The key.", "id", scope=None)


CreateApiKeyResult: TypeAlias = Annotated[
    ApiKeySecretPayload
    | errors.InvalidInput
    | errors.Forbidden
    | errors.NotFound
    | errors.Conflict,
    strawberry.union("CreateApiKeyResult", description="CreateApiKey: done, or refused."),
]
RotateApiKeyResult: TypeAlias = Annotated[
    ApiKeySecretPayload
    | errors.InvalidInput
    | errors.Forbidden
    | errors.NotFound
    | errors.Conflict,
    strawberry.union("RotateApiKeyResult", description="RotateApiKey: done, or refused."),
]
RevokeApiKeyResult: TypeAlias = Annotated[
    RevokeApiKeyPayload | errors.Forbidden | errors.NotFound,
    strawberry.union("RevokeApiKeyResult", description="RevokeApiKey: done, or refused."),
]


@strawberry.type
class ApiKeyMutations:
    """Making, rotating and revoking keys."""

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Makes a key of the API, a service's or one that is bound to a user."
    )
    async def create_api_key(
        self,
        info: Info,
        input: Annotated[CreateApiKeyInput, strawberry.argument(description="The key.")],
    ) -> CreateApiKeyResult:
        """Nobody gives a scope without having it."""
        request = CreateKey(
            name=input.name,
            scopes=input.scopes,
            environment=info.context.dependencies.environment,
            expires_at=input.expires_at,
            user_id=input.user_id,
        )
        made = await info.context.write(create_key, request)
        return view(ApiKeySecretPayload, {"id": made.key_id, "secret": made.text})

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description=(
            "Gives a key another secret; the former one is taken too until the grace is over. A "
            "secret that is still in its grace ends at once."
        )
    )
    async def rotate_api_key(
        self,
        info: Info,
        input: Annotated[RotateApiKeyInput, strawberry.argument(description="Which.")],
    ) -> RotateApiKeyResult:
        """Name, scopes, user and id stay."""
        request = RotateKey(
            key_id=input.id,
            environment=info.context.dependencies.environment,
            grace=timedelta(seconds=input.grace_seconds),
        )
        made = await info.context.write(rotate_key, request)
        return view(ApiKeySecretPayload, {"id": made.key_id, "secret": made.text})

    @strawberry.mutation(  # type: ignore[untyped-decorator]
        description="Revokes a key for good; within 5 seconds nothing takes it any more."
    )
    async def revoke_api_key(
        self,
        info: Info,
        input: Annotated[RevokeApiKeyInput, strawberry.argument(description="Which.")],
    ) -> RevokeApiKeyResult:
        """Again changes nothing."""
        key_id = await info.context.write(revoke_key, input.id)
        return view(RevokeApiKeyPayload, {"id": key_id})
