"""The workspace: contract, plan, and everything worked out for it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from trenza.graphql.activity import ACTIVITY_FILTERS
from trenza.graphql.balance import find_balance
from trenza.graphql.channel import list_channels
from trenza.graphql.consent import OPT_OUT_WORDS
from trenza.graphql.custom_field import list_custom_fields
from trenza.graphql.interaction import LATEST_INTERACTIONS
from trenza.graphql.interactionz import LATEST_SESSIONS
from trenza.graphql.merge import find_policy
from trenza.graphql.node import Node
from trenza.graphql.seat import USER_FILTERS, USER_ORDERS, find_seat_use
from trenza.graphql.statement import find_statement
from trenza.graphql.usage import find_usage
from trenza.readplan.fields import Argument, Condition, Order, column, connection, figure, many, one
from trenza.readplan.schema import Record, record
from trenza.storage.access import API_KEY
from trenza.storage.activity import ACTIVITY
from trenza.storage.consent import CAP
from trenza.storage.erasure import CERTIFICATE
from trenza.storage.group import GROUP
from trenza.storage.identity_policy import BLOCKED
from trenza.storage.interaction import QUARANTINE, is_waiting
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
    from trenza.graphql.access import ApiKey
    from trenza.graphql.activity import Activity
    from trenza.graphql.balance import InteractionzBalance
    from trenza.graphql.channel import Channel
    from trenza.graphql.consent import FrequencyCap, OptOutWords
    from trenza.graphql.custom_field import CustomField
    from trenza.graphql.erasure import ErasureCertificate
    from trenza.graphql.group import AgentGroup
    from trenza.graphql.interaction import Interaction, QuarantinedInteraction
    from trenza.graphql.interactionz import InteractionzDebit, InteractionzSession
    from trenza.graphql.merge import BlockedAddress, WorkspaceIdentityPolicy
    from trenza.graphql.seat import SeatUse, User
    from trenza.graphql.statement import Statement
    from trenza.graphql.usage import Usage
    from trenza.readplan.connection import Connection

GRANT = InteractionzGrant.__table__
ALERT = UsageAlert.__table__

AT = Argument("datetime | None", "When it counts; now when omitted.")
KNOWN_AT = Argument("datetime | None", "What was known; now when omitted.")
CYCLE_OF = Argument("date | None", "A date of the cycle, in the workspace's zone.")


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
    retention_months: int | None = column(
        "For how many months what happened is kept in full; null for ever."
    )
    alert_thresholds: list[int] = column("At which percentages of the quota an alert is raised.")
    contract: Contract = one("The contract.", "workspace_id", to="workspace_id")
    plans: list[Plan] = many(
        "The plans on offer.", key="workspace_id", order=Order((PLAN.c.interactionz, PLAN.c.id))
    )
    interactions: Connection[Interaction] = connection(
        "Everything that happened, latest first.",
        key="workspace_id",
        order=LATEST_INTERACTIONS,
    )
    sessions: Connection[InteractionzSession] = connection(
        "The current sessions, latest first.",
        order=LATEST_SESSIONS,
        where=SESSION.c.superseded_at.is_(None),
        arguments={
            "open_at": Argument(
                "datetime | None", "Only those open at this instant.", Condition(open_at)
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
        filters=USER_FILTERS,
        orders=USER_ORDERS,
    )
    groups: Connection[AgentGroup] = connection(
        "The groups of agents, newest first.",
        order=Order((GROUP.c.created_at, GROUP.c.id), descending=True),
    )
    api_keys: Connection[ApiKey] | None = connection(
        "The keys of the API, newest first, the revoked among them.",
        order=Order((API_KEY.c.created_at, API_KEY.c.id), descending=True),
    )
    activity: Connection[Activity] | None = connection(
        "Who changed what, latest first.",
        order=Order((ACTIVITY.c.at, ACTIVITY.c.id), descending=True),
        filters=ACTIVITY_FILTERS,
    )
    erasures: Connection[ErasureCertificate] | None = connection(
        "The certificates of persons who were erased, latest first.",
        order=Order((CERTIFICATE.c.erased_at, CERTIFICATE.c.id), descending=True),
    )
    quarantine: Connection[QuarantinedInteraction] | None = connection(
        "Interactions that arrived too late to be taken by themselves, latest first.",
        order=Order((QUARANTINE.c.arrived_at, QUARANTINE.c.id), descending=True),
        arguments={
            "waiting": Argument(
                "bool | None",
                "True: those not admitted yet; false: the admitted.",
                Condition(is_waiting),
            )
        },
    )
    frequency_caps: list[FrequencyCap] = many(
        "How many mass sends a contact may get; none by default.",
        key="workspace_id",
        order=Order((CAP.c.purpose, CAP.c.scope, CAP.c.period_hours, CAP.c.id)),
    )

    opt_out_words: list[OptOutWords] = OPT_OUT_WORDS
    blocked_addresses: Connection[BlockedAddress] = connection(
        "Addresses that identify nobody, latest first.",
        order=Order((BLOCKED.c.blocked_at, BLOCKED.c.space, BLOCKED.c.address), descending=True),
    )

    identity_policy: WorkspaceIdentityPolicy = figure(
        find_policy, description="What happens where identities lead to several contacts."
    )
    channels: list[Channel] = figure(
        list_channels, description="The eight channels and what each can do."
    )
    custom_fields: list[CustomField] = figure(
        list_custom_fields,
        description="The custom fields that the key sees, by key; archived ones among them.",
    )
    balance: InteractionzBalance = figure(
        find_balance,
        description="The credits of the cycle that holds the instant.",
        arguments={"at": AT, "known_at": KNOWN_AT},
    )
    usage: Usage = figure(
        find_usage,
        description=(
            "The credits of a cycle by channel, lane, day, campaign, journey, agent and contact, "
            "the running one by default; or of any period of at most 400 days."
        ),
        arguments={
            "cycle_of": CYCLE_OF,
            "known_at": KNOWN_AT,
            "from_": Argument(
                "datetime | None", "From when; with `to`, in place of the date of a cycle."
            ),
            "to": Argument("datetime | None", "Until when, itself not included."),
        },
    )
    seats: SeatUse = figure(
        find_seat_use, description="The use of seats at an instant.", arguments={"at": AT}
    )
    statement: Statement | None = figure(
        find_statement,
        description="The statement of a closed cycle; the last closed one by default.",
        arguments={"cycle_of": CYCLE_OF},
    )
