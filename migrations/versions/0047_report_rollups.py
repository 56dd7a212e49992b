"""What the recovery report adds up, kept as events arrive; test accounts; what brought a promise."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

_TENANT = (
    "tenant_id = ANY (string_to_array(nullif(current_setting('app.tenant_ids', true), ''), ',')::bigint[])"
)


# What a promise or payment was counted to so far, and is from now on: the last contact of the month before.
_BROUGHT = """
(SELECT c.channel FROM contacts c WHERE c.tenant_id = {table}.tenant_id AND c.account_id = {account}
   AND c.at <= {at} AND c.at > {at} - interval '30 days' AND c.direction = 'outbound'
   AND c.state NOT IN ('reserved', 'failed') ORDER BY c.at DESC LIMIT 1)
"""
_PROMISES = f"""
UPDATE promises SET channel = coalesce(
    (SELECT c.channel FROM contacts c
     WHERE c.tenant_id = promises.tenant_id AND c.id = promises.contact_id),
    {_BROUGHT.format(table="promises", account="promises.account_id", at="promises.made_at")})
"""
_PAYMENTS = f"""
UPDATE payments SET channel = {
    _BROUGHT.format(table="payments", account="payments.account_ids[1]", at="payments.received_at")
} WHERE channel IS NULL
"""


def upgrade() -> None:
    op.add_column(
        "accounts", sa.Column("is_test", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_index(
        "ix_contacts_unnamed",
        "contacts",
        ["tenant_id", "debtor_id"],
        postgresql_where=sa.text("account_id IS NULL"),
    )
    op.add_column("promises", sa.Column("channel", sa.String(), nullable=True))
    op.execute(_PROMISES)
    op.execute(_PAYMENTS)
    op.create_table(
        "report_placed",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("cohort", sa.Date(), nullable=False),
        sa.Column("closed", sa.Date(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("accounts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("placed_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("invalid_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("owing", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("folded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("portfolio_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_report_placed")),
        info={"scope": "tenant"},
    )
    op.create_index(
        "ix_report_placed_open",
        "report_placed",
        ["tenant_id"],
        unique=False,
        postgresql_where=sa.text("NOT folded"),
    )
    op.create_index(
        "uq_report_placed_folded",
        "report_placed",
        ["tenant_id", "currency", "portfolio_id", "batch_id", "cohort", "closed", "code"],
        unique=True,
        postgresql_where=sa.text("folded"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON report_placed TO recupero_app")
    op.execute("ALTER TABLE report_placed ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE report_placed FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON report_placed USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE report_placed ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.create_table(
        "report_money",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("cohort", sa.Date(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("direct", sa.Boolean(), nullable=False),
        sa.Column("received_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("reversed_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("folded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("portfolio_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_report_money")),
        info={"scope": "tenant"},
    )
    op.create_index(
        "ix_report_money_open",
        "report_money",
        ["tenant_id"],
        unique=False,
        postgresql_where=sa.text("NOT folded"),
    )
    op.create_index(
        "uq_report_money_folded",
        "report_money",
        ["tenant_id", "currency", "portfolio_id", "batch_id", "cohort", "month", "direct"],
        unique=True,
        postgresql_where=sa.text("folded"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON report_money TO recupero_app")
    op.execute("ALTER TABLE report_money ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE report_money FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON report_money USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE report_money ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.create_table(
        "report_activity",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("channel", sa.String(length=12), nullable=False),
        sa.Column("charged_in", sa.String(length=3), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("connects", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("answered", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("right_party", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("out_of_policy", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("delivered", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("opened", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("clicked", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("charged", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cost_micro", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("promises", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("due", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("kept", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("partly", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("broken", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("promised_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("counted_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("payments", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("portfolio_payments", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("moved_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("complaints", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("disputes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("opt_outs", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("folded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("portfolio_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_report_activity")),
        info={"scope": "tenant"},
    )
    op.create_index("ix_report_activity_month", "report_activity", ["tenant_id", "month"], unique=False)
    op.create_index(
        "ix_report_activity_open",
        "report_activity",
        ["tenant_id"],
        unique=False,
        postgresql_where=sa.text("NOT folded"),
    )
    op.create_index(
        "uq_report_activity_folded",
        "report_activity",
        ["tenant_id", "month", "currency", "portfolio_id", "channel", "charged_in"],
        unique=True,
        postgresql_where=sa.text("folded"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON report_activity TO recupero_app")
    op.execute("ALTER TABLE report_activity ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE report_activity FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON report_activity USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE report_activity ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.create_table(
        "report_spans",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("channel", sa.String(length=12), nullable=False),
        sa.Column("series", sa.String(length=24), nullable=False),
        sa.Column("at", sa.Date(), nullable=False),
        sa.Column("before", sa.Date(), nullable=False),
        sa.Column("accounts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("folded", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("portfolio_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_report_spans")),
        info={"scope": "tenant"},
    )
    op.create_index(
        "ix_report_spans_open",
        "report_spans",
        ["tenant_id"],
        unique=False,
        postgresql_where=sa.text("NOT folded"),
    )
    op.create_index(
        "uq_report_spans_folded",
        "report_spans",
        ["tenant_id", "currency", "portfolio_id", "channel", "series", "at", "before"],
        unique=True,
        postgresql_where=sa.text("folded"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON report_spans TO recupero_app")
    op.execute("ALTER TABLE report_spans ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE report_spans FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON report_spans USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE report_spans ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.create_table(
        "report_reach",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=12), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("portfolio_id", sa.BigInteger(), nullable=False),
        sa.Column("workable", postgresql.DATEMULTIRANGE(), nullable=False),
        sa.Column("attempted", postgresql.DATEMULTIRANGE(), nullable=False),
        sa.Column("reached", postgresql.DATEMULTIRANGE(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "account_id", "channel", name=op.f("pk_report_reach")),
        info={"scope": "tenant"},
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON report_reach TO recupero_app")
    op.execute("ALTER TABLE report_reach ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE report_reach FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON report_reach USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE report_reach ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")
    op.create_table(
        "report_stale",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_report_stale")),
        info={"scope": "tenant"},
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON report_stale TO recupero_app")
    op.execute("ALTER TABLE report_stale ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE report_stale FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY scope ON report_stale USING ({_TENANT}) WITH CHECK ({_TENANT})")
    op.execute("ALTER TABLE report_stale ALTER COLUMN tenant_id SET (n_distinct=-0.0001)")


def downgrade() -> None:
    op.drop_column("promises", "channel")
    op.drop_index("ix_contacts_unnamed", table_name="contacts")
    op.drop_column("accounts", "is_test")
    op.drop_table("report_stale")
    op.drop_table("report_reach")
    op.drop_table("report_spans")
    op.drop_table("report_activity")
    op.drop_table("report_money")
    op.drop_table("report_placed")
