"""What people are trained for and speak, and with whom a debtor spoke last."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("skills", "languages"):
        op.add_column(
            "users", sa.Column(name, postgresql.ARRAY(sa.String()), server_default="{}", nullable=False)
        )
    op.add_column("conversations", sa.Column("spoke_with", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("conversations", "spoke_with")
    for name in ("languages", "skills"):
        op.drop_column("users", name)
