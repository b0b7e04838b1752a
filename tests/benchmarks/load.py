"""The load: keep-alive connections that each ask again as soon as they are answered.

It runs in the process that measures, which does nothing else meanwhile, on bare protocols, so that
it costs little of the machine; what it costs is measured too.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length:"
ANSWERS_WITHIN_S = 60


@dataclass(frozen=True)
class Expected:
    """What every answer has to hold, once or so many times; its status has to be 200."""

    text: bytes
    times: int | None = None

    def is_met(self, answer: bytes) -> bool:
        """Whether an answer, its head included, is as expected."""
        found = answer.count(self.text)
        is_enough = found > 0 if self.times is None else found == self.times
        return is_enough and answer[9:12] == b"200"


@dataclass(frozen=True, slots=True)
class Slice:
    """What some seconds of load came to."""

    seconds: float
    answered: int
    """Answers within those seconds; latencies has those after their end too."""
    latencies: list[float]
    cpu_seconds: float


def request(method: str, path: str, body: bytes = b"", key: str | None = None) -> bytes:
    """The bytes of an HTTP request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json"]
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class WrongAnswerError(Exception):
    """An answer that is not what was expected, or none."""


class _Client(asyncio.Protocol):
    """One connection: asks, waits for the answer, asks again until it is told to stop."""

    def __init__(self, requests: Iterator[bytes], expected: Expected, until: float) -> None:
        self._requests = requests
        self._expected = expected
        self._until = until
        self._received = bytearray()
        self._needed = 0
        self._asked_at = 0.0
        self.last = b""
        self.latencies: list[float] = []
        self.late = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's streams are no subclass of what they implement.
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        asked = next(self._requests)
        self._asked_at = time.perf_counter()
        self._transport.write(asked)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._needed:
            end = self._received.find(END_OF_HEAD)
            if end < 0:
                return
            head = bytes(self._received[:end]).lower()
            at = head.find(LENGTH)
            if at < 0:
                self._fail("an answer without a length")
                return
            length = int(head[at + len(LENGTH) :].partition(b"\r\n")[0])
            self._needed = end + len(END_OF_HEAD) + length
        if len(self._received) >= self._needed:
            self._take()

    def _take(self) -> None:
        now = time.perf_counter()
        answer, self._received, self._needed = bytes(self._received), bytearray(), 0
        if not self._expected.is_met(answer):
            self._fail(f"an answer was not what was expected: {answer[:2000]!r}")
            return
        self.last = answer
        self.latencies.append(now - self._asked_at)
        if now < self._until:
            self._ask()
        else:
            self.late += 1
            self._finish(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self._finish(WrongAnswerError(f"the server hung up: {exc}"))

    def _fail(self, why: str) -> None:
        self._finish(WrongAnswerError(why))

    def _finish(self, error: WrongAnswerError | None) -> None:
        if not self.done.done():
            if error is None:
                self.done.set_result(None)
            else:
                self.done.set_exception(error)
        self._transport.close()


async def load(
    port: int, requests: Iterator[bytes], expected: Expected, connections: int, seconds: float
) -> Slice:
    """Loads a server for some seconds; raises WrongAnswerError where one is not as expected."""
    loop = asyncio.get_running_loop()
    began, cpu = time.perf_counter(), time.process_time()
    clients = []
    for _ in range(connections):
        _, client = await loop.create_connection(
            lambda: _Client(requests, expected, began + seconds), "127.0.0.1", port
        )
        clients.append(client)
    async with asyncio.timeout(seconds + ANSWERS_WITHIN_S):
        await asyncio.gather(*(client.done for client in clients))
    latencies = [each for client in clients for each in client.latencies]
    in_time = len(latencies) - sum(client.late for client in clients)
    if in_time:
        return Slice(seconds, in_time, latencies, time.process_time() - cpu)
    took = time.perf_counter() - began
    return Slice(took, len(latencies), latencies, time.process_time() - cpu)


async def ask(port: int, asked: bytes) -> bytes:
    """The body of one answer; raises WrongAnswerError unless its status is 200."""
    loop = asyncio.get_running_loop()
    anything = Expected(END_OF_HEAD)
    _, client = await loop.create_connection(
        lambda: _Client(iter([asked]), anything, until=0), "127.0.0.1", port
    )
    async with asyncio.timeout(ANSWERS_WITHIN_S):
        await client.done
    return client.last.partition(END_OF_HEAD)[2]
