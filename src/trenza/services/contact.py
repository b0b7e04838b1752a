"""Contacts: writing who they are and how they are reached, and merging two into one."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from trenza.channels.address import normalise_address
from trenza.domain.access import Verb, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.contact import LifecycleStage
from trenza.domain.custom_field import CustomField, Value
from trenza.domain.errors import Conflict, DomainError, InvalidInput
from trenza.domain.ids import Prefix
from trenza.domain.interaction import Language
from trenza.domain.metering.ledger import DebitReason
from trenza.domain.text import clean
from trenza.services.activity import row_of, told_of_contact
from trenza.services.contact_fields import (
    UNSET,
    Given,
    Tagging,
    Unset,
    merged_values,
    read_given,
    read_tagging,
    read_values,
)
from trenza.services.dependencies import Dependencies
from trenza.services.ledger import AppendedEntry
from trenza.services.recut import recut_contact
from trenza.services.reference import absent, require_form
from trenza.storage.activity import noting
from trenza.storage.bulk import Writing, write_all
from trenza.storage.contact import (
    STATE,
    Identity,
    NewContact,
    SeenIdentity,
    claiming,
    creating,
    describing,
    find_holders,
    find_identities,
    find_rows,
    link_contacts,
    lock_roots,
    meeting,
)
from trenza.storage.contact_history import Move, staging, superseding
from trenza.storage.custom_field import share_custom_fields
from trenza.storage.engine import AsyncConnection
from trenza.storage.seat import find_users
from trenza.storage.workspace import find_workspace

TEXT_LONGEST = 200
IDENTITIES_MAX = 50
CONTACTS_MAX = 500
TICK = timedelta(microseconds=1)

_COUNTRY = re.compile("[A-Z]{2}")


@dataclass(frozen=True)
class UpsertContact:
    """What is known of a person, named by id or found by identities (channel, address).

    The identities are added to those that the contact has. `tags` stand in the place of all that
    it has; then some are added and some removed. `custom_fields` are pairs of a key and a value,
    which is cleared by None.
    """

    id: str | None = None
    identities: Sequence[tuple[ChannelKind, str]] = ()
    display_name: str | Unset | None = UNSET
    first_name: str | Unset | None = UNSET
    last_name: str | Unset | None = UNSET
    birth_on: date | Unset | None = UNSET
    language: Language | Unset | None = UNSET
    time_zone: str | Unset | None = UNSET
    company: str | Unset | None = UNSET
    city: str | Unset | None = UNSET
    country: str | Unset | None = UNSET
    stage: LifecycleStage | Unset | None = UNSET
    origin: str | Unset | None = UNSET
    department: str | Unset | None = UNSET
    assigned_user_id: str | Unset | None = UNSET
    tags: Sequence[str] | Unset | None = UNSET
    add_tags: Sequence[str] = ()
    remove_tags: Sequence[str] = ()
    custom_fields: Sequence[tuple[str, Value | None]] = ()


@dataclass(frozen=True)
class Upserted:
    """The live contact that was written: the root, where the one named was merged into it."""

    contact_id: str
    created: bool
    changed: bool = field(default=True, compare=False)
    """Whether anything is other than before; what is new is."""


@dataclass(frozen=True)
class MergeContacts:
    """Two contacts that are one person; the root of the target stays."""

    source_id: str
    target_id: str


@dataclass(frozen=True)
class Merged:
    """The contact that stays, the one that now leads to it, and what the merge wrote."""

    contact_id: str
    merged_id: str
    entries: Sequence[AppendedEntry]


@dataclass(frozen=True)
class _Checked:
    """A request whose values are all right in themselves; `fields` are columns of the contact."""

    contact_id: str | None
    identities: Sequence[Identity]
    fields: Mapping[str, Any]
    tagging: Tagging
    custom: Mapping[str, Given]


async def upsert_contact(
    dependencies: Dependencies, viewer: Viewer, request: UpsertContact
) -> Upserted:
    """Writes a contact, and creates it where no identity is known. Needs the scope `manage`.

    Raises InvalidInput for a bad value, NotFound for the id and for a user, Forbidden for a custom
    field that the viewer does not see, Conflict for an identity that belongs to another contact
    and beyond 50 identities or tags of one contact.
    """
    (answer,) = await upsert_contacts(dependencies, viewer, [request])
    if isinstance(answer, DomainError):
        raise answer
    return answer


async def upsert_contacts(
    dependencies: Dependencies, viewer: Viewer, requests: Sequence[UpsertContact]
) -> list[Upserted | DomainError]:
    """Writes up to 500 contacts in one transaction, each with its own answer, in order.

    Equal to `upsert_contact` one by one: those that are refused change nothing, the rest stays.
    """
    viewer.require(Verb.UPSERT_CONTACT)
    if len(requests) > CONTACTS_MAX:
        raise InvalidInput(f"at most {CONTACTS_MAX} contacts at once", path=("inputs",))
    now = dependencies.clock.now()
    checked = [_checked(request, now) for request in requests]

    async def work(connection: AsyncConnection) -> list[Upserted | DomainError]:
        batch = _Batch(connection, dependencies, viewer, now)
        await batch.load([each for each in checked if isinstance(each, _Checked)])
        answers = [batch.decide(each) if isinstance(each, _Checked) else each for each in checked]
        await batch.write()
        return answers

    return await dependencies.database.write(work, viewer.workspace_id)


def check_contact(request: UpsertContact, now: datetime) -> None:
    """Raises InvalidInput for what `upsert_contact` would refuse whatever is stored."""
    _check(request, now)


def _checked(request: UpsertContact, now: datetime) -> _Checked | DomainError:
    try:
        return _check(request, now)
    except DomainError as refusal:
        return refusal


def _check(request: UpsertContact, now: datetime) -> _Checked:
    if request.id is not None:
        require_form(request.id, Prefix.CONTACT, "id")
    if request.id is None and not request.identities:
        raise InvalidInput("give the id or at least one identity", path=("identities",))
    if len(request.identities) > IDENTITIES_MAX:
        raise InvalidInput(f"at most {IDENTITIES_MAX} identities", path=("identities",))
    identities = [
        _identity(index, channel, address)
        for index, (channel, address) in enumerate(request.identities)
    ]
    tagging = read_tagging(request.tags, request.add_tags, request.remove_tags)
    custom = read_given(request.custom_fields)
    return _Checked(request.id, identities, _fields(request, now), tagging, custom)


def _identity(index: int, channel: ChannelKind, address: str) -> Identity:
    try:
        return Identity(channel, *normalise_address(channel, address))
    except InvalidInput as refusal:
        path = ("identities", str(index), *refusal.path)
        raise InvalidInput(refusal.message, path=path) from None


def _fields(request: UpsertContact, now: datetime) -> dict[str, Any]:
    """The columns that the request sets, checked."""
    texts = {
        "display_name": ("displayName", request.display_name),
        "first_name": ("firstName", request.first_name),
        "last_name": ("lastName", request.last_name),
        "company": ("company", request.company),
        "department": ("department", request.department),
        "city": ("city", request.city),
        "origin": ("origin", request.origin),
    }
    fields: dict[str, Any] = {
        column: clean(value, (name,), TEXT_LONGEST) if isinstance(value, str) else value
        for column, (name, value) in texts.items()
    }
    zone, country, birth_on = request.time_zone, request.country, request.birth_on
    if isinstance(zone, str) and zone not in _zones():
        raise InvalidInput("timeZone is no IANA zone such as America/Bogota", path=("timeZone",))
    if isinstance(country, str) and not _COUNTRY.fullmatch(country):
        raise InvalidInput("country is no ISO 3166 code such as MX", path=("country",))
    # Somewhere it is already tomorrow.
    if isinstance(birth_on, date) and birth_on > (now + timedelta(days=1)).date():
        raise InvalidInput("birthOn lies in the future", path=("birthOn",))
    fields |= {
        "zone": zone,
        "country": country,
        "birth_on": birth_on,
        "language": request.language,
        "stage": request.stage,
        "assigned_user_id": request.assigned_user_id,
    }
    if isinstance(request.assigned_user_id, str):
        require_form(request.assigned_user_id, Prefix.USER, "assignedUserId")
    return {column: value for column, value in fields.items() if value is not UNSET}


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


class _Batch:
    """The contacts that a transaction writes: locked, loaded, decided in memory, then written."""

    def __init__(
        self, connection: AsyncConnection, dependencies: Dependencies, viewer: Viewer, now: datetime
    ) -> None:
        self._connection = connection
        self._dependencies = dependencies
        self._viewer = viewer
        self._workspace_id = viewer.workspace_id
        self._now = now
        self._definitions: Mapping[str, CustomField] = {}
        self._users: Collection[str] = ()
        self._holders: dict[tuple[str, str], str] = {}
        self._roots: dict[str, str] = {}
        self._identities: dict[str, set[Identity]] = {}
        self._rows: dict[str, dict[str, Any]] = {}
        self._before: dict[str, dict[str, Any]] = {}
        self._created: list[str] = []
        self._changed: set[str] = set()
        self._claimed: list[SeenIdentity] = []
        self._seen: list[SeenIdentity] = []

    async def load(self, requests: Sequence[_Checked]) -> None:
        """Locks and loads whom the requests can mean, all at once and so in id order."""
        connection, workspace_id = self._connection, self._workspace_id
        addresses = {i.space_and_address for each in requests for i in each.identities}
        self._holders = await find_holders(connection, workspace_id, addresses)
        named = {each.contact_id for each in requests if each.contact_id is not None}
        self._roots = await lock_roots(
            connection, workspace_id, named.union(self._holders.values())
        )
        roots = set(self._roots.values())
        self._identities = await find_identities(connection, workspace_id, roots)
        self._rows = await find_rows(connection, workspace_id, roots)
        self._before = dict(self._rows)
        keys = {key for each in requests for key in each.custom}
        self._definitions = await share_custom_fields(connection, workspace_id, keys)
        assigned = {each.fields.get("assigned_user_id") for each in requests}
        self._users = await find_users(connection, workspace_id, set(filter(None, assigned)))

    def decide(self, request: _Checked) -> Upserted | DomainError:
        """Takes one request into what will be written, or refuses it and changes nothing."""
        try:
            root_id = self._root_named_by(request)
            known = self._identities[root_id] if root_id is not None else set()
            new = sorted(set(request.identities) - known)
            _require_few(len(known) + len(new), ("identities",))
            fields = self._decided(request, self._rows[root_id] if root_id else {})
        except DomainError as refusal:
            return refusal
        created = root_id is None
        if root_id is None:
            root_id = self._create(self._dependencies.new_id(Prefix.CONTACT))
        for identity in new:
            self._add(root_id, identity)
        is_other = self._set(root_id, fields)
        if new:
            self._changed.add(root_id)
        return Upserted(root_id, created, created or is_other or bool(new))

    async def write(self) -> None:
        """Writes what was decided; requests that changed nothing leave no trace."""
        connection, workspace_id, now = self._connection, self._workspace_id, self._now
        created = [NewContact(id, (), self._rows[id]) for id in self._created]
        writings = [*creating(now, created), *claiming(now, self._claimed)]
        writings += [meeting(now, self._seen), self._noting()]
        changed = sorted(self._changed.difference(self._created))
        over = [state for id in changed if (state := self._superseded(id)) is not None]
        writings += [superseding(over), describing(now, [self._rows[id] for id in changed])]
        writings += staging(self._viewer, list(self._moves()))
        await write_all(connection, workspace_id, writings)

    def _superseded(self, contact_id: str) -> dict[str, Any] | None:
        """The state that a change ends, where it is one; the new one begins at that instant."""
        before, after = self._before[contact_id], self._rows[contact_id]
        if before == after:
            return None
        # Later than the change before it, though the clock may not have moved since.
        at = max(self._now, before["from_at"] + TICK)
        self._rows[contact_id] = {**after, "from_at": at}
        return {**before, "until_at": at}

    def _moves(self) -> Iterator[Move]:
        """The contacts that come into another stage; new ones come from none."""
        for id in sorted({*self._changed, *self._created}):
            row, before = self._rows[id], self._before.get(id, {})
            if row["stage"] != before.get("stage"):
                at = row.get("from_at", self._now)
                yield Move(self._dependencies.new_id(Prefix.STAGE), id, row["stage"], at)

    def _decided(self, request: _Checked, before: Mapping[str, Any]) -> dict[str, Any]:
        """The columns that a request sets on a contact as it is; raises DomainError."""
        fields = dict(request.fields)
        user_id = fields.get("assigned_user_id")
        if user_id is not None and user_id not in self._users:
            raise absent("assignedUserId")
        if request.tagging.is_something:
            fields["tags"] = request.tagging.applied(before.get("tags", []))
        if request.custom:
            values = read_values(request.custom, self._definitions, self._viewer)
            fields["custom"] = merged_values(before.get("custom", {}), values)
        return fields

    def _noting(self) -> Writing:
        """What became of each contact, for the activity log."""
        added: dict[str, list[dict[str, str]]] = {}
        for seen in (*self._claimed, *self._seen):
            identity = {"channel": seen.identity.channel, "address": seen.identity.address}
            added.setdefault(seen.owner_id, []).append(identity)
        notes = []
        for id in sorted({*self._created, *self._changed}):
            before, after = told_of_contact(self._before.get(id), self._rows[id], added.get(id))
            verb = Verb.UPSERT_CONTACT
            row = row_of(self._dependencies, self._viewer, self._now, verb, id, before, after)
            notes.append(row)
        return noting(*notes)

    def _root_named_by(self, request: _Checked) -> str | None:
        """The one contact that the request means, None where it is a new one."""
        found = None
        if request.contact_id is not None:
            if request.contact_id not in self._roots:
                raise absent("id")
            found = self._roots[request.contact_id]
        for index, identity in enumerate(request.identities):
            holder = self._holders.get(identity.space_and_address)
            if holder is None:
                continue
            if found is not None and found != self._roots[holder]:
                raise Conflict(
                    f"identity {index} belongs to another contact; merge the two if they are one",
                    path=("identities", str(index)),
                )
            found = self._roots[holder]
        return found

    def _create(self, contact_id: str) -> str:
        self._created.append(contact_id)
        self._roots[contact_id] = contact_id
        self._identities[contact_id] = set()
        self._rows[contact_id] = {
            "id": contact_id,
            **dict.fromkeys(STATE),
            "tags": [],
            "custom": {},
        }
        return contact_id

    def _add(self, root_id: str, identity: Identity) -> None:
        """Adds an address that nobody held, or a held one that was met on another channel."""
        holder = self._holders.get(identity.space_and_address)
        seen = SeenIdentity(identity, holder or root_id, root_id)
        (self._claimed if holder is None else self._seen).append(seen)
        self._holders[identity.space_and_address] = seen.contact_id
        self._identities[root_id].add(identity)

    def _set(self, root_id: str, fields: Mapping[str, Any]) -> bool:
        before = self._rows[root_id]
        after = {**before, **fields, "display_name": _display_name(before, fields)}
        if after != before:
            self._rows[root_id] = after
            self._changed.add(root_id)
        return after != before


def _require_few(identities: int, path: tuple[str, ...]) -> None:
    if identities > IDENTITIES_MAX:
        raise Conflict(
            f"a contact has at most {IDENTITIES_MAX} identities, this would be {identities}",
            path=path,
        )


def _display_name(before: Mapping[str, Any], fields: Mapping[str, Any]) -> str | None:
    """The name to show: the one that was given, else the first and last name, which it follows."""
    given: str | None = fields.get("display_name", before["display_name"])
    was_given = "display_name" in fields or given != _full_name(before)
    if was_given and given is not None:
        return given
    return _full_name({**before, **fields})


def _full_name(row: Mapping[str, Any]) -> str | None:
    names = [row[name] for name in ("first_name", "last_name") if row[name]]
    return " ".join(names) or None


async def merge_contacts(
    dependencies: Dependencies, viewer: Viewer, request: MergeContacts
) -> Merged:
    """Makes two contacts one: the source's root leads to the target's. Needs the scope `manage`.

    Nothing moves and nothing is lost: every row stays with the contact that it was recorded for.
    The sessions are cut anew over all the interactions of both, and credits paid twice come back.
    Both ids still answer. Raises NotFound for either, Conflict where they are one already and
    where they would have more than 50 identities.
    """
    viewer.require(Verb.MERGE_CONTACTS)
    require_form(request.source_id, Prefix.CONTACT, "sourceId")
    require_form(request.target_id, Prefix.CONTACT, "targetId")
    now = dependencies.clock.now()

    async def work(connection: AsyncConnection) -> Merged:
        workspace = await find_workspace(connection, viewer.workspace_id)
        roots = await lock_roots(connection, workspace.id, {request.source_id, request.target_id})
        for name, contact_id in (("sourceId", request.source_id), ("targetId", request.target_id)):
            if contact_id not in roots:
                raise absent(name)
        source, target = roots[request.source_id], roots[request.target_id]
        if source == target:
            raise Conflict("the two are one contact already", path=("sourceId",))
        identities = await find_identities(connection, workspace.id, [source, target])
        _require_few(sum(map(len, identities.values())), ("sourceId",))
        await link_contacts(connection, workspace.id, now, source, target)
        merged = row_of(
            dependencies, viewer, now, Verb.MERGE_CONTACTS, source, None, {"mergedIntoId": target}
        )
        stays = row_of(
            dependencies, viewer, now, Verb.MERGE_CONTACTS, target, None, {"mergedFromId": source}
        )
        notes = [noting(merged, stays)]
        entries = await recut_contact(
            connection, dependencies, workspace, now, target, DebitReason.MERGE, None, notes
        )
        return Merged(target, source, entries)

    merged = await dependencies.database.write(work, viewer.workspace_id)
    if merged.entries:
        await dependencies.bell.ring(viewer.workspace_id)
    return merged
