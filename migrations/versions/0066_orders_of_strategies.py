"""Which version each portfolio had, and has, by an order that gave many the same strategy."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0066"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("bulk_orders", sa.Column("versions", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("bulk_orders", "versions")
