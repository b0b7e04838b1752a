"""Who may do what: scopes of a key, roles of a person, and the viewer that a request acts for."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from trenza.domain.errors import Forbidden
from trenza.domain.interaction import Language


class Scope(StrEnum):
    """What a key may be used for; none includes another."""

    READ = "read"
    RECORD = "record"
    MANAGE = "manage"
    ADMIN = "admin"


class Role(StrEnum):
    """What a person is in a workspace."""

    ADMIN = "ADMIN"
    OPERATOR = "OPERATOR"
    AGENT = "AGENT"
    VIEWER = "VIEWER"


ROLE_SCOPES: Mapping[Role, frozenset[Scope]] = MappingProxyType(
    {
        Role.ADMIN: frozenset(Scope),
        Role.OPERATOR: frozenset({Scope.READ, Scope.RECORD, Scope.MANAGE}),
        Role.AGENT: frozenset({Scope.READ, Scope.RECORD}),
        Role.VIEWER: frozenset({Scope.READ}),
    }
)


@dataclass(frozen=True, slots=True)
class Viewer:
    """The key that a request acts for, in the one workspace that it belongs to.

    `language` is the workspace's, in which sentences are told unless a request chooses another.
    """

    workspace_id: str
    key_id: str
    name: str
    scopes: frozenset[Scope]
    language: Language = Language.ES

    def require(self, scope: Scope) -> None:
        """Raise Forbidden unless the key has the scope.

        >>> Viewer("ws_1", "key_1", "dashboard", frozenset({Scope.READ})).require(Scope.READ)
        """
        if scope not in self.scopes:
            raise Forbidden(f"this needs a key with the scope '{scope}'")
