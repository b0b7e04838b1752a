"""The eight channels and what each can do, as data: code asks for a trait, never for a channel."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from trenza.domain.interaction import Language


class ChannelKind(StrEnum):
    """The channels on which a contact and the company meet."""

    SMS = "SMS"
    WHATSAPP = "WHATSAPP"
    RCS = "RCS"
    EMAIL = "EMAIL"
    FACEBOOK_MESSENGER = "FACEBOOK_MESSENGER"
    INSTAGRAM = "INSTAGRAM"
    WEBCHAT = "WEBCHAT"
    PUSH = "PUSH"


class AddressSpace(StrEnum):
    """Where addresses are unique: channels that share a space share the person."""

    PHONE = "PHONE"
    EMAIL = "EMAIL"
    FACEBOOK_MESSENGER = "FACEBOOK_MESSENGER"
    INSTAGRAM = "INSTAGRAM"
    WEBCHAT = "WEBCHAT"
    PUSH = "PUSH"


class Attendance(StrEnum):
    """How bots and people attend on a channel."""

    CONVERSATION = "CONVERSATION"
    TICKETS = "TICKETS"
    INBOUND_ONLY = "INBOUND_ONLY"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class ChannelTraits:
    """One row of the channel matrix.

    The matrix limits what we send ourselves; a reported fact is never refused by it.
    `reply_window` is the provider's, counted from the customer's last message and sliding with
    it; it is another clock than the 24 hours of a session.
    """

    kind: ChannelKind
    mass_send: bool
    attendance: Attendance
    address_space: AddressSpace
    reply_window: timedelta | None
    names: Mapping[Language, str]

    @property
    def conversational(self) -> bool:
        """Whether bots and agents converse here, beyond tickets and plain inbound messages."""
        return self.attendance is Attendance.CONVERSATION


def _traits(
    kind: ChannelKind,
    attendance: Attendance,
    space: AddressSpace,
    names: tuple[str, str, str],
    *,
    mass_send: bool,
    reply_window: timedelta | None = None,
) -> ChannelTraits:
    by_language = MappingProxyType(dict(zip(Language, names, strict=True)))
    return ChannelTraits(kind, mass_send, attendance, space, reply_window, by_language)


_DAY = timedelta(hours=24)

CHANNELS: Mapping[ChannelKind, ChannelTraits] = MappingProxyType(
    {
        traits.kind: traits
        for traits in (
            _traits(
                ChannelKind.SMS,
                Attendance.INBOUND_ONLY,
                AddressSpace.PHONE,
                ("SMS", "SMS", "SMS"),
                mass_send=True,
            ),
            _traits(
                ChannelKind.WHATSAPP,
                Attendance.CONVERSATION,
                AddressSpace.PHONE,
                ("WhatsApp", "WhatsApp", "WhatsApp"),
                mass_send=True,
                reply_window=_DAY,
            ),
            _traits(
                ChannelKind.RCS,
                Attendance.CONVERSATION,
                AddressSpace.PHONE,
                ("RCS", "RCS", "RCS"),
                mass_send=True,
            ),
            _traits(
                ChannelKind.EMAIL,
                Attendance.TICKETS,
                AddressSpace.EMAIL,
                ("correo electrónico", "e-mail", "email"),
                mass_send=True,
            ),
            _traits(
                ChannelKind.FACEBOOK_MESSENGER,
                Attendance.CONVERSATION,
                AddressSpace.FACEBOOK_MESSENGER,
                ("Facebook Messenger", "Facebook Messenger", "Facebook Messenger"),
                mass_send=False,
                reply_window=_DAY,
            ),
            _traits(
                ChannelKind.INSTAGRAM,
                Attendance.CONVERSATION,
                AddressSpace.INSTAGRAM,
                ("Instagram", "Instagram", "Instagram"),
                mass_send=False,
                reply_window=_DAY,
            ),
            _traits(
                ChannelKind.WEBCHAT,
                Attendance.CONVERSATION,
                AddressSpace.WEBCHAT,
                ("chat web", "chat do site", "web chat"),
                mass_send=False,
            ),
            _traits(
                ChannelKind.PUSH,
                Attendance.NONE,
                AddressSpace.PUSH,
                ("notificación push", "notificação push", "push notification"),
                mass_send=True,
            ),
        )
    }
)
