"""Logs: every line of every library in one form, on standard error."""

import json
import logging
import warnings
from typing import Any

import pytest
import structlog

from trenza.cli.logs import set_up_logs
from trenza.settings import load_settings


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines on standard error; nothing is on standard output."""
    told = capsys.readouterr()
    assert told.out == ""
    return [json.loads(line) for line in told.err.splitlines()]


def test_a_line_of_ours_says_when_how_grave_and_what(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(load_settings(log_format="json"))

    structlog.get_logger("trenza.test").warning("batch_failed", requests=3)

    [line] = logged(capsys)
    assert list(line) == ["timestamp", "level", "event", "requests", "logger"]
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "warning",
        "event": "batch_failed",
        "requests": 3,
        "logger": "trenza.test",
    }


def test_a_line_of_a_library_looks_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(load_settings(log_format="json"))

    logging.getLogger("uvicorn.error").info("Finished server process [%d]", 7)

    [line] = logged(capsys)
    assert line["event"] == "Finished server process [7]"
    assert (line["level"], line["logger"]) == ("info", "uvicorn.error")
    assert line.keys() == {"timestamp", "level", "event", "logger"}


def test_a_request_is_logged_by_fields_and_without_its_query(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up_logs(load_settings(log_format="json"))

    access = '%s - "%s %s HTTP/%s" %d'
    arguments = ("127.0.0.1:5", "GET", "/graphql?query={contacts}", "1.1", 200)
    logging.getLogger("uvicorn.access").info(access, *arguments)

    [line] = logged(capsys)
    del line["timestamp"]
    assert line == {
        "level": "info",
        "event": "request",
        "method": "GET",
        "path": "/graphql",
        "status": 200,
        "client": "127.0.0.1:5",
        "logger": "uvicorn.access",
    }


def test_what_is_bound_to_a_request_is_in_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(load_settings(log_format="json"))

    with structlog.contextvars.bound_contextvars(correlation_id="abc"):
        structlog.get_logger("trenza.test").info("ours")
        logging.getLogger("library").info("theirs")
    structlog.get_logger("trenza.test").info("outside")

    assert [line.get("correlation_id") for line in logged(capsys)] == ["abc", "abc", None]


def test_an_exception_is_one_line_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(load_settings(log_format="json"))

    try:
        raise KeyError("lost")
    except KeyError as error:
        structlog.get_logger("trenza.test").error("unexpected_error", exc_info=error)
        logging.getLogger("library").exception("failed")

    for line in logged(capsys):
        assert "Traceback" in line["exception"]
        assert line["exception"].endswith("KeyError: 'lost'")


def test_lines_below_the_level_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(load_settings(log_format="json", log_level="warning"))

    for name in ("trenza.test", "uvicorn.access"):
        logging.getLogger(name).info("not this")
    structlog.get_logger("trenza.test").info("nor this")
    structlog.get_logger("trenza.test").warning("but this")

    assert [line["event"] for line in logged(capsys)] == ["but this"]


def test_libraries_that_talk_much_are_heard_when_it_matters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up_logs(load_settings(log_format="json", log_level="debug"))

    logging.getLogger("aiosqlite").debug("executing")
    logging.getLogger("sqlalchemy.pool").info("checked out")
    logging.getLogger("sqlalchemy.pool").error("lost")

    assert [line["event"] for line in logged(capsys)] == ["lost"]


def test_warnings_are_logged(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        set_up_logs(load_settings(log_format="json"))
        warnings.warn("old news", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(False)

    [line] = logged(capsys)
    assert "DeprecationWarning: old news" in line["event"]


def test_people_get_columns(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(load_settings(log_format="console"))

    structlog.get_logger("trenza.test").info("serving", url="http://127.0.0.1:8000")

    told = capsys.readouterr().err
    assert "[info     ] serving" in told
    assert "url=http://127.0.0.1:8000" in told


def test_without_a_terminal_lines_are_json(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(load_settings())

    structlog.get_logger("trenza.test").info("serving")

    assert [line["event"] for line in logged(capsys)] == ["serving"]
