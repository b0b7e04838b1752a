"""Finds every GraphQL operation of the front-end examples.

They stand in `.graphql` files, with their variables in a `.json` file beside them, and in HTML
pages as `<script type="application/graphql" data-name="…">`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from graphql import OperationDefinitionNode, OperationType, parse
from graphql.utilities import get_operation_ast

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "frontend_examples"


@dataclass(frozen=True)
class Operation:
    """One operation as a front end sends it."""

    place: str
    text: str
    variables_text: str = "{}"

    @property
    def definition(self) -> OperationDefinitionNode:
        """Its one definition; a document of a front end holds a single operation."""
        definition = get_operation_ast(parse(self.text))
        if definition is None:
            raise ValueError(f"{self.place} holds no operation, or several")
        return definition

    @property
    def is_subscription(self) -> bool:
        """Whether it goes over a WebSocket."""
        return self.definition.operation is OperationType.SUBSCRIPTION

    def variables(self) -> dict[str, Any]:
        """Its variables, with the present in the place of `{{now}}`, as the explorer fills it."""
        now = datetime.now(UTC).isoformat()  # noqa: TID251 - the demo runs on the real clock
        variables: dict[str, Any] = json.loads(self.variables_text.replace("{{now}}", now))
        return variables


class _Scripts(HTMLParser):
    """Collects the embedded operations of a page by name."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.name: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script" and given.get("type") == "application/graphql":
            self.name = given["data-name"]

    def handle_data(self, data: str) -> None:
        if self.name is not None:
            self.found[self.name] = self.found.get(self.name, "") + data

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self.name = None


def files(suffix: str) -> list[Path]:
    """The files of the examples themselves, their dependencies apart."""
    found = EXAMPLES.rglob(f"*{suffix}")
    return sorted(path for path in found if "node_modules" not in path.parts)


def embedded(page: Path) -> dict[str, str]:
    """The operations inside an HTML page, by name."""
    scripts = _Scripts()
    scripts.feed(page.read_text(encoding="utf-8"))
    scripts.close()
    return scripts.found


def list_operations() -> Iterator[Operation]:
    """Every operation of every example."""
    for path in files(".graphql"):
        beside = path.with_suffix(".json")
        variables = beside.read_text(encoding="utf-8") if beside.exists() else "{}"
        place = str(path.relative_to(EXAMPLES))
        yield Operation(place, path.read_text(encoding="utf-8"), variables)
    for page in files(".html"):
        for name, text in embedded(page).items():
            yield Operation(f"{page.relative_to(EXAMPLES)}#{name}", text)
