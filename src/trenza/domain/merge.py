"""Two contacts that are one person: who stays, what it gains, and what an unmerge takes back.

What is known of a contact is given as its *fields*: what is empty is left out, each tag and each
custom field is one of them (`tags.vip`, `custom.size`), so that one rule serves them all. A
merge never changes the contact that goes; the one that stays gains what it lacks, and the link
between the two remembers what that was.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from trenza.domain.channel import AddressSpace, ChannelKind

Fields = Mapping[str, Any]
"""What is known of a contact, by the name of the field; values as JSON has them."""
IDENTITIES_MAX = 50
"""How many identities a contact has at most, whatever a policy says."""


class MergeDirection(StrEnum):
    """Which of two contacts stays where they share an identity."""

    OLDEST_STAYS = "OLDEST_STAYS"
    NEWEST_STAYS = "NEWEST_STAYS"
    MOST_INTERACTIONS_STAYS = "MOST_INTERACTIONS_STAYS"


class MergeReason(StrEnum):
    """Why two contacts were merged."""

    MANUAL = "MANUAL"
    SHARED_IDENTITY = "SHARED_IDENTITY"


@dataclass(frozen=True, slots=True)
class Protection:
    """A limit that a contact would pass: of identities, or of the addresses of one space."""

    space: AddressSpace | None
    allowed: int
    count: int

    @property
    def message(self) -> str:
        """The limit, for people.

        >>> Protection(AddressSpace.EMAIL, 2, 3).message
        'a contact has at most 2 addresses of EMAIL, this would be 3'
        """
        what = "identities" if self.space is None else f"addresses of {self.space}"
        return f"a contact has at most {self.allowed} {what}, this would be {self.count}"


@dataclass(frozen=True)
class IdentityPolicy:
    """A workspace's rules for shared identities.

    `priority` are all the spaces, the one that leads to a person most surely first.
    """

    merge_on_shared_identity: bool = True
    direction: MergeDirection = MergeDirection.OLDEST_STAYS
    priority: tuple[AddressSpace, ...] = tuple(AddressSpace)
    identities_max: int = IDENTITIES_MAX
    space_limits: Mapping[AddressSpace, int] = field(default_factory=lambda: MappingProxyType({}))

    def protections(
        self, identities: Collection[tuple[ChannelKind, AddressSpace, str]]
    ) -> Iterator[Protection]:
        """The limits that a contact with these (channel, space, address) would pass."""
        if len(identities) > self.identities_max:
            yield Protection(None, self.identities_max, len(identities))
        addresses = Counter(space for space, _ in {each[1:] for each in identities})
        for space, allowed in self.space_limits.items():
            if addresses[space] > allowed:
                yield Protection(space, allowed, addresses[space])


DEFAULT_POLICY = IdentityPolicy()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of two contacts to merge, as far as the direction looks at it."""

    id: str
    created_at: datetime
    interactions: int = 0


def staying(
    direction: MergeDirection, one: Candidate, other: Candidate
) -> tuple[Candidate, Candidate]:
    """The contact that stays and the one that goes. What is equal is decided by age, then by id.

    >>> old, new = Candidate("a", datetime(2026, 1, 1)), Candidate("b", datetime(2026, 2, 1), 3)
    >>> staying(MergeDirection.MOST_INTERACTIONS_STAYS, old, new)[0].id
    'b'
    """
    older, younger = sorted((one, other), key=lambda each: (each.created_at, each.id))
    if direction is MergeDirection.NEWEST_STAYS:
        return younger, older
    if (
        direction is MergeDirection.MOST_INTERACTIONS_STAYS
        and younger.interactions > older.interactions
    ):
        return younger, older
    return older, younger


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """A field that both contacts have, with another value each; that of the one that stays wins."""

    field: str
    kept: Any
    dropped: Any


def conflicts(stays: Fields, goes: Fields) -> list[FieldConflict]:
    """The fields in which two contacts contradict each other, by name.

    >>> conflicts({"city": "Lima", "stage": "SALE"}, {"city": "Cusco", "stage": "SALE"})
    [FieldConflict(field='city', kept='Lima', dropped='Cusco')]
    """
    return [
        FieldConflict(name, stays[name], goes[name])
        for name in sorted(stays.keys() & goes.keys())
        if stays[name] != goes[name]
    ]


def filling(stays: Fields, goes: Fields) -> dict[str, Any]:
    """What the contact that stays gains: the fields that it lacks and the other has.

    >>> filling({"city": "Lima"}, {"city": "Cusco", "tags.vip": True})
    {'tags.vip': True}
    """
    return {name: value for name, value in goes.items() if name not in stays}


@dataclass(frozen=True, slots=True)
class Link:
    """A merge that stands: the contact that went, the one that stayed, and what that one gained."""

    id: str
    source_id: str
    target_id: str
    filled: Fields


@dataclass(frozen=True)
class Unlinked:
    """What an unmerge changes.

    `members` are the contacts that leave: the source and all that were merged into it. `fields`
    and `filled` are as they become: of the contacts that lose something, and of the links that
    fill what another has left empty.
    """

    link: Link
    members: frozenset[str]
    fields: Mapping[str, Fields]
    filled: Mapping[str, Fields]


def unlink(source_id: str, links: Sequence[Link], fields: Mapping[str, Fields]) -> Unlinked:
    """Takes a contact out of the tree that it was merged into, given its links as they were made.

    The contact above it loses what this link filled, unless it was changed since; what is left
    empty is filled from those that were merged into it beside, the first that has it. What a
    contact loses is lost as well by those that it has filled in turn, up to the root: so they are
    all as if the two had never been merged.
    """
    above = {each.source_id: each for each in links}
    link: Link | None = above[source_id]
    unlinked = above[source_id]
    known = {contact_id: dict(each) for contact_id, each in fields.items()}
    filled = {each.id: dict(each.filled) for each in links}
    lost = filled[unlinked.id]
    standing = [each for each in links if each is not unlinked]
    while link is not None and lost:
        target = known[link.target_id]
        gone = [name for name, value in lost.items() if target.get(name) == value]
        values = {name: target.pop(name) for name in gone}
        if link is not unlinked:
            for name in gone:
                del filled[link.id][name]
        beside = [each for each in standing if each.target_id == link.target_id]
        for each in beside:
            found = filling(target, {n: v for n, v in known[each.source_id].items() if n in values})
            target |= found
            filled[each.id] |= found
        link = above.get(link.target_id)
        lost = {n: v for n, v in values.items() if link is not None and _gave(filled, link, n, v)}
    before = {each.id: each.filled for each in links}
    return Unlinked(
        unlinked,
        frozenset(members_of(source_id, links)),
        {id: each for id, each in known.items() if each != fields[id]},
        {id: each for id, each in filled.items() if each != before[id] and id != unlinked.id},
    )


def _gave(filled: Mapping[str, Fields], link: Link, name: str, value: Any) -> bool:
    return name in filled[link.id] and bool(filled[link.id][name] == value)


def members_of(contact_id: str, links: Sequence[Link]) -> Iterator[str]:
    """A contact and all that were merged into it, directly or by way of others."""
    into: dict[str, list[str]] = {}
    for each in links:
        into.setdefault(each.target_id, []).append(each.source_id)
    waiting = [contact_id]
    while waiting:
        member = waiting.pop()
        yield member
        waiting += into.get(member, ())
