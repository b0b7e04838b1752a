"""The command line, called within the process or as one of its own."""

import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from trenza.cli import main
from trenza.settings import PREFIX

ROOT = Path(__file__).parents[2]


def trenza(*words: str, **settings: str) -> Result:
    """What a command answers; `settings` are those of the environment, the only ones."""
    outside: dict[str, str | None] = {name: None for name in os.environ if name.startswith(PREFIX)}
    inside = {f"{PREFIX}{name.upper()}": value for name, value in settings.items()}
    return CliRunner().invoke(main, words, env={**outside, **inside})


def failure(*words: str, **settings: str) -> str:
    """The one line that a command fails with."""
    result = trenza(*words, **settings)
    assert (result.exit_code, result.stdout) == (1, ""), result.output
    [line] = result.stderr.splitlines()
    assert line.startswith("trenza: ")
    return line.removeprefix("trenza: ")


def success(*words: str, **settings: str) -> Result:
    """The answer of a command that does what it was told."""
    result = trenza(*words, **settings)
    assert result.exit_code == 0, result.output
    return result


def python(*words: str) -> "subprocess.CompletedProcess[str]":
    """A Python of its own that has the package."""
    return subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
