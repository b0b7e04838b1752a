"""The rules of metering as data, with a name, so that another version can replay a history."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from trenza.domain.errors import InvalidInput, OccurredInFuture, TooLate
from trenza.domain.instant import instant_text
from trenza.domain.interaction import InteractionKind, Lane


class ActorRule(StrEnum):
    """What a kind of interaction expects as its actor."""

    REQUIRED = "REQUIRED"
    DEFAULT_HUMAN = "DEFAULT_HUMAN"
    ALWAYS_BOT = "ALWAYS_BOT"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class KindRule:
    """How one kind of interaction is metered.

    `rank` is its place in the fold order among interactions of the same instant (1 to 99);
    `clause` is the sentence of the source that the rule follows.
    """

    kind: InteractionKind
    charges: bool
    actor: ActorRule
    rank: int
    clause: str


@dataclass(frozen=True, slots=True)
class RulePolicy:
    """One version of the rules: the window, the two limits of arrival, and a rule per kind."""

    name: str
    window: timedelta
    future_tolerance: timedelta
    acceptance_horizon: timedelta
    rules: Mapping[InteractionKind, KindRule]

    def lane_of(self, kind: InteractionKind, actor: Lane | None) -> Lane | None:
        """The lane in which an interaction acts, from its kind and the actor that was stated.

        Raises InvalidInput with path ("actor",) where the actor is missing or misplaced.

        >>> POLICIES["2026-11"].lane_of(InteractionKind.TICKET_PUBLIC_ACTION, None)
        <Lane.HUMAN: 'HUMAN'>
        """
        match self.rules[kind].actor:
            case ActorRule.REQUIRED:
                if actor is None:
                    raise InvalidInput(f"{kind} needs an actor: BOT or HUMAN", path=("actor",))
                return actor
            case ActorRule.DEFAULT_HUMAN:
                return actor or Lane.HUMAN
            case ActorRule.ALWAYS_BOT:
                if actor is Lane.HUMAN:
                    raise InvalidInput(f"the actor of {kind} is always BOT", path=("actor",))
                return Lane.BOT
            case ActorRule.REFUSED:
                if actor is not None:
                    raise InvalidInput(f"{kind} takes no actor", path=("actor",))
                return None

    def require_timely(
        self, occurred_at: datetime, arrived_at: datetime, horizon: timedelta | None = None
    ) -> None:
        """Refuse an interaction from the future, or from before the acceptance horizon.

        Raises OccurredInFuture or TooLate with path ("occurredAt",). Both limits themselves are
        still accepted. `horizon` is the workspace's own, where it has one.
        """
        if occurred_at > arrived_at + self.future_tolerance:
            raise OccurredInFuture(
                f"occurredAt {instant_text(occurred_at)} is more than"
                f" {_minutes(self.future_tolerance)} min ahead of {instant_text(arrived_at)}",
                path=("occurredAt",),
            )
        kept_for = self.acceptance_horizon if horizon is None else horizon
        if occurred_at < arrived_at - kept_for:
            raise TooLate(
                f"occurredAt {instant_text(occurred_at)} is older than the acceptance horizon of"
                f" {_days(kept_for)} days before {instant_text(arrived_at)}",
                path=("occurredAt",),
            )


def _minutes(span: timedelta) -> str:
    return f"{span / timedelta(minutes=1):g}"


def _days(span: timedelta) -> str:
    return f"{span / timedelta(days=1):g}"


def _rules(
    *rules: tuple[InteractionKind, bool, ActorRule, str],
) -> Mapping[InteractionKind, KindRule]:
    return MappingProxyType(
        {
            kind: KindRule(kind, charges, actor, rank, clause)
            for rank, (kind, charges, actor, clause) in enumerate(rules, start=1)
        }
    )


_NOVEMBER_2026 = RulePolicy(
    name="2026-11",
    window=timedelta(hours=24),
    future_tolerance=timedelta(minutes=5),
    acceptance_horizon=timedelta(days=35),
    rules=_rules(
        (
            InteractionKind.CUSTOMER_MESSAGE,
            True,
            ActorRule.REFUSED,
            "the customer contacts the company",
        ),
        (InteractionKind.HANDOFF, True, ActorRule.REQUIRED, "asks to be escalated"),
        (
            InteractionKind.COMPANY_MESSAGE,
            True,
            ActorRule.REQUIRED,
            "the company contacts a customer of its list",
        ),
        (
            InteractionKind.TICKET_PUBLIC_ACTION,
            True,
            ActorRule.DEFAULT_HUMAN,
            "public ticket movement",
        ),
        (
            InteractionKind.EXPERT_AGENT_ACTION,
            True,
            ActorRule.ALWAYS_BOT,
            "expert agent action",
        ),
        (
            InteractionKind.CAMPAIGN_SEND,
            False,
            ActorRule.REFUSED,
            "mass send without interaction: no charge",
        ),
        (
            InteractionKind.JOURNEY_SEND,
            False,
            ActorRule.REFUSED,
            "mass send without interaction: no charge",
        ),
        *(
            (kind, False, ActorRule.REFUSED, "not an interaction of service")
            for kind in (
                InteractionKind.AUTO_REPLY,
                InteractionKind.SURVEY,
                InteractionKind.TICKET_INTERNAL_ACTION,
                InteractionKind.DELIVERY_STATUS,
                InteractionKind.CONSENT_CHANGE,
            )
        ),
    ),
)

POLICIES: Mapping[str, RulePolicy] = MappingProxyType({_NOVEMBER_2026.name: _NOVEMBER_2026})
DEFAULT_POLICY = _NOVEMBER_2026
