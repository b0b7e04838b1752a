"""Logs on standard error: lines of JSON, or columns where a person watches.

What libraries log by the standard library comes out the same way. Each line has timestamp, level,
logger and event; those of a request have what was bound for it, such as the correlation id.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog

from trenza.settings import Settings

QUIET = ("aiosqlite", "alembic", "asyncio", "sqlalchemy")
ACCESS = "uvicorn.access"

EventDict = MutableMapping[str, Any]


def set_up_logs(settings: Settings) -> None:
    """Sends everything that is logged from now on to standard error, from the settings' level."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    without_record = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[request_fields, *shared],
        processors=[without_record, *_last(settings)],
        pass_foreign_args=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    logging.captureWarnings(True)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))


def _last(settings: Settings) -> list[structlog.typing.Processor]:
    """The last processors: those that make text of an event."""
    watched = sys.stderr.isatty()
    if settings.log_format == "console" or (settings.log_format is None and watched):
        return [structlog.dev.ConsoleRenderer(colors=watched)]
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=_json),
    ]


def _json(event: EventDict, **_: Any) -> str:
    first = {name: event.pop(name) for name in ("timestamp", "level", "event") if name in event}
    return orjson.dumps({**first, **event}, default=str).decode()


def request_fields(_: Any, __: str, event: EventDict) -> EventDict:
    """The access log of the server as fields. Query strings are left out: they hold documents.

    >>> record = logging.makeLogRecord({"name": ACCESS})
    >>> arguments = ("127.0.0.1:5", "GET", "/graphql?query={a}", "1.1", 200)
    >>> request_fields(None, "", {"_record": record, "positional_args": arguments})["path"]
    '/graphql'
    """
    arguments = event.pop("positional_args", ())
    if event["_record"].name != ACCESS or len(arguments) != 5:
        return event
    client, method, path, _version, status = arguments
    fields = {"method": method, "path": str(path).partition("?")[0], "status": status}
    return {**event, "event": "request", **fields, "client": client}
