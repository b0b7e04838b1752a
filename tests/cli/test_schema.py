"""`trenza schema`: the printed contract, and whether the committed one is the same."""

from pathlib import Path

import pytest

from tests.cli.commands import success, trenza
from trenza import resources
from trenza.graphql.schema import print_schema


def test_the_schema_is_printed_as_it_is_declared() -> None:
    printed = success("schema", "print").stdout

    assert printed == print_schema()
    assert printed.endswith("}\n")
    assert "type Query {" in printed


def commit(schema: str, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes another folder the checkout, in which this schema is committed."""
    (checkout / "schema").mkdir()
    (checkout / "schema" / "schema.graphql").write_text(schema, encoding="utf-8")
    monkeypatch.setattr(resources, "CHECKOUT", checkout)


def test_the_declared_schema_is_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(print_schema(), tmp_path, monkeypatch)

    assert success("schema", "check").stdout == "schema/schema.graphql is what the code declares\n"


def test_a_difference_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = print_schema().replace("type Query {", "type Query {\n  retired: Int")
    commit(changed, tmp_path, monkeypatch)

    result = trenza("schema", "check")

    assert result.exit_code == 1
    assert [line for line in result.stdout.splitlines() if line[0] in "+-"] == [
        "--- schema/schema.graphql",
        "+++ as the code declares it",
        "-  retired: Int",
    ]
    assert result.stderr == (
        "trenza: schema/schema.graphql is not what the code declares: run: make schema\n"
    )


def test_outside_of_a_checkout_there_is_nothing_to_compare_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "CHECKOUT", tmp_path)

    result = trenza("schema", "check")

    assert result.exit_code == 1
    assert result.stderr.startswith(f"trenza: there is no {tmp_path}")
