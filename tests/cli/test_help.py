"""What the command line says of itself, and how little that takes."""

import click
import pytest

from tests.cli.commands import failure, python, success, trenza
from trenza import __version__
from trenza.cli import main

SLOW_TO_IMPORT = ("sqlalchemy", "strawberry", "pydantic", "uvicorn", "structlog", "alembic")
OPTIONS = {
    "demo": {"--host", "--port", "--data"},
    "serve": {"--host", "--port", "--database"},
    "migrate": {"--database"},
    "seed": {"--database", "--demo"},
    "keys create": {
        *("--name", "--scope", "--user", "--workspace", "--expires-in-days", "--database"),
    },
    "keys rotate": {"--grace-hours", "--workspace", "--database"},
    "keys list": {"--workspace", "--database"},
    "keys revoke": {"--workspace", "--database"},
    "contacts import": {
        "--format",
        "--encoding",
        "--skip-unknown",
        "--report",
        "--workspace",
        "--database",
    },
    "contacts export": {
        "--format",
        "--list",
        "--segment",
        "--force",
        "--workspace",
        "--database",
    },
    "contacts export-person": {"--to", "--force", "--workspace", "--database"},
    "contacts erase": {"--reason", "--dry-run", "--workspace", "--database"},
    "erasure scrub": {"--database"},
    "retention": {"--workspace", "--no-scrub", "--database"},
    "schema print": set(),
    "schema check": set(),
    "ledger verify": {"--workspace", "--database"},
    "ledger checkpoint": {"--workspace", "--database"},
}


def leaves(group: click.Group, path: str = "") -> dict[str, click.Command]:
    """Every command that does something, by the words that name it."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        words = f"{path} {name}".strip()
        found |= leaves(command, words) if isinstance(command, click.Group) else {words: command}
    return found


def test_the_commands_and_their_options_are_those_relied_on() -> None:
    options = {
        words: {option for each in command.params for option in each.opts if option[0] == "-"}
        for words, command in leaves(main).items()
    }

    assert options == OPTIONS


@pytest.mark.parametrize("words", OPTIONS)
def test_every_command_says_what_it_does(words: str) -> None:
    shown = success(*words.split(), "--help").stdout

    assert shown.startswith(f"Usage: main {words}")
    assert OPTIONS[words] <= set(shown.replace("=", " ").split())


def test_help_imports_nothing_that_is_slow() -> None:
    shown = python(
        "-c",
        "import sys\n"
        "from trenza.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        f"print('SLOW', [name for name in {SLOW_TO_IMPORT} if name in sys.modules])",
    )

    assert shown.stdout.splitlines()[-1] == "SLOW []", shown.stderr


@pytest.mark.parametrize("module", ["trenza", "trenza.cli"])
def test_the_package_can_be_run(module: str) -> None:
    shown = python("-m", module, "--version")

    assert shown.stdout == f"trenza, version {__version__}\n"


def test_an_older_python_is_refused_in_one_line() -> None:
    code = "import sys; sys.version_info = (3, 10, 0); sys.version = '3.10.0 (old)'"
    shown = python("-c", f"{code}; import trenza.cli")

    assert shown.returncode == 1
    assert shown.stderr == "trenza: Python 3.10.0 is too old: install 3.11 or newer\n"


def test_an_unknown_command_is_told_from_a_failure() -> None:
    result = trenza("sever")

    assert result.exit_code == 2
    assert "No such command 'sever'" in result.stderr


def test_what_nobody_expected_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("trenza.settings.load_settings")

    result = trenza("migrate")

    assert isinstance(result.exception, ImportError)


def test_a_setting_that_cannot_be_used_is_named() -> None:
    assert failure("migrate", port="many").startswith("TRENZA_PORT should be a valid integer")
