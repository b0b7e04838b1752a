"""What an operation can refuse: one class and one code per reason that a caller can act on."""

# The classes are named as the types of the graph are, for which no suffix is wanted.
# ruff: noqa: N818

from enum import StrEnum
from typing import ClassVar


class ErrorCode(StrEnum):
    """The closed list of codes, in order of precedence: where several apply, the first answers."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    OVERLOADED = "OVERLOADED"
    INVALID_INPUT = "INVALID_INPUT"
    NOT_FOUND = "NOT_FOUND"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    OCCURRED_IN_FUTURE = "OCCURRED_IN_FUTURE"
    TOO_LATE = "TOO_LATE"
    CONFLICT = "CONFLICT"


class DomainError(Exception):
    """An operation was refused, and nothing was changed.

    `path` names the input field that is to blame, from the outside in, as the API spells it;
    it is empty where no single field is.

    >>> InvalidInput("actor is required", path=("actor",)).code
    <ErrorCode.INVALID_INPUT: 'INVALID_INPUT'>
    """

    code: ClassVar[ErrorCode]

    def __init__(self, message: str, *, path: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


class Unauthenticated(DomainError):
    """No key was given, or it is unknown, expired or revoked."""

    code = ErrorCode.UNAUTHENTICATED


class Forbidden(DomainError):
    """The key is valid, its scopes are not enough."""

    code = ErrorCode.FORBIDDEN


class Overloaded(DomainError):
    """More is waiting than can be kept; the same again, a little later, is welcome."""

    code = ErrorCode.OVERLOADED


class InvalidInput(DomainError):
    """A value is missing, misplaced or malformed."""

    code = ErrorCode.INVALID_INPUT


class NotFound(DomainError):
    """The workspace has no such thing; a foreign id answers exactly like an absent one."""

    code = ErrorCode.NOT_FOUND


class IdempotencyConflict(DomainError):
    """The same identity was used before with another content."""

    code = ErrorCode.IDEMPOTENCY_CONFLICT


class OccurredInFuture(DomainError):
    """The interaction is dated later than the tolerance for clocks allows."""

    code = ErrorCode.OCCURRED_IN_FUTURE


class TooLate(DomainError):
    """The interaction is older than the acceptance horizon; it waits in the quarantine."""

    code = ErrorCode.TOO_LATE


class Conflict(DomainError):
    """The state of things does not allow the operation."""

    code = ErrorCode.CONFLICT


class BrokenInvariant(RuntimeError):
    """The books contradict themselves. Not a refusal: stop, and let nothing be written."""
