"""Lines of statements whose fee a gateway has left with the agency already."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "remittance_items",
        sa.Column("fee_taken", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("remittance_items", "fee_taken")
