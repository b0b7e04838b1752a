"""The pages over HTTP: who may read them, what they may run, what a browser may keep."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from trenza.web.explorer import explorer_page, routes

PAGE = "<!doctype html><title>built</title>"
EXAMPLE = (
    '<script type="application/graphql">{ a }</script>'
    '<script type="module">go()</script><style>p { color: red }</style>'
)
EXAMPLES = Path(__file__).parents[2] / "frontend_examples"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The package's static folder and the examples, as they are before anything is built."""
    example = tmp_path / "examples" / "live_balance"
    example.mkdir(parents=True)
    (example / "index.html").write_text(EXAMPLE)
    return tmp_path


@pytest.fixture
async def client(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A browser before the pages alone."""

    async def graphql(request):  # type: ignore[no-untyped-def]
        return await explorer_page(request, folder / "static")

    app = Starlette(
        routes=[Route("/graphql", graphql), *routes(folder / "static", folder / "examples")]
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://trenza.test") as client:
        yield client


def build(folder: Path) -> None:
    """What `make explorer` leaves."""
    assets = folder / "static" / "graphiql" / "assets"
    assets.mkdir(parents=True)
    (assets.parent / "index.html").write_text(PAGE)
    (assets / "index-abc123.js").write_text("go()")


def directives(response: httpx.Response) -> dict[str, list[str]]:
    """The content security policy by directive."""
    policy = response.headers["content-security-policy"].split("; ")
    return {name: sources for name, *sources in (directive.split() for directive in policy)}


def sha256(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


async def test_before_it_is_built_a_page_says_how_to(client: httpx.AsyncClient) -> None:
    page = await client.get("/graphql")
    asset = await client.get("/explorer/assets/index-abc123.js")

    assert page.status_code == 200
    assert "make explorer" in page.text
    assert asset.status_code == 404


async def test_once_it_is_built_it_is_served_without_a_restart(
    client: httpx.AsyncClient, folder: Path
) -> None:
    await client.get("/graphql")
    await client.get("/explorer/assets/index-abc123.js")

    build(folder)

    page = await client.get("/graphql")
    asset = await client.get("/explorer/assets/index-abc123.js")
    assert (page.text, asset.text) == (PAGE, "go()")
    assert page.headers["cache-control"] == "no-cache"
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert asset.headers["x-content-type-options"] == "nosniff"


async def test_the_explorer_runs_its_own_files_and_talks_to_its_own_server(
    client: httpx.AsyncClient,
) -> None:
    page = await client.get("/graphql")

    allowed = directives(page)
    assert allowed["default-src"] == ["'none'"]
    assert allowed["script-src"] == ["'self'"]
    assert allowed["connect-src"] == ["'self'", "ws://trenza.test", "wss://trenza.test"]
    assert allowed["frame-ancestors"] == ["'none'"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["vary"] == "Accept"


@pytest.mark.parametrize("host", ["trenza.test; script-src *", "a b", "<x>", "", "[::1]:80 *"])
async def test_a_forged_host_does_not_reach_the_policy(
    client: httpx.AsyncClient, host: str
) -> None:
    page = await client.get("/graphql", headers={"Host": host})

    assert directives(page)["connect-src"] == ["'self'"]
    assert directives(page)["script-src"] == ["'self'"]


async def test_an_example_may_run_its_own_script_and_no_other(client: httpx.AsyncClient) -> None:
    page = await client.get("/examples/live_balance/")

    allowed = directives(page)
    assert page.text == EXAMPLE
    assert allowed["script-src"] == [sha256("go()")]
    assert allowed["style-src"] == [sha256("p { color: red }")]


async def test_an_edited_example_runs_at_once(client: httpx.AsyncClient, folder: Path) -> None:
    await client.get("/examples/live_balance/")

    (folder / "examples" / "live_balance" / "index.html").write_text("<script>other()</script>")

    page = await client.get("/examples/live_balance/")
    assert directives(page)["script-src"] == [sha256("other()")]
    assert directives(page)["style-src"] == ["'none'"]


async def test_an_absent_example_is_not_found(client: httpx.AsyncClient, folder: Path) -> None:
    (folder / "examples" / "live_balance" / "index.html").unlink()

    assert (await client.get("/examples/live_balance/")).status_code == 404


@pytest.mark.parametrize(
    "path", ["/explorer/assets/../index.html", "/explorer/assets/%2e%2e/index.html"]
)
async def test_no_file_outside_the_assets_is_served(
    client: httpx.AsyncClient, folder: Path, path: str
) -> None:
    build(folder)

    assert (await client.get(path)).status_code == 404


def test_the_examples_name_no_other_host() -> None:
    """A page that is opened from a plane has all it needs."""
    html = (EXAMPLES / "live_balance" / "index.html").read_text(encoding="utf-8")

    hosts = set(re.findall(r"(?:https?:)?//([\w.-]+\.\w+)", html))
    assert hosts <= {"www.w3.org"}
