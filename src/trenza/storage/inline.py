"""SQLite in the caller's own thread, for a program that does nothing else meanwhile.

The driver passes each step of a statement to a thread of its own and waits for the answer, four
times a statement, which costs several times what SQLite takes. Here each step is taken at once,
and the event loop waits for the disk.
"""

from typing import Any

import aiosqlite
from sqlalchemy import make_url
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_dbapi,
    SQLiteDialect_aiosqlite,
)
from sqlalchemy.util.concurrency import await_

DRIVER = "inline"


def inline_url(url: str) -> str:
    """The URL of the same database, used in the caller's thread where it is SQLite.

    >>> inline_url("sqlite+aiosqlite:///trenza.db")
    'sqlite+inline:///trenza.db'
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        parsed = parsed.set(drivername=f"sqlite+{DRIVER}")
    return parsed.render_as_string(hide_password=False)


class AtOnce:
    """Stands in for the driver's thread and for the queue that leads to it."""

    def start(self) -> None:
        """Nothing has to be started."""

    def put_nowait(self, step: tuple[Any, Any]) -> None:
        """Takes a step and keeps its result, or its failure, for whoever awaits it."""
        future, function = step
        try:
            result = function()
        except Exception as error:
            future.set_exception(error)
        else:
            if future is not None:
                future.set_result(result)


class InlineDriver(AsyncAdapt_aiosqlite_dbapi):
    """The driver, with connections that work at once."""

    def connect(self, *arguments: Any, **options: Any) -> AsyncAdapt_aiosqlite_connection:
        """Connects to a file."""
        connection = aiosqlite.connect(*arguments, **options)
        connection._thread = connection._tx = AtOnce()
        return AsyncAdapt_aiosqlite_connection(self, await_(connection))


class InlineDialect(SQLiteDialect_aiosqlite):
    """What `sqlite+inline` names."""

    driver = DRIVER
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> InlineDriver:
        """The driver on the libraries that the other one uses."""
        return InlineDriver(aiosqlite, __import__("sqlite3"))


registry.register(f"sqlite.{DRIVER}", __name__, InlineDialect.__name__)
