"""What both hand-written servers make of a report before they write it."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

RANKS = {"CUSTOMER_MESSAGE": "01", "HANDOFF": "02", "COMPANY_MESSAGE": "03"}
LANES = {None: "0", "BOT": "1", "HUMAN": "2"}
WINDOW = timedelta(hours=24)
SAME_ID = slice(3, None)
"""What an interaction's id shares with that of the session and of the debit that it causes."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A report taken apart."""

    id: str
    channel: str
    kind: str
    actor: str | None
    at: datetime
    source: str
    external_id: str
    text: str | None
    address: str
    hash: str
    rank: str

    @property
    def position(self) -> str:
        """Its place among the interactions of the contact, as text."""
        instant = self.at.replace(tzinfo=None).isoformat(timespec="microseconds")
        return f"{instant}Z{self.rank}{self.source}\x1f{self.external_id}"


def incoming(report: dict[str, Any], now: datetime) -> Incoming:
    """Reads a report and gives it an id that grows with time."""
    kind, actor, address = report["kind"], report.get("actor"), report["identity"]["address"]
    said = f"{kind} {actor} {address} {report['occurredAt']} {report.get('text')}"
    return Incoming(
        id=f"int_{int(now.timestamp() * 1_000_000):016x}{secrets.token_hex(5)}",
        channel=report["channel"],
        kind=kind,
        actor=actor,
        at=datetime.fromisoformat(report["occurredAt"]),
        source=report["source"],
        external_id=report["externalId"],
        text=report.get("text"),
        address=address,
        hash=hashlib.blake2b(said.encode(), digest_size=16).hexdigest(),
        rank=RANKS[kind] + LANES[actor],
    )


def clock() -> datetime:
    """The instant now, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - the servers run on the real clock
