"""The GraphQL operations of the documents, with their variables and the answers shown.

After a block `graphql` come, where there are any, a block `json` of variables and one of the
answer, which has `data` or `errors`. The mark of the block names the demo's key, by default that
of the admin; `nobody` sends none. `{{now}}` stands for the present, `{{id of CHANNEL address}}` for
the id of a contact.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.documents.markdown import DOCUMENTS, Block, list_blocks

INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}\.\d{6}Z| \d{2}:\d{2}:\d{2} UTC)")
SHORTENED = "…"
OF_CONTACT = re.compile(r"\{\{id of (\w+) (\S+)\}\}")
"""Where the id of a contact is to be filled in."""
# Figures that depend on the hour at which the demo was loaded, and on what was recorded since.
MOVING = {"granted", "consumed", "remaining", "overage", "sequence", "total", "credits"}


@dataclass(frozen=True)
class Shown:
    """An operation as a document shows it; without an answer it has to be free of errors."""

    block: Block
    variables: str
    answer: Any

    @property
    def role(self) -> str:
        """Whose key it is sent with."""
        return self.block.mark or "admin"

    @property
    def is_subscription(self) -> bool:
        """Whether it goes over a WebSocket."""
        return self.block.text.startswith("subscription")

    def request(self, now: str, id_of: Callable[[str, str], str]) -> dict[str, Any]:
        """What is sent, at an instant; `id_of` knows the contact of an address on a channel."""
        query, variables = (
            OF_CONTACT.sub(lambda named: id_of(*named.groups()), text.replace("{{now}}", now))
            for text in (self.block.text, self.variables)
        )
        return {"query": query, "variables": json.loads(variables)}


def list_operations() -> Iterator[Shown]:
    """Every operation of every document, in order."""
    for document in DOCUMENTS:
        blocks = list(list_blocks(document))
        for index, block in enumerate(blocks):
            if block.language == "graphql":
                yield _shown(block, blocks[index + 1 :])


def _shown(block: Block, following: list[Block]) -> Shown:
    variables, answer = "{}", None
    for each in following[:2]:
        if each.language != "json" or answer is not None:
            break
        said = json.loads(each.text)
        if said.keys() & {"data", "errors"}:
            answer = said
        else:
            variables = each.text
    return Shown(block, variables, answer)


def differences(shown: Any, got: Any, where: str = "") -> list[str]:
    """Where an answer is not as shown: instants, moving figures and what is shortened apart.

    >>> differences({"id": "int_…", "sequence": 7}, {"id": "int_0123", "sequence": 8})
    []
    >>> differences({"amount": 1}, {"amount": -1})
    ['.amount: 1 is -1']
    """
    if isinstance(shown, dict) and isinstance(got, dict) and shown.keys() == got.keys():
        return [
            each
            for key, value in shown.items()
            if not (key in MOVING and type(value) is type(got[key]) is int)
            for each in differences(value, got[key], f"{where}.{key}")
        ]
    if isinstance(shown, list) and isinstance(got, list) and len(shown) == len(got):
        pairs = enumerate(zip(shown, got, strict=True))
        return [each for n, pair in pairs for each in differences(*pair, f"{where}[{n}]")]
    if isinstance(shown, str) and isinstance(got, str):
        pattern = re.escape(INSTANT.sub("@", shown)).replace(SHORTENED, ".+")
        return [] if re.fullmatch(pattern, INSTANT.sub("@", got)) else [_said(where, shown, got)]
    return [] if shown == got and type(shown) is type(got) else [_said(where, shown, got)]


def _said(where: str, shown: Any, got: Any) -> str:
    return f"{where}: {shown!r} is {got!r}"
