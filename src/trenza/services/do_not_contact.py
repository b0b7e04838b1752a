"""Not to be contacted: setting blocks and lifting them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trenza.domain.access import Verb, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.consent import ReachedIdentity
from trenza.domain.errors import Conflict, InvalidInput
from trenza.domain.ids import Prefix
from trenza.domain.instant import instant_text
from trenza.domain.text import clean
from trenza.services.consent import named_identity
from trenza.services.dependencies import Dependencies
from trenza.services.living import lock_living
from trenza.services.reference import absent, require_form
from trenza.storage.activity import noted, noting
from trenza.storage.bulk import write_all
from trenza.storage.consent import blocking, find_block, list_unlifted, mark_lifted
from trenza.storage.engine import AsyncConnection
from trenza.storage.reachable import HeldIdentity, find_held

REASON_LONGEST = 500


@dataclass(frozen=True)
class SetDoNotContact:
    """A contact that is not to be contacted, from `starts_at` (now by default) to `ends_at`.

    On one channel, or on all; at one address, `identity` (channel, address), or at all of them.
    An address is blocked on every channel that shares it, unless `channel` says one.
    """

    contact_id: str
    reason: str
    channel: ChannelKind | None = None
    identity: tuple[ChannelKind, str] | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True)
class Blocked:
    """The block that stands: set now, or before."""

    block_id: str
    contact_id: str
    replayed: bool


async def set_do_not_contact(
    dependencies: Dependencies, viewer: Viewer, request: SetDoNotContact
) -> Blocked:
    """Blocks a contact, a channel or an address. Needs the scope `record`.

    A block of the same scope and reason that holds for as long or longer is answered again. The
    block of a contact that is merged holds for both until they are separated. Raises InvalidInput
    for bad values, NotFound for a contact or an identity that is not the contact's, Conflict where
    the contact is erased.
    """
    viewer.require(Verb.SET_DO_NOT_CONTACT)
    require_form(request.contact_id, Prefix.CONTACT, "contactId")
    reason = clean(request.reason, ("reason",), REASON_LONGEST)
    named, now = named_identity(request.identity), dependencies.clock.now()
    starts_at = request.starts_at or now
    if request.ends_at is not None and request.ends_at <= starts_at:
        raise InvalidInput("endsAt comes before startsAt", path=("endsAt",))
    block_id = dependencies.new_id(Prefix.DO_NOT_CONTACT)
    activity_id = dependencies.new_id(Prefix.ACTIVITY)

    async def work(connection: AsyncConnection) -> Blocked:
        root_id = await lock_living(connection, viewer.workspace_id, request.contact_id)
        holder_id = request.contact_id
        if named is not None:
            held = (await find_held(connection, viewer.workspace_id, [root_id]))[root_id]
            holder_id = _holder(named, held)
        row: dict[str, Any] = {
            "id": block_id,
            "contact_id": holder_id,
            "owner_id": root_id,
            "channel": request.channel,
            "address": None if named is None else named.address,
            "reason": reason,
            "starts_at": starts_at,
            "ends_at": request.ends_at,
            "recorded_at": now,
            "lifted_at": None,
        }
        for known in await list_unlifted(connection, viewer.workspace_id, root_id):
            if _covers(known, row):
                return Blocked(known["id"], root_id, replayed=True)
        activity = noted(
            viewer,
            activity_id,
            now,
            Verb.SET_DO_NOT_CONTACT,
            root_id,
            None,
            {"channel": request.channel, "doNotContact": block_id},
        )
        await write_all(connection, viewer.workspace_id, [blocking([row]), noting(activity)])
        return Blocked(block_id, root_id, replayed=False)

    return await dependencies.database.write(work, viewer.workspace_id)


def _holder(named: ReachedIdentity, held: Sequence[HeldIdentity]) -> str:
    for each in held:
        if each.identity == named:
            return each.contact_id
    raise absent("identity")


def _covers(known: Mapping[Any, Any], new: Mapping[str, Any]) -> bool:
    """Whether a block says all that a new one would say."""
    same = ("contact_id", "channel", "address", "reason")
    if any(known[name] != new[name] for name in same) or known["starts_at"] > new["starts_at"]:
        return False
    ends_at, wanted = known["ends_at"], new["ends_at"]
    return ends_at is None or (wanted is not None and wanted <= ends_at)


async def lift_do_not_contact(dependencies: Dependencies, viewer: Viewer, block_id: str) -> Blocked:
    """Ends a block now; what it kept from being sent stays unsent. Needs the scope `manage`.

    Raises NotFound for the block, Conflict where it was lifted already.
    """
    viewer.require(Verb.LIFT_DO_NOT_CONTACT)
    require_form(block_id, Prefix.DO_NOT_CONTACT, "doNotContactId")
    now, activity_id = dependencies.clock.now(), dependencies.new_id(Prefix.ACTIVITY)

    async def work(connection: AsyncConnection) -> Blocked:
        block = await find_block(connection, viewer.workspace_id, block_id)
        if block is None:
            raise absent("doNotContactId")
        if block["lifted_at"] is not None:
            raise Conflict("the block was lifted already", path=("doNotContactId",))
        await mark_lifted(connection, viewer.workspace_id, block_id, now)
        row = noted(
            viewer,
            activity_id,
            now,
            Verb.LIFT_DO_NOT_CONTACT,
            block["owner_id"],
            {"doNotContact": block_id, "liftedAt": None},
            {"doNotContact": block_id, "liftedAt": instant_text(now)},
        )
        await write_all(connection, viewer.workspace_id, [noting(row)])
        return Blocked(block_id, block["owner_id"], replayed=False)

    return await dependencies.database.write(work, viewer.workspace_id)
