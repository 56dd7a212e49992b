"""A plan keeps what was scarce and at what price, so that a few debtors can be planned again by themselves."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("plan_runs", sa.Column("prices", JSONB(), nullable=False, server_default="{}"))
    op.add_column("plan_runs", sa.Column("part_of", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("plan_runs", "part_of")
    op.drop_column("plan_runs", "prices")
