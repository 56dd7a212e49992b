"""A task to pay money back may be dismissed, with the reason."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("refund_tasks", "state", type_=sa.String(length=9), existing_type=sa.String(length=4))
    op.add_column("refund_tasks", sa.Column("reason", sa.String(), nullable=True))


def downgrade() -> None:
    op.execute("UPDATE refund_tasks SET state = 'void' WHERE state = 'dismissed'")
    op.drop_column("refund_tasks", "reason")
    op.alter_column("refund_tasks", "state", type_=sa.String(length=4), existing_type=sa.String(length=9))
