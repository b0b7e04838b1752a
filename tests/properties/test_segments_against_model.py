"""Who belongs to a segment: what both databases say is what plain Python says of the same rows."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random

import pytest

from tests.properties.seeds import any_seed
from tests.properties.segment_model import Definitions, Model
from tests.properties.segment_world import KEYS, SegmentWorld, make_world
from tests.scale import scale
from tests.services.books import Books, open_books, utc
from trenza.domain.custom_field import FieldType
from trenza.domain.segment import Definition, Group, definition_of, document_of
from trenza.domain.segment_check import checked
from trenza.services.custom_field import DefineCustomField, define_custom_field
from trenza.services.segment import (
    CreateSegment,
    FreezeSegment,
    create_segment,
    freeze_segment,
    moment_of,
)
from trenza.storage import ContactListMember
from trenza.storage.contact import CONTACT
from trenza.storage.segment import (
    Asked,
    AskedPage,
    count_segments,
    explain_segments,
    find_pages,
    judge_segments,
)

DEFINITIONS = scale(80, 5_000)
"""On each of the two databases."""
MOMENTS = (utc(2026, 9, 10, 12), utc(2027, 2, 27, 12), utc(2028, 2, 28), utc(2026, 12, 30, 23))
"""The turns of February and of the year among them."""


@dataclass
class Asking:
    """A world with definitions to ask about it."""

    books: Books
    world: SegmentWorld
    definitions: list[Definition]
    seed: int

    async def asked(self) -> list[Asked]:
        """The definitions, each asked about the moment of the world."""
        moment = moment_of(await self.books.settings(), self.world.at)
        return [Asked(definition, moment) for definition in self.definitions]

    def about(self, definition: Definition) -> str:
        """What replays a failure."""
        return f"{document_of(definition)}\nreplay it with TRENZA_TEST_SEED={self.seed}"


@pytest.fixture
async def asking(database_url: str) -> AsyncIterator[Asking]:
    seed = any_seed()
    random = Random(seed)
    async with open_books(database_url, MOMENTS[seed % len(MOMENTS)]) as books:
        world = await make_world(books, random)
        made = Definitions(random, world)
        definitions = [checked(made.make()) for _ in range(DEFINITIONS)]
        yield Asking(books, world, definitions, seed)


async def members_by_sql(asking: Asking) -> list[set[str]]:
    """The members of each definition, as the database finds them."""
    found: list[set[str]] = []
    async with asking.books.database.read(asking.books.workspace_id) as connection:
        for each in await asking.asked():
            page = AskedPage(each, (), (CONTACT.c.created_at, CONTACT.c.id), True, 1_000)
            [keys] = await find_pages(connection, [page])
            assert keys == sorted(keys, reverse=True)
            found.append({id for _, id in keys})
    return found


async def test_the_database_finds_whom_the_model_finds(asking: Asking) -> None:
    model, founder = Model(asking.world), asking.books.contact_id
    sizes = set()

    found = await members_by_sql(asking)

    for definition, ids in zip(asking.definitions, found, strict=True):
        expected = model.members(definition)
        assert ids - {founder} == expected, asking.about(definition)
        sizes.add(len(expected))
    assert len(sizes) > 5


async def test_counts_judgements_and_explanations_agree_with_membership(asking: Asking) -> None:
    model, world = Model(asking.world), asking.world
    found = await members_by_sql(asking)
    asked = await asking.asked()
    ids = [row["id"] for row in world.contacts]
    rows = {row["id"]: row for row in world.contacts}

    async with asking.books.database.read(asking.books.workspace_id) as connection:
        for begins in range(0, len(asked), 10):
            share = asked[begins : begins + 10]
            counts = await count_segments(connection, share)
            judged = await judge_segments(connection, share, ids)
            explained = await explain_segments(connection, share, ids)

            for n, each in enumerate(share):
                said, members = asking.about(each.definition), found[begins + n]
                assert counts[n] == len(members), said
                for id in ids:
                    assert judged.get(id, [False] * 10)[n] is (id in members), said
                    root = rows[rows[id]["root_id"]]
                    why = explained[id][n]
                    conditions = [one for _, one in each.definition.conditions()]
                    assert why.holds == [model.holds(one, root) for one in conditions], said
                    assert why.is_live is (root["erased_at"] is None), said


async def test_freezing_takes_exactly_the_members_of_the_moment(asking: Asking) -> None:
    found = await members_by_sql(asking)
    books = asking.books
    frozen: dict[str, set[str]] = {}
    for key in KEYS:
        field = DefineCustomField(key, key, FieldType.STRING)
        await define_custom_field(books.dependencies, books.admin, field)

    for n, definition in enumerate(asking.definitions[:20]):
        request = CreateSegment(f"Segment {n}", definition)
        segment_id = await create_segment(books.dependencies, books.admin, request)
        done = await freeze_segment(
            books.dependencies, books.admin, FreezeSegment(segment_id, f"List {n}")
        )
        assert done.count == len(found[n]), asking.about(definition)
        frozen[done.list_id] = found[n]

    rows = await books.rows(ContactListMember, "list_id", "contact_id", "owner_id", "added_at")
    assert {row[1:3] for row in rows if row[0] in frozen} == {
        (id, id) for ids in frozen.values() for id in ids
    }
    for list_id, ids in frozen.items():
        assert {row[1] for row in rows if row[0] == list_id} == ids
        assert {row[3] for row in rows if row[0] == list_id} <= {asking.world.at}


async def test_a_definition_is_read_back_as_it_was_kept(asking: Asking) -> None:
    for definition in asking.definitions:
        assert definition_of(document_of(definition)) == definition


async def test_many_counts_at_once_are_answered_too(asking: Asking) -> None:
    """More than are joined, and as many conditions as there may be."""
    made = Definitions(Random(asking.seed), asking.world)
    group = Group(tuple(made.condition() for _ in range(20)))
    definition = checked(Definition((group,) * 5 + asking.definitions[0].groups))
    [asked] = [Asked(definition, each.moment) for each in (await asking.asked())[:1]]
    expected = Model(asking.world).members(definition)

    async with asking.books.database.read(asking.books.workspace_id) as connection:
        counted = await count_segments(connection, [asked])
        founder = await judge_segments(connection, [asked], [asking.books.contact_id])

    is_in = founder[asking.books.contact_id] == [True]
    assert counted == [len(expected) + is_in], asking.about(definition)
    assert asking.world.at - timedelta(days=1) < asked.moment.at
