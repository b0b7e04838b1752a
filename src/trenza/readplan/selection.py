"""What an operation selects, read once from its document: response keys, declarations, arguments.

Fragments, aliases and directives are resolved here, as the specification collects fields. Values
of variables stay out of it, but for those that give a selection its shape.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionSetNode,
    Undefined,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
)
from graphql.execution.values import VariableValues, get_argument_values, get_directive_values

from trenza.readplan import fields
from trenza.readplan.connection import Window, window
from trenza.readplan.inputs import members_of, read_members
from trenza.readplan.schema import NAMESPACE, PAGING, DeclaredField, Record, conditions_of, order_of

NODES_MAX = 2000
"""How many nodes of a document are looked at for a plan, those of a fragment once for each use."""

COST_MAX = 800
"""What a plan costs at most to compile, while nothing else runs: some 120 ms, a field being 1.

That is 60 small relations. Fragments that name one another twice would make it any size.
"""

CONDITION_COSTS = 2
RELATION_COSTS = 10
PAST_COSTS = 30
FURTHER_TYPE_COSTS = 4


Make = Callable[[VariableValues], dict[str, Any]]
"""Makes the arguments of a field; raises GraphQLError for null where there has to be a value."""


class UncoveredError(Exception):
    """The plan does not answer this; the message says why, in a few words for a log."""


@dataclass(frozen=True)
class Arguments:
    """The arguments of one field: fixed by the document, or made of variables each time."""

    make: Make
    fixed: dict[str, Any] | None = None

    def given(self, variables: VariableValues) -> dict[str, Any]:
        """The arguments, those left out being absent."""
        return self.make(variables) if self.fixed is None else self.fixed


@dataclass(frozen=True, eq=False)
class Field:
    """One response key of an object: what is declared for it, and what is selected below."""

    key: str
    name: str
    type: GraphQLOutputType
    declaration: fields.Declaration | None
    arguments: Arguments
    below: Mapping[str, "Selection"]
    """By the names of the types that the field can be of; empty for leaves."""
    page: "Page | None" = None
    nodes: Sequence[FieldNode] = ()
    is_backward: bool = False
    """Whether a connection is read from its end: `last` is given."""

    @property
    def selection(self) -> "Selection":
        """What is selected of a field that can only be of one type."""
        [only] = self.below.values()
        return only

    def window(self, variables: VariableValues) -> Window:
        """The page that is asked for; raises InvalidInput where there is no such page."""
        given = self.arguments.given(variables)
        order = order_of(_connected(self.declaration), given)
        return window(order, *(given.get(name) for name in PAGING))


@dataclass(frozen=True)
class Selection:
    """What is selected of an object of one type, in the order of the document."""

    typename: str
    cls: type[Record]
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class PageField:
    """One response key of a connection, an edge or a PageInfo."""

    key: str
    name: str
    below: "tuple[PageField, ...] | Selection | None" = None


@dataclass(frozen=True)
class Page:
    """What is selected of a connection."""

    fields: tuple[PageField, ...]

    @property
    def has_info(self) -> bool:
        """Whether it is asked where the page lies."""
        return any(field.name == "pageInfo" for field in self.fields)

    def selections(self) -> Iterator[Selection]:
        """What is selected of the nodes, directly and in edges."""
        for field in self.fields:
            below = field.below if isinstance(field.below, tuple) else (field,)
            yield from (each.below for each in below if isinstance(each.below, Selection))

    @property
    def has_rows(self) -> bool:
        """Whether rows have to be read, and not only to be counted."""
        return any(field.name in ("pageInfo", "nodes", "edges") for field in self.fields)


class Reading:
    """Reads the selection of one operation, for variables of one shape."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self.nodes = 0
        self._cost = 0

    def selection(
        self,
        type_: GraphQLObjectType | None,
        sets: Sequence[SelectionSetNode],
        seen_as: str | None = None,
    ) -> Selection:
        """What is selected of a declared type, or of a view of it."""
        if type_ is None:
            raise UncoveredError("no such operation")
        cls = _class_of(seen_as or type_.name)
        found = tuple(
            self._field(type_, cls.declared, key, nodes)
            for key, nodes in self._collected(type_, sets).items()
        )
        return Selection(type_.name, cls, found)

    def written(
        self, type_: GraphQLObjectType | None, sets: Sequence[SelectionSetNode]
    ) -> list[Field]:
        """The fields of a mutation, in the order in which they are carried out."""
        if type_ is None:
            raise UncoveredError("no such operation")
        collected = self._collected(type_, sets)
        return [self._field(type_, {}, key, nodes) for key, nodes in collected.items()]

    def _field(
        self,
        type_: GraphQLObjectType,
        seen: Mapping[str, fields.Declaration],
        key: str,
        nodes: list[FieldNode],
    ) -> Field:
        """A field as the view declares it by which its object is seen, or else as its type does."""
        name = nodes[0].name.value
        if name == "__typename":
            return Field(key, name, type_, None, Arguments(lambda _: {}, {}), {})
        if name.startswith("__"):
            raise UncoveredError("introspection")
        definition = type_.fields[name]
        declared = definition.extensions.get("strawberry-definition")
        if not isinstance(declared, DeclaredField):
            raise UncoveredError(f"{type_.name}.{name} has a resolver")
        declaration = seen.get(declared.python_name, declared.declaration)
        arguments = self._arguments(definition, declared, nodes[0])
        below, page = self._below(definition, declaration, arguments, nodes)
        return Field(
            key,
            declared.python_name,
            definition.type,
            declaration,
            arguments,
            below,
            page,
            nodes,
            page is not None and arguments.given(self._variables).get("last") is not None,
        )

    def _below(
        self,
        definition: GraphQLField,
        declaration: fields.Declaration,
        arguments: Arguments,
        nodes: list[FieldNode],
    ) -> tuple[Mapping[str, Selection], Page | None]:
        named: Any = get_named_type(definition.type)
        sets = [node.selection_set for node in nodes if node.selection_set]
        if is_leaf_type(named):
            return {}, None
        types = self._schema.get_possible_types(named) if is_abstract_type(named) else [named]
        decides = isinstance(declaration, fields.Global | fields.Many)
        given = arguments.given(self._variables) if decides else {}
        self._spend(_cost_of(declaration, given, len(types)), "fields")
        if isinstance(declaration, fields.Many):
            number = sum(1 for _ in conditions_of(declaration, given))
            self._spend(number * CONDITION_COSTS, "conditions")
        if isinstance(declaration, fields.Connected | fields.Found):
            return {}, Page(tuple(self._page_fields(named, sets)))
        return {
            each.name: self.selection(each, sets, _view_of(declaration, each.name, given))
            for each in types
        }, None

    def _spend(self, cost: int, what: str) -> None:
        self._cost += cost
        if self._cost > COST_MAX:
            raise UncoveredError(f"too many {what}")

    def _page_fields(
        self, type_: GraphQLObjectType, sets: Sequence[SelectionSetNode]
    ) -> Iterator[PageField]:
        for key, nodes in self._collected(type_, sets).items():
            name = nodes[0].name.value
            if name == "__typename":
                yield PageField(key, type_.name)
                continue
            below: Any = get_named_type(type_.fields[name].type)
            inner = [node.selection_set for node in nodes if node.selection_set]
            if name in ("nodes", "node"):
                yield PageField(key, name, self.selection(below, inner))
            elif isinstance(below, GraphQLObjectType):
                yield PageField(key, name, tuple(self._page_fields(below, inner)))
            else:
                yield PageField(key, name)

    def _collected(
        self, type_: GraphQLObjectType, sets: Sequence[SelectionSetNode]
    ) -> dict[str, list[FieldNode]]:
        """The field nodes of each response key, in the order in which the keys first appear."""
        collected: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for each in sets:
            self._collect(type_, each, collected, seen)
        self._spend(len(collected), "fields")
        return collected

    def _collect(
        self,
        type_: GraphQLObjectType,
        selection_set: SelectionSetNode,
        collected: dict[str, list[FieldNode]],
        seen: set[str],
    ) -> None:
        self.nodes += len(selection_set.selections)
        if self.nodes > NODES_MAX:
            raise UncoveredError("too many fields")
        for node in selection_set.selections:
            if not self._is_included(node):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                collected.setdefault(key, []).append(node)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragments[node.name.value]
                if node.name.value not in seen and self._applies(type_, fragment.type_condition):
                    seen.add(node.name.value)
                    self._collect(type_, fragment.selection_set, collected, seen)
            elif isinstance(node, InlineFragmentNode) and self._applies(type_, node.type_condition):
                self._collect(type_, node.selection_set, collected, seen)

    def _is_included(self, node: Any) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        if skip and skip["if"]:
            return False
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not include or bool(include["if"])

    def _applies(self, type_: GraphQLObjectType, condition: Any) -> bool:
        if condition is None or condition.name.value == type_.name:
            return True
        named = self._schema.type_map[condition.name.value]
        return is_abstract_type(named) and self._schema.is_sub_type(named, type_)

    def _arguments(
        self, definition: GraphQLField, declared: DeclaredField, node: FieldNode
    ) -> Arguments:
        members = members_of(declared.arguments)

        def make(variables: VariableValues) -> dict[str, Any]:
            return read_members(members, get_argument_values(definition, node, variables))

        if not node.arguments or not any(map(_has_variable, node.arguments)):
            return Arguments(make, make(self._variables))
        return Arguments(_direct(definition, declared, node, make) or make)


def _direct(
    definition: GraphQLField, declared: DeclaredField, node: FieldNode, closely: Make
) -> Make | None:
    """Takes leaves straight from variables, which are coerced already; nothing for other values."""
    names = {argument.name.value: argument.value for argument in node.arguments or ()}
    pairs: list[tuple[str, str]] = []
    required: list[str] = []
    for python_name, name in declared.argument_names.items():
        argument = definition.args[name]
        if argument.default is not None or argument.default_value is not Undefined:
            return None
        if name not in names:
            continue
        value = names[name]
        is_leaf = is_leaf_type(get_nullable_type(argument.type))
        if not isinstance(value, VariableNode) or not is_leaf:
            return None
        pairs.append((python_name, value.name.value))
        if isinstance(argument.type, GraphQLNonNull):
            required.append(value.name.value)

    def make(variables: VariableValues) -> dict[str, Any]:
        coerced = variables.coerced
        # A variable with a default may be null, and stand for an argument that may not.
        if any(coerced.get(variable) is None for variable in required):
            return closely(variables)
        return {name: coerced[variable] for name, variable in pairs if variable in coerced}

    return make


def _has_variable(node: Any) -> bool:
    if isinstance(node, VariableNode):
        return True
    inner = [getattr(node, name, None) for name in ("value", "values", "fields")]
    return any(
        any(map(_has_variable, each)) if isinstance(each, list | tuple) else _has_variable(each)
        for each in inner
        if each is not None and not isinstance(each, str | bool)
    )


def _cost_of(declaration: fields.Declaration, given: Mapping[str, Any], types: int) -> int:
    """What a relation costs; one to rows of any type is written for each type."""
    match declaration:
        case fields.Past():
            return PAST_COSTS
        case fields.Global() if given.get("at") is not None:
            return PAST_COSTS
        case fields.OfAnyType() if "id" not in given:
            return RELATION_COSTS + FURTHER_TYPE_COSTS * (types - 1)
    return RELATION_COSTS


def _view_of(
    declaration: fields.Declaration, typename: str, given: Mapping[str, Any]
) -> str | None:
    """The view by which rows of a type are shown, where it is not the type itself."""
    if isinstance(declaration, fields.Past):
        return declaration.seen_as
    return declaration.view_of(typename, given) if isinstance(declaration, fields.Global) else None


def _class_of(name: str) -> type[Record]:
    cls = NAMESPACE.get(name)
    if not (isinstance(cls, type) and issubclass(cls, Record)):
        raise UncoveredError(f"{name} is not declared")
    return cls


def _connected(declaration: fields.Declaration | None) -> fields.Connected | fields.Found:
    if not isinstance(declaration, fields.Connected | fields.Found):
        raise TypeError("only a connection has pages")
    return declaration
