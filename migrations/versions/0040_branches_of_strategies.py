"""Decisions name the segment and the arm of the strategy they were made under."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decisions", sa.Column("segment", sa.String(60)))
    op.add_column("decisions", sa.Column("arm", sa.String(60)))


def downgrade() -> None:
    op.drop_column("decisions", "arm")
    op.drop_column("decisions", "segment")
