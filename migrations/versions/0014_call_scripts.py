"""Call scripts in versions, and each call's way through its script."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)
_AGENCY = "agency_id = nullif(current_setting('app.agency_id', true), '')::bigint"


def upgrade() -> None:
    op.create_table(
        "call_scripts",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("agency_id", "id", name=op.f("pk_call_scripts")),
        sa.UniqueConstraint(
            "agency_id",
            "tenant_id",
            "name",
            "version",
            name=op.f("uq_call_scripts_agency_id_tenant_id_name_version"),
            postgresql_nulls_not_distinct=True,
        ),
        info={"scope": "agency"},
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON call_scripts TO recupero_app")
    op.execute("ALTER TABLE call_scripts ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE call_scripts FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON call_scripts USING ({_AGENCY}) WITH CHECK ({_AGENCY})")
    op.create_table(
        "call_runs",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=False),
        sa.Column("script_id", sa.BigInteger(), nullable=True),
        sa.Column("script", sa.String(length=40), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("led_by", sa.String(length=5), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_call_runs")),
        sa.UniqueConstraint("tenant_id", "contact_id", name=op.f("uq_call_runs_tenant_id_contact_id")),
        info={"scope": "tenant"},
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON call_runs TO recupero_app")
    op.execute("ALTER TABLE call_runs ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE call_runs FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON call_runs USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.create_table(
        "call_steps",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("step", sa.String(length=40), nullable=False),
        sa.Column("answer", sa.String(length=40), nullable=False),
        sa.Column("to", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_call_steps")),
        info={"scope": "tenant", "append_only": True},
    )
    op.create_index("ix_call_steps_run", "call_steps", ["tenant_id", "run_id", "id"], unique=False)
    op.execute("GRANT SELECT, INSERT ON call_steps TO recupero_app")
    op.execute("ALTER TABLE call_steps ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE call_steps FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON call_steps USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON call_steps"
        " FOR EACH STATEMENT EXECUTE FUNCTION recupero_refuse_changes()"
    )


def downgrade() -> None:
    op.drop_table("call_steps")
    op.drop_table("call_runs")
    op.drop_table("call_scripts")
