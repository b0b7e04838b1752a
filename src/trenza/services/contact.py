"""Contacts: writing who they are and how they are reached."""

import re
from collections.abc import Collection, Mapping, Sequence
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
from trenza.domain.errors import BrokenInvariant, Conflict, DomainError, InvalidInput
from trenza.domain.ids import Prefix
from trenza.domain.interaction import Language
from trenza.domain.merge import DEFAULT_POLICY, IDENTITIES_MAX, MergeReason, staying
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
from trenza.services.contact_history import rewriting
from trenza.services.dependencies import Dependencies
from trenza.services.merge import Merging, count_if_asked, protecting
from trenza.services.reference import absent, erased, require_form
from trenza.storage.activity import noting
from trenza.storage.bulk import Writing, ask, write_all
from trenza.storage.claim import ClaimLock
from trenza.storage.contact import (
    HOLDERS,
    STATE,
    Identity,
    NewContact,
    SeenIdentity,
    claiming,
    creating,
    find_identities,
    holders_of,
    lock_roots,
    meeting,
)
from trenza.storage.custom_field import share_custom_fields
from trenza.storage.engine import AsyncConnection
from trenza.storage.group import share_groups
from trenza.storage.identity_policy import ASKED_POLICY, BLOCKED_AMONG, policy_of
from trenza.storage.merge import find_people, unknown_person
from trenza.storage.seat import find_users

TEXT_LONGEST = 200
CONTACTS_MAX = 500

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
    assigned_group_id: str | Unset | None = UNSET
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

    merged: tuple[str, ...] = ()
    """Those that became part of it by this: its identities led to them."""
    ignored: tuple[Identity, ...] = ()
    """Identities that were given and are blocked: they found nobody and were not added."""


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

    Where the identities lead to several contacts, these become one by the workspace's policy.
    Blocked identities are left out, and told. Raises InvalidInput for a bad value, NotFound for
    the id and for a user, Forbidden for a custom field that the viewer does not see, Conflict where
    the policy keeps the contacts apart, where its limits protect them, where every identity is
    blocked, and beyond 50 tags of one contact.
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

    async def work(connection: AsyncConnection) -> tuple[list[Upserted | DomainError], bool]:
        batch = _Batch(connection, dependencies, viewer, now)
        await batch.load([each for each in checked if isinstance(each, _Checked)])
        answers = [batch.decide(each) if isinstance(each, _Checked) else each for each in checked]
        return answers, await batch.write()

    answers, has_grown = await dependencies.database.write(work, viewer.workspace_id, ClaimLock())
    if has_grown:
        await dependencies.bell.ring(viewer.workspace_id)
    return answers


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
        "assigned_group_id": request.assigned_group_id,
    }
    if isinstance(request.assigned_user_id, str):
        require_form(request.assigned_user_id, Prefix.USER, "assignedUserId")
    if isinstance(request.assigned_group_id, str):
        require_form(request.assigned_group_id, Prefix.GROUP, "assignedGroupId")
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
        self._groups: Collection[str] = ()
        self._policy = DEFAULT_POLICY
        self._blocked: set[tuple[str, str]] = set()
        self._holders: dict[tuple[str, str], str] = {}
        self._roots: dict[str, str] = {}
        self._identities: dict[str, set[Identity]] = {}
        self._rows: dict[str, dict[str, Any]] = {}
        self._before: dict[str, dict[str, Any]] = {}
        self._merging = Merging(dependencies, viewer, now, self._rows)
        self._created: list[str] = []
        self._changed: set[str] = set()
        self._claimed: list[SeenIdentity] = []
        self._seen: list[SeenIdentity] = []

    async def load(self, requests: Sequence[_Checked]) -> None:
        """Locks and loads whom the requests can mean, all at once and so in id order."""
        connection, workspace_id = self._connection, self._workspace_id
        addresses = sorted({i.space_and_address for each in requests for i in each.identities})
        rules, blocked, holders = await ask(
            connection,
            ASKED_POLICY.of(workspace_id),
            BLOCKED_AMONG.of(workspace_id, addresses),
            HOLDERS.of(workspace_id, addresses),
        )
        self._policy = policy_of(rules)
        self._blocked = {(space, address) for space, address in blocked}
        self._holders = {
            address: contact_id
            for address, contact_id in holders_of(holders).items()
            if address not in self._blocked
        }
        named = {each.contact_id for each in requests if each.contact_id is not None}
        self._roots = await lock_roots(
            connection, workspace_id, named.union(self._holders.values())
        )
        roots = set(self._roots.values())
        # What this batch adds to a root is held by the root itself.
        self._roots |= {root_id: root_id for root_id in roots}
        self._identities = await find_identities(connection, workspace_id, roots)
        self._rows |= await find_people(connection, workspace_id, roots)
        # An address of a person that was erased while the lock was waited for is nobody's.
        self._holders = {
            address: contact_id
            for address, contact_id in self._holders.items()
            if not self._is_erased(self._roots[contact_id])
        }
        self._before = dict(self._rows)
        await count_if_asked(connection, workspace_id, self._policy, self._merging)
        keys = {key for each in requests for key in each.custom}
        self._definitions = await share_custom_fields(connection, workspace_id, keys)
        assigned = {each.fields.get("assigned_user_id") for each in requests}
        self._users = await find_users(connection, workspace_id, set(filter(None, assigned)))
        groups = {each.fields.get("assigned_group_id") for each in requests}
        self._groups = await share_groups(connection, workspace_id, set(filter(None, groups)))

    def decide(self, request: _Checked) -> Upserted | DomainError:
        """Takes one request into what will be written, or refuses it and changes nothing."""
        blocked = self._blocked
        usable = [each for each in request.identities if each.space_and_address not in blocked]
        try:
            roots = self._roots_named_by(request, usable)
            new = self._protected(roots, usable)
            fields = self._decided(request, self._merging.joined(roots, self._policy.direction))
        except DomainError as refusal:
            return refusal
        created = not roots
        if created:
            roots = [self._create(self._dependencies.new_id(Prefix.CONTACT))]
        root_id, merged = self._merge(roots)
        for identity in new:
            self._add(root_id, identity)
        is_other = self._set(root_id, fields)
        if new:
            self._changed.add(root_id)
        ignored = dict.fromkeys(each for each in request.identities if each not in usable)
        changed = created or is_other or bool(new) or bool(merged)
        return Upserted(root_id, created, changed, merged, tuple(ignored))

    async def write(self) -> bool:
        """Writes what was decided; requests that changed nothing leave no trace.

        Whether the ledger has grown, by merges.
        """
        connection, workspace_id, now = self._connection, self._workspace_id, self._now
        states = {id: {name: self._rows[id][name] for name in STATE} for id in self._rows}
        created = [NewContact(id, (), states[id]) for id in self._created]
        writings = [*creating(now, created), *claiming(now, self._claimed)]
        writings += [meeting(now, self._seen), self._noting()]
        written = {*self._created, *self._changed, *self._merging.filled}
        after = {id: self._rows[id] for id in written}
        writings += rewriting(self._dependencies, self._viewer, now, self._before, after)
        await write_all(connection, workspace_id, writings)
        return bool(await self._merging.write(connection))

    def _decided(self, request: _Checked, before: Mapping[str, Any]) -> dict[str, Any]:
        """The columns that a request sets on a contact as it is; raises DomainError."""
        fields = dict(request.fields)
        user_id = fields.get("assigned_user_id")
        if user_id is not None and user_id not in self._users:
            raise absent("assignedUserId")
        group_id = fields.get("assigned_group_id")
        if group_id is not None and group_id not in self._groups:
            raise absent("assignedGroupId")
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
            after = {name: self._rows[id][name] for name in STATE}
            before, told = told_of_contact(self._before.get(id), after, added.get(id))
            verb = Verb.UPSERT_CONTACT
            row = row_of(self._dependencies, self._viewer, self._now, verb, id, before, told)
            notes.append(row)
        return noting(*notes)

    def _roots_named_by(self, request: _Checked, usable: Sequence[Identity]) -> list[str]:
        """The contacts that a request means, none where it is a new one.

        First the one named by id, then those of the identities by the priority of their spaces.
        """
        found: list[str] = []
        if request.contact_id is not None:
            if request.contact_id not in self._roots:
                raise absent("id")
            if self._is_erased(self._roots[request.contact_id]):
                raise erased("id")
            found.append(self._roots[request.contact_id])
        elif not usable:
            raise Conflict("every identity given is blocked", path=("identities",))
        rank = {space: place for place, space in enumerate(self._policy.priority)}
        for identity in sorted(usable, key=lambda each: rank[each.space]):
            holder = self._holders.get(identity.space_and_address)
            if holder is not None:
                found.append(self._roots[holder])
        if len(set(found)) > 1 and not self._policy.merge_on_shared_identity:
            index = self._first_foreign(request)
            raise Conflict(
                f"identity {index} belongs to another contact; merge the two if they are one",
                path=("identities", str(index)),
            )
        return list(dict.fromkeys(found))

    def _is_erased(self, root_id: str) -> bool:
        return self._rows[root_id]["erased_at"] is not None

    def _first_foreign(self, request: _Checked) -> int:
        """The first identity that leads to another contact than what was given before it."""
        known = None if request.contact_id is None else self._roots[request.contact_id]
        for index, identity in enumerate(request.identities):
            holder = self._holders.get(identity.space_and_address)
            root_id = None if holder is None else self._roots[holder]
            if root_id is not None and known not in (None, root_id):
                return index
            known = known or root_id
        raise BrokenInvariant("the identities lead to one contact")

    def _protected(self, roots: Sequence[str], usable: Sequence[Identity]) -> list[Identity]:
        """The identities to add; raises Conflict where a limit keeps them from it."""
        before = self._identities[roots[0]] if roots else set()
        known = before.union(*(self._identities[each] for each in roots))
        after = known.union(usable)
        for protection in protecting(self._policy, before, after):
            raise Conflict(protection.message, path=("identities",))
        return sorted(after - known)

    def _merge(self, roots: Sequence[str]) -> tuple[str, tuple[str, ...]]:
        """Makes contacts one by the policy's direction; the one that stays, and the others."""
        stays = roots[0]
        for other in roots[1:]:
            pair = self._merging.candidate(stays), self._merging.candidate(other)
            kept, gone = (each.id for each in staying(self._policy.direction, *pair))
            self._merging.link(gone, kept, MergeReason.SHARED_IDENTITY)
            self._identities[kept] |= self._identities.pop(gone)
            self._roots = {id: kept if r == gone else r for id, r in self._roots.items()}
            stays = kept
        return stays, tuple(each for each in roots if each != stays)

    def _create(self, contact_id: str) -> str:
        self._created.append(contact_id)
        self._roots[contact_id] = contact_id
        self._identities[contact_id] = set()
        self._rows[contact_id] = unknown_person(contact_id, self._now)
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
