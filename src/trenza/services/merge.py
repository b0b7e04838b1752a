"""Merging contacts that are one person, looking at what it would do, and undoing it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trenza.domain.access import Verb, Viewer
from trenza.domain.errors import Conflict
from trenza.domain.ids import Prefix, session_id_of
from trenza.domain.merge import (
    Candidate,
    FieldConflict,
    IdentityPolicy,
    MergeDirection,
    MergeReason,
    Protection,
    conflicts,
    filling,
    staying,
    unlink,
)
from trenza.domain.metering.ledger import DebitReason, Entry, draft_entries
from trenza.services.activity import row_of
from trenza.services.contact_history import rewriting
from trenza.services.dependencies import Dependencies
from trenza.services.identity_policy import find_identity_policy
from trenza.services.ledger import AppendedEntry
from trenza.services.recut import recut_contacts, recuts
from trenza.services.reference import erased, require_form, root_in
from trenza.storage.activity import noting
from trenza.storage.bulk import Writing, write_all
from trenza.storage.contact import (
    Identity,
    find_erased,
    find_identities,
    find_roots,
    lock_roots,
)
from trenza.storage.engine import AsyncConnection
from trenza.storage.merge import (
    NewMerge,
    columns_of,
    count_interactions,
    fields_of,
    find_people,
    find_tree,
    linking,
    refilling,
    releasing,
)
from trenza.storage.workspace import find_workspace

Person = Mapping[str, Any]


@dataclass(frozen=True)
class MergeContacts:
    """Two contacts that are one person.

    The root of the target stays, or the one that the workspace's policy says.
    """

    source_id: str
    target_id: str
    by_policy: bool = False


@dataclass(frozen=True)
class Merged:
    """The contact that stays, the one that now leads to it, and what the merge wrote."""

    contact_id: str
    merged_id: str
    entries: Sequence[AppendedEntry]


@dataclass(frozen=True)
class Preview:
    """What a merge would do. `collapsing` are the sessions that would no longer stand."""

    contact_id: str
    merged_id: str
    conflicts: Sequence[FieldConflict]
    fills: Sequence[str]
    identities: Sequence[Identity]
    collapsing: Sequence[str]
    entries: Sequence[Entry]
    protections: Sequence[Protection]


@dataclass(frozen=True)
class Unmerged:
    """The contact that is one of its own again, the one it leaves, and what was written."""

    contact_id: str
    left_id: str
    entries: Sequence[AppendedEntry]


@dataclass
class Merging:
    """The merges of one transaction: decided in memory one after another, then written together.

    `people` are the rows of locked roots, by id; the one that stays gains what it lacks. `filled`
    are the rows of those that have gained something, as they were before.
    """

    dependencies: Dependencies
    viewer: Viewer
    now: datetime
    people: dict[str, dict[str, Any]]
    interactions: dict[str, int] = field(default_factory=dict)
    filled: dict[str, dict[str, Any]] = field(default_factory=dict)
    _merges: list[tuple[str, str, str, MergeReason, dict[str, Any]]] = field(default_factory=list)

    def candidate(self, root_id: str) -> Candidate:
        """A root as the direction looks at it."""
        created_at = self.people[root_id]["created_at"]
        return Candidate(root_id, created_at, self.interactions.get(root_id, 0))

    def link(self, source_id: str, target_id: str, reason: MergeReason) -> None:
        """Makes one root part of another."""
        stays = fields_of(self.people[target_id])
        gained = filling(stays, fields_of(self.people[source_id]))
        if gained:
            row = self.people[target_id]
            self.filled.setdefault(target_id, row)
            self.people[target_id] = {**row, **columns_of({**stays, **gained})}
        moved = self.interactions.get(source_id, 0)
        self.interactions[target_id] = self.interactions.get(target_id, 0) + moved
        merge_id = self.dependencies.new_id(Prefix.MERGE)
        self._merges.append((merge_id, source_id, target_id, reason, gained))

    def joined(self, root_ids: Sequence[str], direction: MergeDirection) -> dict[str, Any]:
        """What describes the one contact that these roots would become; nothing of no roots."""
        if not root_ids:
            return {}
        stays = root_ids[0]
        fields = fields_of(self.people[stays])
        moved = self.interactions.get(stays, 0)
        for other in root_ids[1:]:
            one = Candidate(stays, self.people[stays]["created_at"], moved)
            kept, _ = staying(direction, one, self.candidate(other))
            theirs = fields_of(self.people[other])
            first, second = (fields, theirs) if kept is one else (theirs, fields)
            fields = {**first, **filling(first, second)}
            stays, moved = kept.id, moved + self.interactions.get(other, 0)
        return columns_of(fields)

    def rewritten(self) -> list[Writing]:
        """Writes what those that stay have gained, and keeps what they were."""
        after = {id: self.people[id] for id in self.filled}
        return rewriting(self.dependencies, self.viewer, self.now, self.filled, after)

    async def write(self, connection: AsyncConnection) -> list[AppendedEntry]:
        """Writes the links and cuts the sessions of the roots anew; what that wrote.

        What the roots have gained is written before.
        """
        if not self._merges:
            return []
        viewer, now = self.viewer, self.now
        workspace = await find_workspace(connection, viewer.workspace_id)
        target_of = {source_id: target_id for _, source_id, target_id, *_ in self._merges}
        merges = [
            NewMerge(id, source_id, target_id, _end(target_of, source_id), reason, gained)
            for id, source_id, target_id, reason, gained in self._merges
        ]
        links = linking(now, merges, viewer.key_id or None, viewer.user_id)
        notes = [row for merge in merges for row in self._noted(merge)]
        await write_all(connection, workspace.id, [*links, noting(*notes)])
        roots = sorted({each.root_id for each in merges})
        return await recut_contacts(
            connection, self.dependencies, workspace, now, roots, DebitReason.MERGE
        )

    def _noted(self, merge: NewMerge) -> Iterator[dict[str, Any]]:
        gone = {"mergedIntoId": merge.target_id, "reason": merge.reason}
        stays = {"mergedFromId": merge.source_id, "reason": merge.reason}
        verb = Verb.MERGE_CONTACTS
        for id, after in ((merge.source_id, gone), (merge.target_id, stays)):
            yield row_of(self.dependencies, self.viewer, self.now, verb, id, None, after)


def _end(target_of: Mapping[str, str], contact_id: str) -> str:
    while contact_id in target_of:
        contact_id = target_of[contact_id]
    return contact_id


async def merge_contacts(
    dependencies: Dependencies, viewer: Viewer, request: MergeContacts
) -> Merged:
    """Makes two contacts one: the source's root leads to the target's. Needs the scope `manage`.

    Nothing moves and nothing is lost: every row stays with the contact that it was recorded for.
    What the one that stays lacks it gains. The sessions are cut anew over all the interactions of
    both, and credits paid twice come back. Both ids still answer. Raises NotFound for either,
    Conflict where they are one already and where the workspace's limits protect them.
    """
    _require(viewer, request)
    now = dependencies.clock.now()

    async def work(connection: AsyncConnection) -> Merged:
        ids = {request.source_id, request.target_id}
        roots = await lock_roots(connection, viewer.workspace_id, ids)
        pair = await _pair(connection, dependencies, viewer, request, roots, now)
        for protection in pair.protections:
            raise Conflict(protection.message, path=("sourceId",))
        pair.merging.link(pair.goes, pair.stays, MergeReason.MANUAL)
        await write_all(connection, viewer.workspace_id, pair.merging.rewritten())
        return Merged(pair.stays, pair.goes, await pair.merging.write(connection))

    merged = await dependencies.database.write(work, viewer.workspace_id)
    if merged.entries:
        await dependencies.bell.ring(viewer.workspace_id)
    return merged


async def preview_merge(
    dependencies: Dependencies, viewer: Viewer, request: MergeContacts
) -> Preview:
    """What `merge_contacts` would do now; nothing is written. Needs the scope `manage`.

    Raises what it raises, but for the limits that protect the two: those are told.
    """
    _require(viewer, request)
    now = dependencies.clock.now()
    async with dependencies.database.read(viewer.workspace_id) as connection:
        ids = {request.source_id, request.target_id}
        roots = await find_roots(connection, viewer.workspace_id, ids)
        pair = await _pair(connection, dependencies, viewer, request, roots, now)
        workspace = await find_workspace(connection, viewer.workspace_id)
        both = [pair.stays, pair.goes]
        found = (await recuts(connection, workspace, now, both, [pair.stays] * 2))[pair.stays]
    stays, goes = (fields_of(pair.merging.people[each]) for each in both)
    return Preview(
        pair.stays,
        pair.goes,
        conflicts(stays, goes),
        sorted(filling(stays, goes)),
        sorted(pair.identities),
        [session_id_of(session.id) for session in found.removed],
        draft_entries(found, DebitReason.MERGE),
        pair.protections,
    )


def _require(viewer: Viewer, request: MergeContacts) -> None:
    viewer.require(Verb.MERGE_CONTACTS)
    require_form(request.source_id, Prefix.CONTACT, "sourceId")
    require_form(request.target_id, Prefix.CONTACT, "targetId")


@dataclass(frozen=True)
class _Pair:
    """Two roots, which of them stays, and what both together would be."""

    merging: Merging
    stays: str
    goes: str
    identities: Collection[Identity]
    protections: Sequence[Protection]


async def _pair(
    connection: AsyncConnection,
    dependencies: Dependencies,
    viewer: Viewer,
    request: MergeContacts,
    roots: Mapping[str, str],
    now: datetime,
) -> _Pair:
    """The two that a request means; raises NotFound, and Conflict where they are one."""
    workspace_id = viewer.workspace_id
    goes = root_in(roots, request.source_id, "sourceId")
    stays = root_in(roots, request.target_id, "targetId")
    if goes == stays:
        raise Conflict("the two are one contact already", path=("sourceId",))
    policy = await find_identity_policy(connection, workspace_id)
    people = await find_people(connection, workspace_id, [goes, stays])
    merging = Merging(dependencies, viewer, now, people)
    if request.by_policy:
        await count_if_asked(connection, workspace_id, policy, merging)
        pair = staying(policy.direction, merging.candidate(goes), merging.candidate(stays))
        stays, goes = (each.id for each in pair)
    for name, contact_id in (("sourceId", goes), ("targetId", stays)):
        if people[contact_id]["erased_at"] is not None:
            raise erased(name)
    identities = await find_identities(connection, workspace_id, [stays, goes])
    both = identities[stays] | identities[goes]
    return _Pair(merging, stays, goes, both, protecting(policy, identities[stays], both))


async def count_if_asked(
    connection: AsyncConnection, workspace_id: str, policy: IdentityPolicy, merging: Merging
) -> None:
    """Counts the interactions of those that may be merged, where the direction goes by them."""
    if policy.direction is MergeDirection.MOST_INTERACTIONS_STAYS and merging.people:
        merging.interactions |= await count_interactions(
            connection, workspace_id, merging.people.keys()
        )


def protecting(
    policy: IdentityPolicy, before: Collection[Identity], after: Collection[Identity]
) -> list[Protection]:
    """The limits that a contact would pass by what it gains; what it passes already stays."""
    counts = {each.space: each.count for each in policy.protections(before)}
    return [each for each in policy.protections(after) if each.count > counts.get(each.space, 0)]


async def unmerge_contact(dependencies: Dependencies, viewer: Viewer, contact_id: str) -> Unmerged:
    """Undoes the merge by which a contact became part of another. Needs the scope `manage`.

    The contact has its fields, its identities, all that was recorded for it and all that had been
    merged into it before. The one it leaves loses what it had gained by the merge, unless that
    was changed since. The sessions of both are cut anew: what came since the merge belongs to
    the contact that holds the identity it came by. Raises NotFound, and Conflict where the
    contact is not merged into another, or is erased.
    """
    viewer.require(Verb.UNMERGE_CONTACT)
    require_form(contact_id, Prefix.CONTACT, "contactId")
    now = dependencies.clock.now()

    async def work(connection: AsyncConnection) -> Unmerged:
        workspace = await find_workspace(connection, viewer.workspace_id)
        roots = await lock_roots(connection, workspace.id, {contact_id})
        root_id = root_in(roots, contact_id)
        if root_id == contact_id:
            raise Conflict("the contact is not merged into another", path=("contactId",))
        if await find_erased(connection, workspace.id, [root_id]):
            raise erased("contactId")
        await _unlink(connection, dependencies, viewer, contact_id, root_id, now)
        entries = await recut_contacts(
            connection, dependencies, workspace, now, [contact_id, root_id], DebitReason.UNMERGE
        )
        return Unmerged(contact_id, root_id, entries)

    unmerged = await dependencies.database.write(work, viewer.workspace_id)
    if unmerged.entries:
        await dependencies.bell.ring(viewer.workspace_id)
    return unmerged


async def _unlink(
    connection: AsyncConnection,
    dependencies: Dependencies,
    viewer: Viewer,
    contact_id: str,
    root_id: str,
    now: datetime,
) -> None:
    """Takes a contact out of its tree, and from the others what they had of it."""
    tree = await find_tree(connection, viewer.workspace_id, root_id)
    people = {id: fields_of(row) for id, row in tree.people.items()}
    found = unlink(contact_id, tree.links, people)
    after = {id: {**tree.people[id], **columns_of(each)} for id, each in found.fields.items()}
    rewritten = rewriting(dependencies, viewer, now, tree.people, after)
    key_id, user_id = viewer.key_id or None, viewer.user_id
    releases = releasing(now, found.link, found.members, root_id, key_id, user_id)
    verb, target_id = Verb.UNMERGE_CONTACT, found.link.target_id
    notes = (
        row_of(dependencies, viewer, now, verb, contact_id, {"mergedIntoId": target_id}, None),
        row_of(dependencies, viewer, now, verb, target_id, {"mergedFromId": contact_id}, None),
    )
    writings = [*rewritten, refilling(found.filled), *releases, noting(*notes)]
    await write_all(connection, viewer.workspace_id, writings)
