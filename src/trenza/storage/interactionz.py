"""Tables of the credit: sessions, the ledger, grants, cycles, closings, alerts.

The ledger is append-only. Its sequence is gap-free for each workspace because it is taken from
`ledger_head` under that row's lock, which is the last lock that a writer takes.
"""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field

from trenza.storage.columns import Table, belongs_to_workspace, key, references, symbol


class InteractionzSession(Table, table=True):
    """A window of 24 hours. A superseded one is kept, for the debit that it explains."""

    __table_args__ = (
        belongs_to_workspace(),
        references("owner_id", "contact"),
        Index(None, "workspace_id", "owner_id", "opened_position"),
        Index(None, "workspace_id", "owner_id", "expires_at"),
        Index(None, "workspace_id", "opened_position"),
    )

    workspace_id: str = key()
    id: str = key()
    owner_id: str = symbol()
    channel: str = symbol()
    lane: str = symbol()
    opened_at: datetime
    expires_at: datetime
    opened_position: str = symbol()
    bound_position: str | None = symbol(default=None)
    superseded_at: datetime | None = None


class LedgerHead(Table, table=True):
    """The last sequence and instant of a workspace's ledger; its row is the workspace lock."""

    __table_args__ = (belongs_to_workspace(),)

    workspace_id: str = key()
    sequence: int
    recorded_at: datetime
    closed_until: datetime | None = None


class LedgerEntry(Table, table=True):
    """One row of the ledger: a debit, a reversal, a grant or a closing.

    `counts_at` decides the cycle. A reversal repeats its debit's `counts_at` in
    `debit_counts_at`, so that a sum needs no join.
    """

    __table_args__ = (
        belongs_to_workspace(),
        UniqueConstraint("workspace_id", "id"),
        UniqueConstraint("workspace_id", "supersedes"),
        ForeignKeyConstraint(
            ["workspace_id", "supersedes"],
            ["ledger_entry.workspace_id", "ledger_entry.sequence"],
        ),
        references("session_id", "interactionz_session"),
        references("cause_id", "interaction"),
        Index(None, "workspace_id", "session_id"),
        Index(None, "workspace_id", "cause_id"),
        Index(
            "ix_ledger_entry_counting",
            "workspace_id",
            "kind",
            "counts_at",
            "recorded_at",
            "debit_counts_at",
        ),
        Index(
            None,
            "workspace_id",
            "effective_at",
            sqlite_where=text("counts_at <> effective_at"),
            postgresql_where=text("counts_at <> effective_at"),
        ),
        Index(
            "ix_ledger_entry_adjustment",
            "workspace_id",
            "counts_at",
            sqlite_where=text("debit_counts_at < counts_at"),
            postgresql_where=text("debit_counts_at < counts_at"),
        ),
    )

    workspace_id: str = key()
    sequence: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str = symbol()
    kind: str = symbol()
    amount: int
    effective_at: datetime
    recorded_at: datetime
    counts_at: datetime
    debit_counts_at: datetime | None = None
    reason: str | None = symbol(default=None)
    session_id: str | None = symbol(default=None)
    cause_id: str | None = symbol(default=None)
    supersedes: int | None = None


class LedgerCheckpoint(Table, table=True):
    """How many debits count in a period by the rows up to a sequence, net of reversals in place.

    `period` is a year, month, day, hour, ten minutes or minute of UTC as the beginning of its text:
    `2026`, `2026-11`, ... `2026-11-22 21:0`, `2026-11-22 21:05`; the empty one is all of time. A
    period has a row for each checkpoint that brought it something, all of time has one for each.
    The table may be emptied: it changes what an answer costs, never the answer.
    """

    # A total is read by its whole key, a hundred of them for a balance.
    __table_args__ = (belongs_to_workspace(), {"sqlite_with_rowid": False})

    workspace_id: str = key()
    period: str = key()
    recorded_at: datetime = Field(primary_key=True)
    sequence: int
    net: int


class InteractionzGrant(Table, table=True):
    """Credits given beside the plan's quota, live from `effective_at` to `expires_at`."""

    __table_args__ = (
        belongs_to_workspace(),
        UniqueConstraint("workspace_id", "sequence"),
        Index(None, "workspace_id", "effective_at"),
    )

    workspace_id: str = key()
    id: str = key()
    kind: str = symbol()
    amount: int
    effective_at: datetime
    expires_at: datetime
    priority: int
    note: str | None = None
    recorded_at: datetime
    sequence: int


class BillingCycle(Table, table=True):
    """A cycle whose instants were computed once and are kept, whatever the zone's rules become."""

    __table_args__ = (belongs_to_workspace(),)

    workspace_id: str = key()
    starts_at: datetime = Field(primary_key=True)
    ends_at: datetime


class CycleClosing(Table, table=True):
    """The closing of a cycle, with the statement as it will stay."""

    __table_args__ = (
        belongs_to_workspace(),
        UniqueConstraint("workspace_id", "starts_at"),
        UniqueConstraint("workspace_id", "sequence"),
    )

    workspace_id: str = key()
    id: str = key()
    starts_at: datetime
    ends_at: datetime
    recorded_at: datetime
    sequence: int
    statement: str


class UsageAlert(Table, table=True):
    """A threshold of the quota reached in a cycle, once for each cycle and threshold."""

    __table_args__ = (
        belongs_to_workspace(),
        UniqueConstraint("workspace_id", "cycle_starts_at", "threshold_percent"),
        Index(None, "workspace_id", "sequence"),
    )

    workspace_id: str = key()
    id: str = key()
    cycle_starts_at: datetime
    threshold_percent: int
    quota: int
    consumed: int
    raised_at: datetime
    sequence: int
