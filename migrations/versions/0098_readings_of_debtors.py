"""Whether the house answered what a debtor wrote lately is found without reading all that was read."""

from alembic import op

revision = "0098"
down_revision = "0102"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_message_readings_debtor", "message_readings", ["tenant_id", "debtor_id", "read_at"])


def downgrade() -> None:
    op.drop_index("ix_message_readings_debtor", "message_readings")
