"""A month of four people in which everything happens that a ledger can have to explain."""

from datetime import datetime, timedelta

from tests.services.books import Books, open_books, utc
from trenza.domain.channel import ChannelKind
from trenza.domain.contact import LifecycleStage
from trenza.domain.interaction import InteractionKind, Lane
from trenza.domain.metering.balance import GrantKind
from trenza.services.campaign import CreateCampaign, create_campaign
from trenza.services.contact import UpsertContact, upsert_contact
from trenza.services.interaction import (
    Arrival,
    Recorded,
    RecordInteraction,
    record_interactions,
    retract_interaction,
)
from trenza.services.interactionz import CloseCycle, close_cycle
from trenza.services.journey import CreateJourney, create_journey
from trenza.services.merge import MergeContacts, merge_contacts
from trenza.services.ticket import OpenTicket, open_ticket

Person = tuple[ChannelKind, str]

CUSTOMER, COMPANY = InteractionKind.CUSTOMER_MESSAGE, InteractionKind.COMPANY_MESSAGE
ANA, LUIS, LUISA, PIA = (
    (ChannelKind.WHATSAPP, "+525550123456"),
    (ChannelKind.WEBCHAT, "luis-7"),
    (ChannelKind.SMS, "+525550123457"),
    (ChannelKind.EMAIL, "pia@example.com"),
)
TENTH = utc(2026, 9, 10, 12)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Story:
    """Books with a late message, a merge, a retraction, a grant, alerts, a closing, adjustments."""

    def __init__(self, books: Books) -> None:
        self.books = books

    async def live(self) -> None:
        """Lives through September and the first days of October."""
        for number, person in enumerate((ANA, LUIS, LUISA, PIA)):
            await self.meet(person, at=TENTH - DAY + number * HOUR)
        await self.record("a1", ANA, CUSTOMER, TENTH)
        await self.record("a2", ANA, COMPANY, TENTH + HOUR, Lane.BOT)
        await self.record("a3", ANA, COMPANY, TENTH + 2 * HOUR, Lane.HUMAN)
        await self.record("a0", ANA, CUSTOMER, TENTH - 2 * HOUR, arrives=TENTH + 2 * DAY)
        await self.record("b1", LUIS, CUSTOMER, TENTH + 5 * DAY)
        await self.record("b2", LUISA, CUSTOMER, TENTH + 5 * DAY + HOUR)
        await self.plan_for(LUISA, TENTH + 5 * DAY + HOUR)
        await self.merge(LUISA, LUIS, at=TENTH + 5 * DAY + 2 * HOUR)
        pia = await self.record("c1", PIA, CUSTOMER, TENTH + 6 * DAY)
        await self.retract(pia, at=TENTH + 7 * DAY)
        await self.books.grant(GrantKind.PURCHASE, 10, TENTH + 8 * DAY, TENTH + 90 * DAY)
        await self.record("a4", ANA, CUSTOMER, TENTH + 9 * DAY)
        # Nobody attends to this one until the cycle is closed.
        await self.record("c2", PIA, CUSTOMER, TENTH + 19 * DAY)
        self.books.clock.at = utc(2026, 10, 5)
        await close_cycle(self.books.dependencies, self.books.admin, CloseCycle())
        await self.record("b3", LUIS, CUSTOMER, TENTH + 18 * DAY, arrives=utc(2026, 10, 6))
        late = TENTH + 19 * DAY + HOUR
        await self.record("c3", PIA, COMPANY, late, Lane.HUMAN, arrives=utc(2026, 10, 7))
        await self.record("a5", ANA, CUSTOMER, utc(2026, 10, 8))

    async def meet(self, person: Person, at: datetime) -> str:
        """The contact of an address."""
        self.books.clock.at = max(at, self.books.clock.at)
        request = UpsertContact(identities=[person])
        written = await upsert_contact(self.books.dependencies, self.books.admin, request)
        return written.contact_id

    async def record(
        self,
        external_id: str,
        person: Person,
        kind: InteractionKind,
        at: datetime,
        actor: Lane | None = None,
        arrives: datetime | None = None,
        **names: str,
    ) -> str:
        """Records one interaction when it arrives."""
        self.books.clock.at = arrives or at
        request = RecordInteraction(
            channel=person[0],
            kind=kind,
            occurred_at=at,
            external_id=external_id,
            identity=person,
            actor=actor,
            **names,
        )
        arrival = Arrival(request, self.books.clock.at)
        (answer,) = await record_interactions(self.books.dependencies, self.books.admin, [arrival])
        assert isinstance(answer, Recorded)
        return answer.interaction_id

    async def plan_for(self, person: Person, at: datetime) -> None:
        """Gives somebody a ticket, a send of a campaign and a step of a journey."""
        dependencies, admin = self.books.dependencies, self.books.admin
        contact_id = await self.meet(person, at)
        await open_ticket(dependencies, admin, OpenTicket(contact_id, "A chair"))
        campaign = await create_campaign(dependencies, admin, CreateCampaign("Chairs", person[0]))
        stage = LifecycleStage.ATTRACTION
        journey = await create_journey(dependencies, admin, CreateJourney("Welcome", stage))
        send = InteractionKind.CAMPAIGN_SEND
        await self.record("b4", person, send, at, campaign_id=campaign)
        step = InteractionKind.JOURNEY_SEND
        await self.record("b5", person, step, at, journey_id=journey)

    async def merge(self, source: Person, target: Person, at: datetime) -> None:
        """Makes two people one."""
        ids = await self.meet(source, at), await self.meet(target, at)
        await merge_contacts(self.books.dependencies, self.books.admin, MergeContacts(*ids))

    async def retract(self, interaction_id: str, at: datetime) -> None:
        """Takes an interaction back."""
        self.books.clock.at = at
        await retract_interaction(
            self.books.dependencies, self.books.admin, interaction_id, "a test message"
        )


async def live(url: str) -> None:
    """Fills a database with the story."""
    async with open_books(url, quota=5) as books:
        await Story(books).live()
