"""The outer bounds of tidiness; the rest is ruff's, mypy's and import-linter's."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
SAYS_NOTHING = {
    "base",
    "common",
    "helper",
    "helpers",
    "manager",
    "managers",
    "misc",
    "util",
    "utils",
}
# Migrations are written by alembic, once, and each is as long as its change.
FILES = sorted(
    path
    for top in ("src", "tests", "seed")
    for path in (ROOT / top).rglob("*.py")
    if "versions" not in path.parts
)
SOURCES = [path for path in FILES if "src" in path.relative_to(ROOT).parts]


def name_of(path: Path) -> str:
    """The path as a test names it."""
    return str(path.relative_to(ROOT))


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file, nested ones and methods included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imports_of(path: Path) -> Iterator[str]:
    """The top packages that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_and_functions_are_short(path: Path) -> None:
    lines = {
        f"{function.name}, line {function.lineno}": function.end_lineno - function.lineno + 1
        for function in functions_of(path)
        if function.end_lineno
    }

    assert len(path.read_text().splitlines()) <= FILE_LINES_MAX
    assert {name: n for name, n in lines.items() if n > FUNCTION_LINES_MAX} == {}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_module_has_a_name_that_says_nothing(path: Path) -> None:
    words = {
        word for part in path.relative_to(ROOT).with_suffix("").parts for word in part.split("_")
    }

    assert words & SAYS_NOTHING == set()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_function_that_others_call_says_its_rule(path: Path) -> None:
    """Of the tests themselves the name says it."""
    tree = ast.parse(path.read_text())
    public = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith(("_", "test_"))
        and not ast.get_docstring(node)
    ]

    assert ast.get_docstring(tree), "the module has no docstring"
    assert public == [] or path.name.startswith("test_"), public


def test_the_domain_imports_the_standard_library_alone() -> None:
    foreign = {
        (name_of(path), package)
        for path in SOURCES
        if "domain" in path.parts
        for package in imports_of(path)
        if package != "trenza" and package not in sys.stdlib_module_names
    }

    assert foreign == set()


def test_the_environment_is_read_in_one_place() -> None:
    readers = {
        name_of(path)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }

    assert readers <= {"src/trenza/settings.py"}


def test_the_reference_model_stays_small_and_shares_nothing_with_the_engine() -> None:
    model = ROOT / "tests" / "properties" / "reference_model.py"

    assert len(model.read_text().splitlines()) <= 60
    assert set(imports_of(model)) == {"typing"}
