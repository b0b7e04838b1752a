"""Everything that is held about a person in one document."""

import pytest

from tests.services.canaries import is_canary, plant, stored
from tests.services.office import an_office
from tests.world import a_world
from trenza.domain.access import Role, Scope, Verb, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.erasure import texts_in
from trenza.domain.errors import Forbidden, NotFound
from trenza.services.person_export import FORMAT, export_person
from trenza.storage import Activity, ErasureCertificate
from trenza.storage.person import HELD


async def test_every_canary_is_in_the_document(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk = await an_office(world)
        planted = await plant(desk)
        held = [each async for each in stored(desk, planted.contact_id)]

        done = await export_person(desk.dependencies, desk.viewer, planted.contact_id)

        document = done.document
        assert done.contact_id == planted.contact_id
        assert document.keys() == {"format", "contactId", "exportedAt", *HELD}
        assert document["format"] == FORMAT
        texts = set(texts_in(document))
        assert planted.texts <= texts
        for table, column, value in held:
            assert set(texts_in(value)) <= texts, (table, column)
        assert len(document["contacts"]) == 2
        assert [each["outcome"] for each in document["interactions"]].count("CHARGED") >= 2
        debits = sum(entry["amount"] for entry in document["debits"])
        assert debits == len([s for s in document["sessions"] if s["supersededAt"] is None])


async def test_nothing_of_others_is_in_it(sqlite_url: str) -> None:
    async with a_world(sqlite_url) as world:
        desk = await an_office(world)
        planted = await plant(desk)

        done = await export_person(desk.dependencies, desk.viewer, planted.kin_id)

        texts = set(texts_in({name: done.document[name] for name in HELD if name != "activity"}))
        assert "a-relative" in texts
        # Beside what the merge that was undone had lent it.
        lent = {"versions", "merges", "activity"}
        others = {name: done.document[name] for name in HELD.keys() - lent}
        assert not any(map(is_canary, texts_in(others)))


async def test_that_it_was_exported_is_noted(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk = await an_office(world)
        ana = await desk.met((ChannelKind.EMAIL, "ana@example.com"))

        await export_person(desk.dependencies, desk.viewer, ana)

        [row] = await desk.rows(Activity, verb=Verb.EXPORT_CONTACT)
        assert (row["subject_id"], row["before"], row["after"]) == (ana, None, None)


async def test_it_is_for_admins_and_for_who_is_there(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk = await an_office(world)
        other = await an_office(world)
        theirs = await other.met((ChannelKind.EMAIL, "ana@example.com"))
        some = frozenset({Scope.READ, Scope.RECORD, Scope.MANAGE})
        nobody = Viewer(desk.tenant.id, "key_1", "x", some)
        operator = Viewer(
            desk.tenant.id, "key_1", "x", frozenset(Scope), user_id="u", role=Role.OPERATOR
        )
        for viewer in (nobody, operator):
            with pytest.raises(Forbidden):
                await export_person(desk.dependencies, viewer, theirs)
        for unknown in (theirs, "contact_", "x"):
            with pytest.raises(NotFound) as raised:
                await export_person(desk.dependencies, desk.viewer, unknown)
            assert raised.value.path == ("contactId",)
        assert await desk.rows(Activity, verb=Verb.EXPORT_CONTACT) == []
        assert await desk.rows(ErasureCertificate) == []
