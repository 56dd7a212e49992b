"""Payments that no debt took are found by an index of their own, however many others a creditor has."""

from alembic import op

revision = "0096"
down_revision = "0087"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX ix_payments_suspense ON payments (tenant_id, received_at) WHERE state = 'suspense'")


def downgrade() -> None:
    op.execute("DROP INDEX ix_payments_suspense")
