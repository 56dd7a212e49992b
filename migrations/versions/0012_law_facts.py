"""What the law is told beside the account: the agency's and the portfolio's facts, the region of a number."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("agencies", "portfolios"):
        op.add_column(
            table, sa.Column("law", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False)
        )
    op.add_column("contact_points", sa.Column("region", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("contact_points", "region")
    for table in ("portfolios", "agencies"):
        op.drop_column(table, "law")
