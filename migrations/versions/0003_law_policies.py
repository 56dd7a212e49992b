"""House rules above the law, in versions that are added and never changed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_AGENCY = "agency_id = nullif(current_setting('app.agency_id', true), '')::bigint"


def upgrade() -> None:
    op.create_table(
        "law_policies",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("limits", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("agency_id", "id", name=op.f("pk_law_policies")),
        info={"scope": "agency", "append_only": True},
    )
    op.create_index("ix_law_policies_starts", "law_policies", ["agency_id", "tenant_id", "starts_at"])
    op.execute("GRANT SELECT, INSERT ON law_policies TO recupero_app")
    op.execute("ALTER TABLE law_policies ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE law_policies FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON law_policies USING ({_AGENCY}) WITH CHECK ({_AGENCY})")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON law_policies"
        " FOR EACH STATEMENT EXECUTE FUNCTION recupero_refuse_changes()"
    )


def downgrade() -> None:
    op.drop_index("ix_law_policies_starts", table_name="law_policies")
    op.drop_table("law_policies")
