"""API keys: making, rotating, listing and revoking them, and telling whom a request acts for.

A key is a service's, or bound to a user: then it does what its scopes and the user's role both
allow at that moment, and nothing while the user is not active.
"""

import asyncio
import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from trenza.domain.access import ROLE_SCOPES, Role, Scope, Verb, Viewer
from trenza.domain.access_key import AccessKey, make_key, read_key
from trenza.domain.errors import Conflict, InvalidInput, Unauthenticated
from trenza.domain.ids import Prefix
from trenza.domain.instant import instant_text
from trenza.domain.interaction import Language
from trenza.domain.metering.seat import SeatStatus
from trenza.domain.text import clean
from trenza.services.activity import note_of
from trenza.services.dependencies import Dependencies
from trenza.services.reference import absent, require_form
from trenza.storage.access import (
    find_key,
    find_workspace_of_key,
    insert_key,
    list_workspace_keys,
    lock_key,
    update_key,
)
from trenza.storage.bulk import write_all
from trenza.storage.engine import AsyncConnection
from trenza.storage.seat import lock_user
from trenza.storage.workspace import find_workspace

NAME_LONGEST = 200
GRACE_MAX = timedelta(days=7)
GRACE_DEFAULT = timedelta(hours=24)
REMEMBERED_FOR = timedelta(seconds=2)
REMEMBERED_MAX = 4096

_ENVIRONMENT = re.compile("[a-z][a-z0-9]{0,15}")


@dataclass(frozen=True)
class CreateKey:
    """A key to make, of a service or of the user named; `environment` is a readable part of it."""

    name: str
    scopes: Collection[Scope]
    environment: str = "live"
    expires_at: datetime | None = None
    user_id: str | None = None


@dataclass(frozen=True)
class CreatedKey:
    """A new key with its text, which is shown this once and never again."""

    key_id: str
    text: str


@dataclass(frozen=True)
class RotateKey:
    """A key that is to get another secret; the former one is good for the grace, up to 7 days."""

    key_id: str
    environment: str = "live"
    grace: timedelta = GRACE_DEFAULT


@dataclass(frozen=True)
class ListedKey:
    """A key as its workspace's admins see it."""

    key_id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    user_id: str | None
    email: str | None
    """The e-mail address of the user that it is bound to."""


async def act_as_system(dependencies: Dependencies, workspace_id: str) -> Viewer:
    """A viewer with every scope for the command line and the seed, which hold no key.

    Raises NotFound for an unknown workspace.
    """
    async with dependencies.database.read(workspace_id) as connection:
        workspace = await find_workspace(connection, workspace_id)
    return Viewer(workspace.id, "", "system", frozenset(Scope), workspace.language)


async def create_key(dependencies: Dependencies, viewer: Viewer, request: CreateKey) -> CreatedKey:
    """Makes a key for the viewer's workspace. Needs the scope `admin`.

    Raises Forbidden for a scope that the viewer does not have, InvalidInput for a bad name or
    environment, no scopes, or an expiry in the past, NotFound for an unknown user, and Conflict
    for one who is not active.
    """
    viewer.require(Verb.CREATE_API_KEY)
    viewer.require_own(request.scopes)
    now = dependencies.clock.now()
    row = _checked(request, now)
    if request.user_id is not None:
        require_form(request.user_id, Prefix.USER, "userId")
    key = _new_secret(dependencies, request.environment, dependencies.new_id(Prefix.KEY))
    row |= {"workspace_id": viewer.workspace_id, "id": key.key_id, "secret_hash": key.secret_hash}
    after = {
        "name": row["name"],
        "scopes": row["scopes"],
        "expiresAt": request.expires_at,
        "userId": request.user_id,
    }
    note = note_of(dependencies, viewer, now, Verb.CREATE_API_KEY, key.key_id, None, after)

    async def work(connection: AsyncConnection) -> CreatedKey:
        if request.user_id is not None:
            user = await lock_user(connection, viewer.workspace_id, request.user_id)
            if user is None:
                raise absent("userId")
            if user["standing"] != SeatStatus.ACTIVE:
                raise Conflict("only an active user has keys", path=("userId",))
        await insert_key(connection, row)
        await write_all(connection, viewer.workspace_id, [note])
        return CreatedKey(key.key_id, key.text)

    return await dependencies.database.write(work, viewer.workspace_id)


def _checked(request: CreateKey, now: datetime) -> dict[str, Any]:
    """The columns of a key to make, but for its id and secret."""
    name = clean(request.name, ("name",), NAME_LONGEST)
    if not request.scopes:
        raise InvalidInput("a key needs at least one scope", path=("scopes",))
    if request.expires_at is not None and request.expires_at <= now:
        raise InvalidInput("expiresAt lies in the past", path=("expiresAt",))
    return {
        "name": name,
        "scopes": [scope.value for scope in Scope if scope in request.scopes],
        "created_at": now,
        "expires_at": request.expires_at,
        "user_id": request.user_id,
    }


def _new_secret(dependencies: Dependencies, environment: str, key_id: str) -> AccessKey:
    if not _ENVIRONMENT.fullmatch(environment):
        raise InvalidInput(
            "environment is a short word in lower case, such as live", path=("environment",)
        )
    return make_key(environment, key_id, dependencies.new_secret())


async def rotate_key(dependencies: Dependencies, viewer: Viewer, request: RotateKey) -> CreatedKey:
    """Gives a key another secret; the former one is refused after the grace. Needs `admin`.

    A secret that is itself still in its grace ends at once. Raises NotFound, InvalidInput for a
    grace outside 0 to 7 days, Forbidden for a key with a scope that the viewer does not have, and
    Conflict for one that is revoked or has expired.
    """
    viewer.require(Verb.ROTATE_API_KEY)
    require_form(request.key_id, Prefix.KEY, "id")
    if not timedelta(0) <= request.grace <= GRACE_MAX:
        raise InvalidInput("the grace is 0 to 604800 seconds", path=("graceSeconds",))
    now = dependencies.clock.now()
    until = now + request.grace
    key = _new_secret(dependencies, request.environment, request.key_id)
    after = {"formerSecretUntil": until}
    note = note_of(dependencies, viewer, now, Verb.ROTATE_API_KEY, key.key_id, None, after)

    async def work(connection: AsyncConnection) -> CreatedKey:
        row = await lock_key(connection, viewer.workspace_id, request.key_id)
        if row is None:
            raise absent("id")
        viewer.require_own([Scope(scope) for scope in row["scopes"]])
        expires_at = row["expires_at"]
        if row["revoked_at"] is not None or (expires_at is not None and expires_at <= now):
            raise Conflict("the key is revoked or has expired: make another", path=("id",))
        changes = {
            "secret_hash": key.secret_hash,
            "rotated_at": now,
            "former_secret_hash": row["secret_hash"],
            "former_until": until,
        }
        await update_key(connection, viewer.workspace_id, key.key_id, changes)
        await write_all(connection, viewer.workspace_id, [note])
        return CreatedKey(key.key_id, key.text)

    return await dependencies.database.write(work, viewer.workspace_id)


async def revoke_key(dependencies: Dependencies, viewer: Viewer, key_id: str) -> str:
    """Revokes a key for good and returns its id; again changes nothing. Needs the scope `admin`.

    Raises NotFound. Within 5 seconds no process takes the key any more.
    """
    viewer.require(Verb.REVOKE_API_KEY)
    require_form(key_id, Prefix.KEY, "id")
    now = dependencies.clock.now()
    after = {"revokedAt": now}
    note = note_of(dependencies, viewer, now, Verb.REVOKE_API_KEY, key_id, None, after)

    async def work(connection: AsyncConnection) -> str:
        row = await lock_key(connection, viewer.workspace_id, key_id)
        if row is None:
            raise absent("id")
        if row["revoked_at"] is None:
            await update_key(connection, viewer.workspace_id, key_id, {"revoked_at": now})
            await write_all(connection, viewer.workspace_id, [note])
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
            user_id=row["user_id"],
            email=row["email"],
        )
        for row in rows
    ]


async def authenticate(dependencies: Dependencies, authorization: str | None) -> Viewer:
    """Whom a request with this `Authorization` acts for, read from the database.

    Raises Unauthenticated with what is wrong: no key, none at all, mistyped, unknown, expired,
    revoked, rotated, or of a user who is not active. An unknown key and a wrong secret answer the
    same.
    """
    return (await _prove(dependencies, _presented(authorization)))[0]


class Authenticator:
    """`authenticate` with a short memory, so that a busy client costs no query per request.

    A success is remembered for 2 seconds, never past the key's expiry; a failure never. So a user
    who is deactivated, or has another role, is seen so by all keys within 2 seconds. When a key is
    read again, all who show it at that time wait for the same answer.
    """

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies
        self._known: dict[bytes, tuple[Viewer, datetime, datetime]] = {}
        self._renewing: dict[bytes, asyncio.Task[Viewer]] = {}

    async def viewer_of(self, authorization: str | None) -> Viewer:
        """Whom a request with this `Authorization` acts for; raises as `authenticate` does."""
        memory = hashlib.sha256((authorization or "").encode()).digest()
        now = self._dependencies.clock.now()
        if memory not in self._known:
            return await self._prove(memory, authorization, now)
        viewer, since, until = self._known[memory]
        if since <= now < until:
            return viewer
        if memory not in self._renewing:
            proving = asyncio.ensure_future(self._prove(memory, authorization, now))
            self._renewing[memory] = proving
            proving.add_done_callback(lambda _: self._renewing.pop(memory))
        return await asyncio.shield(self._renewing[memory])

    async def _prove(self, memory: bytes, authorization: str | None, now: datetime) -> Viewer:
        try:
            viewer, expires_at = await _prove(self._dependencies, _presented(authorization))
        finally:
            self._known.pop(memory, None)
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
    if row is None:
        raise Unauthenticated("the key is unknown")
    good_until = _require_good(dict(row), key.secret_hash, dependencies.clock.now())
    role = None
    scopes = frozenset(map(Scope, row["scopes"]))
    if row["user_id"] is not None:
        if row["standing"] != SeatStatus.ACTIVE:
            raise Unauthenticated(f"the key is of a user who is {row['standing']}")
        role = Role(row["role"])
        scopes &= ROLE_SCOPES[role]
    viewer = Viewer(
        workspace_id=row["workspace_id"],
        key_id=row["id"],
        name=row["name"],
        scopes=scopes,
        language=Language(row["language"]),
        user_id=row["user_id"],
        role=role,
    )
    return viewer, good_until


def _require_good(row: Mapping[str, Any], secret_hash: str, now: datetime) -> datetime | None:
    """Until when the secret is good; raises Unauthenticated where it is not, or no longer."""
    is_former = _is_hash(row["former_secret_hash"], secret_hash)
    if not is_former and not _is_hash(row["secret_hash"], secret_hash):
        raise Unauthenticated("the key is unknown")
    expires_at: datetime | None = row["expires_at"]
    if row["revoked_at"] is not None:
        raise Unauthenticated(f"the key was revoked at {instant_text(row['revoked_at'])}")
    if expires_at is not None and expires_at <= now:
        raise Unauthenticated(f"the key expired at {instant_text(expires_at)}")
    if not is_former:
        return expires_at
    former_until: datetime = row["former_until"]
    if former_until <= now:
        ended = instant_text(former_until)
        raise Unauthenticated(f"the key was rotated; its former secret was good until {ended}")
    return former_until if expires_at is None else min(expires_at, former_until)


def _is_hash(stored: str | None, given: str) -> bool:
    return stored is not None and hmac.compare_digest(stored, given)
