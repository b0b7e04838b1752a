"""Why a message may go out or not, in a sentence, in Spanish, Portuguese and English."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from trenza.domain.channel import CHANNELS, ChannelKind
from trenza.domain.consent import ConsentPurpose, ContactReason, ContactReasonCode
from trenza.domain.interaction import Language

Texts = Mapping[Language, str]


def _in(es: str, pt: str, en: str) -> Texts:
    return MappingProxyType({Language.ES: es, Language.PT: pt, Language.EN: en})


PURPOSE_NAMES: Mapping[ConsentPurpose, Texts] = MappingProxyType(
    {
        ConsentPurpose.MARKETING: _in("promociones", "promoções", "marketing"),
        ConsentPurpose.UTILITY: _in("avisos de servicio", "avisos de serviço", "service notices"),
        ConsentPurpose.AUTHENTICATION: _in("autenticación", "autenticação", "authentication"),
        ConsentPurpose.SERVICE: _in("atención", "atendimento", "customer care"),
    }
)

REASONS: Mapping[ContactReasonCode, Texts] = MappingProxyType(
    {
        ContactReasonCode.ERASED: _in(
            "No: los datos de la persona se borraron el {since}.",
            "Não: os dados da pessoa foram apagados em {since}.",
            "No: the person's data was erased on {since}.",
        ),
        ContactReasonCode.CHANNEL_CANNOT_SEND: _in(
            "No: por {channel} no se pueden enviar mensajes de {purpose}.",
            "Não: por {channel} não se podem enviar mensagens de {purpose}.",
            "No: messages of {purpose} cannot be sent on {channel}.",
        ),
        ContactReasonCode.NO_IDENTITY: _in(
            "No: no se conoce ninguna dirección de la persona en {channel}.",
            "Não: não se conhece nenhum endereço da pessoa em {channel}.",
            "No: no address of the person is known on {channel}.",
        ),
        ContactReasonCode.DO_NOT_CONTACT: _in(
            "No: no contactar por {channel} desde el {since}: {note}.",
            "Não: não contatar por {channel} desde {since}: {note}.",
            "No: not to be contacted on {channel} since {since}: {note}.",
        ),
        ContactReasonCode.CONSENT_REVOKED: _in(
            "No: el consentimiento para {purpose} por {channel} se revocó el {since}.",
            "Não: o consentimento para {purpose} por {channel} foi revogado em {since}.",
            "No: the consent to {purpose} on {channel} was revoked on {since}.",
        ),
        ContactReasonCode.CONSENT_DENIED: _in(
            "No: el consentimiento para {purpose} por {channel} se negó el {since}.",
            "Não: o consentimento para {purpose} por {channel} foi negado em {since}.",
            "No: the consent to {purpose} on {channel} was denied on {since}.",
        ),
        ContactReasonCode.CONSENT_EXPIRED: _in(
            "No: el consentimiento para {purpose} por {channel} venció el {since}.",
            "Não: o consentimento para {purpose} por {channel} expirou em {since}.",
            "No: the consent to {purpose} on {channel} expired on {since}.",
        ),
        ContactReasonCode.CONSENT_MISSING: _in(
            "No: no hay consentimiento para {purpose} por {channel}.",
            "Não: não há consentimento para {purpose} por {channel}.",
            "No: there is no consent to {purpose} on {channel}.",
        ),
        ContactReasonCode.FREQUENCY_CAPPED: _in(
            "No: {touches} envíos en {hours} h, el tope es {most}; hay lugar desde el {until}.",
            "Não: {touches} envios em {hours} h, o limite é {most}; há lugar a partir de {until}.",
            "No: {touches} sends in {hours} h, the cap is {most}; there is room from {until}.",
        ),
        ContactReasonCode.CONSENT_GRANTED: _in(
            "Sí: el consentimiento para {purpose} por {channel} se dio el {since}.",
            "Sim: o consentimento para {purpose} por {channel} foi dado em {since}.",
            "Yes: the consent to {purpose} on {channel} was given on {since}.",
        ),
        ContactReasonCode.NOT_REFUSED: _in(
            "Sí: para {purpose} por {channel} basta que la persona no lo haya rechazado.",
            "Sim: para {purpose} por {channel} basta que a pessoa não o tenha recusado.",
            "Yes: for {purpose} on {channel} it is enough that the person has not refused.",
        ),
    }
)


def explain_reason(
    reason: ContactReason, channel: ChannelKind, purpose: ConsentPurpose, language: Language
) -> str:
    """Say a reason of a verdict on a message for a purpose on a channel.

    >>> missing = ContactReason(ContactReasonCode.CONSENT_MISSING)
    >>> explain_reason(missing, ChannelKind.SMS, ConsentPurpose.MARKETING, Language.EN)
    'No: there is no consent to marketing on SMS.'
    """
    return REASONS[reason.code][language].format(
        channel=CHANNELS[channel].names[language],
        purpose=PURPOSE_NAMES[purpose][language],
        since=_instant(reason.since),
        until=_instant(reason.until),
        note=(reason.note or "").rstrip("."),
        touches=reason.touches,
        most=reason.touches_max,
        hours=reason.period_hours,
    )


def _instant(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
