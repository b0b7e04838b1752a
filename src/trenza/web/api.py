"""The GraphQL endpoint: HTTP and graphql-transport-ws on one path, each behind a key."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import orjson
import structlog
from cross_web import HTTPException, StarletteRequestAdapter
from graphql import ExecutionResult
from starlette.datastructures import QueryParams
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketState
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL

from trenza.domain.access import Viewer
from trenza.domain.errors import Unauthenticated
from trenza.graphql.context import Context
from trenza.graphql.errors import presented
from trenza.graphql.schema import Schema
from trenza.readplan.planner import GraphQLRequest, Planner
from trenza.services.access import Authenticator
from trenza.web.frames import MAY_BE, FrameHandler

BODY_MAX = 256 * 1024
TOO_LARGE = f"A request has at most {BODY_MAX} bytes."
COMPRESSED_FROM = 1024
INIT_WITHIN = timedelta(seconds=5)
KEY_CHECKED_EVERY_S = 2.0
REVOKED = 4401
UNANSWERED_MAX = 3
"""After so many checks without an answer a connection is closed: it may be revoked by now."""

LOG = structlog.get_logger("trenza.web")

NewContext = Callable[[Viewer | None], Context]


class AnyCase(StarletteRequestAdapter):
    """A request whose content type is read whatever its case, as RFC 9110 has it."""

    @property
    def content_type(self) -> str | None:
        """The type in small letters."""
        found = super().content_type
        return None if found is None else found.lower()


class Api(GraphQL[Context, None]):
    """Strawberry's endpoint with our context, our JSON and our keys."""

    graphql_transport_ws_handler_class = FrameHandler
    request_adapter_class = AnyCase

    def __init__(
        self,
        schema: Schema,
        authenticator: Authenticator,
        context: NewContext,
        planner: Planner | None = None,
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
            connection_init_wait_timeout=INIT_WITHIN,
            max_subscriptions_per_connection=100,
        )
        self._authenticator = authenticator
        self._new_context = context
        self._planner = planner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or serves a connection as long as its key is good."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
            return
        watching = asyncio.create_task(self._watch(scope))
        try:
            await super().__call__(scope, receive, send)
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def get_context(self, request: Any, response: Any) -> Context:
        """The context of a request, or of a connection that has yet to show its key."""
        context = self._new_context(request.scope.get("trenza.viewer"))
        if isinstance(request, WebSocket):
            request.scope["trenza.connection"] = (context, response)
        return context

    async def on_ws_connect(self, context: Context) -> Any:
        """Reads the key of `connection_init`: {"authorization": "Bearer <key>"}."""
        given = (context.connection_params or {}).get("authorization")
        try:
            context.key = await self._authenticator.viewer_of(
                given if isinstance(given, str) else None
            )
        except Unauthenticated as refusal:
            LOG.info("connection_refused", reason=refusal.message)
            raise ConnectionRejectionError({"message": refusal.message}) from refusal
        return await super().on_ws_connect(context)

    def decode_json(self, data: str | bytes) -> object:
        """Strict JSON; what is too deep or malformed is the client's error."""
        return orjson.loads(data)

    def parse_json(self, data: str | bytes) -> Any:
        """A body is an object; the variables in a URL may be null too."""
        found = super().parse_json(data)
        if isinstance(data, bytes) and not isinstance(found, dict | list):
            raise HTTPException(400, "A request is a JSON object with a `query`.")
        return found

    def encode_json(self, data: object) -> str:
        """As text: a WebSocket would send bytes in a binary frame."""
        return orjson.dumps(data).decode()

    def _get_stream_transport(self, protocol: Any) -> None:
        """Clients that merely accept event streams want an ordinary answer here."""

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(reversed(scope["headers"]))
        try:
            viewer = scope["trenza.viewer"] = await self._viewer_of(headers)
            body = await _whole(receive)
            asked, planned = _asked_by(scope, headers, body), None
            if asked is not None:
                operation = self._new_context(viewer)
                operation.renew()
                planned = await self._planned(operation, asked, may_write=_is_post(scope))
        except Unauthenticated as refusal:
            denied = {"WWW-Authenticate": "Bearer"}
            await refused(401, refusal.code, refusal.message, denied)(scope, receive, send)
        except HTTPException as refusal:
            await refused(refusal.status_code, "BODY_TOO_LARGE", refusal.reason)(
                scope, receive, send
            )
        except ClientDisconnect:
            return
        else:
            if planned is None:
                await super().__call__(scope, _again(body, receive), send)
            else:
                await _send_json(planned, send)

    async def _viewer_of(self, headers: Mapping[bytes, bytes]) -> Viewer:
        """Who asks; raises Unauthenticated, and HTTPException for a body that is too large."""
        viewer = await self._authenticator.viewer_of(
            headers.get(b"authorization", b"").decode("latin-1")
        )
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > BODY_MAX:
            raise HTTPException(413, TOO_LARGE)
        return viewer

    async def planned_on(self, connection: Context, asked: GraphQLRequest) -> bytes | None:
        """The answer to an operation on a connection that stays, as `_planned` gives it."""
        return await self._planned(connection.for_operation(), asked)

    async def _planned(
        self, operation: Context, asked: GraphQLRequest, *, may_write: bool = True
    ) -> bytes | None:
        """The answer to an operation by its plan; nothing for all that wants a closer look."""
        if self._planner is None:
            return None
        answer = await self._planner.answer(operation, asked, may_write=may_write)
        if not isinstance(answer, ExecutionResult):
            return answer
        errors = presented(answer.errors or (), operation.correlation_id)
        return orjson.dumps({"data": answer.data, "errors": [each.formatted for each in errors]})

    async def _watch(self, scope: Scope) -> None:
        """Closes a connection soon after its key is no longer good; renews what the key may do."""
        unanswered = 0
        while True:
            await asyncio.sleep(KEY_CHECKED_EVERY_S)
            context, socket = scope.get("trenza.connection", (None, None))
            if context is None or context.key is None:
                continue
            reason = None
            try:
                given = context.connection_params["authorization"]
                context.key = await self._authenticator.viewer_of(given)
                unanswered = 0
            except Unauthenticated as refusal:
                reason = refusal.message
            except Exception:
                LOG.exception("key_check_failed")
                unanswered += 1
                if unanswered == UNANSWERED_MAX:
                    reason = "the key could not be checked"
            if reason is not None:
                if socket.application_state is WebSocketState.CONNECTED:
                    await socket.close(code=REVOKED, reason=reason[:120])
                return


def refused(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    """An answer in the shape of a GraphQL error, for what never reached the schema."""
    error = {"message": message, "extensions": {"code": code}}
    return JSONResponse({"errors": [error]}, status, headers)


def _asked_by(scope: Scope, headers: Mapping[bytes, bytes], body: bytes) -> GraphQLRequest | None:
    """What a request asks; nothing where it is none of the ordinary ones."""
    try:
        if scope["method"] == "GET":
            given: Any = dict(QueryParams(scope["query_string"]))
            for name in ("variables", "extensions"):
                if name in given:
                    given[name] = orjson.loads(given[name])
        elif _is_post(scope) and _is_json(headers):
            given = orjson.loads(body)
        else:
            return None
    except orjson.JSONDecodeError:
        return None
    if not isinstance(given, dict) or any(
        not isinstance(given.get(name), types) for name, types in MAY_BE.items()
    ):
        return None
    return GraphQLRequest(given["query"], given.get("variables"), given.get("operationName"))


def _is_post(scope: Scope) -> bool:
    return bool(scope["method"] == "POST")


def _is_json(headers: Mapping[bytes, bytes]) -> bool:
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip()
    return kind.lower() == b"application/json"


async def _send_json(body: bytes, send: Send) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _whole(receive: Receive) -> bytes:
    """The body of a request; raises HTTPException where it is too large."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > BODY_MAX:
            raise HTTPException(413, TOO_LARGE)
        if not message.get("more_body", False):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives a body that was read already, once more."""
    given = False

    async def again() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


class Compressed:
    """Compresses answers for clients that ask for it; others pay nothing for the possibility."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressing = GZipMiddleware(app, minimum_size=COMPRESSED_FROM)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Looks at what the client accepts."""
        app = self._app
        if scope["type"] == "http":
            for name, value in scope["headers"]:
                if name == b"accept-encoding" and b"gzip" in value:
                    app = self._compressing
        await app(scope, receive, send)


class WithPage:
    """The endpoint, where a browser that asks for HTML gets the explorer instead."""

    def __init__(self, api: ASGIApp, page: Callable[[Request], Awaitable[Response]]) -> None:
        self._api = api
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A `GET` with a query is for the API, whoever asks."""
        app = self._api
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            request = Request(scope, receive)
            wants_page = "text/html" in request.headers.get("accept", "")
            if wants_page and "query" not in request.query_params:
                app = await self._page(request)
        await app(scope, receive, send)
