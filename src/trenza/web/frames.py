"""graphql-transport-ws with frames that are read strictly before anything is done with them."""

from collections.abc import Mapping
from typing import Any

import orjson
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
)

from trenza.readplan.planner import GraphQLRequest

MAY_BE: Mapping[str, tuple[type, ...]] = {
    "query": (str,),
    "variables": (dict, type(None)),
    "operationName": (str, type(None)),
    "extensions": (dict, type(None)),
}
"""What the parts of an operation may be."""

FAILED = 4500
"""The close code of the protocol's own servers for a failure of theirs."""


def wrong_of(message: object) -> str | None:
    """What is wrong with a frame, if anything.

    >>> wrong_of({"type": "subscribe", "id": "1", "payload": {"query": 1}})
    '`query` of a subscribe message has the wrong type'
    """
    if not isinstance(message, dict):
        return "A message is a JSON object"
    if not isinstance(message.get("type"), str):
        return "A message has a type"
    if message["type"] in ("subscribe", "complete") and not isinstance(message.get("id"), str):
        return "The id of an operation is a string"
    if message["type"] == "subscribe":
        payload = message.get("payload")
        if not isinstance(payload, dict):
            return "The payload of a subscribe message is an object"
        for name, types in MAY_BE.items():
            if not isinstance(payload.get(name), types):
                return f"`{name}` of a subscribe message has the wrong type"
    return None


class FrameHandler(BaseGraphQLTransportWSHandler[Any, Any]):
    """Strawberry's handler, which is given well-formed frames only."""

    async def handle_message(self, message: Any) -> None:
        """Closes with 4400 and the reason where a frame is none of the protocol."""
        wrong = wrong_of(message)
        if wrong is not None:
            await self.handle_invalid_message(wrong)
            return
        await super().handle_message(message)

    async def run_operation(self, operation: Any) -> None:
        """Answers an operation by its plan where one covers it, and else as strawberry does."""
        api: Any = self.view
        asked = GraphQLRequest(operation.query, operation.variables, operation.operation_name)
        try:
            planned = await api.planned_on(self.context, asked)
        except Exception as error:  # noqa: BLE001 - it is logged, and the client told
            await self.handle_task_exception(error)
            await self.websocket.close(code=FAILED, reason="Internal server error")
            return
        if planned is None:
            await super().run_operation(operation)
            return
        answer: Any = {"id": operation.id, "type": "next", "payload": orjson.Fragment(planned)}
        await operation.send_operation_message(answer)
        await operation.send_operation_message({"id": operation.id, "type": "complete"})

    async def handle_task_exception(self, error: Exception) -> None:
        """Logs what failed; a client that leaves while it is being told something is no failure."""
        if not isinstance(error, WebSocketDisconnected):
            await super().handle_task_exception(error)
