"""Groups of agents, how users stand, and keys that belong to a user and are rotated."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from trenza.domain.text import searchable
from trenza.storage.columns import ID

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


HOW_USERS_STAND = """
UPDATE workspace_user SET
  invited_at = coalesce((
    SELECT max(at) FROM seat_event
    WHERE seat_event.workspace_id = workspace_user.workspace_id
      AND seat_event.user_id = workspace_user.id AND kind = 'INVITED'
  ), created_at),
  accepted_at = (
    SELECT max(at) FROM seat_event
    WHERE seat_event.workspace_id = workspace_user.workspace_id
      AND seat_event.user_id = workspace_user.id AND kind = 'ACCEPTED'
  ),
  last_activity_at = (
    SELECT max(last_activity_at) FROM sign_in
    WHERE sign_in.workspace_id = workspace_user.workspace_id
      AND sign_in.user_id = workspace_user.id
  ),
  standing = coalesce((
    SELECT CASE kind WHEN 'ACCEPTED' THEN 'ACTIVE' WHEN 'REACTIVATED' THEN 'ACTIVE' ELSE kind END
    FROM seat_event
    WHERE seat_event.workspace_id = workspace_user.workspace_id
      AND seat_event.user_id = workspace_user.id
    ORDER BY at DESC, id DESC LIMIT 1
  ), 'INVITED')
"""


def upgrade() -> None:
    op.create_table(
        "agent_group",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_agent_group_workspace_id")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f("pk_agent_group")),
        sa.UniqueConstraint("workspace_id", "name", name=op.f("uq_agent_group_workspace_id_name")),
    )
    op.create_index(
        "ix_agent_group_workspace_id_created_at_id",
        "agent_group",
        ["workspace_id", "created_at", "id"],
    )
    op.create_table(
        "group_member",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("group_id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("added_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.workspace_id"], name=op.f("fk_group_member_workspace_id")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "group_id"],
            ["agent_group.workspace_id", "agent_group.id"],
            name=op.f("fk_group_member_workspace_id_group_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["workspace_user.workspace_id", "workspace_user.id"],
            name=op.f("fk_group_member_workspace_id_user_id"),
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "group_id", "user_id", name=op.f("pk_group_member")
        ),
    )
    op.create_index(
        "ix_group_member_workspace_id_user_id_group_id",
        "group_member",
        ["workspace_id", "user_id", "group_id"],
    )
    _users()
    _keys()


def _users() -> None:
    for column in (
        sa.Column("name_searchable", sa.String(), server_default="", nullable=False),
        sa.Column("standing", ID, server_default="INVITED", nullable=False),
        sa.Column(
            "invited_at",
            UTCDateTime(),
            server_default="1970-01-01 00:00:00.000000",
            nullable=False,
        ),
        sa.Column("accepted_at", UTCDateTime(), nullable=True),
        sa.Column("last_activity_at", UTCDateTime(), nullable=True),
    ):
        op.add_column("workspace_user", column)
    op.create_index(
        "ix_workspace_user_workspace_id_created_at_id",
        "workspace_user",
        ["workspace_id", "created_at", "id"],
    )
    op.execute(HOW_USERS_STAND)
    users = sa.table(
        "workspace_user",
        *(sa.column(name) for name in ("workspace_id", "id", "name", "email", "name_searchable")),
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(users)).all():
        connection.execute(
            sa.update(users)
            .where(users.c.workspace_id == row.workspace_id, users.c.id == row.id)
            .values(name_searchable=searchable(f"{row.name}\n{row.email}"))
        )


def _keys() -> None:
    with op.batch_alter_table("api_key") as table:
        table.add_column(sa.Column("user_id", ID, nullable=True))
        table.add_column(sa.Column("rotated_at", UTCDateTime(), nullable=True))
        table.add_column(sa.Column("former_secret_hash", ID, nullable=True))
        table.add_column(sa.Column("former_until", UTCDateTime(), nullable=True))
        table.create_foreign_key(
            op.f("fk_api_key_workspace_id_user_id"),
            "workspace_user",
            ["workspace_id", "user_id"],
            ["workspace_id", "id"],
        )
        table.create_index(
            "ix_api_key_workspace_id_created_at_id", ["workspace_id", "created_at", "id"]
        )
