"""Who may do what: scopes of a key, roles of a person, and the viewer that a request acts for."""

from collections.abc import Collection, Mapping
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
    DEFINE_CUSTOM_FIELD = "defineCustomField"
    ARCHIVE_CUSTOM_FIELD = "archiveCustomField"
    CREATE_CAMPAIGN = "createCampaign"
    CREATE_JOURNEY = "createJourney"
    OPEN_TICKET = "openTicket"
    CREATE_LIST = "createList"
    RENAME_LIST = "renameList"
    DELETE_LIST = "deleteList"
    ADD_TO_LIST = "addToList"
    REMOVE_FROM_LIST = "removeFromList"
    CREATE_SEGMENT = "createSegment"
    UPDATE_SEGMENT = "updateSegment"
    DELETE_SEGMENT = "deleteSegment"
    FREEZE_SEGMENT = "freezeSegment"
    GRANT_INTERACTIONZ = "grantInteractionz"
    CLOSE_CYCLE = "closeCycle"
    INVITE_USER = "inviteUser"
    ACCEPT_INVITATION = "acceptInvitation"
    DEACTIVATE_USER = "deactivateUser"
    REACTIVATE_USER = "reactivateUser"
    UPDATE_USER = "updateUser"
    CHANGE_USER_ROLE = "changeUserRole"
    SIGN_IN = "signIn"
    SIGN_OUT = "signOut"
    CREATE_GROUP = "createGroup"
    RENAME_GROUP = "renameGroup"
    ADD_GROUP_MEMBERS = "addGroupMembers"
    REMOVE_GROUP_MEMBERS = "removeGroupMembers"
    DELETE_GROUP = "deleteGroup"
    CREATE_API_KEY = "createApiKey"
    ROTATE_API_KEY = "rotateApiKey"
    REVOKE_API_KEY = "revokeApiKey"
    LIST_API_KEYS = "apiKeys"
    SET_CONSENT = "setConsent"
    SET_DO_NOT_CONTACT = "setDoNotContact"
    LIFT_DO_NOT_CONTACT = "liftDoNotContact"
    SET_FREQUENCY_CAP = "setFrequencyCap"
    REMOVE_FREQUENCY_CAP = "removeFrequencyCap"
    SET_OPT_OUT_WORDS = "setOptOutWords"
    ERASE_CONTACT = "eraseContact"
    EXPORT_CONTACT = "exportContact"
    SET_RETENTION = "setRetention"


IN_BATCHES: Mapping[str, Verb] = MappingProxyType({"recordInteractions": Verb.RECORD_INTERACTION})
"""The mutations that do one verb several times."""


def verb_of(mutation: str) -> Verb:
    """The verb that a mutation does.

    >>> verb_of("recordInteractions")
    <Verb.RECORD_INTERACTION: 'recordInteraction'>
    """
    return IN_BATCHES.get(mutation) or Verb(mutation)


@dataclass(frozen=True, slots=True)
class Permission:
    """What a verb takes: a scope of the key and, where the key is a person's, one of the roles."""

    scope: Scope
    roles: frozenset[Role]

    @property
    def sentence(self) -> str:
        """The permission as the descriptions of the schema say it.

        >>> MANAGEMENT.sentence
        'Scope `manage`; roles ADMIN, OPERATOR.'
        """
        named = [role for role in Role if role in self.roles]
        return f"Scope `{self.scope}`; role{'s' * (len(named) > 1)} {', '.join(named)}."


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
        Verb.DEFINE_CUSTOM_FIELD: ADMINISTRATION,
        Verb.ARCHIVE_CUSTOM_FIELD: ADMINISTRATION,
        Verb.CREATE_CAMPAIGN: MANAGEMENT,
        Verb.CREATE_JOURNEY: MANAGEMENT,
        Verb.OPEN_TICKET: MANAGEMENT,
        Verb.CREATE_LIST: MANAGEMENT,
        Verb.RENAME_LIST: MANAGEMENT,
        Verb.DELETE_LIST: MANAGEMENT,
        Verb.ADD_TO_LIST: MANAGEMENT,
        Verb.REMOVE_FROM_LIST: MANAGEMENT,
        Verb.CREATE_SEGMENT: MANAGEMENT,
        Verb.UPDATE_SEGMENT: MANAGEMENT,
        Verb.DELETE_SEGMENT: MANAGEMENT,
        Verb.FREEZE_SEGMENT: MANAGEMENT,
        Verb.GRANT_INTERACTIONZ: ADMINISTRATION,
        Verb.CLOSE_CYCLE: ADMINISTRATION,
        Verb.INVITE_USER: ADMINISTRATION,
        Verb.ACCEPT_INVITATION: ADMINISTRATION,
        Verb.DEACTIVATE_USER: ADMINISTRATION,
        Verb.REACTIVATE_USER: ADMINISTRATION,
        Verb.UPDATE_USER: ADMINISTRATION,
        Verb.CHANGE_USER_ROLE: ADMINISTRATION,
        Verb.SIGN_IN: ATTENDANCE,
        Verb.SIGN_OUT: ATTENDANCE,
        Verb.CREATE_GROUP: ADMINISTRATION,
        Verb.RENAME_GROUP: ADMINISTRATION,
        Verb.ADD_GROUP_MEMBERS: ADMINISTRATION,
        Verb.REMOVE_GROUP_MEMBERS: ADMINISTRATION,
        Verb.DELETE_GROUP: ADMINISTRATION,
        Verb.CREATE_API_KEY: ADMINISTRATION,
        Verb.ROTATE_API_KEY: ADMINISTRATION,
        Verb.REVOKE_API_KEY: ADMINISTRATION,
        Verb.LIST_API_KEYS: ADMINISTRATION,
        Verb.SET_CONSENT: ATTENDANCE,
        Verb.SET_DO_NOT_CONTACT: ATTENDANCE,
        Verb.LIFT_DO_NOT_CONTACT: MANAGEMENT,
        Verb.SET_FREQUENCY_CAP: ADMINISTRATION,
        Verb.REMOVE_FREQUENCY_CAP: ADMINISTRATION,
        Verb.SET_OPT_OUT_WORDS: ADMINISTRATION,
        Verb.ERASE_CONTACT: ADMINISTRATION,
        Verb.EXPORT_CONTACT: ADMINISTRATION,
        Verb.SET_RETENTION: ADMINISTRATION,
    }
)

FIELD_PERMISSIONS: Mapping[str, Permission] = MappingProxyType(
    {
        "Workspace.quarantine": ADMINISTRATION,
        "Workspace.apiKeys": ADMINISTRATION,
        "Workspace.activity": ADMINISTRATION,
        "Workspace.erasures": ADMINISTRATION,
    }
)
"""The fields of the graph that take more than `read`, by type and name."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """The key that a request acts for, in the one workspace that it belongs to.

    A key is a service's, or a person's: then `user_id` and `role` say whose, and `scopes` are
    those of the key that the role has too. `language` is the workspace's, in which sentences are
    told unless a request chooses another.
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
        if self.role is not None and self.role not in permission.roles:
            allowed = ", ".join(role for role in Role if role in permission.roles)
            raise Forbidden(f"{verb} is not for {self.role}: it takes one of {allowed}")
        self.require_scope(permission.scope)

    def require_scope(self, scope: Scope) -> None:
        """Raise Forbidden unless the key has the scope."""
        if scope not in self.scopes:
            raise Forbidden(f"this needs a key with the scope '{scope}'")

    def require_sight(self, privacy: Privacy, name: str, *, path: tuple[str, ...] = ()) -> None:
        """Raise Forbidden unless fields of the class are shown; `name` says which field it is."""
        if privacy not in self.sees:
            raise Forbidden(f"{name} is {privacy}, which this key does not see", path=path)

    @property
    def verbs(self) -> list[Verb]:
        """What may be done, in the order of `Verb`.

        >>> Viewer("ws_1", "key_1", "dashboard", frozenset({Scope.READ})).verbs
        [<Verb.READ: 'read'>]
        """
        return [verb for verb, permission in PERMISSIONS.items() if self._may(permission)]

    def _may(self, permission: Permission) -> bool:
        is_for_role = self.role is None or self.role in permission.roles
        return is_for_role and permission.scope in self.scopes

    def require_own(self, scopes: Collection[Scope]) -> None:
        """Raise Forbidden where a key would get a scope that whoever gives it does not have."""
        beyond = [scope for scope in Scope if scope in scopes and scope not in self.scopes]
        if beyond:
            raise Forbidden(f"nobody gives a scope without having it: {', '.join(beyond)}")

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
