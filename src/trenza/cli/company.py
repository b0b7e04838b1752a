"""The demo company: its workspace, founded, and its weeks, replayed up to the moment of loading."""

import tomllib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from trenza import resources
from trenza.cli.timeline import ReplayClock, Timeline
from trenza.domain.access import ROLE_SCOPES, Privacy, Role, Viewer
from trenza.domain.custom_field import FieldType
from trenza.domain.errors import BrokenInvariant
from trenza.domain.interaction import Language
from trenza.domain.metering.cycle import cycle_of
from trenza.domain.metering.seat import SeatStatus
from trenza.domain.segment import definition_of
from trenza.services.access import (
    CreatedKey,
    CreateKey,
    act_as_system,
    create_key,
    list_keys,
    revoke_key,
)
from trenza.services.custom_field import DefineCustomField, define_custom_field
from trenza.services.dependencies import Dependencies
from trenza.services.founding import FoundWorkspace, NewPlan, found_workspace
from trenza.services.seat import change_role, reactivate_user, sign_in
from trenza.services.segment import (
    CreateSegment,
    FreezeSegment,
    create_segment,
    freeze_segment,
)
from trenza.storage.contact_list import find_list_named
from trenza.storage.founding import list_workspaces
from trenza.storage.interaction import find_known
from trenza.storage.seat import find_open_sign_ins, find_user_by_email

Description = dict[str, Any]

TICK = timedelta(microseconds=1)


def describe() -> Description:
    """What `workspace.toml` says of the company.

    >>> describe()["workspace"]["zone"]
    'America/Mexico_City'
    """
    file = resources.seed() / "demo" / "workspace.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def catalogue() -> list[NewPlan]:
    """The plans of the seed.

    >>> [plan.code for plan in catalogue() if not plan.sample]
    ['starter', 'expert', 'specialist']
    """
    return [NewPlan(**plan) for plan in describe()["plans"]]


def founding_of(description: Description, loaded_at: datetime) -> FoundWorkspace:
    """The company's workspace, as it was founded some cycles before the running one.

    The running cycle began at midnight, local, of the day that is so many days ago; the contract
    at the beginning of a cycle before it.
    """
    workspace, contract = description["workspace"], description["contract"]
    zone = ZoneInfo(workspace["zone"])
    days = timedelta(days=contract["anchor_days_ago"])
    anchor_day = (loaded_at.astimezone(zone) - days).day
    starts_at = cycle_of(anchor_day, zone, loaded_at).starts_at
    for _ in range(contract["started_cycles_ago"]):
        starts_at = cycle_of(anchor_day, zone, starts_at - TICK).starts_at
    return FoundWorkspace(
        name=workspace["name"],
        plans=catalogue(),
        plan_code=contract["plan"],
        anchor_day=anchor_day,
        starts_at=starts_at,
        zone=zone,
        language=Language(workspace["language"]),
        policy=workspace["policy"],
        acceptance_horizon_days=workspace["acceptance_horizon_days"],
        closing_grace_hours=workspace["closing_grace_hours"],
        alert_thresholds=workspace["alert_thresholds"],
    )


async def load_company(
    dependencies: Dependencies, clock: ReplayClock, tell: Callable[[int, int], None]
) -> str:
    """Loads the company up to the instant of the clock and returns the id of its workspace.

    The clock is that of the dependencies, and stands at that instant again afterwards. `tell` is
    told how many steps were taken, and of how many.
    """
    loaded_at = clock.at
    request = founding_of(describe(), loaded_at)
    clock.at = request.starts_at
    workspace_id = await found_workspace(dependencies, request)
    viewer = await act_as_system(dependencies, workspace_id)
    for field in describe()["custom_fields"]:
        await define_custom_field(dependencies, viewer, _custom_field(field))
    folder = resources.seed() / "demo"
    timeline = Timeline(folder, dependencies, clock, viewer, request.zone, loaded_at)
    await timeline.replay(tell)
    clock.at = loaded_at
    await group_contacts(dependencies, viewer)
    return workspace_id


def _custom_field(field: Description) -> DefineCustomField:
    kinds = {"type": FieldType(field["type"]), "privacy": Privacy(field["privacy"])}
    return DefineCustomField(**{**field, **kinds})


async def group_contacts(dependencies: Dependencies, viewer: Viewer) -> None:
    """Keeps the company's segments, and freezes those of them that have a list's name."""
    for segment in describe()["segments"]:
        definition = definition_of(segment["definition"])
        request = CreateSegment(segment["name"], definition)
        segment_id = await create_segment(dependencies, viewer, request)
        if "frozen_as" in segment:
            freezing = FreezeSegment(segment_id, segment["frozen_as"])
            await freeze_segment(dependencies, viewer, freezing)


async def find_company(dependencies: Dependencies) -> str | None:
    """The id of the company's workspace, where there is one."""
    name = describe()["workspace"]["name"]
    async with dependencies.database.across_workspaces().read() as connection:
        found = await list_workspaces(connection)
    return next((each.id for each in found if each.name == name), None)


async def is_whole(dependencies: Dependencies, workspace_id: str) -> bool:
    """Whether the company was loaded to the end: whether its last report and list are there."""
    lines = (resources.seed() / "demo" / "timeline.jsonl").read_bytes().splitlines()
    last = next(line for line in map(orjson.loads, reversed(lines)) if "externalId" in line)
    key = last["source"], last["externalId"]
    lists = [each["frozen_as"] for each in describe()["segments"] if "frozen_as" in each]
    async with dependencies.database.read(workspace_id) as connection:
        if await find_list_named(connection, workspace_id, lists[-1]) is None:
            return False
        return key in await find_known(connection, workspace_id, {key})


async def seat_users(dependencies: Dependencies, viewer: Viewer) -> dict[Role, str]:
    """The ids of the users whose keys the company gives, by role: active and signed in.

    One who was deactivated or got another role meanwhile is made what the company says again;
    where there is nothing to do, nothing is written.
    """
    emails = {user["key"]: user["email"] for user in describe()["users"]}
    found = {}
    for key in describe()["keys"]:
        role, email = Role(key["role"]), emails[key["user"]]
        found[role] = await _seat(dependencies, viewer, email, role)
    return found


async def _seat(dependencies: Dependencies, viewer: Viewer, email: str, role: Role) -> str:
    now = dependencies.clock.now()
    async with dependencies.database.read(viewer.workspace_id) as connection:
        user = await find_user_by_email(connection, viewer.workspace_id, email)
        if user is None:
            raise BrokenInvariant(f"the company has no user {email}")
        user_id: str = user["id"]
        going_on = await find_open_sign_ins(connection, viewer.workspace_id, user_id, now)
    if user["standing"] == SeatStatus.DEACTIVATED:
        await reactivate_user(dependencies, viewer, user_id)
    if user["role"] != role:
        await change_role(dependencies, viewer, user_id, role)
    if not going_on:
        await sign_in(dependencies, viewer, user_id)
    return user_id


async def make_keys(
    dependencies: Dependencies, viewer: Viewer, environment: str
) -> dict[str, CreatedKey]:
    """Makes the keys of the company's users, by the role in lower case; those before end."""
    names = {Role(key["role"]): key["name"] for key in describe()["keys"]}
    users = await seat_users(dependencies, viewer)
    for known in await list_keys(dependencies, viewer):
        if known.name in names.values() and known.revoked_at is None:
            await revoke_key(dependencies, viewer, known.key_id)
    return {
        role.lower(): await create_key(
            dependencies,
            viewer,
            CreateKey(name, ROLE_SCOPES[role], environment, user_id=users[role]),
        )
        for role, name in names.items()
    }
