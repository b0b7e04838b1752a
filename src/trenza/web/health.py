"""Whether the process lives, and whether it can answer."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from trenza.storage.engine import Database
from trenza.storage.isolation import find_isolation_gap
from trenza.storage.migrate import current_revision, newest_revision


def routes(database: Database) -> list[Route]:
    """`/healthz` says that the process runs, `/readyz` that its database is the one it needs."""
    expected = newest_revision()

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        try:
            async with database.read(None) as connection:
                found = await current_revision(connection)
                gap = await find_isolation_gap(connection) if found == expected else None
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is not ready
            reason = type(error).__name__
            return JSONResponse({"status": "database unreachable", "reason": reason}, 503)
        if found != expected:
            return JSONResponse({"status": "run `trenza migrate`", "revision": found}, 503)
        isolation = f"not enforced: {gap}" if gap else "enforced"
        return JSONResponse({"status": "ok", "revision": found, "isolation": isolation})

    return [Route("/healthz", healthz), Route("/readyz", readyz)]
