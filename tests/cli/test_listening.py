"""Taking a port: why one cannot be had, and what others see of it."""

import socket

import pytest

from trenza.cli.failures import Failure
from trenza.cli.listening import listen, url_of


def test_a_port_is_taken_at_once() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(Failure) as caught:
            listen("127.0.0.1", port)

    assert str(caught.value) == (
        f"port {port} is in use: stop what listens there, or choose another with --port"
    )


def test_a_port_is_free_again_at_once() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            listener.accept()[0].close()

    with listen("127.0.0.1", port) as again:
        assert again.getsockname()[1] == port


@pytest.mark.parametrize(
    ("host", "line"),
    [
        ("no such host.invalid", "--host no such host.invalid is no address: "),
        ("192.0.2.1", "--host 192.0.2.1 is no address of this machine"),
    ],
)
def test_an_address_that_cannot_be_had_is_named(host: str, line: str) -> None:
    with pytest.raises(Failure) as caught:
        listen(host, 0)

    assert str(caught.value).startswith(line)


@pytest.mark.parametrize(
    ("host", "begins"),
    [
        ("127.0.0.1", "http://127.0.0.1:"),
        ("localhost", "http://127.0.0.1:"),
        ("0.0.0.0", "http://127.0.0.1:"),
        ("::1", "http://[::1]:"),
        ("::", "http://[::1]:"),
    ],
)
def test_the_url_is_one_that_this_machine_reaches(host: str, begins: str) -> None:
    try:
        listener = listen(host, 0)
    except Failure as failure:
        pytest.skip(f"this machine has no IPv6: {failure}")
    with listener:
        url = url_of(listener)
        family, port = listener.family, listener.getsockname()[1]

        assert url == f"{begins}{port}"
        with socket.socket(family) as client:
            client.connect(("::1" if family == socket.AF_INET6 else "127.0.0.1", port))
