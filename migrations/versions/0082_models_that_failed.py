"""Which kinds of models failed in a plan is kept with it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0082"
down_revision = "0073"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("plan_runs", sa.Column("failed", ARRAY(sa.String), server_default="{}", nullable=False))


def downgrade() -> None:
    op.drop_column("plan_runs", "failed")
