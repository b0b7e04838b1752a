"""What else is known of a contact, and who changed what."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from trenza.storage.columns import DOCUMENT, ID

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "activity",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("verb", ID, nullable=False),
        sa.Column("subject_id", ID, nullable=False),
        sa.Column("key_id", ID, nullable=True),
        sa.Column("user_id", ID, nullable=True),
        sa.Column("before", DOCUMENT, nullable=True),
        sa.Column("after", DOCUMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_activity_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_activity")),
    )
    op.create_index("ix_activity_workspace_id_at_id", "activity", ["workspace_id", "at", "id"])
    op.create_index(
        "ix_activity_workspace_id_subject_id_at_id",
        "activity",
        ["workspace_id", "subject_id", "at", "id"],
    )
    for column in (
        sa.Column("department", sa.String(), nullable=True),
        sa.Column("tags", DOCUMENT, server_default="[]", nullable=False),
        sa.Column("custom", DOCUMENT, server_default="{}", nullable=False),
        sa.Column("assigned_user_id", ID, nullable=True),
        sa.Column("assigned_group_id", ID, nullable=True),
    ):
        op.add_column("contact", column)
