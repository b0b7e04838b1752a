"""One workspace of a running app, with somebody who may do everything in it."""

from collections.abc import Sequence
from typing import Any

from tests.world import Tenant, World
from trenza.domain.access import Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.interaction import InteractionKind
from trenza.services.access import act_as_system
from trenza.services.contact import UpsertContact, upsert_contact
from trenza.services.dependencies import Dependencies
from trenza.services.difference import Difference
from trenza.services.erasure import EraseContact, Erased, erase_contact
from trenza.services.interaction import (
    Answer,
    Arrival,
    Recorded,
    RecordInteraction,
    record_interactions,
)
from trenza.services.merge import MergeContacts, merge_contacts
from trenza.services.verify import verify_ledger
from trenza.storage.columns import Table

Identity = tuple[ChannelKind, str]


class Office:
    """What happens in it, now, and what stands there afterwards."""

    def __init__(self, world: World, tenant: Tenant, viewer: Viewer) -> None:
        self.world, self.tenant, self.viewer = world, tenant, viewer
        self.clock = world.clock
        self.dependencies: Dependencies = world.parts.dependencies

    async def met(self, *identities: Identity, **fields: Any) -> str:
        """The contact that is written."""
        request = UpsertContact(identities=identities, **fields)
        return (await upsert_contact(self.dependencies, self.viewer, request)).contact_id

    async def report(self, external_id: str | None, **told: Any) -> Answer:
        """What a report is answered: a customer's message on WhatsApp, unless told otherwise."""
        given = {"kind": InteractionKind.CUSTOMER_MESSAGE, "channel": ChannelKind.WHATSAPP} | told
        given.setdefault("occurred_at", self.clock.at)
        arrival = Arrival(RecordInteraction(external_id=external_id, **given), self.clock.at)
        [answer] = await record_interactions(self.dependencies, self.viewer, [arrival])
        return answer

    async def record(self, external_id: str | None, **told: Any) -> str:
        """The id of a report that is taken."""
        answer = await self.report(external_id, **told)
        assert isinstance(answer, Recorded), answer
        return answer.interaction_id

    async def merge(self, source_id: str, target_id: str) -> None:
        """Makes two contacts one; the target stays."""
        request = MergeContacts(source_id, target_id)
        await merge_contacts(self.dependencies, self.viewer, request)

    async def erase(self, contact_id: str, reason: str = "asked by mail") -> Erased:
        """Erases a person."""
        request = EraseContact(contact_id, reason)
        return await erase_contact(self.dependencies, self.viewer, request)

    async def differences(self) -> Sequence[Difference]:
        """What an audit of the books finds."""
        return await verify_ledger(self.dependencies, self.tenant.id)

    async def rows(self, table: type[Table], **where: Any) -> list[dict[str, Any]]:
        """The rows of a table of the workspace in which columns have values, in order of keys."""
        stored = table.__table__
        statement = stored.select().where(*(stored.c[name] == v for name, v in where.items()))
        async with self.dependencies.database.read(self.tenant.id) as connection:
            found = await connection.execute(statement.order_by(*stored.primary_key.columns))
            return [row._asdict() for row in found]


async def an_office(world: World, **options: Any) -> Office:
    """A new workspace; the options are those of `World.tenant`."""
    tenant = await world.tenant(**options)
    return Office(world, tenant, await act_as_system(world.parts.dependencies, tenant.id))
