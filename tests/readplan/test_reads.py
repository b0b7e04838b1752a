"""What SQLite reads for a person: what is found by the person's own ids, never all of a workspace.

It knows nothing of how many rows there are, and orders a join by what it can see of it.
"""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.world import NOON, a_world, text_of
from trenza.storage.contact_as_of import SAID

TIMELINE = "query ($id: ID!) { contact(id: $id) { timeline { nodes { id kind at } } } }"
AS_IT_WAS = """
query ($id: ID!, $at: DateTime) {
  contact(id: $id, at: $at) {
    displayName
    identities { address }
    mergedInto { displayName identities { address } }
    mergedFrom { displayName mergedInto { id } identities { address } }
  }
}
"""


def all_that_is_read(file: Path, text: str, count: int) -> list[str]:
    """The steps of a statement that read every row of a table, or every one of a workspace."""
    with sqlite3.connect(file) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        steps = connection.execute(f"EXPLAIN QUERY PLAN {text}", [None] * count).fetchall()
    found = [step for *_, step in steps]
    assert any(step.startswith("SEARCH") for step in found)
    return [
        step
        for step in found
        if step.endswith("(workspace_id=?)")
        or (step.startswith("SCAN ") and step.split()[1] in tables)
    ]


@pytest.fixture
def file(tmp_path: Path, migrated_sqlite: Path) -> Path:
    """A migrated database of its own."""
    copied = tmp_path / "reads.sqlite3"
    copied.write_bytes(migrated_sqlite.read_bytes())
    return copied


@pytest.mark.parametrize("document", [TIMELINE, AS_IT_WAS], ids=["timeline", "as it was"])
async def test_a_person_is_read_by_their_own_ids(file: Path, document: str) -> None:
    async with a_world(f"sqlite+aiosqlite:///{file}") as world:
        client = (await world.tenant()).admin
        given: dict[str, Any] = {"id": "contact_01m3j9ce35fzq9d5s0w55415ce"}
        if document == AS_IT_WAS:
            given["at"] = text_of(NOON)
        await client.run(document, **given)
        [(plan, _)] = world.app.state.planner._plans._values.values()

    statement = plan.statement
    assert all_that_is_read(file, statement.text, len(statement.values)) == []


async def test_what_was_said_is_read_by_who_said_it(file: Path) -> None:
    async with a_world(f"sqlite+aiosqlite:///{file}") as world:
        text = SAID.text(world.parts.dependencies.database.dialect)

    assert all_that_is_read(file, text.text, text.text.count("?")) == []
