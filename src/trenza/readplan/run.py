"""One execution of a plan: who asks, the values of the variables, and what is still awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from graphql.execution.values import VariableValues

from trenza.domain.errors import BrokenInvariant
from trenza.readplan.connection import Window
from trenza.readplan.fields import Many
from trenza.readplan.schema import Operation, conditions_of

if TYPE_CHECKING:
    from trenza.readplan.selection import Field, Selection


ReadBack = Callable[["Selection", Sequence[str]], Awaitable[Sequence[bytes]]]
"""Answers the JSON of rows by their ids, as it is selected."""


async def _never(_: Selection, ids: Sequence[str]) -> Sequence[bytes]:
    raise BrokenInvariant(f"nothing reads back {len(ids)} rows")


class Run:
    """Works out the arguments of each field once, when they are first asked for."""

    def __init__(self, operation: Operation, variables: VariableValues) -> None:
        self.operation = operation
        self.variables = variables
        self.workspace_id = operation.viewer.workspace_id
        self.awaited: list[Awaitable[Any]] = []
        self.rows: dict[str, Any] = {}
        self.read_back: ReadBack = _never
        self.begun: dict[Field, asyncio.Future[Any]] = {}
        self._given: dict[Field, dict[str, Any]] = {}
        self._windows: dict[Field, Window] = {}
        self._operands: dict[Field, list[tuple[Any, ...]]] = {}

    async def settle(self) -> None:
        """Waits for every figure that the answer needs; raises what one of them raised."""
        for error in await self.end():
            raise error

    async def end(self) -> list[BaseException]:
        """Waits until nothing runs that was begun, and says what failed.

        Where one is refused the others still hold connections: they go on to their own ends.
        """
        errors: list[BaseException] = []
        while self.awaited:
            awaited, self.awaited = self.awaited, []
            found = await asyncio.gather(*awaited, return_exceptions=True)
            errors += [each for each in found if isinstance(each, BaseException)]
        return errors

    def begin(self, field: Field, function: Callable[..., Any], given: Mapping[str, Any]) -> None:
        """Begins to work out a figure, once, whose place is not there yet."""
        if field not in self.begun:
            worked_out = function(self.operation, **given)
            if isawaitable(worked_out):
                self.begun[field] = asyncio.ensure_future(worked_out)
                self.awaited.append(self.begun[field])

    def given(self, field: Field) -> dict[str, Any]:
        """The arguments of a field, those left out being absent."""
        found = self._given.get(field)
        if found is None:
            found = self._given[field] = field.arguments.given(self.variables)
        return found

    def window(self, field: Field) -> Window:
        """The page that a connection is asked for; raises InvalidInput."""
        found = self._windows.get(field)
        if found is None:
            found = self._windows[field] = field.window(self.variables)
        return found

    def operands(self, field: Field) -> list[tuple[Any, ...]]:
        """The operands of each condition that a client puts on a relation; raises InvalidInput."""
        found = self._operands.get(field)
        if found is None:
            now, relation = self.operation.now, field.declaration
            given = conditions_of(relation, self.given(field)) if isinstance(relation, Many) else ()
            found = self._operands[field] = [
                condition.operands(value, now) for condition, value in given
            ]
        return found

    def check(self, field: Field) -> None:
        """Looks at all that a field is asked for, read or not.

        Raises InvalidInput, and GraphQLError for null where there has to be a value.
        """
        self.given(field)
        if field.page is not None:
            self.window(field)
        self.operands(field)
