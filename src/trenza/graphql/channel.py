"""The eight channels and what each of them can do, as data."""

from __future__ import annotations

from typing import Any

from trenza.domain.channel import CHANNELS, Attendance, ChannelKind
from trenza.domain.interaction import Language
from trenza.readplan.fields import Argument, column, computed
from trenza.readplan.reader import Row
from trenza.readplan.schema import Record, record


def channel_name(kind: ChannelKind, language: Language) -> str:
    """The channel's name."""
    return CHANNELS[kind].names[language]


@record()
class Channel(Record):
    """A channel and what it can do."""

    kind: ChannelKind = column("Which.")
    mass_send: bool = column("Whether campaigns and journeys can send on it.")
    attendance: Attendance = column("How bots and people attend on it.")
    conversational: bool = column("Whether bots and agents converse on it.")
    reply_window_hours: int | None = column(
        "How long after the customer's last message the provider lets the company answer "
        "freely; another clock than the session's 24 hours. Null: no limit."
    )
    name: str = computed(
        channel_name,
        "kind",
        arguments={"language": Argument("Language", "The language.", value=Language.EN)},
    )


def list_channels(_: Any) -> list[Row]:
    """Every channel, in the order of the enum: the same for every workspace."""
    return [
        {
            "kind": traits.kind,
            "mass_send": traits.mass_send,
            "attendance": traits.attendance,
            "conversational": traits.conversational,
            "reply_window_hours": (
                None
                if traits.reply_window is None
                else int(traits.reply_window.total_seconds() // 3600)
            ),
        }
        for traits in CHANNELS.values()
    ]
