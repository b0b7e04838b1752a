"""The first schema."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from trenza.storage.columns import ID

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "workspace",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("zone", ID, nullable=False),
        sa.Column("language", ID, nullable=False),
        sa.Column("policy", ID, nullable=False),
        sa.Column("acceptance_horizon_days", sa.Integer(), nullable=False),
        sa.Column("closing_grace_hours", sa.Integer(), nullable=False),
        sa.Column("alert_thresholds", sa.JSON(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_workspace")),
    )
    op.create_table(
        "api_key",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret_hash", ID, nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=True),
        sa.Column("revoked_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_api_key_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_api_key")),
    )
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_key_id"), ["id"], unique=False)

    op.create_table(
        "billing_cycle",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_billing_cycle_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "starts_at", name=op.f("pk_billing_cycle")),
    )
    op.create_table(
        "campaign",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("objective", sa.String(), nullable=True),
        sa.Column("channel", ID, nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_campaign_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_campaign")),
    )
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_campaign_workspace_id_created_at_id"),
            ["workspace_id", "created_at", "id"],
            unique=False,
        )

    op.create_table(
        "contact",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("root_id", ID, nullable=False),
        sa.Column("merged_into_id", ID, nullable=True),
        sa.Column("merged_at", UTCDateTime(), nullable=True),
        sa.Column("display_name", sa.String(), nullable=True),
        sa.Column("name_searchable", sa.String(), nullable=False),
        sa.Column("first_name", sa.String(), nullable=True),
        sa.Column("last_name", sa.String(), nullable=True),
        sa.Column("birth_on", sa.Date(), nullable=True),
        sa.Column("language", ID, nullable=True),
        sa.Column("zone", ID, nullable=True),
        sa.Column("company", sa.String(), nullable=True),
        sa.Column("city", sa.String(), nullable=True),
        sa.Column("country", ID, nullable=True),
        sa.Column("stage", ID, nullable=True),
        sa.Column("origin", sa.String(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.Column("erased_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "merged_into_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f("fk_contact_workspace_id_merged_into_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "root_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f("fk_contact_workspace_id_root_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_contact_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_contact")),
    )
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_contact_workspace_id_created_at_id"),
            ["workspace_id", "created_at", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_contact_workspace_id_merged_into_id_merged_at"),
            ["workspace_id", "merged_into_id", "merged_at"],
            unique=False,
            sqlite_where=sa.text("merged_into_id IS NOT NULL"),
            postgresql_where=sa.text("merged_into_id IS NOT NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_contact_workspace_id_root_id"), ["workspace_id", "root_id"], unique=False
        )

    op.create_table(
        "cycle_closing",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=False),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("statement", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_cycle_closing_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_cycle_closing")),
        sa.UniqueConstraint(
            "workspace_id", "sequence", name=op.f("uq_cycle_closing_workspace_id_sequence")
        ),
        sa.UniqueConstraint(
            "workspace_id", "starts_at", name=op.f("uq_cycle_closing_workspace_id_starts_at")
        ),
    )
    op.create_table(
        "interactionz_grant",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", ID, nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("effective_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.workspace_id"],
            name=op.f("fk_interactionz_grant_workspace_id"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_interactionz_grant")),
        sa.UniqueConstraint(
            "workspace_id", "sequence", name=op.f("uq_interactionz_grant_workspace_id_sequence")
        ),
    )
    with op.batch_alter_table("interactionz_grant", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_interactionz_grant_workspace_id_effective_at"),
            ["workspace_id", "effective_at"],
            unique=False,
        )

    op.create_table(
        "journey",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("stage", ID, nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_journey_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_journey")),
    )
    with op.batch_alter_table("journey", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_journey_workspace_id_created_at_id"),
            ["workspace_id", "created_at", "id"],
            unique=False,
        )

    op.create_table(
        "ledger_checkpoint",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("period", ID, nullable=False),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("net", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.workspace_id"],
            name=op.f("fk_ledger_checkpoint_workspace_id"),
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "period", "recorded_at", name=op.f("pk_ledger_checkpoint")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_head",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.Column("closed_until", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_ledger_head_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_ledger_head")),
    )
    op.create_table(
        "plan",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("code", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("interactionz", sa.Integer(), nullable=False),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_plan_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_plan")),
    )
    op.create_table(
        "usage_alert",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("cycle_starts_at", UTCDateTime(), nullable=False),
        sa.Column("threshold_percent", sa.Integer(), nullable=False),
        sa.Column("quota", sa.Integer(), nullable=False),
        sa.Column("consumed", sa.Integer(), nullable=False),
        sa.Column("raised_at", UTCDateTime(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_usage_alert_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_usage_alert")),
        sa.UniqueConstraint(
            "workspace_id",
            "cycle_starts_at",
            "threshold_percent",
            name=op.f("uq_usage_alert_workspace_id_cycle_starts_at_threshold_percent"),
        ),
    )
    with op.batch_alter_table("usage_alert", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_usage_alert_workspace_id_sequence"),
            ["workspace_id", "sequence"],
            unique=False,
        )

    op.create_table(
        "workspace_user",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", ID, nullable=False),
        sa.Column("role", ID, nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.workspace_id"],
            name=op.f("fk_workspace_user_workspace_id"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_workspace_user")),
        sa.UniqueConstraint(
            "workspace_id", "email", name=op.f("uq_workspace_user_workspace_id_email")
        ),
    )
    op.create_table(
        "campaign_touch",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("campaign_id", ID, nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("channel", ID, nullable=False),
        sa.Column("touched_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "campaign_id"],
            ["campaign.workspace_id", "campaign.id"],
            name=op.f("fk_campaign_touch_workspace_id_campaign_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f("fk_campaign_touch_workspace_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "owner_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f("fk_campaign_touch_workspace_id_owner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.workspace_id"],
            name=op.f("fk_campaign_touch_workspace_id"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_campaign_touch")),
        sa.UniqueConstraint(
            "workspace_id",
            "campaign_id",
            "contact_id",
            name=op.f("uq_campaign_touch_workspace_id_campaign_id_contact_id"),
        ),
    )
    with op.batch_alter_table("campaign_touch", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_campaign_touch_workspace_id_campaign_id_touched_at_id"),
            ["workspace_id", "campaign_id", "touched_at", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_campaign_touch_workspace_id_owner_id_touched_at_id"),
            ["workspace_id", "owner_id", "touched_at", "id"],
            unique=False,
        )

    op.create_table(
        "contact_address",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("space", ID, nullable=False),
        sa.Column("address", ID, nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f("fk_contact_address_workspace_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.workspace_id"],
            name=op.f("fk_contact_address_workspace_id"),
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "space", "address", name=op.f("pk_contact_address")
        ),
        sa.UniqueConstraint(
            "workspace_id",
            "space",
            "address",
            "contact_id",
            name=op.f("uq_contact_address_workspace_id_space_address_contact_id"),
        ),
    )
    op.create_table(
        "contract",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("plan_id", ID, nullable=False),
        sa.Column("status", ID, nullable=False),
        sa.Column("anchor_day", sa.Integer(), nullable=False),
        sa.Column("starts_at", UTCDateTime(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "plan_id"],
            ["plan.workspace_id", "plan.id"],
            name=op.f("fk_contract_workspace_id_plan_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_contract_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_contract")),
    )
    op.create_table(
        "interactionz_session",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("channel", ID, nullable=False),
        sa.Column("lane", ID, nullable=False),
        sa.Column("opened_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.Column("opened_position", ID, nullable=False),
        sa.Column("bound_position", ID, nullable=True),
        sa.Column("superseded_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "owner_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f("fk_interactionz_session_workspace_id_owner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.workspace_id"],
            name=op.f("fk_interactionz_session_workspace_id"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_interactionz_session")),
    )
    with op.batch_alter_table("interactionz_session", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_interactionz_session_workspace_id_opened_position"),
            ["workspace_id", "opened_position"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_interactionz_session_workspace_id_owner_id_expires_at"),
            ["workspace_id", "owner_id", "expires_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_interactionz_session_workspace_id_owner_id_opened_position"),
            ["workspace_id", "owner_id", "opened_position"],
            unique=False,
        )

    op.create_table(
        "journey_enrollment",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("journey_id", ID, nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("enrolled_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f("fk_journey_enrollment_workspace_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "journey_id"],
            ["journey.workspace_id", "journey.id"],
            name=op.f("fk_journey_enrollment_workspace_id_journey_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "owner_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f("fk_journey_enrollment_workspace_id_owner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.workspace_id"],
            name=op.f("fk_journey_enrollment_workspace_id"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_journey_enrollment")),
        sa.UniqueConstraint(
            "workspace_id",
            "journey_id",
            "contact_id",
            name=op.f("uq_journey_enrollment_workspace_id_journey_id_contact_id"),
        ),
    )
    with op.batch_alter_table("journey_enrollment", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_journey_enrollment_workspace_id_journey_id_enrolled_at_id"),
            ["workspace_id", "journey_id", "enrolled_at", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_journey_enrollment_workspace_id_owner_id_enrolled_at_id"),
            ["workspace_id", "owner_id", "enrolled_at", "id"],
            unique=False,
        )

    op.create_table(
        "seat_event",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("kind", ID, nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["workspace_user.workspace_id", "workspace_user.id"],
            name=op.f("fk_seat_event_workspace_id_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_seat_event_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_seat_event")),
    )
    with op.batch_alter_table("seat_event", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_seat_event_workspace_id_user_id_at"),
            ["workspace_id", "user_id", "at"],
            unique=False,
        )

    op.create_table(
        "sign_in",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("last_activity_at", UTCDateTime(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["workspace_user.workspace_id", "workspace_user.id"],
            name=op.f("fk_sign_in_workspace_id_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_sign_in_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_sign_in")),
    )
    with op.batch_alter_table("sign_in", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_sign_in_workspace_id_last_activity_at"),
            ["workspace_id", "last_activity_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_sign_in_workspace_id_user_id_started_at"),
            ["workspace_id", "user_id", "started_at"],
            unique=False,
        )

    op.create_table(
        "ticket",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("visibility", ID, nullable=False),
        sa.Column("status", ID, nullable=False),
        sa.Column("channel", ID, nullable=True),
        sa.Column("opened_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f("fk_ticket_workspace_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "owner_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f("fk_ticket_workspace_id_owner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_ticket_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_ticket")),
        sa.UniqueConstraint("workspace_id", "number", name=op.f("uq_ticket_workspace_id_number")),
    )
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_ticket_workspace_id_owner_id_number"),
            ["workspace_id", "owner_id", "number"],
            unique=False,
        )

    op.create_table(
        "contact_identity",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("channel", ID, nullable=False),
        sa.Column("address", ID, nullable=False),
        sa.Column("space", ID, nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "space", "address", "contact_id"],
            [
                "contact_address.workspace_id",
                "contact_address.space",
                "contact_address.address",
                "contact_address.contact_id",
            ],
            name=op.f("fk_contact_identity_workspace_id_space_address_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.workspace_id"],
            name=op.f("fk_contact_identity_workspace_id"),
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "channel", "address", name=op.f("pk_contact_identity")
        ),
    )
    with op.batch_alter_table("contact_identity", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_contact_identity_workspace_id_owner_id_channel_address"),
            ["workspace_id", "owner_id", "channel", "address"],
            unique=False,
        )

    op.create_table(
        "interaction",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("identity_channel", ID, nullable=True),
        sa.Column("identity_address", ID, nullable=True),
        sa.Column("kind", ID, nullable=False),
        sa.Column("channel", ID, nullable=False),
        sa.Column("actor", ID, nullable=True),
        sa.Column("occurred_at", UTCDateTime(), nullable=False),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.Column("position", ID, nullable=False),
        sa.Column("source", ID, nullable=False),
        sa.Column("external_id", ID, nullable=True),
        sa.Column("content_hash", ID, nullable=False),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("campaign_id", ID, nullable=True),
        sa.Column("journey_id", ID, nullable=True),
        sa.Column("ticket_id", ID, nullable=True),
        sa.Column("outcome", ID, nullable=False),
        sa.Column("rule_code", ID, nullable=False),
        sa.Column("session_id", ID, nullable=True),
        sa.Column("session_opened_at", UTCDateTime(), nullable=True),
        sa.Column("retracted_at", UTCDateTime(), nullable=True),
        sa.Column("retraction_reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "campaign_id"],
            ["campaign.workspace_id", "campaign.id"],
            name=op.f("fk_interaction_workspace_id_campaign_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "contact_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f("fk_interaction_workspace_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "journey_id"],
            ["journey.workspace_id", "journey.id"],
            name=op.f("fk_interaction_workspace_id_journey_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "owner_id"],
            ["contact.workspace_id", "contact.id"],
            name=op.f("fk_interaction_workspace_id_owner_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "ticket_id"],
            ["ticket.workspace_id", "ticket.id"],
            name=op.f("fk_interaction_workspace_id_ticket_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_interaction_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_interaction")),
        sa.UniqueConstraint(
            "workspace_id",
            "source",
            "external_id",
            name=op.f("uq_interaction_workspace_id_source_external_id"),
        ),
    )
    with op.batch_alter_table("interaction", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_interaction_workspace_id_campaign_id_position"),
            ["workspace_id", "campaign_id", "position"],
            unique=False,
            sqlite_where=sa.text("campaign_id IS NOT NULL"),
            postgresql_where=sa.text("campaign_id IS NOT NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_interaction_workspace_id_contact_id"),
            ["workspace_id", "contact_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_interaction_workspace_id_journey_id_position"),
            ["workspace_id", "journey_id", "position"],
            unique=False,
            sqlite_where=sa.text("journey_id IS NOT NULL"),
            postgresql_where=sa.text("journey_id IS NOT NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_interaction_workspace_id_owner_id_position"),
            ["workspace_id", "owner_id", "position"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_interaction_workspace_id_position"),
            ["workspace_id", "position"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_interaction_workspace_id_session_id_position"),
            ["workspace_id", "session_id", "position"],
            unique=False,
            sqlite_where=sa.text("session_id IS NOT NULL"),
            postgresql_where=sa.text("session_id IS NOT NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_interaction_workspace_id_ticket_id_position"),
            ["workspace_id", "ticket_id", "position"],
            unique=False,
            sqlite_where=sa.text("ticket_id IS NOT NULL"),
            postgresql_where=sa.text("ticket_id IS NOT NULL"),
        )

    op.create_table(
        "ledger_entry",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", ID, nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("effective_at", UTCDateTime(), nullable=False),
        sa.Column("recorded_at", UTCDateTime(), nullable=False),
        sa.Column("counts_at", UTCDateTime(), nullable=False),
        sa.Column("debit_counts_at", UTCDateTime(), nullable=True),
        sa.Column("reason", ID, nullable=True),
        sa.Column("session_id", ID, nullable=True),
        sa.Column("cause_id", ID, nullable=True),
        sa.Column("supersedes", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "cause_id"],
            ["interaction.workspace_id", "interaction.id"],
            name=op.f("fk_ledger_entry_workspace_id_cause_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "session_id"],
            ["interactionz_session.workspace_id", "interactionz_session.id"],
            name=op.f("fk_ledger_entry_workspace_id_session_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "supersedes"],
            ["ledger_entry.workspace_id", "ledger_entry.sequence"],
            name=op.f("fk_ledger_entry_workspace_id_supersedes"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_ledger_entry_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "sequence", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_ledger_entry_workspace_id_id")),
        sa.UniqueConstraint(
            "workspace_id", "supersedes", name=op.f("uq_ledger_entry_workspace_id_supersedes")
        ),
    )
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.create_index(
            "ix_ledger_entry_adjustment",
            ["workspace_id", "counts_at"],
            unique=False,
            sqlite_where=sa.text("debit_counts_at < counts_at"),
            postgresql_where=sa.text("debit_counts_at < counts_at"),
        )
        batch_op.create_index(
            "ix_ledger_entry_counting",
            ["workspace_id", "kind", "counts_at", "recorded_at", "debit_counts_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_ledger_entry_workspace_id_cause_id"),
            ["workspace_id", "cause_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_ledger_entry_workspace_id_effective_at"),
            ["workspace_id", "effective_at"],
            unique=False,
            sqlite_where=sa.text("counts_at <> effective_at"),
            postgresql_where=sa.text("counts_at <> effective_at"),
        )
        batch_op.create_index(
            batch_op.f("ix_ledger_entry_workspace_id_session_id"),
            ["workspace_id", "session_id"],
            unique=False,
        )

    op.create_table(
        "quarantined_interaction",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("source", ID, nullable=False),
        sa.Column("external_id", ID, nullable=True),
        sa.Column("content_hash", ID, nullable=False),
        sa.Column("occurred_at", UTCDateTime(), nullable=False),
        sa.Column("arrived_at", UTCDateTime(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("admitted_at", UTCDateTime(), nullable=True),
        sa.Column("interaction_id", ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id", "interaction_id"],
            ["interaction.workspace_id", "interaction.id"],
            name=op.f("fk_quarantined_interaction_workspace_id_interaction_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.workspace_id"],
            name=op.f("fk_quarantined_interaction_workspace_id"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_quarantined_interaction")),
        sa.UniqueConstraint(
            "workspace_id",
            "source",
            "external_id",
            name=op.f("uq_quarantined_interaction_workspace_id_source_external_id"),
        ),
    )
    with op.batch_alter_table("quarantined_interaction", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_quarantined_interaction_workspace_id_arrived_at_id"),
            ["workspace_id", "arrived_at", "id"],
            unique=False,
        )


def downgrade() -> None:
    with op.batch_alter_table("quarantined_interaction", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_quarantined_interaction_workspace_id_arrived_at_id"))

    op.drop_table("quarantined_interaction")
    with op.batch_alter_table("ledger_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_entry_workspace_id_session_id"))
        batch_op.drop_index(
            batch_op.f("ix_ledger_entry_workspace_id_effective_at"),
            sqlite_where=sa.text("counts_at <> effective_at"),
            postgresql_where=sa.text("counts_at <> effective_at"),
        )
        batch_op.drop_index(batch_op.f("ix_ledger_entry_workspace_id_cause_id"))
        batch_op.drop_index("ix_ledger_entry_counting")
        batch_op.drop_index(
            "ix_ledger_entry_adjustment",
            sqlite_where=sa.text("debit_counts_at < counts_at"),
            postgresql_where=sa.text("debit_counts_at < counts_at"),
        )

    op.drop_table("ledger_entry")
    with op.batch_alter_table("interaction", schema=None) as batch_op:
        batch_op.drop_index(
            batch_op.f("ix_interaction_workspace_id_ticket_id_position"),
            sqlite_where=sa.text("ticket_id IS NOT NULL"),
            postgresql_where=sa.text("ticket_id IS NOT NULL"),
        )
        batch_op.drop_index(
            batch_op.f("ix_interaction_workspace_id_session_id_position"),
            sqlite_where=sa.text("session_id IS NOT NULL"),
            postgresql_where=sa.text("session_id IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_interaction_workspace_id_position"))
        batch_op.drop_index(batch_op.f("ix_interaction_workspace_id_owner_id_position"))
        batch_op.drop_index(
            batch_op.f("ix_interaction_workspace_id_journey_id_position"),
            sqlite_where=sa.text("journey_id IS NOT NULL"),
            postgresql_where=sa.text("journey_id IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_interaction_workspace_id_contact_id"))
        batch_op.drop_index(
            batch_op.f("ix_interaction_workspace_id_campaign_id_position"),
            sqlite_where=sa.text("campaign_id IS NOT NULL"),
            postgresql_where=sa.text("campaign_id IS NOT NULL"),
        )

    op.drop_table("interaction")
    with op.batch_alter_table("contact_identity", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_identity_workspace_id_owner_id_channel_address"))

    op.drop_table("contact_identity")
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_workspace_id_owner_id_number"))

    op.drop_table("ticket")
    with op.batch_alter_table("sign_in", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_workspace_id_user_id_started_at"))
        batch_op.drop_index(batch_op.f("ix_sign_in_workspace_id_last_activity_at"))

    op.drop_table("sign_in")
    with op.batch_alter_table("seat_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_seat_event_workspace_id_user_id_at"))

    op.drop_table("seat_event")
    with op.batch_alter_table("journey_enrollment", schema=None) as batch_op:
        batch_op.drop_index(
            batch_op.f("ix_journey_enrollment_workspace_id_owner_id_enrolled_at_id")
        )
        batch_op.drop_index(
            batch_op.f("ix_journey_enrollment_workspace_id_journey_id_enrolled_at_id")
        )

    op.drop_table("journey_enrollment")
    with op.batch_alter_table("interactionz_session", schema=None) as batch_op:
        batch_op.drop_index(
            batch_op.f("ix_interactionz_session_workspace_id_owner_id_opened_position")
        )
        batch_op.drop_index(batch_op.f("ix_interactionz_session_workspace_id_owner_id_expires_at"))
        batch_op.drop_index(batch_op.f("ix_interactionz_session_workspace_id_opened_position"))

    op.drop_table("interactionz_session")
    op.drop_table("contract")
    op.drop_table("contact_address")
    with op.batch_alter_table("campaign_touch", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_campaign_touch_workspace_id_owner_id_touched_at_id"))
        batch_op.drop_index(batch_op.f("ix_campaign_touch_workspace_id_campaign_id_touched_at_id"))

    op.drop_table("campaign_touch")
    op.drop_table("workspace_user")
    with op.batch_alter_table("usage_alert", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_usage_alert_workspace_id_sequence"))

    op.drop_table("usage_alert")
    op.drop_table("plan")
    op.drop_table("ledger_head")
    op.drop_table("ledger_checkpoint")
    with op.batch_alter_table("journey", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_journey_workspace_id_created_at_id"))

    op.drop_table("journey")
    with op.batch_alter_table("interactionz_grant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_interactionz_grant_workspace_id_effective_at"))

    op.drop_table("interactionz_grant")
    op.drop_table("cycle_closing")
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_workspace_id_root_id"))
        batch_op.drop_index(
            batch_op.f("ix_contact_workspace_id_merged_into_id_merged_at"),
            sqlite_where=sa.text("merged_into_id IS NOT NULL"),
            postgresql_where=sa.text("merged_into_id IS NOT NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_contact_workspace_id_created_at_id"))

    op.drop_table("contact")
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_campaign_workspace_id_created_at_id"))

    op.drop_table("campaign")
    op.drop_table("billing_cycle")
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_key_id"))

    op.drop_table("api_key")
    op.drop_table("workspace")
