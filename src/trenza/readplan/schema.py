"""Turns declared classes into strawberry types whose fields answer from the loaders.

Annotations are resolved by name in one namespace of the whole graph, so that types may name each
other in any order and from any module.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from inspect import isawaitable
from typing import Any, ClassVar, Protocol, TypeVar

import strawberry
from sqlalchemy import Table, bindparam
from sqlalchemy.types import NullType
from strawberry.annotation import StrawberryAnnotation
from strawberry.scalars import JSON
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from trenza.domain.access import FIELD_PERMISSIONS, Privacy, Viewer
from trenza.readplan import fields
from trenza.readplan.connection import (
    Connection,
    Edge,
    FoundKeys,
    PageInfo,
    Window,
    window,
    write_cursor,
)
from trenza.readplan.reader import Reader, Relation, Row

C = TypeVar("C", bound=type)
R = TypeVar("R", bound="Record")

NAMESPACE: dict[str, Any] = {
    "Connection": Connection,
    "ID": strawberry.ID,
    "JSON": JSON,
    "date": date,
    "datetime": datetime,
}
"""Every type of the graph by its name: what the annotations of declared fields may name."""

PAGING = {
    "first": fields.Argument("int | None", "How many from the beginning: 1 to 100, default 20."),
    "after": fields.Argument("str | None", "Only what comes after this cursor."),
    "last": fields.Argument("int | None", "How many from the end: 1 to 100."),
    "before": fields.Argument("str | None", "Only what comes before this cursor."),
}


class Operation(Protocol):
    """What a declared field needs of the operation that asks: who, when, and its reader."""

    @property
    def viewer(self) -> Viewer:
        """Who asks."""
        ...

    @property
    def reader(self) -> Reader:
        """The loaders of the operation."""
        ...

    @property
    def now(self) -> datetime:
        """The instant of everything that the operation says."""
        ...

    @property
    def root(self) -> Row:
        """The row of the query itself: what is known of who asks."""
        ...

    def renew(self) -> None:
        """Forgets what was loaded."""
        ...


class Record:
    """A row seen as an object of the graph."""

    row: Row
    table: ClassVar[Any]
    """The SQLAlchemy table of its rows; None for rows that are made for the occasion."""
    rows_at: ClassVar[fields.RowsAt | None] = None
    """What writes the rows as they were, where they are shown so; `table` only has its columns."""
    declared: ClassVar[dict[str, fields.Declaration]]
    targets: ClassVar[dict[str, str]]


def named(cls: C) -> C:
    """Makes a type known by its name to the annotations of declared fields."""
    NAMESPACE[cls.__name__] = cls
    return cls


class CarriedOut(Record):
    """The root of a mutation whose one field was carried out before: it answers what came of it."""

    def __init__(self, outcome: Any) -> None:
        self.row = {}
        self.outcome = outcome


@dataclass(frozen=True)
class Stored:
    """A row of a declared type by its id, read when it is shown, and what is known beside it."""

    cls: type[Record]
    id: str
    beside: Mapping[str, Any]


def view(cls: type[R], row: Row) -> R:
    """The object of a declared type over a row."""
    record = cls()
    record.row = row
    return record


def record(
    table: Any = None, *, interface: bool = False, description: str | None = None
) -> Callable[[C], C]:
    """Declares a GraphQL type over a table, or over a row made for the occasion without one.

    Its description is the class's docstring, unless another is given.
    """

    def declare(cls: C) -> C:
        cls.table = table.__table__ if table is not None else None  # type: ignore[attr-defined]
        cls.declared = dict(getattr(cls, "declared", {}))  # type: ignore[attr-defined]
        cls.targets = dict(getattr(cls, "targets", {}))  # type: ignore[attr-defined]
        annotations = dict(cls.__annotations__)
        for name, annotation in annotations.items():
            declaration = cls.__dict__.get(name)
            if isinstance(declaration, fields.Declaration):
                declaration = _as_permitted(f"{cls.__name__}.{to_camel_case(name)}", declaration)
                cls.declared[name] = declaration  # type: ignore[attr-defined]
                field = DeclaredField(name, str(annotation), declaration)
                cls.targets[name] = field.target  # type: ignore[attr-defined]
                setattr(cls, name, field)
                del cls.__annotations__[name]
        named(cls)
        said = description or (cls.__doc__ or "").strip()
        decorate = strawberry.interface if interface else strawberry.type
        return decorate(description=said)(cls)

    return declare


def _as_permitted(name: str, declaration: fields.Declaration) -> fields.Declaration:
    """The declaration with what its reader needs, where that is more than `read`."""
    permission = FIELD_PERMISSIONS.get(name)
    if permission is None:
        return declaration
    said = f"{declaration.description} {permission.sentence}"
    return replace(declaration, scope=permission.scope, description=said)


class DeclaredField(StrawberryField):
    """A strawberry field that answers by its declaration."""

    def __init__(self, name: str, annotation: str, declaration: fields.Declaration) -> None:
        super().__init__(
            python_name=name,
            graphql_name=name.rstrip("_") if name.endswith("_") else None,
            type_annotation=StrawberryAnnotation(annotation, namespace=NAMESPACE),
            description=declaration.description,
        )
        self.init = self.compare = self.repr = False
        self.declaration = declaration
        self.target = annotation.removesuffix(" | None").split("[")[-1].rstrip("]")
        self._arguments = [
            StrawberryArgument(
                python_name=key,
                graphql_name=key.rstrip("_") if key.endswith("_") else None,
                type_annotation=StrawberryAnnotation(argument.annotation, namespace=NAMESPACE),
                description=argument.description,
                default=argument.value,
            )
            for key, argument in self._declared_arguments().items()
        ]

    @property
    def argument_names(self) -> dict[str, str]:
        """The names of the arguments in GraphQL, by those of Python."""
        return {
            argument.python_name: argument.graphql_name or to_camel_case(argument.python_name)
            for argument in self._arguments or ()
        }

    def __copy__(self) -> "DeclaredField":
        return self

    @property
    def type(self) -> Any:
        """The field's type, by the names of the graph."""
        return self.resolve_type()

    @type.setter
    def type(self, annotation: Any) -> None:
        """Keeps the declared type, which dataclasses would resolve by the module's names."""

    @property
    def is_basic_field(self) -> bool:
        """Never: even a column wants the operation, for the scope of who asks."""
        return False

    def get_result(
        self, source: Any, info: Any, args: list[Any], kwargs: dict[str, Any]
    ) -> Awaitable[Any] | Any:
        """The field's value; relations answer later, batched with their like."""
        operation: Operation = info.context
        if self.declaration.scope is not None:
            operation.viewer.require_scope(self.declaration.scope)
        if self.declaration.privacy is not Privacy.NORMAL:
            operation.viewer.require_sight(self.declaration.privacy, self._name_of_field)
        declaration = self._declaration_for(source)
        if declaration.check is not None:
            return self._checked(operation, declaration.check, source, kwargs)
        return self._answered(operation, source, kwargs)

    def _declaration_for(self, source: Any) -> fields.Declaration:
        """The declaration by which an object answers: that of its view, where it is one."""
        if source is None or source.rows_at is None:
            return self.declaration
        declaration: fields.Declaration = source.declared[self.python_name]
        return declaration

    @property
    def _name_of_field(self) -> str:
        return to_camel_case(self.python_name)

    async def _checked(
        self, operation: Operation, check: fields.Check, source: Any, given: dict[str, Any]
    ) -> Any:
        """The value of a field whose arguments may be refused."""
        checking = check(operation, given)
        if checking is not None:
            await checking
        found = self._answered(operation, source, given)
        return await found if isawaitable(found) else found

    def _answered(
        self, operation: Operation, source: Any, kwargs: dict[str, Any]
    ) -> Awaitable[Any] | Any:
        row = operation.root if source is None else source.row
        match self._declaration_for(source):
            case fields.Column(name=name):
                return row[name or self.python_name]
            case fields.Beside():
                return row[self.python_name]
            case fields.Computed() as computed:
                return self._computed(operation, computed, source, kwargs)
            case fields.Figure() as figure:
                return self._figure(operation, figure, row, kwargs)
            case fields.Write() as write:
                return self._written(operation, write, source, kwargs)
            case fields.Part(name=name):
                return self._views(row if name is None else row[name])
            case fields.One(key=key, to=to):
                return self._one(operation, row[key], to)
            case fields.Global() as declaration:
                return self._global(operation, declaration, kwargs)
            case fields.Pointed(key=key) as declaration:
                return self._pointed(operation, declaration, row[key])
            case fields.Lookup() as declaration:
                return self._found(operation, declaration, kwargs)
            case fields.Past() as declaration:
                return self._past(operation, declaration, row)
            case fields.Connected() as declaration:
                return self._page(operation, declaration, row, kwargs)
            case fields.Found() as declaration:
                return self._sought(operation, declaration, row, kwargs)
            case fields.Many() as declaration:
                return self._list(operation, declaration, row, kwargs)
        raise TypeError(f"{self.python_name}: {type(self.declaration).__name__} answers nothing")

    def _declared_arguments(self) -> Mapping[str, fields.Argument]:
        declaration = self.declaration
        if isinstance(declaration, fields.Found):
            return {**declaration.arguments, **PAGING}
        if not isinstance(declaration, fields.Connected):
            return declaration.arguments
        chosen = dict(PAGING)
        noun = self.target
        if declaration.filters:
            chosen["filter"] = fields.Argument(f"{noun}Filter | None", "Only those that match.")
        if declaration.orders:
            chosen["order_by"] = fields.Argument(f"{noun}Order | None", "The order of the list.")
        return {**declaration.arguments, **chosen}

    def _computed(
        self, operation: Operation, computed: fields.Computed, source: Any, given: dict[str, Any]
    ) -> Any:
        if any("." in need for need in computed.needs):
            return self._computed_across(operation, computed, source, given)
        needed = {name: source.row[name] for name in computed.needs}
        return _compute(computed, needed, operation, given)

    async def _computed_across(
        self, operation: Operation, computed: fields.Computed, source: Any, given: dict[str, Any]
    ) -> Any:
        """A figure that also needs columns of rows that this one points to: `session.lane`."""
        needed: dict[str, Any] = {}
        for need in computed.needs:
            relation, _, name = need.rpartition(".")
            if not relation:
                needed[name] = source.row[name]
                continue
            one = source.declared[relation]
            table = NAMESPACE[source.targets[relation]].table
            key = source.row[one.key]
            row = None if key is None else await operation.reader.one(table, one.to, key)
            needed[name] = None if row is None else row[name]
        return _compute(computed, needed, operation, given)

    async def _figure(
        self, operation: Operation, figure: fields.Figure, row: Row, given: dict[str, Any]
    ) -> Any:
        needed = {name: row[name] for name in figure.needs}
        found = figure.function(operation, **needed, **in_full(figure, given, operation))
        if isawaitable(found):
            found = await found
        return self._views(found)

    async def _written(
        self, operation: Operation, write: fields.Write, source: Any, given: dict[str, Any]
    ) -> Any:
        if isinstance(source, CarriedOut):
            found = source.outcome
            if isinstance(found, Exception):
                raise found
        else:
            found = await write.function(operation, **in_full(write, given, operation))
        if isinstance(found, list):
            return await asyncio.gather(*(_read_back(operation, each) for each in found))
        return await _read_back(operation, found)

    def _views(self, found: Any) -> Any:
        """Rows as objects of the field's type; a value as it is."""
        cls = NAMESPACE.get(self.target)
        if not (isinstance(cls, type) and issubclass(cls, Record)):
            return found
        if isinstance(found, list):
            return [view(cls, row) for row in found]
        return None if found is None else view(cls, found)

    async def _global(
        self, operation: Operation, declaration: fields.Global, given: dict[str, Any]
    ) -> Any:
        """The row of `id`, or the rows of `ids`; nothing for an id that is foreign or malformed."""
        if "id" in given and given.get("at") is not None:
            return await _row_as_of(operation, declaration, given)
        if "id" in given:
            return await _row_of(operation, declaration, given["id"])
        ids: list[str] = given["ids"]
        declaration.require_few(ids)
        return await asyncio.gather(*(_row_of(operation, declaration, id) for id in ids))

    async def _pointed(
        self, operation: Operation, declaration: fields.Pointed, id: str | None
    ) -> Any:
        return None if id is None else await _row_of(operation, declaration, id)

    async def _found(
        self, operation: Operation, declaration: fields.Lookup, given: dict[str, Any]
    ) -> Any:
        cls = NAMESPACE[self.target]
        operands = {
            name: bindparam(None, value, type_=NullType())
            for name, value in declaration.prepare(**given).items()
        }
        reader = operation.reader
        rows = await reader.rows(reader.within(cls.table).where(declaration.where(**operands)))
        return view(cls, rows[0]) if rows else None

    async def _one(self, operation: Operation, key: str | None, to: str) -> Any:
        if key is None:
            return None
        cls = NAMESPACE[self.target]
        row = await operation.reader.one(cls.table, to, key)
        return None if row is None else view(cls, row)

    async def _past(self, operation: Operation, declaration: fields.Past, row: Row) -> Any:
        """Rows as they were: a list in its order, or the one row that there is."""
        cls, key = NAMESPACE[declaration.seen_as], row[declaration.key]
        if key is None:
            return None
        rows = await operation.reader.past(declaration, row[fields.AS_OF], key)
        found = [view(cls, each) for each in rows]
        return found if declaration.order else next(iter(found), None)

    async def _list(
        self, operation: Operation, declaration: fields.Many, row: Row, given: Any
    ) -> list[Any]:
        cls = NAMESPACE[self.target]
        relation = self._relation(operation, declaration, cls.table, given)
        rows = await operation.reader.many(relation, _parent(declaration, row, operation))
        return [view(cls, child) for child in rows]

    async def _page(
        self,
        operation: Operation,
        declaration: fields.Connected,
        row: Row,
        given: Any,
    ) -> Any:
        cls = NAMESPACE[self.target]
        relation = self._relation(operation, declaration, cls.table, given)
        asked = window(relation.order, *(given.get(name) for name in PAGING))
        key = _parent(declaration, row, operation)
        page = await operation.reader.page(relation, asked, key)
        return _connection(
            cls,
            page.rows,
            page.more,
            asked,
            relation.order,
            lambda: operation.reader.count(relation, key),
        )

    async def _sought(
        self, operation: Operation, declaration: fields.Found, row: Row, given: dict[str, Any]
    ) -> Any:
        """The page of a function's keys, its rows read together by their ids."""
        cls = NAMESPACE[self.target]
        asked = window(declaration.order, *(given.get(name) for name in PAGING))
        needed = {name: row[name] for name in declaration.needs}
        needed |= in_full(declaration, given, operation)
        found: FoundKeys = await declaration.function(operation, asked, **needed)
        read = (operation.reader.known(cls.table, "id", keys[-1]) for keys in found.keys)
        return _connection(
            cls,
            await asyncio.gather(*read),
            found.more,
            asked,
            declaration.order,
            lambda: declaration.count(operation, **needed),
        )

    def _relation(
        self, operation: Operation, declaration: fields.Many, table: Table, given: Any
    ) -> Relation:
        conditions = [
            condition.where(
                *(
                    bindparam(None, operand, type_=NullType())
                    for operand in condition.operands(value, operation.now)
                )
            )
            for condition, value in conditions_of(declaration, given)
        ]
        narrowing = {key: value for key, value in given.items() if key not in PAGING}
        return Relation(
            declaration,
            table,
            order_of(declaration, given),
            tuple(conditions),
            (id(self), repr(sorted(narrowing.items()))),
        )


def conditions_of(
    declaration: fields.Many, given: Mapping[str, Any]
) -> Iterator[tuple[fields.Condition, Any]]:
    """The conditions that a client puts on a relation, each with the value it gave."""
    for name, argument in declaration.arguments.items():
        if argument.condition is not None and given.get(name) is not None:
            yield argument.condition, given[name]
    if isinstance(declaration, fields.Connected) and given.get("filter") is not None:
        for name, condition in declaration.filters.items():
            value = getattr(given["filter"], name)
            if value is None:
                continue
            if isinstance(condition, fields.Conditions):
                yield from condition.of(value)
            else:
                yield condition, value


def order_of(declaration: fields.Many | fields.Found, given: Mapping[str, Any]) -> fields.Order:
    """The order of a relation, as the client chose it where it may."""
    chosen = given.get("order_by")
    if chosen is None or not isinstance(declaration, fields.Connected):
        return declaration.order
    columns = declaration.orders[chosen.field]
    return fields.Order(columns(chosen) if callable(columns) else columns, chosen.is_descending)


async def _read_back(operation: Operation, written: Any) -> Any:
    if not isinstance(written, Stored):
        return written
    row = await operation.reader.known(written.cls.table, "id", written.id)
    return view(written.cls, {**row, **written.beside})


async def _row_of(operation: Operation, declaration: fields.OfAnyType, id: str) -> Any:
    name = declaration.type_of(id)
    if name is None:
        return None
    cls = NAMESPACE[name]
    row = await operation.reader.one(cls.table, column_of_id(cls), id)
    return None if row is None else view(cls, row)


async def _row_as_of(
    operation: Operation, declaration: fields.Global, given: Mapping[str, Any]
) -> Any:
    name = declaration.type_of(given["id"])
    if name is None:
        return None
    seen_as = declaration.view_of(name, given)
    cls = NAMESPACE[seen_as]
    past = fields.Past("", rows=cls.rows_at, seen_as=seen_as, by=column_of_id(cls))
    rows = await operation.reader.past(past, given["at"], given["id"])
    return view(cls, rows[0]) if rows else None


def column_of_id(cls: type[Record]) -> str:
    """The column that holds the global id of a type."""
    declared = cls.declared.get("id")
    return declared.name or "id" if isinstance(declared, fields.Column) else "id"


def _parent(declaration: fields.Many, row: Row, operation: Operation) -> str:
    key: str = operation.reader.workspace_id if declaration.by is None else row[declaration.key]
    return key


def in_full(
    declaration: fields.Declaration, given: Mapping[str, Any], operation: Operation
) -> dict[str, Any]:
    """The arguments of a field, with the operation's values for those that were left out."""
    values: dict[str, Any] = {}
    for name, argument in declaration.arguments.items():
        value = given.get(name)
        if value is None and argument.default is not None:
            value = argument.default(operation)
        values[name] = value
    return values


def _compute(
    computed: fields.Computed, needed: dict[str, Any], operation: Operation, given: dict[str, Any]
) -> object:
    return computed.function(**needed, **in_full(computed, given, operation))


def _connection(
    cls: type,
    rows: Sequence[Row],
    more: bool,
    asked: Window,
    order: fields.Order,
    total: Callable[[], Awaitable[int]],
) -> Any:
    nodes: list[Any] = [view(cls, row) for row in rows]
    cursors = [write_cursor(order, row) for row in rows]
    info = PageInfo(
        has_next_page=asked.before is not None if asked.backward else more,
        has_previous_page=more if asked.backward else asked.after is not None,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )
    edges = [Edge(cursor=c, node=node) for c, node in zip(cursors, nodes, strict=True)]
    return Connection(edges=edges, nodes=nodes, page_info=info, total=total)
