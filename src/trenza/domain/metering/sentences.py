"""The sentences of `explain` as data, in Spanish, Portuguese and English.

`{kind}`, `{channel}`, `{lane}`, `{opened}` and `{counts}` are filled in by `explain`. Names of
kinds are of either gender, so nothing is said that would have to agree with them.
"""

from collections.abc import Mapping
from types import MappingProxyType

from trenza.domain.interaction import InteractionKind, Language, SessionLane
from trenza.domain.metering.fold import RuleCode
from trenza.domain.metering.ledger import DebitReason

Texts = Mapping[Language, str]


def _in(es: str, pt: str, en: str) -> Texts:
    return MappingProxyType({Language.ES: es, Language.PT: pt, Language.EN: en})


KIND_NAMES: Mapping[InteractionKind, Texts] = MappingProxyType(
    {
        InteractionKind.CUSTOMER_MESSAGE: _in(
            "mensaje del cliente", "mensagem do cliente", "customer message"
        ),
        InteractionKind.HANDOFF: _in(
            "traspaso de la conversación", "transferência da conversa", "handoff"
        ),
        InteractionKind.COMPANY_MESSAGE: _in(
            "mensaje de la empresa", "mensagem da empresa", "company message"
        ),
        InteractionKind.TICKET_PUBLIC_ACTION: _in(
            "movimiento público de ticket", "movimento público de ticket", "public ticket movement"
        ),
        InteractionKind.EXPERT_AGENT_ACTION: _in(
            "acción de agente experto", "ação de agente especialista", "expert agent action"
        ),
        InteractionKind.CAMPAIGN_SEND: _in(
            "envío de campaña", "envio de campanha", "campaign send"
        ),
        InteractionKind.JOURNEY_SEND: _in("envío de jornada", "envio de jornada", "journey send"),
        InteractionKind.AUTO_REPLY: _in(
            "respuesta automática", "resposta automática", "automatic reply"
        ),
        InteractionKind.SURVEY: _in("encuesta", "pesquisa", "survey"),
        InteractionKind.TICKET_INTERNAL_ACTION: _in(
            "movimiento interno de ticket", "movimento interno de ticket", "internal ticket action"
        ),
        InteractionKind.DELIVERY_STATUS: _in(
            "estado de entrega", "status de entrega", "delivery status"
        ),
        InteractionKind.CONSENT_CHANGE: _in(
            "cambio de consentimiento", "mudança de consentimento", "change of consent"
        ),
    }
)

LANE_NAMES: Mapping[SessionLane, Texts] = MappingProxyType(
    {
        SessionLane.UNBOUND: _in("sin atención aún", "ainda sem atendimento", "not attended yet"),
        SessionLane.BOT: _in("atención por bot", "atendimento por bot", "attended by a bot"),
        SessionLane.HUMAN: _in("atención humana", "atendimento humano", "attended by a person"),
    }
)

_CHARGED = _in(
    "1 Interactionz: {why}. Abrió una sesión de 24 horas el {opened}.",
    "1 Interactionz: {why}. Abriu uma sessão de 24 horas em {opened}.",
    "1 Interactionz: {why}. It opened a 24-hour session on {opened}.",
)
_COVERED = _in(
    "Sin cargo: {why} de la sesión de 24 horas abierta el {opened}.",
    "Sem cobrança: {why} da sessão de 24 horas aberta em {opened}.",
    "No charge: {why} the 24-hour session opened on {opened}.",
)
_FREE = _in("Sin cargo: {why}.", "Sem cobrança: {why}.", "No charge: {why}.")

_MASS_SEND = _in(
    "{kind} por {channel}; un envío masivo no consume Interactionz",
    "{kind} por {channel}; um envio em massa não consome Interactionz",
    "{kind} on {channel}; a mass send consumes no Interactionz",
)
_NOT_SERVICE = _in(
    "{kind} por {channel}; no es una interacción de atención",
    "{kind} por {channel}; não é uma interação de atendimento",
    "{kind} on {channel}; not an interaction of service",
)

RULES: Mapping[RuleCode, tuple[Texts, Texts]] = MappingProxyType(
    {
        RuleCode.OPENED_BY_CUSTOMER: (
            _CHARGED,
            _in(
                "el cliente contactó a la empresa por {channel} sin sesión abierta",
                "o cliente contatou a empresa por {channel} sem sessão aberta",
                "the customer contacted the company on {channel} with no session open",
            ),
        ),
        RuleCode.OPENED_BY_HANDOFF: (
            _CHARGED,
            _in(
                "la conversación por {channel} se traspasó ({lane}) sin sesión abierta",
                "a conversa por {channel} foi transferida ({lane}) sem sessão aberta",
                "the conversation on {channel} was handed off ({lane}) with no session open",
            ),
        ),
        RuleCode.OPENED_BY_COMPANY: (
            _CHARGED,
            _in(
                "la empresa contactó al cliente por {channel} ({lane}) sin sesión abierta",
                "a empresa contatou o cliente por {channel} ({lane}) sem sessão aberta",
                "the company contacted the customer on {channel} ({lane}) with no session open",
            ),
        ),
        RuleCode.OPENED_BY_TICKET_ACTION: (
            _CHARGED,
            _in(
                "movimiento público de ticket por {channel} ({lane}) sin sesión abierta",
                "movimento público de ticket por {channel} ({lane}) sem sessão aberta",
                "public ticket movement on {channel} ({lane}) with no session open",
            ),
        ),
        RuleCode.OPENED_BY_EXPERT_AGENT: (
            _CHARGED,
            _in(
                "un agente experto actuó por {channel} sin sesión abierta",
                "um agente especialista atuou por {channel} sem sessão aberta",
                "an expert agent acted on {channel} with no session open",
            ),
        ),
        RuleCode.OPENED_IN_SECOND_LANE: (
            _CHARGED,
            _in(
                "{kind} por {channel} ({lane}) mientras solo la otra atención tenía sesión",
                "{kind} por {channel} ({lane}) enquanto só o outro atendimento tinha sessão",
                "{kind} on {channel} ({lane}) while only the other lane had a session",
            ),
        ),
        RuleCode.COVERED_BY_OPEN_SESSION: (
            _COVERED,
            _in(
                "{kind} por {channel}, dentro",
                "{kind} por {channel}, dentro",
                "{kind} on {channel}, within",
            ),
        ),
        RuleCode.COVERED_IN_LANE: (
            _COVERED,
            _in(
                "{kind} por {channel} ({lane}), dentro",
                "{kind} por {channel} ({lane}), dentro",
                "{kind} on {channel} ({lane}), within",
            ),
        ),
        RuleCode.COVERED_BY_BINDING: (
            _COVERED,
            _in(
                "{kind} por {channel} ({lane}), primera atención",
                "{kind} por {channel} ({lane}), primeiro atendimento",
                "{kind} on {channel} ({lane}), the first to attend",
            ),
        ),
        RuleCode.FREE_CAMPAIGN_SEND: (_FREE, _MASS_SEND),
        RuleCode.FREE_JOURNEY_SEND: (_FREE, _MASS_SEND),
        RuleCode.FREE_AUTO_REPLY: (_FREE, _NOT_SERVICE),
        RuleCode.FREE_SURVEY: (_FREE, _NOT_SERVICE),
        RuleCode.FREE_TICKET_INTERNAL_ACTION: (_FREE, _NOT_SERVICE),
        RuleCode.FREE_DELIVERY_STATUS: (_FREE, _NOT_SERVICE),
        RuleCode.FREE_CONSENT_CHANGE: (_FREE, _NOT_SERVICE),
        RuleCode.RETRACTED: (
            _FREE,
            _in(
                "{kind} por {channel}; registro retirado por un administrador",
                "{kind} por {channel}; registro retirado por um administrador",
                "{kind} on {channel}; the record was retracted by an administrator",
            ),
        ),
    }
)

CAUSES: Mapping[DebitReason, Texts] = MappingProxyType(
    {
        DebitReason.OPENED: _in("al abrirse", "na abertura", "on opening"),
        DebitReason.LATE_INTERACTION: _in(
            "por una interacción que llegó tarde",
            "por uma interação que chegou atrasada",
            "because of an interaction that arrived late",
        ),
        DebitReason.RETRACTION: _in(
            "por una interacción retirada", "por uma interação retirada", "because of a retraction"
        ),
        DebitReason.MERGE: _in(
            "por la unión de contactos",
            "pela unificação de contatos",
            "because contacts were merged",
        ),
        DebitReason.UNMERGE: _in(
            "por la separación de contactos",
            "pela separação de contatos",
            "because contacts were separated",
        ),
    }
)

DEBIT = _in(
    "+1 Interactionz {cause}: sesión de 24 horas abierta el {opened} por {channel} ({lane}).",
    "+1 Interactionz {cause}: sessão de 24 horas aberta em {opened} por {channel} ({lane}).",
    "+1 Interactionz {cause}: 24-hour session opened on {opened} on {channel} ({lane}).",
)
REVERSAL = _in(
    "−1 Interactionz {cause}: se anula la sesión de 24 horas del {opened} por {channel} ({lane}).",
    "−1 Interactionz {cause}: anula-se a sessão de 24 horas de {opened} por {channel} ({lane}).",
    "−1 Interactionz {cause}: the 24-hour session of {opened} on {channel} ({lane}) is void.",
)
ADJUSTMENT = _in(
    " Ajuste: su ciclo ya estaba cerrado, cuenta el {counts}.",
    " Ajuste: o ciclo já estava fechado, conta em {counts}.",
    " Adjustment: its cycle was closed, it counts on {counts}.",
)
