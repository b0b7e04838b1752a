"""The reports that the writes bring: conversations of contacts who were quiet, three touches each.

The touches of a contact are `APART` reports from each other, so that no two are under way at once
and each contact's arrive in their order. One in three opens a session, as in the world, until
everybody has had a turn; from then on who comes again is covered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.benchmarks.fill import Addressed

APART = 1_000
TOUCHES = (
    ("CUSTOMER_MESSAGE", None, "Hola, quería saber cuándo llega mi pedido."),
    ("COMPANY_MESSAGE", "BOT", "Su pedido salió hoy del almacén."),
    ("CUSTOMER_MESSAGE", None, "Obrigado! Vou aguardar."),
)


@dataclass(frozen=True, slots=True)
class Report:
    """A report as the API takes it, who it is about, and whether it opens a session."""

    input: dict[str, Any]
    person: Addressed
    opens: bool


class Reports:
    """An endless stream of reports on people, each of them new."""

    def __init__(self, run: str, people: Sequence[Addressed], apart: int = APART) -> None:
        self._run = run
        self._people = people
        self._apart = min(apart, len(people))
        self._count = 0

    def __next__(self) -> Report:
        number, self._count = self._count, self._count + 1
        turn, within = divmod(number, self._apart * len(TOUCHES))
        nth, place = divmod(within, self._apart)
        visit = turn * self._apart + place
        person = self._people[visit % len(self._people)]
        kind, actor, text = TOUCHES[nth]
        said = {
            "channel": "WHATSAPP",
            "kind": kind,
            "occurredAt": _now().isoformat(),
            "source": "load",
            "externalId": f"{self._run}-{number}",
            "identity": {"channel": "WHATSAPP", "address": person.phone},
            "actor": actor,
            "text": text,
        }
        return Report(said, person, nth == 0 and visit < len(self._people))

    def take(self, count: int) -> list[Report]:
        """The next reports."""
        return [next(self) for _ in range(count)]


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the servers run on the real clock
