"""Actions that wait for a person's yes are found by their moment."""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_actions_proposed", "actions", ["tenant_id", "due_at"], postgresql_where="state = 'proposed'"
    )


def downgrade() -> None:
    op.drop_index("ix_actions_proposed", "actions")
