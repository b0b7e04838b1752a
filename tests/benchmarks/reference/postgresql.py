"""Bare Starlette on PostgreSQL: `python -m tests.benchmarks.reference.postgresql PORT DSN ...`.

One statement, or one call of a function, for each request; no keys, no GraphQL, no ORM. After the
port and the database come the workspaces to read from and to write to.
"""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.benchmarks.reference import grouping
from tests.benchmarks.reference import postgresql_statements as sql
from tests.benchmarks.reference.writing import SAME_ID, WINDOW, clock, incoming
from trenza.cli.listening import listen, run_until_told
from trenza.domain.instant import TICK, instant_text
from trenza.settings import load_settings

RECORD = f"SELECT record_interaction({', '.join(f'${n}' for n in range(1, 15))})"
MOVE_HEAD = """
UPDATE ledger_head SET sequence = sequence + $2, recorded_at = greatest($3, recorded_at)
WHERE workspace_id = $1 RETURNING sequence - $2
"""
INTERACTION = (
    "workspace_id id contact_id owner_id identity_channel identity_address kind channel actor"
    " occurred_at recorded_at position source external_id content_hash text outcome rule_code"
    " session_id session_opened_at"
).split()
SESSION = (
    "workspace_id id owner_id channel lane opened_at expires_at opened_position bound_position"
).split()
ENTRY = (
    "workspace_id sequence id kind amount effective_at recorded_at counts_at reason session_id"
    " cause_id"
).split()


async def _stay(connection: Any) -> None:
    """Leaves a connection as it is: nothing here changes its state."""


class Answers:
    """The pool and what is answered from it."""

    def __init__(self, dsn: str, read_from: str, write_to: str) -> None:
        self._dsn = dsn
        self._read_from = read_from
        self._write_to = write_to

    @asynccontextmanager
    async def running(self, _: Starlette) -> AsyncGenerator[None, None]:
        """Opens the pool."""
        size = load_settings().pool_size
        self._pool: Any = await asyncpg.create_pool(
            self._dsn, min_size=size, max_size=size, reset=_stay
        )
        try:
            yield
        finally:
            await self._pool.close()

    async def ready(self, _: Request) -> Response:
        """Says that the server answers."""
        return Response()

    async def contact(self, request: Request) -> Response:
        """Everything about one contact."""
        id_ = request.path_params["id"]
        return _json(await self._pool.fetchval(sql.CONTACT_360, self._read_from, id_))

    async def contacts(self, request: Request) -> Response:
        """A page of contacts."""
        after = request.query_params.get("after")
        if after is None:
            return _json(await self._pool.fetchval(sql.contacts(after=False), self._read_from))
        at, _, id_ = after.partition("~")
        known = datetime.fromisoformat(at)
        return _json(
            await self._pool.fetchval(sql.contacts(after=True), self._read_from, known, id_)
        )

    async def segment(self, request: Request) -> Response:
        """How many belong to a segment."""
        asked = request.query_params
        period = (asked["since"], asked["until"])
        count = await self._pool.fetchval(grouping.POSTGRESQL_COUNT, self._read_from, *period)
        return _json(orjson.dumps(grouping.counted(count)))

    async def freeze(self, request: Request) -> Response:
        """Puts whoever belongs to a segment into a new list."""
        asked, now = request.query_params, clock()
        period = (now - timedelta(days=int(asked["days"])), now + TICK)
        named = asked["name"], now
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(grouping.POSTGRESQL_LIST, self._read_from, *named)
            texts = map(instant_text, period)
            done = await connection.execute(
                grouping.POSTGRESQL_FREEZE, self._read_from, *texts, *named
            )
        return _json(orjson.dumps(grouping.frozen(int(done.split()[-1]))))

    async def record(self, request: Request) -> Response:
        """Records one interaction."""
        found = incoming(orjson.loads(await request.body()), clock())
        arguments = (
            *(self._write_to, found.id, found.channel, found.kind, found.actor, found.at),
            *(found.source, found.external_id, found.text, found.channel, "PHONE", found.address),
            *(found.hash, found.rank),
        )
        recorded = await self._pool.fetchval(RECORD, *arguments)
        return _json(f'{{"data":{{"recordInteraction":{recorded}}}}}')

    async def insert(self, request: Request) -> Response:
        """Inserts the rows of reports that say themselves whom they are of and what they open."""
        reports = orjson.loads(await request.body())
        now = clock()
        interactions, sessions, openings = self._rows(reports, now)
        async with self._pool.acquire() as connection, connection.transaction():
            await _copy(connection, "interaction", INTERACTION, interactions)
            if sessions:
                await _copy(connection, "interactionz_session", SESSION, sessions)
                last = await connection.fetchval(MOVE_HEAD, self._write_to, len(openings), now)
                entries = [
                    (self._write_to, sequence, *opening)
                    for sequence, opening in enumerate(openings, start=last + 1)
                ]
                await _copy(connection, "ledger_entry", ENTRY, entries)
        return _json(orjson.dumps({"inserted": len(interactions)}))

    def _rows(
        self, reports: list[dict[str, Any]], now: datetime
    ) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """The rows of interactions, of sessions, and of the ledger after their sequences."""
        interactions, sessions, openings = [], [], []
        workspace_id = self._write_to
        for report in reports:
            found = incoming(report["input"], now)
            owner, at, place = report["contactId"], found.at, found.position
            session = f"ses{found.id[SAME_ID]}"
            verdict = ("CHARGED", "OPENED_BY_CUSTOMER") if report["opens"] else ("COVERED", "IN")
            said = (found.channel, found.address, found.kind, found.channel, found.actor, at, now)
            named = (place, found.source, found.external_id, found.hash, found.text)
            of_contact = (workspace_id, found.id, owner, owner)
            interactions.append((*of_contact, *said, *named, *verdict, session, at))
            if report["opens"]:
                window = ("UNBOUND", at, at + WINDOW, place, None)
                sessions.append((workspace_id, session, owner, found.channel, *window))
                debit = (f"debit{found.id[SAME_ID]}", "DEBIT", 1, at, now, at, "OPENED")
                openings.append((*debit, session, found.id))
        return interactions, sessions, openings


async def _copy(
    connection: Any, table: str, columns: list[str], rows: list[tuple[Any, ...]]
) -> None:
    await connection.copy_records_to_table(table, records=rows, columns=columns)


def _json(body: str | bytes) -> Response:
    return Response(body, media_type="application/json")


def main(port: str, dsn: str, read_from: str, write_to: str) -> None:
    """Serves until it is told to stop, by the same server with the same settings as Trenza."""
    answers = Answers(dsn, read_from, write_to)
    routes = [
        Route("/readyz", answers.ready),
        Route("/contacts/{id}", answers.contact),
        Route("/contacts", answers.contacts),
        Route("/segment", answers.segment, methods=["GET"]),
        Route("/segment", answers.freeze, methods=["POST"]),
        Route("/interactions", answers.record, methods=["POST"]),
        Route("/rows", answers.insert, methods=["POST"]),
    ]
    with listen("127.0.0.1", int(port)) as listener:
        run_until_told(Starlette(routes=routes, lifespan=answers.running), listener)


if __name__ == "__main__":
    main(*sys.argv[1:])
