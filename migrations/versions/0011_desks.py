"""The desk of a user, whose offers a creditor may limit."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("desk", sa.String(length=40), nullable=True))


def downgrade() -> None:
    op.drop_column("users", "desk")
