"""What goes wrong as expected is one line that says what to do, and an exit code of 1."""

from typing import IO, Any

import click

from trenza.domain.errors import DomainError


class Failure(click.ClickException):
    """An expected failure; the message says what to do."""

    def show(self, file: IO[Any] | None = None) -> None:
        """One line on standard error."""
        click.echo(f"trenza: {self.message}", file=file, err=True)


class Commands(click.Group):
    """A group whose commands fail in one line."""

    def invoke(self, context: click.Context) -> Any:
        """Runs the command that was asked for; what nobody expected keeps its traceback."""
        try:
            return super().invoke(context)
        except Exception as error:
            message = message_of(error)
            if message is None:
                raise
            raise Failure(message) from error


def message_of(error: Exception) -> str | None:
    """The line of a failure that is expected, None for any other.

    >>> from trenza.domain.errors import NotFound
    >>> message_of(NotFound("there is no such workspace"))
    'there is no such workspace'
    """
    # Both have been imported if one of them was raised; until then they would only cost time.
    from trenza.settings import SettingsError
    from trenza.storage.readiness import UnusableDatabaseError

    if isinstance(error, DomainError):
        return error.message
    return str(error) if isinstance(error, SettingsError | UnusableDatabaseError) else None
