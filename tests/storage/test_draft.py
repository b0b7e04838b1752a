"""The next migration as it is drafted: numbered after the newest, and to the declared tables."""

import asyncio
import shutil
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from tests.architecture.test_metadata import differences_at
from trenza.storage.migrate import FOLDER, config_of, draft

BEFORE = "0008"
"""The last that is left: what came later is what has to be drafted."""


async def test_a_draft_follows_the_newest_and_makes_the_tables(
    url_before: str, tmp_path: Path
) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (folder / "versions").glob("*.py"):
        if path.name[:4] > BEFORE:
            path.unlink()
    config = config_of(url_before, folder)

    await asyncio.to_thread(draft, "People are erased.", folder)
    await asyncio.to_thread(command.upgrade, config, "head")

    assert (folder / "versions" / "0009_people_are_erased.py").is_file()
    assert ScriptDirectory.from_config(config).get_current_head() == "0009"
    assert await differences_at(url_before) == []
