"""What one GraphQL operation carries: who asks, when, its own loaders and figures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

import strawberry

from trenza.domain.access import Scope, Viewer
from trenza.domain.errors import Unauthenticated
from trenza.graphql.figures import Figures
from trenza.graphql.membership import Membership
from trenza.pubsub.bus import Bus
from trenza.readplan.reader import Reader, Row
from trenza.services.dependencies import Dependencies
from trenza.services.recorder import Recorder
from trenza.services.workspace import SettingsMemory
from trenza.storage.asking import Together
from trenza.storage.statements import Statements

T = TypeVar("T")
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Context:
    """Of a connection first; each operation on it works with a copy from `for_operation`."""

    dependencies: Dependencies
    recorder: Recorder
    bus: Bus
    memory: SettingsMemory
    statements: Statements
    key: Viewer | None
    correlation_id: str
    connection_params: dict[str, Any] | None = None
    operation_name: str | None = None
    now: datetime = BEGINNING
    _reader: Reader | None = None
    _figures: Figures | None = None
    _membership: Membership | None = None

    def for_operation(self) -> Context:
        """A context with loaders of its own and one instant for everything it says."""
        fresh = replace(self)
        fresh.renew()
        return fresh

    def renew(self) -> None:
        """Forgets what was loaded: what follows a write, or the next event, is read anew."""
        self.now = self.dependencies.clock.now()
        self._reader = self._figures = self._membership = None

    async def write(self, verb: Callable[..., Awaitable[T]], *request: Any) -> T:
        """Runs a service and forgets what was loaded before it."""
        done = await verb(self.dependencies, self.viewer, *request)
        self.renew()
        return done

    @property
    def viewer(self) -> Viewer:
        """Who asks; every operation needs a key."""
        if self.key is None:
            raise Unauthenticated("give an API key: Authorization: Bearer <key>")
        return self.key

    @property
    def root(self) -> Row:
        """What a query's own fields are answered from: the key and its workspace."""
        viewer = self.viewer
        return {
            "workspace_id": viewer.workspace_id,
            "key_id": viewer.key_id,
            "name": viewer.name,
            "scopes": [scope for scope in Scope if scope in viewer.scopes],
            "user_id": viewer.user_id,
            "role": viewer.role,
            "permissions": list(map(str, viewer.verbs)),
        }

    @property
    def reader(self) -> Reader:
        """The loaders of this operation, which see the key's workspace alone."""
        if self._reader is None:
            self._reader = Reader(self.dependencies.database, self.viewer.workspace_id)
        return self._reader

    @property
    def figures(self) -> Figures:
        """The figures that are worked out on demand in this operation."""
        if self._figures is None:
            database = self.dependencies.database
            together = Together(self.statements, database.dialect)
            self._figures = Figures(
                database,
                together,
                self.memory,
                self.viewer.workspace_id,
                self.now,
            )
        return self._figures

    @property
    def membership(self) -> Membership:
        """Who belongs to the segments and lists that this operation asks about."""
        if self._membership is None:
            database = self.dependencies.database
            self._membership = Membership(database, self.memory, self.viewer, self.now)
        return self._membership


Info = strawberry.Info[Context, None]
