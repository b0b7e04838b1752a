"""What happens to one contact in the three months of the world: conversations and sends."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from trenza.domain.interaction import InteractionKind, Lane

DAYS = 90
BUSY = 0.05
"""How many of the contacts come again and again."""
SAID = (
    "Hola, quería saber cuándo llega mi pedido.",
    "Con mucho gusto, permítame un momento para revisarlo.",
    "Obrigado! Vou aguardar a confirmação por aqui.",
    "Su pedido salió hoy del almacén y llega mañana antes de las 14 h.",
)


@dataclass(frozen=True, slots=True)
class Touch:
    """One interaction to record; campaigns and journeys go by their number."""

    at: datetime
    kind: InteractionKind
    actor: Lane | None = None
    text: str | None = None
    campaign: int | None = None
    journey: int | None = None


def touches_of(random: Random, ends_at: datetime) -> list[Touch]:
    """What happened to a contact until `ends_at`: on average 1.5 sessions and 5 interactions."""
    busy = random.random() < BUSY
    count = random.randint(6, 12) if busy else random.choices((0, 1, 2, 3), (32, 50, 14, 4))[0]
    touches: list[Touch] = []
    for _ in range(count):
        touches += _conversation(random, ends_at - _up_to(random, DAYS))
    for _ in range(random.choices((0, 1, 2), (55, 30, 15))[0]):
        at, campaign = ends_at - _up_to(random, DAYS), random.randrange(1_000)
        touches.append(Touch(at, InteractionKind.CAMPAIGN_SEND, campaign=campaign))
    if random.random() < 0.2:
        at, journey = ends_at - _up_to(random, DAYS), random.randrange(1_000)
        touches.append(Touch(at, InteractionKind.JOURNEY_SEND, journey=journey))
    return [touch for touch in touches if touch.at < ends_at]


def _up_to(random: Random, days: int) -> timedelta:
    return timedelta(microseconds=random.randrange(days * 86_400_000_000))


def _conversation(random: Random, at: datetime) -> list[Touch]:
    """A customer writes, a bot answers, and one in seven is handed to people."""

    def later(seconds: int) -> datetime:
        return at + timedelta(seconds=seconds, microseconds=random.randrange(10**6))

    ask, answer, thanks, told = SAID
    said = [
        Touch(at, InteractionKind.CUSTOMER_MESSAGE, None, ask),
        Touch(later(5), InteractionKind.COMPANY_MESSAGE, Lane.BOT, answer),
        Touch(later(90), InteractionKind.CUSTOMER_MESSAGE, None, thanks),
    ]
    if random.random() < 0.15:
        said.append(Touch(later(120), InteractionKind.HANDOFF, Lane.HUMAN))
        said.append(Touch(later(400), InteractionKind.COMPANY_MESSAGE, Lane.HUMAN, told))
    return said
