"""How people answered by the hour, as the last plan of all accounts counted it: a plan of one debtor uses it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0078"
down_revision = "0079"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("plan_runs", sa.Column("hours", JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("plan_runs", "hours")
