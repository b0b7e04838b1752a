"""Recording consent and opting out: what is kept, what replays, and what a merge changes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from tests.services.books import Books, open_books, utc
from trenza.domain.access import Role, Scope, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.consent import ConsentPurpose, ConsentStatus, ContactVerdict, may_contact
from trenza.domain.errors import (
    DomainError,
    Forbidden,
    IdempotencyConflict,
    InvalidInput,
    NotFound,
    OccurredInFuture,
)
from trenza.domain.interaction import InteractionKind, Lane, Language
from trenza.services.consent import ConsentSet, SetConsent, set_consent
from trenza.services.contact import UpsertContact, upsert_contact
from trenza.services.interaction import Arrival, RecordInteraction, record_interactions
from trenza.services.merge import MergeContacts, merge_contacts, unmerge_contact
from trenza.services.opt_out import SetOptOutWords, set_opt_out_words
from trenza.storage import Activity, ConsentEvent, DoNotContact
from trenza.storage.reachable import find_facts

NOON = utc(2026, 9, 10, 12)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
WHATSAPP, EMAIL, SMS = ChannelKind.WHATSAPP, ChannelKind.EMAIL, ChannelKind.SMS
ANA = (WHATSAPP, "+525550123456")
ANA_BY_MAIL = (EMAIL, "ana@example.com")
BEA_BY_MAIL = (EMAIL, "bea@example.com")
MARKETING = ConsentPurpose.MARKETING
GRANTED, REVOKED = ConsentStatus.GRANTED, ConsentStatus.REVOKED
COLUMNS = ("channel", "address", "purpose", "status", "occurred_at", "source", "evidence")


async def meet(books: Books, *identities: tuple[ChannelKind, str]) -> str:
    request = UpsertContact(identities=identities)
    return (await upsert_contact(books.dependencies, books.admin, request)).contact_id


async def consent(books: Books, contact_id: str, **given: Any) -> ConsentSet:
    request = {"purpose": MARKETING, "status": GRANTED, "channel": WHATSAPP, **given}
    if "identity" in given:
        del request["channel"]
    return await set_consent(books.dependencies, books.admin, SetConsent(contact_id, **request))


def wrote(text: str | None, at: datetime = NOON, **given: Any) -> RecordInteraction:
    """A message of Ana's by WhatsApp, unless told otherwise."""
    said: dict[str, Any] = {
        "channel": WHATSAPP,
        "kind": InteractionKind.CUSTOMER_MESSAGE,
        "identity": ANA,
    }
    return RecordInteraction(**{**said, "occurred_at": at, "text": text, **given})


async def record(books: Books, *requests: RecordInteraction) -> list[str]:
    arrivals = [Arrival(request, books.clock.at) for request in requests]
    found = await record_interactions(books.dependencies, books.admin, arrivals)
    assert not [each for each in found if isinstance(each, DomainError)]
    return [each.interaction_id for each in found if not isinstance(each, DomainError)]


async def noted(books: Books) -> list[tuple[Any, ...]]:
    """What the activity log has, but for the contacts that were made first."""
    rows = await books.rows(Activity, "verb", "subject_id", "before", "after")
    return [row for row in rows if row[0] != "upsertContact"]


async def verdict(
    books: Books, contact_id: str, channel: ChannelKind = WHATSAPP, at: datetime = NOON + HOUR
) -> ContactVerdict:
    async with books.database.read(books.workspace_id) as connection:
        facts = await find_facts(connection, books.workspace_id, {contact_id: {at}})
    return may_contact(facts[contact_id], channel, MARKETING, at)


async def events(books: Books) -> Sequence[tuple[Any, ...]]:
    return await books.rows(ConsentEvent, *COLUMNS)


async def test_what_was_said_is_kept_with_its_proof(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana = await meet(books, ANA, ANA_BY_MAIL)

        done = await consent(books, ana, source=" web form ", evidence="https://x.example/form\n2")

        assert done == ConsentSet(done.event_id, ana, replayed=False)
        proof = "https://x.example/form\n2"
        expected = (*ANA, "MARKETING", "GRANTED", NOON, "web form", proof)
        assert await events(books) == [expected]
        assert (await verdict(books, ana)).allowed
        assert not (await verdict(books, ana, EMAIL)).allowed
        assert await noted(books) == [
            (
                "setConsent",
                ana,
                None,
                {
                    "channel": "WHATSAPP",
                    "purpose": "MARKETING",
                    "status": "GRANTED",
                    "event": done.event_id,
                },
            )
        ]


async def test_the_same_again_replays_and_another_content_conflicts(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana = await meet(books, ANA)
        by_id = {"source": "crm", "external_id": "7"}
        first = await consent(books, ana, **by_id)
        bare = await consent(books, ana, occurred_at=NOON - HOUR)
        kept = await events(books)
        books.clock.at += HOUR

        again = await consent(books, ana, **by_id)
        bare_again = await consent(books, ana, occurred_at=NOON - HOUR)
        with pytest.raises(IdempotencyConflict) as refused:
            await consent(books, ana, status=REVOKED, **by_id)

        assert again == ConsentSet(first.event_id, ana, replayed=True)
        assert bare_again == ConsentSet(bare.event_id, ana, replayed=True)
        assert refused.value.path == ("externalId",)
        assert await events(books) == kept
        # Without an id or an instant it is said anew.
        assert not (await consent(books, ana)).replayed
        assert len(await events(books)) == 3


@pytest.mark.parametrize(
    ("given", "error", "path"),
    [
        ({"channel": None}, InvalidInput, ("identity",)),
        ({"identity": ANA, "source": " "}, InvalidInput, ("source",)),
        ({"identity": (SMS, "12")}, InvalidInput, ("identity", "address")),
        ({"identity": (SMS, ANA[1])}, NotFound, ("identity",)),
        ({"channel": SMS}, NotFound, ("channel",)),
        ({"channel": EMAIL}, InvalidInput, ("identity",)),
        ({"source": "opt-out-word"}, InvalidInput, ("source",)),
        ({"evidence": "x" * 1001}, InvalidInput, ("evidence",)),
        ({"external_id": "\x00"}, InvalidInput, ("externalId",)),
        ({"expires_at": NOON}, InvalidInput, ("expiresAt",)),
        ({"occurred_at": NOON + 2 * HOUR}, OccurredInFuture, ("occurredAt",)),
        ({"contact_id": "contact_00000000000000000000000011"}, NotFound, ("contactId",)),
        ({"contact_id": "ana"}, NotFound, ("contactId",)),
    ],
)
async def test_bad_values_are_refused_and_nothing_is_kept(
    database_url: str, given: dict[str, Any], error: type[DomainError], path: tuple[str, ...]
) -> None:
    async with open_books(database_url, NOON) as books:
        ana = await meet(books, ANA, ANA_BY_MAIL, BEA_BY_MAIL)

        with pytest.raises(error) as refused:
            await consent(books, **{"contact_id": ana, **given})

        assert refused.value.path == path
        assert await events(books) == []
        assert await noted(books) == []


async def test_agents_record_consent_and_viewers_do_not(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana = await meet(books, ANA)
        request = SetConsent(ana, MARKETING, GRANTED, WHATSAPP)
        viewers = {
            role: Viewer(books.workspace_id, "key", "k", frozenset(Scope), user_id="u", role=role)
            for role in Role
        }

        with pytest.raises(Forbidden):
            await set_consent(books.dependencies, viewers[Role.VIEWER], request)
        words = SetOptOutWords([(Language.EN, ["NO"])])
        with pytest.raises(Forbidden):
            await set_opt_out_words(books.dependencies, viewers[Role.OPERATOR], words)

        assert await events(books) == []
        await set_consent(books.dependencies, viewers[Role.AGENT], request)
        assert len(await events(books)) == 1


async def test_an_opt_out_word_revokes_marketing_where_it_was_said(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana = await meet(books, ANA, ANA_BY_MAIL)
        await consent(books, ana, occurred_at=NOON - HOUR)
        await consent(books, ana, identity=ANA_BY_MAIL, occurred_at=NOON - HOUR)

        (id,) = await record(books, wrote(" ¡Baja! "))

        revoked = (*ANA, "MARKETING", "REVOKED", NOON, "opt-out-word", id)
        assert revoked in await events(books)
        assert len(await events(books)) == 3
        assert [r.code for r in (await verdict(books, ana)).reasons] == ["CONSENT_REVOKED"]
        assert (await verdict(books, ana, EMAIL)).allowed


async def test_a_report_without_an_identity_revokes_all_of_its_channel(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana = await meet(books, ANA, ANA_BY_MAIL, BEA_BY_MAIL)

        (id,) = await record(books, wrote("STOP", channel=EMAIL, identity=None, contact_id=ana))

        assert [(row[1], row[-1]) for row in await events(books)] == [
            (ANA_BY_MAIL[1], id),
            (BEA_BY_MAIL[1], id),
        ]


async def test_a_word_by_another_channel_of_the_same_number_holds_for_both(
    database_url: str,
) -> None:
    async with open_books(database_url, NOON) as books:
        await record(books, wrote("STOP", channel=SMS), wrote("stop", channel=EMAIL))

        found = {(channel, address) for channel, address, *_ in await events(books)}
        assert found == {(SMS, ANA[1]), ANA}


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("no quiero la baja", {}),
        (None, {}),
        ("STOP", {"kind": InteractionKind.COMPANY_MESSAGE, "actor": Lane.HUMAN}),
        ("STOP", {"kind": InteractionKind.AUTO_REPLY}),
    ],
)
async def test_other_messages_revoke_nothing_and_cost_nothing(
    database_url: str, text: str | None, given: dict[str, Any]
) -> None:
    async with open_books(database_url, NOON) as books:
        await record(books, wrote("hola", **given))
        with books.counted_statements() as plain:
            await record(books, wrote("hola", NOON + MINUTE, **given))
        with books.counted_statements() as counted:
            await record(books, wrote(text, NOON + 2 * MINUTE, **given))

        assert await events(books) == []
        assert len(counted) == len(plain)


async def test_an_opt_out_costs_no_round_trip_of_its_own(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        await record(books, wrote("hola"))
        with books.counted_statements() as plain:
            await record(books, wrote("hola", NOON + MINUTE))
        with books.counted_statements() as counted:
            await record(books, wrote("STOP", NOON + 2 * MINUTE))

        assert len(counted) == len(plain)
        assert len(await events(books)) == 1


async def test_the_report_decides_the_cost_and_not_the_word(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        await record(books, wrote("STOP", kind=InteractionKind.CONSENT_CHANGE))
        assert (await books.balance(NOON)).consumed == 0

        await record(books, wrote("STOP"))
        assert (await books.balance(NOON)).consumed == 1
        assert len(await events(books)) == 2


async def test_replays_and_any_order_of_arrival_say_the_same(database_url: str) -> None:
    said = [
        ("grant", NOON - 3 * HOUR),
        ("STOP", NOON - 2 * HOUR),
        ("grant", NOON - HOUR),
    ]
    for number, order in enumerate(permutations(said)):
        async with open_books(database_url, NOON, first_id=1 + 1000 * number) as books:
            ana = await meet(books, ANA)
            for _ in range(2):
                for what, at in order:
                    if what == "grant":
                        await consent(books, ana, occurred_at=at)
                    else:
                        await record(books, wrote(what, at, external_id="m1"))

            found = [
                (await verdict(books, ana, at=NOON - back * HOUR)).allowed for back in (4, 3, 2, 1)
            ]
            assert found == [False, True, False, True]
            kept = await books.rows(ConsentEvent, "workspace_id")
            assert kept.count((books.workspace_id,)) == 3


async def test_a_workspace_has_words_of_its_own(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:

        async def put(words: Any) -> None:
            await set_opt_out_words(books.dependencies, books.admin, SetOptOutWords(words))

        await put([(Language.PT, [" Chega já ", "Chega já"]), (Language.EN, [])])
        await record(books, wrote("STOP"), wrote("chega ja!", NOON - HOUR))

        assert [row[4] for row in await events(books)] == [NOON - HOUR]
        kept = {Language.PT: ("Chega já",), Language.EN: ()}
        assert (await books.settings()).opt_out_words.by_language == kept
        for bad in ([" "], ["?"], ["x" * 41], ["x"] * 51):
            with pytest.raises(InvalidInput):
                await put([(Language.ES, bad)])
        with pytest.raises(InvalidInput):
            await put([(Language.ES, ["NO"]), (Language.ES, ["YA"])])
        assert (await books.settings()).opt_out_words.by_language == kept

        await put(None)
        await record(books, wrote("STOP"))
        assert len(await events(books)) == 2
        assert [row[0] for row in await noted(books)] == ["setOptOutWords"] * 2


async def test_a_merge_never_widens_consent_and_separating_restores_it(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        ana, bea = await meet(books, ANA), await meet(books, BEA_BY_MAIL)
        await consent(books, ana, occurred_at=NOON - HOUR)
        before = await books.rows(ConsentEvent, "contact_id", "owner_id", *COLUMNS)

        await merge_contacts(books.dependencies, books.admin, MergeContacts(ana, bea))

        assert (await verdict(books, bea)).allowed
        assert [r.code for r in (await verdict(books, bea, EMAIL)).reasons] == ["CONSENT_MISSING"]
        # What is said to the merged contact belongs to the identity that it was said by.
        await consent(books, bea, identity=ANA, status=REVOKED)
        await consent(books, bea, identity=BEA_BY_MAIL)
        assert not (await verdict(books, bea)).allowed

        await unmerge_contact(books.dependencies, books.admin, ana)

        after = await books.rows(ConsentEvent, "contact_id", "owner_id", *COLUMNS)
        assert set(before) < set(after)
        assert {(row[0], row[1], row[5]) for row in after} == {
            (ana, ana, "GRANTED"),
            (ana, ana, "REVOKED"),
            (bea, bea, "GRANTED"),
        }
        assert not (await verdict(books, ana)).allowed
        assert (await verdict(books, bea, EMAIL)).allowed
        assert await books.rows(DoNotContact, "id") == []
