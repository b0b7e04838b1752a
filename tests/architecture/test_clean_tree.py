"""What is committed says nothing of the machine or the registry that it was made with."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
THIS = Path(__file__).name
REGISTRIES = re.compile(
    r"registry\.npmjs\.org|registry\.yarnpkg\.com|files\.pythonhosted\.org|pypi\.org/simple"
    r"|\"resolved\":|--(extra-)?index-url|--find-links",
)
MACHINE = re.compile(r"(?<![\w.:/-])/(home|root|Users|work|opt|mnt|srv)/[\w.-]+|[A-Z]:\\Users")
LOCKS_WITH_ADDRESSES = {"uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "yarn.lock"}
LOCKS_WITH_ADDRESSES |= {"pnpm-lock.yaml", "npm-shrinkwrap.json"}
BYTES_MAX = 1_500_000


def committed() -> list[Path]:
    """The files that are committed or would be with the next commit."""
    listing = ["git", "-C", str(ROOT), "ls-files", "-z", "-co", "--exclude-standard"]
    done = subprocess.run(listing, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this folder is no git work tree, so nothing is committed from it")
    names = done.stdout.decode().split("\0")[:-1]
    return [path for path in map(ROOT.joinpath, names) if path.is_file()]


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    """The places of committed text where a pattern is found, this file apart."""
    found = []
    for path in committed():
        content = path.read_bytes()
        if path.name == THIS or b"\0" in content:
            continue
        for number, line in enumerate(content.decode().splitlines(), start=1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    return found


def test_no_registry_is_named() -> None:
    assert lines_with(REGISTRIES) == []


def test_no_path_of_a_machine_is_named() -> None:
    assert lines_with(MACHINE) == []


def test_no_lock_file_that_names_addresses_is_committed() -> None:
    assert {path.name for path in committed()} & LOCKS_WITH_ADDRESSES == set()


def test_every_package_json_leaves_addresses_out_of_its_lock() -> None:
    for path in committed():
        if path.name == "package.json":
            npmrc = path.with_name(".npmrc")
            assert npmrc.exists(), path
            assert "omit-lockfile-registry-resolved=true" in npmrc.read_text().split(), path


def test_nothing_committed_is_built_or_big() -> None:
    names = {str(path.relative_to(ROOT)) for path in committed()}

    assert [name for name in names if "node_modules" in name or "__pycache__" in name] == []
    assert [name for name in names if name.startswith("src/trenza/web/static/graphiql/")] == []
    assert [name for name in names if (ROOT / name).stat().st_size > BYTES_MAX] == []


def test_the_constraints_pin_every_dependency_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = re.compile(r"[a-z0-9-]+==[0-9][\w.]*( ; [^#]+)?")

    assert [line for line in lines if not pinned.fullmatch(line)] == []
    assert len(lines) >= 20
