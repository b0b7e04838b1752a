"""Frequency caps: how many mass sends a contact may get in a period."""

from dataclasses import dataclass

from trenza.domain.access import Verb, Viewer
from trenza.domain.channel import CHANNELS, ChannelKind
from trenza.domain.consent import ConsentPurpose
from trenza.domain.errors import Conflict, InvalidInput
from trenza.domain.ids import Prefix
from trenza.services.dependencies import Dependencies
from trenza.services.reference import absent, require_form
from trenza.storage.activity import noted, noting
from trenza.storage.bulk import Writing, write_all
from trenza.storage.consent import capping, change_cap, delete_cap, list_caps
from trenza.storage.engine import AsyncConnection

TOUCHES_MAX = 1000
PERIOD_HOURS_MAX = 24 * 366
CAPS_MAX = 50
EVERY_CHANNEL = "ALL"


@dataclass(frozen=True)
class SetFrequencyCap:
    """At most `touches_max` mass sends in any period, before messages of a purpose.

    On one channel, or on all counted together.
    """

    purpose: ConsentPurpose
    touches_max: int
    period_hours: int
    channel: ChannelKind | None = None


async def set_frequency_cap(
    dependencies: Dependencies, viewer: Viewer, request: SetFrequencyCap
) -> str:
    """Sets the cap of a channel (or all), purpose and period; returns its id. Needs `admin`.

    There is one of each: the same again changes how many. Raises InvalidInput for numbers out of
    range and a channel without mass sends, Conflict beyond 50 caps.
    """
    viewer.require(Verb.SET_FREQUENCY_CAP)
    _check(request)
    cap_id = dependencies.new_id(Prefix.FREQUENCY_CAP)
    now, activity_id = dependencies.clock.now(), dependencies.new_id(Prefix.ACTIVITY)
    key = {
        "scope": str(request.channel or EVERY_CHANNEL),
        "purpose": str(request.purpose),
        "period_hours": request.period_hours,
    }

    async def work(connection: AsyncConnection) -> str:
        caps = await list_caps(connection, viewer.workspace_id)
        known = next((cap for cap in caps if all(cap[k] == v for k, v in key.items())), None)
        writings: list[Writing] = []
        if known is not None and known["touches_max"] == request.touches_max:
            return str(known["id"])
        if known is not None:
            subject_id, before = str(known["id"]), {"touchesMax": known["touches_max"]}
            await change_cap(connection, viewer.workspace_id, subject_id, request.touches_max)
        else:
            if len(caps) >= CAPS_MAX:
                raise Conflict(f"a workspace has at most {CAPS_MAX} frequency caps")
            subject_id, before = cap_id, None
            row = {**key, "id": cap_id, "channel": request.channel, "created_at": now}
            writings.append(capping([{**row, "touches_max": request.touches_max}]))
        after = {"touchesMax": request.touches_max} if before else _told(request)
        row = noted(viewer, activity_id, now, Verb.SET_FREQUENCY_CAP, subject_id, before, after)
        await write_all(connection, viewer.workspace_id, [*writings, noting(row)])
        return subject_id

    return await dependencies.database.write(work, viewer.workspace_id)


def _told(request: SetFrequencyCap) -> dict[str, str | int]:
    return {
        "scope": request.channel or EVERY_CHANNEL,
        "purpose": request.purpose,
        "periodHours": request.period_hours,
        "touchesMax": request.touches_max,
    }


def _check(request: SetFrequencyCap) -> None:
    if not 1 <= request.touches_max <= TOUCHES_MAX:
        raise InvalidInput(f"touchesMax is 1 to {TOUCHES_MAX}", path=("touchesMax",))
    if not 1 <= request.period_hours <= PERIOD_HOURS_MAX:
        raise InvalidInput(f"periodHours is 1 to {PERIOD_HOURS_MAX}", path=("periodHours",))
    if request.channel is not None and not CHANNELS[request.channel].mass_send:
        raise InvalidInput(f"{request.channel} has no mass sends", path=("channel",))


async def remove_frequency_cap(dependencies: Dependencies, viewer: Viewer, cap_id: str) -> str:
    """Removes a cap and returns its id; the activity log keeps what it was. Needs `admin`.

    Raises NotFound.
    """
    viewer.require(Verb.REMOVE_FREQUENCY_CAP)
    require_form(cap_id, Prefix.FREQUENCY_CAP, "frequencyCapId")
    now, activity_id = dependencies.clock.now(), dependencies.new_id(Prefix.ACTIVITY)

    async def work(connection: AsyncConnection) -> str:
        caps = await list_caps(connection, viewer.workspace_id)
        known = next((cap for cap in caps if cap["id"] == cap_id), None)
        if known is None:
            raise absent("frequencyCapId")
        await delete_cap(connection, viewer.workspace_id, cap_id)
        before = {
            "scope": known["scope"],
            "purpose": known["purpose"],
            "periodHours": known["period_hours"],
            "touchesMax": known["touches_max"],
        }
        row = noted(viewer, activity_id, now, Verb.REMOVE_FREQUENCY_CAP, cap_id, before, None)
        await write_all(connection, viewer.workspace_id, [noting(row)])
        return cap_id

    return await dependencies.database.write(work, viewer.workspace_id)
