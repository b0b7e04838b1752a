"""Creating campaigns."""

import pytest

from tests.services.books import open_books, utc
from trenza.domain.access import Scope, Viewer
from trenza.domain.channel import ChannelKind
from trenza.domain.errors import Forbidden, InvalidInput
from trenza.domain.ids import Prefix, has_prefix
from trenza.services.campaign import CreateCampaign, create_campaign
from trenza.storage import Campaign

NOON = utc(2026, 9, 10, 12)
COLUMNS = ("workspace_id", "id", "name", "objective", "channel", "created_at")


async def test_a_campaign_is_kept_as_it_was_asked_for(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        created = await create_campaign(
            books.dependencies,
            books.admin,
            CreateCampaign(" Black Friday ", ChannelKind.WHATSAPP, "Sell\nmattresses"),
        )

        assert has_prefix(created, Prefix.CAMPAIGN)
        assert await books.rows(Campaign, *COLUMNS) == [
            (
                books.workspace_id,
                created,
                "Black Friday",
                "Sell\nmattresses",
                "WHATSAPP",
                NOON,
            )
        ]


@pytest.mark.parametrize(
    "channel", [ChannelKind.FACEBOOK_MESSENGER, ChannelKind.INSTAGRAM, ChannelKind.WEBCHAT]
)
async def test_a_channel_without_mass_sends_is_refused(
    database_url: str, channel: ChannelKind
) -> None:
    async with open_books(database_url, NOON) as books:
        with pytest.raises(InvalidInput, match="SMS, WHATSAPP, RCS, EMAIL, PUSH") as refused:
            await create_campaign(books.dependencies, books.admin, CreateCampaign("Sale", channel))

        assert refused.value.path == ("channel",)
        assert await books.rows(Campaign, "id") == []


@pytest.mark.parametrize(
    ("name", "objective", "path"),
    [
        (" ", None, ("name",)),
        ("x" * 201, None, ("name",)),
        ("Sale\n", None, ("name",)),
        ("Sale", "", ("objective",)),
        ("Sale", "\x00", ("objective",)),
        ("Sale", "x" * 1001, ("objective",)),
    ],
)
async def test_bad_texts_are_refused_with_their_path(
    database_url: str, name: str, objective: str | None, path: tuple[str, ...]
) -> None:
    async with open_books(database_url, NOON) as books:
        with pytest.raises(InvalidInput) as refused:
            await create_campaign(
                books.dependencies, books.admin, CreateCampaign(name, ChannelKind.SMS, objective)
            )

        assert refused.value.path == path
        assert await books.rows(Campaign, "id") == []


async def test_creating_a_campaign_needs_the_scope_manage(database_url: str) -> None:
    async with open_books(database_url, NOON) as books:
        agent = Viewer(books.workspace_id, "key_3", "a", frozenset(Scope) - {Scope.MANAGE})

        with pytest.raises(Forbidden):
            await create_campaign(books.dependencies, agent, CreateCampaign("S", ChannelKind.SMS))

        assert await books.rows(Campaign, "id") == []
