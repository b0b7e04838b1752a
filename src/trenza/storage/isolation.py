"""Isolation by PostgreSQL itself: row-level security on every table, and a role for serving.

The role owns nothing and cannot log in: connections that serve act as it. A policy of each table
lets a connection see the rows of the workspace that it is set to; one that is not set sees none,
and writes none. The owner of the tables is held to the same, unless it says that it works across
workspaces. What the ledger is made of the role can add, and never change.
"""

from collections.abc import Iterator
from typing import Any

import asyncpg
from sqlalchemy import Table
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from trenza.storage.sight import (
    APPEND_ONLY,
    DELETED_FROM,
    EMPTIED,
    SEEN_KEY,
    SEEN_WORKSPACE,
    SEES_ALL,
)

OWN_WORKSPACE = "own_workspace"
OWN_KEY = "own_key"
ACROSS_WORKSPACES = "across_workspaces"
KEYS = "api_key"
ATTEMPTS = 8

_OWNER = "(SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass('workspace'))"
_MAY_ACT = (
    "pg_has_role(rolname, CASE WHEN current_setting('server_version_num')::int >= 160000"
    " THEN 'SET' ELSE 'MEMBER' END)"
)
_FOUND = f"FROM pg_roles WHERE rolname = left({_OWNER}, 59) || '_app' AND {_MAY_ACT}"
FIND_ROLE = f"SELECT rolname::text {_FOUND}"
"""The role that this connection can act as: it is named after the owner of the tables."""
ACT_AS_ROLE = f"SELECT set_config('role', rolname, false) {_FOUND}"
"""Has a connection act as that role from now on, where there is one."""


async def enforce_isolation(connection: asyncpg.Connection) -> None:
    """Makes the role and gives every table its rights and policies; again changes nothing.

    A table is unprotected at no instant, and locked one at a time, so that servers can go on; two
    migrations of one database wait for each other.
    Where the user of the connection may not make a role, the policies hold for that user.
    """
    await connection.execute("SELECT pg_advisory_lock(hashtext('trenza isolation'))")
    owner = await connection.fetchval(f"SELECT {_OWNER}::text")
    role = await _make_role(connection, owner)
    for table in SQLModel.metadata.sorted_tables:
        async with connection.transaction():
            for statement in _of_table(table, owner, role):
                await connection.execute(statement)
    if role is not None:
        schema = await connection.fetchval("SELECT quote_ident(current_schema())")
        await connection.execute(f'GRANT USAGE ON SCHEMA {schema} TO "{role}"')
        await connection.execute(f'GRANT SELECT ON alembic_version TO "{role}"')
    await connection.execute("SELECT pg_advisory_unlock_all()")


async def _make_role(connection: asyncpg.Connection, owner: str) -> str | None:
    """The role's name, once this user can act as it; nothing where that cannot be had.

    Roles belong to the whole server, where other databases may be migrated at the same time.
    """
    for _ in range(ATTEMPTS):
        found: str | None = await connection.fetchval(FIND_ROLE)
        if found is not None:
            return found
        name = f"{owner[:59]}_app"
        try:
            exists = "SELECT 1 FROM pg_roles WHERE rolname = $1"
            if await connection.fetchval(exists, name) is None:
                await connection.execute(f'CREATE ROLE "{name}" NOLOGIN')
            await connection.execute(f'GRANT "{name}" TO CURRENT_USER')
        except asyncpg.InsufficientPrivilegeError:
            return None
        except (
            asyncpg.DuplicateObjectError,
            asyncpg.UniqueViolationError,
            asyncpg.InternalServerError,
        ):
            continue
    return None


def _of_table(table: Table, owner: str, role: str | None) -> Iterator[str]:
    name = table.name
    yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"
    set_to = f"current_setting('{SEEN_WORKSPACE}', true)"
    yield from _policy(
        name,
        OWN_WORKSPACE,
        f"USING (workspace_id = {set_to}) WITH CHECK (workspace_id = nullif({set_to}, ''))",
    )
    across = f"current_setting('{SEES_ALL}', true) = 'on'"
    yield from _policy(
        name, ACROSS_WORKSPACES, f'TO "{owner}" USING ({across}) WITH CHECK ({across})'
    )
    if name == KEYS:
        seen = f"id = current_setting('{SEEN_KEY}', true)"
        yield from _policy(name, OWN_KEY, f"FOR SELECT USING ({seen})")
    if role is not None:
        yield f'REVOKE ALL ON {name} FROM "{role}"'
        yield f'GRANT {", ".join(rights_on(name))} ON {name} TO "{role}"'


def _policy(table: str, name: str, rule: str) -> Iterator[str]:
    yield f"DROP POLICY IF EXISTS {name} ON {table}"
    yield f"CREATE POLICY {name} ON {table} {rule}"


def rights_on(table: str) -> list[str]:
    """What the application may do to the rows of a table.

    >>> rights_on("ledger_entry")
    ['SELECT', 'INSERT']
    """
    rights = ["SELECT", "INSERT"]
    if table in EMPTIED:
        rights.append(f"UPDATE ({', '.join(EMPTIED[table])})")
    elif table not in APPEND_ONLY:
        rights.append("UPDATE")
    if table in DELETED_FROM:
        rights.append("DELETE")
    return rights


_ACTING = """
SELECT rolsuper OR rolbypassrls, rolname = {owner}, rolname::text FROM pg_roles
WHERE rolname = current_user
"""
_UNPROTECTED = """
SELECT name FROM unnest(CAST(:names AS text[])) AS name
WHERE NOT EXISTS (
  SELECT 1 FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid
  WHERE pg_class.oid = to_regclass(name)
    AND relrowsecurity AND relforcerowsecurity AND polname = :policy
)
ORDER BY name
"""


async def find_isolation_gap(connection: AsyncConnection) -> str | None:
    """Why PostgreSQL does not keep workspaces apart on this connection, or nothing where it does.

    On SQLite the guards of each connection do, with nothing to be set up in the file.
    """
    if connection.dialect.name == "sqlite":
        return None
    acting: Any = (await connection.execute(sql(_ACTING.format(owner=_OWNER)))).one()
    bypasses, owns, name = acting
    if bypasses:
        return f"the role {name} bypasses row-level security"
    names = [table.name for table in SQLModel.metadata.sorted_tables]
    asked = {"names": names, "policy": OWN_WORKSPACE}
    bare = list((await connection.execute(sql(_UNPROTECTED), asked)).scalars())
    if bare:
        return f"these tables have no policy: {', '.join(bare)}"
    if owns:
        return f"the role {name} owns the tables, and so could change the ledger"
    return None
