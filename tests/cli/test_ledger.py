"""`trenza ledger`: one line for sound books, every difference for others; checkpoints anew."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from tests.cli.commands import failure, success, trenza
from tests.services.story import live


@pytest.fixture
def lived_url(database_url: str) -> str:
    """A database with books that have a story to explain."""
    asyncio.run(live(database_url))
    return database_url


def test_sound_books_are_one_line(lived_url: str) -> None:
    result = success("ledger", "verify", "--database", lived_url)

    assert result.stdout == (
        "ws_00000000000000000000000001 (Muebles del Sur): 5 contacts, 14 interactions, 10 sessions,"
        " 15 ledger rows, 1 closed cycles: no difference\n"
    )


def test_every_difference_is_a_line_with_ids(sqlite_url: str) -> None:
    asyncio.run(live(sqlite_url))
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite+aiosqlite:///"))) as connection:
        connection.execute("UPDATE ledger_head SET sequence = 16")
        connection.execute("UPDATE interaction SET outcome = 'FREE' WHERE external_id = 'a0'")
        [row] = connection.execute("SELECT id FROM interaction WHERE external_id = 'a0'")
        connection.commit()

    result = trenza("ledger", "verify", "--database", sqlite_url)

    workspace_id = "ws_00000000000000000000000001"
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{workspace_id} {row[0]}: outcome should be CHARGED, is FREE",
        f"{workspace_id} the ledger's head: sequence should be 15, is 16",
    ]
    assert result.stderr == "trenza: 2 differences\n"


def test_one_workspace_can_be_named(lived_url: str) -> None:
    named = ("--workspace", "ws_00000000000000000000000001", "--database", lived_url)

    assert "(Muebles del Sur)" in success("ledger", "verify", *named).stdout


def test_an_unknown_workspace_is_refused(lived_url: str) -> None:
    words = ("--workspace", "ws_1", "--database", lived_url)

    assert failure("ledger", "verify", *words) == "there is no workspace ws_1"


def test_a_database_without_a_workspace_has_nothing_to_verify(database_url: str) -> None:
    assert success("ledger", "verify", "--database", database_url).stdout == (
        "there is no workspace, and so no difference\n"
    )


def test_checkpoints_are_made_anew(lived_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trenza.services.checkpoint.ROWS", 4)

    result = success("ledger", "checkpoint", "--database", lived_url)

    assert result.stdout == (
        "ws_00000000000000000000000001 (Muebles del Sur): 12 ledger rows covered\n"
    )
    assert "no difference" in success("ledger", "verify", "--database", lived_url).stdout


def test_checkpoints_of_an_unknown_workspace_are_refused(lived_url: str) -> None:
    words = ("--workspace", "ws_1", "--database", lived_url)

    assert failure("ledger", "checkpoint", *words) == "there is no workspace ws_1"
