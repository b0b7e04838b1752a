"""Where the files lie that are no code: in the installed package, or beside it in a checkout."""

from importlib.resources import files
from pathlib import Path

PACKAGE = Path(str(files("trenza")))
CHECKOUT = PACKAGE.parents[1]


def seed() -> Path:
    """The folder of the seed: the demo company and the worked examples.

    >>> (seed() / "demo" / "workspace.toml").is_file()
    True
    """
    return _first(PACKAGE / "seed", CHECKOUT / "seed")


def explorer() -> Path:
    """The folder that holds `graphiql/`, once that was built."""
    return PACKAGE / "web" / "static"


def examples() -> Path:
    """The folder that holds the front-end examples, each in a folder of its own."""
    return _first(explorer() / "examples", CHECKOUT / "frontend_examples")


def printed_schema() -> Path:
    """The committed SDL of a checkout; an installed package carries none."""
    return CHECKOUT / "schema" / "schema.graphql"


def _first(packaged: Path, beside: Path) -> Path:
    return packaged if packaged.is_dir() else beside
