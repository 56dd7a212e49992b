"""A hand-over need not have a message or call: people ask for a person on their own page, too."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("hand_overs", "contact_id", nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM hand_overs WHERE contact_id IS NULL")
    op.alter_column("hand_overs", "contact_id", nullable=False)
