"""The workspace: contract, plan, and everything worked out for it."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from trenza.domain.access import Scope
from trenza.graphql.balance import InteractionzBalance, Usage, balance_of, usage_of
from trenza.graphql.channel import Channel, list_channels
from trenza.graphql.context import Info
from trenza.graphql.node import Node
from trenza.graphql.seat import SeatUse, seat_use_of
from trenza.graphql.statement import Statement, statement_of
from trenza.readplan.fields import Argument, Order, column, connection, many, one
from trenza.readplan.schema import Record, record
from trenza.storage.interaction import INTERACTION, QUARANTINE, waiting
from trenza.storage.interactionz import InteractionzGrant, UsageAlert
from trenza.storage.ledger import LEDGER
from trenza.storage.seat import USER
from trenza.storage.session import SESSION, open_at
from trenza.storage.workspace import PLAN
from trenza.storage.workspace import Contract as ContractTable
from trenza.storage.workspace import Plan as PlanTable
from trenza.storage.workspace import Workspace as WorkspaceTable

if TYPE_CHECKING:
    from strawberry import ID

    from trenza.domain.interaction import Language
    from trenza.graphql.interaction import Interaction, QuarantinedInteraction
    from trenza.graphql.interactionz import InteractionzDebit, InteractionzSession
    from trenza.graphql.seat import User
    from trenza.readplan.connection import Connection

GRANT = InteractionzGrant.__table__
ALERT = UsageAlert.__table__

At = Annotated[
    datetime | None, strawberry.argument(description="When it counts; now when omitted.")
]
KnownAt = Annotated[
    datetime | None, strawberry.argument(description="What was known; now when omitted.")
]
CycleOf = Annotated[
    date | None, strawberry.argument(description="A date of the cycle, in the workspace's zone.")
]


@record(PlanTable)
class Plan(Record):
    """A software plan."""

    id: ID = column("The id of the plan.")
    code: str = column("The plan's code.")
    name: str = column("The plan's name.")
    seats: int = column("The seats it includes.")
    interactionz: int = column("The credits of a cycle; they do not roll over.")
    sample: bool = column("Whether it is a sample, not a published plan.")


@record(ContractTable)
class Contract(Record):
    """What the workspace has agreed to."""

    id: ID = column("The id of the contract.")
    status: str = column("ACTIVE, SUSPENDED or CANCELLED.")
    anchor_day: int = column("The day of the month on which cycles begin, clamped in short months.")
    starts_at: datetime = column("From when it holds.")
    ends_at: datetime | None = column("Until when; open when null.")
    plan: Plan = one("The software plan.", "plan_id")


@record(WorkspaceTable)
class Workspace(Node):
    """A tenant. Nothing of another one is ever visible."""

    id: ID = column("The global id, opaque and stable.", "workspace_id")
    name: str = column("The name.")
    time_zone: str = column("The IANA zone in which billing days begin.", "zone")
    language: Language = column("The language in which sentences are told unless asked otherwise.")
    rule_policy: str = column("The version of the metering rules.", "policy")
    acceptance_horizon_days: int = column("How old an interaction may be when it arrives, in days.")
    alert_thresholds: list[int] = column("At which percentages of the quota an alert is raised.")
    contract: Contract = one("The contract.", "workspace_id", to="workspace_id")
    plans: list[Plan] = many(
        "The plans on offer.", key="workspace_id", order=Order((PLAN.c.interactionz, PLAN.c.id))
    )
    interactions: Connection[Interaction] = connection(
        "Everything that happened, latest first.",
        key="workspace_id",
        order=Order((INTERACTION.c.position,), descending=True),
    )
    sessions: Connection[InteractionzSession] = connection(
        "The current sessions, latest first.",
        order=Order((SESSION.c.opened_position,), descending=True),
        where=SESSION.c.superseded_at.is_(None),
        arguments={
            "open_at": Argument(
                "datetime | None", "Only those open at this instant.", where=open_at
            )
        },
    )
    debits: Connection[InteractionzDebit] = connection(
        "Every debit and reversal, latest first.",
        order=Order((LEDGER.c.sequence,), descending=True),
        where=LEDGER.c.reason.is_not(None),
    )
    grants: Connection[InteractionzGrant] = connection(
        "Credits given beside the plan's quota, latest first.",
        order=Order((GRANT.c.sequence,), descending=True),
    )
    alerts: Connection[UsageAlert] = connection(
        "Thresholds of the quota that were reached, latest first.",
        order=Order((ALERT.c.sequence, ALERT.c.id), descending=True),
    )
    users: Connection[User] = connection(
        "The people invited, latest first.",
        order=Order((USER.c.created_at, USER.c.id), descending=True),
    )
    quarantine: Connection[QuarantinedInteraction] | None = connection(
        "Interactions that arrived too late to be taken by themselves, latest first; for admins.",
        order=Order((QUARANTINE.c.arrived_at, QUARANTINE.c.id), descending=True),
        scope=Scope.ADMIN,
        arguments={
            "waiting": Argument(
                "bool | None", "True: those not admitted yet; false: the admitted.", where=waiting
            )
        },
    )

    @strawberry.field(description="The eight channels and what each can do.")  # type: ignore[untyped-decorator]
    def channels(self) -> list[Channel]:
        """Data, the same for every workspace."""
        return list_channels()

    @strawberry.field(description="The credits of the cycle that holds the instant.")  # type: ignore[untyped-decorator]
    async def balance(
        self,
        info: Info,
        at: At = strawberry.UNSET,
        known_at: KnownAt = strawberry.UNSET,
    ) -> InteractionzBalance:
        """Worked out from grants and the ledger; nothing named remaining is stored."""
        return balance_of(*await info.context.figures.balance(at or None, known_at or None))

    @strawberry.field(
        description="The credits of a cycle by channel, lane and day; the running one by default."
    )  # type: ignore[untyped-decorator]
    async def usage(
        self,
        info: Info,
        cycle_of: CycleOf = strawberry.UNSET,
        known_at: KnownAt = strawberry.UNSET,
    ) -> Usage:
        """Each grouping sums to the total."""
        return usage_of(await info.context.figures.usage(cycle_of or None, known_at or None))

    @strawberry.field(description="The use of seats at an instant.")  # type: ignore[untyped-decorator]
    async def seats(self, info: Info, at: At = strawberry.UNSET) -> SeatUse:
        """Worked out from invitations, acceptances, deactivations and sign-ins."""
        return seat_use_of(await info.context.figures.seat_use(at or info.context.now))

    @strawberry.field(
        description="The statement of a closed cycle; the last closed one by default."
    )  # type: ignore[untyped-decorator]
    async def statement(self, info: Info, cycle_of: CycleOf = strawberry.UNSET) -> Statement | None:
        """Null where that cycle is not closed."""
        found = await info.context.figures.statement(cycle_of or None)
        return None if found is None else statement_of(found)
