"""A whole Trenza in this process: the app on a real database, its tenants, a clock that is set.

Ids are real ids, made from the clock that the test sets. Nothing here writes an interaction, a
contact or a credit: that is done through GraphQL, as by any client.
"""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import insert, select
from sqlmodel import SQLModel

from trenza import storage
from trenza.app import Parts, create_app
from trenza.domain.access import Role, Scope
from trenza.domain.ids import Prefix
from trenza.domain.instant import instant_text
from trenza.services.access import CreateKey, act_as_system, create_key
from trenza.settings import load_settings

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""Where the clock of a new world stands; a Friday."""
ADMIN = frozenset(Scope)


class SetClock:
    """A clock that stands still until the test moves it."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        """The instant it was set to."""
        return self.at

    def advance(self, **by: float) -> datetime:
        """Moves it by what `timedelta` takes and tells the new instant."""
        self.at += timedelta(**by)
        return self.at


@dataclass
class Client:
    """A client of the API with one key, or without."""

    http: httpx.AsyncClient
    key: str | None

    @property
    def headers(self) -> dict[str, str]:
        """What it sends with every request."""
        return {} if self.key is None else {"Authorization": f"Bearer {self.key}"}

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The whole answer to a document; fails unless it is 200."""
        response = await self.post({"query": document, "variables": variables})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def run(self, document: str, **variables: Any) -> Any:
        """The data of an answer that has no error."""
        answer = await self.ask(document, **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    async def do(self, mutation: str, type_: str, fields: str, input: dict[str, Any]) -> Any:
        """The result of one mutation with an `input` of a type; `fields` are of its union."""
        document = (
            f"mutation ($input: {type_}!) {{ {mutation}(input: $input) "
            f"{{ __typename ... on UserError {{ code message path }} {fields} }} }}"
        )
        return (await self.run(document, input=input))[mutation]

    async def record(self, fields: str = "", **input: Any) -> Any:
        """The result of `recordInteraction` with the names of the API as arguments."""
        on = (
            "... on RecordInteractionPayload { interaction { id } session { id } replayed "
            f"entries {{ amount reason }} balance {{ consumed remaining }} {fields} }}"
        )
        return await self.do("recordInteraction", "RecordInteractionInput", on, input)

    async def post(self, body: Any = None, **options: Any) -> httpx.Response:
        """A POST of JSON, or of whatever the options of httpx say."""
        if body is not None:
            options["json"] = body
        headers = {**self.headers, **options.pop("headers", {})}
        return await self.http.post("/graphql", headers=headers, **options)


@dataclass
class Tenant:
    """A workspace with a client for every set of scopes that was asked for."""

    world: "World"
    id: str
    plan_id: str
    contract_id: str
    _clients: dict[frozenset[Scope], Client] = field(default_factory=dict)

    @property
    def admin(self) -> Client:
        """The client that may do everything; it was made with the workspace."""
        return self._clients[ADMIN]

    async def client(self, *scopes: Scope) -> Client:
        """A client whose key has exactly these scopes."""
        asked = frozenset(scopes)
        if asked not in self._clients:
            text, _ = await self.key(asked)
            self._clients[asked] = Client(self.world.http, text)
        return self._clients[asked]

    async def person(self, role: Role, name: str | None = None) -> tuple[Client, str]:
        """An active user of a role, with a client whose key has every scope; and the user's id."""
        name = name or role.lower()
        given = {"email": f"{name}@example.com", "name": name, "role": role}
        on = "... on InviteUserPayload { user { id } }"
        invited = await self.admin.do("inviteUser", "InviteUserInput", on, given)
        user_id: str = invited["user"]["id"]
        accepted = await self.admin.do("acceptInvitation", "UserInput", "", {"userId": user_id})
        assert accepted["__typename"] == "UserPayload", accepted
        # Of one user no two events share an instant.
        self.world.clock.advance(microseconds=10)
        text, _ = await self.key(user_id=user_id)
        return Client(self.world.http, text), user_id

    async def key(
        self,
        scopes: Iterable[Scope] = ADMIN,
        expires_at: datetime | None = None,
        user_id: str | None = None,
    ) -> tuple[str, str]:
        """A new key: its text and its id."""
        dependencies = self.world.parts.dependencies
        request = CreateKey(
            name=" ".join(sorted(scopes)),
            scopes=frozenset(scopes),
            expires_at=expires_at,
            user_id=user_id,
        )
        viewer = await act_as_system(dependencies, self.id)
        made = await create_key(dependencies, viewer, request)
        return made.text, made.key_id


@dataclass
class World:
    """The app with its parts, and the clock that all of it reads."""

    app: Any
    parts: Parts
    clock: SetClock
    http: httpx.AsyncClient

    async def tenant(
        self,
        name: str = "Cafetal",
        *,
        seats: int = 1,
        interactionz: int = 100,
        anchor_day: int = 1,
        zone: str = "America/Bogota",
        started_days_ago: int = 90,
    ) -> Tenant:
        """A workspace on a plan of its own, whose contract began some days ago."""
        new_id, now = self.parts.dependencies.new_id, self.clock.now()
        workspace_id = new_id(Prefix.WORKSPACE)
        plan_id, contract_id = new_id(Prefix.PLAN), new_id(Prefix.CONTRACT)
        began = now - timedelta(days=started_days_ago)
        rows: list[tuple[type[Any], dict[str, Any]]] = [
            (
                storage.Workspace,
                {
                    "name": name,
                    "zone": zone,
                    "language": "ES",
                    "policy": "2026-11",
                    "acceptance_horizon_days": 35,
                    "closing_grace_hours": 72,
                    "alert_thresholds": [80, 100],
                    "created_at": now,
                },
            ),
            (
                storage.Plan,
                {
                    "id": plan_id,
                    "code": "starter",
                    "name": "Starter",
                    "seats": seats,
                    "interactionz": interactionz,
                    "sample": False,
                },
            ),
            (
                storage.Contract,
                {
                    "id": contract_id,
                    "plan_id": plan_id,
                    "status": "ACTIVE",
                    "anchor_day": anchor_day,
                    "starts_at": began,
                },
            ),
            (storage.LedgerHead, {"sequence": 0, "recorded_at": began}),
        ]

        async def work(connection: Any) -> None:
            for table, row in rows:
                await connection.execute(
                    insert(table.__table__).values(workspace_id=workspace_id, **row)
                )

        await self.parts.dependencies.database.write(work, workspace_id)
        tenant = Tenant(self, workspace_id, plan_id, contract_id)
        await tenant.client(*ADMIN)
        return tenant

    async def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table, in an order of its own."""
        return await self.dump_but()

    async def dump_but(self, *unwanted: str) -> dict[str, list[tuple[Any, ...]]]:
        """The same without some tables."""
        found = {}
        tables = [t for t in SQLModel.metadata.sorted_tables if t.name not in unwanted]
        async with self.parts.dependencies.database.across_workspaces().read() as connection:
            for table in tables:
                rows = await connection.execute(select(table).order_by(*table.primary_key.columns))
                found[table.name] = [tuple(map(repr, row)) for row in rows]
        return found


def text_of(at: datetime) -> str:
    """An instant as the API writes it."""
    return instant_text(at)


@asynccontextmanager
async def a_world(
    database_url: str, at: datetime = NOON, *, read_plan: bool = True
) -> AsyncGenerator[World, None]:
    """A running app on a migrated database; without read plans it takes the reference path."""
    clock = SetClock(at)
    settings = load_settings(database=database_url, pool_size=4, read_plan=read_plan)
    app = create_app(settings, clock)
    parts: Parts = app.state.parts
    async with (
        parts.running(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://trenza.test"
        ) as http,
    ):
        yield World(app, parts, clock, http)
