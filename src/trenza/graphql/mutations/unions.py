"""The unions that mutations answer with: a payload, or a typed refusal."""

from typing import Annotated, Any, Union

import strawberry

from trenza.graphql import errors


def result(name: str, payload: Any, *refusals: Any) -> Any:
    """A result union; every mutation can also be Forbidden, and its input invalid."""
    members = (payload, errors.InvalidInput, errors.Forbidden, *refusals)
    described = strawberry.union(name, description=f"What came of it: {payload.__doc__}")
    return Annotated[Union[members], described]
