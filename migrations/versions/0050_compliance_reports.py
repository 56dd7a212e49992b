"""Compliance reports that were made, as they were sealed"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.create_table(
        "compliance_reports",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_compliance_reports")),
        info={"scope": "tenant", "append_only": True},
    )
    op.execute("GRANT SELECT, INSERT ON compliance_reports TO recupero_app")
    op.execute("ALTER TABLE compliance_reports ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE compliance_reports FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON compliance_reports USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE compliance_reports ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON compliance_reports FOR EACH STATEMENT EXECUTE FUNCTION recupero_refuse_changes()"
    )


def downgrade() -> None:
    op.drop_table("compliance_reports")
