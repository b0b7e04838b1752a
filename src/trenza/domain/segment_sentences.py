"""A condition of a segment told in a sentence, in Spanish, Portuguese and English.

Sentences say what is asked, not whether it holds. Instants are told in UTC, to the second.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from trenza.domain.channel import CHANNELS
from trenza.domain.consent_sentences import PURPOSE_NAMES
from trenza.domain.errors import BrokenInvariant
from trenza.domain.interaction import Language
from trenza.domain.metering.sentences import KIND_NAMES, LANE_NAMES
from trenza.domain.segment import (
    CampaignCondition,
    ChannelCondition,
    Condition,
    ConsentCondition,
    Count,
    CustomFieldCondition,
    Direction,
    FieldCondition,
    InteractionsCondition,
    JourneyCondition,
    ListCondition,
    Period,
    SegmentField,
    SegmentOperator,
    SessionsCondition,
    SpendCondition,
    TagCondition,
    TicketsCondition,
)

Texts = Mapping[Language, str]


def _in(es: str, pt: str, en: str) -> Texts:
    return MappingProxyType({Language.ES: es, Language.PT: pt, Language.EN: en})


FIELD_NAMES: Mapping[SegmentField, Texts] = MappingProxyType(
    {
        SegmentField.STAGE: _in("etapa", "etapa", "stage"),
        SegmentField.LANGUAGE: _in("idioma", "idioma", "language"),
        SegmentField.COUNTRY: _in("país", "país", "country"),
        SegmentField.CITY: _in("ciudad", "cidade", "city"),
        SegmentField.COMPANY: _in("empresa", "empresa", "company"),
        SegmentField.DEPARTMENT: _in("departamento", "departamento", "department"),
        SegmentField.ORIGIN: _in("origen", "origem", "origin"),
        SegmentField.TIME_ZONE: _in("zona horaria", "fuso horário", "time zone"),
        SegmentField.FIRST_NAME: _in("nombre de pila", "nome próprio", "first name"),
        SegmentField.LAST_NAME: _in("apellido", "sobrenome", "last name"),
        SegmentField.DISPLAY_NAME: _in("nombre visible", "nome visível", "display name"),
        SegmentField.NAME: _in("nombre", "nome", "name"),
        SegmentField.CREATED_AT: _in("creación", "criação", "creation"),
        SegmentField.UPDATED_AT: _in("última modificación", "última alteração", "last change"),
        SegmentField.BIRTHDAY: _in("cumpleaños", "aniversário", "birthday"),
    }
)
COMPARED: Mapping[str, Texts] = MappingProxyType(
    {
        "EQ": _in("es", "é", "is"),
        "NEQ": _in("no es", "não é", "is not"),
        "LT": _in("es menor que", "é menor que", "is less than"),
        "LTE": _in("es como máximo", "é no máximo", "is at most"),
        "GT": _in("es mayor que", "é maior que", "is more than"),
        "GTE": _in("es como mínimo", "é no mínimo", "is at least"),
        "IN": _in("es una de", "é uma de", "is one of"),
        "CONTAINS": _in("contiene", "contém", "contains"),
        "EXISTS": _in("tiene valor", "tem valor", "has a value"),
        "ABSENT": _in("no tiene valor", "não tem valor", "has no value"),
    }
)
COUNTED: Mapping[str, Texts] = MappingProxyType(
    {
        "EQ": _in("exactamente {n}", "exatamente {n}", "exactly {n}"),
        "NEQ": _in("un número distinto de {n}", "um número diferente de {n}", "any number but {n}"),
        "LT": _in("menos de {n}", "menos de {n}", "fewer than {n}"),
        "LTE": _in("como máximo {n}", "no máximo {n}", "at most {n}"),
        "GT": _in("más de {n}", "mais de {n}", "more than {n}"),
        "GTE": _in("al menos {n}", "pelo menos {n}", "at least {n}"),
    }
)
_FIELD = _in("{name}: {how}{what}", "{name}: {how}{what}", "{name} {how}{what}")
_WITHIN = _in(
    "{name}: en los últimos {n} días",
    "{name}: nos últimos {n} dias",
    "{name} within the last {n} days",
)
_BEFORE = _in(
    "{name}: hace más de {n} días",
    "{name}: há mais de {n} dias",
    "{name} more than {n} days ago",
)
_BIRTHDAY = _in(
    "cumpleaños hoy o en los próximos {n} días",
    "aniversário hoje ou nos próximos {n} dias",
    "birthday today or within the next {n} days",
)
HAS: Mapping[type[Condition], tuple[Texts, Texts]] = MappingProxyType(
    {
        TagCondition: (
            _in("tiene la etiqueta {what}", "tem a etiqueta {what}", "has the tag {what}"),
            _in("no tiene la etiqueta {what}", "não tem a etiqueta {what}", "has no tag {what}"),
        ),
        ChannelCondition: (
            _in("se conoce por {what}", "é conhecido por {what}", "is known on {what}"),
            _in("no se conoce por {what}", "não é conhecido por {what}", "is not known on {what}"),
        ),
        ConsentCondition: (
            _in("autorizó {what}", "autorizou {what}", "consents to {what}"),
            _in("no autorizó {what}", "não autorizou {what}", "does not consent to {what}"),
        ),
        ListCondition: (
            _in("está en la lista {what}", "está na lista {what}", "is in the list {what}"),
            _in(
                "no está en la lista {what}",
                "não está na lista {what}",
                "is not in the list {what}",
            ),
        ),
        CampaignCondition: (
            _in(
                "recibió la campaña {what}",
                "recebeu a campanha {what}",
                "was reached by the campaign {what}",
            ),
            _in(
                "no recibió la campaña {what}",
                "não recebeu a campanha {what}",
                "was not reached by the campaign {what}",
            ),
        ),
        JourneyCondition: (
            _in("entró en la jornada {what}", "entrou na jornada {what}", "entered journey {what}"),
            _in(
                "no entró en la jornada {what}",
                "não entrou na jornada {what}",
                "did not enter journey {what}",
            ),
        ),
    }
)
_DIRECTIONS: Mapping[Direction, Texts] = MappingProxyType(
    {
        Direction.INBOUND: _in("del cliente", "do cliente", "by the customer"),
        Direction.OUTBOUND: _in("de la empresa", "da empresa", "by the company"),
    }
)
_NOUNS: Mapping[type[Condition], Texts] = MappingProxyType(
    {
        InteractionsCondition: _in("interacciones", "interações", "interactions"),
        SessionsCondition: _in("sesiones", "sessões", "sessions"),
        SpendCondition: _in("Interactionz", "Interactionz", "Interactionz"),
        TicketsCondition: _in("tickets abiertos", "tickets abertos", "open tickets"),
    }
)
_ON = _in("por {channel}", "por {channel}", "on {channel}")
_LAST = _in("en los últimos {n} días", "nos últimos {n} dias", "in the last {n} days")
_SINCE = _in("desde {at}", "desde {at}", "since {at}")
_UNTIL = _in("antes de {at}", "antes de {at}", "before {at}")


def explain_condition(condition: Condition, language: Language, name: str | None = None) -> str:
    """Say what a condition asks; `name` is that of the list, campaign or journey that it names.

    >>> from trenza.domain.segment import CountOperator
    >>> three = Count(CountOperator.GTE, 3)
    >>> explain_condition(InteractionsCondition(three, Period(last_days=7)), Language.EN)
    'at least 3 interactions in the last 7 days'
    """
    match condition:
        case FieldCondition():
            return _of_field(condition, language)
        case CustomFieldCondition(key=key, operator=operator):
            return _compared(key, operator, _values_of(condition), language)
        case TagCondition(tag=tag, has=has):
            return _having(condition, has, f"«{tag}»", language)
        case ChannelCondition(channel=channel, has=has):
            return _having(condition, has, CHANNELS[channel].names[language], language)
        case ConsentCondition(has=has):
            return _having(condition, has, _consented(condition, language), language)
        case ListCondition(list_id=id, has=has):
            return _having(condition, has, f"«{name or id}»", language)
        case CampaignCondition(campaign_id=id, has=has):
            return _having(condition, has, f"«{name or id}»", language)
        case JourneyCondition(journey_id=id, has=has):
            return _having(condition, has, f"«{name or id}»", language)
        case InteractionsCondition() | SessionsCondition() | SpendCondition() | TicketsCondition():
            return _of_count(condition, language)
    raise BrokenInvariant(f"a condition without a sentence: {condition}")


def _having(condition: Condition, has: bool, what: str, language: Language) -> str:
    positive, negative = HAS[type(condition)]
    return (positive if has else negative)[language].format(what=what)


def _consented(condition: ConsentCondition, language: Language) -> str:
    words = [PURPOSE_NAMES[condition.purpose][language]]
    if condition.channel is not None:
        words.append(_ON[language].format(channel=CHANNELS[condition.channel].names[language]))
    return " ".join(words)


def _of_field(condition: FieldCondition, language: Language) -> str:
    operator, name = condition.operator, FIELD_NAMES[condition.field][language]
    if operator is SegmentOperator.WITHIN_DAYS:
        frame = _BIRTHDAY if condition.field is SegmentField.BIRTHDAY else _WITHIN
        return frame[language].format(name=name, n=condition.days)
    if operator is SegmentOperator.BEFORE_DAYS:
        return _BEFORE[language].format(name=name, n=condition.days)
    return _compared(name, operator, [f"«{each}»" for each in condition.values], language)


def _compared(name: str, operator: SegmentOperator, values: list[str], language: Language) -> str:
    what = f" {', '.join(values)}" if values else ""
    return _FIELD[language].format(name=name, how=COMPARED[operator][language], what=what)


def _values_of(condition: CustomFieldCondition) -> list[str]:
    if condition.boolean is not None:
        return ["✓" if condition.boolean else "✗"]
    if condition.number is not None:
        return [f"{condition.number:g}"]
    if condition.day is not None:
        return [condition.day.isoformat()]
    return [f"«{each}»" for each in condition.texts]


def _of_count(
    condition: InteractionsCondition | SessionsCondition | SpendCondition | TicketsCondition,
    language: Language,
) -> str:
    count: Count = condition.count
    words = [COUNTED[count.operator][language].format(n=count.number)]
    words.append(_NOUNS[type(condition)][language])
    if isinstance(condition, InteractionsCondition):
        if condition.kinds:
            names = ", ".join(KIND_NAMES[kind][language] for kind in condition.kinds)
            words.append(f"({names})")
        if condition.direction is not None:
            words.append(_DIRECTIONS[condition.direction][language])
        if condition.channel is not None:
            channel = CHANNELS[condition.channel].names[language]
            words.append(_ON[language].format(channel=channel))
    if isinstance(condition, SessionsCondition) and condition.lane is not None:
        words.append(f"({LANE_NAMES[condition.lane][language]})")
    if not isinstance(condition, TicketsCondition):
        words += _period(condition.period, language)
    return " ".join(words)


def _period(period: Period, language: Language) -> list[str]:
    if period.last_days is not None:
        return [_LAST[language].format(n=period.last_days)]
    bounds = ((_SINCE, period.since), (_UNTIL, period.until))
    return [frame[language].format(at=_instant(at)) for frame, at in bounds if at is not None]


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
