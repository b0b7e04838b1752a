"""`trenza serve` as a process: it says where it serves, and to be told to stop is no failure."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from typing import Any

import pytest

from tests.cli.commands import failure
from trenza.cli.listening import listen

WITHIN_S = 60


def line_of(process: "subprocess.Popen[str]", event: str) -> dict[str, Any]:
    """The next log line of a process with this event."""
    assert process.stderr is not None
    until = time.monotonic() + WITHIN_S
    while time.monotonic() < until:
        line: dict[str, Any] = json.loads(process.stderr.readline())
        if line["event"] == event:
            return line
    raise AssertionError(f"{event} was not logged")


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_it_serves_until_it_is_told_to_stop(sqlite_url: str, told: signal.Signals) -> None:
    words = [sys.executable, "-m", "trenza", "serve", "--port", "0", "--database", sqlite_url]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as served:
        assert served.stdout is not None
        url = line_of(served, "serving")["url"]
        with urllib.request.urlopen(f"{url}/readyz", timeout=WITHIN_S) as response:
            ready = json.load(response)
        request = line_of(served, "request")
        served.send_signal(told)
        line_of(served, "stopped")
        said = served.stdout.read()

    assert ready["status"] == "ok"
    assert (request["method"], request["path"], request["status"]) == ("GET", "/readyz", 200)
    assert served.returncode == 0
    assert said == ""


def test_a_port_in_use_is_one_line(sqlite_url: str) -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]

        line = failure("serve", "--port", str(port), "--database", sqlite_url)

    assert line == f"port {port} is in use: stop what listens there, or choose another with --port"


@pytest.mark.parametrize(
    ("option", "value", "line"),
    [
        (
            "--port",
            "many",
            "--port should be a valid integer, unable to parse string as an integer",
        ),
        ("--port", "65536", "--port should be less than or equal to 65535"),
        ("--host", "192.0.2.1", "--host 192.0.2.1 is no address of this machine"),
    ],
)
def test_a_place_that_cannot_be_had_is_one_line(
    sqlite_url: str, option: str, value: str, line: str
) -> None:
    assert failure("serve", option, value, "--database", sqlite_url) == line
