"""The eight channels and what each of them can do, as data."""

from __future__ import annotations

from typing import Annotated

import strawberry

from trenza.domain.channel import CHANNELS, Attendance, ChannelKind
from trenza.domain.interaction import Language
from trenza.readplan.schema import named


@named
@strawberry.type(description="A channel and what it can do.")
class Channel:
    """A channel and what it can do."""

    kind: ChannelKind = strawberry.field(description="Which.")
    mass_send: bool = strawberry.field(description="Whether campaigns and journeys can send on it.")
    attendance: Attendance = strawberry.field(description="How bots and people attend on it.")
    conversational: bool = strawberry.field(description="Whether bots and agents converse on it.")
    reply_window_hours: int | None = strawberry.field(
        description=(
            "How long after the customer's last message the provider lets the company answer "
            "freely; another clock than the session's 24 hours. Null: no limit."
        )
    )

    @strawberry.field(description="The channel's name.")  # type: ignore[untyped-decorator]
    def name(
        self,
        language: Annotated[
            Language, strawberry.argument(description="The language.")
        ] = Language.EN,
    ) -> str:
        """The channel's name in a language."""
        return CHANNELS[self.kind].names[language]


def list_channels() -> list[Channel]:
    """Every channel, in the order of the enum."""
    return [
        Channel(
            kind=traits.kind,
            mass_send=traits.mass_send,
            attendance=traits.attendance,
            conversational=traits.conversational,
            reply_window_hours=(
                None
                if traits.reply_window is None
                else int(traits.reply_window.total_seconds() // 3600)
            ),
        )
        for traits in CHANNELS.values()
    ]
