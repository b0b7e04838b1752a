"""Custom fields, and what contacts were."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from trenza.storage.columns import DOCUMENT, ID

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "custom_field",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("key", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("type", ID, nullable=False),
        sa.Column("privacy", ID, nullable=False),
        sa.Column("options", DOCUMENT, nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("archived_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.workspace_id"],
            name=op.f("fk_custom_field_workspace_id"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_custom_field")),
        sa.UniqueConstraint("workspace_id", "key", name=op.f("uq_custom_field_workspace_id_key")),
    )
    op.create_table(
        "contact_version",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("until_at", UTCDateTime(), nullable=False),
        sa.Column("from_at", UTCDateTime(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=True),
        sa.Column("first_name", sa.String(), nullable=True),
        sa.Column("last_name", sa.String(), nullable=True),
        sa.Column("birth_on", sa.Date(), nullable=True),
        sa.Column("language", ID, nullable=True),
        sa.Column("zone", ID, nullable=True),
        sa.Column("company", sa.String(), nullable=True),
        sa.Column("department", sa.String(), nullable=True),
        sa.Column("city", sa.String(), nullable=True),
        sa.Column("country", ID, nullable=True),
        sa.Column("stage", ID, nullable=True),
        sa.Column("origin", sa.String(), nullable=True),
        sa.Column("tags", DOCUMENT, nullable=False),
        sa.Column("custom", DOCUMENT, nullable=False),
        sa.Column("assigned_user_id", ID, nullable=True),
        sa.Column("assigned_group_id", ID, nullable=True),
        *_belonging("contact_version"),
        sa.PrimaryKeyConstraint(
            "workspace_id", "contact_id", "until_at", name=op.f("pk_contact_version")
        ),
    )
    op.create_table(
        "contact_stage",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("from_at", UTCDateTime(), nullable=False),
        sa.Column("until_at", UTCDateTime(), nullable=True),
        sa.Column("stage", ID, nullable=True),
        sa.Column("key_id", ID, nullable=True),
        sa.Column("user_id", ID, nullable=True),
        *_belonging("contact_stage"),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_contact_stage")),
    )
    op.create_index(
        "ix_contact_stage_workspace_id_contact_id_from_at",
        "contact_stage",
        ["workspace_id", "contact_id", "from_at"],
    )
    op.add_column("contact", sa.Column("described_at", UTCDateTime(), nullable=True))
    for column in ("company", "assigned_user_id"):
        is_set = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_contact_workspace_id_{column}_created_at_id",
            "contact",
            ["workspace_id", column, "created_at", "id"],
            sqlite_where=is_set,
            postgresql_where=is_set,
        )
    # Since when they stand there was not kept: since they were made, as far as is known.
    op.execute(
        "INSERT INTO contact_stage (workspace_id, id, contact_id, from_at, stage) "
        "SELECT workspace_id, replace(id, 'contact_', 'stage_'), id, created_at, stage "
        "FROM contact WHERE stage IS NOT NULL"
    )


def _belonging(table: str) -> tuple[sa.ForeignKeyConstraint, ...]:
    return (
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f(f"fk_{table}_workspace_id")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f(f"fk_{table}_workspace_id_contact_id"),
        ),
    )
