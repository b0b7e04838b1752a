"""Ids that callers give: a foreign, an absent and a malformed one answer the same."""

from collections.abc import Mapping

from trenza.domain.errors import Conflict, NotFound
from trenza.domain.ids import Prefix, has_prefix


def absent(name: str) -> NotFound:
    """The answer to an id that the workspace does not have, whoever else may have it."""
    return NotFound(f"{name} names nothing in this workspace", path=(name,))


def root_in(roots: Mapping[str, str], contact_id: str, name: str = "contactId") -> str:
    """The root of a contact among those found by their members; raises NotFound without one."""
    if contact_id not in roots:
        raise absent(name)
    return roots[contact_id]


def erased(name: str) -> Conflict:
    """The answer to whoever would add something to a person that was erased."""
    return Conflict("the person was erased", path=(name,))


def require_form(given: str, prefix: Prefix, name: str) -> None:
    """Raises NotFound with the field's name unless the id is one of that noun.

    >>> require_form("contact_00000000000000000000000011", Prefix.CONTACT, "contactId")
    """
    if not has_prefix(given, prefix):
        raise absent(name)
