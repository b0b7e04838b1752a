"""Segments as data: their sentences, their bounds, and what is refused."""

from datetime import UTC, date, datetime, timedelta

import pytest

from trenza.domain.access import Privacy
from trenza.domain.channel import ChannelKind
from trenza.domain.consent import ConsentPurpose
from trenza.domain.errors import Forbidden, InvalidInput
from trenza.domain.instant import TICK
from trenza.domain.interaction import InteractionKind, Language, SessionLane
from trenza.domain.segment import (
    DIRECTION_KINDS,
    KINDS,
    CampaignCondition,
    ChannelCondition,
    Condition,
    ConsentCondition,
    Count,
    CountOperator,
    CustomFieldCondition,
    Definition,
    Direction,
    FieldCondition,
    Group,
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
    require_seen,
)
from trenza.domain.segment_check import checked
from trenza.domain.segment_sentences import COMPARED, COUNTED, FIELD_NAMES, explain_condition

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
THREE = Count(CountOperator.GTE, 3)
TOLD: dict[Condition, tuple[str, str, str]] = {
    FieldCondition(SegmentField.CITY, SegmentOperator.IN, ("Lima", "Quito")): (
        "ciudad: es una de «Lima», «Quito»",
        "cidade: é uma de «Lima», «Quito»",
        "city is one of «Lima», «Quito»",
    ),
    FieldCondition(SegmentField.BIRTHDAY, SegmentOperator.WITHIN_DAYS, days=7): (
        "cumpleaños hoy o en los próximos 7 días",
        "aniversário hoje ou nos próximos 7 dias",
        "birthday today or within the next 7 days",
    ),
    FieldCondition(SegmentField.CREATED_AT, SegmentOperator.BEFORE_DAYS, days=90): (
        "creación: hace más de 90 días",
        "criação: há mais de 90 dias",
        "creation more than 90 days ago",
    ),
    CustomFieldCondition("size", SegmentOperator.GT, number=4.0): (
        "size: es mayor que 4",
        "size: é maior que 4",
        "size is more than 4",
    ),
    TagCondition("vip", has=False): (
        "no tiene la etiqueta «vip»",
        "não tem a etiqueta «vip»",
        "has no tag «vip»",
    ),
    ChannelCondition(ChannelKind.EMAIL): (
        "se conoce por correo electrónico",
        "é conhecido por e-mail",
        "is known on email",
    ),
    ConsentCondition(ConsentPurpose.MARKETING, ChannelKind.SMS): (
        "autorizó promociones por SMS",
        "autorizou promoções por SMS",
        "consents to marketing on SMS",
    ),
    ConsentCondition(ConsentPurpose.UTILITY, has=False): (
        "no autorizó avisos de servicio",
        "não autorizou avisos de serviço",
        "does not consent to service notices",
    ),
    ListCondition("list_1"): (
        "está en la lista «Oro»",
        "está na lista «Oro»",
        "is in the list «Oro»",
    ),
    CampaignCondition("campaign_1", has=False): (
        "no recibió la campaña «Oro»",
        "não recebeu a campanha «Oro»",
        "was not reached by the campaign «Oro»",
    ),
    JourneyCondition("journey_1"): (
        "entró en la jornada «Oro»",
        "entrou na jornada «Oro»",
        "entered journey «Oro»",
    ),
    InteractionsCondition(
        THREE,
        Period(last_days=7),
        (InteractionKind.SURVEY,),
        ChannelKind.SMS,
        Direction.OUTBOUND,
    ): (
        "al menos 3 interacciones (encuesta) de la empresa por SMS en los últimos 7 días",
        "pelo menos 3 interações (pesquisa) da empresa por SMS nos últimos 7 dias",
        "at least 3 interactions (survey) by the company on SMS in the last 7 days",
    ),
    SessionsCondition(THREE, Period(since=NOON), SessionLane.BOT): (
        "al menos 3 sesiones (atención por bot) desde 2026-11-20 12:00:00 UTC",
        "pelo menos 3 sessões (atendimento por bot) desde 2026-11-20 12:00:00 UTC",
        "at least 3 sessions (attended by a bot) since 2026-11-20 12:00:00 UTC",
    ),
    SpendCondition(Count(CountOperator.LT, 2), Period(until=NOON)): (
        "menos de 2 Interactionz antes de 2026-11-20 12:00:00 UTC",
        "menos de 2 Interactionz antes de 2026-11-20 12:00:00 UTC",
        "fewer than 2 Interactionz before 2026-11-20 12:00:00 UTC",
    ),
    TicketsCondition(Count(CountOperator.EQ, 0)): (
        "exactamente 0 tickets abiertos",
        "exatamente 0 tickets abertos",
        "exactly 0 open tickets",
    ),
}


@pytest.mark.parametrize("condition", TOLD, ids=str)
def test_a_condition_is_told_in_three_languages(condition: Condition) -> None:
    told = tuple(explain_condition(condition, language, "Oro") for language in Language)

    assert told == TOLD[condition]


def test_every_kind_field_and_operator_has_its_words() -> None:
    assert {type(condition) for condition in TOLD} == set(KINDS.values())
    assert set(FIELD_NAMES) == set(SegmentField)
    assert set(COUNTED) == set(CountOperator)
    days = {SegmentOperator.WITHIN_DAYS, SegmentOperator.BEFORE_DAYS}
    assert set(COMPARED) == set(SegmentOperator) - days


def test_no_kind_of_interaction_goes_both_ways() -> None:
    inbound, outbound = (set(DIRECTION_KINDS[each]) for each in Direction)

    assert inbound & outbound == set()


def test_the_last_days_hold_the_instant_itself_and_the_first_of_them() -> None:
    assert Period(last_days=7).bounds(NOON) == (NOON - timedelta(days=7), NOON + TICK)
    assert Period(until=NOON).bounds(NOON) == (None, NOON)


def test_a_field_that_is_not_seen_is_refused_with_its_path() -> None:
    custom = CustomFieldCondition("income", SegmentOperator.EXISTS)
    definition = Definition((Group((TagCondition("vip"), custom)),))
    sees = frozenset({Privacy.NORMAL, Privacy.PERSONAL})

    require_seen(definition, sees, {"income": Privacy.PERSONAL})
    with pytest.raises(Forbidden) as refused:
        require_seen(definition, sees, {"income": Privacy.SENSITIVE}, ("definition",))

    assert refused.value.path == tuple("definition groups 0 conditions 1 customField".split())


WRONG: list[tuple[Condition, str]] = [
    (FieldCondition(SegmentField.NAME, SegmentOperator.EQ, ("Ana",)), "field operator"),
    (FieldCondition(SegmentField.CITY, SegmentOperator.LT, ("a",)), "field operator"),
    (FieldCondition(SegmentField.CITY, SegmentOperator.EQ), "field values"),
    (FieldCondition(SegmentField.CITY, SegmentOperator.EQ, ("a", "b")), "field values"),
    (FieldCondition(SegmentField.CITY, SegmentOperator.EXISTS, ("a",)), "field values"),
    (FieldCondition(SegmentField.CITY, SegmentOperator.IN, ("a",) * 101), "field values"),
    (FieldCondition(SegmentField.CITY, SegmentOperator.EQ, ("a",), 3), "field days"),
    (FieldCondition(SegmentField.CREATED_AT, SegmentOperator.WITHIN_DAYS), "field days"),
    (FieldCondition(SegmentField.BIRTHDAY, SegmentOperator.WITHIN_DAYS, days=366), "field days"),
    (TagCondition(" "), "tag tag"),
    (CustomFieldCondition("a", SegmentOperator.EQ), "customField"),
    (CustomFieldCondition("a", SegmentOperator.EQ, ("x",), 3.0), "customField"),
    (CustomFieldCondition("a", SegmentOperator.ABSENT, number=3.0), "customField number"),
    (CustomFieldCondition("a", SegmentOperator.LT, ("x",)), "customField operator"),
    (CustomFieldCondition("a", SegmentOperator.IN, number=3.0), "customField operator"),
    (CustomFieldCondition("a", SegmentOperator.GT, boolean=True), "customField operator"),
    (
        CustomFieldCondition("a", SegmentOperator.CONTAINS, day=date(2026, 1, 1)),
        "customField operator",
    ),
    (CustomFieldCondition("a", SegmentOperator.EQ, number=float("nan")), "customField number"),
    (SpendCondition(THREE, Period(since=NOON, until=NOON)), "spend period until"),
    (SpendCondition(THREE, Period(7, since=NOON)), "spend period lastDays"),
    (TicketsCondition(Count(CountOperator.EQ, 1_000_001)), "tickets count number"),
]


@pytest.mark.parametrize(("condition", "path"), WRONG, ids=str)
def test_a_condition_that_makes_no_sense_is_refused_with_its_path(
    condition: Condition, path: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked(Definition((Group((condition,)),)))

    assert " ".join(refused.value.path) == f"groups 0 conditions 0 {path}"
