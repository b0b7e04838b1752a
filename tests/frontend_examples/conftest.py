"""A running demo for the operations of the front-end examples."""

from collections.abc import Iterator

import pytest

from tests.demo_server import DemoServer, running_demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoServer]:
    """The demo with its seed loaded."""
    with running_demo(tmp_path_factory.mktemp("demo")) as server:
        yield server
