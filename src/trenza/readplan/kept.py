"""What is kept to be used again, up to a weight in all: what was not used longest goes first."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Kept(Generic[V]):
    """Values by key, each with a weight that stands for the memory it takes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self.weight = 0

    def find(self, key: Hashable) -> V | None:
        """The value of a key, which is thereby used."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def keep(self, key: Hashable, value: V, weight: int) -> None:
        """Keeps a value in the place of any other of its key."""
        _, before = self._values.pop(key, (None, 0))
        self._values[key] = value, weight
        self.weight += weight - before
        while self.weight > self._most:
            _, (_, lost) = self._values.popitem(last=False)
            self.weight -= lost

    def lose(self, key: Hashable) -> None:
        """Forgets the value of a key, if there is one."""
        _, weight = self._values.pop(key, (None, 0))
        self.weight -= weight
