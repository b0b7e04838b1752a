"""Merges are kept with what they filled; a workspace has rules for shared identities."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from trenza.storage.columns import DOCUMENT, ID

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STANDS = sa.text("unmerged_at IS NULL")


def upgrade() -> None:
    _create_merges()
    # The merges that were made before: what they filled is nothing, who made them is not known.
    op.execute(
        "INSERT INTO contact_merge"
        " (workspace_id, id, source_id, target_id, reason, filled, merged_at)"
        " SELECT workspace_id, 'merge_' || substr(id, 9), id, merged_into_id, 'MANUAL', '{}',"
        " merged_at FROM contact WHERE merged_into_id IS NOT NULL"
    )
    op.create_table(
        "workspace_identity_policy",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("merge_on_shared_identity", sa.Boolean(), nullable=False),
        sa.Column("direction", ID, nullable=False),
        sa.Column("priority", DOCUMENT, nullable=False),
        sa.Column("identities_max", sa.Integer(), nullable=False),
        sa.Column("space_limits", DOCUMENT, nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.workspace_id"],
            name=op.f("fk_workspace_identity_policy_workspace_id"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_workspace_identity_policy")),
    )
    op.create_table(
        "blocked_address",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("space", ID, nullable=False),
        sa.Column("address", ID, nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("blocked_at", UTCDateTime(), nullable=False),
        sa.Column("blocked_by_key_id", ID, nullable=True),
        sa.Column("blocked_by_user_id", ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.workspace_id"],
            name=op.f("fk_blocked_address_workspace_id"),
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "space", "address", name=op.f("pk_blocked_address")
        ),
    )


def _create_merges() -> None:
    op.create_table(
        "contact_merge",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("source_id", ID, nullable=False),
        sa.Column("target_id", ID, nullable=False),
        sa.Column("reason", ID, nullable=False),
        sa.Column("filled", DOCUMENT, nullable=False),
        sa.Column("merged_at", UTCDateTime(), nullable=False),
        sa.Column("merged_by_key_id", ID, nullable=True),
        sa.Column("merged_by_user_id", ID, nullable=True),
        sa.Column("unmerged_at", UTCDateTime(), nullable=True),
        sa.Column("unmerged_by_key_id", ID, nullable=True),
        sa.Column("unmerged_by_user_id", ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_contact_merge_workspace_id")
        ),
        *(
            sa.ForeignKeyConstraint(
                ["workspace_id", column],
                ["contact.workspace_id", "contact.id"],
                name=op.f(f"fk_contact_merge_workspace_id_{column}"),
            )
            for column in ("source_id", "target_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_contact_merge")),
    )
    op.create_index(
        "ix_contact_merge_workspace_id_source_id",
        "contact_merge",
        ["workspace_id", "source_id"],
        unique=True,
        sqlite_where=STANDS,
        postgresql_where=STANDS,
    )
    for column in ("source_id", "target_id"):
        op.create_index(
            f"ix_contact_merge_workspace_id_{column}_merged_at_id",
            "contact_merge",
            ["workspace_id", column, "merged_at", "id"],
        )
