"""A running demo for the operations of the front-end examples."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo_server import DemoServer, running_demo


@pytest.fixture(scope="session")
def demo(loaded_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    """The demo with its seed loaded."""
    with running_demo(tmp_path_factory.mktemp("demo"), loaded_demo) as server:
        yield server
