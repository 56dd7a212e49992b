"""Plans with their instalments, settlements, saved ways to pay, hardship cases, what debtors told of their means."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


def upgrade() -> None:
    op.add_column("promises", sa.Column("override_by", sa.String(), nullable=True))
    op.add_column("promises", sa.Column("override_why", sa.String(), nullable=True))
    op.create_table(
        "plans",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=False),
        sa.Column("account_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("settlement_id", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("choice", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("grace_days", sa.BigInteger(), nullable=False),
        sa.Column("made_with", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("beyond", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("approver", sa.String(length=13), nullable=True),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_note", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_plans")),
        info={"scope": "tenant"},
    )
    op.create_index("ix_plans_debtor", "plans", ["tenant_id", "debtor_id"], unique=False)
    op.create_index(
        "ix_plans_running",
        "plans",
        ["tenant_id", "state"],
        unique=False,
        postgresql_where=sa.text("state IN ('asked', 'running')"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON plans TO recupero_app")
    op.execute("ALTER TABLE plans ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE plans FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON plans USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.create_table(
        "plan_instalments",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=6), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "plan_id"],
            ["plans.tenant_id", "plans.id"],
            name=op.f("fk_plan_instalments_tenant_id_plan_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_plan_instalments")),
        sa.UniqueConstraint(
            "tenant_id", "plan_id", "number", name=op.f("uq_plan_instalments_tenant_id_plan_id_number")
        ),
        info={"scope": "tenant"},
    )
    op.create_index(
        "ix_plan_instalments_due",
        "plan_instalments",
        ["tenant_id", "due_date"],
        unique=False,
        postgresql_where=sa.text("state IN ('open', 'late')"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON plan_instalments TO recupero_app")
    op.execute("ALTER TABLE plan_instalments ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE plan_instalments FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON plan_instalments USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.create_table(
        "settlements",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=False),
        sa.Column("account_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("instalments", sa.BigInteger(), nullable=False),
        sa.Column("choice", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column("pay_by", sa.Date(), nullable=False),
        sa.Column("made_with", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_with", sa.String(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("written_off_minor", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("beyond", postgresql.ARRAY(sa.String()), nullable=False),
        sa.Column("approver", sa.String(length=13), nullable=True),
        sa.Column("why", sa.String(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_note", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_settlements")),
        info={"scope": "tenant"},
    )
    op.create_index("ix_settlements_debtor", "settlements", ["tenant_id", "debtor_id"], unique=False)
    op.create_index(
        "ix_settlements_open",
        "settlements",
        ["tenant_id", "state"],
        unique=False,
        postgresql_where=sa.text("state IN ('asked', 'offered', 'accepted')"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON settlements TO recupero_app")
    op.execute("ALTER TABLE settlements ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE settlements FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON settlements USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.create_table(
        "hardship_cases",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("hold_id", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("evidence", sa.LargeBinary(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_with", sa.String(), nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(), nullable=True),
        sa.Column("outcome", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_hardship_cases")),
        info={"scope": "tenant"},
    )
    op.create_index("ix_hardship_cases_debtor", "hardship_cases", ["tenant_id", "debtor_id"], unique=False)
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON hardship_cases TO recupero_app")
    op.execute("ALTER TABLE hardship_cases ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE hardship_cases FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON hardship_cases USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.create_table(
        "means_statements",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("debtor_id", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("answers", sa.LargeBinary(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_with", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_means_statements")),
        info={"scope": "tenant"},
    )
    op.create_index(
        "ix_means_statements_debtor", "means_statements", ["tenant_id", "debtor_id"], unique=False
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON means_statements TO recupero_app")
    op.execute("ALTER TABLE means_statements ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE means_statements FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON means_statements USING ({_TENANT}) WITH CHECK ({_TENANT})")


def downgrade() -> None:
    op.drop_column("promises", "override_why")
    op.drop_column("promises", "override_by")
    op.drop_table("means_statements")
    op.drop_table("hardship_cases")
    op.drop_table("settlements")
    op.drop_table("plan_instalments")
    op.drop_table("plans")
