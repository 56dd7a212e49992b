"""Orders for many accounts at once."""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

_AGENCY = "agency_id = nullif(current_setting('app.agency_id', true), '')::bigint"


def upgrade() -> None:
    op.create_table(
        "bulk_orders",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("do", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("tenant_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("account_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=7), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("agency_id", "id", name=op.f("pk_bulk_orders")),
        info={"scope": "agency"},
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON bulk_orders TO recupero_app")
    op.execute("ALTER TABLE bulk_orders ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE bulk_orders FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON bulk_orders USING ({_AGENCY}) WITH CHECK ({_AGENCY})")
    op.execute("ALTER TABLE bulk_orders ALTER COLUMN agency_id SET (n_distinct=-0.0001)")


def downgrade() -> None:
    op.drop_table("bulk_orders")
