"""API keys: making, listing and revoking them, and telling whom a request acts for."""

import hashlib
import hmac
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from trenza.domain.access import Scope, Verb, Viewer
from trenza.domain.access_key import AccessKey, make_key, read_key
from trenza.domain.errors import InvalidInput, Unauthenticated
from trenza.domain.ids import Prefix
from trenza.domain.instant import instant_text
from trenza.domain.interaction import Language
from trenza.domain.text import clean
from trenza.services.dependencies import Dependencies
from trenza.services.reference import absent, require_form
from trenza.storage.access import (
    find_key,
    find_workspace_of_key,
    insert_key,
    list_workspace_keys,
    mark_revoked,
)
from trenza.storage.engine import AsyncConnection
from trenza.storage.workspace import find_workspace

NAME_LONGEST = 200
REMEMBERED_FOR = timedelta(seconds=2)
REMEMBERED_MAX = 4096

_ENVIRONMENT = re.compile("[a-z][a-z0-9]{0,15}")


@dataclass(frozen=True)
class CreateKey:
    """A key to make; `environment` becomes a readable part of it."""

    name: str
    scopes: Collection[Scope]
    environment: str = "live"
    expires_at: datetime | None = None


@dataclass(frozen=True)
class CreatedKey:
    """A new key with its text, which is shown this once and never again."""

    key_id: str
    text: str


@dataclass(frozen=True)
class ListedKey:
    """A key as its workspace's admins see it."""

    key_id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


async def act_as_system(dependencies: Dependencies, workspace_id: str) -> Viewer:
    """A viewer with every scope for the command line and the seed, which hold no key.

    Raises NotFound for an unknown workspace.
    """
    async with dependencies.database.read(workspace_id) as connection:
        workspace = await find_workspace(connection, workspace_id)
    return Viewer(workspace.id, "", "system", frozenset(Scope), workspace.language)


async def create_key(dependencies: Dependencies, viewer: Viewer, request: CreateKey) -> CreatedKey:
    """Makes a key for the viewer's workspace. Needs the scope `admin`.

    Raises InvalidInput for a bad name or environment, no scopes, or an expiry in the past.
    """
    viewer.require(Verb.CREATE_API_KEY)
    now = dependencies.clock.now()
    name = clean(request.name, ("name",), NAME_LONGEST)
    if not request.scopes:
        raise InvalidInput("a key needs at least one scope", path=("scopes",))
    if not _ENVIRONMENT.fullmatch(request.environment):
        raise InvalidInput(
            "environment is a short word in lower case, such as live", path=("environment",)
        )
    if request.expires_at is not None and request.expires_at <= now:
        raise InvalidInput("expiresAt lies in the past", path=("expiresAt",))
    key = make_key(request.environment, dependencies.new_id(Prefix.KEY), dependencies.new_secret())
    row = {
        "workspace_id": viewer.workspace_id,
        "id": key.key_id,
        "name": name,
        "secret_hash": key.secret_hash,
        "scopes": [scope.value for scope in Scope if scope in request.scopes],
        "created_at": now,
        "expires_at": request.expires_at,
    }

    async def work(connection: AsyncConnection) -> CreatedKey:
        await insert_key(connection, row)
        return CreatedKey(key.key_id, key.text)

    return await dependencies.database.write(work, viewer.workspace_id)


async def revoke_key(dependencies: Dependencies, viewer: Viewer, key_id: str) -> str:
    """Revokes a key for good and returns its id; again changes nothing. Needs the scope `admin`.

    Raises NotFound. Within 5 seconds no process takes the key any more.
    """
    viewer.require(Verb.REVOKE_API_KEY)
    require_form(key_id, Prefix.KEY, "id")
    now = dependencies.clock.now()

    async def work(connection: AsyncConnection) -> str:
        if not await mark_revoked(connection, viewer.workspace_id, key_id, now):
            raise absent("id")
        return key_id

    return await dependencies.database.write(work, viewer.workspace_id)


async def list_keys(dependencies: Dependencies, viewer: Viewer) -> list[ListedKey]:
    """The keys of the viewer's workspace, the oldest first. Needs the scope `admin`."""
    viewer.require(Verb.LIST_API_KEYS)
    async with dependencies.database.read(viewer.workspace_id) as connection:
        rows = await list_workspace_keys(connection, viewer.workspace_id)
    return [
        ListedKey(
            key_id=row["id"],
            name=row["name"],
            scopes=frozenset(map(Scope, row["scopes"])),
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            revoked_at=row["revoked_at"],
        )
        for row in rows
    ]


async def authenticate(dependencies: Dependencies, authorization: str | None) -> Viewer:
    """Whom a request with this `Authorization` acts for, read from the database.

    Raises Unauthenticated with what is wrong: no key, none at all, mistyped, unknown, expired,
    revoked. An unknown key and a wrong secret answer the same.
    """
    return (await _prove(dependencies, _presented(authorization)))[0]


class Authenticator:
    """`authenticate` with a short memory, so that a busy client costs no query per request.

    A success is remembered for 2 seconds, never past the key's expiry; a failure never.
    """

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies
        self._known: dict[bytes, tuple[Viewer, datetime, datetime]] = {}

    async def viewer_of(self, authorization: str | None) -> Viewer:
        """Whom a request with this `Authorization` acts for; raises as `authenticate` does."""
        memory = hashlib.sha256((authorization or "").encode()).digest()
        now = self._dependencies.clock.now()
        if memory in self._known:
            viewer, since, until = self._known[memory]
            if since <= now < until:
                return viewer
            del self._known[memory]
        viewer, expires_at = await _prove(self._dependencies, _presented(authorization))
        until = now + REMEMBERED_FOR
        if expires_at is not None:
            until = min(until, expires_at)
        if len(self._known) >= REMEMBERED_MAX:
            del self._known[next(iter(self._known))]
        self._known[memory] = (viewer, now, until)
        return viewer


def _presented(authorization: str | None) -> AccessKey:
    """The key in the text of an `Authorization`; raises Unauthenticated where none is whole."""
    if authorization is None or not authorization.strip():
        raise Unauthenticated("no key was given: send 'Authorization: Bearer trz_...'")
    scheme, _, text = authorization.strip().partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("the authorization has to read 'Bearer trz_...'")
    try:
        return read_key(text.strip())
    except ValueError:
        raise Unauthenticated(
            "this is no API key, or a part of it is missing or mistyped"
        ) from None


async def _prove(dependencies: Dependencies, key: AccessKey) -> tuple[Viewer, datetime | None]:
    """The viewer of a key that is good now, and until when it is."""
    async with dependencies.database.read_key(key.key_id) as connection:
        workspace_id = await find_workspace_of_key(connection, key.key_id)
    if workspace_id is None:
        raise Unauthenticated("the key is unknown")
    async with dependencies.database.read(workspace_id) as connection:
        row = await find_key(connection, workspace_id, key.key_id)
    if row is None or not hmac.compare_digest(row["secret_hash"], key.secret_hash):
        raise Unauthenticated("the key is unknown")
    now = dependencies.clock.now()
    expires_at: datetime | None = row["expires_at"]
    if row["revoked_at"] is not None:
        raise Unauthenticated(f"the key was revoked at {instant_text(row['revoked_at'])}")
    if expires_at is not None and expires_at <= now:
        raise Unauthenticated(f"the key expired at {instant_text(expires_at)}")
    viewer = Viewer(
        workspace_id=row["workspace_id"],
        key_id=row["id"],
        name=row["name"],
        scopes=frozenset(map(Scope, row["scopes"])),
        language=Language(row["language"]),
    )
    return viewer, expires_at
