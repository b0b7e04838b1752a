"""The world that is measured: a function of its scale, its seed and the instant of its end.

Each contact is made from the seed and its own number alone, and its sessions and verdicts by the
fold of the domain, so that `trenza ledger verify` accepts the world.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from random import Random
from typing import Any

from trenza.domain.ids import Prefix, format_id

CONTACTS = 200_000
CAMPAIGNS = 24
JOURNEYS = 10
Row = dict[str, Any]


class Tenant(StrEnum):
    """The workspaces: contacts lie in two of them, interleaved; two hold nothing but debits.

    What is measured reads and writes in `MAIN`; the hand-written reference writes in `OTHER`, so
    that neither finds the other's rows in its books.
    """

    MAIN = "main"
    OTHER = "other"
    FEW_DEBITS = "few debits"
    MANY_DEBITS = "many debits"


@dataclass(frozen=True)
class World:
    """How much there is, from which seed, and the instant at which its history ends."""

    scale: float
    seed: int
    ends_at: datetime

    @property
    def contacts(self) -> int:
        """How many contacts there are in all."""
        return max(50, round(CONTACTS * self.scale))

    def random(self, *of: object) -> Random:
        """The random numbers of one thing: the same for the same seed."""
        return Random("/".join(map(str, (self.seed, *of))))

    @cached_property
    def workspace_ids(self) -> Mapping[Tenant, str]:
        """The workspaces by what they are for."""
        return {
            tenant: format_id(Prefix.WORKSPACE, self.random(tenant).getrandbits(128))
            for tenant in Tenant
        }

    def tenant_of(self, number: int) -> Tenant:
        """Whose contact it is: three of five are of the first workspace."""
        return Tenant.MAIN if number % 5 < 3 else Tenant.OTHER

    def ids_in_order(self, tenant: Tenant, prefix: Prefix, count: int) -> list[str]:
        """The ids of things that a workspace has a few of."""
        random = self.random(tenant, prefix)
        return sorted(format_id(prefix, random.getrandbits(128)) for _ in range(count))

    @cached_property
    def campaigns(self) -> Mapping[Tenant, Sequence[str]]:
        """The campaigns of each workspace."""
        return {
            tenant: self.ids_in_order(tenant, Prefix.CAMPAIGN, CAMPAIGNS)
            for tenant in (Tenant.MAIN, Tenant.OTHER)
        }

    @cached_property
    def journeys(self) -> Mapping[Tenant, Sequence[str]]:
        """The journeys of each workspace."""
        return {
            tenant: self.ids_in_order(tenant, Prefix.JOURNEY, JOURNEYS)
            for tenant in (Tenant.MAIN, Tenant.OTHER)
        }
