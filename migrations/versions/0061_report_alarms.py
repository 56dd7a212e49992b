"""Reports that did not hold what was booked when the scheduled check looked."""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.create_table(
        "report_alarms",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_report_alarms")),
        info={"scope": "tenant"},
    )
    op.create_index(
        "uq_report_alarms_open",
        "report_alarms",
        ["tenant_id", "problem"],
        unique=True,
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON report_alarms TO recupero_app")
    op.execute("ALTER TABLE report_alarms ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE report_alarms FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON report_alarms USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE report_alarms ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")


def downgrade() -> None:
    op.drop_table("report_alarms")
