"""Valid documents with variables, made at random over the whole query schema.

Each is made of a seed alone (and of what is known of the world), so that a seed replays it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
)

from tests.readplan.values import Known, Values, has_default, literal

DEPTH_MAX = 9
"""A node of a connection is two or three levels below the field that answers the connection."""
FIELDS_MAX = 9
FIGURES = frozenset(
    {"balance", "usage", "seats", "statement", "status", "mayContact", "consents"}
    | {"count", "explain", "members", "previewSegment", "segments", "costToServe"}
)
"""Cost several statements each, and so are asked less often."""
LONG = "a" * 63
"""As many characters of a name as PostgreSQL looks at."""


@dataclass(frozen=True)
class Request:
    """What a client sends."""

    query: str
    variables: dict[str, Any]
    others: dict[str, Any]
    """Variables of another time: another shape for the same document."""
    name: str | None = None
    asked: frozenset[str] = frozenset()
    """The fields that it selects, like `Contact.displayName`."""

    @property
    def bodies(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """As the JSON of a request, this time and another time."""
        sent: dict[str, Any] = {"query": self.query}
        if self.name is not None:
            sent["operationName"] = self.name
        return sent | {"variables": self.variables}, sent | {"variables": self.others}


@dataclass
class Scope:
    """The response keys of one place, which may come up again for the same thing only."""

    heads: dict[str, str] = field(default_factory=dict)
    inner: dict[str, Scope] = field(default_factory=dict)

    def agrees(self, other: Scope) -> bool:
        """Whether what is selected in both can be merged."""
        return all(self.heads.get(key, head) == head for key, head in other.heads.items()) and all(
            self.inner.get(key, scope).agrees(scope) for key, scope in other.inner.items()
        )

    def add(self, other: Scope) -> None:
        """Merges what is selected in another."""
        self.heads |= other.heads
        for key, scope in other.inner.items():
            self.inner.setdefault(key, Scope()).add(scope)


def make_request(
    schema: GraphQLSchema, known: Known, seed: int, *, careless: bool = False
) -> Request:
    """The request of a seed; a careless one may have mistakes in its values."""
    random = Random(seed)
    values = Values(random, known, careless=careless)
    several = random.random() < 0.1
    names = [f"Q{n}" for n in range(random.randint(2, 3) if several else 1)]
    operations = [Operation(schema, random, values, name, careless) for name in names]
    texts = [operation.text() for operation in operations]
    variables = {name: given for each in operations for name, given in each.given.items()}
    others = {name: given for each in operations for name, given in each.others.items()}
    name = random.choice(names) if several or random.random() < 0.3 else None
    asked = frozenset().union(*(operation.asked for operation in operations))
    return Request("\n".join(texts), variables, others, name, asked)


class Operation:
    """One query in the making: its variables, its fragments, what is left of its size."""

    def __init__(
        self, schema: GraphQLSchema, random: Random, values: Values, name: str, careless: bool
    ) -> None:
        self._schema = schema
        self._random = random
        self._values = values
        self._name = name
        self._careless = careless
        self._prefix, self._aliased = random.choice([("a", 0.12)] * 9 + [(LONG, 0.5)])
        self._left = FIELDS_MAX
        self._count = 0
        self._declared: list[str] = []
        self._reusable: list[tuple[str, str, Any]] = []
        self._fragments: dict[str, tuple[str, str, Scope]] = {}
        self.given: dict[str, Any] = {}
        self.others: dict[str, Any] = {}
        self.asked: set[str] = set()

    def text(self) -> str:
        """The operation with its fragments."""
        query = self._schema.query_type
        assert query is not None
        body = self._selections(query, Scope(), DEPTH_MAX)
        declared = f"({', '.join(self._declared)})" if self._declared else ""
        fragments = [
            f"fragment {name} on {type_} {text}"
            for name, (type_, text, _) in self._fragments.items()
        ]
        return "\n".join([f"query {self._name}{declared} {body}", *fragments])

    def _selections(self, type_: Any, scope: Scope, depth: int, *, apart: bool = False) -> str:
        """A selection set; `apart` names every field anew, where types of one place differ."""
        if isinstance(type_, GraphQLInterfaceType):
            return self._any_of(type_, scope, depth)
        wanted = self._random.randint(1, 4 if depth > 2 else 2)
        found = [self._selection(type_, scope, depth, apart) for _ in range(wanted)]
        return f"{{ {' '.join(found)} }}"

    def _any_of(self, type_: GraphQLInterfaceType, scope: Scope, depth: int) -> str:
        """`node` and `nodes`: fields of every type, and of some types."""
        types = list(self._schema.get_possible_types(type_))
        chosen = self._random.sample(types, self._random.randint(1, 4))
        found = [
            f"... on {each.name}{self._directive()} "
            f"{self._selections(each, scope, depth - 1, apart=True)}"
            for each in chosen
        ]
        found += self._random.choices(["__typename", "id", "... { id }", "... on Node { id }"], k=2)
        self._random.shuffle(found)
        return f"{{ {' '.join(found)} }}"

    def _selection(self, type_: GraphQLObjectType, scope: Scope, depth: int, apart: bool) -> str:
        """A field, or a fragment with fields."""
        dice = self._random.random()
        if dice < 0.05:
            return f"... {self._directive()} {self._selections(type_, scope, 1, apart=apart)}"
        if dice < 0.1:
            on = f"... on {type_.name}{self._directive()}"
            return f"{on} {self._selections(type_, scope, depth - 1, apart=apart)}"
        if dice < 0.18 and not apart:
            return self._spread(type_, scope, depth)
        if dice < 0.23:
            return "__typename"
        return self._field(type_, scope, depth, apart)

    def _spread(self, type_: GraphQLObjectType, scope: Scope, depth: int) -> str:
        """A named fragment, new or used before."""
        for name, (on, _, inner) in self._fragments.items():
            if on == type_.name and scope.agrees(inner) and self._random.random() < 0.5:
                scope.add(inner)
                return f"...{name}{self._directive()}"
        self._count += 1
        name = f"F{self._count}of{self._name}"
        # What is here already is kept in mind, so that both can be merged.
        inner = deepcopy(scope)
        text = self._selections(type_, inner, depth - 1)
        self._fragments[name] = (type_.name, text, inner)
        scope.add(inner)
        return f"...{name}{self._directive()}"

    def _field(self, type_: GraphQLObjectType, scope: Scope, depth: int, apart: bool) -> str:
        name, definition = self._choose(type_, depth)
        self._left -= 1
        self.asked.add(f"{type_.name}.{name}")
        arguments = self._arguments(type_, name, definition)
        head, key = f"{name}{arguments}", name
        if apart or self._random.random() < self._aliased or scope.heads.get(name, head) != head:
            key = self._alias(scope, apart)
        scope.heads[key] = head
        alias = "" if key == name else f"{key}: "
        text = f"{alias}{head}{self._directive()}"
        below: Any = get_named_type(definition.type)
        if is_leaf_type(below):
            return text
        inner = scope.inner.setdefault(key, Scope())
        return f"{text} {self._selections(below, inner, depth - 1)}"

    def _alias(self, scope: Scope, apart: bool) -> str:
        """A name of its own, or one that only its case tells from another one of its place."""
        found = [] if apart else [key.swapcase() for key in scope.heads]
        twins = [key for key in found if key not in scope.heads]
        if twins and self._coin():
            return self._random.choice(twins)
        self._count += 1
        return f"{self._prefix}{self._count}"

    def _choose(self, type_: GraphQLObjectType, depth: int) -> tuple[str, GraphQLField]:
        """A field of a type; only values where the document is large or deep enough."""
        choices: list[tuple[str, GraphQLField]] = list(type_.fields.items())
        values = [each for each in choices if is_leaf_type(get_named_type(each[1].type))]
        if (depth <= 1 or self._left <= 0) and values:
            choices = values
        weights = [0.3 if name in FIGURES else 1.0 for name, _ in choices]
        [chosen] = self._random.choices(choices, weights)
        return chosen

    def _directive(self) -> str:
        """`@include` or `@skip`, seldom."""
        if self._random.random() > 0.08:
            return ""
        name = self._random.choice(["include", "skip"])
        value = self._expression(GraphQLNonNull(self._schema.type_map["Boolean"]), *self._coins())
        return f" @{name}(if: {value})"

    def _coin(self) -> bool:
        return self._random.random() < 0.5

    def _coins(self) -> tuple[bool, bool]:
        return self._coin(), self._coin()

    def _arguments(self, type_: GraphQLObjectType, name: str, definition: GraphQLField) -> str:
        given = self._values.of(type_.name, name, definition)
        other = self._values.of(type_.name, name, definition)
        written = self._pairs(definition.args, given, other)
        self._random.shuffle(written)
        return f"({', '.join(written)})" if written else ""

    def _pairs(self, places: Mapping[str, Any], given: Any, other: Any) -> list[str]:
        """Arguments, or the fields of an input, by name."""
        others = other if isinstance(other, dict) else {}
        return [
            f"{name}: {self._expression(places[name].type, each, others.get(name), places[name])}"
            for name, each in given.items()
        ]

    def _expression(self, type_: Any, value: Any, other: Any, place: Any = None) -> str:
        """A value by variable, as a literal, or as a literal with variables in it."""
        if self._random.random() < 0.4:
            return self._variable(type_, value, other, place)
        bare = get_nullable_type(type_)
        if isinstance(bare, GraphQLList) and isinstance(value, list):
            others = [*(other or ()), *[None] * len(value)]
            inside = [self._expression(bare.of_type, *each) for each in zip(value, others)]  # noqa: B905
            return f"[{', '.join(inside)}]"
        if isinstance(bare, GraphQLInputObjectType) and isinstance(value, dict):
            return f"{{{', '.join(self._pairs(bare.fields, value, other))}}}"
        return literal(value, ascii_only=self._coin())

    def _variable(self, type_: Any, value: Any, other: Any, place: Any) -> str:
        """A variable that has the value: given, or by default; or one that is left out."""
        for name, of, known in self._reusable:
            if of == str(type_) and known == value and self._coin():
                return f"${name}"
        self._count += 1
        name = f"v{self._count}of{self._name}"
        bare = get_nullable_type(type_)
        ways: list[Callable[[str, Any, Any, Any], None]] = [self._give]
        if value is not None:
            ways += [self._give_strictly, self._leave_to_default, self._give_over_default]
            if place is not None and has_default(place):
                ways.append(self._leave_out)
        elif bare is type_:
            ways.append(self._leave_out)
        way = self._random.choice(ways)
        way(name, type_, bare, value)
        if other is not None or (bare is type_ and value is not None and way == self._give):
            self.others[name] = other
        elif name in self.given:
            self.others[name] = self.given[name]
        if way != self._leave_out:
            self._reusable.append((name, str(type_), value))
        return f"${name}"

    def _give(self, name: str, type_: Any, _: Any, value: Any) -> None:
        self._declared.append(f"${name}: {type_}")
        if not (self._careless and self._random.random() < 0.03):
            self.given[name] = value

    def _give_strictly(self, name: str, _: Any, bare: Any, value: Any) -> None:
        self._declared.append(f"${name}: {bare}!")
        self.given[name] = value

    def _leave_to_default(self, name: str, _: Any, bare: Any, value: Any) -> None:
        self._declared.append(f"${name}: {bare} = {literal(value)}")

    def _give_over_default(self, name: str, _: Any, bare: Any, value: Any) -> None:
        self._declared.append(f"${name}: {bare} = {literal(value)}")
        self.given[name] = value

    def _leave_out(self, name: str, _: Any, bare: Any, __: Any) -> None:
        self._declared.append(f"${name}: {bare}")
