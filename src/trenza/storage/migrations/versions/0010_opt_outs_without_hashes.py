"""An opt-out by a word no longer keeps a hash of the message that the word was."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE consent_event SET content_hash = '' WHERE source = 'opt-out-word'")
