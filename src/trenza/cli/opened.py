"""A database opened for one command, checked first, and closed whatever happens."""

import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

if sys.platform == "win32":
    from asyncio import run
else:
    from uvloop import run

import structlog

from trenza.app import build_parts
from trenza.channels.address import normalise_address
from trenza.cli.failures import Failure
from trenza.domain.access import Viewer
from trenza.domain.channel import ChannelKind
from trenza.services.access import act_as_system
from trenza.services.dependencies import Clock, Dependencies
from trenza.settings import Settings
from trenza.storage.founding import WorkspaceName, list_workspaces
from trenza.storage.readiness import isolation_gap, require_ready
from trenza.storage.seat import find_user_by_email

T = TypeVar("T")
LOG = structlog.get_logger("trenza.database")
ISOLATE = "run: trenza migrate, as a user that may create roles and does not bypass policies"


def on_database(
    settings: Settings, work: Callable[[Dependencies], Awaitable[T]], clock: Clock | None = None
) -> T:
    """The result of `work` on the database of the settings.

    Raises UnusableDatabaseError where it cannot be used, before `work` begins.
    """

    async def opened() -> T:
        dependencies = build_parts(settings, clock).dependencies
        try:
            await require_ready(dependencies.database)
            return await work(dependencies)
        finally:
            await dependencies.database.close()

    return run(opened())


def require_database(settings: Settings) -> None:
    """Raises UnusableDatabaseError unless the database of the settings can be used."""

    async def nothing(_: Dependencies) -> None:
        return None

    on_database(settings, nothing)


def warn_unless_isolated(settings: Settings) -> None:
    """Logs a warning where the database does not keep workspaces apart by itself."""

    async def look(dependencies: Dependencies) -> str | None:
        return await isolation_gap(dependencies.database)

    reason = on_database(settings, look)
    if reason is not None:
        LOG.warning("isolation_not_enforced", reason=reason, advice=ISOLATE)


async def choose_workspace(dependencies: Dependencies, workspace_id: str | None) -> Viewer:
    """Who acts for the workspace that is meant: the one named, or the only one.

    Raises NotFound for an unknown id, and Failure where there is none or more than one.
    """
    if workspace_id is not None:
        return await act_as_system(dependencies, workspace_id)
    async with dependencies.database.across_workspaces().read() as connection:
        found = await list_workspaces(connection)
    if not found:
        raise Failure("there is no workspace yet: run: trenza seed")
    if len(found) > 1:
        known = ", ".join(f"{each.id} ({each.name})" for each in found)
        raise Failure(f"there are several workspaces, choose one with --workspace: {known}")
    return await act_as_system(dependencies, found[0].id)


async def chosen_workspaces(
    dependencies: Dependencies, workspace_id: str | None
) -> list[WorkspaceName]:
    """The workspace of an id, or all; raises Failure where there is none of that id."""
    async with dependencies.database.across_workspaces().read() as connection:
        known = await list_workspaces(connection)
    chosen = [each for each in known if workspace_id in (None, each.id)]
    if workspace_id is not None and not chosen:
        raise Failure(f"there is no workspace {workspace_id}")
    return chosen


async def user_named(dependencies: Dependencies, viewer: Viewer, email: str) -> str:
    """The id of the user with an e-mail address; raises Failure where there is none."""
    wanted = normalise_address(ChannelKind.EMAIL, email).value
    async with dependencies.database.read(viewer.workspace_id) as connection:
        found = await find_user_by_email(connection, viewer.workspace_id, wanted)
    if found is None:
        raise Failure(f"the workspace has no user {wanted}: invite the person first")
    user_id: str = found["id"]
    return user_id
