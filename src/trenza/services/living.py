"""Contacts that something is to be added to: they are there, and not erased."""

from trenza.services.reference import erased, root_in
from trenza.storage.contact import find_erased, lock_roots
from trenza.storage.engine import AsyncConnection


async def lock_living(
    connection: AsyncConnection, workspace_id: str, contact_id: str, name: str = "contactId"
) -> str:
    """Locks the root of a contact and returns it; raises NotFound, and Conflict if erased.

    A merge that runs at the same time would else miss what is added.
    """
    roots = await lock_roots(connection, workspace_id, [contact_id])
    root_id = root_in(roots, contact_id, name)
    if await find_erased(connection, workspace_id, [root_id]):
        raise erased(name)
    return root_id
