"""After an erasure no canary of the person is left: in rows, indexes, free pages, logs (I15)."""

from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from tests.services.canaries import WORDS, Planted, is_canary, leftovers, plant, stored
from tests.services.columns import not_personal, telling_columns
from tests.services.office import Office, an_office
from tests.world import a_world
from trenza.domain.erasure import texts_in
from trenza.services.scrub import scrub_database
from trenza.storage.contact import STATE
from trenza.storage.engine import driver_arguments
from trenza.storage.person import PERSONAL


def test_every_text_is_declared_personal_or_not() -> None:
    columns = set(telling_columns())
    personal = {(table, column) for table, named in PERSONAL.items() for column in named}

    assert personal & not_personal() == set()
    assert columns - personal - not_personal() == set(), "say whether it tells of a person"
    assert not_personal() - columns == set()
    # What describes a contact is personal also where it is no text: a date of birth.
    assert {column for _, column in personal - columns} <= set(STATE)


async def bytes_of(url: str) -> bytes:
    """All that the files of a database hold, in lower case."""
    if url.startswith("sqlite"):
        file = Path(str(make_url(url).database))
        files = sorted(file.parent.glob(f"{file.name}*"))
        return b"".join(each.read_bytes() for each in files).lower()
    connection = await asyncpg.connect(**driver_arguments(url))
    try:
        await connection.execute("CHECKPOINT")
        return b"".join(
            row["bytes"]
            for row in await connection.fetch(
                "SELECT pg_read_binary_file(folder || '/' || name, true) AS bytes FROM"
                " (SELECT 'base/' || oid AS folder FROM pg_database"
                "  WHERE datname = current_database()) AS here, pg_ls_dir(folder) AS name"
                " WHERE name ~ '^[0-9]'"
            )
        ).lower()
    finally:
        await connection.close()


async def found_in_files(desk: Office, planted: Planted) -> list[str]:
    """The texts that stand in the files of the database."""
    held = await bytes_of(desk.dependencies.database.url)
    return sorted(text for text in planted.texts if text.lower().encode() in held)


async def erase(desk: Office, planted: Planted) -> None:
    """Erases over the API, as any client would."""
    given = {"contactId": planted.contact_id, "reason": "asked by mail"}
    on = "... on EraseContactPayload { contact { erasedAt } certificate { id } }"
    done = await desk.tenant.admin.do("eraseContact", "EraseContactInput", on, given)
    assert done["contact"]["erasedAt"]


async def test_no_canary_is_left(
    database_url: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with a_world(database_url) as world:
        desk = await an_office(world, interactionz=10)
        planted = await plant(desk)
        assert len(await found_in_files(desk, planted)) > 30
        assert await leftovers(desk, planted.texts)

        await erase(desk, planted)

        assert await leftovers(desk, planted.texts) == []
        assert await desk.differences() == []
        assert await scrub_database(desk.dependencies, [desk.tenant.id]) == 1
        assert await found_in_files(desk, planted) == []
        logged = "".join([*capfd.readouterr(), caplog.text])
        assert not is_canary(logged)
        assert await desk.differences() == []
    assert await found_in_files(desk, planted) == []


async def test_every_personal_column_held_a_canary(sqlite_url: str) -> None:
    async with a_world(sqlite_url) as world:
        desk = await an_office(world)
        planted = await plant(desk)
        seen: dict[tuple[str, str], list[str]] = {}
        async for table, column, value in stored(desk, planted.contact_id):
            told = seen.setdefault((table, column), [])
            told += texts_in(value) if column not in WORDS else [str(value)] * (value is not None)

    personal = {(table, column) for table, named in PERSONAL.items() for column in named}
    assert seen.keys() == personal
    assert {key for key in seen if not seen[key]} == set(), "give the person a value of it: plant"
    own = {key for key, texts in seen.items() if any(map(is_canary, texts))}
    assert {column for _, column in personal - own} == WORDS
