"""Persons are erased and what is old is kept as a skeleton; each erasure has a certificate."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from trenza.storage.columns import DOCUMENT, ID

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workspace", sa.Column("retention_months", sa.Integer(), nullable=True))
    op.add_column("workspace", sa.Column("erasure_secret", ID, nullable=True))
    op.execute("UPDATE workspace SET retention_months = 24")
    op.add_column("interaction", sa.Column("erased_at", UTCDateTime(), nullable=True))
    op.add_column("quarantined_interaction", sa.Column("erased_at", UTCDateTime(), nullable=True))
    op.create_table(
        "erasure_certificate",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("erased_at", UTCDateTime(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("key_id", ID, nullable=True),
        sa.Column("user_id", ID, nullable=True),
        sa.Column("counts", DOCUMENT, nullable=False),
        sa.Column("digest", ID, nullable=False),
        sa.Column("scrubbed_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.workspace_id"],
            name=op.f("fk_erasure_certificate_workspace_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f("fk_erasure_certificate_workspace_id_contact_id"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_erasure_certificate")),
    )
    op.create_index(
        "ix_erasure_certificate_workspace_id_erased_at_id",
        "erasure_certificate",
        ["workspace_id", "erased_at", "id"],
    )
