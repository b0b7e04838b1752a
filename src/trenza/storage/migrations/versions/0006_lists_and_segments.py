"""Lists of contacts, and segments."""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from trenza.storage.columns import DOCUMENT, ID

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, columns in (
        ("contact_list", ()),
        ("segment", (sa.Column("definition", DOCUMENT, nullable=False),)),
    ):
        op.create_table(
            table,
            sa.Column("workspace_id", ID, nullable=False),
            sa.Column("id", ID, nullable=False),
            sa.Column("name", sa.String(), nullable=False),
            *columns,
            sa.Column("created_at", UTCDateTime(), nullable=False),
            sa.Column("updated_at", UTCDateTime(), nullable=False),
            sa.ForeignKeyConstraint(
                ["workspace_id"], ["workspace.workspace_id"], name=op.f(f"fk_{table}_workspace_id")
            ),
            sa.PrimaryKeyConstraint("workspace_id", "id", name=op.f(f"pk_{table}")),
            sa.UniqueConstraint("workspace_id", "name", name=op.f(f"uq_{table}_workspace_id_name")),
        )
        op.create_index(
            f"ix_{table}_workspace_id_created_at_id", table, ["workspace_id", "created_at", "id"]
        )
    op.create_table(
        "contact_list_member",
        sa.Column("workspace_id", ID, nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("contact_id", ID, nullable=False),
        sa.Column("owner_id", ID, nullable=False),
        sa.Column("added_at", UTCDateTime(), nullable=False),
        sa.Column("key_id", ID, nullable=True),
        sa.Column("user_id", ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspace.workspace_id"],
            name=op.f("fk_contact_list_member_workspace_id"),
        ),
        *(
            sa.ForeignKeyConstraint(
                ["workspace_id", column],
                [f"{target}.workspace_id", f"{target}.id"],
                name=op.f(f"fk_contact_list_member_workspace_id_{column}"),
            )
            for column, target in (
                ("list_id", "contact_list"),
                ("contact_id", "contact"),
                ("owner_id", "contact"),
            )
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "list_id", "contact_id", name=op.f("pk_contact_list_member")
        ),
    )
    op.create_index(
        "ix_contact_list_member_workspace_id_owner_id_list_id",
        "contact_list_member",
        ["workspace_id", "owner_id", "list_id"],
    )
