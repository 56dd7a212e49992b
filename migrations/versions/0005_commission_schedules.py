"""Tax on commission, and what of a payment went back, apart for refunds and chargebacks."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ADDED = (("allocations", "tax_minor"), ("payments", "refunded_minor"), ("payments", "charged_back_minor"))


def upgrade() -> None:
    for table, column in _ADDED:
        op.add_column(table, sa.Column(column, sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    for table, column in reversed(_ADDED):
        op.drop_column(table, column)
