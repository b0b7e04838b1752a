"""`trenza serve` as a process of its own, to be asked, killed and started again."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tests.ports import free_port

ROOT = Path(__file__).parents[1]
START_S_MAX = 60
STOP_S_MAX = 20


class ServerProcess:
    """A server on one port and one migrated database, through any number of deaths."""

    def __init__(self, database_url: str, log: Path, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.socket_url = f"ws://127.0.0.1:{self.port}/graphql"
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        given = {"TRENZA_LOG_FORMAT": "json", **settings}
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), **given}
        self._command = [
            *(sys.executable, "-m", "trenza.cli", "serve"),
            *("--port", str(self.port), "--database", database_url),
        ]

    def start(self) -> Self:
        """Starts it and waits until it is ready; raises RuntimeError with its log otherwise."""
        with self._log.open("ab") as log:
            process = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log)
        self._process = process
        waited_until = time.monotonic() + START_S_MAX
        while not self._is_ready():
            if process.poll() is not None or time.monotonic() > waited_until:
                raise RuntimeError(f"the server did not start:\n{self.log_text()[-4000:]}")
            time.sleep(0.02)
        return self

    def kill(self) -> None:
        """SIGKILL: it gets no chance to tidy up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self, seconds_max: float) -> int:
        """The exit code, when it has ended; raises TimeoutExpired."""
        if self._process is None:
            raise RuntimeError("the server was never started")
        return self._process.wait(seconds_max)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that is not enough."""
        if self._process is not None and self._process.poll() is None:
            self.terminate()
            try:
                self.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                self.kill()

    def log_text(self) -> str:
        """All that it has said so far."""
        return self._log.read_text(errors="replace")

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@contextmanager
def running_server(database_url: str, log: Path, **settings: str) -> Iterator[ServerProcess]:
    """A server that is gone afterwards, and that must not have failed by an exception."""
    server = ServerProcess(database_url, log, **settings)
    try:
        yield server.start()
    finally:
        server.stop()
    said = server.log_text()
    failed = said.find("Traceback")
    assert failed < 0, said[max(failed - 2000, 0) : failed + 6000]
