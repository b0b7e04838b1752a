"""Sentences for people who pay: why an interaction cost what it did, and why a row was written.

Short, in Spanish, Portuguese and English. Instants are told in UTC, to the second.
"""

from datetime import UTC, datetime

from trenza.domain.channel import CHANNELS, ChannelKind
from trenza.domain.errors import BrokenInvariant
from trenza.domain.interaction import InteractionKind, Lane, Language, SessionLane
from trenza.domain.metering import sentences
from trenza.domain.metering.fold import RuleCode
from trenza.domain.metering.ledger import DebitReason


def explain_verdict(
    *,
    rule: RuleCode,
    kind: InteractionKind,
    channel: ChannelKind,
    lane: Lane | None,
    session_opened_at: datetime | None,
    language: Language,
) -> str:
    """Say why an interaction got its verdict.

    `channel` and `lane` are the interaction's, `session_opened_at` is the opening of the session
    that the verdict names. Raises BrokenInvariant where the rule needs one that is missing.

    >>> explain_verdict(
    ...     rule=RuleCode.FREE_SURVEY,
    ...     kind=InteractionKind.SURVEY,
    ...     channel=ChannelKind.WHATSAPP,
    ...     lane=None,
    ...     session_opened_at=None,
    ...     language=Language.EN,
    ... )
    'No charge: survey on WhatsApp; not an interaction of service.'
    """
    frame, why = sentences.RULES[rule]
    values = {
        "kind": sentences.KIND_NAMES[kind][language],
        "channel": CHANNELS[channel].names[language],
    }
    if lane is not None:
        values["lane"] = sentences.LANE_NAMES[SessionLane(lane)][language]
    if session_opened_at is not None:
        values["opened"] = _instant(session_opened_at)
    try:
        return frame[language].format(why=why[language].format_map(values), **values)
    except KeyError as missing:
        raise BrokenInvariant(f"a verdict {rule} without {missing}") from None


def explain_entry(
    *,
    reason: DebitReason,
    amount: int,
    channel: ChannelKind,
    lane: SessionLane,
    session_opened_at: datetime,
    counts_at: datetime,
    language: Language,
) -> str:
    """Say why a debit (`amount` 1) or a reversal (-1) was written, and where it is an adjustment.

    Raises BrokenInvariant for any other amount.

    >>> ten = datetime(2026, 11, 22, 10, tzinfo=UTC)
    >>> explain_entry(  # doctest: +ELLIPSIS
    ...     reason=DebitReason.OPENED,
    ...     amount=1,
    ...     channel=ChannelKind.SMS,
    ...     lane=SessionLane.UNBOUND,
    ...     session_opened_at=ten,
    ...     counts_at=ten,
    ...     language=Language.PT,
    ... )
    '+1 Interactionz na abertura: sessão de 24 horas aberta em 2026-11-22 10:00:00 UTC por SMS...'
    """
    if amount not in (1, -1):
        raise BrokenInvariant(f"a ledger row of {amount} credits")
    frame = sentences.DEBIT if amount == 1 else sentences.REVERSAL
    sentence = frame[language].format(
        cause=sentences.CAUSES[reason][language],
        opened=_instant(session_opened_at),
        channel=CHANNELS[channel].names[language],
        lane=sentences.LANE_NAMES[lane][language],
    )
    if counts_at != session_opened_at:
        sentence += sentences.ADJUSTMENT[language].format(counts=_instant(counts_at))
    return sentence


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
