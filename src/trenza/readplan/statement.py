"""A selection as one SQL statement that answers JSON.

Every object is a text put together of its columns, every relation a subquery within its parent's
text. What the database cannot work out, computed fields and cursors, stands in its place as an
array of the columns that it needs; `filling` puts the values in. Each table is narrowed to the
workspace where it is named, in one function: a statement cannot be made without.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    get_named_type,
    get_nullable_type,
)
from sqlalchemy import (
    JSON,
    BindParameter,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Dialect,
    FromClause,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.sql.util import ClauseAdapter
from sqlalchemy.types import NullType, TypeEngine
from sqlmodel.sql.sqltypes import UTCDateTime

from trenza.domain.errors import BrokenInvariant
from trenza.readplan import fields
from trenza.readplan.connection import beyond_keys, place_of, sorting
from trenza.readplan.dialect import (
    JsonDialect,
    Piece,
    as_array,
    as_object,
    fixed,
    stored_type,
    text_of,
)
from trenza.readplan.run import Run
from trenza.readplan.schema import (
    NAMESPACE,
    column_of_id,
    conditions_of,
    order_of,
)
from trenza.readplan.selection import Field, Page, PageField, Selection, UncoveredError
from trenza.storage.dialect import RowsParameter

GIVEN = RowsParameter("given", {"id": Text()})

Value = Callable[[Run], Any]
Key = Callable[[str], ColumnElement[Any]]


@dataclass(frozen=True)
class Statement:
    """Finished SQL text, and what makes the values of its parameters, in their order."""

    text: str
    values: tuple[Value, ...]
    is_shared: bool
    """Whether every request of a workspace gives it the same values, but for the rows it reads."""

    def parameters(self, run: Run) -> list[Any]:
        """The values for one execution."""
        return [value(run) for value in self.values]


class Writer:
    """Writes the statement of one operation, for variables of one shape."""

    def __init__(self, json: JsonDialect, dialect: Dialect, run: Run) -> None:
        self._json = json
        self._dialect = dialect
        self._run = run
        self._values: dict[str, Value] = {}
        self._names = count()
        self._columns: list[ColumnElement[str]] = []
        self._workspace = self.bind(lambda run: run.workspace_id, Text())

    def add(self, column: ColumnElement[str]) -> int:
        """Makes the statement answer one more text; the number of its column."""
        self._columns.append(column)
        return len(self._columns) - 1

    def finish(self) -> Statement | None:
        """The statement of everything that was added; nothing where nothing was."""
        if not self._columns:
            return None
        named = [
            self._json.encoded(column).label(f"c{n}") for n, column in enumerate(self._columns)
        ]
        return self._compiled(select(*named))

    def rows(self, selection: Selection) -> Statement:
        """The statement that answers pairs of id and JSON, for ids given as `rows_parameters`."""
        given = GIVEN.table(self._dialect.name)
        for name in rows_parameters(self._dialect, []):
            self._values[name] = _rows_of(name)
        alias, statement = self._rows(selection.cls.table)
        text = self._json.encoded(self.object(selection, alias)).label("j")
        found = statement.with_only_columns(alias.c.id, text, maintain_column_froms=True)
        return self._compiled(found.join(given, given.c.id == alias.c.id))

    def _compiled(self, statement: Any) -> Statement:
        compiled = statement.compile(
            dialect=self._dialect, compile_kwargs={"render_postcompile": True}
        )
        names = compiled.positiontup or []
        # The workspace and the rows themselves aside, what is bound is given by the request.
        shared = set(rows_parameters(self._dialect, [])) | {self._workspace.key}
        return Statement(
            str(compiled),
            tuple(self._value_of(compiled, name) for name in names),
            all(name in shared or name not in self._values for name in names),
        )

    def relation(self, field: Field, key: Key) -> ColumnElement[str]:
        """The JSON of a relation; `key` answers the columns of the row that it hangs from."""
        match field.declaration:
            case fields.One(key=name, to=to):
                return self._one(field, key(name), to)
            case fields.Global():
                return self._global(field)
            case fields.Pointed(key=name) as declaration:
                return self._pointed(field, declaration, key(name))
            case fields.Lookup() as declaration:
                return self._lookup(field, declaration)
            case fields.Past() as declaration:
                return self._past(field, declaration, key)
            case fields.Connected() as declaration:
                return self._connection(field, declaration, key)
            case fields.Many() as declaration:
                return self._list(field, declaration, key)
        raise UncoveredError(f"{field.name} is no relation")

    def types_asked_for(self, field: Field) -> list[str]:
        """The types of the ids that a field is given, each once."""
        types = (_type_of(field.declaration, id) for id in ids_given(field, self._run))
        return [each for each in dict.fromkeys(types) if each is not None]

    def ids_of(self, field: Field, typename: str) -> ColumnElement[str]:
        """Pairs of an id and its object, for those of the ids asked for that are of one type."""
        declaration = field.declaration
        selection = field.below[typename]
        alias, statement = self._rows(selection.cls.table)
        id_column = alias.c[column_of_id(selection.cls)]
        ids = self.bind(
            lambda run: self._json.ids(
                [each for each in ids_given(field, run) if _type_of(declaration, each) == typename]
            ),
            self._json.type_of_ids,
        )
        pair = text_of('["', id_column, '",', self.object(selection, alias), "]")
        rows = statement.with_only_columns(self._json.joined(pair), maintain_column_froms=True)
        found = rows.where(self._json.is_any(id_column, ids)).scalar_subquery()
        return text_of("[", func.coalesce(found, fixed("")), "]")

    def object(self, selection: Selection, alias: FromClause) -> ColumnElement[str]:
        """The JSON of one row."""
        return as_object(
            (field.key, self._value(field, selection, alias)) for field in selection.fields
        )

    def _value(self, field: Field, selection: Selection, alias: FromClause) -> Piece:
        match field.declaration:
            case None:
                return f'"{selection.typename}"'
            case fields.Column(name=name):
                return self._leaf(alias.c[name or field.name], field.type)
            case fields.Beside():
                return "null"
            case (
                fields.Computed(needs=needs)
                | fields.Figure(needs=needs)
                | fields.Found(needs=needs)
            ):
                return self._needs(selection, needs, alias)
            case fields.Part(name=None):
                return self.object(field.selection, alias)
        return self.relation(field, lambda name: _of(alias, name))

    def _needs(
        self, selection: Selection, needs: Iterable[str], alias: FromClause
    ) -> ColumnElement[str]:
        found: list[Piece] = []
        for need in needs:
            relation, _, name = need.rpartition(".")
            if relation:
                found.append(self._across(selection, relation, name, alias))
            else:
                found.append(self._plain(alias.c[name]))
        return as_array(found)

    def _across(
        self, selection: Selection, relation: str, name: str, alias: FromClause
    ) -> ColumnElement[str]:
        """A column of the row that this one points to."""
        one = selection.cls.declared[relation]
        if not isinstance(one, fields.One):
            raise BrokenInvariant(f"{relation}.{name} does not go over one row")
        target, statement = self._rows(NAMESPACE[selection.cls.targets[relation]].table)
        found = statement.with_only_columns(
            self._plain(target.c[name]), maintain_column_froms=True
        ).where(target.c[one.to] == _of(alias, one.key))
        return _or_null(found.scalar_subquery())

    def _one(self, field: Field, key: ColumnElement[Any], to: str) -> ColumnElement[str]:
        alias, statement = self._rows(field.selection.cls.table)
        found = self._single(field.selection, alias, statement.where(alias.c[to] == key))
        # A row that must be there makes all around it null where it is not: seen as a miss.
        return found if isinstance(field.type, GraphQLNonNull) else _or_null(found)

    def _single(
        self, selection: Selection, alias: FromClause, statement: Select[Any]
    ) -> ColumnElement[str]:
        found = statement.with_only_columns(
            self.object(selection, alias), maintain_column_froms=True
        )
        return found.scalar_subquery()

    def _global(self, field: Field) -> ColumnElement[str]:
        """The row of `id`, of the type that its prefix says; null for an id that says none."""
        declaration = field.declaration
        typename = _type_of(declaration, self._run.given(field)["id"])
        if typename is None:
            return fixed("null")
        selection = field.below[typename]
        if selection.cls.rows_at is not None:
            id = self.bind(lambda run: run.given(field)["id"], Text())
            at = self.bind(lambda run: run.given(field)["at"], UTCDateTime())
            rows = self._rows_at(selection.cls.rows_at, id, at)
            return _or_null(self._single(selection, rows, select(rows)))
        alias, statement = self._rows(selection.cls.table)
        id = self.bind(lambda run: run.given(field)["id"], Text())
        found = statement.where(alias.c[column_of_id(selection.cls)] == id)
        return _or_null(self._single(selection, alias, found))

    def _past(self, field: Field, past: fields.Past, key: Key) -> ColumnElement[str]:
        """Rows as they were at the instant of the row that they hang from."""
        selection = field.selection
        rows = self._rows_at(past.rows, key(past.key), key(fields.AS_OF))
        if not past.order:
            return _or_null(self._single(selection, rows, select(rows)))
        listed = (
            select(self.object(selection, rows).label("j"))
            .select_from(rows)
            .order_by(*(rows.c[name] for name in past.order))
            .subquery(self._name("x"))
        )
        return self._array(listed, listed.c.j)

    def _rows_at(
        self, rows: fields.RowsAt, id: ColumnElement[Any], at: ColumnElement[Any]
    ) -> FromClause:
        """The rows of an id as they were, under a name of their own."""
        found = rows(self._workspace, lambda column: column == id, at)
        return found.subquery(self._name("t"))

    def _pointed(
        self, field: Field, declaration: fields.Pointed, key: ColumnElement[Any]
    ) -> ColumnElement[str]:
        """A pair of the type that the id's prefix says and its row; null for other prefixes."""
        said: list[Any] = []
        for prefix, typename in declaration.types.items():
            selection = field.below[typename]
            alias, statement = self._rows(selection.cls.table)
            found = statement.where(alias.c[column_of_id(selection.cls)] == key)
            row = _or_null(self._single(selection, alias, found))
            begins = fixed(f"{prefix}_")
            is_of_type = func.substr(key, 1, literal_column(str(len(prefix) + 1))) == begins
            said.append((is_of_type, text_of(f'["{typename}",', row, "]")))
        return case(*said, else_=fixed("null"))

    def _lookup(self, field: Field, declaration: fields.Lookup) -> ColumnElement[str]:
        def operand(name: str) -> Value:
            return lambda run: declaration.prepare(**run.given(field))[name]

        names = declaration.prepare(**self._run.given(field))
        table = field.selection.cls.table
        alias, statement = self._rows(table)
        condition = declaration.where(**{name: self.bind(operand(name)) for name in names})
        found = statement.where(ClauseAdapter(alias).traverse(condition))
        return _or_null(self._single(field.selection, alias, found))

    def _list(self, field: Field, declaration: fields.Many, key: Key) -> ColumnElement[str]:
        selection = field.selection
        alias, statement = self._related(field, declaration, selection.cls.table, key)
        order = _adapted(declaration.order, _adapter(alias, declaration))
        direction = [each.desc() if order.descending else each.asc() for each in order.columns]
        rows = (
            statement.with_only_columns(
                self.object(selection, alias).label("j"), maintain_column_froms=True
            )
            .order_by(*direction)
            .subquery(self._name("x"))
        )
        return self._array(rows, rows.c.j)

    def _connection(
        self, field: Field, declaration: fields.Connected, key: Key
    ) -> ColumnElement[str]:
        page = _page_of(field)
        table = NAMESPACE[field_target(field)].table
        order = order_of(declaration, self._run.given(field))
        alias, statement = self._related(field, declaration, table, key)
        rows = None
        columns: dict[str, ColumnElement[str]] = {}
        if page.has_rows:
            own = _adapted(order, _adapter(alias, declaration))
            read = dict(self._row_columns(page, own, alias))
            asked = self._run.window(field)
            # A client's names may be one name to a database: by their case, or cut to a length.
            named = [column.label(f"r{n}") for n, column in enumerate(read.values())]
            limited = (
                statement.with_only_columns(*named, maintain_column_froms=True)
                .where(*self._beyond(field, order, own))
                .order_by(*sorting(own, asked))
                .limit(self._size(field, page))
            )
            rows = limited.subquery(self._name("x"))
            columns = dict(zip(read, rows.c, strict=True))
        whole = as_object(
            (each.key, self._page_value(each, columns.get(each.key), statement))
            for each in page.fields
        )
        return whole if rows is None else select(whole).select_from(rows).scalar_subquery()

    def _row_columns(
        self, page: Page, order: fields.Order, alias: FromClause
    ) -> Iterable[tuple[str, ColumnElement[str]]]:
        """What is read of each row of a page, by the response key that it is for."""
        keys = self._keys(order)
        for each in page.fields:
            if each.name == "pageInfo":
                yield each.key, keys
            elif isinstance(each.below, Selection):
                yield each.key, self.object(each.below, alias)
            elif each.name == "edges":
                yield each.key, self._edge(_fields_of(each), keys, alias)

    def _edge(
        self, below: Sequence[PageField], keys: ColumnElement[str], alias: FromClause
    ) -> ColumnElement[str]:
        values: dict[str, Piece] = {}
        for each in below:
            values[each.key] = f'"{each.name}"'
            if isinstance(each.below, Selection):
                values[each.key] = self.object(each.below, alias)
            elif each.name == "cursor":
                values[each.key] = keys
        return as_object(values.items())

    def _keys(self, order: fields.Order) -> ColumnElement[str]:
        """What the cursor of a row is made of."""
        return as_array(self._plain(column) for column in order.told)

    def _page_value(
        self, each: PageField, column: ColumnElement[Any] | None, whole: Select[Any]
    ) -> Piece:
        if each.name == "totalCount":
            counted = whole.with_only_columns(func.count(), maintain_column_froms=True)
            return cast(counted.scalar_subquery(), Text)
        if column is None:
            return f'"{each.name}"'
        joined = self._json.joined(column)
        return text_of("[", func.coalesce(joined, fixed("")), "]")

    def _array(self, rows: FromClause, column: ColumnElement[Any]) -> ColumnElement[str]:
        joined = func.coalesce(self._json.joined(column), fixed(""))
        return select(text_of("[", joined, "]")).select_from(rows).scalar_subquery()

    def _size(self, field: Field, page: Page) -> ColumnElement[Any]:
        """How many rows are read: one more than asked for where it matters whether there are."""
        more = 1 if page.has_info else 0
        if field.arguments.fixed is not None:
            return literal_column(str(self._run.window(field).size + more))
        return self.bind(lambda run: run.window(field).size + more, Integer())

    def _beyond(
        self, field: Field, order: fields.Order, own: fields.Order
    ) -> list[ColumnElement[bool]]:
        asked = self._run.window(field)

        def keys(side: str) -> Sequence[Any] | None:
            if getattr(asked, side) is None:
                return None
            told = [
                self.bind(_key_of(field, side, n), column.type)
                for n, column in enumerate(order.told)
            ]
            return place_of(order, told, self._workspace)

        return beyond_keys(own, keys("after"), keys("before"))

    def _related(
        self,
        field: Field,
        declaration: fields.Many,
        table: Table,
        key: Key,
    ) -> tuple[FromClause, Select[Any]]:
        """The rows of a relation, narrowed by what is declared and by what the client asks."""
        by = declaration.by
        if declaration.rows is None:
            alias, statement = self._rows(table)
        else:
            parent = key(declaration.key)
            rows = declaration.rows(self._workspace, lambda column: column == parent)
            alias = rows.subquery(self._name("t"))
            statement, by = select(alias), None
        adapters = [_adapter(alias, declaration)]
        if declaration.via is not None and by is not None:
            joined = by.table.alias(self._name("t"))
            adapters.append(ClauseAdapter(joined))
            statement = statement.join(joined, _through(adapters, declaration.via))
            statement = statement.where(joined.c.workspace_id == self._workspace)
        if by is not None:
            statement = statement.where(_through(adapters, by) == key(declaration.key))
        if declaration.where is not None:
            statement = statement.where(_through(adapters, declaration.where))
        for number, (condition, _) in enumerate(conditions_of(declaration, self._run.given(field))):
            operands = [
                self._bind_argument(field, _operand_of(field, number, place))
                for place in range(condition.count)
            ]
            if condition.of_now is not None:
                operands.append(self.bind(_operand_of(field, number, condition.count)))
            statement = statement.where(_through(adapters, condition.where(*operands)))
        return alias, statement

    def _rows(self, table: Table) -> tuple[FromClause, Select[Any]]:
        """The rows of a table that belong to the workspace, under a name of their own."""
        alias = table.alias(self._name("t"))
        return alias, select(alias).where(alias.c.workspace_id == self._workspace)

    def _leaf(self, column: ColumnElement[Any], type_: GraphQLOutputType) -> ColumnElement[str]:
        """The JSON of a column as a value of a GraphQL type."""
        named = get_named_type(type_)
        if isinstance(get_nullable_type(type_), GraphQLList):
            return _nullable(column, cast(column, Text))
        if isinstance(named, GraphQLEnumType):
            names = {value.value: name for name, value in named.values.items()}
            if all(name == value for value, name in names.items()):
                return _nullable(column, text_of('"', column, '"'))
            said: list[Any] = [
                (column == fixed(value), fixed(f'"{name}"')) for value, name in names.items()
            ]
            return case(*said, else_=fixed("null"))
        if named.name == "ID":
            return _nullable(column, text_of('"', column, '"'))
        return self._plain(column)

    def _plain(self, column: ColumnElement[Any]) -> ColumnElement[str]:
        """The JSON of a column by how it is stored."""
        stored = stored_type(column)
        if isinstance(stored, DateTime):
            return _nullable(column, text_of('"', self._json.instant(column), '"'))
        if isinstance(stored, Date):
            return _nullable(column, text_of('"', cast(column, Text), '"'))
        if isinstance(stored, Boolean):
            return _nullable(column, self._json.boolean(column))
        if isinstance(stored, Integer | JSON):
            return _nullable(column, cast(column, Text))
        return _nullable(column, self._json.string(column))

    def bind(self, value: Value, type_: TypeEngine[Any] | None = None) -> BindParameter[Any]:
        """A parameter of the statement, whose value is made anew for each execution."""
        name = self._name("p")
        self._values[name] = value
        return bindparam(name, type_=type_ or NullType())

    def _bind_argument(self, field: Field, value: Value) -> BindParameter[Any]:
        """A parameter of what a field is given, which is made once where the document says it."""
        if field.arguments.fixed is None:
            return self.bind(value)
        return bindparam(self._name("p"), value(self._run), type_=NullType())

    def _name(self, kind: str) -> str:
        return f"{kind}{next(self._names)}"

    def _value_of(self, compiled: Any, name: str) -> Value:
        bound = compiled.binds[name]
        write = bound.type.dialect_impl(self._dialect).bind_processor(self._dialect)
        value = self._values.get(name)
        if value is None:
            constant = bound.value if write is None else write(bound.value)
            return lambda _: constant
        if write is None:
            return value
        given = value
        return lambda run: write(given(run))


def rows_parameters(dialect: Dialect, ids: Sequence[str]) -> dict[str, Any]:
    """Ids as the parameters of a statement that `Writer.rows` wrote, by name."""
    return GIVEN.values(dialect, [(id,) for id in ids])


def _rows_of(name: str) -> Value:
    return lambda run: run.rows[name]


def field_target(field: Field) -> str:
    """The name of the type of a connection's nodes."""
    name = get_named_type(field.type).name
    return name.removesuffix("Connection")


def ids_given(field: Field, run: Run) -> list[str]:
    """The ids that a field is given; raises InvalidInput where they are too many."""
    ids: list[str] = run.given(field)["ids"]
    if isinstance(field.declaration, fields.Global):
        field.declaration.require_few(ids)
    return ids


def _type_of(declaration: fields.Declaration | None, id: str) -> str | None:
    return declaration.type_of(id) if isinstance(declaration, fields.Global) else None


def _page_of(field: Field) -> Page:
    if field.page is None:
        raise BrokenInvariant(f"{field.name} has no page")
    return field.page


def _fields_of(field: PageField) -> tuple[PageField, ...]:
    return field.below if isinstance(field.below, tuple) else ()


def _key_of(field: Field, side: str, n: int) -> Value:
    return lambda run: getattr(run.window(field), side)[n]


def _operand_of(field: Field, number: int, place: int) -> Value:
    return lambda run: run.operands(field)[number][place]


def _of(alias: FromClause, name: str) -> ColumnElement[Any]:
    """A column of an outer row: by its name alone, so that the row is not read once more."""
    return literal_column(f"{alias.name}.{name}", alias.c[name].type)  # type: ignore[attr-defined]


def _through(adapters: Sequence[ClauseAdapter], clause: Any) -> Any:
    for adapter in adapters:
        clause = adapter.traverse(clause)
    return clause


def _adapter(alias: FromClause, declaration: fields.Many) -> ClauseAdapter:
    """Puts columns of an alias in the places of its table's; by name, if it was written anew."""
    return ClauseAdapter(alias, adapt_on_names=declaration.rows is not None)


def _adapted(order: fields.Order, adapter: ClauseAdapter) -> fields.Order:
    return fields.Order(
        tuple(adapter.traverse(column) for column in order.columns),
        order.descending,
        None if order.named_by is None else adapter.traverse(order.named_by),
    )


def _nullable(column: ColumnElement[Any], value: ColumnElement[str]) -> ColumnElement[str]:
    return _or_null(value) if getattr(column, "nullable", True) else value


def _or_null(value: ColumnElement[Any]) -> ColumnElement[str]:
    return func.coalesce(value, fixed("null"))
