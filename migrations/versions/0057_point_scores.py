"""How likely a number or an address reaches the right person, and why."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contact_points", sa.Column("score", sa.REAL(), nullable=True))
    op.add_column("contact_points", sa.Column("score_reasons", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("contact_points", "score_reasons")
    op.drop_column("contact_points", "score")
