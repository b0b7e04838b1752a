"""Contacts from files and into files: good rows kept, bad ones told, the same file nothing new."""

import io
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from tests.properties.seeds import any_seed
from tests.world import World, a_world
from trenza.channels.contact_file import FileFormat, writer_of
from trenza.domain.access import Privacy, Role, Scope, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.contact import LifecycleStage
from trenza.domain.custom_field import FieldType
from trenza.domain.errors import Forbidden, InvalidInput, NotFound
from trenza.domain.interaction import Language
from trenza.domain.segment import (
    CustomFieldCondition,
    Definition,
    FieldCondition,
    Group,
    SegmentField,
    SegmentOperator,
)
from trenza.services.access import act_as_system
from trenza.services.contact import UpsertContact, upsert_contacts
from trenza.services.contact_columns import find_columns
from trenza.services.contact_export import export_contacts
from trenza.services.contact_file import ContactFile, Imported, Problem, import_contacts
from trenza.services.contact_list import ChangeList, CreateList, add_to_list, create_list
from trenza.services.custom_field import DefineCustomField, define_custom_field
from trenza.services.segment import CreateSegment, create_segment


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """A world on each of the two databases."""
    async with a_world(database_url) as found:
        yield found


async def a_viewer(world: World) -> Viewer:
    """Who acts in a new workspace with custom fields of every type."""
    dependencies = world.parts.dependencies
    viewer = await act_as_system(dependencies, (await world.tenant()).id)
    for type_ in FieldType:
        options = ["a;b", "c"] if type_ is FieldType.ENUM else None
        request = DefineCustomField(
            f"a_{type_.lower()}", type_.title(), type_, Privacy.SENSITIVE, options
        )
        await define_custom_field(dependencies, viewer, request)
    return viewer


async def imported(
    world: World, viewer: Viewer, text: str, file_format: FileFormat = FileFormat.CSV
) -> tuple[Imported, list[Problem]]:
    """What became of a file, and what was wrong with it."""
    problems: list[Problem] = []
    told: list[tuple[int, int]] = []
    file = ContactFile(lambda: io.BytesIO(text.encode()), file_format)

    def tell(done: int, of: int) -> None:
        told.append((done, of))

    done = await import_contacts(world.parts.dependencies, viewer, file, problems.append, tell)
    assert done.rows == done.created + done.changed + done.unchanged + done.refused
    assert not told or told[-1] == (done.rows, done.rows)
    return done, problems


async def exported(world: World, viewer: Viewer, **narrowed: Any) -> list[dict[str, Any]]:
    """The rows of a file of contacts."""
    dependencies = world.parts.dependencies
    columns = await find_columns(dependencies, viewer)
    rows = export_contacts(dependencies, viewer, columns, **narrowed)
    return [dict(row) async for row in rows]


def without_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows as another workspace has them: there they have other ids, and so another order."""
    found = [{name: cell for name, cell in row.items() if name != "id"} for row in rows]
    return sorted(found, key=repr)


async def test_bad_cells_stay_empty_and_bad_rows_are_left_out(world: World) -> None:
    viewer = await a_viewer(world)
    text = (
        "first_name,birth_on,country,email,whatsapp,custom.a_number,custom.a_enum,assigned_user\n"
        "Ana,1990-02-30,MX,ana@example.com,12,4.5,c,nobody@example.com\n"
        "Eva,1990-02-28,Mexico,eva@example.com,,many,b,\n"
        "Luis,,,,,,,\n"
        "Pía\n"
        f"{'x' * 201},,,pia@example.com;+573001112233,+573001112233,,,\n"
    )

    done, problems = await imported(world, viewer, text)

    assert done == Imported(5, created=3, refused=2, cells_left_empty=8)
    assert [(each.line, each.column) for each in problems] == [
        (2, "birth_on"),
        (2, "assigned_user"),
        (2, "whatsapp"),
        (3, "custom.a_number"),
        (3, "custom.a_enum"),
        (3, "country"),
        (4, None),
        (5, None),
        (6, "email"),
        (6, "first_name"),
    ]
    rows = await exported(world, viewer)
    assert [(each["first_name"], each["email"], each["custom.a_number"]) for each in rows] == [
        ("Ana", ["ana@example.com"], 4.5),
        ("Eva", ["eva@example.com"], None),
        (None, ["pia@example.com"], None),
    ]


async def test_the_same_file_again_changes_nothing(world: World) -> None:
    viewer = await a_viewer(world)
    lines = [f"Ana {n},ana{n}@example.com,vip;new,{n}" for n in range(620)]
    text = "\n".join(["first_name,email,tags,custom.a_number", *lines, lines[0], "x,y,,z"])

    first, _ = await imported(world, viewer, text)
    before = await world.dump()
    world.clock.advance(days=1)
    second, problems = await imported(world, viewer, text)

    assert first == Imported(622, created=620, unchanged=1, refused=1)
    assert second == Imported(622, unchanged=621, refused=1)
    assert await world.dump() == before
    assert {each.line for each in problems} == {623}


async def test_rows_have_their_effects_in_the_order_of_the_file(world: World) -> None:
    viewer = await a_viewer(world)
    text = "city,email,sms\nCali,a@example.com,\nBuga,a@example.com,+573001112233\n"
    same = "city,email,sms\nTunja,b@example.com,\nNeiva,b@example.com,+573001112233\n"

    done, _ = await imported(world, viewer, text)
    merged, problems = await imported(world, viewer, same)

    assert done == Imported(2, created=1, changed=1)
    # The second row tells that both are one person.
    assert (merged, problems) == (Imported(2, created=1, changed=1), [])
    assert [each["city"] for each in await exported(world, viewer)] == ["Neiva"]


async def test_an_import_leaves_one_activity_with_its_counts(world: World) -> None:
    viewer = await a_viewer(world)
    await imported(world, viewer, "city,email\nCali,a@example.com\n")

    rows = (await world.dump())["activity"]

    assert len([row for row in rows if "'imported'" in repr(row)]) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("city,email\nCali,a@example.com\nBuga,\xff\ud800\n", "line 3 is not utf-8"),
        ("city,email,shoe\nCali,a@example.com,4\n", "line 2 has the unknown column 'shoe'"),
        ('city,email\nCali,a@example.com\n"Buga', "cannot be read"),
    ],
)
async def test_a_file_that_is_refused_changes_nothing(world: World, text: str, told: str) -> None:
    viewer = await a_viewer(world)
    before = await world.dump()
    written = text.encode("utf-8", "surrogatepass")
    file = ContactFile(lambda: io.BytesIO(written), FileFormat.CSV)

    with pytest.raises(InvalidInput, match=told):
        await import_contacts(
            world.parts.dependencies, viewer, file, lambda _: None, lambda *_: None
        )

    assert await world.dump() == before


async def test_who_may_not_write_contacts_imports_none(world: World) -> None:
    viewer = await a_viewer(world)
    agent = Viewer(viewer.workspace_id, "key_1", "agent", frozenset(Scope), role=Role.AGENT)

    with pytest.raises(Forbidden):
        await imported(world, agent, "city,email\nCali,a@example.com\n")


async def test_an_export_shows_what_the_viewer_sees(world: World) -> None:
    viewer = await a_viewer(world)
    text = "birth_on,email,custom.a_number\n1990-02-28,a@example.com,4\n"
    await imported(world, viewer, text)
    reader = Viewer(viewer.workspace_id, "key_1", "reader", frozenset({Scope.READ}))

    [all_of_it], [seen] = await exported(world, viewer), await exported(world, reader)

    assert (all_of_it["birth_on"], all_of_it["custom.a_number"]) == ("1990-02-28", 4)
    assert seen["birth_on"] is None
    assert not any(name.startswith("custom.") for name in seen)


async def test_an_export_of_a_list_has_its_contacts_alone(world: World) -> None:
    viewer, dependencies = await a_viewer(world), world.parts.dependencies
    await imported(world, viewer, "city,email\nCali,a@example.com\nBuga,b@example.com\n")
    _, second = await exported(world, viewer)
    list_id = await create_list(dependencies, viewer, CreateList("some"))
    await add_to_list(dependencies, viewer, ChangeList(list_id, [second["id"]]))

    assert await exported(world, viewer, list_id=list_id) == [second]
    for unknown in ({"list_id": "list_1"}, {"segment_id": "segment_1"}):
        with pytest.raises(NotFound):
            await exported(world, viewer, **unknown)


async def test_an_export_of_a_segment_has_its_members_alone(world: World) -> None:
    viewer, dependencies = await a_viewer(world), world.parts.dependencies
    lines = [f"c{n}@example.com,{'Cali' if n % 2 else 'Buga'},{n}" for n in range(1_100)]
    await imported(world, viewer, "\n".join(["email,city,custom.a_number", *lines]))
    in_cali = FieldCondition(SegmentField.CITY, SegmentOperator.EQ, ("Cali",))
    of_class = CustomFieldCondition("a_number", SegmentOperator.EQ, number=7)
    for condition, emails in (
        (in_cali, {f"c{n}@example.com" for n in range(1, 1_100, 2)}),
        (of_class, {"c7@example.com"}),
    ):
        request = CreateSegment(f"of {len(emails)}", Definition((Group((condition,)),)))
        segment_id = await create_segment(dependencies, viewer, request)
        rows = await exported(world, viewer, segment_id=segment_id)
        assert len(rows) == len(emails)
        assert {row["email"][0] for row in rows} == emails
    reader = Viewer(viewer.workspace_id, "key_1", "reader", frozenset({Scope.READ}))
    with pytest.raises(Forbidden):
        await exported(world, reader, segment_id=segment_id)


@pytest.mark.parametrize("file_format", list(FileFormat))
async def test_contacts_come_back_equal_in_another_workspace(
    world: World, file_format: FileFormat
) -> None:
    seed = any_seed()
    first, second = await a_viewer(world), await a_viewer(world)
    await upsert_contacts(world.parts.dependencies, first, contacts(Random(seed)))
    rows = await exported(world, first)
    columns = await find_columns(world.parts.dependencies, first)
    file = io.StringIO()
    write = writer_of(file, file_format, columns.names)
    for row in rows:
        write(row)
    before = await world.dump()

    here, _ = await imported(world, first, file.getvalue(), file_format)
    assert here == Imported(len(rows), unchanged=len(rows)), seed
    assert await world.dump() == before, seed
    there, problems = await imported(world, second, file.getvalue(), file_format)

    assert there == Imported(len(rows), created=len(rows), cells_left_empty=len(rows)), seed
    assert {each.column for each in problems} == {"id"}
    assert without_id(await exported(world, second)) == without_id(rows), seed


def contacts(random: Random) -> list[UpsertContact]:
    """Contacts of every kind, each with an address of its own."""
    return [contact(random, number) for number in range(60)]


def contact(random: Random, number: int) -> UpsertContact:
    """A contact with some of everything that one may have."""

    def text() -> str:
        return "".join(random.choices("aé;\\\",'\t|{}[]=😀 0", k=6)).replace("\t", "") + "x"

    def some(value: Any) -> Any:
        return value if random.random() < 0.5 else None

    custom = {
        "a_string": text(),
        "a_number": random.choice([0, -1, 1e-9, 0.25, 123456789012345]),
        "a_date": "1999-12-31",
        "a_boolean": random.random() < 0.5,
        "a_enum": random.choice(["a;b", "c"]),
    }
    return UpsertContact(
        identities=[
            (ChannelKind.WEBCHAT, f"w;{number}\\"),
            *random.sample([(ChannelKind.SMS, f"+5730011122{number:02}")], random.randrange(2)),
            *random.sample([(ChannelKind.EMAIL, f"é{number}@example.com")], random.randrange(2)),
        ],
        display_name=some(text()),
        first_name=some(text()),
        last_name=some(text()),
        language=some(random.choice(list(Language))),
        time_zone=some("America/Bogota"),
        company=some(text()),
        department=some(text()),
        country=some("MX"),
        stage=some(random.choice(list(LifecycleStage))),
        tags=[text() for _ in range(random.randrange(3))],
        custom_fields=[(key, some(value)) for key, value in custom.items()],
    )
