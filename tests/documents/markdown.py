"""Reads what can be checked out of a Markdown document: code, links, headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "schema").rglob("*.md")),
    ROOT / "seed" / "README.md",
    ROOT / "frontend_examples" / "README.md",
]

_BLOCK = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of code; `mark` is what follows the language on its first line."""

    document: Path
    line: int
    language: str
    mark: str
    text: str

    @property
    def place(self) -> str:
        """Where it stands, for the name of a test."""
        return f"{self.document.relative_to(ROOT)}:{self.line}"


def list_blocks(document: Path, *languages: str) -> Iterator[Block]:
    """The blocks of a document in order, of these languages or of any."""
    text = document.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        language, mark, code = found.groups()
        if not languages or language in languages:
            line = text.count("\n", 0, found.start()) + 1
            yield Block(document, line, language, mark.strip(), code)


def prose_of(document: Path) -> str:
    """A document without its blocks of code."""
    return _BLOCK.sub("", document.read_text(encoding="utf-8"))


def list_links(document: Path) -> list[str]:
    """The targets of a document's links."""
    return _LINK.findall(prose_of(document))


def list_anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives to a document's headings.

    >>> "try-it" in list_anchors(ROOT / "README.md")
    True
    """
    headings = _HEADING.findall(prose_of(document))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
