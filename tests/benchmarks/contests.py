"""The contests: who is asked what on one database, and about whom."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from tests.benchmarks.fill import Addressed, Filled
from tests.benchmarks.load import Expected, request
from tests.benchmarks.reports import Reports
from tests.benchmarks.servers import Server
from tests.benchmarks.tenants import key_of
from tests.benchmarks.world import Tenant, World

CHECKED = 8
"""So many contacts are kept for each check of the writes: nobody else reports on them."""

CountRows = Callable[[Tenant], Awaitable[dict[str, int]]]


@dataclass(frozen=True)
class Side:
    """Who is asked, and what; each answer is worth so many units."""

    name: str
    server: Server
    requests: Iterator[bytes]
    expected: Expected
    units: int = 1


@dataclass(frozen=True)
class Contest:
    """A question with its sides: Trenza first, then what it is compared with."""

    name: str
    title: str
    sides: Sequence[Side]
    connections: Sequence[int]


@dataclass
class Contestants:
    """The servers on one database and the world in it.

    `run` makes the reports of this run unlike those of any other; `count_rows` tells how many rows
    a workspace has in the tables that the writes grow; `bypassing` is Trenza by a PostgreSQL role
    that bypasses row-level security, which tells what that costs.
    """

    world: World
    filled: Filled
    run: str
    count_rows: CountRows
    trenza: Server
    reference: Server
    without_plan: Server | None = None
    postgraphile: Server | None = None
    bypassing: Server | None = None

    def ask_trenza(
        self, document: str, variables: dict[str, Any], tenant: Tenant = Tenant.MAIN
    ) -> bytes:
        """A request of GraphQL with the key of a workspace."""
        body = orjson.dumps({"query": document, "variables": variables})
        return request("POST", "/graphql", body, self._keys[tenant])

    def ask_postgraphile(self, document: str, variables: dict[str, Any]) -> bytes:
        """A request of GraphQL on the first workspace."""
        asked = {"workspaceId": self.world.workspace_ids[Tenant.MAIN], **variables}
        return request("POST", "/graphql", orjson.dumps({"query": document, "variables": asked}))

    @cached_property
    def _keys(self) -> dict[Tenant, str]:
        return {tenant: key_of(self.world, tenant).text for tenant in Tenant}

    def kept_for_check(self, tenant: Tenant, check: int) -> list[Addressed]:
        """The contacts on whom only one check of the writes, numbered from 0, reports."""
        people = self.filled.quiet[tenant]
        return people[check * CHECKED : (check + 1) * CHECKED]

    @cached_property
    def reports(self) -> dict[Tenant, Reports]:
        """The stream of reports on each workspace, which goes on from contest to contest."""
        return {
            tenant: Reports(self.run, people[2 * CHECKED :])
            for tenant, people in self.filled.quiet.items()
        }
