"""A demo with its seed for the documents, and a folder to type their commands in."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo_server import DemoServer, running_demo

COMMANDS = {
    "trenza": f'#!/bin/sh\nexec "{sys.executable}" -m trenza "$@"\n',
    "python3": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n',
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a checkout is after `make demo`: the commands are in `.venv/bin`."""
    folder = tmp_path_factory.mktemp("documents")
    binaries = folder / ".venv" / "bin"
    binaries.mkdir(parents=True)
    for name, script in COMMANDS.items():
        (binaries / name).write_text(script)
        (binaries / name).chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def demo(folder: Path, loaded_demo: Path) -> Iterator[DemoServer]:
    """The demo, with its data in that folder."""
    with running_demo(folder / ".trenza", loaded_demo) as server:
        yield server
