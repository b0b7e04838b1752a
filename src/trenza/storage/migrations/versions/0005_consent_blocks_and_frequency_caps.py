"""Consent, blocks and frequency caps."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from trenza.storage.columns import ID

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "frequency_cap",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("scope", ID, nullable=False),
        sa.Column("channel", ID, nullable=True),
        sa.Column("purpose", ID, nullable=False),
        sa.Column("touches_max", sa.Integer(), nullable=False),
        sa.Column("period_hours", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_frequency_cap_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_frequency_cap")),
        sa.UniqueConstraint(
            "workspace_id",
            "scope",
            "purpose",
            "period_hours",
            name=op.f("uq_frequency_cap_workspace_id_scope_purpose_period_hours"),
        ),
    )
    op.create_table(
        "consent_event",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("channel", ID, nullable=False),
        sa.Column("address", ID, nullable=False),
        sa.Column("purpose", ID, nullable=False),
        sa.Column("status", ID, nullable=False),
        sa.Column("source", ID, nullable=False),
        sa.Column("external_id", ID, nullable=False),
        sa.Column("content_hash", ID, nullable=False),
        sa.Column("evidence", sa.String(), nullable=True),
        sa.Column("occurred_at", UTCDateTime(), nullable=False),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f("fk_consent_event_workspace_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "owner_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f("fk_consent_event_workspace_id_owner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_consent_event_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_consent_event")),
        sa.UniqueConstraint(
            "workspace_id",
            "source",
            "external_id",
            name=op.f("uq_consent_event_workspace_id_source_external_id"),
        ),
    )
    op.create_index(
        "ix_consent_event_workspace_id_contact_id", "consent_event", ["workspace_id", "contact_id"]
    )
    op.create_index(
        "ix_consent_event_workspace_id_owner_id_occurred_at_id",
        "consent_event",
        ["workspace_id", "owner_id", "occurred_at", "id"],
    )

    op.create_table(
        "do_not_contact",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("channel", ID, nullable=True),
        sa.Column("address", ID, nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=True),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.Column("lifted_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f("fk_do_not_contact_workspace_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "owner_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f("fk_do_not_contact_workspace_id_owner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.workspace_id"],
            name=op.f("fk_do_not_contact_workspace_id"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_do_not_contact")),
    )
    op.create_index(
        "ix_do_not_contact_workspace_id_contact_id",
        "do_not_contact",
        ["workspace_id", "contact_id"],
    )
    op.create_index(
        "ix_do_not_contact_workspace_id_owner_id_starts_at_id",
        "do_not_contact",
        ["workspace_id", "owner_id", "starts_at", "id"],
    )

    op.add_column(
        "workspace", sa.Column("opt_out_words", sa.JSON(none_as_null=True), nullable=True)
    )
