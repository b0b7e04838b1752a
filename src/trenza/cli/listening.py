"""Taking a port, and serving the application on it until the process is told to stop."""

import errno
import gc
import signal
import socket
from contextlib import suppress
from typing import Any

import structlog
import uvicorn

from trenza.cli.failures import Failure

BACKLOG = 2048
WEBSOCKET_MESSAGE_BYTES_MAX = 64 * 1024
STOPS_WITHIN_S = 10
COLLECTED_AFTER = (20_000, 20, 20)
"""After how many new objects, and rounds of it, garbage that refers to itself is looked for."""

LOG = structlog.get_logger("trenza.serve")


def listen(host: str, port: int) -> socket.socket:
    """Takes the port, so that nobody else can from now on; what connects waits to be served.

    Raises Failure where the port or the address cannot be had.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise Failure(f"--host {host} is no address: {error.strerror}") from error
    # A name such as localhost may have both; clients try the older family in any case.
    family, kind, protocol, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise Failure(_why_not(host, port, error)) from error
    return listener


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use: stop what listens there, or choose another with --port"
    if error.errno == errno.EACCES:
        return f"port {port} needs more rights than this user has: choose another with --port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"--host {host} is no address of this machine"
    return f"cannot listen on {host}, port {port}: {error.strerror}"


def url_of(listener: socket.socket) -> str:
    """The URL under which this machine reaches what listens.

    >>> with listen("127.0.0.1", 0) as listener:
    ...     url_of(listener).startswith("http://127.0.0.1:")
    True
    """
    address, port = listener.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def run_until_told(app: Any, listener: socket.socket) -> None:
    """Serves until SIGTERM or SIGINT; then what was accepted is finished within 10 seconds."""
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=WEBSOCKET_MESSAGE_BYTES_MAX,
        lifespan="on",
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=STOPS_WITHIN_S,
    )
    # The server raises its signal again once it has stopped: to be told to stop is no failure.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    LOG.info("serving", url=url_of(listener))
    server = uvicorn.Server(config)
    # What is loaded by now stays: to look for garbage in it again and again takes longer than
    # many requests do.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AFTER)
    # A process in the background may be started with Ctrl-C ignored: nothing is raised then.
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    if server.started:
        LOG.info("stopped")
