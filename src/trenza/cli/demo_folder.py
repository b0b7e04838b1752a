"""The folder of the demo: its database and, in `demo.json`, the key of a user of each role.

The database is loaded under another name and renamed when it is whole, so that a start that was
interrupted leaves nothing behind that the next one would take for the demo.
"""

import fcntl
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trenza.app import SystemClock
from trenza.cli.company import (
    describe,
    find_company,
    is_whole,
    load_company,
    make_keys,
    seat_users,
)
from trenza.cli.failures import Failure
from trenza.cli.opened import on_database
from trenza.cli.progress import shown_progress
from trenza.cli.timeline import ReplayClock
from trenza.domain.errors import BrokenInvariant, Unauthenticated
from trenza.services.access import act_as_system, authenticate
from trenza.services.dependencies import Dependencies
from trenza.settings import Settings
from trenza.storage.founding import list_workspaces
from trenza.storage.readiness import migrate

JOURNALS = ("-wal", "-shm", "-journal")
NOTE = "demo.json"
PRIVATE = 0o600


@dataclass(frozen=True)
class DemoFolder:
    """A folder that can be written."""

    path: Path
    settings: Settings

    @classmethod
    def of(cls, settings: Settings) -> "DemoFolder":
        """The folder of the settings, made where it is missing; raises Failure where it cannot."""
        path = settings.data
        if "?" in str(path):
            raise Failure(f"the folder {path} cannot be used: name one without a ? by --data")
        with _told_of(path):
            path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path):
                pass
        return cls(path, settings.model_copy(update={"database": _url_of(path / "trenza.db")}))

    @property
    def database(self) -> Path:
        """The file of the database, under the name that it has when it is whole."""
        return self.path / "trenza.db"

    def prepare(self, url: str) -> dict[str, str]:
        """Loads the company where it is missing, and returns its keys, by the role.

        Writes `demo.json` for the server at `url`. Raises Failure and UnusableDatabaseError.
        """
        with _told_of(self.path), self._alone():
            if not self._holds_workspaces():
                self._load()
            workspace_id, keys = on_database(self.settings, self._find)
            self._note({"url": url, "workspaceId": workspace_id, "keys": keys})
        return keys

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Waits until nobody else prepares the folder; others wait until this is over."""
        with (self.path / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _holds_workspaces(self) -> bool:
        if not self.database.exists():
            return False
        migrate(self.settings.database)

        async def holds_any(dependencies: Dependencies) -> bool:
            async with dependencies.database.across_workspaces().read() as connection:
                return bool(await list_workspaces(connection))

        return on_database(self.settings, holds_any)

    def _load(self) -> None:
        """Makes the database, whole or not at all."""
        loading = self.path / "trenza.db.loading"
        _remove(loading)
        url = _url_of(loading)
        migrate(url)
        clock = ReplayClock(SystemClock().now())

        async def load(dependencies: Dependencies) -> None:
            with shown_progress(f"loading {describe()['workspace']['name']}") as tell:
                await load_company(dependencies, clock, tell)

        on_database(self.settings.model_copy(update={"database": url}), load, clock)
        if loading.with_name(f"{loading.name}-wal").exists():
            raise BrokenInvariant(f"{loading} was closed and still has a journal")
        _remove(self.database)
        loading.replace(self.database)

    async def _find(self, dependencies: Dependencies) -> tuple[str, dict[str, str]]:
        """The company's workspace and its keys: those noted, or new ones where one is no good."""
        workspace_id = await find_company(dependencies)
        if workspace_id is None:
            raise Failure(f"{self.database} holds other workspaces: name another folder by --data")
        if not await is_whole(dependencies, workspace_id):
            raise Failure(f"{self.database} was loaded in part: remove the file, then again")
        viewer = await act_as_system(dependencies, workspace_id)
        noted = self._noted_keys()
        await seat_users(dependencies, viewer)
        if await _are_good(dependencies, workspace_id, noted):
            return workspace_id, noted
        made = await make_keys(dependencies, viewer, self.settings.environment)
        return workspace_id, {role: key.text for role, key in made.items()}

    def _noted_keys(self) -> dict[str, str]:
        """The keys in `demo.json`; none where the file is lost or was damaged."""
        try:
            keys = json.loads((self.path / NOTE).read_text(encoding="utf-8"))["keys"]
            return {str(role): str(key) for role, key in keys.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def _note(self, content: dict[str, Any]) -> None:
        """Writes `demo.json`, readable by its owner alone; nothing where it says so already."""
        file, note = self.path / NOTE, (json.dumps(content, indent=2) + "\n").encode()
        if file.exists() and file.stat().st_mode & 0o777 == PRIVATE and file.read_bytes() == note:
            return
        new = self.path / f"{NOTE}.new"
        new.unlink(missing_ok=True)
        new.touch(PRIVATE, exist_ok=False)
        new.write_bytes(note)
        new.replace(file)


@contextmanager
def _told_of(folder: Path) -> Iterator[None]:
    """Makes one line of what keeps the folder or a file in it from being used."""
    try:
        yield
    except OSError as error:
        raise Failure(
            f"the folder {folder} cannot be used ({error.strerror}): name another by --data"
        ) from error


async def _are_good(dependencies: Dependencies, workspace_id: str, keys: Mapping[str, str]) -> bool:
    """Whether there is a key for each role, and each is that of a user of it."""
    if keys.keys() != {key["role"].lower() for key in describe()["keys"]}:
        return False
    try:
        viewers = [await authenticate(dependencies, f"Bearer {key}") for key in keys.values()]
    except Unauthenticated:
        return False
    roles = [viewer.role and viewer.role.lower() for viewer in viewers]
    return roles == list(keys) and all(each.workspace_id == workspace_id for each in viewers)


def _url_of(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


def _remove(database: Path) -> None:
    """Removes a database with its journals: they would be taken for those of the next one."""
    for suffix in ("", *JOURNALS):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
