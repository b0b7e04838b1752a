"""Which user acted in an interaction, where it was told."""

import sqlalchemy as sa
from alembic import op

from trenza.storage.columns import ID

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("interaction") as table:
        table.add_column(sa.Column("agent_id", ID, nullable=True))
        table.create_foreign_key(
            op.f("fk_interaction_workspace_id_agent_id"),
            "workspace_user",
            ["workspace_id", "agent_id"],
            ["workspace_id", "id"],
        )
