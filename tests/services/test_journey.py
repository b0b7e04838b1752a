"""Creating journeys, and the first step that enrols a contact."""

from datetime import timedelta
from functools import partial

import pytest

from tests.services.books import open_books, utc
from trenza.domain.access import Scope, Viewer
from trenza.domain.contact import LifecycleStage
from trenza.domain.errors import Forbidden, InvalidInput
from trenza.domain.ids import Prefix, has_prefix
from trenza.services.journey import CreateJourney, create_journey
from trenza.storage import Journey, JourneyEnrollment
from trenza.storage.bulk import write_all
from trenza.storage.journey import enrolling

NOON = utc(2026, 9, 10, 12)


async def test_a_journey_is_kept_as_it_was_asked_for(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        created = await create_journey(
            books.dependencies, books.admin, CreateJourney(" Welcome ", LifecycleStage.ATTRACTION)
        )

        assert has_prefix(created, Prefix.JOURNEY)
        columns = ("workspace_id", "id", "name", "stage", "created_at")
        assert await books.rows(Journey, *columns) == [
            (books.workspace_id, created, "Welcome", "ATTRACTION", NOON)
        ]


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\tb", "\udc00"])
async def test_a_bad_name_is_refused(database_url: str, name: str) -> None:
    async with open_books(database_url, NOON) as books:
        with pytest.raises(InvalidInput) as refused:
            await create_journey(
                books.dependencies, books.admin, CreateJourney(name, LifecycleStage.SALE)
            )

        assert refused.value.path == ("name",)
        assert await books.rows(Journey, "id") == []


async def test_creating_a_journey_needs_the_scope_manage(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        agent = Viewer(books.workspace_id, "key_3", "a", frozenset(Scope) - {Scope.MANAGE})

        with pytest.raises(Forbidden):
            await create_journey(
                books.dependencies, agent, CreateJourney("Welcome", LifecycleStage.SALE)
            )

        assert await books.rows(Journey, "id") == []


async def test_an_enrollment_begins_with_the_earliest_step_however_late_it_comes(
    database_url: str,
) -> None:
    async with open_books(database_url, NOON) as books:
        journey = await create_journey(
            books.dependencies, books.admin, CreateJourney("Welcome", LifecycleStage.SALE)
        )

        for hours in (5, 7, 2, 3):
            step = {
                "journey_id": journey,
                "contact_id": books.contact_id,
                "owner_id": books.contact_id,
                "occurred_at": NOON + timedelta(hours=hours),
            }
            writing = enrolling([step], books.dependencies.new_id)
            await books.database.write(
                partial(write_all, workspace_id=books.workspace_id, writings=[writing]),
                books.workspace_id,
            )

        assert await books.rows(JourneyEnrollment, "journey_id", "contact_id", "enrolled_at") == [
            (journey, books.contact_id, NOON + timedelta(hours=2))
        ]
