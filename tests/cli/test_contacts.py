"""`trenza contacts`: files in and out, and what a command says of what was wrong with them."""

from pathlib import Path

import pytest

from tests.cli.commands import failure, success, trenza

GOOD = "first_name,email\nAna,ana@example.com\nEva,eva@example.com\n"


@pytest.fixture
def seeded_url(database_url: str) -> str:
    """A database with one workspace."""
    success("seed", "--database", database_url)
    return database_url


def written(folder: Path, text: str, name: str = "people.csv") -> str:
    """The path of a new file."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def summary(url: str, *words: str) -> str:
    """The last line of an import."""
    return success("contacts", "import", *words, "--database", url).stderr.splitlines()[-1]


def test_a_file_goes_in_and_comes_out_and_changes_nothing(seeded_url: str, tmp_path: Path) -> None:
    given = written(tmp_path, GOOD)
    out = str(tmp_path / "out.jsonl")

    assert summary(seeded_url, given) == (
        "2 rows: 2 created, 0 changed, 0 unchanged, 0 refused; 0 cells left empty"
    )
    shown = success("contacts", "export", out, "--database", seeded_url)
    assert shown.stderr == f"2 contacts in {out}\n"
    unchanged = "2 rows: 0 created, 0 changed, 2 unchanged, 0 refused; 0 cells left empty"
    assert summary(seeded_url, given) == summary(seeded_url, out) == unchanged
    kept = {path.name for path in tmp_path.iterdir() if not path.name.startswith("trenza.sqlite3")}
    assert kept == {"out.jsonl", "people.csv"}


def test_every_problem_is_in_the_report(seeded_url: str, tmp_path: Path) -> None:
    given = written(tmp_path, "country,email\nMexico,ana@example.com\nMX,\n")
    report = tmp_path / "problems.csv"

    told = success("contacts", "import", given, "--report", str(report), "--database", seeded_url)

    assert told.stderr.splitlines()[-2:] == [
        f"2 problems in {report}",
        "2 rows: 1 created, 0 changed, 0 unchanged, 1 refused; 1 cells left empty",
    ]
    assert report.read_text(encoding="utf-8") == (
        "line,column,message\n"
        "2,country,country is no ISO 3166 code such as MX\n"
        "3,,give the id or at least one identity\n"
    )


def test_without_a_report_the_first_problems_are_told(seeded_url: str, tmp_path: Path) -> None:
    given = written(tmp_path, "country,email\n" + "MX,\n" * 12)

    told = success("contacts", "import", given, "--database", seeded_url).stderr.splitlines()

    lines = [f"line {n}: give the id or at least one identity" for n in range(2, 12)]
    assert told[-12:-2] == lines
    assert told[-2] == "and 2 more: write them into a file with --report"


def test_a_file_that_is_refused_is_one_line_and_leaves_no_report(
    seeded_url: str, tmp_path: Path
) -> None:
    given = written(tmp_path, GOOD + '"Luis')
    report = tmp_path / "problems.csv"

    result = trenza("contacts", "import", given, "--report", str(report), "--database", seeded_url)

    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith(
        "trenza: this is no CSV: the row that begins on line 4 cannot be read"
    )
    assert not report.exists()
    assert summary(seeded_url, written(tmp_path, GOOD)).startswith("2 rows: 2 created")


def test_unknown_columns_are_passed_over_where_that_is_said(
    seeded_url: str, tmp_path: Path
) -> None:
    given = written(tmp_path, "email,shoe\nana@example.com,42\n")

    result = trenza("contacts", "import", given, "--database", seeded_url)

    assert result.exit_code == 1
    assert "unknown column 'shoe'" in result.stderr
    assert summary(seeded_url, given, "--skip-unknown").startswith("1 rows: 1 created")


def test_the_format_is_named_where_the_ending_does_not(seeded_url: str, tmp_path: Path) -> None:
    given = written(tmp_path, '{"email": "ana@example.com"}\n', "people.txt")

    line = failure("contacts", "import", given, "--database", seeded_url)

    assert line == "what people.txt holds cannot be told: name it with --format csv or jsonl"
    assert summary(seeded_url, given, "--format", "jsonl").startswith("1 rows: 1 created")


def test_a_file_is_overwritten_by_force_alone(seeded_url: str, tmp_path: Path) -> None:
    out = written(tmp_path, "mine")
    words = ("contacts", "export", out, "--database", seeded_url)

    assert failure(*words) == f"{out} is there already: overwrite it with --force"
    assert Path(out).read_text(encoding="utf-8") == "mine"
    success(*words, "--force")
    assert Path(out).read_text(encoding="utf-8").startswith("id,display_name,")


@pytest.mark.parametrize("option", ["--list", "--segment"])
def test_an_export_that_fails_leaves_no_file(seeded_url: str, tmp_path: Path, option: str) -> None:
    out = tmp_path / "out.csv"

    line = failure("contacts", "export", str(out), option, "x", "--database", seeded_url)

    assert line == f"{option.removeprefix('--')} names nothing in this workspace"
    assert not list(tmp_path.glob("*out.csv*"))


def test_a_folder_that_is_not_there_takes_no_export(seeded_url: str, tmp_path: Path) -> None:
    out = tmp_path / "nowhere" / "out.csv"

    line = failure("contacts", "export", str(out), "--database", seeded_url)

    assert line == f"{out} cannot be written: No such file or directory"


def test_a_list_and_a_segment_at_once_are_a_usage_error(tmp_path: Path) -> None:
    words = ("--list", "a", "--segment", "b")
    result = trenza("contacts", "export", str(tmp_path / "out.csv"), *words)

    assert result.exit_code == 2
    assert "give --list or --segment, not both" in result.stderr
