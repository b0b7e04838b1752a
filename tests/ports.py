"""Ports for the servers of tests, which nobody else takes between two starts of one."""

import fcntl
import socket
import tempfile
from pathlib import Path
from random import SystemRandom
from typing import IO

BELOW_THE_SYSTEMS_OWN = range(15_000, 32_000)
"""A port that the system gives to connections going out might be taken while a server is down."""

_held: list[IO[bytes]] = []


def free_port() -> int:
    """A port that is this process's until it ends, whatever other tests run on the machine."""
    random = SystemRandom()
    while True:
        port = random.choice(BELOW_THE_SYSTEMS_OWN)
        if _is_held(port) and _is_silent(port):
            return port


def _is_held(port: int) -> bool:
    claim = (Path(tempfile.gettempdir()) / f"trenza-test-port-{port}").open("wb")
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        claim.close()
        return False
    _held.append(claim)
    return True


def _is_silent(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
