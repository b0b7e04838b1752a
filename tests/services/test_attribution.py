"""What credits are attributed to: answers to sends, who attended, whose contact; case by case."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.services.books import open_books, utc
from tests.services.story import ANA, LUIS, TENTH, Person, Story
from trenza.domain.access import Role
from trenza.domain.channel import ChannelKind
from trenza.domain.contact import LifecycleStage
from trenza.domain.errors import IdempotencyConflict, InvalidInput, NotFound
from trenza.domain.ids import Prefix, format_id
from trenza.domain.interaction import InteractionKind, Lane, SessionLane
from trenza.services.attribution import (
    Cost,
    Grouping,
    Share,
    Wanted,
    find_cost,
    find_shares,
)
from trenza.services.campaign import CreateCampaign, create_campaign
from trenza.services.interaction import (
    Arrival,
    Recorded,
    RecordInteraction,
    record_interactions,
)
from trenza.services.interactionz import CloseCycle, close_cycle
from trenza.services.journey import CreateJourney, create_journey
from trenza.services.merge import MergeContacts, merge_contacts, unmerge_contact
from trenza.services.quarantine import from_record, to_record
from trenza.services.report import content_hash
from trenza.services.seat import InviteUser, invite_user
from trenza.services.usage import Period, find_usage

CUSTOMER, COMPANY = InteractionKind.CUSTOMER_MESSAGE, InteractionKind.COMPANY_MESSAGE
SEND, STEP = InteractionKind.CAMPAIGN_SEND, InteractionKind.JOURNEY_SEND
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
HASHED = "751a52f56faf36e42b37b8f48f027e41"
"""What a report of before there were agents hashed to."""
YEAR = Period(utc(2026, 9, 1), utc(2027, 9, 1))


class Attended(Story):
    """Books with two campaigns, two journeys and two agents, and what is said of their credits."""

    async def begin(self) -> None:
        """Makes what interactions name."""
        given = self.books.dependencies, self.books.admin
        self.campaigns = [
            await create_campaign(*given, CreateCampaign(name, ChannelKind.WHATSAPP))
            for name in ("Beds", "Chairs")
        ]
        self.journeys = [
            await create_journey(*given, CreateJourney(name, LifecycleStage.SALE))
            for name in ("Welcome", "Farewell")
        ]
        self.agents = [
            (await invite_user(*given, InviteUser(f"{name}@example.com", name, Role.AGENT))).user_id
            for name in ("lia", "noe")
        ]

    async def shares(self, grouping: Grouping, top: int = 20, period: Period = YEAR) -> list[Share]:
        """A grouping of a period as known in the end, which sums to the usage of the period."""
        now = utc(2027, 10, 1)
        workspace = await self.books.settings()
        async with self.books.database.read(self.books.workspace_id) as connection:
            wanted = Wanted(period=period)
            found = await find_shares(connection, workspace, now, wanted, grouping, top)
            usage = await find_usage(connection, workspace, now, period=period)
        assert sum(share.credits for share in found) == usage.consumed
        return found

    async def cost(self, contact_id: str) -> Cost:
        """What a contact cost to serve in a year."""
        workspace = await self.books.settings()
        async with self.books.database.read(self.books.workspace_id) as connection:
            wanted = Wanted(period=YEAR)
            return await find_cost(connection, workspace, utc(2027, 10, 1), wanted, contact_id)


@pytest.fixture
async def story(database_url: str) -> AsyncIterator[Attended]:
    async with open_books(database_url, quota=100) as books:
        made = Attended(books)
        await made.begin()
        yield made


@pytest.mark.parametrize(
    ("sent_before", "is_answer"),
    [(72 * HOUR, True), (72 * HOUR + TICK, False), (TICK, True), (-TICK, False)],
)
@pytest.mark.parametrize("kind", [SEND, STEP])
async def test_a_reply_answers_for_72_hours(
    story: Attended, sent_before: timedelta, is_answer: bool, kind: InteractionKind
) -> None:
    grouping, name, ids = (
        (Grouping.CAMPAIGN, "campaign_id", story.campaigns)
        if kind is SEND
        else (Grouping.JOURNEY, "journey_id", story.journeys)
    )
    await story.record("sent", ANA, kind, TENTH - sent_before, None, None, **{name: ids[0]})
    await story.record("reply", ANA, CUSTOMER, TENTH, arrives=TENTH + DAY)

    assert await story.shares(grouping) == [Share(ids[0] if is_answer else None, 1)]


async def test_the_newest_send_is_answered_whichever_is_learned_last(story: Attended) -> None:
    beds, chairs = story.campaigns
    await story.record("reply", ANA, CUSTOMER, TENTH)
    assert await story.shares(Grouping.CAMPAIGN) == [Share(None, 1)]

    late = TENTH + DAY
    await story.record("one", ANA, SEND, TENTH - HOUR, campaign_id=beds, arrives=late)
    newest = await story.record("two", ANA, SEND, TENTH - TICK, campaign_id=chairs, arrives=late)
    await story.record("old", ANA, SEND, TENTH - 9 * HOUR, campaign_id=chairs, arrives=late)
    await story.record("unnamed", ANA, SEND, TENTH - TICK, arrives=late)
    await story.record("other", LUIS, SEND, TENTH - TICK, campaign_id=beds, arrives=late)
    assert await story.shares(Grouping.CAMPAIGN) == [Share(chairs, 1)]

    await story.retract(newest, at=TENTH + 2 * DAY)
    assert await story.shares(Grouping.CAMPAIGN) == [Share(beds, 1)]
    assert await story.shares(Grouping.JOURNEY) == [Share(None, 1)]


async def test_what_the_opening_names_goes_before_what_it_answers(story: Attended) -> None:
    beds, chairs = story.campaigns
    await story.record("sent", ANA, SEND, TENTH - HOUR, campaign_id=beds)
    await story.record("reply", ANA, CUSTOMER, TENTH, campaign_id=chairs)
    await story.record("sent2", LUIS, SEND, TENTH - HOUR, campaign_id=beds)
    await story.record("call", LUIS, COMPANY, TENTH, Lane.HUMAN)

    # The company's own message to Luis answers nothing.
    assert await story.shares(Grouping.CAMPAIGN) == [Share(chairs, 1), Share(None, 1)]


async def test_the_agent_opened_or_was_the_first_to_attend(story: Attended) -> None:
    lia, noe = story.agents
    await story.record("a1", ANA, CUSTOMER, TENTH)
    await story.record("a2", ANA, COMPANY, TENTH + HOUR, Lane.HUMAN, agent_id=noe)
    await story.record("a3", ANA, COMPANY, TENTH + 2 * HOUR, Lane.HUMAN, agent_id=lia)
    await story.record("b1", LUIS, COMPANY, TENTH + DAY, Lane.HUMAN, agent_id=lia)
    await story.record("b2", LUIS, COMPANY, TENTH + DAY + HOUR, Lane.HUMAN, agent_id=noe)
    await story.record("a4", ANA, CUSTOMER, TENTH + 5 * DAY)
    await story.record("a5", ANA, COMPANY, TENTH + 5 * DAY, Lane.BOT)
    shares = {Share(lia, 1), Share(noe, 1), Share(None, 1)}
    assert set(await story.shares(Grouping.AGENT)) == shares

    # Learned later, but she was there before.
    early = TENTH + HOUR - TICK
    await story.record("a0", ANA, COMPANY, early, Lane.HUMAN, arrives=TENTH + 6 * DAY, agent_id=lia)
    assert await story.shares(Grouping.AGENT) == [Share(lia, 2), Share(None, 1)]


async def test_what_is_taken_back_leaves_its_own_groups(story: Attended) -> None:
    beds, lia = story.campaigns[0], story.agents[0]
    names = {"campaign_id": beds, "agent_id": lia}
    first = await story.record("a1", ANA, COMPANY, TENTH, Lane.HUMAN, None, **names)
    await story.record("a2", ANA, CUSTOMER, TENTH + HOUR)
    await story.retract(first, at=TENTH + DAY)

    assert await story.shares(Grouping.CAMPAIGN) == [Share(None, 1)]
    assert await story.shares(Grouping.AGENT) == [Share(None, 1)]


async def test_a_debit_of_a_closed_cycle_stays_where_it_was(story: Attended) -> None:
    beds, lia = story.campaigns[0], story.agents[0]
    names = {"campaign_id": beds, "agent_id": lia}
    first = await story.record("a1", ANA, COMPANY, TENTH, Lane.HUMAN, None, **names)
    story.books.clock.at = utc(2026, 10, 5)
    await close_cycle(story.books.dependencies, story.books.admin, CloseCycle())
    await story.retract(first, at=utc(2026, 10, 6))
    late = utc(2026, 10, 7)
    await story.record("a2", ANA, CUSTOMER, TENTH + 2 * DAY, arrives=late)
    await story.record("s1", ANA, SEND, TENTH + DAY, campaign_id=beds, arrives=late)
    september = Period(utc(2026, 9, 1), utc(2026, 10, 1))
    october = Period(utc(2026, 10, 1), utc(2026, 11, 1))

    assert await story.shares(Grouping.CAMPAIGN, period=september) == [Share(beds, 1)]
    assert await story.shares(Grouping.AGENT, period=september) == [Share(lia, 1)]
    assert await story.shares(Grouping.CAMPAIGN, period=october) == [Share(beds, 1)]
    assert await story.shares(Grouping.AGENT, period=october) == [Share(None, 1)]


async def test_contacts_are_who_they_are_today(story: Attended) -> None:
    ana, luis = await story.meet(ANA, TENTH), await story.meet(LUIS, TENTH)
    await story.record("a1", ANA, CUSTOMER, TENTH)
    await story.record("b1", LUIS, COMPANY, TENTH + HOUR, Lane.BOT)
    await story.record("b2", LUIS, CUSTOMER, TENTH + 9 * DAY)
    story.books.clock.at = utc(2026, 10, 5)
    given = story.books.dependencies, story.books.admin
    await close_cycle(*given, CloseCycle())
    assert await story.shares(Grouping.CONTACT) == [Share(luis, 2), Share(ana, 1)]

    # What collapses was paid in a closed cycle, and comes back in the running one.
    await merge_contacts(*given, MergeContacts(luis, ana))
    assert await story.shares(Grouping.CONTACT) == [Share(ana, 3)]
    cost = await story.cost(ana)
    assert (cost.total, (await story.cost(luis)).total) == (3, 0)
    assert {k: n for k, n in cost.by_channel.items() if n} == {
        ChannelKind.WHATSAPP: 1,
        ChannelKind.WEBCHAT: 2,
    }
    assert sum(cost.by_lane.values()) == 3 == sum(cost.by_channel.values())
    assert set(cost.by_lane) == set(SessionLane)

    await unmerge_contact(*given, luis)
    told = {share.id: share.credits for share in await story.shares(Grouping.CONTACT)}
    assert told == {id: (await story.cost(id)).total for id in (ana, luis)}


async def test_beyond_the_first_the_rest_is_one(story: Attended) -> None:
    people: Sequence[Person] = [(ChannelKind.WEBCHAT, f"visit-{n}") for n in range(4)]
    credits_of: Mapping[Person, int] = dict(zip(people, (1, 3, 2, 1), strict=True))
    ids = [await story.meet(person, TENTH) for person in people]
    for person, count in credits_of.items():
        for n in range(count):
            at = TENTH + 2 * n * DAY
            agent = {"agent_id": story.agents[0]} if count == 3 else {}
            await story.record(f"{person[1]} {n}", person, COMPANY, at, Lane.HUMAN, None, **agent)

    assert await story.shares(Grouping.CONTACT, top=2) == [
        Share(ids[1], 3),
        Share(ids[2], 2),
        Share(None, 2, is_rest=True),
    ]
    assert await story.shares(Grouping.CONTACT, top=1) == [
        Share(ids[1], 3),
        Share(None, 4, is_rest=True),
    ]
    assert await story.shares(Grouping.AGENT, top=1) == [
        Share(story.agents[0], 3),
        Share(None, 4),
    ]


@pytest.mark.parametrize("top", [0, -1, 101])
async def test_a_bad_top_is_refused(story: Attended, top: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        await story.shares(Grouping.AGENT, top=top)

    assert refused.value.path == ("top",)


@pytest.mark.parametrize("grouping", Grouping)
@pytest.mark.parametrize("size", [1, 6])
async def test_a_grouping_takes_one_statement(
    story: Attended, grouping: Grouping, size: int
) -> None:
    for n in range(size):
        await story.record(f"r{n}", (ChannelKind.PUSH, f"p{n}"), CUSTOMER, TENTH + n * HOUR)
    workspace = await story.books.settings()
    now, wanted = utc(2026, 9, 20), Wanted()

    with story.books.counted_statements() as statements:
        async with story.books.database.read(story.books.workspace_id) as connection:
            found = await find_shares(connection, workspace, now, wanted, grouping, 20)

    assert sum(share.credits for share in found) == size
    assert len(statements) == 1


async def report(
    story: Attended,
    kind: InteractionKind,
    actor: Lane | None,
    agent_id: str,
    external_id: str = "x",
) -> object:
    """The answer to a report that names an agent."""
    story.books.clock.at = TENTH
    request = RecordInteraction(
        ChannelKind.EMAIL,
        kind,
        TENTH,
        external_id="x",
        identity=ANA,
        actor=actor,
        agent_id=agent_id,
    )
    given = story.books.dependencies, story.books.admin
    [answer] = await record_interactions(*given, [Arrival(request, TENTH)])
    return answer


@pytest.mark.parametrize(
    ("kind", "actor"),
    [
        (CUSTOMER, None),
        (COMPANY, Lane.BOT),
        (InteractionKind.HANDOFF, Lane.BOT),
        (InteractionKind.EXPERT_AGENT_ACTION, None),
        (SEND, None),
    ],
)
async def test_an_agent_where_no_person_acts_is_refused(
    story: Attended, kind: InteractionKind, actor: Lane | None
) -> None:
    refused = await report(story, kind, actor, story.agents[0])

    assert isinstance(refused, InvalidInput)
    assert refused.path == ("agentId",)


async def test_an_agent_who_is_no_user_is_refused(story: Attended, database_url: str) -> None:
    absent = format_id(Prefix.USER, 12345)
    for agent_id in (absent, story.campaigns[0], "user_1", ""):
        refused = await report(story, COMPANY, Lane.HUMAN, agent_id)
        assert isinstance(refused, NotFound)
        assert refused.path == ("agentId",)
    async with open_books(database_url, first_id=10**6) as others:
        theirs = Attended(others)
        await theirs.begin()
        assert isinstance(await report(story, COMPANY, Lane.HUMAN, theirs.agents[0]), NotFound)
    assert await story.shares(Grouping.AGENT) == []


async def test_users_are_looked_up_only_where_one_is_named(story: Attended) -> None:
    sent: list[list[str]] = []
    await story.record("r0", ANA, CUSTOMER, TENTH)
    for day, agent_id in enumerate((None, story.agents[0]), start=1):
        names = {} if agent_id is None else {"agent_id": agent_id}
        at = TENTH + 2 * day * DAY
        with story.books.counted_statements() as statements:
            await story.record(f"r{day}", ANA, COMPANY, at, Lane.HUMAN, None, **names)
        sent.append(list(statements))

    assert len(sent[0]) == len(sent[1])
    if not story.books.database.is_sqlite:
        # On SQLite what shares a hop is not told.
        found = [any("workspace_user.id" in text for text in texts) for texts in sent]
        assert found == [False, True]


async def test_another_agent_is_another_content(story: Attended) -> None:
    lia, noe = story.agents
    first = await report(story, InteractionKind.TICKET_PUBLIC_ACTION, None, lia)
    again = await report(story, InteractionKind.TICKET_PUBLIC_ACTION, Lane.HUMAN, lia)
    other = await report(story, InteractionKind.TICKET_PUBLIC_ACTION, None, noe)

    assert isinstance(first, Recorded)
    assert again == replace(first, replayed=True)
    assert isinstance(other, IdempotencyConflict)
    assert await story.shares(Grouping.AGENT) == [Share(lia, 1)]


def test_a_report_without_an_agent_hashes_as_it_always_did() -> None:
    told = RecordInteraction(ChannelKind.EMAIL, COMPANY, TENTH, contact_id="contact_1", text="Hi")

    assert content_hash(told, Lane.HUMAN, None) == HASHED
    with_agent = told._replace(agent_id="user_1")
    assert content_hash(with_agent, Lane.HUMAN, None) != HASHED
    assert from_record(to_record(with_agent)) == with_agent
    before = {k: v for k, v in to_record(told).items() if k != "agentId"}
    assert from_record(before) == told
