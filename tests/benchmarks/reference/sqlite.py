"""Bare Starlette on SQLite: `python -m tests.benchmarks.reference.sqlite PORT FILE ...`.

Each request hops once to a thread that holds a connection: readers to one of theirs, writers to
the only one. After the port and the file come the workspaces to read from and to write to.
"""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from threading import local
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.benchmarks.reference import grouping
from tests.benchmarks.reference import sqlite_statements as sql
from tests.benchmarks.reference.writing import SAME_ID, WINDOW, Incoming, clock, incoming
from trenza.cli.listening import listen, run_until_told
from trenza.domain.instant import TICK, instant_text

READERS = 2


def stored(at: datetime) -> str:
    """An instant as the tables hold it: in UTC, without saying so."""
    return at.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


class Answers:
    """The threads with their connections and what is answered from them."""

    def __init__(self, file: str, read_from: str, write_to: str) -> None:
        self._file = file
        self._read_from = read_from
        self._write_to = write_to
        self._of_thread = local()
        self._readers = ThreadPoolExecutor(READERS, initializer=self._connect)
        self._writer = ThreadPoolExecutor(1, initializer=self._connect)

    def _connect(self) -> None:
        connection = sqlite3.connect(self._file, isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
        self._of_thread.connection = connection

    @property
    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = self._of_thread.connection
        return connection

    @asynccontextmanager
    async def running(self, _: Starlette) -> AsyncGenerator[None, None]:
        """Ends the threads when the server stops."""
        yield
        self._readers.shutdown()
        self._writer.shutdown()

    async def ready(self, _: Request) -> Response:
        """Says that the server answers."""
        return Response()

    async def contact(self, request: Request) -> Response:
        """Everything about one contact."""
        return await self._read(sql.CONTACT_360, self._read_from, request.path_params["id"])

    async def contacts(self, request: Request) -> Response:
        """A page of contacts."""
        after = request.query_params.get("after")
        if after is None:
            return await self._read(sql.contacts(after=False), self._read_from)
        at, _, id_ = after.partition("~")
        known = stored(datetime.fromisoformat(at))
        return await self._read(sql.contacts(after=True), self._read_from, known, id_)

    async def segment(self, request: Request) -> Response:
        """How many belong to a segment."""
        asked, loop = request.query_params, asyncio.get_running_loop()
        values = (self._read_from, asked["since"], asked["until"])
        found = loop.run_in_executor(self._readers, self._fetch, grouping.SQLITE_COUNT, values)
        return _json(orjson.dumps(grouping.counted(int(await found))))

    async def freeze(self, request: Request) -> Response:
        """Puts whoever belongs to a segment into a new list."""
        asked, loop = request.query_params, asyncio.get_running_loop()
        days, name = int(asked["days"]), asked["name"]
        found = loop.run_in_executor(self._writer, self._freeze, days, name)
        return _json(orjson.dumps(grouping.frozen(await found)))

    def _freeze(self, days: int, name: str) -> int:
        now, connection = clock(), self._connection
        period = map(instant_text, (now - timedelta(days=days), now + TICK))
        named = (name, stored(now))
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(grouping.SQLITE_LIST, (self._read_from, *named))
        values = (self._read_from, *period, *named)
        count = connection.execute(grouping.SQLITE_FREEZE, values).rowcount
        connection.execute("COMMIT")
        return count

    async def _read(self, statement: str, *values: str) -> Response:
        loop = asyncio.get_running_loop()
        return _json(await loop.run_in_executor(self._readers, self._fetch, statement, values))

    def _fetch(self, statement: str, values: tuple[str, ...]) -> str:
        found: str = self._connection.execute(statement, values).fetchone()[0]
        return found

    async def record(self, request: Request) -> Response:
        """Records one interaction."""
        body = await request.body()
        loop = asyncio.get_running_loop()
        recorded = await loop.run_in_executor(self._writer, self._record, body)
        return _json(orjson.dumps({"data": {"recordInteraction": recorded}}))

    def _record(self, body: bytes) -> dict[str, Any]:
        found = incoming(orjson.loads(body), clock())
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            recorded = self._decide(connection, found)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        return recorded

    def _decide(self, connection: sqlite3.Connection, found: Incoming) -> dict[str, Any]:
        now = stored(clock())
        workspace_id = self._write_to
        named = (workspace_id, found.source, found.external_id)
        known = connection.execute(sql.FIND_KNOWN, named).fetchone()
        if known is not None:
            if known[1] != found.hash:
                return {"__typename": "IdempotencyConflict"}
            return _recorded(known[0], known[2], known[3], replayed=True)
        person, root = self._place(connection, found, now)
        at, lane = stored(found.at), found.actor
        covering = connection.execute(sql.FIND_COVERING, (workspace_id, root, at, lane)).fetchone()
        if covering is None:
            outcome, rule = "CHARGED", "OPENED_BY_CUSTOMER" if lane is None else "OPENED_BY_COMPANY"
            session, session_at = f"ses{found.id[SAME_ID]}", at
        else:
            outcome, (session, bound_to, session_at) = "COVERED", covering
            rule = "COVERED_BY_OPEN_SESSION" if lane is None else "COVERED_IN_LANE"
            if lane is not None and bound_to == "UNBOUND":
                rule = "COVERED_BY_BINDING"
                bound = (lane, found.position, workspace_id, session)
                connection.execute(sql.BIND, bound)
        self._add(connection, found, now, (person, root), (outcome, rule, session, session_at))
        return _recorded(found.id, outcome, rule, replayed=False)

    def _place(self, connection: sqlite3.Connection, found: Incoming, now: str) -> tuple[str, str]:
        """The contact of the address and its root; both are made where they are missing."""
        workspace_id = self._write_to
        of_address = (workspace_id, "PHONE", found.address)
        holder = connection.execute(sql.FIND_CONTACT, (*of_address, found.channel)).fetchone()
        if holder is None:
            person = root = f"contact{found.id[SAME_ID]}"
            connection.execute(sql.ADD_CONTACT, (workspace_id, person, now))
            connection.execute(sql.ADD_ADDRESS, (*of_address, person))
        else:
            person, root = holder[:2]
        if holder is None or holder[2] is None:
            identity = (workspace_id, found.channel, found.address, "PHONE", person, root, now)
            connection.execute(sql.ADD_IDENTITY, identity)
        return person, root

    def _add(
        self,
        connection: sqlite3.Connection,
        found: Incoming,
        now: str,
        of: tuple[str, str],
        verdict: tuple[str, str, str, str],
    ) -> None:
        """Writes the interaction, and the session and the debit where it opens one."""
        workspace_id, root = self._write_to, of[1]
        connection.execute(
            sql.ADD_INTERACTION, (*_interaction(workspace_id, found, of, now), *verdict)
        )
        if verdict[0] == "CHARGED":
            connection.execute(sql.ADD_SESSION, _session(workspace_id, found, root))
            moved = (workspace_id, 1, now)
            last = connection.execute(sql.MOVE_HEAD, moved).fetchone()[0]
            connection.execute(sql.ADD_ENTRY, _entry(workspace_id, found, last + 1, now))

    async def insert(self, request: Request) -> Response:
        """Inserts the rows of reports that say themselves whom they are of and what they open."""
        body = await request.body()
        loop = asyncio.get_running_loop()
        inserted = await loop.run_in_executor(self._writer, self._insert, body)
        return _json(orjson.dumps({"inserted": inserted}))

    def _insert(self, body: bytes) -> int:
        now, workspace_id = clock(), self._write_to
        reports = [(each, incoming(each["input"], now)) for each in orjson.loads(body)]
        interactions, opening = [], []
        for each, found in reports:
            owner, session = each["contactId"], f"ses{found.id[SAME_ID]}"
            verdict = ("CHARGED", "OPENED_BY_CUSTOMER") if each["opens"] else ("COVERED", "IN")
            row = _interaction(workspace_id, found, (owner, owner), stored(now))
            interactions.append((*row, *verdict, session, stored(found.at)))
            if each["opens"]:
                opening.append((owner, found))
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(sql.ADD_INTERACTION, interactions)
        sessions = [_session(workspace_id, found, owner) for owner, found in opening]
        connection.executemany(sql.ADD_SESSION, sessions)
        moved = (workspace_id, len(opening), stored(now))
        last = connection.execute(sql.MOVE_HEAD, moved).fetchone()[0]
        entries = [
            _entry(workspace_id, found, sequence, stored(now))
            for sequence, (_, found) in enumerate(opening, start=last + 1)
        ]
        connection.executemany(sql.ADD_ENTRY, entries)
        connection.execute("COMMIT")
        return len(interactions)


def _interaction(
    workspace_id: str, found: Incoming, of: tuple[str, str], now: str
) -> tuple[str | None, ...]:
    """The columns of an interaction up to its verdict."""
    said = (found.channel, found.address, found.kind, found.channel, found.actor)
    named = (found.position, found.source, found.external_id, found.hash, found.text)
    return (workspace_id, found.id, *of, *said, stored(found.at), now, *named)


def _session(workspace_id: str, found: Incoming, root: str) -> tuple[str | None, ...]:
    window = (stored(found.at), stored(found.at + WINDOW), found.position)
    bound = None if found.actor is None else found.position
    lane = found.actor or "UNBOUND"
    return (workspace_id, f"ses{found.id[SAME_ID]}", root, found.channel, lane, *window, bound)


def _entry(workspace_id: str, found: Incoming, sequence: int, now: str) -> tuple[str | int, ...]:
    at, shared = stored(found.at), found.id[SAME_ID]
    return (workspace_id, sequence, f"debit{shared}", at, now, at, f"ses{shared}", found.id)


def _recorded(id_: str, outcome: str, rule: str, *, replayed: bool) -> dict[str, Any]:
    return {
        "__typename": "RecordInteractionPayload",
        "replayed": replayed,
        "interaction": {"id": id_, "verdict": {"outcome": outcome, "ruleCode": rule}},
    }


def _json(body: str | bytes) -> Response:
    return Response(body, media_type="application/json")


def main(port: str, file: str, read_from: str, write_to: str) -> None:
    """Serves until it is told to stop, by the same server with the same settings as Trenza."""
    answers = Answers(file, read_from, write_to)
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
