"""Who speaks in an action, and in whose name a decision was made."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("actions", sa.Column("assistant", postgresql.JSONB(), nullable=True))
    op.add_column("decisions", sa.Column("assistant", sa.String(length=60), nullable=True))


def downgrade() -> None:
    op.drop_column("decisions", "assistant")
    op.drop_column("actions", "assistant")
