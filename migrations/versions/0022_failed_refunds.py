"""Refunds that failed at the gateway, and what is still to be paid back of them."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("reversals", "kind", type_=sa.String(13), existing_type=sa.String(11))
    op.add_column(
        "refund_tasks",
        sa.Column("failed_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("refund_tasks", "failed_minor")
    op.alter_column("reversals", "kind", type_=sa.String(11), existing_type=sa.String(13))
