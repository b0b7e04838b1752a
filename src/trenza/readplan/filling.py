"""Puts into an answer what the database left open, and makes objects of rows worked out on demand.

In the JSON of a statement computed fields and cursors stand as arrays of the columns they need.
A filler of a selection knows where; where nothing is open there is no filler, and the text of the
database is the answer as it is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from inspect import isawaitable
from typing import Any

import orjson
from graphql import (
    GraphQLEnumType,
    GraphQLInt,
    GraphQLList,
    GraphQLOutputType,
    get_named_type,
    get_nullable_type,
)

from trenza.domain.errors import BrokenInvariant
from trenza.domain.instant import instant_text
from trenza.readplan import fields
from trenza.readplan.connection import FoundKeys, Window, cursor_of, mark_of, python_type
from trenza.readplan.run import Run
from trenza.readplan.schema import NAMESPACE, Record, in_full, order_of
from trenza.readplan.selection import Field, PageField, Selection, UncoveredError

Encode = Callable[[Any], Any]
Decode = Callable[[Any], Any]
Fill = Callable[[dict[str, Any], Run], None]
Shape = Callable[[Mapping[str, Any], Run], dict[str, Any]]


def encoder_of(type_: GraphQLOutputType) -> Encode:
    """Makes JSON of a Python value, as a value of a GraphQL type.

    That raises GraphQLError for a number that is too large for an Int.
    """
    named = get_named_type(type_)
    encode: Encode = _as_it_is
    if isinstance(named, GraphQLEnumType):
        names = {value.value: name for name, value in named.values.items()}
        encode = names.__getitem__
    elif named.name == "DateTime":
        encode = instant_text
    elif named.name == "Date":
        encode = date.isoformat
    elif named.name == "Int":
        encode = GraphQLInt.serialize
    elif named.name in ("ID", "String"):
        encode = str
    if isinstance(get_nullable_type(type_), GraphQLList):
        return lambda values: None if values is None else [encode(each) for each in values]
    return lambda value: None if value is None else encode(value)


def _as_it_is(value: Any) -> Any:
    return value


def filler_of(selection: Selection) -> Fill | None:
    """What puts in the open values of an object of a statement's answer."""
    steps = [step for field in selection.fields if (step := _step_of(field, selection))]
    return _all_of(steps)


def fills_of(field: Field) -> Fill | None:
    """What puts in the open values below a field of the query itself."""
    if isinstance(field.declaration, fields.Global):
        by_type = {name: filler_of(below) for name, below in field.below.items()}
        return _inside_any(field, field.declaration, by_type)
    if isinstance(field.declaration, fields.Lookup):
        return _inside(field.key, filler_of(field.selection))
    return _step_of(field, Selection("", Record, (field,)))


def _inside_any(
    field: Field, declaration: fields.Global, by_type: Mapping[str, Fill | None]
) -> Fill | None:
    if not any(by_type.values()):
        return None

    def inside(found: dict[str, Any], run: Run) -> None:
        typename = declaration.type_of(run.given(field)["id"])
        fill = by_type.get(typename or "")
        if fill is not None and found[field.key] is not None:
            fill(found[field.key], run)

    return inside


def _all_of(steps: Sequence[Fill]) -> Fill | None:
    if len(steps) < 2:
        return steps[0] if steps else None

    def fill(found: dict[str, Any], run: Run) -> None:
        for step in steps:
            step(found, run)

    return fill


def _step_of(field: Field, selection: Selection) -> Fill | None:
    match field.declaration:
        case fields.Computed() as computed:
            return _computing(field, computed, _decoders(computed.needs, selection))
        case fields.Figure() as figure:
            return _figuring(field, figure, _decoders(figure.needs, selection))
        case fields.Found() as sought:
            return _finding(field, sought, _decoders(sought.needs, selection))
        case fields.Connected() as connected:
            return _paging(field, connected)
        case fields.Many():
            return _each_of(field.key, filler_of(field.selection))
        case fields.Past(order=order) if order:
            return _each_of(field.key, filler_of(field.selection))
        case fields.Pointed():
            return _unpacking(field.key, {name: filler_of(s) for name, s in field.below.items()})
        case fields.Part() | fields.One() | fields.Past():
            return _inside(field.key, filler_of(field.selection))
    return None


def _decoders(needs: Sequence[str], selection: Selection) -> list[tuple[str, Decode]]:
    """For each needed column its name and what makes a Python value of its JSON."""
    found: list[tuple[str, Decode]] = []
    for need in needs:
        relation, _, name = need.rpartition(".")
        cls = selection.cls if not relation else NAMESPACE[selection.cls.targets[relation]]
        is_instant = python_type(cls.table.c[name]) is datetime
        found.append((name, _instant if is_instant else _as_it_is))
    return found


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _decoded(decoders: Sequence[tuple[str, Decode]], values: Sequence[Any]) -> dict[str, Any]:
    return {name: decode(value) for (name, decode), value in zip(decoders, values, strict=True)}


def _computing(
    field: Field, computed: fields.Computed, decoders: Sequence[tuple[str, Decode]]
) -> Fill:
    encode = encoder_of(field.type)
    key = field.key

    def fill(found: dict[str, Any], run: Run) -> None:
        needed = _decoded(decoders, found[key])
        given = in_full(computed, run.given(field), run.operation)
        found[key] = encode(computed.function(**needed, **given))

    return fill


def _figuring(field: Field, figure: fields.Figure, decoders: Sequence[tuple[str, Decode]]) -> Fill:
    key = field.key
    put = _putting(field)
    inner = _figures_within(field)

    def fill(found: dict[str, Any], run: Run) -> None:
        # Begun now, so that they are asked together with what they hang from.
        given = in_full(figure, run.given(field), run.operation)
        for each, declaration in inner:
            known = {name: given[name] for name in declaration.needs}
            known |= in_full(declaration, run.given(each), run.operation)
            run.begin(each, declaration.function, known)
        needed = _decoded(decoders, found[key])
        put(found, figure.function(run.operation, **needed, **given), run)

    return fill


def _figures_within(field: Field) -> list[tuple[Field, fields.Figure]]:
    """The figures that hang from a figure and need nothing of it but what it was asked for.

    A row that is worked out has its arguments under their names where a figure needs them.
    """
    asked = field.declaration.arguments if field.declaration else ()
    return [
        (each, each.declaration)
        for below in field.below.values()
        for each in below.fields
        if isinstance(each.declaration, fields.Figure)
        and all(need in asked for need in each.declaration.needs)
    ]


def _putting(field: Field) -> Callable[[dict[str, Any], Any, Run], None]:
    """Puts what a figure's function answers in its place, now or when it is there."""
    shape = _answer_of(field)
    key = field.key

    async def later(found: dict[str, Any], worked_out: Awaitable[Any], run: Run) -> None:
        found[key] = shape(await worked_out, run)

    def put(found: dict[str, Any], worked_out: Any, run: Run) -> None:
        if isawaitable(worked_out):
            run.awaited.append(later(found, worked_out, run))
        else:
            found[key] = shape(worked_out, run)

    return put


def _answer_of(field: Field) -> Callable[[Any, Run], Any]:
    """Makes JSON of a value, a row or rows that a field answers."""
    if not field.below:
        encode = encoder_of(field.type)
        return lambda value, _: encode(value)
    shape = shaper_of(field.selection)

    def answer(found: Any, run: Run) -> Any:
        if isinstance(found, list):
            return [shape(row, run) for row in found]
        return None if found is None else shape(found, run)

    return answer


def shaper_of(selection: Selection) -> Shape:
    """Makes the JSON object of a row that was worked out on demand."""
    steps = [value_of(field, selection) for field in selection.fields]

    def shape(row: Mapping[str, Any], run: Run) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for step in steps:
            step(found, row, run)
        return found

    return shape


def value_of(
    field: Field, selection: Selection
) -> Callable[[dict[str, Any], Mapping[str, Any], Run], None]:
    """Puts the JSON of a field of a row that was worked out into its object, now or later."""
    if isinstance(field.declaration, fields.One) and field.declaration.to == "id":
        return partial(_read_one, field, field.declaration.key, filler_of(field.selection))
    key, answer = field.key, _answer_of(field)
    match field.declaration:
        case None:
            return lambda found, row, run: found.__setitem__(key, selection.typename)
        case fields.Column(name=name):
            column = name or field.name
            return lambda found, row, run: found.__setitem__(key, answer(row[column], run))
        case fields.Part(name=name):
            return lambda found, row, run: found.__setitem__(
                key, answer(row if name is None else row[name], run)
            )
        case fields.Computed() as computed:
            return partial(_compute_now, field, computed, encoder_of(field.type))
        case fields.Figure() as figure:
            return partial(_figure_now, field, figure, _putting(field))
        case fields.Found() as sought:
            return partial(_find_now, sought, _page_maker(field, sought), key)
    raise UncoveredError(f"{selection.typename}.{field.name} hangs from a figure")


def _compute_now(
    field: Field,
    computed: fields.Computed,
    encode: Encode,
    found: dict[str, Any],
    row: Mapping[str, Any],
    run: Run,
) -> None:
    needed = {name: row[name] for name in computed.needs}
    given = in_full(computed, run.given(field), run.operation)
    found[field.key] = encode(computed.function(**needed, **given))


def _figure_now(
    field: Field,
    figure: fields.Figure,
    put: Callable[[dict[str, Any], Any, Run], None],
    found: dict[str, Any],
    row: Mapping[str, Any],
    run: Run,
) -> None:
    needed = {name: row[name] for name in figure.needs}
    given = in_full(figure, run.given(field), run.operation)
    # Its place among the keys is kept until it is there.
    found[field.key] = None
    begun = run.begun.get(field)
    put(found, begun or figure.function(run.operation, **needed, **given), run)


def _read_one(
    field: Field,
    key: str,
    fill: Fill | None,
    found: dict[str, Any],
    row: Mapping[str, Any],
    run: Run,
) -> None:
    """The row that one which was worked out points to, read with all others of its place."""
    found[field.key] = None
    if row[key] is None:
        return

    async def read() -> None:
        [found[field.key]] = await _read(field.selection, fill, [row[key]], run)

    run.awaited.append(read())


def _inside(key: str, fill: Fill | None) -> Fill | None:
    if fill is None:
        return None

    def inside(found: dict[str, Any], run: Run) -> None:
        if found[key] is not None:
            fill(found[key], run)

    return inside


def _unpacking(key: str, by_type: Mapping[str, Fill | None]) -> Fill:
    """Takes a row out of its pair with the name of its type."""

    def unpack(found: dict[str, Any], run: Run) -> None:
        if found[key] is None:
            return
        typename, row = found[key]
        found[key] = row
        fill = by_type[typename]
        if fill is not None and row is not None:
            fill(row, run)

    return unpack


def _each_of(key: str, fill: Fill | None) -> Fill | None:
    if fill is None:
        return None

    def each(found: dict[str, Any], run: Run) -> None:
        for row in found[key]:
            fill(row, run)

    return each


def _paging(field: Field, declaration: fields.Connected) -> Fill | None:
    """Cuts the rows read beyond the page, turns a page that was read from its end, adds cursors."""
    page = field.page
    if page is None:
        raise BrokenInvariant(f"{field.name} has no page")
    inner = [step for each in page.fields if (step := _inside_page(each, field, declaration))]
    lists = [each.key for each in page.fields if each.name in ("nodes", "edges")]
    infos = [each for each in page.fields if each.name == "pageInfo"]
    if not (inner or infos or field.is_backward):
        return None

    def fill(found: dict[str, Any], run: Run) -> None:
        connection = found[field.key]
        asked = run.window(field)
        for key in lists:
            del connection[key][asked.size :]
            if asked.backward:
                connection[key].reverse()
        for step in inner:
            step(connection, run)
        for info in infos:
            _place(connection, info, field, declaration, run)

    return fill


def _inside_page(each: PageField, field: Field, declaration: fields.Connected) -> Fill | None:
    if isinstance(each.below, Selection):
        return _each_of(each.key, filler_of(each.below))
    if each.name != "edges" or not isinstance(each.below, tuple):
        return None
    steps: list[Fill] = []
    for below in each.below:
        if below.name == "cursor":
            steps.append(partial(_put_cursor, below.key, field, declaration))
        elif isinstance(below.below, Selection):
            step = _inside(below.key, filler_of(below.below))
            if step is not None:
                steps.append(step)
    return _each_of(each.key, _all_of(steps))


def _put_cursor(
    key: str, field: Field, declaration: fields.Connected, found: dict[str, Any], run: Run
) -> None:
    order = order_of(declaration, run.given(field))
    found[key] = _cursor(order, found[key])


def _cursor(order: fields.Order, keys: Sequence[Any]) -> str:
    values = [
        _instant(key) if python_type(column) is datetime else key
        for column, key in zip(order.told, keys, strict=True)
    ]
    return cursor_of(mark_of(order), values)


def _place(
    connection: dict[str, Any],
    info: PageField,
    field: Field,
    declaration: fields.Connected,
    run: Run,
) -> None:
    """Where a page lies, of the keys of its rows and of one beyond."""
    asked = run.window(field)
    order = order_of(declaration, run.given(field))
    read: list[Any] = connection[info.key]
    more = len(read) > asked.size
    keys = read[: asked.size]
    if asked.backward:
        keys.reverse()
    connection[info.key] = _info(info, asked, more, keys, partial(_cursor, order))


def _info(
    info: PageField, asked: Window, more: bool, keys: Sequence[Any], cursor: Callable[[Any], str]
) -> dict[str, Any]:
    """Where a page lies, as it is selected; `more` is whether there are rows beyond it."""
    values: dict[str, Callable[[], Any]] = {
        "hasNextPage": lambda: asked.before is not None if asked.backward else more,
        "hasPreviousPage": lambda: more if asked.backward else asked.after is not None,
        "startCursor": lambda: cursor(keys[0]) if keys else None,
        "endCursor": lambda: cursor(keys[-1]) if keys else None,
    }
    return {
        each.key: values[each.name]() if each.name in values else each.name for each in _below(info)
    }


def _below(field: PageField) -> tuple[PageField, ...]:
    return field.below if isinstance(field.below, tuple) else ()


MakePage = Callable[[Mapping[str, Any], Run], Awaitable[dict[str, Any]]]
"""Makes a connection of the columns that its function needs."""


def _finding(field: Field, sought: fields.Found, decoders: Sequence[tuple[str, Decode]]) -> Fill:
    make = _page_maker(field, sought)

    def fill(found: dict[str, Any], run: Run) -> None:
        needed = _decoded(decoders, found[field.key])
        run.awaited.append(_put_later(found, field.key, make(needed, run)))

    return fill


def _find_now(
    sought: fields.Found,
    make: MakePage,
    key: str,
    found: dict[str, Any],
    row: Mapping[str, Any],
    run: Run,
) -> None:
    needed = {name: row[name] for name in sought.needs}
    # Its place among the keys is kept until it is there.
    found[key] = None
    run.awaited.append(_put_later(found, key, make(needed, run)))


async def _put_later(found: dict[str, Any], key: str, page: Awaitable[dict[str, Any]]) -> None:
    found[key] = await page


def _page_maker(field: Field, sought: fields.Found) -> MakePage:
    """Finds the keys of a page, reads its rows back by their ids, and counts where it is asked."""
    page = field.page
    if page is None:
        raise BrokenInvariant(f"{field.name} has no page")
    fills = {selection: filler_of(selection) for selection in page.selections()}
    counts = any(each.name == "totalCount" for each in page.fields)
    mark = mark_of(sought.order)

    async def keys_of(needed: Mapping[str, Any], run: Run) -> FoundKeys:
        if not page.has_rows:
            return FoundKeys((), more=False)
        found: FoundKeys = await sought.function(run.operation, run.window(field), **needed)
        return found

    async def total(needed: Mapping[str, Any], run: Run) -> Any:
        return await sought.count(run.operation, **needed) if counts else None

    async def make(needed: Mapping[str, Any], run: Run) -> dict[str, Any]:
        asked = {**needed, **in_full(sought, run.given(field), run.operation)}
        found, count = await asyncio.gather(keys_of(asked, run), total(asked, run))
        ids = [keys[-1] for keys in found.keys]
        rows = {each: await _read(each, fill, ids, run) for each, fill in fills.items()}
        cursor = partial(cursor_of, mark)
        values = [_of_found(each, found, rows, cursor) for each in page.fields]
        for n, each in enumerate(page.fields):
            if each.name == "totalCount":
                values[n] = count
            elif each.name == "pageInfo":
                values[n] = _info(each, run.window(field), found.more, found.keys, cursor)
        return {each.key: value for each, value in zip(page.fields, values, strict=True)}

    return make


async def _read(selection: Selection, fill: Fill | None, ids: Sequence[str], run: Run) -> list[Any]:
    texts = await run.read_back(selection, ids)
    if fill is None:
        return [orjson.Fragment(text) for text in texts]
    rows = [orjson.loads(text) for text in texts]
    for row in rows:
        fill(row, run)
    return rows


def _of_found(
    field: PageField,
    found: FoundKeys,
    rows: Mapping[Selection, list[Any]],
    cursor: Callable[[Any], str],
) -> Any:
    """The nodes or the edges of a page; anything else is its name."""
    if isinstance(field.below, Selection):
        return rows[field.below]
    if field.name != "edges":
        return field.name

    def part(each: PageField, n: int) -> Any:
        if isinstance(each.below, Selection):
            return rows[each.below][n]
        return cursor(found.keys[n]) if each.name == "cursor" else each.name

    below = _below(field)
    return [{each.key: part(each, n) for each in below} for n in range(len(found.keys))]
