"""What tests of the command line leave as they found it: logging, and the rights of folders."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def open_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that everybody can reach, though the tests run as root in a folder of root's."""
    opened = [path for path in (tmp_path, *tmp_path.parents) if path.stat().st_uid == os.getuid()]
    modes = {path: path.stat().st_mode for path in opened if not path.stat().st_mode & 0o005}
    for path, mode in modes.items():
        path.chmod(mode | 0o055)
    yield tmp_path
    for path, mode in modes.items():
        path.chmod(mode)
