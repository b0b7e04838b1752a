"""The composition root: the only place that builds the clock, ids, secrets, engine and bus."""

import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute

from trenza import resources
from trenza.domain.access import Viewer
from trenza.domain.access_key import ALPHABET, SECRET_LENGTH
from trenza.domain.ids import Prefix, format_id
from trenza.graphql.context import Context
from trenza.graphql.schema import build_schema
from trenza.pubsub.bus import Bus
from trenza.pubsub.postgres import PostgresBell
from trenza.readplan.planner import Planner
from trenza.services.access import Authenticator
from trenza.services.dependencies import Bell, Clock, Dependencies
from trenza.services.recorder import Recorder
from trenza.services.workspace import SettingsMemory
from trenza.settings import Settings
from trenza.storage.engine import Database, driver_arguments
from trenza.storage.feed import find_sequence
from trenza.storage.statements import Statements, open_statements
from trenza.web import explorer, health
from trenza.web.api import Api, Compressed, WithPage


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The instant now, in UTC."""
        return datetime.now(UTC)


def new_id_maker(clock: Clock) -> Callable[[Prefix], str]:
    """Makes ids of UUIDv7s that grow within the process, also within a millisecond."""
    last = 0

    def new_id(prefix: Prefix) -> str:
        nonlocal last
        millis = int(clock.now().timestamp() * 1000)
        random = secrets.randbits(74)
        value = millis << 80 | 0x7 << 76 | random >> 62 << 64 | 0b10 << 62 | random & (1 << 62) - 1
        last = value if value > last else last + 1
        return format_id(prefix, last)

    return new_id


def new_secret() -> str:
    """The secret of an API key."""
    return "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))


def correlation_id_maker() -> Callable[[], str]:
    """Makes what an operation is found by in the log: 32 digits, of this process and a count.

    To ask the system for random bytes lets another thread go first, for each operation.
    """
    process, operations = secrets.token_hex(8), count(1)
    return lambda: f"{process}{next(operations):016x}"


@dataclass
class Parts:
    """What the process is built of, and what must be started and stopped with it."""

    dependencies: Dependencies
    bus: Bus
    recorder: Recorder
    postgres: PostgresBell | None
    statements: Statements
    memory: SettingsMemory

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """Starts what runs beside the requests; at the end everything accepted is committed."""
        if self.postgres is not None:
            self.postgres.start()
        try:
            yield
        finally:
            await self.recorder.drain()
            if self.postgres is not None:
                await self.postgres.close()
            await self.bus.close()
            await self.statements.close()
            await self.dependencies.database.close()


def build_parts(settings: Settings, clock: Clock | None = None) -> Parts:
    """The parts of a process on the database of the settings."""
    clock = clock or SystemClock()
    database = Database(settings.database, pool_size=settings.pool_size)

    async def sequence_of(workspace_id: str) -> int:
        async with database.read() as connection:
            return await find_sequence(connection, workspace_id)

    bus = Bus(sequence_of)
    postgres = None
    bell: Bell = bus
    if not database.is_sqlite:
        bell = postgres = PostgresBell(bus, driver_arguments(settings.database))
    dependencies = Dependencies(database, clock, new_id_maker(clock), bell, new_secret)
    statements = open_statements(database, pool_size=settings.pool_size)
    memory = SettingsMemory(database, clock)
    return Parts(dependencies, bus, Recorder(dependencies), postgres, statements, memory)


def create_app(settings: Settings, clock: Clock | None = None) -> Starlette:
    """The application: GraphQL, the explorer, the examples, health."""
    parts = build_parts(settings, clock)

    new_correlation_id = correlation_id_maker()

    def new_context(key: Viewer | None) -> Context:
        return Context(
            parts.dependencies,
            parts.recorder,
            parts.bus,
            parts.memory,
            parts.statements,
            key,
            new_correlation_id(),
        )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None, None]:
        async with parts.running():
            yield
        if planner is not None:
            planner.log_use()

    async def home(_: Request) -> Response:
        return RedirectResponse("/graphql")

    schema = build_schema(introspection=settings.introspection)
    planner = None
    if settings.read_plan:
        planner = Planner(schema.core, parts.dependencies.database, parts.statements)
    api = Api(schema, Authenticator(parts.dependencies), new_context, planner)
    endpoint = WithPage(api, explorer.explorer_page) if settings.explorer else api
    app = Starlette(
        routes=[
            Route("/graphql", endpoint),
            Route("/", home),
            WebSocketRoute("/graphql", api),
            *health.routes(parts.dependencies.database),
            *explorer.routes(resources.explorer(), resources.examples()),
        ],
        middleware=[Middleware(Compressed)],
        lifespan=lifespan,
    )
    app.state.parts = parts
    app.state.planner = planner
    return app
