"""What was booked since a moment is found by an index, and so are the few bookings that a bank has to show."""

from alembic import op

revision = "0102"
down_revision = "0101"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_ledger_transactions_occurred": "ledger_transactions (tenant_id, occurred_at)",
    "ix_ledger_transactions_left": (
        "ledger_transactions (tenant_id, id) WHERE kind IN ('payout', 'fees_taken', 'advance')"
    ),
    "ix_payments_manual": "payments (tenant_id, id) WHERE kind = 'manual'",
}


def upgrade() -> None:
    for name, what in INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON {what}")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
