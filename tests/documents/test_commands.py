"""The commands of the README do what it says."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.demo_server import DemoServer
from tests.documents.markdown import DOCUMENTS, ROOT, Block, list_blocks, prose_of
from tests.documents.operations import differences
from tests.postgresql import PostgresqlServer
from trenza.settings import PREFIX, Settings

README = ROOT / "README.md"
BLOCKS = [block for document in DOCUMENTS for block in list_blocks(document, "sh")]
MAKE = [block for block in BLOCKS if block.text.startswith("make ")]
AGAINST_THE_DEMO = [block for block in BLOCKS if "curl" in block.text]
TYPED = [block for block in BLOCKS if block not in (*MAKE, *AGAINST_THE_DEMO)]
SHOWN_POSTGRESQL_URL = "postgresql+asyncpg://trenza:secret@127.0.0.1:5432/trenza"


def run(block: Block, folder: Path, **replaced: str) -> str:
    """Types a block in the folder and returns what it prints; a server only reads its options."""
    commands = re.sub(r"^trenza serve.*$", r"\g<0> --help", block.text, flags=re.MULTILINE)
    for shown, meant in replaced.items():
        commands = commands.replace(shown, meant)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
    environment["PATH"] = f"{folder / '.venv' / 'bin'}{os.pathsep}{environment['PATH']}"
    environment["PYTHONPATH"] = str(ROOT / "src")
    done = subprocess.run(
        ["sh", "-eu", "-c", commands],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{block.place}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_commands_work_one_after_the_other(
    folder: Path, postgresql_server: PostgresqlServer
) -> None:
    empty = postgresql_server.create("trenza_test_documents")
    try:
        printed = [run(block, folder, **{SHOWN_POSTGRESQL_URL: empty}) for block in TYPED]
    finally:
        postgresql_server.drop("trenza_test_documents")

    assert len(re.findall(r"^trz_live_\w+$", "".join(printed), re.MULTILINE)) == 3
    assert "web shop" in "".join(printed)
    assert (folder / "backup.db").stat().st_size > 0


@pytest.mark.parametrize("block", AGAINST_THE_DEMO, ids=lambda block: block.place)
def test_the_demo_answers_from_the_command_line(
    block: Block, folder: Path, demo: DemoServer
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("this machine has no curl")
    following = [each for each in list_blocks(block.document, "json") if each.line > block.line]

    printed = run(block, folder, **{"http://127.0.0.1:8000": demo.url})

    assert differences(json.loads(following[0].text), json.loads(printed)) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_target_of_make_that_is_named_is_there(document: Path) -> None:
    shown = "\n".join(block.text for block in MAKE if block.document == document)
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", prose_of(document) + shown, re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert named <= targets


def test_every_setting_is_in_the_readme_and_no_other() -> None:
    named = set(re.findall(rf"`{PREFIX}(\w+)`", prose_of(README)))

    assert named == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize(
    "block",
    [block for block in list_blocks(README, "python") if block.text.startswith("# src/")],
    ids=lambda block: block.place,
)
def test_the_code_shown_is_the_code(block: Block) -> None:
    first, *shown = [line for line in block.text.splitlines() if line.strip()]
    lines = iter((ROOT / first.removeprefix("# ")).read_text(encoding="utf-8").splitlines())

    missing = [line for line in shown if line not in lines]

    assert missing == []
