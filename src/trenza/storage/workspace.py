"""Tables of the tenant: workspace, plan, contract; and its settings as the services read them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import JSON, Field

from trenza.domain.erasure import RETENTION_MONTHS
from trenza.domain.errors import NotFound
from trenza.domain.interaction import Language
from trenza.domain.metering.cycle import Cycle, cycle_of, cycles_between
from trenza.domain.metering.policy import POLICIES, RulePolicy
from trenza.domain.opt_out import DEFAULT_WORDS, OptOutWords, words_of
from trenza.storage.bulk import Query
from trenza.storage.columns import Table, belongs_to_workspace, key, references, symbol


class Workspace(Table, table=True):
    """One tenant. `zone` (IANA) decides where a billing day begins.

    `erasure_secret` is the key of the hashes in skeletons, made with the first of them. Without
    `retention_months` everything is kept for ever.
    """

    workspace_id: str = key()
    name: str
    zone: str = symbol()
    language: str = symbol()
    policy: str = symbol()
    acceptance_horizon_days: int
    closing_grace_hours: int
    alert_thresholds: list[int] = Field(sa_type=JSON)
    created_at: datetime
    opt_out_words: dict[str, list[str]] | None = Field(
        default=None, sa_type=JSON(none_as_null=True)
    )
    retention_months: int | None = Field(
        default=RETENTION_MONTHS, sa_column_kwargs={"default": RETENTION_MONTHS}
    )
    erasure_secret: str | None = symbol(default=None)


class Plan(Table, table=True):
    """A software plan: how many seats and how many Interactionz a cycle."""

    __table_args__ = (belongs_to_workspace(),)

    workspace_id: str = key()
    id: str = key()
    code: str = symbol()
    name: str
    seats: int
    interactionz: int
    sample: bool


class Contract(Table, table=True):
    """The workspace's contract: its plan and the day on which its cycles begin."""

    __table_args__ = (belongs_to_workspace(), references("plan_id", "plan"))

    workspace_id: str = key()
    id: str = key()
    plan_id: str = symbol()
    status: str = symbol()
    anchor_day: int
    starts_at: datetime
    ends_at: datetime | None = None


WORKSPACE = Workspace.__table__
PLAN = Plan.__table__
CONTRACT = Contract.__table__

SETTINGS = (
    select(
        WORKSPACE,
        *(column.label(f"contract_{column.name}") for column in CONTRACT.c),
        *(column.label(f"plan_{column.name}") for column in PLAN.c),
    )
    .join(CONTRACT, CONTRACT.c.workspace_id == WORKSPACE.c.workspace_id)
    .join(
        PLAN,
        and_(PLAN.c.workspace_id == CONTRACT.c.workspace_id, PLAN.c.id == CONTRACT.c.plan_id),
    )
    .where(WORKSPACE.c.workspace_id == bindparam("workspace_id"))
    .order_by(CONTRACT.c.starts_at.desc())
    .limit(1)
)

ASKED_SETTINGS = Query(lambda _: SETTINGS)


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """What the plan gives: seats, and Interactionz in each cycle."""

    id: str
    code: str
    name: str
    seats: int
    interactionz: int


@dataclass(frozen=True, slots=True)
class ContractTerms:
    """When the contract holds, `[starts_at, ends_at)`, and the day on which its cycles begin."""

    id: str
    status: str
    anchor_day: int
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """A workspace with its newest contract and that contract's plan."""

    id: str
    name: str
    zone: ZoneInfo
    language: Language
    policy: str
    acceptance_horizon: timedelta
    closing_grace: timedelta
    alert_thresholds: tuple[int, ...]
    opt_out_words: OptOutWords
    retention_months: int | None
    erasure_secret: str | None
    contract: ContractTerms
    plan: PlanTerms

    @property
    def rules(self) -> RulePolicy:
        """The rules by which the workspace's interactions are judged."""
        return POLICIES[self.policy]

    def cycle_at(self, at: datetime, kept: Iterable[Cycle]) -> Cycle:
        """The billing cycle that holds an instant; the kept cycles win over computed ones."""
        return cycle_of(self.contract.anchor_day, self.zone, at, tuple(kept))

    def cycles_between(
        self, from_: datetime, to: datetime, kept: Iterable[Cycle]
    ) -> tuple[Cycle, ...]:
        """The billing cycles that share an instant with `[from_, to)`, in order."""
        return cycles_between(self.contract.anchor_day, self.zone, from_, to, tuple(kept))

    def quota_of(self, cycle: Cycle) -> int:
        """The credits that the plan gives in a cycle: none where the contract has no part of it."""
        begun = self.contract.starts_at < cycle.ends_at
        ended = self.contract.ends_at is not None and self.contract.ends_at <= cycle.starts_at
        return self.plan.interactionz if begun and not ended else 0


async def find_workspace(connection: AsyncConnection, workspace_id: str) -> WorkspaceSettings:
    """A workspace's settings, in one statement; raises NotFound where it has no contract."""
    rows = await connection.execute(SETTINGS, {"workspace_id": workspace_id})
    return workspace_of(rows.all())


def words_kept(kept: Mapping[str, Sequence[str]] | None) -> OptOutWords:
    """The opt-out words that a workspace keeps; the default ones where it keeps none."""
    if kept is None:
        return DEFAULT_WORDS
    return words_of({Language(language): words for language, words in kept.items()})


async def change_opt_out_words(
    connection: AsyncConnection, workspace_id: str, words: Mapping[str, Sequence[str]] | None
) -> None:
    """Sets the opt-out words of a workspace; None goes back to the default ones."""
    await connection.execute(
        update(WORKSPACE)
        .where(WORKSPACE.c.workspace_id == workspace_id)
        .values(opt_out_words=words)
    )


ASKED_SECRET = Query(
    lambda _: select(WORKSPACE.c.erasure_secret).where(
        WORKSPACE.c.workspace_id == bindparam("workspace_id")
    )
)
"""The key of the hashes in a workspace's skeletons; empty while there are none."""


async def keep_secret(connection: AsyncConnection, workspace_id: str, secret: str) -> None:
    """Sets the key of the hashes in skeletons; one that is there stays."""
    await connection.execute(
        update(WORKSPACE)
        .where(WORKSPACE.c.workspace_id == workspace_id, WORKSPACE.c.erasure_secret.is_(None))
        .values(erasure_secret=secret)
    )


async def change_retention(
    connection: AsyncConnection, workspace_id: str, months: int | None
) -> None:
    """Sets for how many months a workspace keeps what happened; None is for ever."""
    await connection.execute(
        update(WORKSPACE)
        .where(WORKSPACE.c.workspace_id == workspace_id)
        .values(retention_months=months)
    )


_NAMES = [column.key for column in SETTINGS.selected_columns]


def workspace_of(rows: Sequence[Sequence[Any]]) -> WorkspaceSettings:
    """The settings from what `SETTINGS` found; raises NotFound where that is nothing."""
    if not rows:
        raise NotFound("there is no such workspace")
    row = dict(zip(_NAMES, rows[0], strict=True))
    return WorkspaceSettings(
        id=row["workspace_id"],
        name=row["name"],
        zone=ZoneInfo(row["zone"]),
        language=Language(row["language"]),
        policy=row["policy"],
        acceptance_horizon=timedelta(days=row["acceptance_horizon_days"]),
        closing_grace=timedelta(hours=row["closing_grace_hours"]),
        alert_thresholds=tuple(row["alert_thresholds"]),
        opt_out_words=words_kept(row["opt_out_words"]),
        retention_months=row["retention_months"],
        erasure_secret=row["erasure_secret"],
        contract=ContractTerms(
            id=row["contract_id"],
            status=row["contract_status"],
            anchor_day=row["contract_anchor_day"],
            starts_at=row["contract_starts_at"],
            ends_at=row["contract_ends_at"],
        ),
        plan=PlanTerms(
            id=row["plan_id"],
            code=row["plan_code"],
            name=row["plan_name"],
            seats=row["plan_seats"],
            interactionz=row["plan_interactionz"],
        ),
    )
