"""The channel matrix, row by row."""

from datetime import timedelta

from trenza.domain.channel import CHANNELS, AddressSpace, Attendance, ChannelKind
from trenza.domain.interaction import Language

C = ChannelKind
DAY = timedelta(hours=24)


def test_the_matrix_has_a_row_for_every_channel() -> None:
    assert {
        kind: (traits.mass_send, traits.attendance, traits.reply_window)
        for kind, traits in CHANNELS.items()
    } == {
        C.SMS: (True, Attendance.INBOUND_ONLY, None),
        C.WHATSAPP: (True, Attendance.CONVERSATION, DAY),
        C.RCS: (True, Attendance.CONVERSATION, None),
        C.EMAIL: (True, Attendance.TICKETS, None),
        C.FACEBOOK_MESSENGER: (False, Attendance.CONVERSATION, DAY),
        C.INSTAGRAM: (False, Attendance.CONVERSATION, DAY),
        C.WEBCHAT: (False, Attendance.CONVERSATION, None),
        C.PUSH: (True, Attendance.NONE, None),
    }
    assert {kind for kind, traits in CHANNELS.items() if traits.conversational} == {
        C.WHATSAPP, C.RCS, C.FACEBOOK_MESSENGER, C.INSTAGRAM, C.WEBCHAT,
    }  # fmt: skip


def test_only_the_channels_of_phones_share_their_addresses() -> None:
    phones = {kind for kind, t in CHANNELS.items() if t.address_space is AddressSpace.PHONE}
    others = [t.address_space for kind, t in CHANNELS.items() if kind not in phones]

    assert phones == {C.WHATSAPP, C.SMS, C.RCS}
    assert len(set(others)) == len(others)


def test_every_channel_has_a_name_in_every_language() -> None:
    assert all(
        traits.kind is kind and set(traits.names) == {*Language} and all(traits.names.values())
        for kind, traits in CHANNELS.items()
    )
