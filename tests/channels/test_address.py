"""Two spellings of one address become one; what is no address is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trenza.channels.address import LENGTH_MAX, Address, normalise_address
from trenza.domain.channel import AddressSpace, ChannelKind
from trenza.domain.errors import InvalidInput

OPAQUE_CHANNELS = [
    ChannelKind.FACEBOOK_MESSENGER,
    ChannelKind.INSTAGRAM,
    ChannelKind.WEBCHAT,
    ChannelKind.PUSH,
]


@pytest.mark.parametrize(
    ("spelt", "expected"),
    [
        ("+525550123456", "+525550123456"),
        ("  +52 (55) 5012-3456 ", "+525550123456"),
        ("0052 55.5012.3456", "+525550123456"),
        ("+52 1 55 5012 3456", "+525550123456"),
        ("+5215550123456", "+525550123456"),
        ("+52\u00a055\u20115012\u20113456", "+525550123456"),
        ("\u202a+525550123456\u202c", "+525550123456"),
        ("＋５２５５５０１２３４５６", "+525550123456"),
        ("+55 11 8765-4321", "+5511987654321"),
        ("+55 11 98765-4321", "+5511987654321"),
        ("+55 (011) 98765-4321", "+5511987654321"),
        ("+55 85 7123-4567", "+5585971234567"),
        ("+55 11 7912-3456", "+551179123456"),
        ("+55 11 3456-7890", "+551134567890"),
        ("+55 21 2345-6789", "+552123456789"),
        ("+54 9 11 5555-1234", "+5491155551234"),
        ("+57 300 555 0199", "+573005550199"),
        ("+56 9 5550 1234", "+56955501234"),
        ("+1 202-555-0100", "+12025550100"),
        ("+44 (0)20 7946 0018", "+442079460018"),
        ("+39 06 1234 5678", "+390612345678"),
    ],
)
def test_a_phone_becomes_e164(spelt: str, expected: str) -> None:
    assert normalise_address(ChannelKind.SMS, spelt) == Address(AddressSpace.PHONE, expected)


def test_whatsapp_sms_and_rcs_share_the_phone() -> None:
    spelt = {
        normalise_address(ChannelKind.WHATSAPP, "+5215550123456"),
        normalise_address(ChannelKind.SMS, "+52 55 5012 3456"),
        normalise_address(ChannelKind.RCS, "00525550123456"),
    }

    assert spelt == {Address(AddressSpace.PHONE, "+525550123456")}


@pytest.mark.parametrize(
    "spelt",
    [
        "525550123456",
        "55 5012 3456",
        "+",
        "+52",
        "+52555012345",
        "+5255501234567",
        "+1 555 0100",
        "+999 123 456 789",
        "+0123456789",
        "++525550123456",
        "+52 55 5012 3456 ext. 7",
        "+1-800-FLOWERS",
        "tel:+525550123456",
        "+525550123456;phone-context=+52",
        "+52555012345\x00",
        "+52555012345\ud800",
        "ana@example.com",
    ],
)
def test_what_is_no_international_phone_is_refused(spelt: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        normalise_address(ChannelKind.WHATSAPP, spelt)

    assert refusal.value.path == ("address",)
    assert "phone number" in refusal.value.message


@pytest.mark.parametrize(
    ("spelt", "expected"),
    [
        ("ana@example.com", "ana@example.com"),
        (" Ana.Souza+Casa@Example.COM.br\n", "ana.souza+casa@example.com.br"),
        ("ana@tienda.example", "ana@tienda.example"),
        ("ana@casa.test", "ana@casa.test"),
        ("JOSÉ@EXAMPLE.com", "josé@example.com"),
        ("jose\u0301@example.com", "josé@example.com"),
        ("ana@xn--caf-dma.example", "ana@café.example"),
        ("ana@CAFÉ.example", "ana@café.example"),
    ],
)
def test_an_email_address_becomes_lower_case(spelt: str, expected: str) -> None:
    assert normalise_address(ChannelKind.EMAIL, spelt) == Address(AddressSpace.EMAIL, expected)


@pytest.mark.parametrize(
    "spelt",
    [
        "ana",
        "ana@",
        "@example.com",
        "ana@example",
        "ana@@example.com",
        "ana souza@example.com",
        "Ana <ana@example.com>",
        "ana@example..com",
        "ana@[127.0.0.1]",
        "ana\x00@example.com",
        "ana\ud800@example.com",
        "+525550123456",
    ],
)
def test_what_is_no_email_address_is_refused(spelt: str) -> None:
    with pytest.raises(InvalidInput, match="e-mail address is malformed") as refusal:
        normalise_address(ChannelKind.EMAIL, spelt)

    assert refusal.value.path == ("address",)


@pytest.mark.parametrize("channel", OPAQUE_CHANNELS)
def test_another_channels_id_stays_as_it_is(channel: ChannelKind) -> None:
    token = "fcm:APA91b_x-Y/z=" + "é" * 100

    assert normalise_address(channel, f"\t{token} ") == Address(AddressSpace(channel), token)
    assert normalise_address(channel, "Ana") != normalise_address(channel, "ana")


@pytest.mark.parametrize(
    "spelt", ["a b", "a\tb", "a\nb", "a\x00b", "a\x7fb", "a\u00a0b", "a\u200bb", "a\ud800b"]
)
@pytest.mark.parametrize("channel", OPAQUE_CHANNELS)
def test_an_id_with_what_cannot_be_seen_is_refused(channel: ChannelKind, spelt: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be seen") as refusal:
        normalise_address(channel, spelt)

    assert refusal.value.path == ("address",)


@pytest.mark.parametrize("spelt", ["", " ", "\n\t\u3000"])
@pytest.mark.parametrize("channel", ChannelKind)
def test_an_empty_address_is_refused_on_every_channel(channel: ChannelKind, spelt: str) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        normalise_address(channel, spelt)


@pytest.mark.parametrize("channel", ChannelKind)
def test_an_endless_address_is_refused_on_every_channel(channel: ChannelKind) -> None:
    with pytest.raises(InvalidInput, match="longer than 512 characters"):
        normalise_address(channel, "1" * (LENGTH_MAX + 1))


def test_the_longest_id_is_kept_whole() -> None:
    longest = "x" * LENGTH_MAX

    assert normalise_address(ChannelKind.PUSH, longest).value == longest


phones = st.from_regex(r"(\+|00)(5[1-8]|1|44|39)[0-9 ().-]{6,16}", fullmatch=True)
emails = st.emails() | st.from_regex(
    r"[A-Za-zÀ-ÿ.]{1,12}@[A-Za-zÀ-ÿ]{1,12}\.example", fullmatch=True
)


@given(channel=st.sampled_from(ChannelKind), spelt=phones | emails | st.text(max_size=600))
def test_any_text_is_refused_or_reaches_a_form_that_stays(channel: ChannelKind, spelt: str) -> None:
    try:
        once = normalise_address(channel, spelt)
    except InvalidInput:
        return

    assert normalise_address(channel, once.value) == once
    assert 1 <= len(once.value.encode()) <= 2048
    assert "\x00" not in once.value
