"""What is no proper request: refused without a 5xx, without a change, without a leak."""

import json
import logging
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from tests.world import World
from trenza.graphql.context import Context
from trenza.graphql.schema import build_schema
from trenza.services.access import act_as_system, revoke_key

JSON = {"Content-Type": "application/json"}
LEAK = re.compile(
    r"Traceback|site-packages|\.py\b|sqlalchemy|sqlite|asyncpg|SELECT |INSERT |Error\(|trenza\.",
    re.IGNORECASE,
)
VIEWER = "{ viewer { name } }"
TOO_MUCH = 300 * 1024


def deep(depth: int) -> bytes:
    return b'{"query": "{ viewer { name } }", "variables": ' + b"[" * depth + b"]" * depth + b"}"


BODIES: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 400),
    "text": (b"hello", 400),
    "half": (b'{"query": "{ viewer', 400),
    "null": (b"null", 400),
    "number": (b"1", 400),
    "string": (b'"{ viewer { name } }"', 400),
    "true": (b"true", 400),
    "array": (b"[]", 400),
    "batch": (b'[{"query": "{ viewer { name } }"}]', 400),
    "no query": (b"{}", 400),
    "null query": (b'{"query": null}', 400),
    "empty query": (b'{"query": ""}', 400),
    "number as query": (b'{"query": 1}', 400),
    "number as variables": (b'{"query": "{ viewer { name } }", "variables": 1}', 400),
    "array as variables": (b'{"query": "{ viewer { name } }", "variables": []}', 400),
    "unknown operation": (b'{"query": "{ viewer { name } }", "operationName": "X"}', 400),
    "number as operation": (b'{"query": "{ viewer { name } }", "operationName": 1}', 400),
    "number as extensions": (b'{"query": "{ viewer { name } }", "extensions": 1}', 400),
    "invalid UTF-8": (b'{"query": "\xff\xfe"}', 400),
    "UTF-16": ('{"query": "{ viewer { name } }"}'.encode("utf-16"), 400),
    "half a surrogate pair": (b'{"query": "{ viewer { name } } # \\ud800"}', 400),
    "NaN": (b'{"query": "{ viewer { name } }", "variables": {"a": NaN}}', 400),
    "deep JSON": (deep(100_000), 400),
    "too large": (b'{"query": "' + b" " * TOO_MUCH + b'"}', 413),
    "subscription": (b'{"query": "subscription { balanceChanged { kind } }"}', 400),
}


async def test_a_bad_body_is_the_clients_error(world: World) -> None:
    client = (await world.tenant()).admin
    before = await world.dump()

    for case, (body, status) in BODIES.items():
        response = await client.post(content=body, headers=JSON)
        assert response.status_code == status, case
        assert_no_leak(response)
    assert await world.dump() == before


async def test_a_body_that_never_says_its_size_is_cut_off(world: World) -> None:
    client = (await world.tenant()).admin

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"a" * 10_240

    response = await client.post(content=chunks(), headers=JSON)

    assert response.status_code == 413
    assert_no_leak(response)


async def test_only_json_is_read_and_only_by_post(world: World) -> None:
    client = (await world.tenant()).admin
    body = b'{"query": "{ viewer { name } }"}'

    for type_ in (
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
    ):
        response = await client.post(content=body, headers={"Content-Type": type_})
        assert response.status_code == 400, type_
        assert_no_leak(response)
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        response = await world.http.request(
            method, "/graphql", content=body, headers={**client.headers, **JSON}
        )
        assert response.status_code == 405, method


async def test_a_get_reads_and_never_writes(world: World) -> None:
    client = (await world.tenant()).admin
    before = await world.dump()

    async def get(**params: str) -> httpx.Response:
        return await world.http.get("/graphql", params=params, headers=client.headers)

    name = {"data": {"viewer": {"name": "admin manage read record"}}}
    assert (await get(query=VIEWER)).json() == name
    assert (await get(query=VIEWER, variables="null")).json() == name
    journey = 'mutation { createJourney(input: {name: "x", stage: SALE}) { __typename } }'
    for params in (
        {"query": journey},
        {"query": VIEWER, "variables": "{"},
        {"query": VIEWER, "variables": "[1]"},
        {"query": VIEWER, "variables": "1"},
        {"query": VIEWER, "extensions": "{"},
        {"query": "subscription { balanceChanged { kind } }"},
    ):
        response = await get(**params)
        assert response.status_code == 400, params
        assert_no_leak(response)
    assert await world.dump() == before


BAD_DOCUMENTS = [
    "{",
    "{ viewer { name } } \u0000",
    "{" * 20_000,
    "{ workspace { contract { plan " + "{ plan " * 5_000 + "}" * 5_003,
    "{ contact(id: " + "[" * 20_000 + "]" * 20_000 + ") { id } }",
    "query ($a: Nothing) { viewer { name } }",
    "{ viewer { secret } }",
    "{ viewer }",
    "{ viewer { name { first } } }",
    "{ ...a } fragment a on Query { ...a }",
    "{ contact { id } }",
    "query ($id: ID!) { contact(id: $id) { id } }",
]


async def test_a_bad_document_is_answered_with_its_position(world: World) -> None:
    client = (await world.tenant()).admin

    for document in BAD_DOCUMENTS:
        answer = await client.ask(document)
        assert answer["data"] is None
        for error in answer["errors"]:
            assert set(error["locations"][0]) == {"line", "column"}
            assert "extensions" not in error
            assert "Did you mean" not in error["message"]
            assert not LEAK.search(error["message"])


async def test_on_a_connection_errors_are_presented_alike(world: World) -> None:
    tenant = await world.tenant()
    parts = world.parts
    viewer = await act_as_system(parts.dependencies, tenant.id)
    context = Context(
        parts.dependencies,
        parts.recorder,
        parts.bus,
        parts.memory,
        parts.statements,
        viewer,
        "c0ffee",
    )
    schema = build_schema()

    async def errors_of(document: str) -> list[dict[str, Any]]:
        with capture_logs() as logs:
            results = await schema.stream(document, context_value=context)
            found = [error.formatted for r in [r async for r in results] for error in r.errors]
        assert bool(logs) == any(e.get("extensions", {}).get("code") == "INTERNAL" for e in found)
        return found

    async def work(connection: Any) -> None:
        await connection.execute(text("ALTER TABLE ticket RENAME TO broken"))

    await parts.dependencies.database.write(work)

    [unknown] = await errors_of("{ viewer { secret } }")
    assert unknown["message"] == "Cannot query field 'secret' on type 'Viewer'."
    [masked] = await errors_of("{ tickets { totalCount } }")
    assert masked["extensions"]["code"] == "INTERNAL"
    assert not LEAK.search(json.dumps(masked))
    [cursor] = await errors_of('subscription { balanceChanged(after: "x") { kind } }')
    assert cursor["extensions"] == {"code": "INVALID_INPUT", "input": ["after"]}


async def refused(world: World, authorization: str | None) -> httpx.Response:
    headers = {} if authorization is None else {"Authorization": authorization}
    return await world.http.post("/graphql", json={"query": VIEWER}, headers=headers)


async def test_without_a_good_key_there_is_no_answer(world: World) -> None:
    tenant = await world.tenant()
    key = tenant.admin.key or ""
    other = "a" if key[40] != "a" else "b"
    before = await world.dump()

    for authorization in (
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Basic {key}",
        key,
        "Bearer x",
        f"Bearer {key[:-1]}",
        f"Bearer {key} {key}",
        f"Bearer {key[:40]}{other}{key[41:]}",
        f"Bearer {key.upper()}",
    ):
        response = await refused(world, authorization)
        assert response.status_code == 401, authorization
        assert response.headers["www-authenticate"] == "Bearer"
        [error] = response.json()["errors"]
        assert error["extensions"] == {"code": "UNAUTHENTICATED"}
        assert_no_leak(response)
    assert await world.dump() == before


async def test_a_revoked_key_is_refused(world: World) -> None:
    tenant = await world.tenant()
    text_, key_id = await tenant.key()
    assert (await refused(world, f"Bearer {text_}")).status_code == 200

    dependencies = world.parts.dependencies
    await revoke_key(dependencies, await act_as_system(dependencies, tenant.id), key_id)
    world.clock.advance(seconds=5)

    assert (await refused(world, f"Bearer {text_}")).status_code == 401
    assert (await refused(world, f"Bearer {tenant.admin.key}")).status_code == 200


async def test_an_expired_key_is_refused_at_once(world: World) -> None:
    tenant = await world.tenant()
    expires_at = world.clock.at + timedelta(seconds=1)
    text_, _ = await tenant.key(expires_at=expires_at)
    assert (await refused(world, f"Bearer {text_}")).status_code == 200

    world.clock.at = expires_at

    assert (await refused(world, f"Bearer {text_}")).status_code == 401


async def test_what_we_did_not_expect_is_masked_and_found_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    client = (await world.tenant()).admin

    async def work(connection: Any) -> None:
        await connection.execute(text("ALTER TABLE ticket RENAME TO broken"))

    await world.parts.dependencies.database.write(work)
    with capture_logs() as logs:
        response = await client.post({"query": "{ viewer { name } tickets { totalCount } }"})

    assert response.status_code == 200
    [error] = response.json()["errors"]
    assert error["path"] == ["tickets"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert_no_leak(response)
    correlation_id = error["extensions"]["correlationId"]
    [entry] = [entry for entry in logs if entry.get("correlation_id") == correlation_id]
    assert "ticket" in repr(entry["exc_info"])
    again = await client.ask("{ tickets { totalCount } }")
    assert again["errors"][0]["extensions"]["correlationId"] != correlation_id


async def test_a_failed_mutation_is_masked_and_leaves_nothing(world: World) -> None:
    client = (await world.tenant()).admin

    async def work(connection: Any) -> None:
        await connection.execute(text("ALTER TABLE ledger_entry RENAME TO broken"))

    await client.record(**a_message(world))
    before = await world.dump_but("ledger_entry")
    await world.parts.dependencies.database.write(work)

    with capture_logs() as logs:
        response = await client.post(
            {
                "query": "mutation ($input: RecordInteractionInput!) "
                "{ recordInteraction(input: $input) { __typename } }",
                "variables": {"input": a_message(world, address="other@example.com")},
            }
        )

    assert response.status_code == 200
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["extensions"]["correlationId"] in {e.get("correlation_id") for e in logs}
    assert_no_leak(response)
    assert await world.dump_but("ledger_entry") == before


def a_message(world: World, address: str = "ana@example.com") -> dict[str, Any]:
    return {
        "channel": "EMAIL",
        "kind": "CUSTOMER_MESSAGE",
        "occurredAt": world.clock.at.isoformat(),
        "identity": {"channel": "EMAIL", "address": address},
    }


async def test_health_is_answered_to_anyone(world: World) -> None:
    assert (await world.http.get("/healthz")).json() == {"status": "ok"}
    ready = await world.http.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ok")


def assert_no_leak(response: httpx.Response) -> None:
    assert not LEAK.search(response.text), response.text
    assert json.dumps(dict(response.headers)).find("Traceback") < 0
