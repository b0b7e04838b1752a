"""Blocks and frequency caps: what is set, lifted, counted and refused."""

from datetime import timedelta
from typing import Any

import pytest

from tests.services.books import Books, open_books
from tests.services.test_consent import (
    ANA,
    BEA_BY_MAIL,
    NOON,
    consent,
    meet,
    record,
    verdict,
    wrote,
)
from trenza.domain.access import Role, Scope, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.consent import ConsentPurpose
from trenza.domain.errors import Conflict, DomainError, Forbidden, InvalidInput, NotFound
from trenza.domain.interaction import InteractionKind
from trenza.services.campaign import CreateCampaign, create_campaign
from trenza.services.do_not_contact import (
    Blocked,
    SetDoNotContact,
    lift_do_not_contact,
    set_do_not_contact,
)
from trenza.services.frequency_cap import (
    CAPS_MAX,
    SetFrequencyCap,
    remove_frequency_cap,
    set_frequency_cap,
)
from trenza.services.interaction import retract_interaction
from trenza.services.merge import MergeContacts, merge_contacts
from trenza.storage import Activity, DoNotContact, FrequencyCap

HOUR = timedelta(hours=1)
MARKETING = ConsentPurpose.MARKETING


async def block(books: Books, contact_id: str, **given: Any) -> Blocked:
    request = SetDoNotContact(contact_id, **{"reason": "asked by phone", **given})
    return await set_do_not_contact(books.dependencies, books.admin, request)


async def lift(books: Books, block_id: str) -> Blocked:
    return await lift_do_not_contact(books.dependencies, books.admin, block_id)


async def cap(books: Books, touches_max: int, hours: int, **given: Any) -> str:
    request = SetFrequencyCap(MARKETING, touches_max, hours, **given)
    return await set_frequency_cap(books.dependencies, books.admin, request)


async def codes(books: Books, contact_id: str, **given: Any) -> list[str]:
    return [str(each.code) for each in (await verdict(books, contact_id, **given)).reasons]


async def test_a_block_holds_until_it_is_lifted(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana = await meet(books, ANA)
        await consent(books, ana)
        set_now = await block(books, ana)
        again = await block(books, ana, ends_at=NOON + 9 * HOUR)
        books.clock.at += 2 * HOUR

        lifted = await lift(books, set_now.block_id)

        assert (set_now.replayed, again.replayed) == (False, True)
        assert lifted == Blocked(set_now.block_id, ana, replayed=False)
        assert await codes(books, ana, at=NOON + HOUR) == ["DO_NOT_CONTACT"]
        assert await codes(books, ana, at=NOON + 2 * HOUR) == ["CONSENT_GRANTED"]
        with pytest.raises(Conflict):
            await lift(books, set_now.block_id)
        assert await books.rows(DoNotContact, "id", "lifted_at") == [
            (set_now.block_id, NOON + 2 * HOUR)
        ]
        verbs = [verb for (verb,) in await books.rows(Activity, "verb")]
        assert verbs == ["liftDoNotContact", "setConsent", "setDoNotContact", "upsertContact"]
        # Asked again after it was lifted, it is a new one.
        assert not (await block(books, ana)).replayed


async def test_an_address_is_blocked_on_every_channel_that_shares_it(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        sms = (ChannelKind.SMS, ANA[1])
        ana = await meet(books, ANA, sms, BEA_BY_MAIL)
        await block(books, ana, identity=sms)
        await block(books, ana, channel=ChannelKind.EMAIL, ends_at=NOON + HOUR)

        assert await codes(books, ana) == ["DO_NOT_CONTACT", "CONSENT_MISSING"]
        assert await codes(books, ana, channel=ChannelKind.SMS) == [
            "DO_NOT_CONTACT",
            "CONSENT_MISSING",
        ]
        assert await codes(books, ana, channel=ChannelKind.EMAIL) == ["CONSENT_MISSING"]


async def test_the_block_of_a_merged_contact_holds_for_both(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana, bea = await meet(books, ANA), await meet(books, BEA_BY_MAIL)
        await block(books, ana)

        await merge_contacts(books.dependencies, books.admin, MergeContacts(ana, bea))

        assert "DO_NOT_CONTACT" in await codes(books, bea, channel=ChannelKind.EMAIL)
        assert await books.rows(DoNotContact, "contact_id", "owner_id") == [(ana, bea)]


@pytest.mark.parametrize(
    ("given", "error", "path"),
    [
        ({"reason": " "}, InvalidInput, ("reason",)),
        ({"reason": "x" * 501}, InvalidInput, ("reason",)),
        ({"ends_at": NOON}, InvalidInput, ("endsAt",)),
        ({"identity": (ChannelKind.SMS, "x")}, InvalidInput, ("identity", "address")),
        ({"identity": BEA_BY_MAIL}, NotFound, ("identity",)),
        ({"contact_id": "contact_00000000000000000000000011"}, NotFound, ("contactId",)),
    ],
)
async def test_a_bad_block_is_refused_and_nothing_is_kept(
    database_url: str, given: dict[str, Any], error: type[DomainError], path: tuple[str, ...]
) -> None:
    async with open_books(database_url, NOON) as books:
        ana = await meet(books, ANA)

        with pytest.raises(error) as refused:
            await block(books, **{"contact_id": ana, **given})

        assert refused.value.path == path
        assert await books.rows(DoNotContact, "id") == []
        with pytest.raises(NotFound):
            await lift(books, "block_00000000000000000000000011")


async def test_a_cap_counts_each_send_of_its_period_once(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana = await meet(books, ANA)
        await consent(books, ana, occurred_at=NOON - 99 * HOUR)
        request = CreateCampaign("Sale", ChannelKind.WHATSAPP)
        campaign_id = await create_campaign(books.dependencies, books.admin, request)
        campaign = {"kind": InteractionKind.CAMPAIGN_SEND, "campaign_id": campaign_id}
        journey = {"kind": InteractionKind.JOURNEY_SEND}
        sends = [
            wrote(None, NOON - 24 * HOUR, **journey),
            wrote(None, NOON - 20 * HOUR, **campaign),
            wrote(None, NOON - HOUR, **journey),
        ]
        ids = await record(books, *sends, wrote("hola", NOON - HOUR))
        await cap(books, 3, 24)
        assert await codes(books, ana, at=NOON) == ["CONSENT_GRANTED"]

        cap_id = await cap(books, 2, 24)

        assert await codes(books, ana, at=NOON) == ["FREQUENCY_CAPPED"]
        assert await codes(books, ana, at=NOON - 2 * HOUR) == ["FREQUENCY_CAPPED"]
        assert await codes(books, ana, at=NOON - 20 * HOUR - timedelta(seconds=1)) == [
            "CONSENT_GRANTED"
        ]
        assert await codes(books, ana, at=NOON + 4 * HOUR) == ["CONSENT_GRANTED"]
        # What was retracted was not sent.
        await retract_interaction(books.dependencies, books.admin, ids[1], "never left")
        assert await codes(books, ana, at=NOON) == ["CONSENT_GRANTED"]
        assert await books.rows(FrequencyCap, "id", "scope", "touches_max") == [(cap_id, "ALL", 2)]


async def test_a_cap_is_removed_and_the_log_keeps_it(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        cap_id = await cap(books, 2, 24, channel=ChannelKind.SMS)
        assert await cap(books, 2, 24, channel=ChannelKind.SMS) == cap_id
        other = await cap(books, 2, 25, channel=ChannelKind.SMS)

        await remove_frequency_cap(books.dependencies, books.admin, cap_id)

        assert await books.rows(FrequencyCap, "id") == [(other,)]
        with pytest.raises(NotFound):
            await remove_frequency_cap(books.dependencies, books.admin, cap_id)
        told = {"scope": "SMS", "purpose": "MARKETING", "periodHours": 24, "touchesMax": 2}
        found = await books.rows(Activity, "at", "id", "before", "after")
        assert [row[2:] for row in found if row[2] is not None] == [(told, None)]
        assert [row[3] for row in found if row[2] is None] == [told, told | {"periodHours": 25}]


@pytest.mark.parametrize(
    ("touches_max", "hours", "channel", "path"),
    [
        (0, 24, None, "touchesMax"),
        (1001, 24, None, "touchesMax"),
        (1, 0, None, "periodHours"),
        (1, 24 * 366 + 1, None, "periodHours"),
        (1, 1, ChannelKind.WEBCHAT, "channel"),
    ],
)
async def test_a_bad_cap_is_refused(
    database_url: str, touches_max: int, hours: int, channel: ChannelKind | None, path: str
) -> None:
    async with open_books(database_url, NOON) as books:
        with pytest.raises(InvalidInput) as refused:
            await cap(books, touches_max, hours, channel=channel)

        assert refused.value.path == (path,)
        assert await books.rows(FrequencyCap, "id") == []


async def test_a_workspace_has_few_caps(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        for hours in range(1, CAPS_MAX + 1):
            await cap(books, 1, hours)

        with pytest.raises(Conflict):
            await cap(books, 1, CAPS_MAX + 1)

        assert len(await books.rows(FrequencyCap, "id")) == CAPS_MAX


async def test_caps_are_the_admins_and_lifting_the_operators(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana = await meet(books, ANA)
        agent, operator = (
            Viewer(books.workspace_id, "key", "k", frozenset(Scope), user_id="u", role=role)
            for role in (Role.AGENT, Role.OPERATOR)
        )
        given = SetDoNotContact(ana, "asked by phone")
        done = await set_do_not_contact(books.dependencies, agent, given)

        with pytest.raises(Forbidden):
            await lift_do_not_contact(books.dependencies, agent, done.block_id)
        request = SetFrequencyCap(MARKETING, 1, 1)
        with pytest.raises(Forbidden):
            await set_frequency_cap(books.dependencies, operator, request)

        await lift_do_not_contact(books.dependencies, operator, done.block_id)
        assert await books.rows(DoNotContact, "lifted_at") == [(NOON,)]
