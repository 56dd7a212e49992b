"""Which reports go out by e-mail by themselves, and each one that went"""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.create_table(
        "report_schedules",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("report", sa.String(length=10), nullable=False),
        sa.Column("form", sa.String(length=4), nullable=False),
        sa.Column("every", sa.String(length=7), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("recipients", sa.LargeBinary(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_report_schedules")),
        info={"scope": "tenant"},
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON report_schedules TO recupero_app")
    op.execute("ALTER TABLE report_schedules ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE report_schedules FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON report_schedules USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE report_schedules ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.create_table(
        "report_mails",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("schedule_id", sa.BigInteger(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=7), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_report_mails")),
        sa.UniqueConstraint(
            "tenant_id", "schedule_id", "period", name=op.f("uq_report_mails_tenant_id_schedule_id_period")
        ),
        info={"scope": "tenant"},
    )
    op.create_index(
        "ix_report_mails_open",
        "report_mails",
        ["tenant_id", "next_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting', 'sending')"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON report_mails TO recupero_app")
    op.execute("ALTER TABLE report_mails ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE report_mails FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON report_mails USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE report_mails ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")


def downgrade() -> None:
    op.drop_table("report_mails")
    op.drop_table("report_schedules")
