"""Erasing a person: what goes, what stays, and what is answered afterwards."""

from datetime import timedelta
from typing import Any

from tests.world import Tenant, World, a_world
from trenza.domain.access import Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.interaction import InteractionKind, Lane
from trenza.services.access import act_as_system
from trenza.services.contact import UpsertContact, upsert_contact
from trenza.services.dependencies import Dependencies
from trenza.services.erasure import EraseContact, erase_contact
from trenza.services.interaction import (
    Answer,
    Arrival,
    Recorded,
    RecordInteraction,
    record_interactions,
)
from trenza.services.verify import verify_ledger

HOUR = timedelta(hours=1)
CUSTOMER, COMPANY = InteractionKind.CUSTOMER_MESSAGE, InteractionKind.COMPANY_MESSAGE
Identity = tuple[ChannelKind, str]
ANA: Identity = (ChannelKind.WHATSAPP, "+52 55 5012 3456")
ANA_BY_MAIL: Identity = (ChannelKind.EMAIL, "ana@example.com")
LUZ: Identity = (ChannelKind.WEBCHAT, "luz-1")


class Office:
    """One workspace with somebody who may do everything."""

    def __init__(self, world: World, tenant: Tenant, viewer: Viewer) -> None:
        self.world, self.tenant, self.viewer = world, tenant, viewer
        self.dependencies: Dependencies = world.parts.dependencies

    async def met(self, *identities: Identity, **fields: Any) -> str:
        """A contact that is written."""
        request = UpsertContact(identities=identities, **fields)
        return (await upsert_contact(self.dependencies, self.viewer, request)).contact_id

    async def record(self, external_id: str | None, **told: Any) -> Answer:
        """A report of now, a customer's message unless told otherwise."""
        given = {"kind": CUSTOMER, "channel": ChannelKind.WHATSAPP, **told}
        given.setdefault("occurred_at", self.world.clock.at)
        arrival = Arrival(RecordInteraction(external_id=external_id, **given), self.world.clock.at)
        [answer] = await record_interactions(self.dependencies, self.viewer, [arrival])
        return answer

    async def recorded(self, external_id: str | None, **told: Any) -> str:
        """The id of a report that is taken."""
        answer = await self.record(external_id, **told)
        assert isinstance(answer, Recorded), answer
        return answer.interaction_id

    async def erase(self, contact_id: str, reason: str = "asked by mail") -> Any:
        """Erases."""
        request = EraseContact(contact_id, reason)
        return await erase_contact(self.dependencies, self.viewer, request)

    async def differences(self) -> list[Any]:
        """What an audit of the books finds."""
        return await verify_ledger(self.dependencies, self.tenant.id)


async def office(world: World) -> Office:
    tenant = await world.tenant(interactionz=10)
    return Office(world, tenant, await act_as_system(world.parts.dependencies, tenant.id))


async def test_sums_stay_and_the_books_agree(database_url: str) -> None:
    async with a_world(database_url) as world:
        desk = await office(world)
        ana = await desk.met(ANA, ANA_BY_MAIL, first_name="Ana", city="Puebla")
        at = world.clock.at
        for n in range(4):
            await desk.recorded(f"z{9 - n}", identity=ANA, occurred_at=at, text="hola")
        await desk.recorded("a1", contact_id=ana, kind=COMPANY, actor=Lane.HUMAN)
        await desk.recorded(None, identity=ANA_BY_MAIL, channel=ChannelKind.EMAIL)
        await desk.recorded(None, identity=LUZ, channel=ChannelKind.WEBCHAT)
        before = await world.dump()

        erased = await desk.erase(ana)

        after = await world.dump()
        assert erased.contact_id == ana
        assert not erased.replayed
        assert await desk.differences() == []
        for table in ("ledger_entry", "ledger_head", "cycle_closing", "usage_alert"):
            assert after[table] == before[table]
        assert "ana@example" not in repr(after)
        assert "hola" not in repr(after)
        order = [row[1] for row in sorted(before["interaction"], key=lambda row: row[11])]
        assert [row[1] for row in sorted(after["interaction"], key=lambda row: row[11])] == order
