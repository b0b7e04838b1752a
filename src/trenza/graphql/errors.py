"""Errors a client can act on are data; all others are masked, with an id that is in the log."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import structlog
from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.schema import ExceptionHandler
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from trenza.domain import errors
from trenza.domain.errors import DomainError, ErrorCode
from trenza.readplan.fields import column
from trenza.readplan.schema import Record, record, view

UNREADABLE = (CannotGetOperationTypeError, InvalidOperationTypeError, MissingQueryError)
SUGGESTION = re.compile(r" Did you mean [^?]*\?")
"""The library guesses what was meant, and so tells names that a client may not know."""

LOG = structlog.get_logger("trenza.graphql")


@record(interface=True)
class UserError(Record):
    """Why an operation was refused; nothing was changed."""

    code: ErrorCode = column("The reason, for programs.")
    message: str = column("The reason and what to do, for people.")
    path: list[str] | None = column("The field of the input that is to blame, from the outside in.")


@record(description=errors.InvalidInput.__doc__)
class InvalidInput(UserError):
    """A value is missing, misplaced or malformed."""


@record(description=errors.NotFound.__doc__)
class NotFound(UserError):
    """The workspace has no such thing; a foreign id answers exactly like an absent one."""


@record(description=errors.Forbidden.__doc__)
class Forbidden(UserError):
    """The key is valid, its scopes are not enough."""


@record(description=errors.IdempotencyConflict.__doc__)
class IdempotencyConflict(UserError):
    """The same identity was used before with another content."""


@record(description=errors.OccurredInFuture.__doc__)
class OccurredInFuture(UserError):
    """The interaction is dated later than the tolerance for clocks allows."""


@record(description=errors.TooLate.__doc__)
class TooLate(UserError):
    """The interaction is older than the acceptance horizon; it waits in the quarantine."""


@record(description=errors.Conflict.__doc__)
class Conflict(UserError):
    """The state of things does not allow the operation."""


TYPES: dict[type[DomainError], type[UserError]] = {
    errors.InvalidInput: InvalidInput,
    errors.NotFound: NotFound,
    errors.Forbidden: Forbidden,
    errors.IdempotencyConflict: IdempotencyConflict,
    errors.OccurredInFuture: OccurredInFuture,
    errors.TooLate: TooLate,
    errors.Conflict: Conflict,
}


def as_data(error: DomainError) -> UserError:
    """A refusal as the member of a result union that stands for it."""
    cls = TYPES[type(error)]
    row = {"code": error.code, "message": error.message, "path": list(error.path) or None}
    return view(cls, row)


def _handler(error: type[DomainError], cls: type[UserError]) -> ExceptionHandler[Any]:
    class Handler(ExceptionHandler):  # type: ignore[type-arg]
        exception_type = error
        error_type = cls

        def handle(self, exception: Any, *, field: Any, info: Any) -> UserError:
            return as_data(exception)

    return Handler()


HANDLERS = [_handler(error, cls) for error, cls in TYPES.items()]


def presented(found: Sequence[GraphQLError], correlation_id: str) -> list[GraphQLError]:
    """The errors as a client sees them: its own mistakes as they are, ours masked and logged.

    They come in the order of the document, whichever field was the first to fail.
    """
    return [_presented(error, correlation_id) for error in sorted(found, key=_place)]


def _place(error: GraphQLError) -> tuple[Any, ...]:
    """Where the field of an error stands in the document, then which of its values it is."""
    positions = (error.positions or ()) if error.path else ()
    steps = [(step, "") if isinstance(step, int) else (-1, step) for step in error.path or ()]
    return tuple(positions), steps


def _presented(error: GraphQLError, correlation_id: str) -> GraphQLError:
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    if cause is None or isinstance(cause, UNREADABLE):
        error.message = SUGGESTION.sub("", error.message)
        return error
    if isinstance(cause, DomainError):
        extensions: dict[str, Any] = {"code": cause.code}
        if cause.path:
            extensions["input"] = list(cause.path)
        message = cause.message
    else:
        LOG.error("unexpected_error", correlation_id=correlation_id, exc_info=cause)
        extensions = {"code": "INTERNAL", "correlationId": correlation_id}
        message = "Something went wrong on our side. Nothing of this field is known; quote the id."
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )
