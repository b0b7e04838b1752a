"""The servers that are compared, each a process of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
STARTS_WITHIN_S = 60
STOPS_WITHIN_S = 20
PORT = "{port}"
"""Where the words of a command take the port."""


@dataclass(frozen=True)
class Server:
    """A server, by its process."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self.process.pid

    def require_ready(self) -> None:
        """Waits until it answers; raises RuntimeError with its log where it does not."""
        waited_until = time.monotonic() + STARTS_WITHIN_S
        while not _answers(f"http://127.0.0.1:{self.port}/readyz"):
            if self.process.poll() is not None or time.monotonic() > waited_until:
                said = self.log.read_text(errors="replace")[-4000:]
                raise RuntimeError(f"{self.name} did not start:\n{said}")
            time.sleep(0.02)


@contextmanager
def running(
    name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> Iterator[Server]:
    """A server from its start on; whether it is ready has to be asked."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = [word.replace(PORT, str(port)) for word in command]
    given = {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", **environment}
    with log.open("wb") as output:
        process = subprocess.Popen(
            words, cwd=ROOT, env={**os.environ, **given}, stdout=output, stderr=output
        )
    try:
        yield Server(name, port, process, log)
    finally:
        process.terminate()
        try:
            process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except urllib.error.HTTPError as answer:
        return answer.code == 404  # It is there, and knows no such page.
    except (urllib.error.URLError, OSError):
        return False


def trenza(database_url: str) -> list[str]:
    """The command of Trenza's own server."""
    command = [sys.executable, "-m", "trenza.cli", "serve", "--port", PORT]
    return [*command, "--database", database_url]


def reference(module: str, database: str, *more: str) -> list[str]:
    """The command of a hand-written server of `reference/`."""
    command = [sys.executable, "-m", f"tests.benchmarks.reference.{module}", PORT, database]
    return [*command, *more]
