"""Founding a workspace: its settings, the catalogue of plans, the contract and an empty ledger."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from trenza.domain.errors import InvalidInput
from trenza.domain.ids import Prefix
from trenza.domain.interaction import Language
from trenza.domain.metering.policy import DEFAULT_POLICY
from trenza.domain.text import clean
from trenza.services.dependencies import Dependencies
from trenza.storage.engine import AsyncConnection
from trenza.storage.founding import insert_workspace

NAME_LONGEST = 200


@dataclass(frozen=True)
class NewPlan:
    """A plan of the catalogue: seats, and Interactionz in each cycle. A sample is not for sale."""

    code: str
    name: str
    seats: int
    interactionz: int
    sample: bool = False


@dataclass(frozen=True)
class FoundWorkspace:
    """A workspace to found, on the plan of the code.

    The contract begins at `starts_at`, its cycles on the anchor day (1 to 31) in the zone.
    """

    name: str
    plans: Sequence[NewPlan]
    plan_code: str
    anchor_day: int
    starts_at: datetime
    zone: ZoneInfo
    language: Language
    policy: str = DEFAULT_POLICY.name
    acceptance_horizon_days: int = DEFAULT_POLICY.acceptance_horizon.days
    closing_grace_hours: int = 72
    alert_thresholds: Sequence[int] = (80, 100)


async def found_workspace(dependencies: Dependencies, request: FoundWorkspace) -> str:
    """Founds a workspace and returns its id; for the command line, which needs no key.

    Raises InvalidInput for a bad name and a code that no plan has.
    """
    name = clean(request.name, ("name",), NAME_LONGEST)
    workspace_id = dependencies.new_id(Prefix.WORKSPACE)
    plan_ids = {plan.code: dependencies.new_id(Prefix.PLAN) for plan in request.plans}
    if request.plan_code not in plan_ids:
        raise InvalidInput(f"there is no plan {request.plan_code}", path=("planCode",))
    workspace = {
        "workspace_id": workspace_id,
        "name": name,
        "zone": request.zone.key,
        "language": request.language,
        "policy": request.policy,
        "acceptance_horizon_days": request.acceptance_horizon_days,
        "closing_grace_hours": request.closing_grace_hours,
        "alert_thresholds": list(request.alert_thresholds),
        "created_at": request.starts_at,
    }
    plans = [
        {"workspace_id": workspace_id, "id": plan_ids[plan.code], **asdict(plan)}
        for plan in request.plans
    ]
    contract = {
        "workspace_id": workspace_id,
        "id": dependencies.new_id(Prefix.CONTRACT),
        "plan_id": plan_ids[request.plan_code],
        "status": "ACTIVE",
        "anchor_day": request.anchor_day,
        "starts_at": request.starts_at,
    }

    async def work(connection: AsyncConnection) -> str:
        await insert_workspace(connection, workspace, plans, contract)
        return workspace_id

    return await dependencies.database.write(work, workspace_id)
