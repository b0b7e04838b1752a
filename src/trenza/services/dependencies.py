"""What every service is given: the database, the clock, new ids, and the bell of the feeds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from trenza.domain.ids import Prefix
from trenza.services.counted import CountedDebits
from trenza.storage.engine import Database


class Clock(Protocol):
    """Tells the time; tests and the seed set their own."""

    def now(self) -> datetime:
        """The instant now, aware, in UTC."""
        ...


class Bell(Protocol):
    """Rings when a workspace's ledger has grown. It may be lost: the ledger itself is the feed."""

    async def ring(self, workspace_id: str) -> None:
        """Says that there is something new; never fails the caller."""
        ...


@dataclass(frozen=True)
class Dependencies:
    """Built once by the composition root."""

    database: Database
    clock: Clock
    new_id: Callable[[Prefix], str]
    bell: Bell
    new_secret: Callable[[], str]
    """Makes the secret of an API key: `access_key.SECRET_LENGTH` of `access_key.ALPHABET`."""
    environment: str = "live"
    """A readable part of every key that is made over the API, `TRENZA_ENVIRONMENT`."""
    counted: CountedDebits = field(default_factory=CountedDebits)
