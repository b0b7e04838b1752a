"""Recording what people say about being contacted: consent, and not to be contacted at all."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from trenza.channels.address import normalise_address
from trenza.domain.access import Verb, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.consent import ConsentPurpose, ConsentStatus, ReachedIdentity
from trenza.domain.errors import IdempotencyConflict, InvalidInput, OccurredInFuture
from trenza.domain.ids import Prefix
from trenza.domain.instant import instant_text
from trenza.domain.text import clean
from trenza.services.dependencies import Dependencies
from trenza.services.living import lock_living
from trenza.services.opt_out import SOURCE as OPT_OUT_SOURCE
from trenza.services.reference import absent, require_form
from trenza.services.report import EXTERNAL_ID_LONGEST, SOURCE_LONGEST
from trenza.storage.activity import noted, noting
from trenza.storage.bulk import write_all
from trenza.storage.consent import consenting, find_event
from trenza.storage.engine import AsyncConnection
from trenza.storage.reachable import HeldIdentity, find_held

EVIDENCE_LONGEST = 1000
AHEAD_MAX = timedelta(minutes=5)
"""How far clocks may differ: what was said later than that from now was not said yet."""


@dataclass(frozen=True)
class SetConsent:
    """What a contact said about one purpose, by `identity` (channel, address) or on a `channel`.

    A channel is enough where the contact has one identity there. `occurred_at` is now where it is
    not told.
    """

    contact_id: str
    purpose: ConsentPurpose
    status: ConsentStatus
    channel: ChannelKind | None = None
    identity: tuple[ChannelKind, str] | None = None
    source: str = "api"
    external_id: str | None = None
    evidence: str | None = None
    occurred_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class ConsentSet:
    """The event that stands: recorded now, or before and answered again."""

    event_id: str
    contact_id: str
    replayed: bool


@dataclass(frozen=True)
class _Said:
    """A checked request: its identity as far as it names one, its texts, and its key."""

    identity: ReachedIdentity | None
    source: str
    evidence: str | None
    external_id: str
    content_hash: str
    occurred_at: datetime


async def set_consent(
    dependencies: Dependencies, viewer: Viewer, request: SetConsent
) -> ConsentSet:
    """Adds an event to the log of consent. Needs the scope `record`.

    The same again (the same source and external id, or without one the same in every part)
    replays. Raises InvalidInput, OccurredInFuture, NotFound for a contact or an identity that is
    not the contact's, Conflict where the contact is erased, IdempotencyConflict for the same id
    with another content.
    """
    viewer.require(Verb.SET_CONSENT)
    require_form(request.contact_id, Prefix.CONTACT, "contactId")
    now = dependencies.clock.now()
    said = _check(request, now)
    event_id = dependencies.new_id(Prefix.CONSENT)
    activity_id = dependencies.new_id(Prefix.ACTIVITY)

    async def work(connection: AsyncConnection) -> ConsentSet:
        root_id = await lock_living(connection, viewer.workspace_id, request.contact_id)
        known = await find_event(connection, viewer.workspace_id, said.source, said.external_id)
        if known is not None:
            if known["content_hash"] != said.content_hash:
                raise IdempotencyConflict(
                    f"{said.source} has reported {said.external_id} with another content",
                    path=("externalId",),
                )
            return ConsentSet(known["id"], known["owner_id"], replayed=True)
        held = (await find_held(connection, viewer.workspace_id, [root_id]))[root_id]
        chosen = _chosen(request.channel, said.identity, held)
        row = _row(request, said, chosen, event_id, root_id, now)
        after = {"channel": chosen.identity.channel, "purpose": request.purpose}
        activity = noted(
            viewer,
            activity_id,
            now,
            Verb.SET_CONSENT,
            root_id,
            None,
            {**after, "status": request.status, "event": event_id},
        )
        await write_all(connection, viewer.workspace_id, [consenting([row]), noting(activity)])
        return ConsentSet(event_id, root_id, replayed=False)

    return await dependencies.database.write(work, viewer.workspace_id)


def _check(request: SetConsent, now: datetime) -> _Said:
    if (request.channel is None) == (request.identity is None):
        raise InvalidInput("give either channel or identity", path=("identity",))
    occurred_at = request.occurred_at or now
    if occurred_at > now + AHEAD_MAX:
        raise OccurredInFuture("occurredAt lies in the future", path=("occurredAt",))
    if request.expires_at is not None and request.expires_at <= occurred_at:
        raise InvalidInput("expiresAt comes before it was said", path=("expiresAt",))
    source = clean(request.source, ("source",), SOURCE_LONGEST)
    if source == OPT_OUT_SOURCE:
        raise InvalidInput(f"{source} is the source of opt-out words", path=("source",))
    evidence, external_id = request.evidence, request.external_id
    if evidence is not None:
        evidence = clean(evidence, ("evidence",), EVIDENCE_LONGEST, multiline=True)
    if external_id is not None:
        external_id = clean(external_id, ("externalId",), EXTERNAL_ID_LONGEST)
    identity = named_identity(request.identity)
    content_hash = _content_hash(request, identity, source, evidence)
    return _Said(
        identity,
        source,
        evidence,
        # What has no id of the caller's is its own id; no id of theirs begins with a space.
        external_id or f" {content_hash}{_when(request, occurred_at)}",
        content_hash,
        occurred_at,
    )


def named_identity(given: tuple[ChannelKind, str] | None) -> ReachedIdentity | None:
    """An identity that was given, normalised; raises InvalidInput for a bad address."""
    if given is None:
        return None
    channel, address = given
    try:
        return ReachedIdentity(channel, normalise_address(channel, address).value)
    except InvalidInput as refusal:
        raise InvalidInput(refusal.message, path=("identity", "address")) from None


def _when(request: SetConsent, occurred_at: datetime) -> str:
    """What tells two events apart that say the same without an instant: when each was said."""
    return "" if request.occurred_at is not None else f"@{instant_text(occurred_at)}"


def _content_hash(
    request: SetConsent, identity: ReachedIdentity | None, source: str, evidence: str | None
) -> str:
    instants = (request.occurred_at, request.expires_at)
    said = [
        request.contact_id,
        request.channel,
        None if identity is None else list(identity),
        request.purpose,
        request.status,
        source,
        evidence,
        *(None if at is None else instant_text(at) for at in instants),
    ]
    return hashlib.blake2b(orjson.dumps(said), digest_size=16).hexdigest()


def _chosen(
    channel: ChannelKind | None, named: ReachedIdentity | None, held: Sequence[HeldIdentity]
) -> HeldIdentity:
    """The one identity of the contact that is meant."""
    if named is not None:
        found = [each for each in held if each.identity == named]
        if not found:
            raise absent("identity")
        return found[0]
    found = [each for each in held if each.identity.channel is channel]
    if not found:
        raise absent("channel")
    if len(found) > 1:
        raise InvalidInput(
            f"the contact has {len(found)} identities on {channel}: say which by identity",
            path=("identity",),
        )
    return found[0]


def _row(
    request: SetConsent,
    said: _Said,
    chosen: HeldIdentity,
    event_id: str,
    root_id: str,
    now: datetime,
) -> dict[str, Any]:
    return {
        "id": event_id,
        "contact_id": chosen.contact_id,
        "owner_id": root_id,
        "channel": chosen.identity.channel,
        "address": chosen.identity.address,
        "purpose": request.purpose,
        "status": request.status,
        "source": said.source,
        "external_id": said.external_id,
        "content_hash": said.content_hash,
        "evidence": said.evidence,
        "occurred_at": said.occurred_at,
        "recorded_at": now,
        "expires_at": request.expires_at,
    }
