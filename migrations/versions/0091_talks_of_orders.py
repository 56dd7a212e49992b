"""An order about many conversations keeps how each stood before, so that it can be taken back."""

from alembic import op

revision = "0091"
down_revision = "0085"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE bulk_orders ADD COLUMN talks jsonb")


def downgrade() -> None:
    op.execute("ALTER TABLE bulk_orders DROP COLUMN talks")
