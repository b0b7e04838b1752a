"""API keys, as admins see them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from trenza.domain.access import Scope
from trenza.readplan.fields import column, computed, one
from trenza.readplan.schema import Record, record
from trenza.storage.access import ApiKey as KeyTable

if TYPE_CHECKING:
    from strawberry import ID

    from trenza.graphql.seat import User


def scopes_of(scopes: list[str]) -> list[Scope]:
    """What it may be used for."""
    return [Scope(scope) for scope in scopes]


@record(KeyTable)
class ApiKey(Record):
    """A key of the API, without its secret: a service's, or that of the user it is bound to.

    A user's key may do what its scopes and the user's role both allow at that moment, and nothing
    while the user is not active.
    """

    id: ID = column("The id of the key.")
    name: str = column("Whose key it is, to find it again.")
    scopes: list[Scope] = computed(scopes_of, "scopes")
    user: User | None = one("The user that it is bound to; null for a service's.", "user_id")
    created_at: datetime = column("When it was made.")
    expires_at: datetime | None = column("From when it is refused; null for never.")
    rotated_at: datetime | None = column("When it got its secret, if not from the beginning.")
    former_secret_until: datetime | None = column(
        "Until when the secret before that is taken too.", "former_until"
    )
    revoked_at: datetime | None = column("When it was revoked, for good.")
