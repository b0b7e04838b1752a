"""The printed schema: it keeps the contract, describes everything, and names what exists."""

from pathlib import Path
from typing import Any

import pytest
from graphql import (
    DefinitionNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    UnionTypeDefinitionNode,
    build_schema,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_object_type,
    parse,
    print_ast,
    print_schema,
)

from trenza.graphql import schema as trenza
from trenza.graphql.node import NODE_TYPES
from trenza.readplan import fields
from trenza.readplan.schema import NAMESPACE, Record

CONTRACT = parse(Path(__file__).with_name("contract.graphql").read_text(encoding="utf-8"))
SCHEMA: GraphQLSchema = build_schema(trenza.print_schema())


def name_of(definition: DefinitionNode) -> str:
    return str(definition.name.value)  # type: ignore[attr-defined]


@pytest.mark.parametrize("definition", CONTRACT.definitions, ids=name_of)
def test_the_contract_is_kept(definition: DefinitionNode) -> None:
    ours: Any = SCHEMA.type_map[name_of(definition)]
    match definition:
        case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
            assert {each.name.value for each in definition.interfaces or ()} <= {
                each.name for each in ours.interfaces
            }
            for field in definition.fields or ():
                assert_same_field(field, ours.fields[field.name.value])
        case InputObjectTypeDefinitionNode():
            wanted = {each.name.value: print_ast(each.type) for each in definition.fields or ()}
            found = {name: str(field.type) for name, field in ours.fields.items()}
            assert wanted == {name: type_ for name, type_ in found.items() if name in wanted}
            assert not [
                name
                for name, field in ours.fields.items()
                if name not in wanted and str(field.type).endswith("!")
            ]
        case EnumTypeDefinitionNode():
            assert {each.name.value for each in definition.values or ()} <= set(ours.values)
        case UnionTypeDefinitionNode():
            members = {each.name.value for each in definition.types or ()}
            assert members <= {each.name for each in ours.types}
        case ScalarTypeDefinitionNode():
            assert ours.name == definition.name.value
        case _:
            pytest.fail(f"a kind of definition that is not checked: {definition.kind}")


def assert_same_field(wanted: FieldDefinitionNode, ours: Any) -> None:
    assert str(ours.type) == print_ast(wanted.type), wanted.name.value
    for argument in wanted.arguments or ():
        found = ours.args[argument.name.value]
        assert str(found.type) == print_ast(argument.type), argument.name.value
    required = {name for name, found in ours.args.items() if str(found.type).endswith("!")}
    assert {n for n in required if ours.args[n].default_value is None} <= {
        argument.name.value for argument in wanted.arguments or ()
    }


def test_connections_are_those_of_relay() -> None:
    connections = [t for name, t in SCHEMA.type_map.items() if name.endswith("Connection")]
    assert len(connections) > 10
    for found in connections:
        noun = found.name.removesuffix("Connection")
        types = {name: str(field.type) for name, field in found.fields.items()}  # type: ignore[attr-defined]
        assert types == {
            "edges": f"[{noun}Edge!]!",
            "nodes": f"[{noun}!]!",
            "pageInfo": "PageInfo!",
            "totalCount": "Int!",
        }
        edge: Any = SCHEMA.type_map[f"{noun}Edge"]
        assert {name: str(field.type) for name, field in edge.fields.items()} == {
            "cursor": "String!",
            "node": f"{noun}!",
        }
    info: Any = SCHEMA.type_map["PageInfo"]
    assert {name: str(field.type) for name, field in info.fields.items()} == {
        "hasNextPage": "Boolean!",
        "hasPreviousPage": "Boolean!",
        "startCursor": "String",
        "endCursor": "String",
    }


def test_everything_is_described() -> None:
    bare = []
    for name, type_ in SCHEMA.type_map.items():
        if name.startswith("__") or name in ("Int", "String", "Boolean", "ID", "Float"):
            continue
        parts: list[tuple[str, Any]] = [(name, type_)]
        if is_object_type(type_) or is_interface_type(type_):
            for field_name, field in type_.fields.items():
                parts.append((f"{name}.{field_name}", field))
                parts += [(f"{name}.{field_name}({a})", arg) for a, arg in field.args.items()]
        elif is_input_object_type(type_):
            parts += [(f"{name}.{n}", field) for n, field in type_.fields.items()]
        elif is_enum_type(type_):
            parts += [(f"{name}.{n}", value) for n, value in type_.values.items()]
        bare += [where for where, part in parts if not (part.description or "").strip()]
    assert bare == []


def test_the_sdl_can_be_read_back() -> None:
    assert print_schema(SCHEMA).strip() == trenza.print_schema().strip()


def test_every_node_type_is_found_by_its_id() -> None:
    node: Any = SCHEMA.type_map["Node"]
    implementers = {each.name for each in SCHEMA.get_implementations(node).objects}
    assert set(NODE_TYPES.values()) == implementers


def declared_types() -> list[type[Record]]:
    found = [each for each in NAMESPACE.values() if isinstance(each, type)]
    return [
        each
        for each in found
        if issubclass(each, Record) and getattr(each, "table", None) is not None
    ]


@pytest.mark.parametrize("cls", declared_types(), ids=lambda cls: cls.__name__)
def test_what_is_declared_exists_in_the_table(cls: type[Record]) -> None:
    columns = set(cls.table.c.keys())
    for name, declared in cls.declared.items():
        match declared:
            case fields.Column():
                assert (declared.name or name) in columns, name
            case fields.Computed():
                assert {need for need in declared.needs if "." not in need} <= columns, name
                relations = {need.partition(".")[0] for need in declared.needs if "." in need}
                assert relations <= set(cls.declared), name
            case fields.One():
                assert declared.key in columns, name
            case fields.Many():
                assert declared.by is None or declared.key in columns, name
