"""Whether the process lives, and whether it can answer."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trenza.storage.engine import Database
from trenza.storage.migrate import current_revision, newest_revision


def routes(database: Database) -> list[Route]:
    """`/healthz` says that the process runs, `/readyz` that its database is the one it needs."""
    expected = newest_revision()

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        try:
            async with database.read() as connection:
                found = await current_revision(connection)
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is not ready
            reason = type(error).__name__
            return JSONResponse({"status": "database unreachable", "reason": reason}, 503)
        if found != expected:
            return JSONResponse({"status": "run `trenza migrate`", "revision": found}, 503)
        return JSONResponse({"status": "ok", "revision": found})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
