"""Whether a database can be used, and if not, what to do about it, in one line."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from trenza.storage.engine import Database
from trenza.storage.isolation import find_isolation_gap
from trenza.storage.migrate import config_of, current_revision, newest_revision, upgrade

MIGRATE = "run: trenza migrate"
MAGIC = b"SQLite format 3\0"


class UnusableDatabaseError(Exception):
    """A database that cannot be used as it is; the message says what to do."""


async def require_ready(database: Database) -> None:
    """Raises UnusableDatabaseError unless the database can be reached and has the newest schema."""
    file = file_of(database.url)
    if file is not None:
        require_file(file)
    with explained(database.url):
        async with database.read(None) as connection:
            revision = await current_revision(connection)
    require_newest(revision, shown(database.url))


async def isolation_gap(database: Database) -> str | None:
    """Why the database does not keep workspaces apart by itself, or nothing where it does."""
    with explained(database.url):
        async with database.read(None) as connection:
            return await find_isolation_gap(connection)


def require_file(file: Path) -> None:
    """Raises UnusableDatabaseError unless the file is a database that can be written.

    SQLite would make a missing file, and writes its journal beside it, in the same folder.
    """
    if not file.exists():
        raise UnusableDatabaseError(f"there is no database {file}: {MIGRATE}")
    require_kind(file)
    if not (_can_write(file) and _can_write(file.parent)):
        raise UnusableDatabaseError(
            f"the database {file} cannot be written: give this user the right to write it and"
            " its folder"
        )


def require_folder(folder: Path) -> None:
    """Raises UnusableDatabaseError unless a database can be made in the folder."""
    if not folder.is_dir():
        raise UnusableDatabaseError(f"there is no folder {folder}: make it, or name another")
    if not _can_write(folder):
        raise UnusableDatabaseError(
            f"the folder {folder} cannot be written: give this user the right to, or name another"
        )


def _can_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def require_kind(file: Path) -> None:
    """Raises UnusableDatabaseError where the file holds anything but an SQLite database."""
    try:
        with file.open("rb") as content:
            begins = content.read(len(MAGIC))
    except OSError as error:
        raise UnusableDatabaseError(
            f"the database {file} cannot be read: {error.strerror}"
        ) from error
    if begins not in (b"", MAGIC):
        raise UnusableDatabaseError(f"{file} is no SQLite database: name another file")


def require_newest(revision: str | None, name: str) -> None:
    """Raises UnusableDatabaseError unless the revision is the one that this code works with."""
    known = {
        script.revision for script in ScriptDirectory.from_config(config_of("")).walk_revisions()
    }
    if revision is None:
        raise UnusableDatabaseError(f"the database {name} was never migrated: {MIGRATE}")
    if revision not in known:
        raise UnusableDatabaseError(
            f"the database {name} has revision {revision} of a newer Trenza: update Trenza"
        )
    if revision != newest_revision():
        raise UnusableDatabaseError(
            f"the database {name} has the older revision {revision}: {MIGRATE}"
        )


def migrate(url: str) -> None:
    """Brings the database to the newest schema, and makes it where it is a missing file.

    Raises UnusableDatabaseError.
    """
    file = file_of(url)
    if file is not None and file.exists():
        require_file(file)
    elif file is not None:
        require_folder(file.parent)
    with explained(url):
        upgrade(url)


def file_of(url: str) -> Path | None:
    """The file of an SQLite database."""
    parsed = make_url(url)
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database
    return Path(str(parsed.database)) if is_file else None


def shown(url: str) -> str:
    """The database as it may be shown: its file, or its URL without the password.

    >>> shown("postgresql+asyncpg://ana:secret@db.example/trenza")
    'postgresql+asyncpg://ana:***@db.example/trenza'
    """
    return str(file_of(url) or make_url(url).render_as_string(hide_password=True))


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Makes UnusableDatabaseError of whatever keeps a database from being reached or migrated."""
    try:
        yield
    except CommandError as error:
        raise UnusableDatabaseError(
            f"the database {shown(url)} belongs to another version of Trenza: update Trenza"
            f" ({error})"
        ) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError) as error:
        raise UnusableDatabaseError(_explanation(url, error)) from error
    except (TypeError, ValueError) as error:
        # What a URL asks for is passed on to the driver as it is.
        raise UnusableDatabaseError(_explanation(url, error)) from error


def _explanation(url: str, error: Exception) -> str:
    if isinstance(error, OSError):
        told = f"{shown(url)} cannot be reached: {_reason(error)}. Is PostgreSQL running there"
        return f"the database {told}, and is --database right?"
    return f"the database {shown(url)} cannot be used: {_reason(error)}"


def _reason(error: BaseException) -> str:
    """What went wrong, in one line; a driver's own words rather than the wrapping's."""
    original = getattr(error, "orig", None) or error
    original = getattr(original, "__cause__", None) or original
    lines = str(original).strip().splitlines()
    return lines[0] if lines else type(original).__name__
