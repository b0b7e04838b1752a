"""The credit: sessions, debits, grants, alerts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from trenza.domain.access import Scope
from trenza.domain.channel import ChannelKind
from trenza.domain.ids import Prefix, has_prefix
from trenza.domain.interaction import Language, SessionLane
from trenza.domain.metering.explain import explain_entry
from trenza.domain.metering.ledger import DebitReason
from trenza.graphql.context import Context
from trenza.graphql.enums import SessionState
from trenza.graphql.language import TOLD_IN
from trenza.graphql.node import Node
from trenza.readplan.fields import Argument, Order, column, computed, connection, figure, many, one
from trenza.readplan.reader import Row
from trenza.readplan.schema import Record, record
from trenza.storage.interaction import INTERACTION
from trenza.storage.interactionz import (
    InteractionzGrant as GrantTable,
)
from trenza.storage.interactionz import (
    InteractionzSession as SessionTable,
)
from trenza.storage.interactionz import (
    LedgerEntry,
)
from trenza.storage.interactionz import (
    UsageAlert as AlertTable,
)
from trenza.storage.ledger import LEDGER
from trenza.storage.session import SESSION

if TYPE_CHECKING:
    from strawberry import ID

    from trenza.domain.metering.balance import GrantKind
    from trenza.graphql.contact import Contact
    from trenza.graphql.interaction import Interaction
    from trenza.readplan.connection import Connection

LATEST_SESSIONS = Order((SESSION.c.opened_position,), descending=True, named_by=SESSION.c.id)
NOW = Argument(
    "datetime | None", "The instant; now when omitted.", default=lambda operation: operation.now
)


def session_state(
    opened_at: datetime, expires_at: datetime, superseded_at: datetime | None, at: datetime
) -> SessionState:
    """What the session is at an instant."""
    if superseded_at is not None and superseded_at <= at:
        return SessionState.SUPERSEDED
    return SessionState.OPEN if opened_at <= at < expires_at else SessionState.EXPIRED


def entry_sentence(
    reason: str,
    amount: int,
    effective_at: datetime,
    counts_at: datetime,
    channel: str,
    lane: str,
    language: Language,
) -> str:
    """Why the credit was spent or given back, in a sentence for people."""
    return explain_entry(
        reason=DebitReason(reason),
        amount=amount,
        channel=ChannelKind(channel),
        lane=SessionLane(lane),
        session_opened_at=effective_at,
        counts_at=counts_at,
        language=language,
    )


async def find_payer(
    operation: Context, sequence: int, counts_at: datetime, amount: int
) -> Row | None:
    """The grant that paid a debit, as a row."""
    paid = None if amount < 0 else await operation.figures.payer(sequence, counts_at)
    if paid is None:
        return None
    return {
        "kind": paid.kind,
        "effective_at": paid.effective_at,
        "expires_at": paid.expires_at,
        # The quota and credits that came back are no rows.
        "grant_id": paid.id if has_prefix(paid.id, Prefix.GRANT) else None,
    }


@record()
class PayingGrant(Record):
    """The credits that a debit took one of."""

    kind: GrantKind = column("Where the credits come from.")
    effective_at: datetime = column("From when they can be spent.")
    expires_at: datetime = column("When what is left of them lapses.")
    grant: InteractionzGrant | None = one(
        "What was bought or given; null for the plan's quota, and for a credit that came back.",
        "grant_id",
    )


@record(SessionTable)
class InteractionzSession(Node):
    """A window of exactly 24 hours that one credit pays, across all channels."""

    lane: SessionLane = column("Who attends inside it.")
    opened_at: datetime = column("When it was opened; the first instant it covers.")
    expires_at: datetime = column("24 hours later; the first instant it no longer covers.")
    channel: ChannelKind = column("The channel on which it was opened.")
    superseded_at: datetime | None = column("When later knowledge removed it.")
    state: SessionState = computed(
        session_state, "opened_at", "expires_at", "superseded_at", arguments={"at": NOW}
    )
    contact: Contact = one("The person.", "owner_id")
    interactions: Connection[Interaction] = connection(
        "What it covers, earliest first: the first one opened it.",
        by=INTERACTION.c.session_id,
        order=Order((INTERACTION.c.position,), named_by=INTERACTION.c.id),
    )
    entries: list[InteractionzDebit] = many(
        "What the ledger says of it: its debit, and reversals where it was cut anew.",
        by=LEDGER.c.session_id,
        order=Order((LEDGER.c.sequence,)),
    )


@record(LedgerEntry)
class InteractionzDebit(Node):
    """A debit of one credit, or its reversal. Never changed, never deleted."""

    amount: int = column("1, or -1 for a reversal.")
    effective_at: datetime = column("The opening of the session.")
    recorded_at: datetime = column("When we learned it.")
    counts_at: datetime = column(
        "When it counts: `effectiveAt`, or `recordedAt` where that cycle was closed by then."
    )
    sequence: int = column("Its number in the workspace's ledger, without gaps.")
    reason: DebitReason = column("Why it was written.")
    sentence: str = computed(
        entry_sentence,
        "reason",
        "amount",
        "effective_at",
        "counts_at",
        "session.channel",
        "session.lane",
        arguments={"language": TOLD_IN},
    )
    session: InteractionzSession | None = one("The session it pays for.", "session_id")
    grant: PayingGrant | None = figure(
        find_payer,
        "sequence",
        "counts_at",
        "amount",
        description=(
            "The grant that paid it. Null where none did: it is overage, or a reversal took it "
            "back within its cycle, or it is a reversal itself."
        ),
        scope=Scope.READ,
    )
    supersedes: InteractionzDebit | None = one(
        "The debit that a reversal takes back.", "supersedes", to="sequence"
    )
    cause: Interaction | None = one(
        "The interaction whose arrival or retraction caused it.", "cause_id"
    )


@record(GrantTable)
class InteractionzGrant(Node):
    """Credits given beside the plan's quota."""

    kind: GrantKind = column("Bought or given.")
    amount: int = column("How many credits.")
    effective_at: datetime = column("From when they can be spent.")
    expires_at: datetime = column("When what is left of them lapses.")
    priority: int = column("Which grant burns first: the lowest; then the earliest to expire.")
    note: str | None = column("What for.")
    recorded_at: datetime = column("When it was recorded.")
    sequence: int = column("Its number in the workspace's ledger.")


@record(AlertTable)
class UsageAlert(Record):
    """A threshold of the quota was reached; once for each cycle and threshold."""

    id: ID = column("The id of the alert.")
    cycle_starts_at: datetime = column("The cycle.")
    threshold_percent: int = column("The threshold, in percent of the quota.")
    quota: int = column("The plan's credits of the cycle.")
    consumed: int = column("The credits consumed when it was raised.")
    raised_at: datetime = column("When it was raised.")
    sequence: int = column("The row of the ledger that raised it.")
