"""What merging and its undoing mean, as plainly as possible and sharing no code with the product.

Nothing is ever taken back: what a contact shows is worked out anew from what it was told itself
and from the contacts that are merged into it, in the order of the merges.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.properties.reference_model import Touch

PRIORITY = "PHONE EMAIL WEBCHAT".split()
Address = tuple[str, str]
"""Space and address."""


@dataclass
class Person:
    """A contact by itself: when it was made, and what it was told while it stood for itself."""

    id: str
    made: int
    own: dict[str, str] = field(default_factory=dict)
    ever: set[str] = field(default_factory=set)
    """Every text that was told of it, or by it, and of nobody else."""
    erased: bool = False


@dataclass
class Model:
    """Contacts, the links between them, who holds an address, and what happened to whom."""

    direction: str
    people: dict[str, Person] = field(default_factory=dict)
    links: list[tuple[str, str]] = field(default_factory=list)
    holders: dict[Address, str] = field(default_factory=dict)
    identities: dict[tuple[str, str], str] = field(default_factory=dict)
    touches: dict[Touch, str] = field(default_factory=dict)

    def root(self, id: str) -> str:
        """Who stands for a contact."""
        above = dict(self.links)
        while id in above:
            id = above[id]
        return id

    def members(self, root: str) -> set[str]:
        """All that a contact stands for."""
        return {id for id in self.people if self.root(id) == root}

    def shown(self, id: str) -> dict[str, str]:
        """What a contact shows: its own, else that of the first merged into it that has it."""
        found = dict(self.people[id].own)
        for source, target in self.links:
            if target == id:
                found = {**self.shown(source), **found}
        return found

    def led_to(self, given: Sequence[tuple[str, Address]]) -> list[str]:
        """The roots that identities (channel, address) lead to, the surest first."""
        by_priority = sorted(given, key=lambda each: PRIORITY.index(each[1][0]))
        held = (self.holders.get(address) for _, address in by_priority)
        return list(dict.fromkeys(self.root(id) for id in held if id is not None))

    def upsert(self, given: Sequence[tuple[str, Address]], told: dict[str, str]) -> None:
        """Writes to the one that identities lead to, which is there."""
        roots = self.led_to(given)
        stays = roots[0]
        for other in roots[1:]:
            stays, goes = self.pair(stays, other)
            self.links.append((goes, stays))
        for channel, address in given:
            holder = self.holders.setdefault(address, stays)
            self.identities.setdefault((channel, address[1]), holder)
        shown = self.shown(stays)
        self.people[stays].own |= {k: v for k, v in told.items() if shown.get(k) != v}
        self.people[stays].ever.update(told.values())

    def pair(self, one: str, other: str) -> tuple[str, str]:
        """Which of two roots stays, and which goes."""
        old, new = sorted((one, other), key=lambda id: (self.people[id].made, id))
        more = self.count(new) > self.count(old)
        swaps = {"OLDEST_STAYS": False, "NEWEST_STAYS": True, "MOST_INTERACTIONS_STAYS": more}
        return (new, old) if swaps[self.direction] else (old, new)

    def count(self, root: str) -> int:
        """How much happened to a root and those it stands for."""
        return sum(1 for id in self.touches.values() if self.root(id) == root)

    def erase(self, root: str) -> None:
        """Forgets a root with all that it stands for; who stands for whom stays."""
        gone = self.members(root)
        for id in gone:
            self.people[id].own.clear()
            self.people[id].erased = True
        self.holders = {k: v for k, v in self.holders.items() if v not in gone}
        self.identities = {k: v for k, v in self.identities.items() if v not in gone}

    def is_erased(self, id: str) -> bool:
        """Whether a contact belongs to somebody who is erased."""
        return self.people[self.root(id)].erased

    def unlink(self, source: str) -> None:
        """Undoes a merge."""
        self.links = [link for link in self.links if link[0] != source]

    def components(self) -> Iterator[frozenset[str]]:
        """Who is one person, by the links."""
        yield from {frozenset(self.members(self.root(id))) for id in self.people}
