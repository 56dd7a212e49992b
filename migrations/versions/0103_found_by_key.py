"""What debtors told of an account, who was handed over, and whom an agent spoke with are found by their keys."""

from alembic import op

revision = "0103"
down_revision = "0098"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_tellings_account": "tellings (tenant_id, account_id)",
    "ix_hand_overs_debtor": "hand_overs (tenant_id, debtor_id, id)",
    "ix_conversations_spoke": "conversations (tenant_id, spoke_with) WHERE spoke_with IS NOT NULL",
}


def upgrade() -> None:
    for name, what in INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON {what}")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
