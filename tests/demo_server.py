"""`trenza demo` as a process of its own, for tests that look at it from outside."""

import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from tests.ports import free_port

COMMAND = [sys.executable, "-c", "from trenza.cli import main; main()", "demo"]
START_S_MAX = 60
STOP_S_MAX = 20
RECORD = """
mutation ($input: RecordInteractionInput!) {
  recordInteraction(input: $input) {
    __typename
    ... on RecordInteractionPayload {
      entries { amount sequence }
      balance { remaining consumed }
    }
    ... on UserError { code message }
  }
}
"""


class DemoServer:
    """The demo on one port and one data folder, through any number of deaths."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data / "server.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Starts it and waits until it is ready; raises RuntimeError with its log otherwise."""
        command = [*COMMAND, "--port", str(self.port), "--data", str(self.data)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        waited_until = time.monotonic() + START_S_MAX
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > waited_until:
                raise RuntimeError(f"the demo did not start:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.05)
        return self

    def is_ready(self) -> bool:
        """Whether it says so itself."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        """SIGKILL: it gets no chance to tidy up."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that is not enough."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                self.kill()

    def key(self, role: str = "admin") -> str:
        """The key that it wrote down for a role."""
        key: str = json.loads((self.data / "demo.json").read_text())["keys"][role]
        return key

    def ask(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The whole answer to a GraphQL request with the key of the admin."""
        request = urllib.request.Request(
            f"{self.url}/graphql",
            json.dumps({"query": query, "variables": variables or {}}).encode(),
            {"Authorization": f"Bearer {self.key()}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            answer: dict[str, Any] = json.load(response)
        return answer

    def contact_of(self, channel: str, address: str) -> str:
        """The id of the contact of an address."""
        document = (
            "query ($channel: ChannelKind!, $address: String!) { "
            "contactByIdentity(channel: $channel, address: $address) { id } }"
        )
        found = self.ask(document, {"channel": channel, "address": address})
        id_: str = found["data"]["contactByIdentity"]["id"]
        return id_

    def record_from_someone_new(self) -> dict[str, Any]:
        """A first message of a person whom nobody knows, which costs one credit; its payload."""
        now = datetime.now(UTC)  # noqa: TID251 - the demo runs on the real clock
        sent = {
            "identity": {"channel": "WHATSAPP", "address": f"+5255{now.microsecond + 55_000_000}"},
            "channel": "WHATSAPP",
            "kind": "CUSTOMER_MESSAGE",
            "occurredAt": now.isoformat(),
        }
        answer = self.ask(RECORD, {"input": sent})
        payload: dict[str, Any] = answer["data"]["recordInteraction"]
        return payload


@contextmanager
def running_demo(data: Path, loaded: Path | None = None) -> Iterator[DemoServer]:
    """A demo server that is gone afterwards; `loaded` is a folder of data to begin with a copy of.

    A copy is nobody's but the test's, and spares it the loading.
    """
    if loaded is not None:
        shutil.copytree(loaded, data, dirs_exist_ok=True)
    server = DemoServer(data)
    try:
        yield server.start()
    finally:
        server.stop()
