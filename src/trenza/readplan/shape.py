"""What of the variables of a document decides how it is answered, and how much that is."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import ArgumentNode, DirectiveNode, DocumentNode, VariableNode, Visitor, visit

from trenza.domain import ids
from trenza.readplan.selection import UncoveredError

SIZE_MAX = 4000
"""How many values of variables are looked at: some twice as many as the largest filter has."""

GIVEN = ("input", "inputs", "definition")
"""Arguments that decide nothing of how what they lead to is read."""


@dataclass(frozen=True)
class Shape:
    """Which variables are there, and the values of those that decide what is selected."""

    seen: Hashable
    size: int = field(compare=False)
    """How many values were looked at, and characters of those that are in it themselves."""


class Looking:
    """Looks at values, up to a number of them in all; raises UncoveredError beyond it."""

    def __init__(self) -> None:
        self.size = 0

    def shape_of(self, value: Any) -> Hashable:
        """Which parts of a value are there, and of what kind each is."""
        if isinstance(value, dict):
            self._count(len(value))
            present = (key for key, each in value.items() if each is not None)
            return tuple((key, self.shape_of(value[key])) for key in sorted(present))
        if isinstance(value, list):
            self._count(len(value))
            inside = map(self.shape_of, value)
            has_objects = any(isinstance(each, dict) for each in value)
            return tuple(inside) if has_objects else frozenset(inside)
        if isinstance(value, bool):
            return "truth"
        return "number" if isinstance(value, int | float) else value is not None

    def frozen(self, value: Any) -> Hashable:
        """The value itself."""
        if isinstance(value, dict):
            return tuple((key, self.frozen(value[key])) for key in sorted(value))
        self._count(len(value) if isinstance(value, str) else 1)
        found: Hashable = value
        return found

    def prefix_of(self, value: Any) -> Hashable:
        """The prefix of an id, or the different ones of several."""
        if isinstance(value, list):
            self._count(len(value))
            return tuple(dict.fromkeys(map(self.prefix_of, value)))
        if not isinstance(value, str):
            return None
        try:
            return ids.prefix_of(value)
        except ValueError:
            return None

    def _count(self, number: int) -> None:
        self.size += number
        if self.size > SIZE_MAX:
            raise UncoveredError("large variables")


Probe = tuple[str, Callable[[Looking, Any], Hashable]]
"""The name of a variable, and how it is looked at."""


def probes_of(document: DocumentNode) -> Sequence[Probe]:
    """What has to be looked at in the variables of a document."""
    found = Probing()
    visit(document, found)
    return tuple(found.probes)


def shape_of(probes: Sequence[Probe], variables: Mapping[str, Any]) -> Shape:
    """The shape of coerced variables; raises UncoveredError where they are too many."""
    looking = Looking()
    seen = tuple(look(looking, variables.get(name)) for name, look in probes)
    return Shape(seen, looking.size)


class Probing(Visitor):
    """Collects the variables where they are used, each once for each way to look at it."""

    def __init__(self) -> None:
        super().__init__()
        self.probes: dict[Probe, None] = {}

    def enter_variable(
        self, node: VariableNode, _key: Any, parent: Any, _path: Any, ancestors: list[Any]
    ) -> None:
        """A variable where it is used, or where it is declared, which changes nothing."""
        around = [*ancestors, parent]
        within = [each for each in around if isinstance(each, ArgumentNode)]
        if not within or within[-1].name.value in GIVEN:
            return
        argument, look = within[-1].name.value, Looking.shape_of
        if argument == "orderBy" or any(isinstance(each, DirectiveNode) for each in around):
            look = Looking.frozen
        elif argument in ("id", "ids"):
            look = Looking.prefix_of
        self.probes[node.name.value, look] = None
