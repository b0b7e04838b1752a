"""Every rule code and every reason has a sentence in every language."""

from datetime import timedelta

import pytest

from tests.domain.books import START, TICK
from trenza.domain.channel import ChannelKind
from trenza.domain.errors import BrokenInvariant
from trenza.domain.interaction import InteractionKind, Lane, Language, SessionLane
from trenza.domain.metering import sentences
from trenza.domain.metering.explain import explain_entry, explain_verdict
from trenza.domain.metering.fold import RuleCode
from trenza.domain.metering.ledger import DebitReason


def verdict_sentence(rule: RuleCode, language: Language, lane: Lane | None = Lane.BOT) -> str:
    return explain_verdict(
        rule=rule,
        kind=InteractionKind.COMPANY_MESSAGE,
        channel=ChannelKind.EMAIL,
        lane=lane,
        session_opened_at=START,
        language=language,
    )


def entry_sentence(
    reason: DebitReason, language: Language, amount: int = 1, late: timedelta = timedelta(0)
) -> str:
    return explain_entry(
        reason=reason,
        amount=amount,
        channel=ChannelKind.WEBCHAT,
        lane=SessionLane.HUMAN,
        session_opened_at=START,
        counts_at=START + late,
        language=language,
    )


@pytest.mark.parametrize("language", Language)
def test_every_rule_has_its_own_sentence_that_says_what_it_cost(language: Language) -> None:
    told = {rule: verdict_sentence(rule, language) for rule in RuleCode}

    free = {"ES": "Sin cargo: ", "PT": "Sem cobrança: ", "EN": "No charge: "}[language]
    where = {"ES": "correo electrónico", "PT": "e-mail", "EN": "email"}[language]
    for rule, sentence in told.items():
        charged = rule.startswith("OPENED")
        assert sentence.startswith("1 Interactionz: " if charged else free)
        assert ("2026-11-02 00:00:00 UTC" in sentence) is rule.startswith(("OPENED", "COVERED"))
        assert where in sentence
        assert "{" not in sentence
    with_session = [s for rule, s in told.items() if rule.startswith(("OPENED", "COVERED"))]
    assert len(set(with_session)) == len(with_session)


@pytest.mark.parametrize("language", Language)
def test_every_reason_has_its_own_sentence_both_ways(language: Language) -> None:
    told = [entry_sentence(reason, language, n) for reason in DebitReason for n in (1, -1)]

    assert len(set(told)) == 2 * len(DebitReason)
    assert all("2026-11-02 00:00:00 UTC" in sentence for sentence in told)
    assert [sentence[0] for sentence in told] == ["+", "−"] * len(DebitReason)


@pytest.mark.parametrize("names", [sentences.KIND_NAMES, sentences.LANE_NAMES])
def test_names_are_complete(names: dict[str, dict[Language, str]]) -> None:
    assert set(names) in ({*InteractionKind}, {*SessionLane})
    assert all(set(texts) == {*Language} and all(texts.values()) for texts in names.values())


def test_a_rule_is_told_in_words_for_people() -> None:
    assert verdict_sentence(RuleCode.COVERED_BY_BINDING, Language.ES) == (
        "Sin cargo: mensaje de la empresa por correo electrónico (atención por bot), primera"
        " atención de la sesión de 24 horas abierta el 2026-11-02 00:00:00 UTC."
    )
    assert verdict_sentence(RuleCode.OPENED_BY_CUSTOMER, Language.PT, None) == (
        "1 Interactionz: o cliente contatou a empresa por e-mail sem sessão aberta. Abriu uma"
        " sessão de 24 horas em 2026-11-02 00:00:00 UTC."
    )


def test_a_row_is_told_in_words_for_people() -> None:
    assert entry_sentence(DebitReason.MERGE, Language.EN, -1) == (
        "−1 Interactionz because contacts were merged: the 24-hour session of"
        " 2026-11-02 00:00:00 UTC on web chat (attended by a person) is void."
    )


def test_an_adjustment_says_so_and_an_ordinary_row_does_not() -> None:
    late = entry_sentence(DebitReason.LATE_INTERACTION, Language.ES, late=timedelta(days=40))

    assert late.endswith("Ajuste: su ciclo ya estaba cerrado, cuenta el 2026-12-12 00:00:00 UTC.")
    assert "Ajuste" not in entry_sentence(DebitReason.LATE_INTERACTION, Language.ES)
    assert "Ajuste" in entry_sentence(DebitReason.MERGE, Language.ES, late=TICK)


def test_a_verdict_without_the_session_it_names_breaks_the_books() -> None:
    with pytest.raises(BrokenInvariant, match="opened"):
        explain_verdict(
            rule=RuleCode.OPENED_BY_CUSTOMER,
            kind=InteractionKind.CUSTOMER_MESSAGE,
            channel=ChannelKind.SMS,
            lane=None,
            session_opened_at=None,
            language=Language.ES,
        )
    with pytest.raises(BrokenInvariant, match="lane"):
        verdict_sentence(RuleCode.COVERED_IN_LANE, Language.EN, None)


@pytest.mark.parametrize("amount", [0, 2, -2])
def test_a_row_is_one_credit_either_way(amount: int) -> None:
    with pytest.raises(BrokenInvariant):
        entry_sentence(DebitReason.OPENED, Language.ES, amount)
