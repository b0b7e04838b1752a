"""What is deleted or replaced leaves no bytes in the file of SQLite."""

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import delete, insert, update
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.storage.probes import OWN, fill
from tests.world import NOON
from trenza.storage.contact_list import LIST
from trenza.storage.engine import Database

SHORT = "canary-of-a-few-bytes"
LONG = "canary-of-several-pages" * 1000
KEPT = "kept-beside-them"


def _bytes_of(url: str) -> bytes:
    """The database file, with its log and index where they are still there."""
    file = Path(str(make_url(url).database))
    return b"".join(each.read_bytes() for each in sorted(file.parent.glob(f"{file.name}*")))


async def _write(url: str, names: Iterable[str]) -> None:
    """Adds lists of these names; closing the database moves its log into the file."""

    async def work(connection: AsyncConnection) -> None:
        for name in names:
            row = {"workspace_id": OWN, "id": f"list-{len(name)}", "name": name}
            dates = {"created_at": NOON, "updated_at": NOON}
            await connection.execute(insert(LIST).values(row | dates))

    database = Database(url)
    await database.write(work, OWN)
    await database.close()


async def test_a_deleted_row_is_overwritten(sqlite_url: str) -> None:
    await fill(sqlite_url)
    await _write(sqlite_url, (SHORT, LONG, KEPT))
    before = _bytes_of(sqlite_url)
    assert all(name[:20].encode() in before for name in (SHORT, LONG, KEPT))

    async def work(connection: AsyncConnection) -> None:
        chosen = LIST.c.name.in_((SHORT, LONG))
        await connection.execute(delete(LIST).where(LIST.c.workspace_id == OWN, chosen))

    database = Database(sqlite_url)
    await database.write(work, OWN)
    await database.close()

    assert b"canary-of" not in _bytes_of(sqlite_url)
    assert KEPT.encode() in _bytes_of(sqlite_url)


async def test_a_replaced_value_is_overwritten(sqlite_url: str) -> None:
    await fill(sqlite_url)
    names = (f"{LONG}-1", KEPT)
    await _write(sqlite_url, names)
    assert b"several-pages" in _bytes_of(sqlite_url)

    async def work(connection: AsyncConnection) -> None:
        chosen = (LIST.c.workspace_id == OWN, LIST.c.name == names[0])
        await connection.execute(update(LIST).where(*chosen).values(name="short"))

    database = Database(sqlite_url)
    await database.write(work, OWN)
    await database.close()

    assert b"several-pages" not in _bytes_of(sqlite_url)
    assert KEPT.encode() in _bytes_of(sqlite_url)
