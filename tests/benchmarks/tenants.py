"""The workspaces of the world beside their contacts: settings, users, keys, catalogue, ledger."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.benchmarks.person import uuid7
from tests.benchmarks.world import CAMPAIGNS, Row, Tenant, World
from trenza.domain.access import Scope
from trenza.domain.access_key import ALPHABET, SECRET_LENGTH, AccessKey, make_key
from trenza.domain.channel import ChannelKind
from trenza.domain.contact import LifecycleStage
from trenza.domain.ids import Prefix, format_id
from trenza.domain.metering.cycle import cycles_between
from trenza.domain.metering.ledger import DebitReason, EntryKind, next_recorded_at
from trenza.domain.metering.policy import DEFAULT_POLICY
from trenza.domain.metering.seat import SeatEventKind

FEW = 3_000
MANY = 3_000_000
DEBITS_WITHIN = timedelta(days=20)
"""The debits of the workspaces that hold nothing else lie in one cycle of that length at least."""
QUOTA = 100_000_000
"""So many credits that no alert is raised: each that opens a session has to find that out."""
SEATS = 20
BEFORE = timedelta(days=120)
"""How long before the end the contracts begin."""
UTC_ZONE = ZoneInfo("UTC")
TICK = timedelta(microseconds=1)


def key_of(world: World, tenant: Tenant) -> AccessKey:
    """The API key of a workspace, with every scope."""
    random = world.random(tenant, "key")
    key_id = format_id(Prefix.KEY, random.getrandbits(128))
    return make_key("live", key_id, "".join(random.choices(ALPHABET, k=SECRET_LENGTH)))


def many_debits_of(world: World) -> int:
    """How many debits the workspace of many has at the scale of the world."""
    return max(FEW, round(MANY * world.scale))


def settings_of(world: World, tenant: Tenant) -> Iterator[tuple[str, Row]]:
    """The rows of a workspace itself, by table, the ones referred to first."""
    workspace_id = world.workspace_ids[tenant]
    of_workspace = {"workspace_id": workspace_id}
    begins = world.ends_at - BEFORE
    plan_id, contract_id = (
        world.ids_in_order(tenant, prefix, 1)[0] for prefix in (Prefix.PLAN, Prefix.CONTRACT)
    )
    yield (
        "workspace",
        {
            **of_workspace,
            "name": f"Benchmark, {tenant}",
            "zone": UTC_ZONE.key,
            "language": "ES",
            "policy": DEFAULT_POLICY.name,
            "acceptance_horizon_days": DEFAULT_POLICY.acceptance_horizon.days,
            "closing_grace_hours": 72,
            "alert_thresholds": [80, 100],
            "created_at": begins,
        },
    )
    yield (
        "plan",
        {
            **of_workspace,
            "id": plan_id,
            "code": "benchmark",
            "name": "Benchmark",
            "seats": SEATS // 2,
            "interactionz": QUOTA,
            "sample": True,
        },
    )
    yield (
        "contract",
        {
            **of_workspace,
            "id": contract_id,
            "plan_id": plan_id,
            "status": "ACTIVE",
            "anchor_day": anchor_day_of(world),
            "starts_at": begins,
        },
    )
    for cycle in cycles_between(anchor_day_of(world), UTC_ZONE, begins, world.ends_at + TICK):
        kept = {"starts_at": cycle.starts_at, "ends_at": cycle.ends_at}
        yield "billing_cycle", {**of_workspace, **kept}
    key = key_of(world, tenant)
    yield (
        "api_key",
        {
            **of_workspace,
            "id": key.key_id,
            "name": "benchmark",
            "secret_hash": key.secret_hash,
            "scopes": [scope.value for scope in Scope],
            "created_at": begins,
        },
    )
    yield from _seats_of(world, tenant, begins)
    yield from _catalogue_of(world, tenant, begins)


def anchor_day_of(world: World) -> int:
    """The day on which cycles begin: the running one began `DEBITS_WITHIN` ago or a little more."""
    return (world.ends_at - DEBITS_WITHIN).day


def _seats_of(world: World, tenant: Tenant, begins: datetime) -> Iterator[tuple[str, Row]]:
    """Users who accepted at once and signed in on each of the last thirty days."""
    random = world.random(tenant, "seats")
    workspace_id = world.workspace_ids[tenant]

    def new_id(prefix: Prefix, at: datetime) -> str:
        return format_id(prefix, uuid7(random, at))

    for number in range(SEATS):
        user_id = new_id(Prefix.USER, begins)
        yield (
            "workspace_user",
            {
                "workspace_id": workspace_id,
                "id": user_id,
                "name": f"User {number}",
                "email": f"user{number}@example.com",
                "role": "AGENT",
                "created_at": begins,
                "name_searchable": f"user {number}\nuser{number}@example.com",
                "standing": "ACTIVE",
                "invited_at": begins,
                "accepted_at": begins + TICK,
            },
        )
        of_user = {"workspace_id": workspace_id, "user_id": user_id}
        for nth, kind in enumerate((SeatEventKind.INVITED, SeatEventKind.ACCEPTED)):
            at = begins + nth * TICK
            event = {"id": new_id(Prefix.SEAT_EVENT, at), "kind": kind, "at": at}
            yield "seat_event", {**of_user, **event}
        for day in range(1, 31):
            at = world.ends_at - timedelta(days=day, minutes=random.randrange(300))
            until = at + timedelta(hours=8)
            sign_in = {"started_at": at, "last_activity_at": until, "ended_at": until}
            yield "sign_in", {**of_user, "id": new_id(Prefix.SIGN_IN, at), **sign_in}


def _catalogue_of(world: World, tenant: Tenant, at: datetime) -> Iterator[tuple[str, Row]]:
    stages, channels = list(LifecycleStage), [ChannelKind.WHATSAPP, ChannelKind.EMAIL]
    of_workspace = {"workspace_id": world.workspace_ids[tenant]}
    for number, id_ in enumerate(world.campaigns.get(tenant, ())):
        row = {"id": id_, "name": f"Campaign {number} of {CAMPAIGNS}", "created_at": at}
        yield "campaign", {**of_workspace, **row, "channel": channels[number % 2]}
    for number, id_ in enumerate(world.journeys.get(tenant, ())):
        row = {"id": id_, "name": f"Journey {number}", "stage": stages[number % len(stages)]}
        yield "journey", {**of_workspace, **row, "created_at": at}


def debits_of(world: World, tenant: Tenant, openings: Iterable[Row]) -> Iterator[Row]:
    """The ledger of sessions, from what it is to say of them in the order of recording."""
    recorded_at: datetime | None = None
    for sequence, opening in enumerate(openings, start=1):
        recorded_at = next_recorded_at(opening["recorded_at"], recorded_at)
        yield {
            "workspace_id": world.workspace_ids[tenant],
            "sequence": sequence,
            "id": opening["id"],
            "kind": EntryKind.DEBIT,
            "amount": 1,
            "effective_at": opening["effective_at"],
            "recorded_at": recorded_at,
            "counts_at": opening["effective_at"],
            "reason": DebitReason.OPENED,
            "session_id": opening["session_id"],
            "cause_id": opening["cause_id"],
        }


def bare_openings(world: World, tenant: Tenant, count: int) -> Iterator[Row]:
    """Debits, evenly spread over the running cycle, whose sessions are left out."""
    random = world.random(tenant, "debits")
    begins = world.ends_at - DEBITS_WITHIN
    for number in range(count):
        at = begins + number * DEBITS_WITHIN / count
        yield {
            "recorded_at": at + TICK,
            "effective_at": at,
            "session_id": None,
            "cause_id": None,
            "id": format_id(Prefix.DEBIT, uuid7(random, at)),
        }


def head_of(world: World, tenant: Tenant, last: Row | None) -> Row:
    """Where the ledger of a workspace stands after its last row."""
    return {
        "workspace_id": world.workspace_ids[tenant],
        "sequence": 0 if last is None else last["sequence"],
        "recorded_at": world.ends_at - BEFORE if last is None else last["recorded_at"],
    }
