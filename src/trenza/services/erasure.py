"""Erasing a person: every personal datum goes, the ledger stays, a certificate is written.

The contact's id is random: under it stay the ledger, the sessions, and a skeleton of each
interaction. Sums, verdicts and statements are what they were.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from trenza.channels.address import normalise_address
from trenza.domain.access import Verb, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.erasure import certificate_digest, mentions, texts_in
from trenza.domain.errors import InvalidInput
from trenza.domain.ids import Prefix
from trenza.domain.instant import EARLIEST, LATEST, instant_text
from trenza.domain.text import clean
from trenza.services.activity import note_of
from trenza.services.dependencies import Dependencies
from trenza.services.reference import require_form, root_in
from trenza.services.skeleton import empty_quarantine, share_secret, strip_interactions
from trenza.storage.bulk import write_all
from trenza.storage.contact import CONTACT, find_roots, lock_roots
from trenza.storage.contact_history import VERSION
from trenza.storage.engine import AsyncConnection
from trenza.storage.erasure import (
    certifying,
    clear_activities,
    clear_person,
    find_certificate,
    forget_stages,
    rewrite_kin,
)
from trenza.storage.interaction import QUARANTINE, Stretch
from trenza.storage.merge import columns_of, fields_of
from trenza.storage.person import (
    HELD,
    Person,
    count_rows,
    find_kinship,
    find_person,
    list_rows,
    list_waiting,
)

REASON_LONGEST = 200
Value = tuple[str, str]
"""A field of a contact and its value, as JSON."""


@dataclass(frozen=True)
class EraseContact:
    """A person to erase, by any of its contacts; the reason names nobody."""

    contact_id: str
    reason: str


@dataclass(frozen=True)
class Erased:
    """The person's contact, and the certificate: new, or that of the erasure before."""

    contact_id: str
    certificate_id: str
    replayed: bool


@dataclass(frozen=True)
class ErasurePreview:
    """How many rows of what are held about a person."""

    contact_id: str
    counts: Mapping[str, int]


async def erase_contact(
    dependencies: Dependencies, viewer: Viewer, request: EraseContact
) -> Erased:
    """Erases a person, with all contacts that were merged into one; again replays.

    Needs the scope `admin`. Raises NotFound for the contact, InvalidInput for a reason that is
    blank or repeats a name or an address of the person.
    """
    viewer.require(Verb.ERASE_CONTACT)
    require_form(request.contact_id, Prefix.CONTACT, "contactId")
    reason = clean(request.reason, ("reason",), REASON_LONGEST)
    now = dependencies.clock.now()

    async def work(connection: AsyncConnection) -> Erased:
        roots = await lock_roots(connection, viewer.workspace_id, [request.contact_id])
        root_id = root_in(roots, request.contact_id)
        done = await find_certificate(connection, viewer.workspace_id, root_id)
        if done is not None:
            return Erased(root_id, done["id"], replayed=True)
        erasure = _Erasure(connection, dependencies, viewer, now)
        return Erased(root_id, await erasure.run(root_id, reason), replayed=False)

    return await dependencies.database.write(work, viewer.workspace_id)


async def preview_erasure(
    dependencies: Dependencies, viewer: Viewer, request: EraseContact
) -> ErasurePreview:
    """What `erase_contact` would find now; nothing is written. Raises what that would raise."""
    viewer.require(Verb.ERASE_CONTACT)
    require_form(request.contact_id, Prefix.CONTACT, "contactId")
    reason = clean(request.reason, ("reason",), REASON_LONGEST)
    async with dependencies.database.read(viewer.workspace_id) as connection:
        roots = await find_roots(connection, viewer.workspace_id, [request.contact_id])
        root_id = root_in(roots, request.contact_id)
        person = await whole_person(connection, viewer.workspace_id, root_id)
        _require_nameless(reason, person, await _values(connection, person))
        return ErasurePreview(root_id, await _counts(connection, person))


async def whole_person(connection: AsyncConnection, workspace_id: str, root_id: str) -> Person:
    """A person with the reports in quarantine, which are found only by reading what they say."""
    person = await find_person(connection, workspace_id, root_id)
    interactions = set(await list_ids(connection, person, "interactions"))
    kept: list[str] = []
    after = ""
    while waiting := await list_waiting(connection, workspace_id, after):
        kept += [row["id"] for row in waiting if _is_of(row, person, interactions)]
        after = waiting[-1]["id"]
    return Person(workspace_id, root_id, person.members, person.addresses, person.kin, tuple(kept))


async def list_ids(connection: AsyncConnection, person: Person, name: str) -> list[str]:
    """The ids of a person's rows of a table of `HELD`."""
    return [row["id"] for row in await list_rows(connection, person, HELD[name])]


def _is_of(row: Mapping[str, Any], person: Person, interactions: set[str]) -> bool:
    request = row["request"]
    if request["contactId"] in person.members or row["interaction_id"] in interactions:
        return True
    if request["identityChannel"] is None:
        return False
    try:
        channel = ChannelKind(request["identityChannel"])
        return tuple(normalise_address(channel, request["identityAddress"])) in person.addresses
    except InvalidInput:
        return False


async def _values(connection: AsyncConnection, person: Person) -> set[Value]:
    """Every field with its value that any of the person's contacts has or had."""
    rows = [
        *await list_rows(connection, person, CONTACT),
        *await list_rows(connection, person, VERSION),
    ]
    return {value for row in rows for value in _values_of(fields_of(row))}


def _require_nameless(reason: str, person: Person, values: set[Value]) -> None:
    told = [*_names(values), *(address for _, address in person.addresses)]
    if mentions(reason, told):
        raise InvalidInput("the reason names the person: it stays", path=("reason",))


async def _counts(connection: AsyncConnection, person: Person) -> dict[str, int]:
    return {name: await count_rows(connection, person, table) for name, table in HELD.items()}


@dataclass(frozen=True)
class _Erasure:
    """One erasure, in its transaction; the person's root is locked."""

    connection: AsyncConnection
    dependencies: Dependencies
    viewer: Viewer
    now: datetime

    async def run(self, root_id: str, reason: str) -> str:
        """Erases, and returns the certificate's id."""
        connection, workspace_id = self.connection, self.viewer.workspace_id
        person = await whole_person(connection, workspace_id, root_id)
        values = await _values(connection, person)
        _require_nameless(reason, person, values)
        counts = await _counts(connection, person)
        await self._clear_kin(person, values)
        secret = await share_secret(connection, self.dependencies, workspace_id)
        waiting = await list_rows(connection, person, QUARANTINE)
        await empty_quarantine(connection, workspace_id, secret, waiting, self.now)
        everything = Stretch(root_id, instant_text(EARLIEST), instant_text(LATEST))
        await strip_interactions(connection, workspace_id, secret, [everything], self.now)
        await clear_person(connection, person, self.now)
        return await self._certify(root_id, reason, counts)

    async def _clear_kin(self, person: Person, values: set[Value]) -> None:
        """Takes from whoever was merged with the person what they had of it."""
        kinship = await find_kinship(self.connection, person)
        filled = {each["id"]: each["filled"] for each in kinship.merges}
        gained = {value for each in filled.values() for value in _values_of(each)} & values
        versions = [
            (row, columns_of(_without(fields_of(row), gained)))
            for row in kinship.versions
            if gained.intersection(_values_of(fields_of(row)))
        ]
        told = {
            id: _without(fields, gained)
            for id, fields in filled.items()
            if gained.intersection(_values_of(fields))
        }
        await rewrite_kin(self.connection, self.viewer.workspace_id, versions, told)
        texts = {address for _, address in person.addresses}
        texts |= {text for _, value in gained for text in texts_in(orjson.loads(value))}
        repeating = [row["id"] for row in kinship.activity if _repeats(row, gained, texts)]
        await clear_activities(self.connection, self.viewer.workspace_id, repeating)
        stages = [orjson.loads(value) for field, value in gained if field == "stage"]
        await forget_stages(self.connection, person, kinship.spans, stages)

    async def _certify(self, root_id: str, reason: str, counts: Mapping[str, int]) -> str:
        id, viewer, now = self.dependencies.new_id(Prefix.ERASURE), self.viewer, self.now
        row = {
            "id": id,
            "contact_id": root_id,
            "erased_at": now,
            "reason": reason,
            "key_id": viewer.key_id or None,
            "user_id": viewer.user_id,
            "counts": orjson.dumps(counts).decode(),
            "digest": certificate_digest(id, root_id, now, reason, counts),
            "scrubbed_at": None,
        }
        after = {"certificate": id}
        verb = Verb.ERASE_CONTACT
        note = note_of(self.dependencies, viewer, now, verb, root_id, None, after)
        await write_all(self.connection, self.viewer.workspace_id, [certifying(row), note])
        return id


def _values_of(fields: Mapping[str, Any]) -> Iterator[Value]:
    for name, value in fields.items():
        yield name, orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _without(fields: Mapping[str, Any], gained: set[Value]) -> dict[str, Any]:
    kept = {name for name, value in _values_of(fields) if (name, value) not in gained}
    return {name: value for name, value in fields.items() if name in kept}


def _names(values: set[Value]) -> Iterator[str]:
    """The names in values of fields."""
    for field, value in values:
        if field.endswith("_name"):
            yield from texts_in(orjson.loads(value))


def _repeats(row: Mapping[str, Any], gained: set[Value], texts: set[str]) -> bool:
    """Whether an entry of the log holds one of some values of fields, or one of some texts."""
    told = [each for each in (row["before"], row["after"]) if each]
    return any(
        gained.intersection(_told_values(each)) or texts.intersection(texts_in(each))
        for each in told
    )


def _told_values(told: Mapping[str, Any]) -> Iterator[Value]:
    """The custom fields and tags in an entry of the log, each as one field."""
    custom, tags = told.get("custom") or {}, told.get("tags") or []
    yield from _values_of({f"custom.{name}": value for name, value in custom.items()})
    yield from _values_of({f"tags.{tag}": True for tag in tags})
