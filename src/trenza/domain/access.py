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


class Privacy(StrEnum):
    """How much a field tells of a person, from the least; it decides who sees it."""

    NORMAL = "NORMAL"
    PERSONAL = "PERSONAL"
    SENSITIVE = "SENSITIVE"


ROLE_SEES: Mapping[Role, frozenset[Privacy]] = MappingProxyType(
    {
        Role.ADMIN: frozenset(Privacy),
        Role.OPERATOR: frozenset({Privacy.NORMAL, Privacy.PERSONAL}),
        Role.AGENT: frozenset({Privacy.NORMAL, Privacy.PERSONAL}),
        Role.VIEWER: frozenset({Privacy.NORMAL}),
    }
)


class Verb(StrEnum):
    """Everything that can be done, by the name of its mutation; `read` stands for every query."""

    READ = "read"
    RECORD_INTERACTION = "recordInteraction"
    RETRACT_INTERACTION = "retractInteraction"
    ADMIT_INTERACTION = "admitInteraction"
    UPSERT_CONTACT = "upsertContact"
    MERGE_CONTACTS = "mergeContacts"
    UNMERGE_CONTACT = "unmergeContact"
    SET_IDENTITY_POLICY = "setIdentityPolicy"
    BLOCK_ADDRESS = "blockAddress"
    UNBLOCK_ADDRESS = "unblockAddress"
    CREATE_CAMPAIGN = "createCampaign"
    CREATE_JOURNEY = "createJourney"
    OPEN_TICKET = "openTicket"
    GRANT_INTERACTIONZ = "grantInteractionz"
    CLOSE_CYCLE = "closeCycle"
    INVITE_USER = "inviteUser"
    ACCEPT_INVITATION = "acceptInvitation"
    DEACTIVATE_USER = "deactivateUser"
    REACTIVATE_USER = "reactivateUser"
    SIGN_IN = "signIn"
    SIGN_OUT = "signOut"
    CREATE_API_KEY = "createApiKey"
    REVOKE_API_KEY = "revokeApiKey"
    LIST_API_KEYS = "apiKeys"


@dataclass(frozen=True, slots=True)
class Permission:
    """What a verb takes: a scope of the key and, where the key is a person's, one of the roles."""

    scope: Scope
    roles: frozenset[Role]


EVERYBODY = Permission(Scope.READ, frozenset(Role))
ATTENDANCE = Permission(Scope.RECORD, frozenset({Role.ADMIN, Role.OPERATOR, Role.AGENT}))
MANAGEMENT = Permission(Scope.MANAGE, frozenset({Role.ADMIN, Role.OPERATOR}))
ADMINISTRATION = Permission(Scope.ADMIN, frozenset({Role.ADMIN}))

PERMISSIONS: Mapping[Verb, Permission] = MappingProxyType(
    {
        Verb.READ: EVERYBODY,
        Verb.RECORD_INTERACTION: ATTENDANCE,
        Verb.RETRACT_INTERACTION: ADMINISTRATION,
        Verb.ADMIT_INTERACTION: ADMINISTRATION,
        Verb.UPSERT_CONTACT: MANAGEMENT,
        Verb.MERGE_CONTACTS: MANAGEMENT,
        Verb.UNMERGE_CONTACT: MANAGEMENT,
        Verb.SET_IDENTITY_POLICY: ADMINISTRATION,
        Verb.BLOCK_ADDRESS: ADMINISTRATION,
        Verb.UNBLOCK_ADDRESS: ADMINISTRATION,
        Verb.CREATE_CAMPAIGN: MANAGEMENT,
        Verb.CREATE_JOURNEY: MANAGEMENT,
        Verb.OPEN_TICKET: MANAGEMENT,
        Verb.GRANT_INTERACTIONZ: ADMINISTRATION,
        Verb.CLOSE_CYCLE: ADMINISTRATION,
        Verb.INVITE_USER: ADMINISTRATION,
        Verb.ACCEPT_INVITATION: ADMINISTRATION,
        Verb.DEACTIVATE_USER: ADMINISTRATION,
        Verb.REACTIVATE_USER: ADMINISTRATION,
        Verb.SIGN_IN: ATTENDANCE,
        Verb.SIGN_OUT: ATTENDANCE,
        Verb.CREATE_API_KEY: ADMINISTRATION,
        Verb.REVOKE_API_KEY: ADMINISTRATION,
        Verb.LIST_API_KEYS: ADMINISTRATION,
    }
)


@dataclass(frozen=True, slots=True)
class Viewer:
    """The key that a request acts for, in the one workspace that it belongs to.

    A key is a service's, or a person's: then `user_id` and `role` say whose. `language` is the
    workspace's, in which sentences are told unless a request chooses another.
    """

    workspace_id: str
    key_id: str
    name: str
    scopes: frozenset[Scope]
    language: Language = Language.ES
    user_id: str | None = None
    role: Role | None = None

    def require(self, verb: Verb) -> None:
        """Raise Forbidden unless the key has the verb's scope, and its person one of the roles.

        >>> Viewer("ws_1", "key_1", "dashboard", frozenset({Scope.READ})).require(Verb.READ)
        """
        permission = PERMISSIONS[verb]
        self.require_scope(permission.scope)
        if self.role is not None and self.role not in permission.roles:
            allowed = ", ".join(role for role in Role if role in permission.roles)
            raise Forbidden(f"{verb} is not for {self.role}: it takes one of {allowed}")

    def require_scope(self, scope: Scope) -> None:
        """Raise Forbidden unless the key has the scope."""
        if scope not in self.scopes:
            raise Forbidden(f"this needs a key with the scope '{scope}'")

    @property
    def sees(self) -> frozenset[Privacy]:
        """The classes of fields that are shown: those of the person's role.

        A service's key sees what the role would see that has the same scopes.

        >>> sorted(Viewer("ws_1", "key_1", "dashboard", frozenset({Scope.READ})).sees)
        [<Privacy.NORMAL: 'NORMAL'>]
        """
        if self.role is not None:
            return ROLE_SEES[self.role]
        if Scope.ADMIN in self.scopes:
            return ROLE_SEES[Role.ADMIN]
        working = self.scopes & {Scope.RECORD, Scope.MANAGE}
        return ROLE_SEES[Role.AGENT if working else Role.VIEWER]
