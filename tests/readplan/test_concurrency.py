"""Many at once, connections that break, clients that go: the answers stay what they are."""

import asyncio

import pytest

from tests.postgresql import PostgresqlServer
from tests.readplan.conftest import Apps, Story
from tests.readplan.documents import make_request
from tests.world import Client
from trenza.graphql.schema import build_schema
from trenza.storage.statements import PostgresStatements, StatementError, UnfitStatementError

AT_ONCE = 50
ASK = "{ contacts(first: 3) { totalCount nodes { id displayName } } }"
SCHEMA = build_schema().core


async def test_documents_at_once_answer_as_they_do_alone(apps: Apps, story: Story) -> None:
    client = story.a.client(apps.planned)
    bodies = [make_request(SCHEMA, story.a.known, seed).bodies[0] for seed in range(AT_ONCE)]
    alone = [(await client.post(body)).content for body in bodies]

    together = await asyncio.gather(*(client.post(body) for body in bodies))

    assert [answer.content for answer in together] == alone
    assert len(set(alone)) > AT_ONCE / 2


def pool_of(apps: Apps) -> PostgresStatements:
    """The pool of PostgreSQL's connections; skips on SQLite, which has threads instead."""
    statements = apps.planned.parts.statements
    if not isinstance(statements, PostgresStatements):
        pytest.skip("a file has no connections to lose")
    return statements


async def end_connections(server: PostgresqlServer) -> None:
    """What an administrator or a restart does to every connection that plans read by."""
    kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{}'"
    await asyncio.to_thread(server.execute, kill.format("trenza-read"))


@pytest.mark.parametrize("pause_s", [0.0, 0.2])
async def test_a_connection_that_the_server_ended_is_replaced(
    apps: Apps, story: Story, request: pytest.FixtureRequest, pause_s: float
) -> None:
    pool_of(apps)
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    client = story.a.client(apps.planned)
    before = await asyncio.gather(*(client.run(ASK) for _ in range(8)))

    await end_connections(server)
    await asyncio.sleep(pause_s)
    after = await asyncio.gather(*(client.run(ASK) for _ in range(8)))

    assert after == before


async def test_a_statement_that_fails_costs_no_connection(apps: Apps, story: Story) -> None:
    pool, workspace_id = pool_of(apps), story.a.workspace_id
    await pool.fetch("SELECT 1", [], workspace_id)
    before = [each.connection for each in pool._idle]

    for _ in range(2):
        with pytest.raises(StatementError):
            await pool.fetch("SELECT 1 / $1::int", [0], workspace_id)
        assert [*await pool.fetch("SELECT 2 / $1::int", [1], workspace_id)] == [(2,)]
    for text in ("SELECT no_such_column", "SELECT FROM WHERE"):
        with pytest.raises(UnfitStatementError):
            await pool.fetch(text, [], workspace_id)

    assert {*before} == {each.connection for each in pool._idle}
    assert not any(each.is_closed() for each in before)


async def test_a_request_that_is_cancelled_leaves_no_broken_connection(
    apps: Apps, story: Story
) -> None:
    pool = pool_of(apps)
    client = story.a.client(apps.planned)
    right = await client.run(ASK)

    asked = 0
    for turns in range(40):
        going = asyncio.create_task(Client(client.http, client.key).run(ASK))
        for _ in range(turns):
            await asyncio.sleep(0)
        if not going.done():
            asked += 1
            going.cancel()
        await asyncio.wait([going])
        assert await client.run(ASK) == right

    assert asked > 2
    assert await asyncio.gather(*(client.run(ASK) for _ in range(8))) == [right] * 8
    assert all(not each.connection.is_closed() for each in pool._idle)
    assert pool._free._value == 4


async def test_a_request_that_is_cancelled_on_the_server_gives_its_place_back(
    apps: Apps, story: Story
) -> None:
    pool = pool_of(apps)
    sleeping = [
        asyncio.create_task(pool.fetch("SELECT pg_sleep(60)", [], story.a.workspace_id))
        for _ in range(4)
    ]
    await asyncio.sleep(0.3)

    for each in sleeping:
        each.cancel()
    await asyncio.wait(sleeping)

    assert all(each.cancelled() for each in sleeping)
    assert (await story.a.client(apps.planned).run(ASK))["contacts"]["totalCount"] > 0
